/*
 * bench/bench_fertility.c -- how long does the main job take, and what does a second thread bring?
 *
 * examples/fertility.yaml from job file to synced results file, in this process, with one thread
 * and with two; beside it a careless C loop over the same cells (no files), whose results also
 * check ours. --full adds scikit-learn under joblib (about 40 s per round, so one round), from the
 * same table to a file of results, which are compared, too.
 */
#include "bench.h"
#include "careless.h"
#include "rival.h"
#include "work.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct state {
    char folder[BENCH_PATH_MAX];
    bench_work work;                /* kept for its data and its last results */
    double *one, *careless, *scale; /* [cells] results of one thread, of the loop; what they are */
                                    /* relative to                                             */
} state;

typedef struct threads_arg {
    state *state;
    int threads;
} threads_arg;

static uint64_t cell_count(const state *s)
{
    return s->work.datasets.count * gcr_run_points(s->work.run)->point_count;
}

static gcr_status run_threads(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const threads_arg *const a = arg;
    bench_work *const work = &a->state->work;
    char path[BENCH_PATH_MAX];
    double begin;

    bench_work_close(work);
    GCR_TRY(bench_example(path, "fertility.yaml"));
    begin = gcr_clock_seconds();
    GCR_TRY(bench_work_open(work, path, NULL));
    work->job.threads = a->threads;
    GCR_TRY(bench_work_execute(work));
    GCR_TRY(bench_work_write(work, a->state->folder, 1));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    return status;
}

static gcr_status run_careless(void *arg, double *seconds_out)
{
    state *const s = arg;
    const gcr_point_table *points = gcr_run_points(s->work.run);
    const double begin = gcr_clock_seconds();

    for (uint64_t d = 0; d < s->work.datasets.count; d++)
        careless_crunch(s->careless + d * points->point_count, s->scale + d * points->point_count,
                        &s->work.datasets.items[d], points);
    *seconds_out = gcr_clock_seconds() - begin;
    return GCR_OK;
}

/* ---- checks --------------------------------------------------------------------------------- */

static gcr_status allocate(double **out, uint64_t count)
{
    gcr_status status = GCR_OK;
    void *block = NULL;

    GCR_TRY(gcr_memory_create(&block, count, sizeof **out, "results to compare with"));
    *out = block;
    for (uint64_t i = 0; i < count; i++)
        (*out)[i] = NAN;
out:
    return status;
}

/* The condition numbers of this grid go up to 1e5, which leaves ten digits of the terms. */
static gcr_status check(const state *s)
{
    gcr_status status = GCR_OK;
    const double *ours = gcr_run_slots(s->work.run)->values[0];

    if (memcmp(ours, s->one, cell_count(s) * sizeof *ours) != 0)
        GCR_FAIL(GCR_EDEVICE, "one thread and two give different bits");
    for (uint64_t i = 0; i < cell_count(s); i++)
        if (!(fabs(ours[i] - s->careless[i]) <= 1e-10 * s->scale[i]))
            GCR_FAIL(GCR_EDEVICE, "cell %" PRIu64 ": %.17g is not %.17g", i, ours[i],
                     s->careless[i]);
out:
    return status;
}

/* One run with each number of threads, and the loop, before anything is timed. */
static gcr_status verify(state *s)
{
    gcr_status status = GCR_OK;
    double unused;

    GCR_TRY(run_threads(&(threads_arg){ s, 1 }, &unused));
    GCR_TRY(allocate(&s->one, cell_count(s)));
    GCR_TRY(allocate(&s->careless, cell_count(s)));
    GCR_TRY(allocate(&s->scale, cell_count(s)));
    memcpy(s->one, gcr_run_slots(s->work.run)->values[0], cell_count(s) * sizeof *s->one);
    GCR_TRY(run_threads(&(threads_arg){ s, 2 }, &unused));
    GCR_TRY(run_careless(s, &unused));
    GCR_TRY(check(s));
out:
    return status;
}

/* ---- the comparison ------------------------------------------------------------------------- */

static gcr_status measure(bench *b, state *s, bench_side *sides)
{
    gcr_status status = GCR_OK;
    threads_arg one = { s, 1 }, two = { s, 2 };

    sides[0] = (bench_side){ .what = "1 thread", .run = run_threads, .arg = &one };
    sides[1] = (bench_side){ .what = "2 threads", .run = run_threads, .arg = &two };
    sides[2] = (bench_side){ .what = "careless loop", .run = run_careless, .arg = s };
    GCR_TRY(bench_alternate(b, "job", sides, 3));
    bench_ratio(b, "seconds_1_thread", bench_spread_of(sides[0].seconds, b->rounds).median);
    bench_ratio(b, "seconds_2_threads", bench_spread_of(sides[1].seconds, b->rounds).median);
    bench_ratio_sides(b, "threads2_over_1", &sides[0], &sides[1]);
    bench_ratio_sides(b, "careless_loop_over_1_thread", &sides[2], &sides[0]);
out:
    return status;
}

static gcr_status measure_sklearn(bench *b, const state *s, const bench_side *ours)
{
    gcr_status status = GCR_OK;
    bench_rival sklearn = { 0 };
    char script[BENCH_PATH_MAX], table[BENCH_PATH_MAX], results[BENCH_PATH_MAX + 16];
    double seconds;

    GCR_TRY(bench_beside(script, "rival_sklearn.py"));
    GCR_TRY(bench_example(table, "fertility.csv"));
    snprintf(results, sizeof results, "%s/sklearn.f8", s->folder);
    GCR_TRY(bench_rival_open(&sklearn,
                             (const char *[]){ "/usr/bin/python3", script, table, results, NULL }));
    if (sklearn.process == 0) {
        bench_absent(b, "scikit-learn", "install python3-sklearn");
        goto out;
    }
    GCR_TRY(bench_rival_time(&sklearn, 0, 1, &seconds));
    GCR_TRY(bench_work_compare(&s->work, results, sklearn.version));
    bench_ratio(b, "sklearn_over_2_threads",
                seconds / bench_spread_of(ours->seconds, b->rounds).median);
out:
    bench_rival_close(&sklearn);
    return status;
}

static void close_state(state *s)
{
    gcr_memory_destroy(s->scale);
    gcr_memory_destroy(s->careless);
    gcr_memory_destroy(s->one);
    bench_work_close(&s->work);
    bench_folder_close(s->folder);
}

int main(int argc, char **argv)
{
    static bench_side sides[3];
    gcr_status status = GCR_OK;
    state s = { 0 };
    bench b;

    GCR_TRY(bench_begin(&b, "fertility", argc, argv));
    GCR_TRY(bench_folder_open(s.folder));
    GCR_TRY(verify(&s));
    GCR_TRY(measure(&b, &s, sides));
    if (b.full)
        GCR_TRY(measure_sklearn(&b, &s, &sides[1]));
out:
    close_state(&s);
    return bench_end(&b, status);
}
