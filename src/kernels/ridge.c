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
 * with G the Gram matrix of X around the means of its rows. A cell never looks at X. prepare() goes
 * over the rows once: of each fold it keeps the means and the triangle R of a QR factorisation of
 * (X, y) around them. The Gram matrix of any union of folds is the sum of their R'R and of what
 * their means differ by: sums of what is positive, so nothing cancels. And with the difference to
 * the means outside turned into R as one more row, |y - X b|^2 of a fold is |R (-b, 1)|^2; a
 * quadratic form of its Gram matrix would cancel where the fit is good, this sum of squares cannot.
 */
#define GCR_SPD_KERNEL
#define GCR_HAS_PREPARE
#define GCR_HAS_BASE
#include "gridcrunch/kernel.h"

enum parameter { ALPHA };
enum output { MSE, DOF };
enum fault { TOO_FEW_ROWS = 1 };
enum {
    SIDE = 8,  /* sums that run side by side, for vector code */
    BAND = 64, /* rows that are turned into R together        */
};

/* Where things are in the prepared block, for d features; y counts as column d. Columns of R have a
 * multiple of SIDE entries and zeros below the diagonal; Gram matrices are lower triangles packed
 * by rows, so that their row d is X'y. */
struct parts {
    int64_t columns;  /* d + 1 */
    int64_t column;   /* entries of a column of R                                        */
    int64_t triangle; /* entries of a Gram matrix                                        */
    int64_t gram;     /* [K + 1][triangle] of each system                                */
    int64_t fold;     /* [K][columns][column] R of the rows in each fold                 */
    int64_t own;      /* [K][triangle] of the rows in each fold                          */
    int64_t mean;     /* [K][columns] of the rows in each fold                           */
    int64_t outside;  /* [columns] the means of the system in hand                       */
    int64_t band;     /* [columns][BAND] rows in hand                                    */
    int64_t end;
};

GCR_FN int64_t round_up(int64_t count)
{
    return (count + SIDE - 1) / SIDE * SIDE;
}

GCR_FN struct parts parts_of(int64_t d, int64_t folds)
{
    struct parts at;

    at.columns = d + 1;
    at.column = round_up(d + 1);
    at.triangle = gcr_triangle(d + 1, 0);
    at.gram = 0;
    at.fold = at.gram + (folds + 1) * at.triangle;
    at.own = at.fold + folds * at.columns * at.column;
    at.mean = at.own + folds * at.triangle;
    at.outside = at.mean + folds * at.columns;
    at.band = at.outside + at.columns;
    at.end = at.band + at.columns * BAND;
    return at;
}

GCR_FN int folds(const gcr_ctx *ctx)
{
    return (int)GCR_OPTION(folds);
}

GCR_FN struct parts parts(const gcr_ctx *ctx)
{
    return parts_of(gcr_features(ctx), folds(ctx));
}

/* The first row of fold `k`. */
GCR_FN int64_t fold_begin(const gcr_ctx *ctx, int k)
{
    const int64_t rows = gcr_rows(ctx), longer = rows % folds(ctx);

    return k * (rows / folds(ctx)) + (k < longer ? k : longer);
}

GCR_FN int64_t fold_rows(const gcr_ctx *ctx, int k)
{
    return fold_begin(ctx, k + 1) - fold_begin(ctx, k);
}

GCR_FN gcr_real value(const gcr_ctx *ctx, int64_t row, int64_t column)
{
    return column < gcr_features(ctx) ? gcr_x(ctx, row, column) : gcr_y(ctx, row);
}

/* ---- the rows of a fold ---------------------------------------------------------------------- */

GCR_FN gcr_real mean_of(const gcr_ctx *ctx, int k, int64_t column)
{
    const int64_t begin = fold_begin(ctx, k), rows = fold_rows(ctx, k);
    gcr_real part[SIDE] = { 0, 0, 0, 0, 0, 0, 0, 0 }, sum = 0;
    int64_t i = 0;

    for (; i + SIDE <= rows; i += SIDE)
        for (int s = 0; s < SIDE; s++)
            part[s] += value(ctx, begin + i + s, column);
    for (; i < rows; i++)
        sum += value(ctx, begin + i, column);
    for (int s = 0; s < SIDE; s++)
        sum += part[s];
    return sum / (gcr_real)rows;
}

/* Turns `rows` rows of the band into R until nothing of them is left: a Householder reflection for
 * each column c, which meets row c of R and the whole band. */
