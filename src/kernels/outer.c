/*
 * kernels/outer.c -- a row of the dataset times the column means of a random table: a known
 * workload that writes more than it computes.
 *
 *     out = x m',  x row `row` of X,  m the column means of a fresh table, rows x features, U(0, 1)
 *
 * The features x features matrix is written to memory, as the workload asks, and then read: both
 * outputs could be had from x and m alone. Column j of the table is stream j of the cell.
 */
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { ROW };
enum output { SUM, SKEW };
enum fault { NO_SUCH_ROW = 1 };

GCR_FN void find_means(const gcr_ctx *ctx, gcr_real *mean)
{
    for (int64_t j = gcr_team_rank(ctx); j < gcr_features(ctx); j += gcr_team_size(ctx)) {
        gcr_random random = gcr_random_open(ctx, (uint32_t)j);
        gcr_real sum = 0;

        for (int64_t i = 0; i < gcr_rows(ctx); i++)
            sum += gcr_random_uniform(&random);
        mean[j] = sum / (gcr_real)gcr_rows(ctx);
    }
}

GCR_FN void multiply(const gcr_ctx *ctx, int64_t row, const gcr_real *mean, gcr_real *out)
{
    const int64_t n = gcr_features(ctx);

    for (int64_t i = gcr_team_rank(ctx); i < n; i += gcr_team_size(ctx))
        for (int64_t j = 0; j < n; j++)
            out[i * n + j] = gcr_x(ctx, row, i) * mean[j];
}

/* Each member reads the rows that it wrote. */
GCR_FN void check(const gcr_ctx *ctx, const gcr_real *out, gcr_real *outputs)
{
    const int64_t n = gcr_features(ctx);
    gcr_real sum = 0, skew = 0;

    for (int64_t i = gcr_team_rank(ctx); i < n; i += gcr_team_size(ctx))
        for (int64_t j = 0; j < n; j++) {
            sum += out[i * n + j];
            skew += (gcr_real)(i - j) * out[i * n + j];
        }
    outputs[SUM] = gcr_team_sum(ctx, sum);
    outputs[SKEW] = gcr_team_sum(ctx, skew);
}

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    gcr_real *mean = gcr_scratch(ctx), *out = mean + gcr_features(ctx);

    if (!(gcr_param(ctx, ROW) < (gcr_real)gcr_rows(ctx)))
        return NO_SUCH_ROW;
    find_means(ctx, mean);
    gcr_team_barrier(ctx);
    multiply(ctx, (int64_t)gcr_param(ctx, ROW), mean, out);
    check(ctx, out, outputs);
    return 0;
}

GCR_HOST_FN int64_t scratch_count(const gcr_shape *shape)
{
    return shape->features + shape->features * shape->features;
}

/* A random number costs as much as 60 operations. */
GCR_HOST_FN double cost(const gcr_shape *shape)
{
    const double n = (double)shape->features;

    return 60 * (double)shape->rows * n + 5 * n * n;
}

GCR_DESCRIBE(.name = "outer", .help = "a row of x times the means of a random table, for measuring",
             .form = GCR_FORM_CELL, .uses = GCR_USES_X,
             .parameters = { { .name = "row",
                               .help = "of x; the first is 0. Tells the tables apart, too",
                               .is_integer = 1,
                               .least = 0 } },
             .outputs = { { .name = "sum",
                            .help = "of all entries of the product",
                            .unit = "1",
                            .width = 1 },
                          { .name = "skew",
                            .help = "sum of (i - j) times entry (i, j): a check of their places",
                            .unit = "1",
                            .width = 1 } },
             .faults = { "fewer rows than 'row' says; the first is 0" },
             .scratch_count = scratch_count, .cost = cost)
