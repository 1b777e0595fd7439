/*
 * cuda/cuda_calibrate_cells.c -- how many threads have a cell of a kernel that has no SPD matrix.
 *
 * A cell that all blocks have runs alone; one that a block has, beside one on each other
 * multiprocessor. So what is compared is what a cell takes where there are as many as
 * multiprocessors. What decides is its cost, and that it has as much scratch as the smallest cell
 * that all blocks have won: others may have their cost in a loop that is not worth sharing.
 */
#include "cuda/cuda_calibrate.h"
#include "cuda/cuda_kernel.h"

#include <math.h>

enum { ROWS_LEAST = 8, ROWS_MOST = 2048, WHOLE_ROWS = 1 /* of a dataset that nobody reads */ };

static double cost_of(const gcr_program *program, int64_t rows)
{
    const gcr_shape shape = gcr_cuda_bench_shape(program, rows);

    return gcr_cuda_flops_of(program->unit->kernel, &shape);
}

static gcr_status find_threads(const cuda_bench *b)
{
    const cuda_choice choice = { .what = "threads of a block with a cell",
                                 .offset = offsetof(gcr_crossovers, cell_threads),
                                 .table = gcr_cuda_prefer_block(b, NULL),
                                 .time = gcr_cuda_time_cells,
                                 .program = b->cell,
                                 .rows = { 256, 2048 },
                                 .values = { 64, 128, 256, 512 } };

    return gcr_cuda_choose(b, &choice);
}

static gcr_status find_thread_flops(const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers thread = gcr_cuda_prefer_thread(b), block = gcr_cuda_prefer_block(b, NULL);
    double flops = 0;

    for (int rows = ROWS_LEAST; rows <= ROWS_MOST; rows *= 2) {
        double by_thread, by_block;

        GCR_TRY(gcr_cuda_time_cells(&by_thread, b, b->cell, rows, &thread));
        GCR_TRY(gcr_cuda_time_cells(&by_block, b, b->cell, rows, &block));
        gcr_cuda_bench_tell(b, "%s, cell of %.3g operations: thread %.4g ns, block %.4g ns",
                            gcr_scalar_name(b->scalar), cost_of(b->cell, rows), by_thread,
                            by_block);
        if (!(by_thread < by_block))
            break;
        flops = cost_of(b->cell, rows);
    }
    gcr_cuda_bench_table(b)->cell_thread_flops = flops;
out:
    return status;
}

/* ---- all blocks ------------------------------------------------------------------------------ */

static gcr_status find_whole_threads(const cuda_bench *b)
{
    const cuda_choice choice = { .what = "threads of each of all blocks with a cell",
                                 .offset = offsetof(gcr_crossovers, whole_threads),
                                 .table = gcr_cuda_prefer_whole(b),
                                 .time = gcr_cuda_time_cells,
                                 .program = b->whole[GCR_CALIBRATION_WHOLE - 1],
                                 .rows = { WHOLE_ROWS },
                                 .values = { 128, 256, 512 } };

    return gcr_cuda_choose(b, &choice);
}

static void take(const cuda_bench *b, const gcr_program *won)
{
    const gcr_shape shape = gcr_cuda_bench_shape(won, WHOLE_ROWS);
    gcr_crossovers *table = gcr_cuda_bench_table(b);

    table->cell_whole_flops = cost_of(won, WHOLE_ROWS);
    table->cell_whole_count = (int32_t)won->unit->kernel->scratch_count(&shape);
}

