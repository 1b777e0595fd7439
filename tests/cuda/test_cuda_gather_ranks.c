/* Ranks try both ways that results can go, each with a GPU of the stand-in's; started by mpirun. */
#include "cuda/cuda_backend.h" /* first: kernel.h has a `rank` of its own */

#include "exec/gather_way.h"
#include "support/fake_cuda.h"
#include "support/fake_nccl.h"
#include "support/ranks.h"

#include <stdlib.h>

static gcr_device *device;
static double seconds = 20; /* for which ranks wait for each other */

static void open_gpu(int first_gpu)
{
    fake_cuda_reset();
    fake_nccl_reset();
    fake_cuda.first_gpu = first_gpu;
    assert_ok(gcr_cuda_device_open(&device, 0));
    atomic_flag_clear(&device->ledger_busy);
}

/* Nothing left, no rule broken, on no rank. */
static void close_gpu(void)
{
    gcr_device_close(device);
    device = NULL;
    if (fake_cuda.broken != NULL)
        fail_msg("%s", fake_cuda.broken);
    assert_int_equal(fake_nccl.live, 0);
    assert_int_equal(fake_cuda.live, 0);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
}

static gcr_gather_way choose(gcr_gather_form asked, gcr_bridge **bridge)
{
    const gcr_gather_way_spec spec = { .asked = asked,
                                       .devices = &device,
                                       .device_count = 1,
                                       .bytes = (uint64_t)1 << 30,
                                       .seconds = seconds };
    gcr_gather_way way, *all = calloc((size_t)rank_count, sizeof *all);

    assert_non_null(all);
    assert_ok(gcr_gather_choose(&way, bridge, ranks, &spec));
    assert_ok(gcr_comm_gather_all(ranks, &way, sizeof way, all));
    for (int r = 0; r < rank_count; r++)
        assert_memory_equal(&all[r], &way, sizeof way);
    free(all);
    return way;
}

static void test_gpus_of_their_own_are_bridged_where_the_job_asks_for_it(void **state)
{
    gcr_bridge *bridge;
    gcr_gather_way way;

    (void)state;
    open_gpu(rank);
    way = choose(GCR_GATHER_NCCL, &bridge);
    if (rank_count == 1) {
        assert_string_equal(way.text, "none: one rank has all results");
        assert_null(bridge);
    } else {
        assert_int_equal(way.way, GCR_GATHER_NCCL);
        assert_true(way.bytes_per_second > 0);
        assert_int_equal(bridge->size, rank_count);
        assert_non_null(strstr(way.text, ", from GPU to GPU by NCCL 2."));
        assert_ok(gcr_bridge_check(bridge));
    }
    gcr_bridge_close(bridge);
    assert_int_equal(fake_nccl.aborts, 0);
    close_gpu();
}

/* One node: nobody opens anything, as all write where results belong. */
static void test_left_to_itself_a_node_opens_no_library(void **state)
{
    gcr_bridge *bridge;
    gcr_gather_way way;

    (void)state;
    open_gpu(rank);
    way = choose(GCR_GATHER_AUTO, &bridge);
    assert_int_equal(way.way, GCR_GATHER_MPI);
    assert_null(bridge);
    assert_int_equal(fake_nccl.inits, 0);
    close_gpu();
}

static void assert_off(const char *why)
{
    gcr_bridge *bridge;
    const gcr_gather_way way = choose(GCR_GATHER_NCCL, &bridge);

    assert_null(bridge);
    assert_int_equal(way.way, GCR_GATHER_MPI);
    if (rank_count > 1 && strstr(way.text, why) == NULL)
        fail_msg("\"%s\" does not mention \"%s\"", way.text, why);
    close_gpu();
}

static void test_two_ranks_on_one_gpu_fall_back_with_a_note(void **state)
{
    (void)state;
    open_gpu(rank < 2 ? 7 : rank);
    assert_off("nccl: off (ranks 0 and 1 share GPU-07000000-0000-0000-0000-000000000000 of ");
}

static void test_a_rank_without_the_library_is_named(void **state)
{
    (void)state;
    open_gpu(rank);
    fake_nccl.is_missing = rank == rank_count - 1;
    assert_off("NCCL is not found)");
}

/* Whatever one rank meets, all leave together and fall back. */
static void test_what_fails_on_one_rank_is_told_by_all(void **state)
{
    static const char *const calls[] = { "ncclGetUniqueId",
                                         "ncclCommInitRankConfig",
                                         "ncclCommGetAsyncError",
                                         "ncclGroupStart",
                                         "ncclSend",
                                         "ncclRecv" };

    (void)state;
    seconds = 1;
    for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
        const int is_of_root =
            strcmp(calls[c], "ncclGetUniqueId") == 0 || strcmp(calls[c], "ncclRecv") == 0;

        open_gpu(rank);
        if (rank == (is_of_root ? 0 : rank_count - 1)) {
            fake_nccl_let_fail(calls[c], 1, ncclSystemError);
        }
        assert_off(c == 0 ? "finds no address" : "NCCL cannot ");
    }
    seconds = 20;
}

static void test_an_error_that_comes_while_it_is_tried_is_told(void **state)
{
    (void)state;
    open_gpu(rank);
    if (rank == 0) {
        fake_nccl.async_nth = 5;
        fake_nccl.async_code = ncclRemoteError;
    }
    assert_off("remote process exited or there was a network error");
}

static void test_a_rank_without_memory_for_a_trial_is_told(void **state)
{
    (void)state;
    open_gpu(rank);
    if (rank == rank_count - 1) {
        fake_cuda_let_fail("cudaHostAlloc", 1, cudaErrorMemoryAllocation);
    }
    assert_off("out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_gpus_of_their_own_are_bridged_where_the_job_asks_for_it),
        RANK_TEST(test_left_to_itself_a_node_opens_no_library),
        RANK_TEST(test_two_ranks_on_one_gpu_fall_back_with_a_note),
        RANK_TEST(test_a_rank_without_the_library_is_named),
        RANK_TEST(test_what_fails_on_one_rank_is_told_by_all),
        RANK_TEST(test_an_error_that_comes_while_it_is_tried_is_told),
        RANK_TEST(test_a_rank_without_memory_for_a_trial_is_told),
    };

    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
