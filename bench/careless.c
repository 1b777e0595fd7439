/* bench/careless.c -- three nested loops over the axes, three over a matrix, libm's exp. */
#include "careless.h"

#include <math.h>

typedef double matrix[CARELESS_ROWS_MAX][CARELESS_ROWS_MAX];

static void fill(matrix k, const gcr_dataset *d, double lengthscale, double noise, double variance)
{
    for (int64_t i = 0; i < d->rows; i++)
        for (int64_t j = 0; j <= i; j++) {
            const double a = sqrt(5) * fabs(d->x[i] - d->x[j]) / lengthscale;

            k[i][j] = variance * (1 + a + a * a / 3) * exp(-a) + (i == j ? noise : 0);
        }
}

static void factor(matrix k, int64_t n)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = j; i < n; i++) {
            double sum = k[i][j];

            for (int64_t l = 0; l < j; l++)
                sum -= k[i][l] * k[j][l];
            k[i][j] = i == j ? sqrt(sum) : sum / k[j][j];
        }
}

/* y' inv(K) y, by a forward solve. */
static double quadratic_form(matrix k, const double *y, int64_t n)
{
    double z[CARELESS_ROWS_MAX], sum = 0;

    for (int64_t i = 0; i < n; i++) {
        z[i] = y[i];
        for (int64_t j = 0; j < i; j++)
            z[i] -= k[i][j] * z[j];
        z[i] /= k[i][i];
        sum += z[i] * z[i];
    }
    return sum;
}

static double log_determinant(matrix k, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += 2 * log(k[i][i]);
    return sum;
}

static double cell(double *scale, const gcr_dataset *d, double lengthscale, double noise,
                   double variance)
{
    matrix k;
    double quadratic, determinant, constant;

    fill(k, d, lengthscale, noise, variance);
    factor(k, d->rows);
    quadratic = 0.5 * quadratic_form(k, d->y, d->rows);
    determinant = 0.5 * log_determinant(k, d->rows);
    constant = 0.5 * (double)d->rows * log(2 * acos(-1));
    *scale = fabs(quadratic) + fabs(determinant) + constant;
    return -quadratic - determinant - constant;
}

void careless_crunch(double *lml, double *scale, const gcr_dataset *dataset,
                     const gcr_point_table *points)
{
    const gcr_axis *const a = points->axes;
    uint64_t p = 0;

    for (uint64_t l = 0; l < a[0].count; l++)
        for (uint64_t n = 0; n < a[1].count; n++)
            for (uint64_t v = 0; v < a[2].count; v++, p++)
                lml[p] = cell(&scale[p], dataset, a[0].values[l], a[1].values[n], a[2].values[v]);
}
