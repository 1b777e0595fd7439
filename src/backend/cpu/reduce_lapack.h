/*
 * backend/cpu/reduce_lapack.h -- C = Q T Q' with T tridiagonal, for one matrix, by LAPACK: where
 * matrices side by side would no longer fit a cache.
 *
 * Part of engine_tridiagonal.h. As in spd_lapack.h, a lower triangle stored by rows is an upper one
 * to LAPACK.
 */
#ifndef GCR_CPU_REDUCE_LAPACK_H
#define GCR_CPU_REDUCE_LAPACK_H

enum { GCR_LAPACK_BLOCK = 64 }; /* columns that its work space is for; it chooses 32 */

/* One reduction, of numbers in place of vectors. */
typedef struct gcr_reducing_one {
    const gcr_lapack *lapack;
    int n, right_sides;
    gcr_real *a;    /* [n][n] the matrix, then the reflections, then Q */
    gcr_real *work; /* [n][GCR_LAPACK_BLOCK]                           */
    gcr_real *diagonal, *below, *tau;
    gcr_real *sides; /* [right_sides][n] */
} gcr_reducing_one;

/* Returns the largest |entry|, NaN where one is not finite. */
static gcr_real gcr_reducing_one_fill(const gcr_reducing_one *of, const gcr_ctx *ctx, int system)
{
    gcr_real most = 0, sum = 0;

    for (int i = 0; i < of->n; i++) {
        gcr_real *const row = of->a + (int64_t)i * of->n;

        for (int j = 0; j < i; j++)
            row[j] = base(ctx, system, i, j);
        row[i] = base(ctx, system, i, i);
        for (int j = 0; j <= i; j++) {
            most = gcr_fabs(row[j]) > most ? gcr_fabs(row[j]) : most;
            sum += row[j] * 0;
        }
    }
    return most + sum;
}

/* Returns 0, NaN where a value is not finite. */
static gcr_real gcr_reducing_one_fill_sides(const gcr_reducing_one *of, const gcr_ctx *ctx,
                                            int system)
{
    gcr_real sum = 0;

    for (int column = 0; column < of->right_sides; column++)
        for (int i = 0; i < of->n; i++) {
            of->sides[column * of->n + i] = rhs(ctx, system, i, column);
            sum += of->sides[column * of->n + i] * 0;
        }
    return sum;
}

static void gcr_reducing_one_multiply(const gcr_reducing_one *of, gcr_real factor)
{
    for (int64_t k = 0; factor != 1 && k < (int64_t)of->n * of->n; k++)
        of->a[k] *= factor;
}

static void gcr_reducing_one_run(const gcr_reducing_one *of)
{
    const int room = of->n * GCR_LAPACK_BLOCK;
    int info;

    of->lapack->dsytrd("U", &of->n, of->a, &of->n, of->diagonal, of->below, of->tau, of->work,
                       &room, &info, 1);
}

/* b := Q'b, before Q takes the place of the reflections. */
static void gcr_reducing_one_apply_to_sides(const gcr_reducing_one *of)
{
    const int room = of->n * GCR_LAPACK_BLOCK;
    int info;

    of->lapack->dormtr("L", "U", "T", &of->n, &of->right_sides, of->a, &of->n, of->tau, of->sides,
                       &of->n, of->work, &room, &info, 1, 1, 1);
}

/* Q by rows; LAPACK leaves it by columns. */
static void gcr_reducing_one_form_turn(const gcr_reducing_one *of)
{
    const int room = of->n * GCR_LAPACK_BLOCK;
    int info;

    of->lapack->dorgtr("U", &of->n, of->a, &of->n, of->tau, of->work, &room, &info, 1);
    for (int64_t i = 0; i < of->n; i++)
        for (int64_t j = 0; j < i; j++) {
            const gcr_real below = of->a[i * of->n + j];

            of->a[i * of->n + j] = of->a[j * of->n + i];
            of->a[j * of->n + i] = below;
        }
}

#endif /* GCR_CPU_REDUCE_LAPACK_H */