GCR_FN void reduce_band(const gcr_ctx *ctx, gcr_real *r, gcr_real *band, int64_t rows)
{
    const struct parts at = parts(ctx);

    for (int64_t c = 0; c < at.columns; c++) {
        const gcr_real *v = band + c * BAND;
        const gcr_real head = r[c * at.column + c], square = gcr_dot(rows, v, v);
        const gcr_real length = gcr_sqrt(head * head + square);
        const gcr_real first = head > 0 ? head + length : head - length;
        const gcr_real half = length * (length + (head > 0 ? head : -head)); /* of |v|^2 */

        gcr_team_barrier(ctx); /* all have read the head */
        if (square == 0)
            continue;
        if (gcr_team_rank(ctx) == 0)
            r[c * at.column + c] = head - first;
        for (int64_t k = c + 1 + gcr_team_rank(ctx); k < at.columns; k += gcr_team_size(ctx)) {
            gcr_real *own = band + k * BAND, *top = r + k * at.column + c;
            const gcr_real share = (first * *top + gcr_dot(rows, v, own)) / half;

            *top -= share * first;
            for (int64_t i = 0; i < rows; i++)
                own[i] -= share * v[i];
        }
        gcr_team_barrier(ctx); /* the band is what it is */
    }
}

GCR_FN void clear_triangle(const gcr_ctx *ctx, gcr_real *r)
{
    const struct parts at = parts(ctx);

    for (int64_t i = gcr_team_rank(ctx); i < at.columns * at.column; i += gcr_team_size(ctx))
        r[i] = 0;
}

/* Means, and R of the rows around them. */
GCR_FN void find_fold(const gcr_ctx *ctx, int k, gcr_real *prepared)
{
    const struct parts at = parts(ctx);
    const int64_t end = fold_begin(ctx, k + 1);
    gcr_real *mean = prepared + at.mean + k * at.columns, *band = prepared + at.band;
    gcr_real *r = prepared + at.fold + k * at.columns * at.column;

    clear_triangle(ctx, r);
    for (int64_t c = gcr_team_rank(ctx); c < at.columns; c += gcr_team_size(ctx))
        mean[c] = mean_of(ctx, k, c);
    for (int64_t i = fold_begin(ctx, k); i < end; i += BAND) {
        const int64_t rows = end - i < BAND ? end - i : BAND;

        for (int64_t c = gcr_team_rank(ctx); c < at.columns; c += gcr_team_size(ctx))
            for (int64_t j = 0; j < rows; j++)
                band[c * BAND + j] = value(ctx, i + j, c) - mean[c];
        gcr_team_barrier(ctx);
        reduce_band(ctx, r, band, rows);
    }
}

/* ---- the rows of a system -------------------------------------------------------------------- */

GCR_FN void find_means(const gcr_ctx *ctx, int system, gcr_real *prepared)
{
    const struct parts at = parts(ctx);
    const int64_t held_out = system < folds(ctx) ? fold_rows(ctx, system) : 0;

    for (int64_t c = gcr_team_rank(ctx); c < at.columns; c += gcr_team_size(ctx)) {
        gcr_real sum = 0;

        for (int k = 0; k < folds(ctx); k++)
            if (k != system)
                sum += (gcr_real)fold_rows(ctx, k) * prepared[at.mean + k * at.columns + c];
        prepared[at.outside + c] = sum / (gcr_real)(gcr_rows(ctx) - held_out);
    }
}

/* One fold's part of a Gram matrix around other means. */
GCR_FN void add_gram(const gcr_ctx *ctx, int k, gcr_real *prepared, gcr_real *gram)
{
    const struct parts at = parts(ctx);
    const gcr_real *own = prepared + at.own + k * at.triangle;
    const gcr_real *mean = prepared + at.mean + k * at.columns, *outside = prepared + at.outside;
    const gcr_real rows = (gcr_real)fold_rows(ctx, k);

    for (int64_t a = gcr_team_rank(ctx); a < at.columns; a += gcr_team_size(ctx)) {
        const gcr_real off = rows * (mean[a] - outside[a]);

        for (int64_t b = 0; b <= a; b++)
            gram[gcr_triangle(a, b)] += own[gcr_triangle(a, b)] + off * (mean[b] - outside[b]);
    }
}

/* R around the means outside: the rows differ from those by one row more, of what their own means
 * do, as often as there are rows. */
