/*
 * kernels/own/checking/plain_lapack.h -- three routines of LAPACK as they are explained in class:
 * an oracle that shares no line with what it judges.
 */
#ifndef GCR_CHECKING_PLAIN_LAPACK_H
#define GCR_CHECKING_PLAIN_LAPACK_H

#include "gridcrunch/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void factor(const char *uplo, const int *n, double *a, const int *lda, int *info,
                   size_t length)
{
    (void)uplo;
    (void)length;
    *info = 0;
    for (int j = 0; j < *n; j++) {
        for (int i = j; i < *n; i++) {
            double sum = a[i + j * *lda];

            for (int k = 0; k < j; k++)
                sum -= a[i + k * *lda] * a[j + k * *lda];
            a[i + j * *lda] = i > j ? sum / a[j + j * *lda] : sqrt(sum);
        }
        if (!(a[j + j * *lda] > 0)) {
            *info = j + 1;
            return;
        }
    }
}

/* x := inv(L) x, or inv(L') x. */
static void solve(const char *uplo, const char *trans, const char *diag, const int *n,
                  const double *a, const int *lda, double *x, const int *incx, size_t length0,
                  size_t length1, size_t length2)
{
    const int is_transposed = *trans == 'T', step = is_transposed ? -1 : 1;

    (void)uplo;
    (void)diag;
    (void)length0;
    (void)length1;
    (void)length2;
    for (int i = is_transposed ? *n - 1 : 0; i >= 0 && i < *n; i += step) {
        double sum = x[i * *incx];

        for (int k = i - step; k >= 0 && k < *n; k -= step)
            sum -= (is_transposed ? a[k + i * *lda] : a[i + k * *lda]) * x[k * *incx];
        x[i * *incx] = sum / a[i + i * *lda];
    }
}

/* Column by column, from the first: those behind it are still those of L. */
static void invert(const char *uplo, const char *diag, const int *n, double *a, const int *lda,
                   int *info, size_t length0, size_t length1)
{
    (void)uplo;
    (void)diag;
    (void)length0;
    (void)length1;
    *info = 0;
    for (int j = 0; j < *n; j++) {
        const int size = *n - j, one = 1;
        double *column = a + j + j * *lda, *unit = calloc((size_t)size, sizeof *unit);

        if (unit == NULL)
            continue;
        unit[0] = 1;
        solve("L", "N", "N", &size, column, lda, unit, &one, 1, 1, 1);
        memcpy(column, unit, (size_t)size * sizeof *unit);
        free(unit);
    }
}

static const gcr_lapack plain_lapack = { .dpotrf = factor, .dtrtri = invert, .dtrsv = solve };

#endif /* GCR_CHECKING_PLAIN_LAPACK_H */
