/*
 * Datasets that ranks begin with go from GPU to GPU, each rank with a GPU of the stand-in's: what
 * stands there, what went up, and what happens when a rank fails. Started by mpirun.
 */
#include "cuda/cuda_backend.h" /* first: kernel.h has a `rank` of its own */

#include "base/clock.h"
#include "exec/residency.h"
#include "exec/run_private.h"
#include "support/fake_cuda.h"
#include "support/fake_nccl.h"
#include "support/ranks.h"

#include <stdlib.h>

enum { DATASETS = 3, ROWS = 100001, FEATURES = 2, VALUES = (FEATURES + 1) * ROWS, POINTS = 60 };

static const gcr_backend *const backends[] = { &gcr_cuda_backend, NULL };
static const uint64_t much = (uint64_t)1 << 40;

/* Of each dataset x, and y behind it; those of the last one lie apart. */
static double numbers[DATASETS][VALUES + 1];

typedef struct scene {
    gcr_job job;
    gcr_datasets datasets;
    gcr_run *run;
    gcr_program *program;
    gcr_residency *residency;
    uint64_t places[DATASETS];
} scene;

static void make_datasets(gcr_datasets *out, int64_t rows)
{
    static const char *const keys[DATASETS] = { "a", "b", "c" };
    gcr_borrowed tables[DATASETS];
    const gcr_borrow_spec spec = { .items = tables, .count = DATASETS, .features = FEATURES };

    for (int d = 0; d < DATASETS; d++) {
        for (int i = 0; i <= VALUES; i++)
            numbers[d][i] = 1000.0 * d + i % 977 + 1.0 / (1 + i % 89);
        tables[d] = (gcr_borrowed){ .key = keys[d],
                                    .rows = rows,
                                    .x = numbers[d],
                                    .y = numbers[d] + FEATURES * rows + (d == DATASETS - 1) };
    }
    assert_ok(gcr_datasets_borrow(out, &spec));
}

static uint64_t value_bytes(const scene *s)
{
    return s->job.precision == GCR_F32 ? sizeof(float) : sizeof(double);
}

/* A run that has its plan, on GPUs from `first_gpu` on. */
static void create_run(scene *s, const char *words, int64_t rows, int first_gpu)
{
    char text[512];
    const gcr_run_spec spec = { .job = &s->job, .datasets = &s->datasets, .comm = ranks };

    fake_cuda_reset();
    fake_nccl_reset();
    fake_cuda.first_gpu = first_gpu;
    fake_cuda.computes_scale = 1;
    snprintf(text, sizeof text,
             "name: spread\ndata: {synthetic: {datasets: 3, rows: 4}}\nkernel: scale\n"
             "grid: {factor: {linspace: [-3, 5, %d]}}\n"
             "run: {device: 'cuda:0', batch: 5, gather: nccl%s}\n",
             POINTS, words);
    *s = (scene){ 0 };
    assert_ok(gcr_job_parse(&s->job, "spread.yaml", text, NULL, 0));
    make_datasets(&s->datasets, rows);
    assert_ok(gcr_run_create_on(&s->run, &spec, backends));
}

static void end_run(scene *s)
{
    gcr_residency_destroy(s->residency);
    gcr_program_close(s->program);
    gcr_run_destroy(s->run);
    gcr_datasets_clear(&s->datasets);
    gcr_job_clear(&s->job);
    if (fake_cuda.broken != NULL)
        fail_msg("%s", fake_cuda.broken);
    assert_int_equal(fake_nccl.live, 0);
    assert_int_equal(fake_cuda.live, 0);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
}

static uint64_t sum_of_ranks(uint64_t mine)
{
    uint64_t sum = 0, *all = calloc((size_t)rank_count, sizeof *all);

    assert_non_null(all);
    assert_ok(gcr_comm_gather_all(ranks, &mine, sizeof mine, all));
    for (int r = 0; r < rank_count; r++)
        sum += all[r];
    free(all);
    return sum;
}

/* ---- what stands there ----------------------------------------------------------------------- */