GCR_FN void shift_fold(const gcr_ctx *ctx, int k, gcr_real *prepared)
{
    const struct parts at = parts(ctx);
    const gcr_real *mean = prepared + at.mean + k * at.columns, *outside = prepared + at.outside;
    const gcr_real weight = gcr_sqrt((gcr_real)fold_rows(ctx, k));
    gcr_real *band = prepared + at.band;

    for (int64_t c = gcr_team_rank(ctx); c < at.columns; c += gcr_team_size(ctx))
        band[c * BAND] = weight * (mean[c] - outside[c]);
    gcr_team_barrier(ctx);
    reduce_band(ctx, prepared + at.fold + k * at.columns * at.column, band, 1);
}

GCR_FN void find_system(const gcr_ctx *ctx, int system, gcr_real *prepared)
{
    const struct parts at = parts(ctx);
    gcr_real *gram = prepared + at.gram + system * at.triangle;

    find_means(ctx, system, prepared);
    for (int64_t i = gcr_team_rank(ctx); i < at.triangle; i += gcr_team_size(ctx))
        gram[i] = 0;
    gcr_team_barrier(ctx);
    for (int k = 0; k < folds(ctx); k++) {
        if (k != system)
            add_gram(ctx, k, prepared, gram);
        gcr_team_barrier(ctx);
    }
    if (system < folds(ctx))
        shift_fold(ctx, system, prepared);
    gcr_team_barrier(ctx); /* the means are of the next system now */
}

GCR_FN int prepare(const gcr_ctx *ctx, gcr_real *prepared)
{
    const struct parts at = parts(ctx);

    if (gcr_rows(ctx) < folds(ctx))
        return TOO_FEW_ROWS;
    for (int k = 0; k < folds(ctx); k++) {
        find_fold(ctx, k, prepared);
        gcr_team_gram(ctx, at.columns, at.column, prepared + at.fold + k * at.columns * at.column,
                      prepared + at.own + k * at.triangle); /* R'R, with zeros below the diagonal */
    }
    for (int system = 0; system <= folds(ctx); system++)
        find_system(ctx, system, prepared);
    return 0;
}

/* ---- a cell ---------------------------------------------------------------------------------- */

GCR_FN gcr_real gram_entry(const gcr_ctx *ctx, int system, int64_t i, int64_t j)
{
    const struct parts at = parts(ctx);

    return gcr_prepared(ctx, at.gram + system * at.triangle + gcr_triangle(i, j));
}

GCR_FN gcr_real base(const gcr_ctx *ctx, int system, int i, int j)
{
    return gram_entry(ctx, system, i, j);
}

GCR_FN gcr_real scale(const gcr_ctx *ctx, int system)
{
    (void)ctx;
    (void)system;
    return 1;
}

GCR_FN gcr_real shift(const gcr_ctx *ctx, int system)
{
    (void)system;
    return gcr_param(ctx, ALPHA);
}

GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column)
{
    (void)column;
    return gram_entry(ctx, system, gcr_features(ctx), i);
}

GCR_FN unsigned needs(const gcr_ctx *ctx, int system)
{
    return system < folds(ctx) ? GCR_NEED_SOLUTION : GCR_NEED_INVERSE_DIAGONAL;
}

/* |R (-b, 1)|^2, SIDE rows of R at a time, where b is the solution of the system of fold `k`. */
GCR_FN gcr_real squared_error(const gcr_ctx *ctx, const gcr_answers *answers, int k)
{
    const struct parts at = parts(ctx);
    const int64_t d = gcr_features(ctx), r = at.fold + k * at.columns * at.column;
    gcr_real square[SIDE] = { 0, 0, 0, 0, 0, 0, 0, 0 }, sum = 0;

    for (int64_t row = 0; row < at.columns; row += SIDE) {
        gcr_real left[SIDE];

        for (int s = 0; s < SIDE; s++)
            left[s] = gcr_prepared(ctx, r + d * at.column + row + s);
        for (int64_t c = row; c < d; c++) {
            const gcr_real b = gcr_solution(answers, k, 0, (int)c);

            for (int s = 0; s < SIDE; s++)
                left[s] -= gcr_prepared(ctx, r + c * at.column + row + s) * b;
        }
        for (int s = 0; s < SIDE; s++)
            square[s] += left[s] * left[s];
    }
    for (int s = 0; s < SIDE; s++)
        sum += square[s];
    return sum;
}

GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs)
{
    gcr_real error = 0, trace = 0;

    for (int k = 0; k < folds(ctx); k++)
        error += squared_error(ctx, answers, k) / (gcr_real)fold_rows(ctx, k);
    for (int i = 0; i < gcr_features(ctx); i++)
        trace += gcr_inverse_diagonal(answers, folds(ctx), i);
    outputs[MSE] = error / (gcr_real)folds(ctx);
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
    return parts_of(shape->features, shape->option[0]).end;
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
