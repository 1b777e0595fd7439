/*
 * Memory that one rank does not get, at whatever moment: all ranks leave the run, soon and with one
 * sentence, and can begin the next one.
 *
 * The k-th allocation of one rank fails, for k from 1 on until nothing fails any more; alone, or
 * with those behind it: then there is none for what comes while the rank leaves. Allocations of
 * this program are counted, not those of the libraries below it (its linker is told to wrap them);
 * of the module for messages, which is such a one, what it does without memory is played.
 */
#include "support/ranks.h"

#include "base/check.h"
#include "base/clock.h"
#include "exec/busy.h"
#include "exec/share_data.h"

#include "gridcrunch/run.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

static const double soon = 5.0; /* seconds */

/* ---- memory ---------------------------------------------------------------------------------- */

static atomic_long left; /* allocations that are granted before one fails; < 0: one has */
static long in_a_row;    /* that fail then                                              */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
gcr_status __real_gcr_comm_send(gcr_send **out, gcr_comm *comm, int to, int tag, const void *bytes,
                                uint64_t count);
gcr_status __real_gcr_comm_look(gcr_message *out, int *found, gcr_comm *comm);
gcr_status __wrap_gcr_comm_send(gcr_send **out, gcr_comm *comm, int to, int tag, const void *bytes,
                                uint64_t count);
gcr_status __wrap_gcr_comm_look(gcr_message *out, int *found, gcr_comm *comm);