static void open_residency(scene *s)
{
    const gcr_binding *binding = s->run->binding;
    const gcr_residency_spec spec = { .datasets = &s->datasets,
                                      .places = s->places,
                                      .option = binding->setup.option };
    gcr_residency_spec wanted = spec;

    assert_ok(gcr_binding_open_program(&s->program, binding, s->run->devices[0].device));
    wanted.program = s->program;
    for (uint64_t d = 0; d < DATASETS; d++)
        s->places[d] = d;
    assert_ok(gcr_residency_create(&s->residency, &wanted));
}

/* The stand-in's memory can be looked at. */
static void assert_values(const scene *s, int dataset, const void *there, const double *here,
                          int count)
{
    for (int i = 0; i < count; i++) {
        const double value = s->job.precision == GCR_F32 ? (double)((const float *)there)[i]
                                                         : ((const double *)there)[i];
        const double wanted = s->job.precision == GCR_F32 ? (double)(float)here[i] : here[i];

        if (value != wanted)
            fail_msg("rank %d, dataset %d, value %d of %d: %g is not %g", rank, dataset, i, count,
                     value, wanted);
    }
}

/* Without an upload. */
static void assert_all_there(scene *s)
{
    gcr_queue *queue;

    assert_ok(gcr_queue_open(&queue, s->run->devices[0].device));
    for (int d = 0; d < DATASETS; d++) {
        const gcr_dataset *dataset = &s->datasets.items[d];
        gcr_resident resident;

        assert_ok(gcr_residency_acquire(s->residency, queue, (uint64_t)d, &resident));
        assert_values(s, d, resident.data.x, dataset->x, FEATURES * ROWS);
        assert_values(s, d, resident.data.y, dataset->y, ROWS);
        gcr_residency_leave(s->residency, (uint64_t)d, 1);
    }
    assert_int_equal(queue->ledger.up_bytes, 0);
    gcr_queue_close(queue);
}

static void spread(const char *words)
{
    gcr_verdict bridge;
    uint64_t bytes;
    scene s;

    create_run(&s, words, ROWS, rank);
    if (rank_count == 1) {
        assert_int_equal(s.run->spread.count, 0);
        assert_string_equal(gcr_run_spread(s.run), "");
        end_run(&s);
        return;
    }
    bytes = DATASETS * VALUES * value_bytes(&s);
    assert_int_equal(s.run->spread.count, DATASETS);
    assert_int_equal(s.run->spread.bytes, bytes);
    open_residency(&s);
    assert_ok(gcr_spread_run(&bridge, s.run, s.residency));
    assert_int_equal(bridge.status, GCR_OK);
    assert_false(gcr_run_spread_has_failed(s.run));
    assert_all_there(&s);
    {
        const gcr_ledger *ledger = &s.run->devices[0].device->ledger;

        assert_in_range(ledger->up_bytes, bytes / (uint64_t)rank_count - 8192,
                        bytes / (uint64_t)rank_count + 8192);
        assert_int_equal(ledger->up_bytes + ledger->spread_bytes, bytes);
        assert_int_equal(sum_of_ranks(ledger->up_bytes), bytes);
        assert_int_equal(ledger->received_bytes + ledger->sent_bytes, 0);
    }
    end_run(&s);
}

static void test_all_have_all_values_and_each_uploads_a_part(void **state)
{
    (void)state;
    spread(", schedule: cyclic");
}

static void test_floats_are_spread_as_floats(void **state)
{
    (void)state;
    spread(", schedule: cyclic, precision: single");
}

/* ---- whole runs ------------------------------------------------------------------------------ */

static double mean_of_y(const gcr_dataset *dataset)
{
    double sum = 0;

    for (int64_t i = 0; i < dataset->rows; i++)
        sum += dataset->y[i];
    return sum / (double)dataset->rows;
}

static void assert_results(const scene *s)
{
    for (uint64_t d = 0; d < DATASETS && rank == 0; d++) {
        const double mean = mean_of_y(&s->datasets.items[d]);
        gcr_row row;

        assert_ok(gcr_run_row(&row, s->run, d));
        for (int p = 0; p < POINTS; p++)
            assert_near(row.values[0][p], (-3 + 8.0 * p / (POINTS - 1)) * mean, 1e-9);
        gcr_row_clear(&row);
    }
}

