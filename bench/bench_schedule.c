/*
 * bench/bench_schedule.c -- how long do ranks take that share cells of very different length?
 *
 * Cells sleep, so that as many ranks as wanted compute side by side on few processors; ranks are
 * started by mpirun, and what is timed is the computing, as the program reports it. 10 datasets x 3
 * points of 100 ms on 8 ranks: four rounds are the best there is, and nested parallel loops need 5,
 * 6 and 10 (simulated, exec/simulate.h). 100 x 100 points of Pareto-distributed length, which
 * nobody told the schedule, on 2 ranks: the bound is half of what one rank takes, and the longest
 * cell. 100 datasets of Pareto-distributed size x 100 points of a kernel that says that it takes as
 * long as a dataset has rows, on 2 ranks, too: the bound is half of what one rank takes, or the
 * longest cell.
 */
#include "exec/simulate.h"

#include "bench.h"

#include "base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 100, SEED_DATASETS = 10, SEED_POINTS = 3, SEED_RANKS = 8, JOB_BYTES = 8192 };

static const double seed_ms = 100, mean_ms = 0.6, alpha = 1.5, row_us = 20;

typedef struct state {
    char folder[BENCH_PATH_MAX], program[BENCH_PATH_MAX];
    double longest; /* seconds, of the skewed cells */
} state;

/* One side: a job of the folder on so many ranks. */
typedef struct ranks {
    const state *state;
    const char *job;
    int count;
} ranks;

/* ---- a run over ranks ------------------------------------------------------------------------ */

/* What the program says that computing took. */
static gcr_status read_seconds(double *out, const char *path)
{
    gcr_status status = GCR_OK;
    char line[256];
    int is_found = 0;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        GCR_FAIL(GCR_EIO, "%s: a run left nothing", path);
    while (!is_found && fgets(line, sizeof line, file) != NULL)
        is_found = sscanf(line, " \"compute\": %lf", out) == 1;
    if (!is_found)
        GCR_FAIL(GCR_EIO, "%s: a run did not say how long it took", path);
out:
    if (file != NULL)
        fclose(file);
    return status;
}

static gcr_status run_ranks(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const ranks *r = arg;
    char command[4 * BENCH_PATH_MAX], report[BENCH_PATH_MAX];
    bench_child child;

    snprintf(report, sizeof report, "%.4000s/report.json", r->state->folder);
    snprintf(command, sizeof command,
             "cd '%s' && mpirun --oversubscribe --bind-to none -np %d '%s' run %s.yaml --threads 1 "
             "--out run --json > report.json && rm -r run",
             r->state->folder, r->count, r->state->program, r->job);
    GCR_TRY(bench_spawn(&child, (const char *[]){ "/bin/sh", "-c", command, NULL }));
    GCR_TRY(read_seconds(seconds_out, report));
out:
    return status;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static gcr_status write_job(const state *s, const char *name, int datasets, const double *ms,
                            int points)
{
    gcr_status status = GCR_OK;
    char text[JOB_BYTES], path[BENCH_PATH_MAX];
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "name: %s\ndata: {synthetic: {datasets: %d, rows: 2}}\n"
                                   "kernel: sleep\ngrid:\n  ms: [",
                                   name, datasets);

    for (int p = 0; p < points; p++)
        used += (size_t)snprintf(text + used, sizeof text - used, p > 0 ? ", %.5f" : "%.5f", ms[p]);
    snprintf(text + used, sizeof text - used, "]\nsummary: {most: max(asked)}\n");
    snprintf(path, sizeof path, "%.4000s/%s.yaml", s->folder, name);
    GCR_TRY(bench_write_text(path, text));
out:
    return status;
}

/* The quantiles of a Pareto distribution, in an order that has nothing to do with their size. */
static void fill_skewed(double *ms, double *longest_out)
{
    double sum = 0.0;

    for (int p = 0; p < POINTS; p++) {
        ms[p] = pow(1.0 - (p * 37 % POINTS + 0.5) / POINTS, -1.0 / alpha);
        sum += ms[p];
    }
    *longest_out = 0.0;
    for (int p = 0; p < POINTS; p++) {
        ms[p] *= mean_ms * POINTS / sum;
        *longest_out = fmax(*longest_out, ms[p] * 1e-3);
    }
}

/* The kernel waits for every row and says so. */
static const char doze[] =
    "#define GCR_CELL_KERNEL\n"
    "#include \"gridcrunch/kernel.h\"\n"
    "GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)\n"
    "{\n"
    "    gcr_sleep_ns((gcr_real)gcr_rows(ctx) * gcr_param(ctx, 0) * 1e3);\n"
    "    outputs[0] = (gcr_real)gcr_rows(ctx);\n"
    "    return 0;\n"
    "}\n"
    "GCR_HOST_FN double cost(const gcr_shape *shape)\n"
    "{\n"
    "    return (double)shape->rows;\n"
    "}\n"
    "GCR_DESCRIBE(.name = \"doze\", .help = \"waits for each row\", .form = GCR_FORM_CELL,\n"
    "             .uses = GCR_USES_Y, .cost = cost,\n"
    "             .parameters = { { .name = \"us\", .help = \"how long\", .least = 0 } },\n"
    "             .outputs = { { .name = \"length\", .help = \"in rows\", .unit = \"1\",\n"
    "                            .width = 1 } })\n";

