/*
 * bench/bench_start.c -- how long from typing the command to the first result?
 *
 * `gridcrunch run` of a job with one cell, and `gridcrunch --help`, as processes, against starting
 * a program that does nothing (/bin/true). Results are synced, as always. Goal: 60 ms.
 */
#include "bench.h"

#include "base/check.h"

#include <stdio.h>

static const char job[] = "name: start\n"
                          "data: {synthetic: {datasets: 1, rows: 10}}\n"
                          "kernel: scale\n"
                          "grid: {factor: [1]}\n";

typedef struct state {
    char folder[BENCH_PATH_MAX], file[BENCH_PATH_MAX], results[BENCH_PATH_MAX],
        program[BENCH_PATH_MAX];
    int run_count; /* each writes a folder of its own */
} state;

static gcr_status time_command(double *seconds_out, const char *const *argv)
{
    gcr_status status = GCR_OK;
    bench_child child;

    GCR_TRY(bench_spawn(&child, argv));
    *seconds_out = child.seconds;
out:
    return status;
}

static gcr_status run_job(void *arg, double *seconds_out)
{
    state *const s = arg;

    snprintf(s->results, BENCH_PATH_MAX, "%.4000s/run%d", s->folder, s->run_count++);
    return time_command(seconds_out,
                        (const char *[]){ s->program, "run", s->file, "--out", s->results, NULL });
}

static gcr_status run_help(void *arg, double *seconds_out)
{
    const state *const s = arg;

    return time_command(seconds_out, (const char *[]){ s->program, "--help", NULL });
}

static gcr_status run_nothing(void *arg, double *seconds_out)
{
    (void)arg;
    return time_command(seconds_out, (const char *[]){ "/bin/true", "", NULL });
}

static gcr_status measure(bench *b, state *s, bench_side *sides)
{
    gcr_status status = GCR_OK;

    GCR_TRY(bench_folder_open(s->folder));
    snprintf(s->file, BENCH_PATH_MAX, "%.4000s/start.yaml", s->folder);
    GCR_TRY(bench_write_text(s->file, job));
    GCR_TRY(bench_program(s->program));
    sides[0] = (bench_side){ .what = "run of one cell", .run = run_job, .arg = s };
    sides[1] = (bench_side){ .what = "--help", .run = run_help, .arg = s };
    sides[2] = (bench_side){ .what = "/bin/true", .run = run_nothing };
    GCR_TRY(bench_alternate(b, "start", sides, 3));
    bench_ratio(b, "one_cell_ms", 1e3 * bench_spread_of(sides[0].seconds, b->rounds).median);
    bench_ratio(b, "help_ms", 1e3 * bench_spread_of(sides[1].seconds, b->rounds).median);
    bench_ratio(b, "nothing_ms", 1e3 * bench_spread_of(sides[2].seconds, b->rounds).median);
out:
    return status;
}

int main(int argc, char **argv)
{
    static state s;
    static bench_side sides[3];
    gcr_status status = GCR_OK;
    bench b;

    GCR_TRY(bench_begin(&b, "start", argc, argv));
    GCR_TRY(measure(&b, &s, sides));
out:
    bench_folder_close(s.folder);
    return bench_end(&b, status);
}
