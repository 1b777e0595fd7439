/*
 * cuda/cuda_calibrate_large.c -- who computes matrices that are not on the chip, and how many at a
 * time.
 *
 * A block, all blocks with cuBLAS and cuSOLVER follow each other as matrices grow. Sub-batches of
 * as many matrices as there are multiprocessors, of half and of twice as many, are what is tried:
 * more take memory, and fewer leave the GPU idle.
 */
#include "cuda/cuda_blas.h"
#include "cuda/cuda_calibrate.h"

#include <math.h>

enum { NEVER = 1 << 20 }; /* rows that no matrix has */

static gcr_status find_memory_threads(const cuda_bench *b)
{
    const cuda_choice choice = { .what = "threads of a block beside the chip",
                                 .offset = offsetof(gcr_crossovers, memory_threads),
                                 .table = gcr_cuda_prefer_memory(b, 0),
                                 .time = gcr_cuda_time_cells,
                                 .program = b->matrix,
                                 .rows = { 384 },
                                 .values = { 256, 384, 512 } };

    return gcr_cuda_choose(b, &choice);
}

static gcr_status find_grid_slots(const cuda_bench *b)
{
    const int units = b->device->base.info.units;
    const cuda_choice choice = { .what = "matrices of 1024 rows at a time",
                                 .offset = offsetof(gcr_crossovers, grid_slots),
                                 .table = gcr_cuda_prefer_grid(b),
                                 .time = gcr_cuda_time_cells,
                                 .program = b->matrix,
                                 .rows = { 1024 },
                                 .values = { (units + 1) / 2, units, 2 * units } };

    return gcr_cuda_choose(b, &choice);
}

static gcr_status find_grid_threads(const cuda_bench *b)
{
    const cuda_choice choice = { .what = "threads of each of all blocks",
                                 .offset = offsetof(gcr_crossovers, grid_threads),
                                 .table = gcr_cuda_prefer_grid(b),
                                 .time = gcr_cuda_time_cells,
                                 .program = b->matrix,
                                 .rows = { 512 },
                                 .values = { 128, 256, 512 } };

    return gcr_cuda_choose(b, &choice);
}

/* ---- from one to the next -------------------------------------------------------------------- */

/* Two that compute the same: which is ahead is another from some size on. */
typedef struct duel {
    const char *few_name, *many_name;
    gcr_crossovers few, many; /* for few rows, and for many */
} duel;

/* The first of `rows`, which end with 0, that `many` wins goes to *io. Where it wins none, that is
 * behind those that it has lost, and not before *io: what has not been measured is left as it
 * was. */
static gcr_status find_begin(int32_t *io, const cuda_bench *b, const duel *of, const int *rows)
{
    gcr_status status = GCR_OK;

    for (; *rows > 0; rows++) {
        double by_few, by_many;

        GCR_TRY(gcr_cuda_time_if_room(gcr_cuda_time_cells, &by_few, b, b->matrix, *rows, &of->few));
        GCR_TRY(
            gcr_cuda_time_if_room(gcr_cuda_time_cells, &by_many, b, b->matrix, *rows, &of->many));
        gcr_cuda_bench_tell(b, "%s, %d rows: %s %.4g ns, %s %.4g ns", gcr_scalar_name(b->scalar),
                            *rows, of->few_name, by_few, of->many_name, by_many);
        if (by_many < by_few) {
            *io = *rows;
            goto out;
        }
        if (by_many < INFINITY && *io <= *rows)
            *io = *rows + 1;
    }
out:
    return status;
}

static gcr_status find_blocked_rows(const cuda_bench *b)
{
    static const int sizes[] = { 256, 320, 384, 512, 768, 1024, 0 };
    const gcr_crossovers chip = gcr_cuda_prefer_block(b, NULL);
    const duel of = {
        .few_name = "block",
        .many_name = "all blocks together",
        .few = gcr_cuda_prefer_memory(b, gcr_cuda_bench_table(b)->memory_threads),
        .many = gcr_cuda_prefer_grid(b),
    };
    const int *rows = sizes;

    while (*rows > 0 && gcr_cuda_team_by(b, &chip, *rows) == GCR_TEAM_BLOCK)
        rows++;
    return find_begin(&gcr_cuda_bench_table(b)->blocked_rows, b, &of, rows);
}

static gcr_status find_solver_rows(const cuda_bench *b)
{
    static const int rows[] = { 1024, 1536, 2048, 3072, 4096, 0 };
    duel of = { .few_name = "sub-batches",
                .many_name = "cuSOLVER",
                .few = gcr_cuda_prefer_grid(b),
                .many = gcr_cuda_prefer_grid(b) };

    of.few.solver_rows = NEVER;
    of.many.solver_rows = 1;
    return find_begin(&gcr_cuda_bench_table(b)->solver_rows, b, &of, rows);
}

/* ---- libraries ------------------------------------------------------------------------------- */

/* Whether a library is not on this machine; what that means is said, then. */
static int lacks(gcr_status found, const cuda_bench *b, const char *otherwise)
{
    if (found != GCR_EUNSUPPORTED)
        return 0;
    gcr_cuda_bench_tell(b, "%s: %s, as %s", gcr_scalar_name(b->scalar), otherwise,
                        gcr_last_error());
    return 1;
}

/* A library that is not there is never for a matrix: from no size on. */
gcr_status gcr_cuda_find_large(const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    const cuda_blas *blas;
    const cuda_solver *solver;

    GCR_TRY(find_memory_threads(b));
    if (lacks(gcr_cuda_blas(&blas), b, "one block for each large matrix")) {
        gcr_cuda_bench_table(b)->blocked_rows = 0;
        goto out;
    }
    GCR_TRY(find_grid_slots(b));
    GCR_TRY(find_grid_threads(b));
    GCR_TRY(find_blocked_rows(b));
    if (lacks(gcr_cuda_solver(&solver), b, "sub-batches of the largest matrices, too"))
        gcr_cuda_bench_table(b)->solver_rows = NEVER;
    else
        GCR_TRY(find_solver_rows(b));
out:
    return status;
}
