/*
 * bench/bench_levers.c -- what do the opt-in algorithms bring for the main job?
 *
 * The cells of examples/fertility.yaml (24 lengthscales, 12 noises, 3 variances) on one thread, in
 * memory: with the direct algorithm, with `algorithm: tridiagonal`, the lengthscale outermost and
 * innermost, and as gp_profile, which needs no variances, with both algorithms. Values are checked
 * against each other before anything is timed.
 *
 * What should come out (derived, for n = 52, a covariance counted as 20 operations of an entry's
 * two halves): a direct cell takes n^3 / 3 + 20 n^2 = 101,000 operations; tridiagonal, a
 * lengthscale takes 4 n^3 / 3 + 20 n^2 = 241,000 for its 36 cells and a cell 10 n more: 7200, 14
 * times fewer. Half of a reduction is products of the matrix with a vector, which read an entry for
 * every two multiply-adds, so 7 times as fast would be fair. gp_profile leaves a third of the
 * cells: 3 times as fast, but little where the reductions, which are as many, are what takes time.
 *
 * `floor` is the time of those operations at the rate of multiply-adds without memory, measured
 * here.
 */
#include "bench.h"
#include "work.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>

enum { LENGTHSCALES = 24, NOISES = 12, VARIANCES = 3, OVERRIDES_MAX = 4 };
enum { DIRECT, OUTER, INNER, PROFILE, PROFILE_TRIDIAGONAL, SIDES };

#define LENGTHSCALE "lengthscale: {geomspace: [0.5, 60, 24]}"
#define NOISE "{geomspace: [1e-3, 1, 12]}"
#define TRIDIAGONAL "run.algorithm=tridiagonal"
#define PROFILE_GRID "grid={" LENGTHSCALE ", noise_ratio: " NOISE "}"

static const char *const names[SIDES] = { "direct", "tridiagonal", "tridiagonal_inner", "profile",
                                          "profile_tridiagonal" };
static const char *const overrides[SIDES][OVERRIDES_MAX] = {
    [OUTER] = { TRIDIAGONAL },
    [INNER] = { TRIDIAGONAL, "grid={noise: " NOISE ", variance: [0.25, 1, 4], " LENGTHSCALE "}" },
    [PROFILE] = { "kernel=gp_profile", PROFILE_GRID },
    [PROFILE_TRIDIAGONAL] = { "kernel=gp_profile", PROFILE_GRID, TRIDIAGONAL },
};

typedef struct state {
    bench_work works[SIDES];
    uint64_t datasets;
    const double *values[SIDES], *variances; /* outputs: lml; variance of PROFILE */
} state;

static gcr_status open_work(bench_work *out, const char *const *words)
{
    gcr_status status = GCR_OK;
    char path[BENCH_PATH_MAX];
    int count = 0;

    while (count < OVERRIDES_MAX && words[count] != NULL)
        count++;
    GCR_TRY(bench_example(path, "fertility.yaml"));
    GCR_TRY(gcr_job_load(&out->job, path, words, count));
    out->job.threads = 1;
    GCR_TRY(gcr_datasets_load(&out->datasets, &out->job));
out:
    return status;
}

