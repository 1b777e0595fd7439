/*
 * kernels/ridge.c -- K-fold cross-validated ridge regression with an intercept.
 *
 *     minimise |y - c - X b|^2 + alpha |b|^2
 *
 * Folds are runs of neighbouring rows, the first (rows mod K) of them one row longer, as
 * scikit-learn's KFold without shuffling; the intercept is not penalised. A cell has K + 1 systems:
 *
 *     system k < K   the rows outside fold k; its solution b predicts the rows of the fold
 *     system K       all rows; trace(inv(G + alpha I)) gives the degrees of freedom
 *
 * with G the Gram matrix of X around the means of its rows. A cell never looks at X: prepare()
 * leaves for each fold the triangle R of a QR factorisation of its rows (X, y), shifted by the
 * means of the rows outside, and |y - X b|^2 = |R (-b, 1)|^2. The Gram matrix of the fold would do
 * in theory, but its quadratic form cancels where the fit is good; this sum of squares cannot.
 */
#define GCR_SPD_KERNEL
#define GCR_HAS_PREPARE
#include "gridcrunch/kernel.h"

enum parameter { ALPHA };
enum output { MSE, DOF };
enum fault { TOO_FEW_ROWS = 1 };

/* Where one system's part of the prepared block is, for d features; y counts as column d. Lower
 * triangles are packed by rows, so that row d of `gram` is X'y. */
struct part {
    int64_t gram; /* [(d + 1) (d + 2) / 2] of (X, y), the rows outside the fold */
    int64_t fold; /* [(d + 1) (d + 2) / 2] R' of the rows in the fold           */
    int64_t mean; /* [d + 1] of the rows outside the fold                       */
    int64_t row;  /* [d + 1] room for the row in hand                           */
    int64_t end;
};

GCR_FN struct part part_of(int64_t d, int system)
{
    const int64_t triangle = gcr_triangle(d + 1, 0);
    struct part part;

    part.gram = system * 2 * (triangle + d + 1);
    part.fold = part.gram + triangle;
    part.mean = part.fold + triangle;
    part.row = part.mean + d + 1;
    part.end = part.row + d + 1;
    return part;
}

GCR_FN int folds(const gcr_ctx *ctx)
{
    return (int)GCR_OPTION(folds);
}

/* The first row of fold `k`; what comes after the last fold is empty. */
GCR_FN int64_t fold_begin(const gcr_ctx *ctx, int k)
{
    const int64_t rows = gcr_rows(ctx), longer = rows % folds(ctx);

    if (k >= folds(ctx))
        return rows;
    return k * (rows / folds(ctx)) + (k < longer ? k : longer);
}

GCR_FN gcr_real value(const gcr_ctx *ctx, int64_t row, int64_t column)
{
    return column < gcr_features(ctx) ? gcr_x(ctx, row, column) : gcr_y(ctx, row);
}

/* The next row that is not in [begin, end). */
GCR_FN int64_t next_outside(int64_t row, int64_t begin, int64_t end)
{
    return row + 1 == begin ? end : row + 1;
}

GCR_FN void find_means(const gcr_ctx *ctx, int system, gcr_real *mean)
{
    const int64_t begin = fold_begin(ctx, system), end = fold_begin(ctx, system + 1);
    const int64_t outside = gcr_rows(ctx) - (end - begin);

    for (int64_t c = 0; c <= gcr_features(ctx); c++) {
        mean[c] = 0;
        for (int64_t i = next_outside(-1, begin, end); i < gcr_rows(ctx);
             i = next_outside(i, begin, end))
            mean[c] += value(ctx, i, c);
        mean[c] /= (gcr_real)outside;
    }
}

/* Of the rows outside the fold, around their means. */
GCR_FN void find_gram(const gcr_ctx *ctx, int system, const gcr_real *mean, gcr_real *gram)
{
    const int64_t begin = fold_begin(ctx, system), end = fold_begin(ctx, system + 1);

    for (int64_t a = 0; a <= gcr_features(ctx); a++)
        for (int64_t b = 0; b <= a; b++) {
            gcr_real sum = 0;

            for (int64_t i = next_outside(-1, begin, end); i < gcr_rows(ctx);
                 i = next_outside(i, begin, end))
                sum += (value(ctx, i, a) - mean[a]) * (value(ctx, i, b) - mean[b]);
            gram[gcr_triangle(a, b)] = sum;
        }
}

/* Turns `row` into row c of R until nothing of it is left: a Givens rotation for each column. */
GCR_FN void rotate_in(gcr_real *fold, gcr_real *row, int64_t columns)
{
    for (int64_t c = 0; c < columns; c++) {
        const gcr_real a = fold[gcr_triangle(c, c)], b = row[c];
        const gcr_real length = gcr_sqrt(a * a + b * b);

        if (length == 0)
            continue;
        for (int64_t k = c; k < columns; k++) {
            const gcr_real above = fold[gcr_triangle(k, c)], below = row[k];

            fold[gcr_triangle(k, c)] = (a * above + b * below) / length;
            row[k] = (a * below - b * above) / length;
        }
    }
}

