/*
 * bench/bench_peers.c -- what people use today for many small cells, on the same processors.
 *
 * Three workloads: `tiny`, cells of one multiplication, where all that counts is what a cell costs
 * a system; `fertility`, the grid of Gaussian processes of examples/fertility.yaml; `ridge`, a
 * small cross-validated ridge regression. From data in memory to results in memory, ours by a run
 * and theirs by the functions of rival_peers.py, which are NumPy over LAPACK and not scikit-learn
 * (bench fertility and bench ridge compare with that). StarPU has C tasks: its tiny cell is the
 * kernel `spin` for no time at all. Results of all are compared with ours.
 */
#include "bench.h"
#include "rival.h"
#include "table_file.h"
#include "work.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROUNDS_MOST = 5, SPIN_CELLS = 100000 };

/* Where a workload's datasets come from, and what is done with them. Rivals know them by their
 * places. */
typedef struct workload {
    const char *name, *data, *rest;
    int datasets, quick_datasets;
} workload;

static const workload workloads[] = {
    { "tiny", "synthetic: {datasets: 10, rows: 1}",
      "kernel: scale\ngrid: {factor: {linspace: [0, 1, 1000]}}\n", 10, 10 },
    { "fertility",
      "source: fertility.csv, layout: wide, key: Country Name, "
      "skip: [Country Code, Indicator Name, Indicator Code], standardize: y",
      "kernel: gp\noptions: {covariance: matern52}\n"
      "grid:\n  lengthscale: {geomspace: [0.5, 60, 24]}\n"
      "  noise: {geomspace: [1e-3, 1, 12]}\n  variance: [0.25, 1, 4]\n",
      60, 8 },
    { "ridge", "synthetic: {datasets: 40, rows: 1000, features: 20, noise: 0.2}",
      "kernel: ridge\ngrid: {alpha: {logspace: [-3, 3, 50]}}\n", 40, 8 },
};

enum { WORKLOADS = sizeof workloads / sizeof *workloads };

typedef struct peer {
    const char *name, *python, *remedy;
    bench_rival process;
} peer;

static peer peers[] = {
    { .name = "joblib", .python = "/usr/bin/python3", .remedy = "install python3-joblib" },
    { .name = "multiprocessing", .python = "/usr/bin/python3", .remedy = "install python3-scipy" },
    { .name = "dask-threads", .python = "/usr/bin/python3", .remedy = "install python3-dask" },
    { .name = "dask-distributed",
      .python = "/usr/bin/python3",
      .remedy = "install python3-distributed" },
    { .name = "jax",
      .python = "python3",
      .remedy = "pip install jax scipy, into the python3 that comes first in PATH" },
};

enum { PEERS = sizeof peers / sizeof *peers };

typedef struct state {
    char folder[BENCH_PATH_MAX];
    bench_work works[WORKLOADS]; /* with data of the files that the rivals read, too */
    bench_rival starpu;
    int threads;
} state;

/* ---- data ------------------------------------------------------------------------------------ */

/* Relative sources are relative to the folder of `path`, which need not be there. */
static gcr_status open_job(bench_work *out, const char *path, const workload *w, const char *data,
                           int threads)
{
    char text[2 * BENCH_PATH_MAX];

    snprintf(text, sizeof text, "name: %s\ndata: {%s}\n%srun: {device: cpu, threads: %d}\n",
             w->name, data, w->rest, threads);
    return bench_work_open(out, path, text);
}

/* Writes the datasets to files, in an order that their names keep. */
static gcr_status write_datasets(const char *folder, const gcr_datasets *datasets, int count)
{
    gcr_status status = GCR_OK;
    char path[BENCH_PATH_MAX + 64];

    if (mkdir(folder, 0700) != 0)
        GCR_FAIL(GCR_EIO, "cannot make the folder %s", folder);
    for (int d = 0; d < count && (uint64_t)d < datasets->count; d++) {
        snprintf(path, sizeof path, "%s/%04d.npy", folder, d);
        GCR_TRY(bench_write_npy(path, &datasets->items[d]));
    }
out:
    return status;
}

static gcr_status open_workload(const bench *b, state *s, int index)
{
    gcr_status status = GCR_OK;
    const workload *w = &workloads[index];
    char folder[BENCH_PATH_MAX + 32], data[BENCH_PATH_MAX + 64], path[BENCH_PATH_MAX];
    bench_work maker = { 0 };

    GCR_TRY(bench_example(path, "peers.yaml"));
    GCR_TRY(open_job(&maker, path, w, w->data, s->threads));
    snprintf(folder, sizeof folder, "%s/%s", s->folder, w->name);
    GCR_TRY(write_datasets(folder, &maker.datasets, b->quick ? w->quick_datasets : w->datasets));
    snprintf(data, sizeof data, "source: '%s/*.npy'", folder);
    GCR_TRY(open_job(&s->works[index], "peers.yaml", w, data, s->threads));
    GCR_TRY(bench_work_execute(&s->works[index]));
out:
    bench_work_close(&maker);
    return status;
}

/* ---- systems --------------------------------------------------------------------------------- */

static gcr_status open_peer(bench *b, const state *s, peer *p)
{
    gcr_status status = GCR_OK;
    char script[BENCH_PATH_MAX], processes[16];

    GCR_TRY(bench_beside(script, "rival_peers.py"));
    snprintf(processes, sizeof processes, "%d", s->threads);
    GCR_TRY(bench_rival_open(&p->process, (const char *[]){ "/usr/bin/env", p->python, script,
                                                            p->name, processes, s->folder, NULL }));
    if (p->process.process == 0)
        bench_absent(b, p->name, p->remedy);
    else
        bench_say("%s", p->process.version);
out:
    return status;
}

