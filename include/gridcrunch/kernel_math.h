/*
 * gridcrunch/kernel_math.h -- the mathematics and the clock of kernels, on every device.
 *
 * Part of kernel.h; a kernel file does not include it. The
 * exponential and the logarithm are our own: without calls, tables or branches, so that a compiler
 * turns a loop over them into vector code, which a call into libm forbids. They are within 1 unit
 * in the last place of the exact value, an exponential within 1.25 where no multiply-add rounds
 * once, denormal numbers included (tests/unit/kernels/test_math.c). Here they are in double
 * precision; those of single precision are in kernel_math_f32.h.
 * The others are those of the compiler, which knows them as instructions or calls the device's own
 * library.
 */
#ifndef GCR_KERNEL_MATH_H
#define GCR_KERNEL_MATH_H

#if defined(__CUDACC__)
#define GCR_BUILTIN(name) name
#else
#define GCR_BUILTIN(name) __builtin_##name
#include <time.h>
#endif
#if defined(GCR_SINGLE)
#define GCR_OF_REAL(name) GCR_BUILTIN(name##f)
#else
#define GCR_OF_REAL(name) GCR_BUILTIN(name)
#endif

#define GCR_PI 3.141592653589793238463

GCR_FN gcr_real gcr_sqrt(gcr_real x)
{
    return GCR_OF_REAL(sqrt)(x);
}

GCR_FN gcr_real gcr_fabs(gcr_real x)
{
    return GCR_OF_REAL(fabs)(x);
}

/* x * y + z, rounded once. Slow on a CPU whose code path has no such instruction. */
GCR_FN gcr_real gcr_fma(gcr_real x, gcr_real y, gcr_real z)
{
    return GCR_OF_REAL(fma)(x, y, z);
}

GCR_FN gcr_real gcr_sin(gcr_real x)
{
    return GCR_OF_REAL(sin)(x);
}

GCR_FN gcr_real gcr_cos(gcr_real x)
{
    return GCR_OF_REAL(cos)(x);
}

/* The smaller and the larger; y if either is NaN. */
GCR_FN gcr_real gcr_min(gcr_real x, gcr_real y)
{
    return x < y ? x : y;
}

GCR_FN gcr_real gcr_max(gcr_real x, gcr_real y)
{
    return x > y ? x : y;
}

/* x - x is 0 for every number and NaN for infinities and NaN. */
GCR_FN int gcr_is_finite(gcr_real x)
{
    return x - x == 0;
}

GCR_FN uint64_t gcr_bits(double x)
{
#if defined(__CUDACC__)
    return (uint64_t)__double_as_longlong(x);
#else
    uint64_t bits;

    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
#endif
}

GCR_FN double gcr_from_bits(uint64_t bits)
{
#if defined(__CUDACC__)
    return __longlong_as_double((long long)bits);
#else
    double x;

    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
#endif
}

/* x * y + z: rounded once where that is one instruction and not two, so that the bits of an
 * exponential belong to the kind of a device, as those of a factor do. */
GCR_FN gcr_real gcr_multiply_add(gcr_real x, gcr_real y, gcr_real z)
{
#if defined(__CUDACC__) || defined(__FMA__)
    return gcr_fma(x, y, z);
#else
    return x * y + z;
#endif
}

#if defined(GCR_SINGLE)
#include "gridcrunch/kernel_math_f32.h"
#else

/* e^r for |r| <= log(2) / 2: 1 + r + r^2 q, q the minimax polynomial of
 * tests/reference/exp_coefficients.py, which is off by 0.1 units in the last place of e^r. */
GCR_FN gcr_real gcr_exp_near_0(gcr_real r)
{
    gcr_real q = 0x1.ad7e93153f9adp-26;

    q = gcr_multiply_add(q, r, 0x1.28adb40531115p-22);
    q = gcr_multiply_add(q, r, 0x1.71df2653c28b3p-19);
    q = gcr_multiply_add(q, r, 0x1.a01999ce564ccp-16);
    q = gcr_multiply_add(q, r, 0x1.a01a0129b5469p-13);
    q = gcr_multiply_add(q, r, 0x1.6c16c1843cf60p-10);
    q = gcr_multiply_add(q, r, 0x1.1111111127e34p-7);
    q = gcr_multiply_add(q, r, 0x1.555555555083fp-5);
    q = gcr_multiply_add(q, r, 0x1.55555555554f9p-3);
    q = gcr_multiply_add(q, r, 0x1.000000000000ap-1);
    q = gcr_multiply_add(q, r, 1);
    return gcr_multiply_add(q, r, 1);
}

/* x - k log(2), where adding `shift`, 1.5 * 2^52 and some integer, has rounded x / log(2) to the
 * integer k, and left k and that integer in the low bits of the sum. */
GCR_FN gcr_real gcr_exp_rest(gcr_real x, gcr_real rounded, gcr_real shift)
{
    const gcr_real k = rounded - shift;
    const gcr_real high = gcr_multiply_add(k, -0x1.62e42feep-1, x); /* exact: 31 bits times 11 */

    return gcr_multiply_add(k, -0x1.a39ef35793c76p-33, high);
}

/*
 * e^x. With k = x / log(2) to the nearest integer and r = x - k log(2), e^x = 2^k e^r. 2^k is
 * applied as two factors, each an ordinary number, so that the product overflows, and rounds to a
 * denormal, once: the low bits hold k + 2046, of which each factor has half as its biased exponent,
 * and the shift drops what stands above them.
 * Beyond the ends of the range all that is without meaning, and replaced last: a clamp at the
 * beginning would make compilers work out its two constant cases beside the general one.
 */
