/*
 * backend/cpu/lanes.h -- a vector of GCR_VEC_LANES numbers, one of each lane, on every code path.
 *
 * The only file that knows instruction sets. Arithmetic is gcc's on vector types; here is what has
 * no operator: a fused multiply-add where the path has one, the square root, and choosing by lane.
 * The numbers are of the unit's precision, and a vector of floats has twice as many of them.
 * Comes before the kernel, to which it says how many lanes there are.
 */
#ifndef GCR_CPU_LANES_H
#define GCR_CPU_LANES_H

#include "gridcrunch/kernel_real.h"
#include "gridcrunch/kind.h"

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define GCR_LANES_PATH GCR_PATH_V4
#define GCR_VEC_BYTES 64
#define GCR_VEC_REGISTERS 32
#define GCR_MM_PREFIX _mm512_
#elif defined(__AVX2__) && defined(__FMA__)
#define GCR_LANES_PATH GCR_PATH_V3
#define GCR_VEC_BYTES 32
#define GCR_VEC_REGISTERS 16
#define GCR_MM_PREFIX _mm256_
#elif !defined(__AVX__)
#define GCR_LANES_PATH GCR_PATH_PLAIN
#define GCR_VEC_BYTES 16
#define GCR_VEC_REGISTERS 16
#define GCR_MM_PREFIX _mm_
#else
#error "no code path has just these instructions: choose one with -march=x86-64, -v3 or -v4"
#endif

/* Integers as wide as the scalar, for its bits and for the outcome of comparisons. */
#if defined(GCR_SINGLE)
#define GCR_UNIT_SCALAR GCR_F32
#define GCR_REAL_BYTES 4
#define GCR_MM_SUFFIX _ps
typedef int32_t gcr_real_int;
typedef uint32_t gcr_real_bits;
#else
#define GCR_UNIT_SCALAR GCR_F64
#define GCR_REAL_BYTES 8
#define GCR_MM_SUFFIX _pd
typedef int64_t gcr_real_int;
typedef uint64_t gcr_real_bits;
#endif

/* GCR_MM(sqrt) is _mm512_sqrt_pd, or what the path and the scalar have in its place. */
#define GCR_MM_JOINED(prefix, name, suffix) prefix##name##suffix
#define GCR_MM_JOIN(prefix, name, suffix) GCR_MM_JOINED(prefix, name, suffix)
#define GCR_MM(name) GCR_MM_JOIN(GCR_MM_PREFIX, name, GCR_MM_SUFFIX)
#define GCR_MM_MASK(name) GCR_MM_JOIN(GCR_MM(name), _mask, )

/* An engine may compute several vectors of cells side by side: then it says so before. */
#if !defined(GCR_VECS)
#define GCR_VECS 1
#endif
#define GCR_VEC_LANES (GCR_VEC_BYTES / GCR_REAL_BYTES)
#define GCR_LANES (GCR_VECS * GCR_VEC_LANES)

typedef gcr_real gcr_vec __attribute__((vector_size(GCR_VEC_BYTES)));
typedef gcr_real_int gcr_mask __attribute__((vector_size(GCR_VEC_BYTES))); /* comparison: 0, -1 */
typedef gcr_real_bits gcr_bits_vec __attribute__((vector_size(GCR_VEC_BYTES)));

/* How a number is stored: a fraction below the exponent, which has the bias added. */
enum { GCR_FRACTION_BITS = GCR_DIGITS - 1 };
#define GCR_EXPONENT_BIAS (GCR_REAL_BYTES == 4 ? 127 : 1023)
#define GCR_FRACTION_MASK (((gcr_real_int)1 << GCR_FRACTION_BITS) - 1)
#define GCR_BITS_OF_ONE ((gcr_real_int)GCR_EXPONENT_BIAS << GCR_FRACTION_BITS)

/* All that a function calls is inlined into it; instrumented, that would take three times as long
 * to compile and find nothing more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GCR_FLATTEN
#else
#define GCR_FLATTEN __attribute__((flatten))
#endif

#define GCR_LANES_FN static inline __attribute__((always_inline, unused))

/* A stage of the computation, compiled by itself with all that it calls: in one function with
 * others the constants of their mathematics take the registers that its sums want (at n = 64, 1.1
 * times as slow). */
#define GCR_LANES_STAGE static GCR_FLATTEN __attribute__((noinline, unused))

GCR_LANES_FN gcr_vec gcr_vec_of(gcr_real x)
{
    return x - (gcr_vec){ 0 }; /* gcc broadcasts the scalar; x - 0 is x, -0 included */
}

/* From any address. */
GCR_LANES_FN gcr_vec gcr_vec_load(const gcr_real *values)
{
    gcr_vec vec;

    __builtin_memcpy(&vec, values, sizeof vec);
    return vec;
}

/* c - a b; rounded once where the path has such an instruction. */
GCR_LANES_FN gcr_vec gcr_vec_subtract_product(gcr_vec c, gcr_vec a, gcr_vec b)
{
#if defined(__FMA__)
    return GCR_MM(fnmadd)(a, b, c);
#else
    return c - a * b;
#endif
}

/* c + a b, as above. */
GCR_LANES_FN gcr_vec gcr_vec_add_product(gcr_vec c, gcr_vec a, gcr_vec b)
{
#if defined(__FMA__)
    return GCR_MM(fmadd)(a, b, c);
#else
    return c + a * b;
#endif
}

GCR_LANES_FN gcr_vec gcr_vec_sqrt(gcr_vec x)
{
#if defined(__x86_64__)
    return GCR_MM(sqrt)(x);
#else
    for (int lane = 0; lane < GCR_VEC_LANES; lane++)
        x[lane] = GCR_REAL_BYTES == 4 ? __builtin_sqrtf(x[lane]) : __builtin_sqrt(x[lane]);
    return x;
#endif
}

/* x where the mask is set, else y. */
GCR_LANES_FN gcr_vec gcr_vec_choose(gcr_mask mask, gcr_vec x, gcr_vec y)
{
    return (gcr_vec)((mask & (gcr_mask)x) | (~mask & (gcr_mask)y));
}

/* Set where x is a number: neither infinite nor NaN. */
GCR_LANES_FN gcr_mask gcr_vec_is_finite(gcr_vec x)
{
    return x - x == 0;
}

/* Whether least <= x <= most in every lane. */
GCR_LANES_FN int gcr_vec_is_within(gcr_vec x, gcr_real least, gcr_real most)
{
    enum { ALL = (1 << GCR_VEC_LANES) - 1 };
#if defined(__AVX512F__)
    return GCR_MM_MASK(mask_cmp)(GCR_MM_MASK(cmp)(x, gcr_vec_of(least), _CMP_GE_OQ), x,
                                 gcr_vec_of(most), _CMP_LE_OQ) == ALL;
#elif defined(__x86_64__)
    return GCR_MM(movemask)((gcr_vec)((x >= least) & (x <= most))) == ALL;
#else
    const gcr_mask within = (x >= least) & (x <= most);
    int lanes = 0;

    for (int lane = 0; lane < GCR_VEC_LANES; lane++)
        lanes |= (within[lane] & 1) << lane;
    return lanes == ALL;
#endif
}

#endif /* GCR_CPU_LANES_H */
