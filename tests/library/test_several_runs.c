/*
 * tests/library/test_several_runs.c -- several runs at once, from several threads of one program.
 *
 * Each computes, writes its files and reads them back while the others do: what they share (BLAS,
 * HDF5, counters, sentences) must not show. The results are those of the runs alone, bit for bit.
 */
#include "support/gcr_test.h"

#include "gridcrunch/gridcrunch.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { RUNS = 4, DATASETS = 3, POINTS = 6 };

/* Matrices of all sizes: by lanes, and above 512 rows by LAPACK. */
static const char *const jobs[RUNS] = {
    "name: a\ndata: {synthetic: {datasets: 3, rows: [5, 40]}}\nkernel: gp\nrun: {threads: 2}\n"
    "grid: {lengthscale: [1, 2, 4], noise: [0.1, 0.2], variance: 1}\nsummary: {s: argmax(lml)}\n",
    "name: b\ndata: {synthetic: {datasets: 3, rows: [520, 540]}}\nkernel: gp\nrun: {threads: 2}\n"
    "grid: {lengthscale: [1, 2, 4], noise: [0.1, 0.2], variance: 1}\nsummary: {s: argmin(lml)}\n",
    "name: c\ndata: {synthetic: {datasets: 3, rows: 30, features: 4}}\nkernel: ridge\n"
    "grid: {alpha: [1, 2, 3, 4, 5, 6]}\nsummary: {s: argmin(mse)}\nrun: {threads: 2}\n",
    "name: d\ndata: {synthetic: {datasets: 3, rows: 9}}\nkernel: scale\nrun: {threads: 2}\n"
    "grid: {factor: [1, 2, 3, 4, 5, 6]}\nsummary: {s: \"quantile(value, 0.5)\"}\n",
};

typedef struct outcome {
    double values[DATASETS][POINTS], read[DATASETS][POINTS], summary[DATASETS];
} outcome;

typedef struct task {
    const char *text;
    char folder[64];
    outcome got;
    gcr_status status;
    char sentence[512];
    pthread_t thread;
} task;

static gcr_status collect(gcr_run *run, outcome *out)
{
    gcr_status status = GCR_OK;

    for (uint64_t d = 0; d < DATASETS && status == GCR_OK; d++) {
        gcr_row row;

        status = gcr_run_fetch(&row, run, d, 60);
        if (status == GCR_OK)
            memcpy(out->values[d], row.values[0], sizeof out->values[d]);
        out->summary[d] = gcr_summaries_get(gcr_run_summaries(run), d, 0).value;
    }
    return status;
}

static gcr_status read_back(const char *folder, outcome *out)
{
    gcr_results_file *file;
    gcr_status status = gcr_results_open(&file, folder);

    for (uint64_t d = 0; d < DATASETS && status == GCR_OK; d++)
        status = gcr_results_read_values(file, d, 0, out->read[d]);
    gcr_results_close(file);
    return status;
}

static gcr_status compute(task *t)
{
    gcr_job job;
    gcr_datasets datasets = { 0 };
    gcr_run *run = NULL;
    gcr_status status = gcr_job_parse(&job, "job.yaml", t->text, NULL, 0);

    if (status == GCR_OK)
        status = gcr_datasets_load(&datasets, &job);
    if (status == GCR_OK)
        status = gcr_run_create(&run, &(gcr_run_spec){ .job = &job, .datasets = &datasets });
    if (status == GCR_OK)
        status = gcr_run_execute(run);
    if (status == GCR_OK)
        status = collect(run, &t->got);
    if (status == GCR_OK)
        status = gcr_results_write(gcr_run_results(run), t->folder, GCR_WRITE_UNSYNCED);
    if (status == GCR_OK)
        status = read_back(t->folder, &t->got);
    gcr_run_destroy(run);
    gcr_datasets_clear(&datasets);
    gcr_job_clear(&job);
    return status;
}

static void *work(void *arg)
{
    task *t = arg;

    t->status = compute(t);
    snprintf(t->sentence, sizeof t->sentence, "%s", gcr_last_error());
    return NULL;
}

static void open_task(task *t, int i)
{
    *t = (task){ .text = jobs[i] };
    strcpy(t->folder, "/tmp/gridcrunch-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
}

static void close_task(const task *t)
{
    char path[128];

    snprintf(path, sizeof path, "%s/results.h5", t->folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/summary.csv", t->folder);
    unlink(path);
    rmdir(t->folder);
    if (t->status != GCR_OK)
        fail_msg("%s", t->sentence);
}

static void test_runs_at_once_give_what_they_give_alone(void **state)
{
    static task alone[RUNS], together[RUNS];

    (void)state;
    for (int i = 0; i < RUNS; i++) {
        open_task(&alone[i], i);
        open_task(&together[i], i);
        work(&alone[i]);
    }
    for (int i = 0; i < RUNS; i++)
        assert_int_equal(pthread_create(&together[i].thread, NULL, work, &together[i]), 0);
    for (int i = 0; i < RUNS; i++)
        pthread_join(together[i].thread, NULL);
    for (int i = 0; i < RUNS; i++) {
        close_task(&alone[i]);
        close_task(&together[i]);
        assert_memory_equal(&alone[i].got, &together[i].got, sizeof(outcome));
        assert_memory_equal(together[i].got.values, together[i].got.read,
                            sizeof together[i].got.values);
    }
}

static void *fail_here(void *arg)
{
    char *sentence = arg;
    gcr_job job;

    if (gcr_job_parse(&job, "there", "kernel: [", NULL, 0) == GCR_OK)
        return NULL;
    snprintf(sentence, 512, "%s", gcr_last_error());
    return NULL;
}

static void test_each_thread_has_its_own_sentence(void **state)
{
    char there[512] = "";
    pthread_t thread;
    gcr_job job;

    (void)state;
    assert_status(gcr_job_parse(&job, "here", "", NULL, 0), GCR_EFORMAT);
    assert_int_equal(pthread_create(&thread, NULL, fail_here, there), 0);
    pthread_join(thread, NULL);
    assert_non_null(strstr(there, "there:"));
    assert_error_mentions("here: the file is empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_at_once_give_what_they_give_alone),
        cmocka_unit_test(test_each_thread_has_its_own_sentence),
    };

    return cmocka_run_group_tests_name("several_runs", tests, NULL, NULL);
}
