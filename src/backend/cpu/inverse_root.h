/*
 * backend/cpu/inverse_root.h -- 1 / sqrt(x) in each lane: all that is ever done with a pivot.
 *
 * A root and a division of 8 lanes keep the divider busy for 40 cycles and take 48 from end to end;
 * with AVX-512 they are replaced by 14 operations that take 39 and leave the divider out. Of 4
 * lanes the divider makes 27 cycles (all measured on Sapphire Rapids' core), so there it stays.
 *
 * The bits of x, halved and taken from a constant, are those of a first guess. Its square times x
 * is between 0.815 and 0.920 for every x, where a cubic makes a guess of it that is off by 4.4e-7;
 * one step of third order leaves what rounding leaves, less than a unit in the last place. Of
 * floats one of second order does, and the constant has the same fraction, cut off. Root and
 * division leave less than 1.5 (tests/unit/backend/test_squares.c). Constants:
 * tests/reference/inverse_root_coefficients.py.
 *
 * Rejected: the processor's own approximate roots (a step less, but bits would depend on the maker,
 * as Intel and AMD guess differently); steps of second order (one more, and a longer chain).
 */
#ifndef GCR_CPU_INVERSE_ROOT_H
#define GCR_CPU_INVERSE_ROOT_H

#include "backend/cpu/lanes.h"

/* What the function below is for: where x and the square of its guess are normal numbers. */
#if defined(GCR_SINGLE)
#define GCR_INVERSE_ROOT_GUESS 0x5f285a86
#define GCR_INVERSE_ROOT_LEAST 0x1p-126f
#define GCR_INVERSE_ROOT_MOST 0x1p124f
#else
#define GCR_INVERSE_ROOT_GUESS 0x5fe50b50c7b537a9
#define GCR_INVERSE_ROOT_LEAST 0x1p-1022
#define GCR_INVERSE_ROOT_MOST 0x1p1020
#endif

GCR_LANES_FN gcr_vec gcr_vec_inverse_root(gcr_vec x)
{
#if defined(__AVX512F__)
    const gcr_vec guess = (gcr_vec)(GCR_INVERSE_ROOT_GUESS - ((gcr_bits_vec)x >> 1));
    const gcr_vec z = x * (guess * guess);
    const gcr_vec low =
        gcr_vec_add_product(gcr_vec_of(0x1.2cf1cd0ceec0bp+1), z, gcr_vec_of(-0x1.5b7e7b068e634p+1));
    const gcr_vec high =
        gcr_vec_add_product(gcr_vec_of(0x1.e1340239ed543p+0), z, gcr_vec_of(-0x1.08452f8682621p-1));
    const gcr_vec better = guess * gcr_vec_add_product(low, high, z * z);
    const gcr_vec rest = gcr_vec_subtract_product(gcr_vec_of(1), x, better * better);
    const gcr_vec slope = GCR_REAL_BYTES == 4
                              ? gcr_vec_of(0.5)
                              : gcr_vec_add_product(gcr_vec_of(0.5), rest, gcr_vec_of(0.375));

    return gcr_vec_add_product(better, better * rest, slope);
#else
    return 1 / gcr_vec_sqrt(x);
#endif
}

#endif /* GCR_CPU_INVERSE_ROOT_H */