static gcr_status run_work(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    bench_work *const work = arg;

    GCR_TRY(bench_work_execute(work));
    *seconds_out = gcr_run_progress(work->run)->seconds;
out:
    return status;
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* The condition numbers of this grid go up to 1e5, which leaves ten digits of the terms. */
static gcr_status check_near(const char *what, double got, double want, int64_t n)
{
    gcr_status status = GCR_OK;

    if (!(fabs(got - want) <= 1e-10 * ((double)n + fabs(want))))
        GCR_FAIL(GCR_EDEVICE, "%s: %.17g is not %.17g", what, got, want);
out:
    return status;
}

/* With variance 1 a cell of gp has the matrix of a cell of gp_profile, whose quadratic form is n
 * times the best variance. */
static gcr_status check_profile(const state *s, uint64_t dataset, uint64_t l, uint64_t noise)
{
    const int64_t n = s->works[DIRECT].datasets.items[dataset].rows;
    const uint64_t at = (dataset * LENGTHSCALES + l) * NOISES + noise;
    const double best = s->values[PROFILE][at], variance = s->variances[at];
    const double with_one = best + 0.5 * (double)n * (log(variance) + 1 - variance);

    return check_near("gp_profile", with_one, s->values[DIRECT][at * VARIANCES + 1], n);
}

static gcr_status check_cells(const state *s, uint64_t dataset, uint64_t l, uint64_t noise)
{
    gcr_status status = GCR_OK;
    const int64_t n = s->works[DIRECT].datasets.items[dataset].rows;
    const uint64_t at = (dataset * LENGTHSCALES + l) * NOISES + noise;

    for (uint64_t v = 0; v < VARIANCES; v++) {
        const uint64_t inner = ((dataset * NOISES + noise) * VARIANCES + v) * LENGTHSCALES + l;
        const double want = s->values[DIRECT][at * VARIANCES + v];

        GCR_TRY(check_near("tridiagonal", s->values[OUTER][at * VARIANCES + v], want, n));
        if (s->values[INNER][inner] != s->values[OUTER][at * VARIANCES + v])
            GCR_FAIL(GCR_EDEVICE, "the order of the axes changes bits");
    }
    GCR_TRY(check_near("gp_profile, tridiagonal", s->values[PROFILE_TRIDIAGONAL][at],
                       s->values[PROFILE][at], n));
    GCR_TRY(check_profile(s, dataset, l, noise));
out:
    return status;
}

/* One run of each side before anything is timed. */
static gcr_status verify(state *s)
{
    gcr_status status = GCR_OK;
    double unused;

    for (int side = 0; side < SIDES; side++) {
        GCR_TRY(run_work(&s->works[side], &unused));
        s->values[side] = gcr_run_slots(s->works[side].run)->values[0];
    }
    s->variances = gcr_run_slots(s->works[PROFILE].run)->values[1];
    s->datasets = s->works[DIRECT].datasets.count;
    for (uint64_t d = 0; d < s->datasets; d++)
        for (uint64_t l = 0; l < LENGTHSCALES; l++)
            for (uint64_t noise = 0; noise < NOISES; noise++)
                GCR_TRY(check_cells(s, d, l, noise));
out:
    return status;
}

/* ---- floors ---------------------------------------------------------------------------------- */

typedef double vec __attribute__((vector_size(64)));

static volatile double sink, nearly_one = 0.99999;

/* Multiply-adds without memory, of this processor's widest vectors: this file is compiled for
 * it. */
static double peak_of_one_core(void)
{
    enum { CHAINS = 10, STEPS = 200000 };
    const vec factor = (vec){ 0 } + nearly_one, term = (vec){ 0 } + (1 - nearly_one);
    vec sum[CHAINS] = { { 0 } };
    const double begin = gcr_clock_seconds();
    double end;

    for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 10
        for (int c = 0; c < CHAINS; c++)
            sum[c] = sum[c] * factor + term;
    end = gcr_clock_seconds();
    for (int c = 0; c < CHAINS; c++)
        sink += sum[c][0];
    return 2.0 * 8 * CHAINS * STEPS / (end - begin);
}

/* Of all cells of a side, as counted at the top. */
static double operations(const state *s, int side)
{
    const double per_base = side < PROFILE ? NOISES * VARIANCES : NOISES;
    double sum = 0;

    for (uint64_t d = 0; d < s->datasets; d++) {
        const double n = (double)s->works[side].datasets.items[d].rows;

        if (side == DIRECT || side == PROFILE)
            sum += LENGTHSCALES * per_base * (n * n * n / 3 + 20 * n * n);
        else
            sum += LENGTHSCALES * (4 * n * n * n / 3 + 20 * n * n + per_base * 10 * n);
    }
    return sum;
}

static void report_floors(const bench *b, const state *s)
{
    const double peak = peak_of_one_core();

    bench_row(b, "peak", "multiply-adds of one core", "GF/s",
              (bench_spread){ peak * 1e-9, peak * 1e-9, peak * 1e-9 });
    for (int side = 0; side < SIDES; side++) {
        const double seconds = operations(s, side) / peak;

        bench_row(b, "floor", names[side], "s", (bench_spread){ seconds, seconds, seconds });
    }
}

/* ---- the comparison -------------------------------------------------------------------------- */

static gcr_status measure(bench *b, state *s, bench_side *sides)
{
    gcr_status status = GCR_OK;

    for (int side = 0; side < SIDES; side++)
        sides[side] = (bench_side){ .what = names[side], .run = run_work, .arg = &s->works[side] };
    GCR_TRY(bench_alternate(b, "cells", sides, SIDES));
    report_floors(b, s);
    for (int side = 1; side < SIDES; side++) {
        char where[64];

        snprintf(where, sizeof where, "direct_over_%s", names[side]);
        bench_ratio_sides(b, where, &sides[DIRECT], &sides[side]);
    }
out:
    return status;
}

int main(int argc, char **argv)
{
    static bench_side sides[SIDES];
    static state s;
    gcr_status status = GCR_OK;
    bench b;

    GCR_TRY(bench_begin(&b, "levers", argc, argv));
    for (int side = 0; side < SIDES; side++)
        GCR_TRY(open_work(&s.works[side], overrides[side]));
    GCR_TRY(verify(&s));
    GCR_TRY(measure(&b, &s, sides));
out:
    for (int side = 0; side < SIDES; side++)
        bench_work_close(&s.works[side]);
    return bench_end(&b, status);
}
