/*
 * bench/rival_ridge.h -- what a careful programmer writes without a framework: cross-validated
 * ridge regression over LAPACK, one dataset after another.
 */
#ifndef GCR_BENCH_RIVAL_RIDGE_H
#define GCR_BENCH_RIVAL_RIDGE_H

#include "gridcrunch/dataset.h"

#include <stddef.h>

enum { RIVAL_RIDGE_FOLDS = 5 };

/* Doubles of `work` for datasets of at most these sizes. */
size_t rival_ridge_work(int64_t rows, int64_t features, int alphas);

/* The mean over the folds of the held-out mean squared error at each of `alphas`. False if a matrix
 * is not positive definite. */
int rival_ridge(double *mse, const gcr_dataset *dataset, const double *alpha, int alphas,
                double *work);

#endif /* GCR_BENCH_RIVAL_RIDGE_H */
