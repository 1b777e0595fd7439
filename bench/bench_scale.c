/*
 * bench/bench_scale.c -- what does a cell cost, from data to results file, when it costs nothing?
 *
 * Ten million cells of the kernel `scale` (1000 synthetic datasets of one row, 10,000 factors, two
 * threads) from job text to results file, against write() of as many bytes to the same folder.
 * Neither syncs: both end in the page cache. Old files are removed outside the timed part. Every
 * value is checked in memory and read back from the file.
 *
 * Allowed: 60 ns per cell, and 1.5 times the raw write plus 15 ns.
 */
#include "bench.h"
#include "work.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DATASETS = 1000,
    POINTS = 10000,
    PIECE_BYTES = 1 << 20, /* of a raw write */
};

typedef struct state {
    bench *bench;
    char folder[BENCH_PATH_MAX], results[BENCH_PATH_MAX], summary[BENCH_PATH_MAX],
        raw[BENCH_PATH_MAX];
    int points;
    uint64_t bytes;                         /* of the results files, known after the first run */
    void *buffer;                           /* [bytes] what a raw write writes                 */
    double write_seconds[BENCH_ROUNDS_MAX]; /* our files alone         */
} state;

static double cell_count(const state *s)
{
    return (double)DATASETS * s->points;
}

/* ---- ours ----------------------------------------------------------------------------------- */

static gcr_status open_work(bench_work *out, const state *s)
{
    char text[512];

    snprintf(text, sizeof text,
             "name: scale\n"
             "data: {synthetic: {datasets: %d, rows: 1}}\n"
             "kernel: scale\n"
             "grid: {factor: {linspace: [0, 1, %d]}}\n"
             "run: {device: cpu, threads: 2}\n",
             DATASETS, s->points);
    return bench_work_open(out, "scale.yaml", text);
}

static gcr_status check_row(const gcr_run *run, const double *values, uint64_t dataset, double y)
{
    gcr_status status = GCR_OK;
    const gcr_axis *factor = &gcr_run_points(run)->axes[0];

    for (uint64_t p = 0; p < factor->count; p++)
        if (values[p] != factor->values[p] * y)
            GCR_FAIL(GCR_EDEVICE, "dataset %" PRIu64 ", point %" PRIu64 ": %g is not %g", dataset,
                     p, values[p], factor->values[p] * y);
out:
    return status;
}

static gcr_status check_memory(const bench_work *work)
{
    gcr_status status = GCR_OK;
    const gcr_slots *slots = gcr_run_slots(work->run);

    for (uint64_t d = 0; d < DATASETS; d++)
        GCR_TRY(check_row(work->run, slots->values[0] + d * slots->point_count, d,
                          work->datasets.items[d].y[0]));
out:
    return status;
}

static gcr_status check_file(const bench_work *work, const char *folder)
{
    gcr_status status = GCR_OK;
    gcr_results_file *file = NULL;
    void *row = NULL;

    GCR_TRY(gcr_results_open(&file, folder));
    GCR_TRY(
        gcr_memory_create(&row, gcr_run_points(work->run)->point_count, sizeof(double), "a row"));
    for (uint64_t d = 0; d < DATASETS; d++) {
        GCR_TRY(gcr_results_read_values(file, d, 0, row));
        GCR_TRY(check_row(work->run, row, d, work->datasets.items[d].y[0]));
    }
out:
    gcr_memory_destroy(row);
    gcr_results_close(file);
    return status;
}

static void remove_files(const state *s)
{
    unlink(s->results);
    unlink(s->summary);
    unlink(s->raw);
}

static gcr_status run_ours(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    state *const s = arg;
    bench_work work = { 0 };
    double begin, computed, end;

    remove_files(s);
    begin = gcr_clock_seconds();
    GCR_TRY(open_work(&work, s));
    GCR_TRY(bench_work_execute(&work));
    computed = gcr_clock_seconds();
    GCR_TRY(bench_work_write(&work, s->folder, 0));
    end = gcr_clock_seconds();
    *seconds_out = end - begin;
    if (s->bench->round >= 0)
        s->write_seconds[s->bench->round] = end - computed;
    GCR_TRY(check_memory(&work));
    GCR_TRY(check_file(&work, s->folder));
out:
    bench_work_close(&work);
    return status;
}

/* ---- the raw write -------------------------------------------------------------------------- */

