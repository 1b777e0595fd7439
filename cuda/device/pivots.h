/*
 * cuda/device/pivots.h -- what is done with a pivot: its inverse root, or the verdict.
 */
#ifndef GCR_CUDA_PIVOTS_H
#define GCR_CUDA_PIVOTS_H

#define GCR_LN2 0x1.62e42fefa39efp-1

#if defined(GCR_SINGLE)
#define GCR_ROOT_GUESS_LEAST 0x1p-126f /* of what gcr_root_guess() takes */

/* x = result * 2^exponent with the result in [1, 2), for a normal positive number. */
GCR_FN gcr_real gcr_split(gcr_real x, int *exponent_out)
{
    const uint32_t bits = gcr_bits_f32(x);

    *exponent_out = (int)(bits >> 23) - 127;
    return gcr_from_bits_f32((bits & 0x007fffff) | 0x3f800000);
}
#else
#define GCR_ROOT_GUESS_LEAST 0x1p-1022

GCR_FN gcr_real gcr_split(gcr_real x, int *exponent_out)
{
    const uint64_t bits = gcr_bits(x);

    *exponent_out = (int)(bits >> 52) - 1023;
    return gcr_from_bits((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
}
#endif

/* False for NaN, too. */
GCR_FN int gcr_pivot_is_good(gcr_real pivot)
{
    return pivot > 0 && gcr_is_finite(pivot);
}

/* 1 / sqrt(pivot) of what is too small or too large for a guess, or 1 where there is none, so that
 * the rest of the matrix is computed with numbers that nobody reads. */
GCR_APART gcr_real gcr_inverse_root_apart(gcr_real pivot)
{
    return gcr_pivot_is_good(pivot) ? 1 / gcr_sqrt(pivot) : 1;
}

/* The same of any pivot. One step of third order from the guess leaves what rounding leaves: a
 * chain of six operations in place of a root and a division, which are 20 each. Whether it was
 * right is found out beside it. */
GCR_FN gcr_real gcr_inverse_root(gcr_real pivot)
{
    const gcr_real guess = gcr_root_guess(pivot);
    const gcr_real rest = gcr_fma(-(pivot * guess), guess, 1);
    const gcr_real slope = gcr_fma(rest, (gcr_real)0.375, (gcr_real)0.5);
    gcr_real root = gcr_fma(guess * rest, slope, guess);

    gcr_compute_first(&root);
    if (!(pivot >= GCR_ROOT_GUESS_LEAST && gcr_is_finite(pivot)))
        root = gcr_inverse_root_apart(pivot);
    return root;
}

#endif /* GCR_CUDA_PIVOTS_H */
