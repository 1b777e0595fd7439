/*
 * bench/bench_ridge.c -- how fast is cross-validated ridge regression, 200 datasets of 1000 x 20, 5
 * folds, 50 values of alpha?
 *
 * Two comparisons, each of like with like and on the same processors:
 *   - datasets in memory to results in memory: ours, and a careful loop in C over LAPACK, which
 *     gives the errors alone (ours gives the degrees of freedom too);
 *   - files of data to a file of results: ours, and scikit-learn's GridSearchCV under joblib, which
 *     takes half a minute, so it is asked once (--quick: for a few of the files).
 * Errors of all three are compared in the same run.
 */
#include "bench.h"
#include "rival.h"
#include "rival_ridge.h"
#include "table_file.h"
#include "work.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATASETS = 200, ALPHAS = 50, CELLS = DATASETS * ALPHAS, THREADS_MAX = 64, QUICK_FILES = 8 };

static const char made[] = "synthetic: {datasets: 200, rows: 1000, features: 20, noise: 0.2}";

typedef struct state {
    char folder[BENCH_PATH_MAX], job[2 * BENCH_PATH_MAX];
    bench_work work;   /* datasets in memory */
    bench_work loaded; /* the same from files, in the last round */
    int threads;
    double loop[CELLS]; /* errors by the C loop */
    double *scratch[THREADS_MAX];
    atomic_int next, failed;
} state;

static void describe_job(state *s, const char *data)
{
    snprintf(s->job, sizeof s->job,
             "name: ridge\n"
             "data: {%s}\n"
             "kernel: ridge\n"
             "options: {folds: %d}\n"
             "grid: {alpha: {logspace: [-3, 3, %d]}}\n"
             "run: {device: cpu, threads: %d}\n",
             data, RIVAL_RIDGE_FOLDS, ALPHAS, s->threads);
}

/* ---- in memory ------------------------------------------------------------------------------- */

static gcr_status run_ours(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    state *const s = arg;
    const double begin = gcr_clock_seconds();

    GCR_TRY(bench_work_execute(&s->work));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    return status;
}

typedef struct worker {
    state *state;
    int index;
    pthread_t thread;
} worker;

static void *loop_over_datasets(void *arg)
{
    const worker *const w = arg;
    state *const s = w->state;
    const double *alpha = gcr_run_points(s->work.run)->axes[0].values;
    int d;

    while ((d = atomic_fetch_add(&s->next, 1)) < DATASETS)
        if (!rival_ridge(s->loop + d * ALPHAS, &s->work.datasets.items[d], alpha, ALPHAS,
                         s->scratch[w->index]))
            atomic_store(&s->failed, 1);
    return NULL;
}

static gcr_status run_loop(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    state *const s = arg;
    worker workers[THREADS_MAX];
    const double begin = gcr_clock_seconds();

    atomic_store(&s->next, 0);
    for (int i = 0; i < s->threads; i++) {
        workers[i] = (worker){ .state = s, .index = i };
        if (pthread_create(&workers[i].thread, NULL, loop_over_datasets, &workers[i]) != 0)
            GCR_FAIL(GCR_ENOMEM, "no thread for the loop in C");
    }
    for (int i = 0; i < s->threads; i++)
        pthread_join(workers[i].thread, NULL);
    *seconds_out = gcr_clock_seconds() - begin;
    if (atomic_load(&s->failed))
        GCR_FAIL(GCR_EDEVICE, "the loop in C met a matrix that is not positive definite");
out:
    return status;
}

/* ---- from files to a file -------------------------------------------------------------------- */

static gcr_status run_files(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    state *const s = arg;
    const double begin = gcr_clock_seconds();

    bench_work_close(&s->loaded);
    GCR_TRY(bench_work_open(&s->loaded, "ridge.yaml", s->job));
    GCR_TRY(bench_work_execute(&s->loaded));
    GCR_TRY(bench_work_write(&s->loaded, s->folder, 0));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    return status;
}