GCR_FN void find_fold(const gcr_ctx *ctx, int system, const gcr_real *mean, gcr_real *row,
                      gcr_real *fold)
{
    const int64_t columns = gcr_features(ctx) + 1;

    for (int64_t k = 0; k < gcr_triangle(columns, 0); k++)
        fold[k] = 0;
    for (int64_t i = fold_begin(ctx, system); i < fold_begin(ctx, system + 1); i++) {
        for (int64_t c = 0; c < columns; c++)
            row[c] = value(ctx, i, c) - mean[c];
        rotate_in(fold, row, columns);
    }
}

GCR_FN int prepare(const gcr_ctx *ctx, gcr_real *prepared)
{
    if (gcr_rows(ctx) < folds(ctx))
        return TOO_FEW_ROWS;
    for (int system = gcr_team_rank(ctx); system <= folds(ctx); system += gcr_team_size(ctx)) {
        const struct part part = part_of(gcr_features(ctx), system);
        gcr_real *mean = prepared + part.mean;

        find_means(ctx, system, mean);
        find_gram(ctx, system, mean, prepared + part.gram);
        find_fold(ctx, system, mean, prepared + part.row, prepared + part.fold);
    }
    return 0;
}

GCR_FN gcr_real element(const gcr_ctx *ctx, int system, int i, int j)
{
    const struct part part = part_of(gcr_features(ctx), system);
    const gcr_real gram = gcr_prepared(ctx, part.gram + gcr_triangle(i, j));

    return gram + (i == j ? gcr_param(ctx, ALPHA) : 0);
}

GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column)
{
    const struct part part = part_of(gcr_features(ctx), system);

    (void)column;
    return gcr_prepared(ctx, part.gram + gcr_triangle(gcr_features(ctx), i));
}

GCR_FN unsigned needs(const gcr_ctx *ctx, int system)
{
    return system < folds(ctx) ? GCR_NEED_SOLUTION : GCR_NEED_INVERSE_DIAGONAL;
}

/* Entry c of R (-b, 1), where b is the solution of `system`. */
GCR_FN gcr_real residual(const gcr_ctx *ctx, const gcr_answers *answers, int system, int64_t c)
{
    const int64_t d = gcr_features(ctx), fold = part_of(d, system).fold;
    gcr_real sum = gcr_prepared(ctx, fold + gcr_triangle(d, c));

    for (int64_t k = c; k < d; k++)
        sum -=
            gcr_prepared(ctx, fold + gcr_triangle(k, c)) * gcr_solution(answers, system, 0, (int)k);
    return sum;
}

GCR_FN gcr_real mean_squared_error(const gcr_ctx *ctx, const gcr_answers *answers, int system)
{
    const int64_t rows = fold_begin(ctx, system + 1) - fold_begin(ctx, system);
    gcr_real sum = 0;

    for (int64_t c = 0; c <= gcr_features(ctx); c++) {
        const gcr_real r = residual(ctx, answers, system, c);

        sum += r * r;
    }
    return sum / (gcr_real)rows;
}

GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs)
{
    gcr_real error = 0, trace = 0;

    for (int k = 0; k < folds(ctx); k++)
        error += mean_squared_error(ctx, answers, k);
    for (int i = 0; i < gcr_features(ctx); i++)
        trace += gcr_inverse_diagonal(answers, folds(ctx), i);
    outputs[MSE] = error / folds(ctx);
    outputs[DOF] = 1 + (gcr_real)gcr_features(ctx) - gcr_param(ctx, ALPHA) * trace;
    return 0;
}

GCR_HOST_FN int64_t size(const gcr_shape *shape)
{
    return shape->features;
}

GCR_HOST_FN int64_t systems(const gcr_shape *shape)
{
    return shape->option[0] + 1;
}

GCR_HOST_FN int64_t prepared_count(const gcr_shape *shape)
{
    return part_of(shape->features, (int)shape->option[0]).end;
}

GCR_HOST_FN double cost(const gcr_shape *shape)
{
    const double d = (double)shape->features;

    return (double)systems(shape) * (d * d * d / 3 + 6 * d * d + 50);
}

GCR_DESCRIBE(.name = "ridge", .help = "ridge regression with an intercept, K-fold cross-validated",
             .form = GCR_FORM_SPD, .uses = GCR_USES_X | GCR_USES_Y,
             .parameters = { { .name = "alpha",
                               .help = "weight of the penalty |b|^2",
                               .least = 0 } },
             .options = { { .name = "folds",
                            .help = "K, runs of neighbouring rows",
                            .standard = 5,
                            .least = 2,
                            .most = 64 } },
             .outputs = { { .name = "mse",
                            .help = "mean over the folds of the held-out mean squared error",
                            .unit = "1",
                            .width = 1 },
                          { .name = "dof",
                            .help = "effective degrees of freedom, intercept included",
                            .unit = "1",
                            .width = 1 } },
             .faults = { "fewer rows than folds" }, .size = size, .systems = systems,
             .prepared_count = prepared_count, .cost = cost)