static gcr_status write_all(int file, const char *bytes, uint64_t count)
{
    gcr_status status = GCR_OK;

    while (count > 0) {
        const ssize_t done = write(file, bytes, count < PIECE_BYTES ? count : PIECE_BYTES);

        if (done < 0)
            GCR_FAIL(GCR_EIO, "cannot write: %s", strerror(errno));
        bytes += done;
        count -= (uint64_t)done;
    }
out:
    return status;
}

static gcr_status run_raw(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    state *const s = arg;
    double begin;
    int file = -1;

    remove_files(s);
    begin = gcr_clock_seconds();
    file = open(s->raw, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        GCR_FAIL(GCR_EIO, "cannot make %s: %s", s->raw, strerror(errno));
    GCR_TRY(write_all(file, s->buffer, s->bytes));
    if (close(file) != 0)
        GCR_FAIL(GCR_EIO, "cannot close %s: %s", s->raw, strerror(errno));
    file = -1;
    *seconds_out = gcr_clock_seconds() - begin;
out:
    if (file >= 0)
        close(file);
    return status;
}

/* ---- the comparison ------------------------------------------------------------------------- */

/* Runs ours once to see how many bytes the rival has to write. */
static gcr_status open_state(state *s, bench *b)
{
    gcr_status status = GCR_OK;
    struct stat results, summary;
    double unused;

    *s = (state){ .bench = b, .points = b->quick ? POINTS / 10 : POINTS };
    GCR_TRY(bench_folder_open(s->folder));
    snprintf(s->results, BENCH_PATH_MAX, "%.4000s/results.h5", s->folder);
    snprintf(s->summary, BENCH_PATH_MAX, "%.4000s/summary.csv", s->folder);
    snprintf(s->raw, BENCH_PATH_MAX, "%.4000s/raw", s->folder);
    b->round = -1;
    GCR_TRY(run_ours(s, &unused));
    if (stat(s->results, &results) != 0 || stat(s->summary, &summary) != 0)
        GCR_FAIL(GCR_EIO, "no results files in %s: %s", s->folder, strerror(errno));
    s->bytes = (uint64_t)results.st_size + (uint64_t)summary.st_size;
    GCR_TRY(gcr_memory_create(&s->buffer, s->bytes, 1, "a raw write"));
    memset(s->buffer, 0xa5, s->bytes);
out:
    return status;
}

static void report(bench *b, const state *s, const bench_side *ours, const bench_side *raw)
{
    const double ns = 1e9 / cell_count(s);
    const double our_ns = ns * bench_spread_of(ours->seconds, b->rounds).median;
    const double raw_ns = ns * bench_spread_of(raw->seconds, b->rounds).median;
    const double allowed_ns = 1.5 * raw_ns + 15 < 60 ? 1.5 * raw_ns + 15 : 60;

    bench_say("%.3g cells, %.1f MB: %.1f ns per cell, raw write %.1f, allowed %.1f: %s",
              cell_count(s), (double)s->bytes * 1e-6, our_ns, raw_ns, allowed_ns,
              our_ns <= allowed_ns ? "within" : "TOO SLOW");
    bench_ratio(b, "ns_per_cell", our_ns);
    bench_ratio(b, "raw_write_ns_per_cell", raw_ns);
    bench_ratio(b, "allowed_ns_per_cell", allowed_ns);
    bench_ratio_sides(b, "over_raw_write", ours, raw);
}

static gcr_status measure(bench *b, state *s, bench_side *sides)
{
    gcr_status status = GCR_OK;
    bench_side *const files = &sides[2];

    sides[0] = (bench_side){ .what = "data to results file", .run = run_ours, .arg = s };
    sides[1] = (bench_side){ .what = "write()", .run = run_raw, .arg = s };
    GCR_TRY(bench_alternate(b, "1e7 cells", sides, 2));
    files->what = "results file alone";
    memcpy(files->seconds, s->write_seconds, sizeof files->seconds);
    bench_row(b, "1e7 cells", files->what, "s", bench_spread_of(files->seconds, b->rounds));
    report(b, s, &sides[0], &sides[1]);
    bench_ratio_sides(b, "file_over_raw_write", files, &sides[1]);
out:
    return status;
}

int main(int argc, char **argv)
{
    static state s; /* too large for a stack, and so are the sides */
    static bench_side sides[3];
    gcr_status status = GCR_OK;
    bench b;

    GCR_TRY(bench_begin(&b, "scale", argc, argv));
    GCR_TRY(open_state(&s, &b));
    GCR_TRY(measure(&b, &s, sides));
out:
    gcr_memory_destroy(s.buffer);
    bench_folder_close(s.folder);
    return bench_end(&b, status);
}
