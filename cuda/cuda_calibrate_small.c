/*
 * cuda/cuda_calibrate_small.c -- who computes matrices that are on the chip.
 *
 * Thread, warp and block meet at the sizes that the text of a team is compiled for, as its time is
 * nearly that of the largest of them: the smaller team keeps what it wins up to the first size that
 * it loses. Blocks of several shapes are measured at all of `sizes`, and the classes are those of
 * the least time together, where a further class must be worth CLASS_COST.
 */
#include "cuda/cuda_calibrate.h"
#include "cuda/cuda_kernel.h"

#include <math.h>
#include <string.h>

enum { SHAPES = 6, SIZES = 10 };

static const double class_cost = 0.02; /* of the time of a size */

/* How blocks may be made: threads, and how many of them registers are limited for. */
static const gcr_block_class shapes[SHAPES] = { { 1, 128, 5 }, { 1, 128, 4 }, { 1, 192, 3 },
                                                { 1, 256, 2 }, { 1, 384, 1 }, { 1, 512, 1 } };
static const int sizes[SIZES] = { 48, 64, 96, 128, 160, 192, 224, 256, 288, 320 };

int gcr_cuda_team_by(const cuda_bench *b, const gcr_crossovers *table, int64_t rows)
{
    const gcr_shape shape = gcr_cuda_bench_shape(b->matrix, rows);

    return gcr_cuda_variant_of(table, b->matrix->unit->kernel, &shape).team;
}
/* ---- thread, warp, block --------------------------------------------------------------------- */

static gcr_status find_thread_rows(const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers thread = gcr_cuda_prefer_thread(b), warp = gcr_cuda_prefer_warp(b);
    const char *scalar = gcr_scalar_name(b->scalar);

    gcr_cuda_bench_table(b)->thread_rows = 0;
    for (int rows = 4; rows <= gcr_thread_rows_max(b->scalar); rows += 4) {
        double by_thread, by_warp;

        GCR_TRY(gcr_cuda_time_cells(&by_thread, b, b->matrix, rows, &thread));
        GCR_TRY(gcr_cuda_time_cells(&by_warp, b, b->matrix, rows, &warp));
        gcr_cuda_bench_tell(b, "%s, %d rows: thread %.4g ns, warp %.4g ns", scalar, rows, by_thread,
                            by_warp);
        if (!(by_thread < by_warp))
            break;
        gcr_cuda_bench_table(b)->thread_rows = rows;
    }
out:
    return status;
}

/* The fastest of all shapes of a block. */
static gcr_status time_best_block(double *out, const cuda_bench *b, int64_t rows)
{
    gcr_status status = GCR_OK;

    *out = INFINITY;
    for (int k = 0; k < SHAPES; k++) {
        const gcr_crossovers table = gcr_cuda_prefer_block(b, &shapes[k]);
        double ns;

        GCR_TRY(gcr_cuda_time_cells(&ns, b, b->matrix, rows, &table));
        *out = ns < *out ? ns : *out;
    }
out:
    return status;
}

static gcr_status find_warp_rows(const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers warp = gcr_cuda_prefer_warp(b);
    const int first = gcr_cuda_bench_table(b)->thread_rows / 8 * 8 + 8;

    gcr_cuda_bench_table(b)->warp_rows = 0;
    for (int rows = first; rows <= gcr_warp_rows_max(b->scalar); rows += 8) {
        double by_warp, by_block;

        GCR_TRY(gcr_cuda_time_cells(&by_warp, b, b->matrix, rows, &warp));
        GCR_TRY(time_best_block(&by_block, b, rows));
        gcr_cuda_bench_tell(b, "%s, %d rows: warp %.4g ns, block %.4g ns",
                            gcr_scalar_name(b->scalar), rows, by_warp, by_block);
        if (!(by_warp < by_block))
            break;
        gcr_cuda_bench_table(b)->warp_rows = rows;
    }
out:
    return status;
}

/* ---- shapes of blocks ------------------------------------------------------------------------ */

/* What each shape takes for each size, as a part of what the best takes. */
typedef struct field {
    int count; /* of sizes */
    int rows[SIZES];
    double ratio[SIZES][SHAPES];
} field;