/* The bytes that went up on all ranks, of a run that has ended well whatever happened on the
 * way. */
static uint64_t execute(scene *s)
{
    uint64_t up;

    assert_ok(gcr_run_execute(s->run));
    assert_int_equal(gcr_run_ending_of(s->run), GCR_RUN_COMPLETE);
    assert_results(s);
    up = sum_of_ranks(s->run->devices[0].device->ledger.up_bytes);
    return up;
}

static uint64_t spread_by_all(const scene *s)
{
    return sum_of_ranks(s->run->devices[0].device->ledger.spread_bytes);
}

static const uint64_t distinct = (uint64_t)DATASETS * VALUES * sizeof(double);

static void test_a_run_uploads_each_byte_once_in_all(void **state)
{
    scene s;

    (void)state;
    create_run(&s, ", schedule: cyclic", ROWS, rank);
    assert_int_equal(gcr_run_device_plan(s.run, 0)->up_bytes, distinct / (uint64_t)rank_count);
    assert_int_equal(execute(&s), distinct);
    assert_int_equal(spread_by_all(&s), distinct * (uint64_t)(rank_count - 1));
    if (rank_count > 1)
        assert_string_equal(gcr_run_spread(s.run),
                            "3 datasets, 6.9 MiB, from GPU to GPU by NCCL 2.28.9; each GPU "
                            "uploads a part");
    assert_int_equal(fake_nccl.aborts, 0);
    end_run(&s);
}

/* Two ranks begin with a dataset, or one does. */
static void test_what_one_rank_begins_with_is_its_own(void **state)
{
    scene s;

    (void)state;
    create_run(&s, ", schedule: static", ROWS, rank);
    if (rank_count == DATASETS) {
        assert_int_equal(s.run->spread.count, 0);
        assert_int_equal(gcr_run_device_plan(s.run, 0)->up_bytes, distinct / DATASETS);
        assert_int_equal(execute(&s), distinct);
        assert_int_equal(fake_nccl.broadcasts, 0);
    }
    end_run(&s);
}

static void test_small_datasets_go_up_by_themselves(void **state)
{
    scene s;

    (void)state;
    create_run(&s, ", schedule: cyclic", 1000, rank);
    assert_int_equal(s.run->spread.count, 0);
    assert_string_equal(gcr_run_spread(s.run), "");
    assert_int_equal(execute(&s),
                     DATASETS * 1000 * (FEATURES + 1) * sizeof(double) * (uint64_t)rank_count);
    assert_int_equal(fake_nccl.broadcasts, 0);
    end_run(&s);
}

static void test_ranks_that_share_a_gpu_upload_for_themselves(void **state)
{
    scene s;

    (void)state;
    create_run(&s, ", schedule: cyclic", ROWS, 7);
    assert_null(s.run->bridge);
    assert_string_equal(gcr_run_spread(s.run), "");
    assert_int_equal(execute(&s), distinct * (uint64_t)rank_count);
    end_run(&s);
}

/* ---- what fails ------------------------------------------------------------------------------ */

