/*
 * Ranks without GPUs time what messages between nodes take, and messages fail; started by mpirun as
 * several nodes, linked with --wrap of what sends and looks.
 */
#include "exec/gather_way.h"
#include "support/ranks.h"

#include "base/check.h"
#include "base/clock.h"

static const double seconds = 0.5; /* for which ranks wait for each other */

/* What goes wrong on this rank. */
static struct {
    int fails_to_send, fails_to_look, is_silent;
    int tag_shift;
    uint64_t fewer_bytes;
} wrong;

gcr_status __real_gcr_comm_send(gcr_send **out, gcr_comm *comm, int to, int tag, const void *bytes,
                                uint64_t count);
gcr_status __wrap_gcr_comm_send(gcr_send **out, gcr_comm *comm, int to, int tag, const void *bytes,
                                uint64_t count);
gcr_status __real_gcr_comm_look(gcr_message *out, int *found, gcr_comm *comm);
gcr_status __wrap_gcr_comm_look(gcr_message *out, int *found, gcr_comm *comm);

gcr_status __wrap_gcr_comm_send(gcr_send **out, gcr_comm *comm, int to, int tag, const void *bytes,
                                uint64_t count)
{
    gcr_status status = GCR_OK;

    *out = NULL;
    if (wrong.fails_to_send)
        GCR_FAIL(GCR_EIO, "rank %d sends nothing today", rank);
    if (wrong.is_silent)
        goto out; /* as if it had been sent */
    status = __real_gcr_comm_send(out, comm, to, tag + wrong.tag_shift, bytes,
                                  count - wrong.fewer_bytes);
out:
    return status;
}

gcr_status __wrap_gcr_comm_look(gcr_message *out, int *found, gcr_comm *comm)
{
    gcr_status status = GCR_OK;

    if (wrong.fails_to_look)
        GCR_FAIL(GCR_EIO, "rank %d sees nothing today", rank);
    status = __real_gcr_comm_look(out, found, comm);
out:
    return status;
}

static gcr_status choose(gcr_gather_way *way, uint64_t bytes)
{
    const gcr_gather_way_spec spec = { .bytes = bytes, .seconds = seconds };
    gcr_bridge *bridge = NULL;
    const gcr_status status = gcr_gather_choose(way, &bridge, ranks, &spec);

    assert_null(bridge);
    return status;
}

static const uint64_t much = (uint64_t)1 << 30;

static void test_messages_are_timed(void **state)
{
    gcr_gather_way way;

    (void)state;
    assert_ok(choose(&way, much));
    assert_int_equal(way.way, GCR_GATHER_MPI);
    assert_true(way.bytes_per_second > 0);
    assert_ok(choose(&way, 1));
    assert_true(way.bytes_per_second == 0);
}

/* All ranks fail, soon, and for the same reason; what was sent and not taken does no harm. */
static void assert_all_fail(int failing, gcr_status expected, const char *why)
{
    const double begin = gcr_clock_seconds();
    gcr_gather_way way;

    if (rank != failing)
        memset(&wrong, 0, sizeof wrong);
    assert_int_equal(choose(&way, much), expected);
    memset(&wrong, 0, sizeof wrong);
    assert_string_equal(gcr_last_error(), why);
    assert_true(gcr_clock_seconds() - begin < 20 * seconds);
    while (gcr_comm_info_of(ranks)->rank == 0 && failing == 0) {
        gcr_message message;
        int found;

        assert_ok(gcr_comm_look(&message, &found, ranks));
        if (!found && gcr_clock_seconds() - begin > 3 * seconds)
            break;
    }
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
}

static void test_a_leader_that_cannot_send_fails_all(void **state)
{
    (void)state;
    wrong.fails_to_send = 1;
    assert_all_fail(1, GCR_EIO, "rank 1 sends nothing today");
}

static void test_a_first_rank_that_cannot_look_fails_all(void **state)
{
    (void)state;
    wrong.fails_to_look = 1;
    assert_all_fail(0, GCR_EIO, "rank 0 sees nothing today");
}

static void test_a_message_that_never_comes_is_not_waited_for(void **state)
{
    (void)state;
    wrong.is_silent = 1;
    assert_all_fail(1, GCR_ETIMEOUT,
                    "of 2 nodes 1 have sent nothing in 0.5 s while messages were timed");
}

static void test_a_message_of_something_else_is_not_taken(void **state)
{
    (void)state;
    wrong.fewer_bytes = 8;
    assert_all_fail(1, GCR_EIO,
                    "rank 1 sends a message 6 of 8388600 bytes while messages of 8388608 bytes "
                    "are timed");
    wrong.tag_shift = 1;
    assert_all_fail(1, GCR_EIO,
                    "rank 1 sends a message 7 of 8388608 bytes while messages of 8388608 bytes "
                    "are timed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_messages_are_timed),
        RANK_TEST(test_a_leader_that_cannot_send_fails_all),
        RANK_TEST(test_a_first_rank_that_cannot_look_fails_all),
        RANK_TEST(test_a_message_that_never_comes_is_not_waited_for),
        RANK_TEST(test_a_message_of_something_else_is_not_taken),
    };

    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
