/*
 * bench/rival_cell.c -- distances computed once, an inlined exponential that the compiler
 * vectorises along the column, dpotrf, dtrsv. Compiled for the machine it runs on, as such a
 * programmer would.
 */
#include "rival_cell.h"

/* For its exponential, which is faster than libm's by a factor of five. */
#include "gridcrunch/kernel.h"

#include <math.h>
#include <stddef.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);
void dtrsv_(const char *uplo, const char *trans, const char *diag, const int *n, const double *a,
            const int *lda, double *x, const int *incx, size_t uplo_length, size_t trans_length,
            size_t diag_length);

enum point { LENGTHSCALE, NOISE, VARIANCE };

/* Each column from the diagonal down: OpenBLAS factors that triangle faster than the other. */
static void fill(double *matrix, const double *columns, int n, const double point[3])
{
    const double rate = 0.5 / (point[LENGTHSCALE] * point[LENGTHSCALE]);
    const double variance = point[VARIANCE];

    for (int j = 0; j < n; columns += n - j, j++) {
        double *restrict column = matrix + (size_t)j * (size_t)(n + 1);

        for (int i = 0; i < n - j; i++)
            column[i] = variance * gcr_exp_minus(rate * columns[i]);
        column[0] += point[NOISE];
    }
}

/* The same from covariances of variance 1 that were made before. */
static void fill_from_base(double *matrix, const double *base, int n, const double point[3])
{
    const double variance = point[VARIANCE];

    for (int j = 0; j < n; base += n - j, j++) {
        double *restrict column = matrix + (size_t)j * (size_t)(n + 1);

        for (int i = 0; i < n - j; i++)
            column[i] = variance * base[i];
        column[0] += point[NOISE];
    }
}

/* Of the matrix in `work`. */
static double likelihood(const double *y, int n, double *work)
{
    const int one = 1;
    double *const z = work + (size_t)n * (size_t)n, quadratic = 0, determinant = 0;
    int info;

    dpotrf_("L", &n, work, &n, &info, 1);
    if (info != 0)
        return NAN;
    for (int i = 0; i < n; i++)
        z[i] = y[i];
    dtrsv_("L", "N", "N", &n, work, &n, z, &one, 1, 1, 1);
    for (int i = 0; i < n; i++) {
        quadratic += z[i] * z[i];
        determinant += 2 * log(work[(size_t)i * (size_t)(n + 1)]);
    }
    return -0.5 * quadratic - 0.5 * determinant - 0.5 * n * log(2 * GCR_PI);
}

double rival_cell(const double *columns, const double *y, int n, const double point[3],
                  double *work)
{
    fill(work, columns, n, point);
    return likelihood(y, n, work);
}

void rival_cell_base(double *base, const double *columns, int n, double lengthscale)
{
    const double rate = 0.5 / (lengthscale * lengthscale);

    for (int k = 0; k < n * (n + 1) / 2; k++)
        base[k] = gcr_exp_minus(rate * columns[k]);
}

double rival_cell_of_base(const double *base, const double *y, int n, const double point[3],
                          double *work)
{
    fill_from_base(work, base, n, point);
    return likelihood(y, n, work);
}

void rival_cell_columns(double *columns, const double *prepared, int n)
{
    for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++)
            *columns++ = prepared[gcr_triangle(i, j)];
}