GCR_FN gcr_real gcr_exp(gcr_real x)
{
    const gcr_real shift = 0x1.8p52 + 2046;
    const gcr_real rounded = gcr_multiply_add(x, 0x1.71547652b82fep+0, shift);
    const gcr_real r = gcr_exp_rest(x, rounded, shift);
    const uint64_t biased = gcr_bits(rounded);
    const uint64_t half = biased >> 1;
    const gcr_real scale = gcr_from_bits(half << 52);
    const gcr_real other_scale = gcr_from_bits((biased - half) << 52);
    const gcr_real value = gcr_exp_near_0(r) * scale * other_scale;
    const gcr_real above = x < -746 ? 0 : value; /* a NaN passes both */

    return x > 710 ? gcr_from_bits(0x7ff0000000000000) : above;
}

/* e^-a for -709 <= a <= 708, 0 above, where it would be less than 4e-308, and below anything. As
 * close as gcr_exp(-a) at three quarters of its cost, for covariances: without denormal results one
 * factor is enough. (Rejected: even and odd powers apart, a chain of half the length, as lanes and
 * neighbouring entries fill the pipes already; 2^-a, whose r is exact without two constants, as it
 * takes two rates where the argument itself is a factor, too.) */
GCR_FN gcr_real gcr_exp_minus(gcr_real a)
{
    const gcr_real shift = 0x1.8p52 + 1023;
    const gcr_real rounded = gcr_multiply_add(-a, 0x1.71547652b82fep+0, shift);
    const gcr_real r = gcr_exp_rest(-a, rounded, shift);
    const gcr_real scale = gcr_from_bits(gcr_bits(rounded) << 52);
    const gcr_real value = gcr_exp_near_0(r) * scale;

    return a > 708 ? 0 : value; /* a NaN passes */
}

/* (log(1 + f) - f + f^2 / 2) / s - f^2 / 2 with s = f / (2 + f), z = s^2, 1 + f from sqrt(1/2) to
 * sqrt(2). The polynomial is fdlibm's (e_log.c): off by 2^-58.45. */
GCR_FN gcr_real gcr_log_tail(gcr_real z)
{
    gcr_real q = 0x1.2f112df3e5244p-3;

    q = gcr_multiply_add(q, z, 0x1.39a09d078c69fp-3);
    q = gcr_multiply_add(q, z, 0x1.7466496cb03dep-3);
    q = gcr_multiply_add(q, z, 0x1.c71c51d8e78afp-3);
    q = gcr_multiply_add(q, z, 0x1.2492494229359p-2);
    q = gcr_multiply_add(q, z, 0x1.999999997fa04p-2);
    return z * gcr_multiply_add(q, z, 0x1.5555555555593p-1);
}

/*
 * log(x). With x = 2^k (1 + f), 1 + f from sqrt(1/2) to sqrt(2), log(x) = k log(2) + log(1 + f);
 * the first term in two parts, of which the first is exact. k becomes a number by the way of
 * gcr_exp back: or-ed into the low bits of 2^52. What is not a positive number is replaced last.
 */
GCR_FN gcr_real gcr_log(gcr_real x)
{
    const uint64_t root = 0x3fe6a09e00000000, one = 0x3ff0000000000000; /* sqrt(1/2), 1 */
    const int is_denormal = x < 0x1p-1022;
    const uint64_t bits = gcr_bits(is_denormal ? x * 0x1p54 : x) + (one - root);
    const gcr_real biased = gcr_from_bits(bits >> 52 | 0x4330000000000000);
    const gcr_real k = biased - (is_denormal ? 0x1p52 + 1023 + 54 : 0x1p52 + 1023);
    const gcr_real f = gcr_from_bits((bits & 0x000fffffffffffff) + root) - 1;
    const gcr_real s = f / (2 + f), half_square = 0.5 * f * f;
    const gcr_real rest =
        gcr_multiply_add(s, half_square + gcr_log_tail(s * s), k * 0x1.a39ef35793c76p-33);
    const gcr_real value = gcr_multiply_add(k, 0x1.62e42feep-1, f - (half_square - rest));
    const gcr_real positive = x <= 0x1.fffffffffffffp1023 ? value : x; /* infinite, NaN: itself */
    const gcr_real above = x < 0 ? gcr_from_bits(0x7ff8000000000000) : positive;

    return x == 0 ? gcr_from_bits(0xfff0000000000000) : above;
}

#endif /* GCR_SINGLE */

/* ---- time: for kernels that measure the machine; no output may depend on it ----------------- */

/* A counter of the device that runs evenly and never goes back. */
GCR_FN uint64_t gcr_ticks(void)
{
#if defined(__CUDACC__)
    uint64_t ns;

    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
    return ns;
#elif defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* Nanoseconds since some moment in the past: more digits than a float has. */
GCR_FN double gcr_clock_ns(const gcr_ctx *ctx)
{
    return (double)gcr_ticks() * ctx->ns_per_tick;
}

/* Lets the processor do something else for at least `ns` nanoseconds. */
GCR_FN void gcr_sleep_ns(double ns)
{
#if defined(__CUDACC__)
    const uint64_t start = gcr_ticks();

    while ((double)(gcr_ticks() - start) < ns)
        __nanosleep(1000);
#else
    const int64_t whole = (int64_t)ns;
    struct timespec left = { .tv_sec = whole / 1000000000, .tv_nsec = whole % 1000000000 };

    while (nanosleep(&left, &left) != 0) /* a signal: sleep the rest */
        ;
#endif
}

#endif /* GCR_KERNEL_MATH_H */
