/*
 * bench/bench_load.c -- how fast is data read, and in how much memory?
 *
 * One table in every format, in the page cache, to a dataset in memory by one thread; each load in
 * a process of its own, whose growth is the peak of memory. Beside it read(2) of the same bytes,
 * which is the floor, and what people read such files with. Ours stores a dataset by column and
 * looks for missing values, theirs leave the rows as they are. Rates are bytes of the file in a
 * second of the processor's time.
 */
#include "bench.h"
#include "rival.h"
#include "table_file.h"
#include "work.h"

#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct format {
    const char *name, *file;
    int rivals[2]; /* their readers, as rival_load.py counts them; -1: none */
    const char *rival_names[2];
    int is_short; /* holds the numbers of few digits */
} format;

static const format formats[] = {
    { "csv_short", "short.csv", { 0, 1 }, { "pandas", "loadtxt" }, 1 },
    { "csv_full", "full.csv", { 2, 3 }, { "pandas", "loadtxt" }, 0 },
    { "npy", "table.npy", { 4, -1 }, { "numpy" }, 0 },
    { "npz", "stored.npz", { 5, -1 }, { "numpy" }, 0 },
    { "npz_packed", "packed.npz", { 6, -1 }, { "numpy" }, 0 },
    { "h5", "stored.h5", { 7, -1 }, { "h5py" }, 0 },
    { "h5_packed", "packed.h5", { 8, -1 }, { "h5py" }, 0 },
};

typedef struct state {
    char folder[BENCH_PATH_MAX];
    bench_work full, few; /* the table, and one of numbers with few digits */
    bench_rival rival;
} state;

/* One format and what is measured of it. */
typedef struct task {
    state *state;
    const format *format;
    char path[BENCH_PATH_MAX + 32], job[2 * BENCH_PATH_MAX];
    double file_bytes, table_bytes;
    double peak[BENCH_ROUNDS_MAX]; /* bytes of memory for each byte of the table */
    double rate[BENCH_ROUNDS_MAX]; /* MB of the file in a second of our processor */
    const bench *bench;
} task;

/* ---- ours ------------------------------------------------------------------------------------ */

typedef struct answer {
    int is_right;
    double seconds, peak_bytes;
    double busy_seconds; /* of the processor, which is what counts where others are at work, too */
} answer;

static double busy_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int is_same(const gcr_dataset *a, const gcr_dataset *b)
{
    const size_t column = (size_t)b->rows * sizeof(double);

    return a->rows == b->rows && a->features == b->features &&
           memcmp(a->x, b->x, column * (size_t)b->features) == 0 && memcmp(a->y, b->y, column) == 0;
}

static gcr_status load(answer *out, const task *t)
{
    gcr_status status = GCR_OK;
    const gcr_datasets *expected =
        t->format->is_short ? &t->state->few.datasets : &t->state->full.datasets;
    const double resident = bench_own_bytes("VmRSS"), busy = busy_seconds();
    const double begin = gcr_clock_seconds();
    bench_work work = { 0 };

    GCR_TRY(bench_work_open(&work, "load.yaml", t->job));
    *out = (answer){ .seconds = gcr_clock_seconds() - begin,
                     .busy_seconds = busy_seconds() - busy,
                     .peak_bytes = bench_own_bytes("VmHWM") - resident,
                     .is_right = is_same(&work.datasets.items[0], &expected->items[0]) };
out:
    bench_work_close(&work);
    return status;
}

/* The child's part: never returns. */
static void answer_and_exit(int pipe_end, const task *t)
{
    answer a = { 0 };

    if (load(&a, t) != GCR_OK)
        fprintf(stderr, "%s: %s\n", t->format->name, gcr_last_error());
    _exit(write(pipe_end, &a, sizeof a) == (ssize_t)sizeof a ? 0 : 1);
}

static gcr_status run_ours(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    task *const t = arg;
    int ends[2] = { -1, -1 };
    answer a = { 0 };
    ssize_t bytes;
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0)
        GCR_FAIL(GCR_EIO, "no process to load in: %s", strerror(errno));
    if (child == 0)
        answer_and_exit(ends[1], t);
    close(ends[1]);
    bytes = read(ends[0], &a, sizeof a);
    close(ends[0]);
    waitpid(child, NULL, 0);
    if (bytes != (ssize_t)sizeof a || !a.is_right)
        GCR_FAIL(GCR_EDEVICE, "%s was not read as it was written", t->path);
    *seconds_out = a.seconds;
    if (t->bench->round >= 0) {
        t->peak[t->bench->round] = a.peak_bytes / t->table_bytes;
        t->rate[t->bench->round] = t->file_bytes / a.busy_seconds * 1e-6;
    }
out:
    return status;
}

/* ---- the floor and the rivals ---------------------------------------------------------------- */

