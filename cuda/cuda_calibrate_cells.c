/* cuda/cuda_calibrate_cells.c -- how many threads have a cell of a kernel that has no SPD matrix. */
#include "cuda/cuda_calibrate.h"
#include "cuda/cuda_kernel.h"

enum { ROWS_LEAST = 8, ROWS_MOST = 2048 };

static double cost_of(const cuda_bench *b, int64_t rows)
{
    const gcr_unit_setup *setup = ((const cuda_program *)b->cell)->spec.setup;
    const gcr_shape shape = { .rows = rows, .features = 1, .option = setup->option };

    return gcr_cuda_flops_of(b->cell->unit->kernel, &shape);
}

static gcr_status find_cell_flops(const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers thread = gcr_cuda_prefer_thread(b), block = gcr_cuda_prefer_block(b, NULL);
    double flops = 0;

    for (int rows = ROWS_LEAST; rows <= ROWS_MOST; rows *= 2) {
        double by_thread, by_block;

        GCR_TRY(gcr_cuda_time_cells(&by_thread, b, b->cell, rows, &thread));
        GCR_TRY(gcr_cuda_time_cells(&by_block, b, b->cell, rows, &block));
        gcr_cuda_bench_tell(b, "%s, cell of %.3g operations: thread %.4g ns, block %.4g ns",
                            gcr_scalar_name(b->scalar), cost_of(b, rows), by_thread, by_block);
        if (!(by_thread < by_block))
            break;
        flops = cost_of(b, rows);
    }
    gcr_cuda_bench_table(b)->cell_thread_flops = flops;
out:
    return status;
}
gcr_status gcr_cuda_find_cells(const cuda_bench *b)
{
    return find_cell_flops(b);
}
