/* bench/careless.h -- the fertility job as one would first write it in C: the context of a time,
 * and an independent check of the results. */
#ifndef GCR_BENCH_CARELESS_H
#define GCR_BENCH_CARELESS_H

#include "gridcrunch/dataset.h"
#include "gridcrunch/grid.h"

/* Rows of the largest dataset it can take. */
enum { CARELESS_ROWS_MAX = 128 };

/* The log marginal likelihood of all points of one dataset (one feature, Matern 5/2), one cell
 * after the other; axes: lengthscale, noise, variance. `scale` gets the sum of the absolute terms
 * of each: what rounding errors are relative to. */
void careless_crunch(double *lml, double *scale, const gcr_dataset *dataset,
                     const gcr_point_table *points);

#endif /* GCR_BENCH_CARELESS_H */