static gcr_status run_read(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    static char buffer[64 << 10];
    const task *const t = arg;
    const double begin = gcr_clock_seconds();
    const int file = open(t->path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    do {
        got = file < 0 ? -1 : read(file, buffer, sizeof buffer);
    } while (got > 0);
    if (got < 0)
        GCR_FAIL(GCR_EIO, "cannot read %s: %s", t->path, strerror(errno));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    if (file >= 0)
        close(file);
    return status;
}

typedef struct rival_arg {
    state *state;
    int reader;
} rival_arg;

static gcr_status run_rival(void *arg, double *seconds_out)
{
    const rival_arg *const r = arg;

    return bench_rival_time(&r->state->rival, r->reader, 1, seconds_out);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Like measured values: of few digits, so that text is short. */
static void round_off(gcr_dataset *dataset)
{
    const int64_t count = dataset->rows * dataset->features;
    char text[32];

    for (int64_t i = 0; i < count + dataset->rows; i++) {
        double *value = i < count ? &dataset->x[i] : &dataset->y[i - count];

        snprintf(text, sizeof text, "%.6g", *value);
        *value = strtod(text, NULL);
    }
}

static gcr_status open_tables(state *s, int rows)
{
    gcr_status status = GCR_OK;
    char job[256], path[BENCH_PATH_MAX + 32];

    snprintf(job, sizeof job,
             "name: load\nkernel: scale\ngrid: {factor: [1]}\n"
             "data: {synthetic: {datasets: 1, rows: %d, features: 20}}\n",
             rows);
    GCR_TRY(bench_work_open(&s->full, "load.yaml", job));
    GCR_TRY(bench_work_open(&s->few, "load.yaml", job));
    round_off(&s->few.datasets.items[0]);
    snprintf(path, sizeof path, "%s/table.npy", s->folder);
    GCR_TRY(bench_write_npy(path, &s->full.datasets.items[0]));
    snprintf(path, sizeof path, "%s/full.csv", s->folder);
    GCR_TRY(bench_write_csv(path, &s->full.datasets.items[0], 17));
    snprintf(path, sizeof path, "%s/short.csv", s->folder);
    GCR_TRY(bench_write_csv(path, &s->few.datasets.items[0], 6));
out:
    return status;
}

static gcr_status open_state(bench *b, state *s)
{
    gcr_status status = GCR_OK;
    char script[BENCH_PATH_MAX];

    GCR_TRY(bench_folder_open(s->folder));
    GCR_TRY(open_tables(s, b->quick ? 20000 : 100000));
    GCR_TRY(bench_beside(script, "rival_load.py"));
    GCR_TRY(bench_rival_open(&s->rival,
                             (const char *[]){ "/usr/bin/python3", script, s->folder, NULL }));
    if (s->rival.process == 0)
        bench_absent(b, "pandas, numpy, h5py", "install python3-pandas python3-h5py");
    else
        bench_say("%s", s->rival.version);
out:
    return status;
}

/* ---- the comparison -------------------------------------------------------------------------- */

static gcr_status open_task(task *t, const bench *b, state *s, const format *f)
{
    gcr_status status = GCR_OK;
    const int is_text = strstr(f->file, ".csv") != NULL;
    struct stat facts = { .st_size = 0 };

    *t = (task){ .state = s, .format = f, .bench = b };
    snprintf(t->path, sizeof t->path, "%s/%s", s->folder, f->file);
    snprintf(t->job, sizeof t->job,
             "name: load\nkernel: scale\ngrid: {factor: [1]}\n"
             "data: {source: '%s'%s}\n",
             t->path, is_text ? ", y: y" : "");
    if (stat(t->path, &facts) != 0)
        GCR_FAIL(GCR_EIO, "there is no %s", t->path);
    t->file_bytes = (double)facts.st_size;
    t->table_bytes = (double)gcr_dataset_bytes(&s->full.datasets.items[0]);
out:
    return status;
}

/* The reader of HDF5 files is a process of its own, of which the rate knows nothing. */
static void report(bench *b, const task *t, const bench_side *sides, int side_count)
{
    const char *name = t->format->name;
    char where[64];

    if (strncmp(name, "h5", 2) != 0) {
        bench_row(b, name, "rate of a processor", "MB/s", bench_spread_of(t->rate, b->rounds));
        snprintf(where, sizeof where, "%s_MB_per_s", name);
        bench_ratio(b, where, bench_spread_of(t->rate, b->rounds).median);
    }
    bench_row(b, name, "peak memory", "B/B", bench_spread_of(t->peak, b->rounds));
    snprintf(where, sizeof where, "%s_peak_over_table", name);
    bench_ratio(b, where, bench_spread_of(t->peak, b->rounds).median);
    for (int i = 2; i < side_count; i++) {
        snprintf(where, sizeof where, "%s_%s", name, sides[i].what);
        bench_ratio_sides(b, where, &sides[i], &sides[0]);
    }
}

static gcr_status measure(bench *b, state *s, const format *f)
{
    gcr_status status = GCR_OK;
    static task t;
    static bench_side sides[4];
    rival_arg rivals[2];
    int count = 2;

    GCR_TRY(open_task(&t, b, s, f));
    sides[0] = (bench_side){ .what = "gridcrunch", .run = run_ours, .arg = &t };
    sides[1] = (bench_side){ .what = "read()", .run = run_read, .arg = &t };
    for (int i = 0; i < 2 && f->rivals[i] >= 0 && s->rival.process != 0; i++) {
        rivals[i] = (rival_arg){ s, f->rivals[i] };
        sides[count++] =
            (bench_side){ .what = f->rival_names[i], .run = run_rival, .arg = &rivals[i] };
    }
    GCR_TRY(bench_alternate(b, f->name, sides, count));
    report(b, &t, sides, count);
out:
    return status;
}

static void close_state(state *s)
{
    bench_rival_close(&s->rival);
    bench_work_close(&s->full);
    bench_work_close(&s->few);
    bench_folder_close(s->folder);
}

int main(int argc, char **argv)
{
    gcr_status status = GCR_OK;
    state s = { 0 };
    bench b;

    GCR_TRY(bench_begin(&b, "load", argc, argv));
    GCR_TRY(open_state(&b, &s));
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (i < 3 || s.rival.process != 0) /* it makes the files of the other formats */
            GCR_TRY(measure(&b, &s, &formats[i]));
out:
    close_state(&s);
    return bench_end(&b, status);
}
