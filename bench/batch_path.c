/* bench/batch_path.c -- one code path and scalar of batch.h, named BATCH_NAME. */
#include "backend/cpu/spd_batch.h"

#include "base/clock.h"
#include "batch.h"

/* As many as hide the latency of a multiply-add on two units, and registers hold. */
enum { CHAINS = 10, STEPS = 20000 };

static uint64_t squares_bytes(int n)
{
    return (uint64_t)(gcr_square_rows(n) * (gcr_square_rows(n) + 1) / 2) * sizeof(gcr_square);
}

static void pack(void *squares, const void *matrices, int64_t stride, int n)
{
    gcr_batch_pack(squares, matrices, stride, n);
}

static void factor(void *squares, int n, int32_t *minor)
{
    gcr_batch_factor(squares, n, minor);
}

static void unpack(void *squares, void *matrices, int64_t stride, int n)
{
    gcr_batch_unpack(squares, matrices, stride, n);
}

static volatile gcr_real sink, nearly_one = 0.99999;

static double flops_per_second(void)
{
    const gcr_vec a = gcr_vec_of(nearly_one), b = gcr_vec_of(1 - nearly_one);
    gcr_vec sum[CHAINS], all = gcr_vec_of(0);
    double begin, end;

    for (int c = 0; c < CHAINS; c++)
        sum[c] = gcr_vec_of((gcr_real)c);
    begin = gcr_clock_seconds();
    for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 10
        for (int c = 0; c < CHAINS; c++)
            sum[c] = gcr_vec_add_product(b, sum[c], a);
    end = gcr_clock_seconds();
    for (int c = 0; c < CHAINS; c++)
        all += sum[c];
    sink = all[0];
    return 2.0 * GCR_LANES * CHAINS * STEPS / (end - begin);
}

/* A pivot's inverse root, the entry below it, what that takes from the next pivot. */
static double pivot_seconds(void)
{
    const gcr_vec entry = gcr_vec_of(1 - nearly_one), next = gcr_vec_of(2);
    gcr_vec pivot = next;
    const double begin = gcr_clock_seconds();
    double end;

    for (int step = 0; step < STEPS; step++) {
        const gcr_vec below = entry * gcr_vec_inverse_root(pivot);

        pivot = gcr_vec_subtract_product(next, below, below);
    }
    end = gcr_clock_seconds();
    sink = pivot[0];
    return (end - begin) / STEPS;
}

extern const batch BATCH_NAME;

const batch BATCH_NAME = {
    .path = GCR_LANES_PATH,
    .scalar = GCR_UNIT_SCALAR,
    .lanes = GCR_LANES,
    .real_bytes = sizeof(gcr_real),
    .squares_bytes = squares_bytes,
    .pack = pack,
    .factor = factor,
    .unpack = unpack,
    .flops_per_second = flops_per_second,
    .pivot_seconds = pivot_seconds,
};
