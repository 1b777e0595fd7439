/*
 * gridcrunch/kernel_math_f32.h -- the exponential and the logarithm of kernels in single precision.
 *
 * Part of kernel.h. The algorithms are those of kernel_math.h with fewer terms: what is said there
 * of each function holds here. They are within 1 unit in the last place of the exact value, an
 * exponential within 1.25 where no multiply-add rounds once, denormal numbers included
 * (tests/unit/kernels/test_math_f32.c). The polynomials are those of
 * tests/reference/f32_coefficients.py.
 */
#ifndef GCR_KERNEL_MATH_F32_H
#define GCR_KERNEL_MATH_F32_H

GCR_FN uint32_t gcr_bits_f32(float x)
{
#if defined(__CUDACC__)
    return __float_as_uint(x);
#else
    uint32_t bits;

    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
#endif
}

GCR_FN float gcr_from_bits_f32(uint32_t bits)
{
#if defined(__CUDACC__)
    return __uint_as_float(bits);
#else
    float x;

    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
#endif
}

/* e^r for |r| <= log(2) / 2: 1 + r + r^2 q, off by 0.07 units in the last place of e^r. */
GCR_FN float gcr_exp_near_0(float r)
{
    float q = 0x1.6a2392p-10f;

    q = gcr_multiply_add(q, r, 0x1.123a5cp-7f);
    q = gcr_multiply_add(q, r, 0x1.5558f4p-5f);
    q = gcr_multiply_add(q, r, 0x1.55549p-3f);
    q = gcr_multiply_add(q, r, 0x1.fffffcp-2f);
    q = gcr_multiply_add(q, r, 1);
    return gcr_multiply_add(q, r, 1);
}

/* x - k log(2); `shift` is 1.5 * 2^23 and some integer. */
GCR_FN float gcr_exp_rest(float x, float rounded, float shift)
{
    const float k = rounded - shift;
    const float high = gcr_multiply_add(k, -0x1.62e4p-1f, x); /* exact: 15 bits times 8 */

    return gcr_multiply_add(k, -0x1.7f7d1cp-20f, high);
}

/* e^x. The low bits of `rounded` hold k + 254, the sum of two biased exponents. */
GCR_FN float gcr_exp(float x)
{
    const float shift = 0x1.8p23f + 254;
    const float rounded = gcr_multiply_add(x, 0x1.715476p+0f, shift);
    const float r = gcr_exp_rest(x, rounded, shift);
    const uint32_t biased = gcr_bits_f32(rounded);
    const uint32_t half = biased >> 1;
    const float scale = gcr_from_bits_f32(half << 23);
    const float other_scale = gcr_from_bits_f32((biased - half) << 23);
    const float value = gcr_exp_near_0(r) * scale * other_scale;
    const float above = x < -104 ? 0 : value; /* a NaN passes both */

    return x > 89 ? gcr_from_bits_f32(0x7f800000) : above;
}

/* e^-a for -88 <= a <= 87, 0 above, where it would be less than 2e-38, and below anything. */
GCR_FN float gcr_exp_minus(float a)
{
    const float shift = 0x1.8p23f + 127;
    const float rounded = gcr_multiply_add(-a, 0x1.715476p+0f, shift);
    const float r = gcr_exp_rest(-a, rounded, shift);
    const float scale = gcr_from_bits_f32(gcr_bits_f32(rounded) << 23);
    const float value = gcr_exp_near_0(r) * scale;

    return a > 87 ? 0 : value; /* a NaN passes */
}

/* (log(1 + f) - f + f^2 / 2) / s - f^2 / 2, off by 0.02 units in the last place of log(1 + f). */
GCR_FN float gcr_log_tail(float z)
{
    float q = 0x1.31e656p-2f;

    q = gcr_multiply_add(q, z, 0x1.995e9cp-2f);
    return z * gcr_multiply_add(q, z, 0x1.55557ap-1f);
}

GCR_FN float gcr_log(float x)
{
    const uint32_t root = 0x3f3504f3, one = 0x3f800000; /* sqrt(1/2), 1 */
    const int is_denormal = x < 0x1p-126f;
    const uint32_t bits = gcr_bits_f32(is_denormal ? x * 0x1p25f : x) + (one - root);
    const float biased = gcr_from_bits_f32(bits >> 23 | 0x4b000000);
    const float k = biased - (is_denormal ? 0x1p23f + 127 + 25 : 0x1p23f + 127);
    const float f = gcr_from_bits_f32((bits & 0x007fffff) + root) - 1;
    const float s = f / (2 + f), half_square = 0.5f * f * f;
    const float rest = gcr_multiply_add(s, half_square + gcr_log_tail(s * s), k * 0x1.7f7d1cp-20f);
    const float value = gcr_multiply_add(k, 0x1.62e4p-1f, f - (half_square - rest));
    const float positive = x <= 0x1.fffffep127f ? value : x; /* infinite, NaN: itself */
    const float above = x < 0 ? gcr_from_bits_f32(0x7fc00000) : positive;

    return x == 0 ? gcr_from_bits_f32(0xff800000) : above;
}

#endif /* GCR_KERNEL_MATH_F32_H */