static gcr_status measure_shapes(field *out, const cuda_bench *b)
{
    gcr_status status = GCR_OK;

    out->count = 0;
    for (int s = 0; s < SIZES; s++) {
        double *const ratio = out->ratio[out->count], best = INFINITY;

        if (sizes[s] <= gcr_cuda_bench_table(b)->warp_rows)
            continue;
        for (int k = 0; k < SHAPES; k++) {
            const gcr_crossovers table = gcr_cuda_prefer_block(b, &shapes[k]);

            if (gcr_cuda_team_by(b, &table, sizes[s]) != GCR_TEAM_BLOCK)
                goto out; /* nor are larger ones on the chip */
            GCR_TRY(gcr_cuda_time_cells(&ratio[k], b, b->matrix, sizes[s], &table));
            gcr_cuda_bench_tell(b, "%s, %d rows: %d threads for %d at once %.4g ns",
                                gcr_scalar_name(b->scalar), sizes[s], (int)shapes[k].threads,
                                (int)shapes[k].min_blocks, ratio[k]);
            best = ratio[k] < best ? ratio[k] : best;
        }
        for (int k = 0; k < SHAPES; k++)
            ratio[k] /= best;
        out->rows[out->count++] = sizes[s];
    }
out:
    return status;
}

/* The best shape for the sizes first .. last together, and what it takes. */
static double best_shape(int *out, const field *of, int first, int last)
{
    double best = INFINITY;

    for (int k = 0; k < SHAPES; k++) {
        double sum = class_cost;

        for (int s = first; s <= last; s++)
            sum += of->ratio[s][k];
        if (sum < best) {
            best = sum;
            *out = k;
        }
    }
    return best;
}

/* The least that the sizes from `first` on take with `left` classes or fewer; where the first of
 * these ends, in *last_out, and its shape. */
static double cut(int *last_out, int *shape_out, const field *of, int first, int left)
{
    double best = INFINITY;

    for (int last = first; last < of->count; last++) {
        int shape = 0, unused_last, unused_shape;
        double sum = best_shape(&shape, of, first, last);

        if (last + 1 < of->count)
            sum += left > 1 ? cut(&unused_last, &unused_shape, of, last + 1, left - 1) : INFINITY;
        if (sum < best) {
            best = sum;
            *last_out = last;
            *shape_out = shape;
        }
    }
    return best;
}

static gcr_status find_blocks(const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    gcr_block_class *const block = gcr_cuda_bench_table(b)->block;
    field all;
    int first = 0;

    GCR_TRY(measure_shapes(&all, b));
    if (all.count == 0)
        goto out; /* no size that a block has on the chip: as it is */
    memset(block, 0, sizeof gcr_cuda_bench_table(b)->block);
    for (int k = 0; k < GCR_BLOCK_CLASSES && first < all.count; k++) {
        int last = first, shape = 0;

        cut(&last, &shape, &all, first, GCR_BLOCK_CLASSES - k);
        block[k] = shapes[shape];
        block[k].rows = first == 0 ? 1 : all.rows[first - 1] + 1;
        first = last + 1;
    }
out:
    return status;
}
static gcr_status compile_small(const cuda_bench *b)
{
    const gcr_crossovers thread = gcr_cuda_prefer_thread(b), warp = gcr_cuda_prefer_warp(b);
    cuda_expected all = { .count = 0 };

    for (int rows = 4; rows <= gcr_thread_rows_max(b->scalar); rows += 4)
        gcr_cuda_expect(&all, b->matrix, rows, &thread);
    for (int rows = 8; rows <= gcr_warp_rows_max(b->scalar); rows += 8)
        gcr_cuda_expect(&all, b->matrix, rows, &warp);
    for (int k = 0; k < SHAPES; k++) {
        const gcr_crossovers table = gcr_cuda_prefer_block(b, &shapes[k]);

        gcr_cuda_expect(&all, b->matrix, sizes[0], &table);
    }
    return gcr_cuda_expect_end(&all, b->matrix);
}

gcr_status gcr_cuda_find_small(const cuda_bench *b)
{
    gcr_status status = GCR_OK;

    GCR_TRY(compile_small(b));
    GCR_TRY(find_thread_rows(b));
    GCR_TRY(find_warp_rows(b));
    GCR_TRY(find_blocks(b));
out:
    return status;
}
