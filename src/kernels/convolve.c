/*
 * kernels/convolve.c -- the features of a dataset as an image, convolved with random values of one
 * of its rows: a known workload.
 *
 *     out[p][q] = sum of w[a][b] image[R(p + k/2 - a)][R(q + k/2 - b)],  0 <= a, b < k
 *
 * R reflects at the edges, as often as it takes: d c b a | a b c d | d c b a. This is
 * scipy.ndimage.convolve() with its standard mode and a k x k kernel, whose entries w are drawn
 * with replacement from row `row`, one row of w after the other. The image is padded once, so that
 * the loops know of no edge. It stands by feature as the dataset does: [features][rows].
 */
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { ROW, K };
enum output { SUM, MAX };
enum fault { NO_SUCH_ROW = 1, TOO_LARGE };
enum { K_MAX = 64 };

struct work {
    int64_t k, height, width; /* of the padded image; a line is a padded feature */
    gcr_real *kernel;         /* [k][k]            */
    gcr_real *image;          /* [width][height]   */
    gcr_real *out;            /* [features][rows]  */
};

GCR_FN struct work work_open(const gcr_ctx *ctx, int64_t k)
{
    struct work work;

    work.k = k;
    work.height = gcr_rows(ctx) + k - 1;
    work.width = gcr_features(ctx) + k - 1;
    work.kernel = gcr_scratch(ctx);
    work.image = work.kernel + k * k;
    work.out = work.image + work.height * work.width;
    return work;
}

/* The place 0 <= place < n that is seen at `place` when the edges are mirrors. */
GCR_FN int64_t reflect(int64_t place, int64_t n)
{
    const int64_t period = 2 * n, rest = place % period;
    const int64_t positive = rest < 0 ? rest + period : rest;

    return positive < n ? positive : period - 1 - positive;
}

/* By one member: the numbers of a stream come one after the other. */
GCR_FN void draw_kernel(const gcr_ctx *ctx, const struct work *work, int64_t row)
{
    gcr_random random = gcr_random_open(ctx, 0);

    if (gcr_team_rank(ctx) != 0)
        return;
    for (int64_t e = 0; e < work->k * work->k; e++) {
        const gcr_real place = (gcr_real)gcr_features(ctx) * gcr_random_uniform(&random);

        work->kernel[e] = gcr_x(ctx, row, (int64_t)place);
    }
}

GCR_FN void pad(const gcr_ctx *ctx, const struct work *work)
{
    const int64_t before = work->k - 1 - work->k / 2;

    for (int64_t q = gcr_team_rank(ctx); q < work->width; q += gcr_team_size(ctx)) {
        const int64_t feature = reflect(q - before, gcr_features(ctx));

        for (int64_t p = 0; p < work->height; p++)
            work->image[p + q * work->height] =
                gcr_x(ctx, reflect(p - before, gcr_rows(ctx)), feature);
    }
}

/* Adds weight * from[0 .. n - 1] to the line. */
GCR_FN void add(int64_t n, gcr_real *line, gcr_real weight, const gcr_real *from)
{
    for (int64_t i = 0; i < n; i++)
        line[i] += weight * from[i];
}

/* Line q of the result: what feature q of the image becomes. */
GCR_FN void convolve_line(const struct work *work, int64_t rows, int64_t q)
{
    const int64_t k = work->k;
    gcr_real *line = work->out + q * rows;

    for (int64_t i = 0; i < rows; i++)
        line[i] = 0;
    for (int64_t b = 0; b < k; b++)
        for (int64_t a = 0; a < k; a++)
            add(rows, line, work->kernel[a * k + b],
                work->image + (k - 1 - a) + (q + k - 1 - b) * work->height);
}

GCR_FN void convolve(const gcr_ctx *ctx, const struct work *work)
{
    for (int64_t q = gcr_team_rank(ctx); q < gcr_features(ctx); q += gcr_team_size(ctx))
        convolve_line(work, gcr_rows(ctx), q);
}

GCR_FN gcr_real sum_of(const gcr_ctx *ctx, const struct work *work)
{
    gcr_real sum = 0;

    for (int64_t e = gcr_team_rank(ctx); e < gcr_rows(ctx) * gcr_features(ctx);
         e += gcr_team_size(ctx))
        sum += work->out[e];
    return gcr_team_sum(ctx, sum);
}

GCR_FN gcr_real max_of(const gcr_ctx *ctx, const struct work *work)
{
    gcr_real max = work->out[0];

    for (int64_t e = 1; e < gcr_rows(ctx) * gcr_features(ctx); e++)
        max = gcr_max(max, work->out[e]);
    return max;
}

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    const gcr_real row = gcr_param(ctx, ROW), k = gcr_param(ctx, K);
    struct work work;

    if (!(row < (gcr_real)gcr_rows(ctx)))
        return NO_SUCH_ROW;
    if (!(k <= K_MAX))
        return TOO_LARGE;
    work = work_open(ctx, (int64_t)k);
    draw_kernel(ctx, &work, (int64_t)row);
    pad(ctx, &work);
    gcr_team_barrier(ctx);
    convolve(ctx, &work);
    gcr_team_barrier(ctx);
    outputs[SUM] = sum_of(ctx, &work);
    outputs[MAX] = max_of(ctx, &work);
    return 0;
}

/* For the largest k: scratch memory does not depend on parameters. */
GCR_HOST_FN int64_t scratch_count(const gcr_shape *shape)
{
    const int64_t height = shape->rows + K_MAX - 1, width = shape->features + K_MAX - 1;

    return K_MAX * K_MAX + height * width + shape->rows * shape->features;
}

/* Of k = 20; a cell's cost is not told by its parameters. */
GCR_HOST_FN double cost(const gcr_shape *shape)
{
    return 2.0 * 20 * 20 * (double)shape->rows * (double)shape->features;
}

GCR_DESCRIBE(.name = "convolve",
             .help = "x as an image, convolved with values of one of its rows, for measuring",
             .form = GCR_FORM_CELL, .uses = GCR_USES_X,
             .parameters = { { .name = "row",
                               .help = "whose values the kernel is drawn from; the first is 0",
                               .is_integer = 1,
                               .least = 0 },
                             { .name = "k",
                               .help = "rows and columns of the kernel, at most 64",
                               .is_integer = 1,
                               .least = 1 } },
             .outputs = { { .name = "sum",
                            .help = "of all values of the result",
                            .unit = "1",
                            .width = 1 },
                          { .name = "max",
                            .help = "the largest value of the result",
                            .unit = "1",
                            .width = 1 } },
             .faults = { "fewer rows than 'row' says; the first is 0", "k is larger than 64" },
             .scratch_count = scratch_count, .cost = cost)
