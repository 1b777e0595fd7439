/*
 * gridcrunch/kernel_matrix.h -- the linear algebra of a kernel's own: products, factors, solutions.
 *
 * Part of kernel.h; a kernel file does not include it. Matrices that are symmetric are lower
 * triangles as of gcr_triangle(). All members of the team call these functions with the same
 * arguments, in memory that they share. No barrier is needed before or behind: what any of them has
 * written is read, and what is written all can read.
 *
 * Here is the team of one. GCR_MATRIX_HEADER has gcr_team_gram() and gcr_team_cholesky() of larger
 * ones (cuda/device/team_matrix.h). For one all work is in gcr_dot(), in an order in which caches
 * keep what is used again. Rejected: sums of 2 x 4 products together, each value used repeatedly;
 * compilers keep them in registers on few code paths, and matrices of 20 rows took twice the time.
 */
#ifndef GCR_KERNEL_MATRIX_H
#define GCR_KERNEL_MATRIX_H

/* The sum of a[k] b[k]. Eight sums side by side, so that a compiler makes vector code of it. */
GCR_FN gcr_real gcr_dot(int64_t n, const gcr_real *a, const gcr_real *b)
{
    gcr_real part[8] = { 0, 0, 0, 0, 0, 0, 0, 0 }, rest = 0;
    int64_t k = 0;

    for (; k + 8 <= n; k += 8)
        for (int lane = 0; lane < 8; lane++)
            part[lane] += a[k + lane] * b[k + lane];
    for (; k < n; k++)
        rest += a[k] * b[k];
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7])) + rest;
}

#if defined(GCR_MATRIX_HEADER)
#include GCR_MATRIX_HEADER
#else
enum {
    GCR_GRAM_ROWS = 1024, /* of so many columns are 256 KB, in the second cache */
    GCR_GRAM_COLUMNS = 32,
    GCR_CHOLESKY_ROWS = 16, /* of all columns, beside as many others */
};

/* What some rows make of entries in row i of a Gram matrix, of columns `first` to before `end`. */
GCR_FN void gcr_gram_row(int64_t i, int64_t first, int64_t end, int64_t ld, int64_t rows,
                         const gcr_real *x, gcr_real *z, int is_first)
{
    const gcr_real *const own = x + i * ld;
    gcr_real *const row = z + gcr_triangle(i, 0);

    for (int64_t j = first; j < end; j++) {
        const gcr_real sum = gcr_dot(rows, own, x + j * ld);

        row[j] = is_first ? sum : row[j] + sum;
    }
}

/* z = X'X, a Gram matrix: X has n columns of `rows` values, one column after the other. */
GCR_FN void gcr_team_gram(const gcr_ctx *ctx, int64_t n, int64_t rows, const gcr_real *x,
                          gcr_real *z)
{
    int64_t k = 0;

    (void)ctx;
    do { /* once where there are no rows: then z is 0 */
        const int64_t left = rows - k, most = GCR_GRAM_ROWS, count = left < most ? left : most;

        for (int64_t first = 0; first < n; first += GCR_GRAM_COLUMNS)
            for (int64_t i = first; i < n; i++) {
                const int64_t behind = first + GCR_GRAM_COLUMNS;

                gcr_gram_row(i, first, behind <= i ? behind : i + 1, rows, count, x + k, z, k == 0);
            }
        k += GCR_GRAM_ROWS;
    } while (k < rows);
}

/* Some columns of L in some rows, column by column: entries of one do not wait for each other.
 * Returns 0, or the first bad minor. */
GCR_FN int64_t gcr_cholesky_part(gcr_real *a, int64_t top, int64_t bottom, int64_t first,
                                 int64_t end)
{
    for (int64_t j = first; j < end; j++) {
        gcr_real *const other = a + gcr_triangle(j, 0);
        gcr_real pivot;

        if (j >= top) {
            const gcr_real square = other[j] - gcr_dot(j, other, other);

            if (!(square > 0 && gcr_is_finite(square)))
                return j + 1;
            other[j] = gcr_sqrt(square);
        }
        pivot = other[j];
        for (int64_t i = j < top ? top : j + 1; i < bottom; i++) {
            gcr_real *const row = a + gcr_triangle(i, 0);

            row[j] = (row[j] - gcr_dot(j, row, other)) / pivot;
        }
    }
    return 0;
}

/*
 * Replaces the symmetric positive definite matrix `a` by its Cholesky factor L, A = L L'. Returns
 * 0, or k when A has no factor: its leading minor of order k is not positive, or not finite.
 */
GCR_FN int64_t gcr_team_cholesky(const gcr_ctx *ctx, int64_t n, gcr_real *a)
{
    (void)ctx;
    for (int64_t first = 0; first < n; first += GCR_CHOLESKY_ROWS)
        for (int64_t top = first; top < n; top += GCR_CHOLESKY_ROWS) {
            const int64_t right = first + GCR_CHOLESKY_ROWS, below = top + GCR_CHOLESKY_ROWS;
            const int64_t minor =
                gcr_cholesky_part(a, top, below < n ? below : n, first, right < n ? right : n);

            if (minor != 0)
                return minor;
        }
    return 0;
}
#endif

/* As gcr_team_cholesky(), and replaces `b` by inv(A) b where A has a factor. */
GCR_FN int64_t gcr_team_spd_solve(const gcr_ctx *ctx, int64_t n, gcr_real *a, gcr_real *b)
{
    const int rank = gcr_team_rank(ctx), size = gcr_team_size(ctx);
    const int64_t minor = gcr_team_cholesky(ctx, n, a);

    if (minor != 0)
        return minor;
    for (int64_t j = 0; j < n; j++) { /* inv(L) b */
        const gcr_real value = b[j] / a[gcr_triangle(j, j)];

        for (int64_t i = j + 1 + rank; i < n; i += size)
            b[i] -= a[gcr_triangle(i, j)] * value;
        gcr_team_barrier(ctx);
        if (rank == 0)
            b[j] = value;
    }
    gcr_team_barrier(ctx);
    for (int64_t j = n - 1; j >= 0; j--) { /* inv(L') of that */
        const gcr_real *row = a + gcr_triangle(j, 0);
        const gcr_real value = b[j] / row[j];

        for (int64_t i = rank; i < j; i += size)
            b[i] -= row[i] * value;
        gcr_team_barrier(ctx);
        if (rank == 0)
            b[j] = value;
    }
    gcr_team_barrier(ctx);
    return 0;
}

#endif /* GCR_KERNEL_MATRIX_H */
