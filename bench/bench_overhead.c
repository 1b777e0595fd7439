/*
 * bench/bench_overhead.c -- how long must a cell be for the executor not to be in its way?
 *
 * METG (metg.h) with two threads, schedule dynamic, one cell at a time, kernel `spin`; the wall
 * is that of the execute phase. StarPU (same spin code) and joblib do the same beside it, each in
 * a process of its own that is paused while the others are measured.
 */
#include "bench.h"
#include "metg.h"
#include "rival.h"
#include "work.h"

#include "base/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    THREADS = 2,
    JOBLIB_ROUNDS = 5, /* it is slower by a factor of hundreds and would take minutes */
};

/* ---- ours ----------------------------------------------------------------------------------- */

/* Opens `count` cells of `kernel` with values of `axis` around `middle`: they differ in the fifth
 * digit, for no two values of an axis may be the same. */
static gcr_status open_cells(bench_work *out, const char *kernel, const char *axis, double middle,
                             uint64_t count)
{
    char text[512];

    snprintf(text, sizeof text,
             "name: overhead\n"
             "data: {synthetic: {datasets: 1, rows: 1}}\n"
             "kernel: %s\n"
             "grid: {%s: {linspace: [%.17g, %.17g, %" PRIu64 "]}}\n"
             "run: {device: cpu, threads: %d, schedule: dynamic, batch: 1}\n",
             kernel, axis, middle * 0.9999, middle * 1.0001, count, THREADS);
    return bench_work_open(out, "overhead.yaml", text);
}

/* Both kernels give a multiple of their parameter. */
static gcr_status check_outputs(const gcr_run *run, double factor)
{
    gcr_status status = GCR_OK;
    const gcr_axis *axis = &gcr_run_points(run)->axes[0];
    const double *outputs = gcr_run_slots(run)->values[0];

    for (uint64_t p = 0; p < axis->count; p++)
        if (outputs[p] != axis->values[p] * factor)
            GCR_FAIL(GCR_EDEVICE, "cell %" PRIu64 " gave %g, not %g", p, outputs[p],
                     axis->values[p] * factor);
out:
    return status;
}

static gcr_status spin_ours(void *arg, double *seconds_out, double ns, uint64_t count)
{
    gcr_status status = GCR_OK;
    bench_work work;

    (void)arg;
    GCR_TRY(open_cells(&work, "spin", "ns", ns, count));
    GCR_TRY(bench_work_execute(&work));
    GCR_TRY(check_outputs(work.run, 1));
    *seconds_out = gcr_run_progress(work.run)->seconds;
out:
    bench_work_close(&work);
    return status;
}

/* ---- cases ---------------------------------------------------------------------------------- */

/* Ours, and a rival beside it. */
typedef struct contest {
    const char *name; /* of the rival */
    bench_rival rival;
    bench_metg sweeps[2];
    bench_side sides[2];
} contest;

/* What a cell with next to no work, one multiplication, costs a thread: in seconds. */
static gcr_status run_empty(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const uint64_t count = 500000;
    bench_work work;

    (void)arg;
    GCR_TRY(open_cells(&work, "scale", "factor", 1, count));
    GCR_TRY(bench_work_execute(&work));
    GCR_TRY(check_outputs(work.run, work.datasets.items[0].y[0]));
    *seconds_out = gcr_run_progress(work.run)->seconds * THREADS / (double)count;
out:
    bench_work_close(&work);
    return status;
}

static gcr_status measure_empty(bench *b)
{
    gcr_status status = GCR_OK;
    bench_side side = { .what = "gridcrunch", .run = run_empty };

    GCR_TRY(bench_alternate(b, "empty cell", &side, 1));
    bench_ratio(b, "empty_ns_per_cell", 1e9 * bench_spread_of(side.seconds, b->rounds).median);
out:
    return status;
}

