/*
 * cuda/cuda_calibrate_large.c -- who computes matrices that are not on the chip, and how many at a time.
 */
#include "cuda/cuda_blas.h"
#include "cuda/cuda_calibrate.h"

#include <math.h>

static gcr_status find_memory_threads(const cuda_bench *b)
{
    static const int threads[] = { 256, 384, 512 };
    gcr_status status = GCR_OK;
    double best = INFINITY;
    int chosen = gcr_cuda_bench_table(b)->memory_threads;

    for (int k = 0; k < 3; k++) {
        const gcr_crossovers table = gcr_cuda_prefer_memory(b, threads[k]);
        double ns;

        GCR_TRY(gcr_cuda_time_cells(&ns, b, b->matrix, 384, &table));
        gcr_cuda_bench_tell(b, "%s, 384 rows beside the chip: %d threads %.4g ns",
                            gcr_scalar_name(b->scalar), threads[k], ns);
        if (ns < best) {
            best = ns;
            chosen = threads[k];
        }
    }
    gcr_cuda_bench_table(b)->memory_threads = chosen;
out:
    return status;
}

/* All blocks together. What has no memory for so many matrices at once is not measured. */
static gcr_status time_grid(double *out, const cuda_bench *b, int64_t rows)
{
    const gcr_crossovers grid = gcr_cuda_prefer_grid(b);
    const gcr_status status = gcr_cuda_time_cells(out, b, b->matrix, rows, &grid);

    if (status != GCR_ENOMEM)
        return status;
    *out = INFINITY;
    return GCR_OK;
}

static int lacks_blas(const cuda_bench *b)
{
    const cuda_blas *blas;

    if (gcr_cuda_blas(&blas) != GCR_EUNSUPPORTED)
        return 0;
    gcr_cuda_bench_tell(b, "%s: one block for each large matrix, as %s", gcr_scalar_name(b->scalar),
                        gcr_last_error());
    return 1;
}

/* From which size on all blocks and a library factor a matrix faster than one block does. Where none
 * wins, that is behind those that have lost, and not before the built-in table has it: a block would be
 * at much larger ones for ever. Without the library it is never. */
static gcr_status find_blocked_rows(const cuda_bench *b)
{
    static const int rows[] = { 256, 320, 384, 512, 768, 1024 };
    gcr_status status = GCR_OK;
    const gcr_crossovers chip = gcr_cuda_prefer_block(b, NULL);
    const gcr_crossovers memory =
        gcr_cuda_prefer_memory(b, gcr_cuda_bench_table(b)->memory_threads);
    int chosen = gcr_cuda_bench_table(b)->blocked_rows, has_won = 0;

    if (lacks_blas(b)) {
        gcr_cuda_bench_table(b)->blocked_rows = 0;
        goto out;
    }
    for (size_t k = 0; k < sizeof rows / sizeof *rows && !has_won; k++) {
        double by_block, by_all;

        if (gcr_cuda_team_by(b, &chip, rows[k]) == GCR_TEAM_BLOCK)
            continue;
        GCR_TRY(gcr_cuda_time_cells(&by_block, b, b->matrix, rows[k], &memory));
        GCR_TRY(time_grid(&by_all, b, rows[k]));
        gcr_cuda_bench_tell(b, "%s, %d rows: block %.4g ns, all blocks together %.4g ns",
                            gcr_scalar_name(b->scalar), rows[k], by_block, by_all);
        has_won = by_all < by_block;
        if (has_won)
            chosen = rows[k];
        else if (by_all < INFINITY && chosen <= rows[k])
            chosen = rows[k] + 1;
    }
    gcr_cuda_bench_table(b)->blocked_rows = chosen;
out:
    return status;
}
gcr_status gcr_cuda_find_large(const cuda_bench *b)
{
    gcr_status status = GCR_OK;

    GCR_TRY(find_memory_threads(b));
    GCR_TRY(find_blocked_rows(b));
out:
    return status;
}