/* Datasets whose rows are so many milliseconds' worth of `row_us`, in a long table. */
static gcr_status write_table(const state *s, const double *ms, int datasets)
{
    gcr_status status = GCR_OK;
    char path[BENCH_PATH_MAX];
    FILE *file;

    snprintf(path, sizeof path, "%.4000s/doze.csv", s->folder);
    file = fopen(path, "w");
    if (file == NULL)
        GCR_FAIL(GCR_EIO, "cannot write %s", path);
    fputs("key,y\n", file);
    for (int d = 0; d < datasets; d++)
        for (double left = ms[d] * 1e3; left > 0.0; left -= row_us)
            fprintf(file, "d%d,1\n", d);
    if (fclose(file) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s", path);
out:
    return status;
}

static gcr_status write_doze_job(const state *s, const double *ms, int datasets)
{
    gcr_status status = GCR_OK;
    char text[512], path[BENCH_PATH_MAX];

    snprintf(path, sizeof path, "%.4000s/doze.c", s->folder);
    GCR_TRY(bench_write_text(path, doze));
    GCR_TRY(write_table(s, ms, datasets));
    snprintf(text, sizeof text,
             "name: doze\ndata: {source: doze.csv, key: key, y: y}\nkernel: doze.c\n"
             "grid: {us: {linspace: [%g, %g, %d]}}\nsummary: {most: max(length)}\n",
             row_us, row_us * 1.0001, POINTS);
    snprintf(path, sizeof path, "%.4000s/doze.yaml", s->folder);
    GCR_TRY(bench_write_text(path, text));
out:
    return status;
}

/* ---- cases ----------------------------------------------------------------------------------- */

/* Rounds that nested loops would take on as many workers, of which some may only start others. */
static gcr_status tell_nested(bench *b, const char *what, int groups, int inner)
{
    gcr_status status = GCR_OK;
    double seconds[SEED_DATASETS], makespan, rounds = ceil(30.0 / SEED_RANKS);
    gcr_workload *workload = NULL;

    for (int d = 0; d < SEED_DATASETS; d++)
        seconds[d] = 1.0;
    GCR_TRY(gcr_workload_create(&workload, "declared", seconds, SEED_DATASETS, SEED_POINTS));
    GCR_TRY(gcr_simulate_nested(&makespan, workload, groups, inner));
    bench_ratio(b, what, makespan / rounds);
out:
    gcr_workload_destroy(workload);
    return status;
}

static gcr_status measure_seed(bench *b, const state *s)
{
    gcr_status status = GCR_OK;
    const double ms[SEED_POINTS] = { seed_ms, seed_ms + 0.01, seed_ms + 0.02 };
    static bench_side side;
    ranks eight = { s, "seed", SEED_RANKS };

    GCR_TRY(write_job(s, "seed", SEED_DATASETS, ms, SEED_POINTS));
    side = (bench_side){ .what = "8 ranks", .run = run_ranks, .arg = &eight };
    GCR_TRY(bench_alternate(b, "10 x 3 of 100 ms", &side, 1));
    bench_ratio(b, "seed/rounds",
                bench_spread_of(side.seconds, b->rounds).median /
                    (ceil(30.0 / SEED_RANKS) * seed_ms * 1e-3));
    GCR_TRY(tell_nested(b, "split:2,6/rounds", 2, 3));
    GCR_TRY(tell_nested(b, "outer/rounds", SEED_RANKS, 1));
    GCR_TRY(tell_nested(b, "inner/rounds", 1, SEED_RANKS));
out:
    return status;
}

/* The job on one rank and on two, beside what two cannot do better. */
static gcr_status measure_two(bench *b, const state *s, const char *job, int is_declared)
{
    gcr_status status = GCR_OK;
    double bound[BENCH_ROUNDS_MAX];
    static bench_side sides[2];
    ranks one = { s, job, 1 }, two = { s, job, 2 };
    char where[64];

    sides[0] = (bench_side){ .what = "1 rank", .run = run_ranks, .arg = &one };
    sides[1] = (bench_side){ .what = "2 ranks", .run = run_ranks, .arg = &two };
    snprintf(where, sizeof where, "pareto%s declared", is_declared ? "" : " not");
    GCR_TRY(bench_alternate(b, where, sides, 2));
    for (int r = 0; r < b->rounds; r++) {
        const double half = sides[0].seconds[r] / 2;

        bound[r] = is_declared ? fmax(half, s->longest) : half + s->longest;
    }
    snprintf(where, sizeof where, "%s/bound", job);
    bench_ratio(b, where, bench_ratio_of(sides[1].seconds, bound, b->rounds).median);
out:
    return status;
}

static gcr_status measure_skewed(bench *b, state *s)
{
    gcr_status status = GCR_OK;
    const int datasets = b->quick ? 20 : 100;
    double ms[POINTS];

    fill_skewed(ms, &s->longest);
    GCR_TRY(write_job(s, "skewed", datasets, ms, POINTS));
    GCR_TRY(measure_two(b, s, "skewed", 0));
    GCR_TRY(write_doze_job(s, ms, datasets));
    GCR_TRY(measure_two(b, s, "doze", 1));
out:
    return status;
}

static gcr_status measure(bench *b, state *s)
{
    gcr_status status = GCR_OK;

    GCR_TRY(bench_folder_open(s->folder));
    GCR_TRY(bench_program(s->program));
    GCR_TRY(measure_seed(b, s));
    GCR_TRY(measure_skewed(b, s));
out:
    return status;
}

int main(int argc, char **argv)
{
    static state s;
    gcr_status status = GCR_OK;
    bench b;

    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0); /* in containers there is often nobody else */
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
    GCR_TRY(bench_begin(&b, "schedule", argc, argv));
    GCR_TRY(measure(&b, &s));
out:
    bench_folder_close(s.folder);
    return bench_end(&b, status);
}