static gcr_status write_files(state *s)
{
    gcr_status status = GCR_OK;
    char path[BENCH_PATH_MAX + 64];

    for (int d = 0; d < DATASETS; d++) {
        snprintf(path, sizeof path, "%s/%s.npy", s->folder, s->work.datasets.items[d].key);
        GCR_TRY(bench_write_npy(path, &s->work.datasets.items[d]));
    }
    snprintf(path, sizeof path, "source: '%s/*.npy'", s->folder);
    describe_job(s, path);
out:
    return status;
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* Condition numbers stay below 1e7 here, so ten digits are what both can have. */
static gcr_status compare(const char *who, const double *ours, const double *theirs, int count)
{
    gcr_status status = GCR_OK;
    double worst = 0;

    for (int i = 0; i < count; i++) {
        const double off = fabs(ours[i] - theirs[i]) / fabs(theirs[i]);

        if (!(off <= 1e-10))
            GCR_FAIL(GCR_EDEVICE, "cell %d: %.17g is not %.17g, as %s says", i, ours[i], theirs[i],
                     who);
        worst = off > worst ? off : worst;
    }
    bench_say("%s: %d errors agree within %.1e", who, count, worst);
out:
    return status;
}

static const double *errors_of(const bench_work *work)
{
    return gcr_run_slots(work->run)->values[0];
}

static gcr_status verify(state *s)
{
    gcr_status status = GCR_OK;
    double unused;

    GCR_TRY(run_ours(s, &unused));
    GCR_TRY(write_files(s));
    for (int i = 0; i < CELLS; i++)
        s->loop[i] = NAN;
    GCR_TRY(run_loop(s, &unused));
    GCR_TRY(run_files(s, &unused));
    GCR_TRY(compare("the loop in C", errors_of(&s->work), s->loop, CELLS));
    if (memcmp(errors_of(&s->work), errors_of(&s->loaded), sizeof s->loop) != 0)
        GCR_FAIL(GCR_EDEVICE, "data from files gives other bits than the same data in memory");
out:
    return status;
}

/* ---- the comparison -------------------------------------------------------------------------- */

static gcr_status measure(bench *b, state *s, bench_side sides[3])
{
    gcr_status status = GCR_OK;
    char where[64];

    sides[0] = (bench_side){ .what = "gridcrunch", .run = run_ours, .arg = s };
    sides[1] = (bench_side){ .what = "C loop over LAPACK", .run = run_loop, .arg = s };
    sides[2] = (bench_side){ .what = "gridcrunch from files to file", .run = run_files, .arg = s };
    snprintf(where, sizeof where, "%d threads", s->threads);
    GCR_TRY(bench_alternate(b, where, sides, 3));
    bench_ratio(b, "seconds", bench_spread_of(sides[0].seconds, b->rounds).median);
    bench_ratio_sides(b, "c_loop", &sides[1], &sides[0]);
out:
    return status;
}

static gcr_status check_rival(const state *s, const char *path, int files)
{
    gcr_status status = GCR_OK;
    static double theirs[CELLS];
    FILE *file = fopen(path, "rb");
    size_t count = 0;

    if (file != NULL)
        count = fread(theirs, sizeof *theirs, CELLS, file);
    if (count != (size_t)(files * ALPHAS))
        GCR_FAIL(GCR_EIO, "scikit-learn left %zu errors, not %d", count, files * ALPHAS);
    GCR_TRY(compare("scikit-learn", errors_of(&s->loaded), theirs, files * ALPHAS));
out:
    if (file != NULL)
        fclose(file);
    return status;
}

static gcr_status measure_sklearn(bench *b, const state *s, const bench_side *ours)
{
    gcr_status status = GCR_OK;
    const int files = b->quick ? QUICK_FILES : DATASETS;
    bench_rival rival = { 0 };
    char script[BENCH_PATH_MAX], results[BENCH_PATH_MAX + 16], processes[16];
    double seconds;

    GCR_TRY(bench_beside(script, "rival_gridsearch.py"));
    snprintf(results, sizeof results, "%s/errors", s->folder);
    snprintf(processes, sizeof processes, "%d", s->threads);
    GCR_TRY(bench_rival_open(&rival, (const char *[]){ "/usr/bin/python3", script, processes,
                                                       s->folder, results, NULL }));
    if (rival.process == 0) {
        bench_absent(b, "scikit-learn", "install python3-sklearn");
        goto out;
    }
    bench_say("%s: %d of %d files", rival.version, files, DATASETS);
    GCR_TRY(bench_rival_time(&rival, 0, (uint64_t)files, &seconds));
    GCR_TRY(check_rival(s, results, files));
    bench_ratio(b, "sklearn_seconds", seconds * DATASETS / files);
    bench_ratio(b, "sklearn",
                seconds * DATASETS / files / bench_spread_of(ours->seconds, b->rounds).median);
out:
    bench_rival_close(&rival);
    return status;
}

static int count_processors(void)
{
    cpu_set_t set;
    const int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return count < THREADS_MAX ? count : THREADS_MAX;
}

static gcr_status open_state(state *s)
{
    gcr_status status = GCR_OK;
    size_t count;

    s->threads = count_processors();
    bench_blas_begin(); /* one of its threads for each of ours */
    describe_job(s, made);
    GCR_TRY(bench_folder_open(s->folder));
    GCR_TRY(bench_work_open(&s->work, "ridge.yaml", s->job));
    count = rival_ridge_work(1000, 20, ALPHAS);
    for (int i = 0; i < s->threads; i++)
        GCR_TRY(gcr_memory_create((void **)&s->scratch[i], count, 8, "the loop in C"));
out:
    return status;
}

static void close_state(state *s)
{
    for (int i = 0; i < s->threads; i++)
        gcr_memory_destroy(s->scratch[i]);
    bench_work_close(&s->loaded);
    bench_work_close(&s->work);
    bench_folder_close(s->folder);
}

int main(int argc, char **argv)
{
    static bench_side sides[3];
    static state s;
    gcr_status status = GCR_OK;
    bench b;

    GCR_TRY(bench_begin(&b, "ridge", argc, argv));
    GCR_TRY(open_state(&s));
    GCR_TRY(verify(&s));
    GCR_TRY(measure(&b, &s, sides));
    GCR_TRY(measure_sklearn(&b, &s, &sides[2]));
out:
    close_state(&s);
    return bench_end(&b, status);
}
