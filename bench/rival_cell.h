/* bench/rival_cell.h -- a Gaussian process' likelihood as a careful C programmer would write it. */
#ifndef RIVAL_CELL_H
#define RIVAL_CELL_H

#include <stdint.h>

/* The log marginal likelihood of an RBF covariance at one point. `squares`: the lower triangle
 * of the squared distances, column after column from the diagonal down, `y`: [n], `work`: [n][n + 1]. NaN if the matrix is not SPD. */
double rival_cell(const double *squares, const double *y, int n, const double point[3],
                  double *work);

#endif /* RIVAL_CELL_H */