static int is_refused(void)
{
    const long granted = atomic_fetch_sub(&left, 1);

    if (granted > 0 || granted <= -in_a_row)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *__wrap_malloc(size_t bytes)
{
    return is_refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return is_refused() ? NULL : __real_aligned_alloc(alignment, bytes);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    return is_refused() ? MAP_FAILED : __real_mmap(at, bytes, protection, flags, file, offset);
}

gcr_status __wrap_gcr_comm_send(gcr_send **out, gcr_comm *comm, int to, int tag, const void *bytes,
                                uint64_t count)
{
    gcr_status status = GCR_OK;

    *out = NULL;
    if (is_refused())
        GCR_FAIL(GCR_ENOMEM, "no memory for a message");
    GCR_TRY(__real_gcr_comm_send(out, comm, to, tag, bytes, count));
out:
    return status;
}

/* A message is dropped for which there is no memory; a short one needs none. */
gcr_status __wrap_gcr_comm_look(gcr_message *out, int *found, gcr_comm *comm)
{
    gcr_status status = GCR_OK;

    GCR_TRY(__real_gcr_comm_look(out, found, comm));
    if (!*found || out->count <= 128 || !is_refused())
        goto out;
    *found = 0;
    GCR_FAIL(GCR_ENOMEM, "no memory for a message of %d bytes", (int)out->count);
out:
    return status;
}

/* ---- a run ----------------------------------------------------------------------------------- */

typedef gcr_status body(const gcr_job *job);

static int is_work_known; /* what ranks have done in the last run */

static gcr_status compute(gcr_comm *comm, const gcr_job *job, const gcr_datasets *datasets,
                          int are_shared)
{
    const gcr_run_spec spec = {
        .job = job, .datasets = datasets, .comm = comm, .has_same_datasets = are_shared
    };
    gcr_run *run = NULL;
    gcr_status status = gcr_run_create(&run, &spec);

    if (status == GCR_OK)
        status = gcr_run_execute(run);
    is_work_known = run != NULL && gcr_run_rank_work(run) != NULL;
    gcr_run_destroy(run);
    return status;
}

/* From the first word between ranks on. */
static gcr_status compute_what_is_shared(const gcr_job *job)
{
    gcr_shared_datasets data = { 0 };
    gcr_comm *comm = NULL;
    gcr_status status = gcr_comm_open(&comm);

    if (status == GCR_OK)
        status = gcr_datasets_share(&data, comm, job);
    if (status == GCR_OK)
        status = compute(comm, job, &data.datasets, 1);
    gcr_shared_datasets_clear(&data);
    gcr_comm_close(comm);
    return status;
}

static gcr_datasets own; /* of this rank, the same on all */

static gcr_status compute_what_each_has(const gcr_job *job)
{
    const int backwards[] = { 2, 1, 0 };
    gcr_comm *comm = NULL;
    gcr_status status = gcr_comm_select(&comm, ranks, backwards, rank_count);

    if (status == GCR_OK)
        status = compute(comm, job, &own, 0);
    gcr_comm_close(comm);
    return status;
}

/* ---- one after the other --------------------------------------------------------------------- */

typedef struct outcome {
    gcr_status status;
    char sentence[512];
    int was_refused;
    int is_work_known;
    double seconds;
} outcome;

static outcome try_with(long granted, body *run, const gcr_job *job)
{
    outcome out = { 0 };
    const double begin = gcr_clock_seconds();

    is_work_known = 0;
    atomic_store(&left, granted);
    out.status = run(job);
    out.was_refused = atomic_exchange(&left, LONG_MAX) < 0;
    out.is_work_known = is_work_known;
    out.seconds = gcr_clock_seconds() - begin;
    if (out.status != GCR_OK)
        snprintf(out.sentence, sizeof out.sentence, "%s", gcr_last_error());
    return out;
}

/* A run that failed knows nothing of it; but not to know it is no failure. */
static void assert_work_is_known(const outcome *mine, int *unknown)
{
    if (mine->status != GCR_OK)
        assert_false(mine->is_work_known);
    else
        *unknown += !mine->is_work_known;
}

/* True where the victim was refused something. Memory for a trial is none that a run must have. */
static int assert_all_leave_alike(const outcome *mine, int victim, long k)
{
    outcome all[rank_count];

    assert_ok(gcr_comm_gather_all(ranks, mine, sizeof *mine, all));
    if (mine->status != all[0].status || strcmp(mine->sentence, all[0].sentence) != 0 ||
        mine->seconds > soon || (mine->status != GCR_OK && mine->status != GCR_ENOMEM))
        fail_msg("allocation %ld of rank %d: rank %d left after %.1f s with '%s', rank 0 with '%s'",
                 k, victim, rank, mine->seconds, mine->sentence, all[0].sentence);
    return all[victim].was_refused;
}

static void refuse_one_after_the_other(body *run, long refused, const char *text)
{
    gcr_job job;
    int unknown = 0;

    in_a_row = refused;
    assert_ok(gcr_job_parse(&job, "it.yaml", text, NULL, 0));
    assert_ok(gcr_datasets_load(&own, &job));
    for (int victim = 0; victim < rank_count; victim++)
        for (long k = 0;; k++) {
            const outcome mine = try_with(rank == victim ? k : LONG_MAX, run, &job);

            assert_work_is_known(&mine, &unknown);
            if (assert_all_leave_alike(&mine, victim, k))
                continue;
            assert_int_equal(mine.status, GCR_OK);
            assert_true(mine.is_work_known);
            assert_true(k > 50); /* allocations are what is counted */
            break;
        }
    assert_true(unknown >= rank_count); /* once at least for each that was short of memory */
    gcr_datasets_clear(&own);
    gcr_job_clear(&job);
}

static void test_from_the_first_word_to_the_last_cell(void **state)
{
    (void)state;
    refuse_one_after_the_other(compute_what_is_shared, 1,
                               "name: it\ndata: {synthetic: {datasets: 3, rows: 4}}\nkernel: gp\n"
                               "grid: {lengthscale: [1, 2], noise: [0.1, 0.2], variance: 1}\n"
                               "where: noise < lengthscale\n"
                               "summary: {best: argmax(lml), mean: mean(lml)}\n"
                               "run: {device: cpu, threads: 1, gather: nccl, schedule: dynamic}\n");
}

static void test_where_summaries_alone_are_kept(void **state)
{
    (void)state;
    refuse_one_after_the_other(
        compute_what_each_has, 8,
        "name: it\ndata: {synthetic: {datasets: 3, rows: 4}}\nkernel: scale\n"
        "grid: {factor: {linspace: [0, 1, 3000]}}\n"
        "summary: {best: argmax(value), mean: mean(value)}\n"
        "output: {keep: summary}\nrun: {device: cpu, threads: 1}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_from_the_first_word_to_the_last_cell),
        RANK_TEST(test_where_summaries_alone_are_kept),
    };

    atomic_store(&left, LONG_MAX);
    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