/* Where all blocks win nothing they have what is dearer than all that was measured. */
static gcr_status find_whole_flops(const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers block = gcr_cuda_prefer_block(b, NULL), whole = gcr_cuda_prefer_whole(b);
    double *const flops = &gcr_cuda_bench_table(b)->cell_whole_flops;

    for (int k = 0; k < GCR_CALIBRATION_WHOLE; k++) {
        gcr_program *const program = b->whole[k];
        const double cost = cost_of(program, WHOLE_ROWS);
        cuda_expected both = { .count = 0 };
        double by_block, by_all;

        gcr_cuda_expect(&both, program, WHOLE_ROWS, &block);
        gcr_cuda_expect(&both, program, WHOLE_ROWS, &whole);
        GCR_TRY(gcr_cuda_expect_end(&both, program));
        GCR_TRY(
            gcr_cuda_time_if_room(gcr_cuda_time_cells, &by_block, b, program, WHOLE_ROWS, &block));
        GCR_TRY(
            gcr_cuda_time_if_room(gcr_cuda_time_cells, &by_all, b, program, WHOLE_ROWS, &whole));
        gcr_cuda_bench_tell(b, "%s, cell of %.3g operations: block %.4g ns, all blocks %.4g ns",
                            gcr_scalar_name(b->scalar), cost, by_block, by_all);
        if (by_all < by_block) {
            take(b, program);
            goto out;
        }
        if (by_all < INFINITY && *flops <= cost)
            *flops = nextafter(cost, INFINITY);
    }
out:
    return status;
}

/* ---- preparing ------------------------------------------------------------------------------- */

static gcr_status find_prepare_threads(const cuda_bench *b)
{
    const cuda_choice choice = { .what = "threads of a block that prepares a dataset",
                                 .offset = offsetof(gcr_crossovers, prepare_threads),
                                 .table = gcr_cuda_prefer_prepare(b, 0),
                                 .time = gcr_cuda_time_prepare,
                                 .program = b->matrix,
                                 .rows = { 256 },
                                 .values = { 64, 128, 256, 512 } };

    return gcr_cuda_choose(b, &choice);
}

static double prepare_cost_of(const gcr_program *program, int64_t rows)
{
    const gcr_shape shape = gcr_cuda_bench_shape(program, rows);

    return program->unit->kernel->prepare_cost(&shape);
}

/* As for cells: where all blocks win nothing, they have what is dearer than all that was
 * measured. */
static gcr_status find_prepare_whole_flops(const cuda_bench *b)
{
    static const int rows[] = { 512, 1024, 2048 };
    gcr_status status = GCR_OK;
    const gcr_crossovers block = gcr_cuda_prefer_prepare(b, 0),
                         whole = gcr_cuda_prefer_prepare(b, 1);
    double *const flops = &gcr_cuda_bench_table(b)->prepare_whole_flops;

    if (b->matrix->unit->kernel->prepare_cost == NULL)
        goto out;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const double cost = prepare_cost_of(b->matrix, rows[k]);
        double by_block, by_all;

        GCR_TRY(
            gcr_cuda_time_if_room(gcr_cuda_time_prepare, &by_block, b, b->matrix, rows[k], &block));
        GCR_TRY(
            gcr_cuda_time_if_room(gcr_cuda_time_prepare, &by_all, b, b->matrix, rows[k], &whole));
        gcr_cuda_bench_tell(b,
                            "%s, preparing of %.3g operations: block %.4g ns, all blocks %.4g ns",
                            gcr_scalar_name(b->scalar), cost, by_block, by_all);
        if (by_all < by_block) {
            *flops = cost;
            goto out;
        }
        if (by_all < INFINITY && *flops <= cost)
            *flops = nextafter(cost, INFINITY);
    }
out:
    return status;
}

gcr_status gcr_cuda_find_cells(const cuda_bench *b)
{
    gcr_status status = GCR_OK;

    GCR_TRY(find_threads(b));
    GCR_TRY(find_thread_flops(b));
    GCR_TRY(find_prepare_threads(b));
    if (gcr_cuda_bench_table(b)->whole_blocks > 0) {
        GCR_TRY(find_whole_threads(b));
        GCR_TRY(find_whole_flops(b));
        GCR_TRY(find_prepare_whole_flops(b));
    }
out:
    return status;
}