static void assert_off(const scene *s, const char *why)
{
    if (strstr(gcr_run_spread(s->run), "off: each GPU uploads its datasets (") == NULL ||
        strstr(gcr_run_spread(s->run), why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", gcr_run_spread(s->run), why);
}

/* While the run began. */
static void assert_failed(const scene *s, const char *why)
{
    assert_true(gcr_run_spread_has_failed(s->run));
    assert_off(s, why);
}

/* The bridge has not been touched: results go by it. */
static void test_a_rank_without_memory_lets_all_upload_for_themselves(void **state)
{
    scene s;

    (void)state;
    create_run(&s, ", schedule: cyclic", ROWS, rank);
    if (rank == rank_count - 1 && rank_count > 1)
        fake_cuda_let_fail("cudaMallocFromPoolAsync", 2, cudaErrorMemoryAllocation);
    assert_true(execute(&s) >= distinct * (uint64_t)rank_count);
    if (rank_count > 1) {
        assert_failed(&s, "out of memory");
        assert_non_null(s.run->bridge);
        assert_true(rank > 0 || s.run->ledger.received_bytes > 0);
        assert_int_equal(fake_nccl.aborts, 0);
    }
    assert_int_equal(spread_by_all(&s), 0);
    end_run(&s);
}

/* Whichever call it is, nobody waits for ever and the hosts pass what there is to pass. */
static void test_a_bridge_that_breaks_lets_all_upload_for_themselves(void **state)
{
    static const char *const calls[] = { "ncclBroadcast", "ncclCommGetAsyncError" };

    (void)state;
    for (size_t c = 0; c < sizeof calls / sizeof calls[0] && rank_count > 1; c++) {
        scene s;

        create_run(&s, ", schedule: cyclic", ROWS, rank);
        if (rank == 1) {
            fake_nccl_let_fail(calls[c], 2, ncclSystemError);
        }
        (void)execute(&s);
        assert_failed(&s, ": NCCL cannot ");
        assert_null(s.run->bridge);
        assert_non_null(strstr(gcr_run_gather(s.run), "mpi; nccl: off (rank "));
        assert_int_equal(fake_nccl.aborts, 1);
        end_run(&s);
    }
}

/* It is with the others when its communicator finds that something has failed. */
static void test_an_error_that_comes_while_all_wait_is_told(void **state)
{
    scene s;

    (void)state;
    create_run(&s, ", schedule: cyclic", ROWS, rank);
    if (rank == 0 && rank_count > 1) {
        fake_nccl.async_nth = fake_nccl.looks + 12;
        fake_nccl.async_code = ncclRemoteError;
    }
    (void)execute(&s);
    if (rank_count > 1) {
        assert_failed(&s, "remote process exited or there was a network error");
        assert_null(s.run->bridge);
    }
    end_run(&s);
}

/* The same bridge with another limit of time. */
static void reopen_bridge(scene *s, double seconds)
{
    gcr_device *device = s->run->devices[0].device;
    gcr_bridge_spec spec = { .rank = rank, .size = rank_count, .seconds = seconds };

    gcr_bridge_close(s->run->bridge);
    if (rank == 0)
        assert_ok(gcr_bridge_make_id(&spec.id, device));
    assert_ok(gcr_comm_broadcast(ranks, &spec.id, sizeof spec.id, 0));
    assert_ok(gcr_bridge_open(&s->run->bridge, device, &spec));
}

/* One is at it for ever. */
static void test_a_rank_that_does_not_come_is_not_waited_for(void **state)
{
    double begin;
    scene s;

    (void)state;
    create_run(&s, ", schedule: cyclic", ROWS, rank);
    if (rank_count > 1) {
        reopen_bridge(&s, 0.5);
        fake_nccl.group_looks = rank == 1 ? -1 : 0;
        begin = gcr_clock_seconds();
        assert_int_equal(execute(&s), distinct * (uint64_t)(rank_count + 1));
        assert_true(gcr_clock_seconds() - begin < 10);
        assert_failed(&s, ": NCCL c");
        assert_null(s.run->bridge);
    }
    end_run(&s);
}

/* ---- by the clock ---------------------------------------------------------------------------- */

static gcr_verdict decide_as(scene *s, gcr_gather_form asked, uint64_t bytes_least)
{
    gcr_verdict bridge;

    gcr_spread_clear(&s->run->spread);
    s->job.gather = asked;
    assert_ok(gcr_spread_decide(&bridge, s->run, bytes_least));
    return bridge;
}

/* As if the job left it open, and there was so much to be spread that it is worth trying. */
static gcr_verdict decide(scene *s, uint64_t bytes_least)
{
    return decide_as(s, GCR_GATHER_AUTO, bytes_least);
}

static void test_left_to_itself_a_run_asks_the_clock(void **state)
{
    gcr_verdict bridge;
    scene s;

    (void)state;
    create_run(&s, ", schedule: cyclic", ROWS, rank);
    if (rank_count > 1) {
        bridge = decide(&s, much);
        assert_string_equal(gcr_run_spread(s.run), "");
        assert_int_equal(fake_nccl.broadcasts, 0);
        bridge = decide(&s, 1);
        assert_int_equal(bridge.status, GCR_OK);
        assert_non_null(strstr(gcr_run_spread(s.run), "/s by uploads alone"));
        assert_int_equal(fake_nccl.broadcasts, 3 * rank_count);
        assert_int_equal(s.run->devices[0].device->ledger.up_bytes, 0);
    }
    end_run(&s);
}

static void test_what_fails_while_it_is_timed_is_told_and_lets_all_upload(void **state)
{
    gcr_verdict bridge;
    scene s;

    (void)state;
    create_run(&s, ", schedule: cyclic", ROWS, rank);
    if (rank_count > 1) {
        if (rank == 1)
            fake_cuda_let_fail("cudaHostAlloc", 2, cudaErrorMemoryAllocation);
        bridge = decide(&s, 1);
        assert_int_equal(bridge.status, GCR_OK);
        assert_int_equal(s.run->spread.count, 0);
        assert_off(&s, "out of memory");
        fake_nccl_let_fail(rank == 1 ? "ncclBroadcast" : NULL, rank_count, ncclSystemError);
        bridge = decide(&s, 1);
        assert_non_null(strstr(bridge.why, ": NCCL cannot "));
        assert_int_equal(s.run->spread.count, 0);
        assert_off(&s, ": NCCL cannot ");
    }
    end_run(&s);
}

/* ---- ranks that would not do the same -------------------------------------------------------- */

/* As of another build, or a GPU that makes other datasets by itself: as many bytes in all. */
static void swap_rows(scene *s, int one, int other)
{
    gcr_dataset *items = s->datasets.items;
    const int64_t rows = items[one].rows;

    items[one].rows = items[other].rows;
    items[other].rows = rows;
}

static void test_ranks_that_would_spread_other_datasets_do_not(void **state)
{
    static const gcr_gather_form asked[] = { GCR_GATHER_NCCL, GCR_GATHER_AUTO };
    scene s;

    (void)state;
    create_run(&s, ", schedule: cyclic", ROWS, rank);
    s.datasets.items[0].rows -= 7;
    if (rank_count > 1)
        assert_int_equal(decide_as(&s, GCR_GATHER_NCCL, 1).status, GCR_OK);
    assert_int_equal(s.run->spread.count, rank_count > 1 ? DATASETS : 0);
    if (rank == 1)
        swap_rows(&s, 0, 1);
    for (size_t a = 0; a < sizeof asked / sizeof asked[0] && rank_count > 1; a++) {
        assert_int_equal(decide_as(&s, asked[a], 1).status, GCR_OK);
        assert_int_equal(s.run->spread.count, 0);
        assert_off(&s, "(rank 1 would spread other datasets than rank 0)");
    }
    assert_int_equal(fake_nccl.broadcasts, 0);
    end_run(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_all_have_all_values_and_each_uploads_a_part),
        RANK_TEST(test_floats_are_spread_as_floats),
        RANK_TEST(test_a_run_uploads_each_byte_once_in_all),
        RANK_TEST(test_what_one_rank_begins_with_is_its_own),
        RANK_TEST(test_small_datasets_go_up_by_themselves),
        RANK_TEST(test_ranks_that_share_a_gpu_upload_for_themselves),
        RANK_TEST(test_a_rank_without_memory_lets_all_upload_for_themselves),
        RANK_TEST(test_a_bridge_that_breaks_lets_all_upload_for_themselves),
        RANK_TEST(test_an_error_that_comes_while_all_wait_is_told),
        RANK_TEST(test_a_rank_that_does_not_come_is_not_waited_for),
        RANK_TEST(test_left_to_itself_a_run_asks_the_clock),
        RANK_TEST(test_what_fails_while_it_is_timed_is_told_and_lets_all_upload),
        RANK_TEST(test_ranks_that_would_spread_other_datasets_do_not),
    };

    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
