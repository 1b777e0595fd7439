/* bench/rival_cell.h -- a Gaussian process' likelihood as a careful C programmer would write it. */
#ifndef RIVAL_CELL_H
#define RIVAL_CELL_H

#include <stdint.h>

/* The log marginal likelihood of an RBF covariance at one point, NaN if the matrix is not SPD.
 * `columns`: the squared distances of the lower triangle, column after column from the diagonal
 * down; `y`: [n]; `work`: [n][n + 1]. */
double rival_cell(const double *columns, const double *y, int n, const double point[3],
                  double *work);

/* The same where points share a lengthscale: their covariances of variance 1, made once, and the
 * likelihood from them. `base`: [n (n + 1) / 2], by columns as `columns`. */
void rival_cell_base(double *base, const double *columns, int n, double lengthscale);
double rival_cell_of_base(const double *base, const double *y, int n, const double point[3],
                          double *work);

/* The same distances by columns from what gp's prepare() makes; both [n (n + 1) / 2]. */
void rival_cell_columns(double *columns, const double *prepared, int n);

#endif /* RIVAL_CELL_H */
