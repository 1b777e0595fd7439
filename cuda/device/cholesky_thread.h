/*
 * cuda/device/cholesky_thread.h -- the Cholesky factor of a small matrix in the registers of a
 * thread.
 *
 * All loops over rows and columns are unrolled up to GCR_TEAM_BOUND, so that no register is looked
 * up by a number; rows behind the last are those of the identity.
 */
#ifndef GCR_CUDA_CHOLESKY_THREAD_H
#define GCR_CUDA_CHOLESKY_THREAD_H

#include "cuda/device/pivots.h"

enum { GCR_ROWS = GCR_TEAM_BOUND, GCR_ENTRIES = GCR_TEAM_BOUND * (GCR_TEAM_BOUND + 1) / 2 };

/* The product of all 1 / L_ii is product * 2^exponent. */
typedef struct gcr_small_factor {
    gcr_real entry[GCR_ENTRIES];
    gcr_real product; /* in [1, 2) */
    int exponent, minor;
} gcr_small_factor;

#define GCR_AT(i, j) ((i) * ((i) + 1) / 2 + (j))

GCR_FN gcr_real gcr_small_take_pivot(gcr_small_factor *factor, gcr_real pivot, int j)
{
    const gcr_real inverse = gcr_inverse_root(pivot);
    int exponent;

    if (!gcr_pivot_is_good(pivot) && factor->minor == 0)
        factor->minor = j + 1;
    factor->product = gcr_split(factor->product * inverse, &exponent);
    factor->exponent += exponent;
    return inverse;
}

/* Right-looking: the operations of a column do not wait for each other. On the diagonal 1 / L_ii is
 * left, or `with_diagonal` L_ii. */
GCR_FN void gcr_small_eliminate(gcr_small_factor *factor, int with_diagonal)
{
    factor->product = 1;
    factor->exponent = factor->minor = 0;
    GCR_UNROLL
    for (int j = 0; j < GCR_ROWS; j++) {
        const gcr_real pivot = factor->entry[GCR_AT(j, j)];
        const gcr_real inverse = gcr_small_take_pivot(factor, pivot, j);

        factor->entry[GCR_AT(j, j)] = with_diagonal ? pivot * inverse : inverse;
        GCR_UNROLL
        for (int i = j + 1; i < GCR_ROWS; i++)
            factor->entry[GCR_AT(i, j)] *= inverse;
        GCR_UNROLL
        for (int i = j + 1; i < GCR_ROWS; i++) {
            GCR_UNROLL
            for (int k = j + 1; k <= i; k++)
                factor->entry[GCR_AT(i, k)] =
                    gcr_fma(-factor->entry[GCR_AT(i, j)], factor->entry[GCR_AT(k, j)],
                            factor->entry[GCR_AT(i, k)]);
        }
    }
}

#endif /* GCR_CUDA_CHOLESKY_THREAD_H */
