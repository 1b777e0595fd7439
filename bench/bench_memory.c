/*
 * bench/bench_memory.c -- does a run take the memory that its plan says?
 *
 * Three numbers for each case: what the plan predicts; the most bytes that were allocated at once
 * (counted by base/memory); and by how much the resident set grew over that of the process before
 * the data was loaded, which also holds what the libraries took. Each case runs in a process of
 * its own, so that none stands on another's memory. Memory does not vary: one round.
 */
#include "bench.h"
#include "work.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct task {
    const char *name, *text;
} task;

static const task tasks[] = {
    { "small_cells", "name: scale\n"
                     "data: {synthetic: {datasets: 1000, rows: 1}}\n"
                     "kernel: scale\n"
                     "grid: {factor: {linspace: [0, 1, 10000]}}\n"
                     "run: {device: cpu, threads: 2}\n" },
    { "many_sizes", "name: gp\n"
                    "data: {synthetic: {datasets: 60, rows: [1, 300]}}\n"
                    "kernel: gp\n"
                    "grid: {lengthscale: [0.1, 1], noise: [0.1, 1], variance: [1]}\n"
                    "summary: {best: argmax(lml), median: 'quantile(lml, 0.5)'}\n"
                    "run: {device: cpu, threads: 2}\n" },
    { "large_blocks", "name: gp\n"
                      "data: {synthetic: {datasets: 4, rows: 1200}}\n"
                      "kernel: gp\n"
                      "grid: {lengthscale: [0.1, 1], noise: [0.1], variance: [1]}\n"
                      "run: {device: cpu, threads: 2}\n" },
};

typedef struct usage {
    int is_complete;
    double predicted, counted, resident; /* bytes */
} usage;

static gcr_status run_task(usage *out, const task *t)
{
    gcr_status status = GCR_OK;
    const double before = bench_own_bytes("VmRSS");
    bench_work work = { 0 };

    gcr_memory_reset_peak();
    GCR_TRY(bench_work_open(&work, "memory.yaml", t->text));
    GCR_TRY(bench_work_execute(&work));
    *out = (usage){ .is_complete = 1,
                    .predicted = (double)gcr_plan_memory(gcr_run_plan(work.run))->total,
                    .counted = (double)gcr_memory_peak_bytes(),
                    .resident = bench_own_bytes("VmHWM") - before };
out:
    bench_work_close(&work);
    return status;
}

/* The child's part: never returns. */
static void answer_and_exit(int pipe_end, const task *t)
{
    usage u = { 0 };

    if (run_task(&u, t) != GCR_OK)
        fprintf(stderr, "%s: %s\n", t->name, gcr_last_error());
    _exit(write(pipe_end, &u, sizeof u) == (ssize_t)sizeof u ? 0 : 1);
}

static gcr_status run_apart(usage *out, const task *t)
{
    gcr_status status = GCR_OK;
    int ends[2] = { -1, -1 };
    ssize_t bytes;
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0)
        GCR_FAIL(GCR_EIO, "no process for a case: %s", strerror(errno));
    if (child == 0)
        answer_and_exit(ends[1], t);
    close(ends[1]);
    bytes = read(ends[0], out, sizeof *out);
    close(ends[0]);
    waitpid(child, NULL, 0);
    if (bytes != (ssize_t)sizeof *out || !out->is_complete)
        GCR_FAIL(GCR_EDEVICE, "the case '%s' failed (above)", t->name);
out:
    return status;
}

static void row(const bench *b, const char *where, const char *what, double bytes)
{
    bench_row(b, where, what, "B", (bench_spread){ bytes, bytes, bytes });
}

static gcr_status measure(bench *b, const task *t)
{
    gcr_status status = GCR_OK;
    char where[64];
    usage u;

    GCR_TRY(run_apart(&u, t));
    row(b, t->name, "predicted", u.predicted);
    row(b, t->name, "allocated", u.counted);
    row(b, t->name, "resident growth", u.resident);
    snprintf(where, sizeof where, "%s_allocated_over_predicted", t->name);
    bench_ratio(b, where, u.counted / u.predicted);
    snprintf(where, sizeof where, "%s_resident_over_predicted", t->name);
    bench_ratio(b, where, u.resident / u.predicted);
out:
    return status;
}

int main(int argc, char **argv)
{
    gcr_status status = GCR_OK;
    bench b;

    GCR_TRY(bench_begin(&b, "memory", argc, argv));
    b.rounds = 1;
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        GCR_TRY(measure(&b, &tasks[i]));
out:
    return bench_end(&b, status);
}
