/*
 * bench/bench_overhead.c -- how long must a cell be for the executor not to be in its way?
 *
 * METG(x%) of Task Bench: the smallest mean duration of a cell at which useful work / (threads x
 * wall) is at least x%. Two threads, schedule dynamic, one cell at a time, kernel `spin`; the wall
 * is that of the execute phase. StarPU (same spin code) and joblib do the same beside it, each in
 * a process of its own that is paused while the others are measured. Sweep: durations by a factor,
 * the crossing interpolated between its two neighbours.
 */
#include "bench.h"
#include "rival.h"
#include "work.h"

#include "base/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    THREADS = 2,
    DURATIONS_MAX = 32,
    JOBLIB_ROUNDS = 5, /* it is slower by a factor of hundreds and would take minutes */
};

/* Runs `count` spins of `ns` and says how long all took. */
typedef gcr_status (*spin_fn)(void *arg, double *seconds_out, double ns, uint64_t count);

/* One system and the durations it is asked for. */
typedef struct sweep {
    const bench *bench;
    spin_fn spin;
    void *arg;
    double first_ns, factor; /* the durations ...                                            */
    double enough;           /* ... up to the first at which the efficiency is this          */
    double budget_s;         /* about how long one duration may take ...       */
    double guess_ns;         /* ... if a cell costs this beside its own work   */
    double metg90[BENCH_ROUNDS_MAX];
} sweep;

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

/* ---- rivals --------------------------------------------------------------------------------- */

static gcr_status spin_rival(void *arg, double *seconds_out, double ns, uint64_t count)
{
    return bench_rival_time(arg, ns, count, seconds_out);
}

/* ---- METG ----------------------------------------------------------------------------------- */

static uint64_t cell_count(const sweep *s, double ns)
{
    const double count = s->budget_s * 1e9 * THREADS / (ns + s->guess_ns);

    return count < 100 ? 100 : (uint64_t)count;
}

/* The duration at which a line through the two efficiencies reaches `level`, on a log scale. */
static double crossing(double ns_before, double before, double ns, double after, double level)
{
    return ns_before * pow(ns / ns_before, (level - before) / (after - before));
}

/* From efficiencies at rising durations: the first crossing of `level`, in ns. The first duration
 * if that is enough already; infinite if none is. */
static double metg(const double *ns, const double *efficiency, int count, double level)
{
    if (efficiency[0] >= level)
        return ns[0];
    for (int i = 1; i < count; i++)
        if (efficiency[i] >= level)
            return crossing(ns[i - 1], efficiency[i - 1], ns[i], efficiency[i], level);
    return INFINITY;
}

/* One round of a system: METG(50%) in seconds; METG(90%) is kept aside. */
static gcr_status run_sweep(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    sweep *const s = arg;
    double ns[DURATIONS_MAX], efficiency[DURATIONS_MAX] = { 0 };
    int count = 0;

    for (double d = s->first_ns; count < DURATIONS_MAX; d *= s->factor) {
        const uint64_t cells = cell_count(s, d);
        double seconds;

        GCR_TRY(s->spin(s->arg, &seconds, d, cells));
        ns[count] = d;
        efficiency[count++] = (double)cells * d * 1e-9 / (THREADS * seconds);
        if (efficiency[count - 1] > s->enough)
            break;
    }
    *seconds_out = metg(ns, efficiency, count, 0.5) * 1e-9;
    if (s->bench->round >= 0)
        s->metg90[s->bench->round] = metg(ns, efficiency, count, 0.9) * 1e-9;
out:
    return status;
}

/* ---- cases ---------------------------------------------------------------------------------- */

/* Ours, and a rival beside it. */
typedef struct contest {
    const char *name; /* of the rival */
    bench_rival rival;
    sweep sweeps[2];
    bench_side sides[2];
} contest;

static double median_us(const double *seconds, int count)
{
    return 1e6 * bench_spread_of(seconds, count).median;
}

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
        c->sweeps[i].bench = b;
        c->sides[i].run = run_sweep;
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
    bench_ratio(b, where, median_us(c->sides[1].seconds, b->rounds));
    snprintf(where, sizeof where, "%s_over_ours", c->name);
    bench_ratio_sides(b, where, &c->sides[1], &c->sides[0]);
}

static contest contest_of(const bench *b, const char *name)
{
    const sweep ours = { .spin = spin_ours,
                         .first_ns = 20,
                         .factor = b->quick ? 2.5 : 1.5,
                         .enough = 0.95,
                         .budget_s = 0.02,
                         .guess_ns = 100 };

    return (contest){ .name = name,
                      .sweeps = { ours, ours },
                      .sides = { { .what = "gridcrunch" }, { .what = name } } };
}

static gcr_status measure_beside_starpu(bench *b, contest *c)
{
    gcr_status status = GCR_OK;
    char program[BENCH_PATH_MAX], home[BENCH_PATH_MAX] = "", workers[16];

    *c = contest_of(b, "starpu");
    c->sweeps[1].spin = spin_rival;
    c->sweeps[1].arg = &c->rival;
    c->sweeps[1].guess_ns = 2000;
    GCR_TRY(bench_beside(program, "rival-starpu"));
    GCR_TRY(bench_folder_open(home));
    setenv("STARPU_HOME", home, 1); /* it keeps calibrations, by default in the user's home */
    snprintf(workers, sizeof workers, "%d", THREADS);
    GCR_TRY(bench_rival_open(&c->rival, (const char *[]){ program, workers, NULL }));
    GCR_TRY(run_contest(b, c));
    bench_ratio(b, "metg50_us", median_us(c->sides[0].seconds, b->rounds));
    bench_ratio(b, "metg90_us", median_us(c->sweeps[0].metg90, b->rounds));
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
    const char *python = "/usr/bin/python3"; /* the one that a package's modules belong to */
    const int rounds = b->rounds, warmup = b->warmup;
    char script[BENCH_PATH_MAX];

    *c = contest_of(b, name);
    c->sweeps[1] = (sweep){ .spin = spin_rival,
                            .arg = &c->rival,
                            .first_ns = 10e3,
                            .factor = 2,
                            .enough = 0.6,
                            .budget_s = 0.1,
                            .guess_ns = 200e3 };
    GCR_TRY(bench_beside(script, "rival_joblib.py"));
    GCR_TRY(bench_rival_open(&c->rival, (const char *[]){ python, script, batch, NULL }));
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
