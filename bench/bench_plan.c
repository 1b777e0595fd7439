/*
 * bench/bench_plan.c -- what does it cost to plan a large run?
 *
 * `gridcrunch plan` of 1000 datasets x 10^6 points with a `where`, as a process: from start to end,
 * and its largest resident set. Allowed: 1 s and 100 MB. The grid is never stored as a list of
 * cells, so what grows is one bit per point.
 */
#include "bench.h"

#include "base/check.h"

#include <stdio.h>

static const char job[] = "name: plan\n"
                          "data: {synthetic: {datasets: 1000, rows: 60}}\n"
                          "kernel: gp\n"
                          "grid:\n"
                          "  lengthscale: {geomspace: [0.5, 60, 100]}\n"
                          "  noise: {geomspace: [1e-3, 1, 100]}\n"
                          "  variance: {geomspace: [0.25, 4, 100]}\n"
                          "where: noise < variance and lengthscale * noise < 10\n"
                          "summary: {best: argmax(lml)}\n";

typedef struct state {
    const bench *bench;
    char folder[BENCH_PATH_MAX], file[BENCH_PATH_MAX], program[BENCH_PATH_MAX];
    double megabytes[BENCH_ROUNDS_MAX];
} state;

static gcr_status run_plan(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    state *const s = arg;
    bench_child child;

    GCR_TRY(bench_spawn(&child, (const char *[]){ s->program, "plan", s->file, NULL }));
    *seconds_out = child.seconds;
    if (s->bench->round >= 0)
        s->megabytes[s->bench->round] = child.peak_bytes * 1e-6;
out:
    return status;
}

static gcr_status measure(bench *b, state *s, bench_side *side)
{
    gcr_status status = GCR_OK;

    GCR_TRY(bench_folder_open(s->folder));
    snprintf(s->file, BENCH_PATH_MAX, "%.4000s/plan.yaml", s->folder);
    GCR_TRY(bench_write_text(s->file, job));
    GCR_TRY(bench_program(s->program));
    *side = (bench_side){ .what = "gridcrunch plan", .run = run_plan, .arg = s };
    GCR_TRY(bench_alternate(b, "1000 x 1e6 where", side, 1));
    bench_row(b, "1000 x 1e6 where", "peak", "MB", bench_spread_of(s->megabytes, b->rounds));
    bench_ratio(b, "seconds", bench_spread_of(side->seconds, b->rounds).median);
    bench_ratio(b, "peak_mb", bench_spread_of(s->megabytes, b->rounds).high);
out:
    return status;
}

int main(int argc, char **argv)
{
    static state s;
    static bench_side side;
    gcr_status status = GCR_OK;
    bench b;

    s.bench = &b;
    GCR_TRY(bench_begin(&b, "plan", argc, argv));
    GCR_TRY(measure(&b, &s, &side));
out:
    bench_folder_close(s.folder);
    return bench_end(&b, status);
}
