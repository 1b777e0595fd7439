/*
 * results/exact_sum.h -- a sum of doubles that is rounded once, at its end.
 *
 * What is added is kept as a fixed-point number wide enough for every double, so the sum does not
 * depend on the order: parts of it may be made by several threads or devices and come in any order,
 * and no part has to wait for another. Adding costs some nanoseconds, which is why single values
 * are summed in blocks first (gridcrunch/partial.h).
 */
#ifndef GCR_RESULTS_EXACT_SUM_H
#define GCR_RESULTS_EXACT_SUM_H

#include <stdint.h>

/* 2^-1074 to 2^1024, and room for 2^62 terms and a sign. */
enum { GCR_EXACT_WORDS = 34 };

/* Zeroed is 0. */
typedef struct gcr_exact_sum {
    uint64_t words[GCR_EXACT_WORDS]; /* two's complement, the lowest first; its unit is 2^-1074 */
    uint64_t infinities[2];          /* positive and negative ones that were added               */
    uint64_t nans;
} gcr_exact_sum;

void gcr_exact_add(gcr_exact_sum *sum, double value);
void gcr_exact_merge(gcr_exact_sum *sum, const gcr_exact_sum *other);

/* Rounded to nearest, ties to even; infinite beyond the largest double. Infinities and NaNs as IEEE
 * 754 adds them. An exact 0 is +0. */
double gcr_exact_round(const gcr_exact_sum *sum);

#endif /* GCR_RESULTS_EXACT_SUM_H */
