/* backend/cpu/cpu_factor_path.c -- one code path and precision of cpu_lanes.h, GCR_FACTOR_NAME. */
#include "backend/cpu/cpu_lanes.h"
#include "backend/cpu/spd_batch.h"

static uint64_t squares_bytes(int n)
{
    return (uint64_t)(gcr_square_rows(n) * (gcr_square_rows(n) + 1) / 2) * sizeof(gcr_square);
}

static gcr_real *entry_of(void *squares, int i, int j, int lane)
{
    return (gcr_real *)&gcr_squares_row(squares, i / 4)[j / 4].at[i % 4][j % 4] + lane;
}

/* Lanes behind the last matrix have the identity. */
static void pack_some(void *squares, const gcr_real *matrices, int n, int count)
{
    const int rows = (int)gcr_square_rows(n);

    for (int lane = 0; lane < GCR_LANES; lane++)
        for (int i = 0; i < 4 * rows; i++)
            for (int j = 0; j <= i; j++)
                *entry_of(squares, i, j, lane) =
                    i < n && lane < count ? matrices[((int64_t)lane * n + j) * n + i] : i == j;
}

static void unpack_some(void *squares, gcr_real *matrices, int n, int count)
{
    for (int lane = 0; lane < count; lane++)
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++) {
                const gcr_real entry = *entry_of(squares, i, j, lane);

                matrices[((int64_t)lane * n + j) * n + i] = i == j ? 1 / entry : entry;
            }
}

static void pack(void *squares, const void *matrices, int n, int count)
{
    if (count == GCR_LANES)
        gcr_batch_pack(squares, matrices, (int64_t)n * n, n);
    else
        pack_some(squares, matrices, n, count);
}

static void find_bad(void *squares, int n, int32_t *bad)
{
    gcr_batch_find_bad(squares, n, bad);
}

static void factor(void *squares, int n, int32_t *minor)
{
    gcr_batch_factor(squares, n, minor);
}

static void unpack(void *squares, void *matrices, int n, int count)
{
    if (count == GCR_LANES)
        gcr_batch_unpack(squares, matrices, (int64_t)n * n, n);
    else
        unpack_some(squares, matrices, n, count);
}

extern const gcr_cpu_lanes GCR_FACTOR_NAME;

const gcr_cpu_lanes GCR_FACTOR_NAME = { .path = GCR_LANES_PATH,
                                        .scalar = GCR_UNIT_SCALAR,
                                        .lanes = GCR_LANES,
                                        .squares_bytes = squares_bytes,
                                        .pack = pack,
                                        .find_bad = find_bad,
                                        .factor = factor,
                                        .unpack = unpack };