/* Without its rival, ours alone. */
static gcr_status run_contest(bench *b, contest *c)
{
    gcr_status status = GCR_OK;
    const int side_count = c->rival.process == 0 ? 1 : 2;
    char where[64];

    for (int i = 0; i < side_count; i++) {
        c->sides[i].run = bench_metg_run;
        c->sides[i].arg = &c->sweeps[i];
    }
    snprintf(where, sizeof where, "metg50 beside %s", c->name);
    GCR_TRY(bench_alternate(b, where, c->sides, side_count));
    snprintf(where, sizeof where, "metg90 beside %s", c->name);
    for (int i = 0; i < side_count; i++)
        if (c->sweeps[i].enough > 0.9)
            bench_row(b, where, c->sides[i].what, "s",
                      bench_spread_of(c->sweeps[i].metg90, b->rounds));
out:
    return status;
}

static void report_rival(bench *b, const contest *c)
{
    char where[64];

    snprintf(where, sizeof where, "%s_metg50_us", c->name);
    bench_ratio(b, where, bench_metg_us(b, c->sides[1].seconds));
    snprintf(where, sizeof where, "%s_over_ours", c->name);
    bench_ratio_sides(b, where, &c->sides[1], &c->sides[0]);
}

static contest contest_of(const bench *b, const char *name)
{
    const bench_metg ours = bench_metg_ours(b, spin_ours, NULL, THREADS);

    return (contest){ .name = name,
                      .sweeps = { ours, ours },
                      .sides = { { .what = "gridcrunch" }, { .what = name } } };
}

static gcr_status measure_beside_starpu(bench *b, contest *c)
{
    gcr_status status = GCR_OK;
    char home[BENCH_PATH_MAX] = "";

    *c = contest_of(b, "starpu");
    c->sweeps[1].spin = bench_metg_spin_rival;
    c->sweeps[1].arg = &c->rival;
    c->sweeps[1].guess_ns = 2000;
    GCR_TRY(bench_folder_open(home));
    GCR_TRY(bench_rival_open_starpu(&c->rival, home, THREADS));
    GCR_TRY(run_contest(b, c));
    bench_ratio(b, "metg50_us", bench_metg_us(b, c->sides[0].seconds));
    bench_ratio(b, "metg90_us", bench_metg_us(b, c->sweeps[0].metg90));
    if (c->rival.process != 0)
        report_rival(b, c);
    else
        bench_absent(b, "starpu", "install libstarpu-dev and build again");
out:
    bench_rival_close(&c->rival);
    bench_folder_close(home);
    return status;
}

static gcr_status measure_beside_joblib(bench *b, contest *c, const char *name, const char *batch)
{
    gcr_status status = GCR_OK;
    const int rounds = b->rounds, warmup = b->warmup;

    *c = contest_of(b, name);
    c->sweeps[1] = bench_metg_joblib(b, bench_metg_spin_rival, &c->rival);
    GCR_TRY(bench_rival_open_joblib(&c->rival, batch));
    if (c->rival.process == 0)
        bench_absent(b, name, "install python3-joblib");
    if (c->rival.process == 0)
        goto out;
    b->rounds = b->quick ? 1 : rounds < JOBLIB_ROUNDS ? rounds : JOBLIB_ROUNDS;
    b->warmup = 0; /* it has answered once already */
    GCR_TRY(run_contest(b, c));
    report_rival(b, c);
out:
    b->rounds = rounds;
    b->warmup = warmup;
    bench_rival_close(&c->rival);
    return status;
}

int main(int argc, char **argv)
{
    gcr_status status = GCR_OK;
    contest *c = malloc(sizeof *c);
    bench b;

    GCR_TRY(bench_begin(&b, "overhead", argc, argv));
    if (c == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the samples");
    GCR_TRY(measure_empty(&b));
    GCR_TRY(measure_beside_starpu(&b, c));
    GCR_TRY(measure_beside_joblib(&b, c, "joblib_batch_1", "1"));
    GCR_TRY(measure_beside_joblib(&b, c, "joblib_batch_auto", "auto"));
out:
    free(c);
    return bench_end(&b, status);
}
