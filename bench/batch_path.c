/* bench/batch_path.c -- one code path and scalar of batch.h, named BATCH_NAME. */
#include "backend/cpu/inverse_root.h"
#include "backend/cpu/lanes.h"

#include "base/clock.h"
#include "batch.h"

/* As many as hide the latency of a multiply-add on two units, and registers hold. */
enum { CHAINS = 10, STEPS = 20000 };

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
    .flops_per_second = flops_per_second,
    .pivot_seconds = pivot_seconds,
};
