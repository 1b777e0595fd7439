/* results/quantile.h -- the quantile of a list of numbers. */
#ifndef GCR_RESULTS_QUANTILE_H
#define GCR_RESULTS_QUANTILE_H

#include <stdint.h>

/* Doubles as integers of the same order, so that they can be counted by digits. Not for NaN. */
uint64_t gcr_quantile_key(double value);

/* The q-quantile (0 <= q <= 1) of `count` >= 1 values given as keys, the same number as
 * numpy.quantile with its standard method "linear". The keys are overwritten. */
double gcr_quantile(uint64_t *keys, uint64_t count, double q);

#endif /* GCR_RESULTS_QUANTILE_H */
