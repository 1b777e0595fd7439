/*
 * backend/cpu/lanes.h -- a vector of GCR_VEC_LANES numbers, one of each lane, on every code path.
 *
 * The only file that knows instruction sets. Arithmetic is gcc's on vector types; here is what has
 * no operator: a fused multiply-add where the path has one, the square root, and choosing by lane.
 * Comes before the kernel, to which it says how many lanes there are.
 */
#ifndef GCR_CPU_LANES_H
#define GCR_CPU_LANES_H

#include "gridcrunch/kind.h"

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define GCR_LANES_PATH GCR_PATH_V4
#define GCR_VEC_LANES 8
#elif defined(__AVX2__) && defined(__FMA__)
#define GCR_LANES_PATH GCR_PATH_V3
#define GCR_VEC_LANES 4
#elif !defined(__AVX__)
#define GCR_LANES_PATH GCR_PATH_PLAIN
#define GCR_VEC_LANES 2
#else
#error "no code path has just these instructions: choose one with -march=x86-64, -v3 or -v4"
#endif

/* An engine may compute several vectors of cells side by side: then it says so before. */
#if !defined(GCR_VECS)
#define GCR_VECS 1
#endif
#define GCR_LANES (GCR_VECS * GCR_VEC_LANES)

typedef double gcr_vec __attribute__((vector_size(8 * GCR_VEC_LANES)));
typedef int64_t gcr_mask __attribute__((vector_size(8 * GCR_VEC_LANES))); /* comparison: 0, -1 */
typedef uint64_t gcr_bits_vec __attribute__((vector_size(8 * GCR_VEC_LANES)));

/* All that a function calls is inlined into it; instrumented, that would take three times as long to
 * compile and find nothing more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GCR_FLATTEN
#else
#define GCR_FLATTEN __attribute__((flatten))
#endif

#define GCR_LANES_FN static inline __attribute__((always_inline, unused))

/* A stage of the computation, compiled by itself with all that it calls: in one function with others
 * the constants of their mathematics take the registers that its sums want (at n = 64, 1.1 times as
 * slow). */
#define GCR_LANES_STAGE static GCR_FLATTEN __attribute__((noinline, unused))

GCR_LANES_FN gcr_vec gcr_vec_of(double x)
{
    return x - (gcr_vec){ 0 }; /* gcc broadcasts the scalar; x - 0 is x, -0 included */
}

/* From any address. */
GCR_LANES_FN gcr_vec gcr_vec_load(const double *values)
{
    gcr_vec vec;

    __builtin_memcpy(&vec, values, sizeof vec);
    return vec;
}

/* c - a b; rounded once where the path has such an instruction. */
GCR_LANES_FN gcr_vec gcr_vec_subtract_product(gcr_vec c, gcr_vec a, gcr_vec b)
{
#if defined(__AVX512F__)
    return _mm512_fnmadd_pd(a, b, c);
#elif defined(__FMA__)
    return _mm256_fnmadd_pd(a, b, c);
#else
    return c - a * b;
#endif
}

/* c + a b, as above. */
GCR_LANES_FN gcr_vec gcr_vec_add_product(gcr_vec c, gcr_vec a, gcr_vec b)
{
#if defined(__AVX512F__)
    return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_pd(a, b, c);
#else
    return c + a * b;
#endif
}

GCR_LANES_FN gcr_vec gcr_vec_sqrt(gcr_vec x)
{
#if defined(__AVX512F__)
    return _mm512_sqrt_pd(x);
#elif defined(__AVX2__)
    return _mm256_sqrt_pd(x);
#elif defined(__x86_64__)
    return _mm_sqrt_pd(x);
#else
    for (int lane = 0; lane < GCR_VEC_LANES; lane++)
        x[lane] = __builtin_sqrt(x[lane]);
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
GCR_LANES_FN int gcr_vec_is_within(gcr_vec x, double least, double most)
{
#if defined(__AVX512F__)
    const __mmask8 above = _mm512_cmp_pd_mask(x, gcr_vec_of(least), _CMP_GE_OQ);

    return _mm512_mask_cmp_pd_mask(above, x, gcr_vec_of(most), _CMP_LE_OQ) == 0xff;
#elif defined(__AVX2__)
    return _mm256_movemask_pd((gcr_vec)((x >= least) & (x <= most))) == 0xf;
#else
    const gcr_mask within = (x >= least) & (x <= most);

    return (within[0] & within[1]) != 0;
#endif
}

#endif /* GCR_CPU_LANES_H */