static gcr_status open_starpu(bench *b, state *s)
{
    gcr_status status = GCR_OK;
    char program[BENCH_PATH_MAX], workers[16];

    GCR_TRY(bench_beside(program, "rival-starpu"));
    snprintf(workers, sizeof workers, "%d", s->threads);
    setenv("STARPU_HOME", s->folder, 1); /* it keeps calibrations, by default in the user's home */
    GCR_TRY(bench_rival_open(&s->starpu, (const char *[]){ program, workers, NULL }));
    if (s->starpu.process == 0)
        bench_absent(b, "starpu", "install libstarpu-dev and build again");
    else
        bench_say("%s", s->starpu.version);
out:
    return status;
}

static gcr_status open_state(bench *b, state *s)
{
    gcr_status status = GCR_OK;
    cpu_set_t set;

    s->threads = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    GCR_TRY(bench_folder_open(s->folder));
    for (int i = 0; i < WORKLOADS; i++)
        GCR_TRY(open_workload(b, s, i));
    for (int i = 0; i < PEERS; i++)
        GCR_TRY(open_peer(b, s, &peers[i]));
    GCR_TRY(open_starpu(b, s));
out:
    return status;
}

static void close_state(state *s)
{
    bench_rival_close(&s->starpu);
    for (int i = 0; i < PEERS; i++)
        bench_rival_close(&peers[i].process);
    for (int i = 0; i < WORKLOADS; i++)
        bench_work_close(&s->works[i]);
    bench_folder_close(s->folder);
}

/* ---- sides ----------------------------------------------------------------------------------- */

typedef struct side_arg {
    state *state;
    peer *peer;
    int workload;
} side_arg;

static gcr_status run_ours(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const side_arg *const a = arg;
    const double begin = gcr_clock_seconds();

    GCR_TRY(bench_work_execute(&a->state->works[a->workload]));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    return status;
}

static gcr_status run_peer(void *arg, double *seconds_out)
{
    const side_arg *const a = arg;

    return bench_rival_time(&a->peer->process, a->workload, 1, seconds_out);
}

static gcr_status check(const side_arg *a)
{
    const char *const name = workloads[a->workload].name;
    char path[BENCH_PATH_MAX + 64], who[64];

    snprintf(path, sizeof path, "%s/%s.%s.f8", a->state->folder, name, a->peer->name);
    snprintf(who, sizeof who, "%s, %s", a->peer->name, name);
    return bench_work_compare(&a->state->works[a->workload], path, who);
}

/* ---- the comparison -------------------------------------------------------------------------- */

static gcr_status measure(bench *b, state *s, int index)
{
    gcr_status status = GCR_OK;
    static bench_side sides[PEERS + 1];
    side_arg args[PEERS + 1] = { { s, NULL, index } };
    char where[64];
    int count = 1;

    sides[0] = (bench_side){ .what = "gridcrunch", .run = run_ours, .arg = &args[0] };
    for (int i = 0; i < PEERS; i++) {
        if (peers[i].process.process == 0)
            continue;
        args[count] = (side_arg){ s, &peers[i], index };
        sides[count] = (bench_side){ .what = peers[i].name, .run = run_peer, .arg = &args[count] };
        count++;
    }
    GCR_TRY(bench_alternate(b, workloads[index].name, sides, count));
    for (int i = 1; i < count; i++) {
        GCR_TRY(check(&args[i]));
        snprintf(where, sizeof where, "%s-%s", sides[i].what, workloads[index].name);
        bench_ratio_sides(b, where, &sides[i], &sides[0]);
    }
out:
    return status;
}

static gcr_status run_spin(void *arg, double *seconds_out)
{
    const side_arg *const a = arg;

    return bench_rival_time(&a->state->starpu, 0, SPIN_CELLS, seconds_out);
}

static gcr_status run_our_spin(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    bench_work *const work = arg;

    GCR_TRY(bench_work_execute(work));
    *seconds_out = gcr_run_progress(work->run)->seconds;
out:
    return status;
}

static gcr_status measure_starpu(bench *b, state *s)
{
    gcr_status status = GCR_OK;
    static bench_side sides[2];
    side_arg arg = { .state = s };
    bench_work work = { 0 };
    char text[512];

    if (s->starpu.process == 0)
        goto out;
    snprintf(text, sizeof text,
             "name: spin\ndata: {synthetic: {datasets: 1, rows: 1}}\nkernel: spin\n"
             "grid: {ns: {linspace: [0, 0.1, %d]}}\nrun: {device: cpu, threads: %d}\n",
             SPIN_CELLS, s->threads);
    GCR_TRY(bench_work_open(&work, "spin.yaml", text));
    sides[0] = (bench_side){ .what = "gridcrunch", .run = run_our_spin, .arg = &work };
    sides[1] = (bench_side){ .what = "StarPU", .run = run_spin, .arg = &arg };
    GCR_TRY(bench_alternate(b, "tiny tasks in C", sides, 2));
    bench_ratio_sides(b, "starpu-tiny", &sides[1], &sides[0]);
out:
    bench_work_close(&work);
    return status;
}

int main(int argc, char **argv)
{
    gcr_status status = GCR_OK;
    static state s;
    bench b;

    GCR_TRY(bench_begin(&b, "peers", argc, argv));
    b.rounds = b.rounds < ROUNDS_MOST ? b.rounds : ROUNDS_MOST; /* some take seconds */
    GCR_TRY(open_state(&b, &s));
    for (int i = 0; i < WORKLOADS; i++)
        GCR_TRY(measure(&b, &s, i));
    GCR_TRY(measure_starpu(&b, &s));
out:
    close_state(&s);
    return bench_end(&b, status);
}
