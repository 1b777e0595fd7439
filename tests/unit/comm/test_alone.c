/* One rank: it is the leader of the only node, agrees with itself and gets what it sends itself. */
#include "support/gcr_test.h"

#include "comm/comm.h"

#include "base/check.h"
#include "base/memory.h"

#include <unistd.h>

static gcr_comm *open_alone(void)
{
    gcr_comm *comm = NULL;

    assert_ok(gcr_comm_open_alone(&comm));
    return comm;
}

static void test_the_only_rank_leads_the_only_node(void **state)
{
    gcr_comm *comm = open_alone();
    const gcr_comm_info *info = gcr_comm_info_of(comm);

    (void)state;
    assert_int_equal(info->rank, 0);
    assert_int_equal(info->size, 1);
    assert_int_equal(info->node_count, 1);
    assert_int_equal(info->node_rank, 0);
    assert_int_equal(info->node_size, 1);
    assert_int_equal(info->leaders[0], 0);
    assert_int_equal(info->ranks[0].pid, getpid());
    assert_null(info->library);
    gcr_comm_close(comm);
}

static gcr_status fail_with(gcr_status code)
{
    gcr_status status = GCR_OK;

    GCR_FAIL(code, "the disk is full");
out:
    return status;
}

static void test_the_sentence_of_the_only_rank_stays_as_it_is(void **state)
{
    gcr_comm *comm = open_alone();

    (void)state;
    assert_ok(gcr_comm_agree(comm, GCR_OK));
    assert_status(gcr_comm_agree(comm, fail_with(GCR_EIO)), GCR_EIO);
    assert_string_equal(gcr_last_error(), "the disk is full");
    gcr_comm_close(comm);
}

static void test_collectives_of_one_rank_give_back_what_it_has(void **state)
{
    gcr_comm *comm = open_alone();
    int mine = 7, all = 0, *copy;

    (void)state;
    assert_ok(gcr_comm_broadcast(comm, &mine, sizeof mine, 0));
    assert_int_equal(mine, 7);
    assert_ok(gcr_comm_gather_all(comm, &mine, sizeof mine, &all));
    assert_int_equal(all, 7);
    assert_ok(gcr_comm_gather_all(comm, NULL, 0, NULL));
    assert_ok(gcr_comm_gather_new((void **)&copy, comm, &mine, sizeof mine, "numbers"));
    assert_int_equal(*copy, 7);
    gcr_memory_destroy(copy);
    gcr_comm_close(comm);
}

static void test_messages_to_oneself_arrive_in_order(void **state)
{
    gcr_comm *comm = open_alone();
    gcr_message message;
    int found, is_sent, word = 3;

    (void)state;
    assert_ok(gcr_comm_look(&message, &found, comm));
    assert_false(found);
    for (int i = 0; i < 5; i++) {
        gcr_send *send = NULL;

        word = i * i;
        assert_ok(gcr_comm_send(&send, comm, 0, i, &word, i == 3 ? 0 : sizeof word));
        assert_non_null(send);
        assert_ok(gcr_comm_is_sent(&is_sent, comm, &send));
        assert_true(is_sent);
        assert_null(send);
    }
    for (int i = 0; i < 4; i++) { /* the fifth is dropped when it is closed */
        assert_ok(gcr_comm_look(&message, &found, comm));
        assert_true(found);
        assert_int_equal(message.from, 0);
        assert_int_equal(message.tag, i);
        assert_int_equal(message.count, i == 3 ? 0 : sizeof word);
        if (i != 3)
            assert_int_equal(*(const int *)message.bytes, i * i);
    }
    gcr_comm_close(comm);
}

static void test_a_message_to_nobody_is_refused(void **state)
{
    gcr_comm *comm = open_alone();
    gcr_send *send = NULL;

    (void)state;
    assert_status(gcr_comm_send(&send, comm, 1, 0, "", 0), GCR_EINVAL);
    assert_status(gcr_comm_send(&send, comm, 0, GCR_TAG_MAX + 1, "", 0), GCR_EINVAL);
    assert_null(send);
    gcr_comm_close(comm);
}

static void test_memory_of_a_node_of_one_rank_is_zeroed(void **state)
{
    gcr_comm *comm = open_alone();
    gcr_shared shared, none;
    const unsigned char *bytes;

    (void)state;
    assert_ok(gcr_comm_share(&shared, comm, 100000, 1, "a block"));
    assert_ok(gcr_comm_share(&none, comm, 0, 0, "nothing"));
    bytes = shared.base;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(shared.bytes, 100000);
    assert_null(none.base);
    gcr_shared_clear(&none);
    gcr_shared_clear(&shared);
    gcr_shared_clear(&shared);
    gcr_comm_close(comm);
}

static void test_ranks_that_are_not_there_or_twice_are_refused(void **state)
{
    gcr_comm *comm = open_alone(), *part = NULL;

    (void)state;
    assert_status(gcr_comm_select(&part, comm, (const int[]){ 1 }, 1), GCR_EINVAL);
    assert_error_mentions("there is no rank 1");
    assert_status(gcr_comm_select(&part, comm, (const int[]){ 0, 0 }, 2), GCR_EINVAL);
    assert_error_mentions("rank 0 is selected twice");
    assert_status(gcr_comm_select(&part, comm, NULL, 0), GCR_EINVAL);
    assert_null(part);
    assert_ok(gcr_comm_select(&part, comm, (const int[]){ 0 }, 1));
    assert_int_equal(gcr_comm_info_of(part)->size, 1);
    gcr_comm_close(part);
    gcr_comm_close(comm);
}

static void test_a_comm_breaks_without_a_node_to_blame_too(void **state)
{
    gcr_comm *comm = open_alone();

    (void)state;
    assert_ok(gcr_comm_meet(comm));
    gcr_comm_break(comm, "messages fail");
    assert_status(gcr_comm_meet(comm), GCR_EDEVICE);
    assert_string_equal(gcr_last_error(), "messages fail");
    gcr_comm_close(comm);
}

static void test_a_comm_that_is_broken_fails_with_the_sentence_of_the_loss(void **state)
{
    gcr_comm *comm = open_alone(), *selected = NULL;
    const int ranks[] = { 0 };
    int mine = 7, all = 0, *copy;
    gcr_send *send;

    (void)state;
    assert_ok(gcr_comm_select(&selected, comm, ranks, 1));
    assert_ok(gcr_comm_check(comm));
    assert_false(gcr_comm_is_broken(comm));
    gcr_comm_lose_node(selected, 0, "the first is gone");
    gcr_comm_lose_node(selected, 0, "the second is gone");
    assert_true(gcr_comm_is_broken(comm) && gcr_comm_is_broken(selected));
    assert_status(gcr_comm_check(comm), GCR_EDEVICE);
    assert_string_equal(gcr_last_error(), "the first is gone");
    assert_status(gcr_comm_agree(selected, GCR_OK), GCR_EDEVICE);
    assert_status(gcr_comm_agree(selected, fail_with(GCR_EIO)), GCR_EIO);
    assert_string_equal(gcr_last_error(), "the disk is full");
    assert_status(gcr_comm_broadcast(selected, &mine, sizeof mine, 0), GCR_EDEVICE);
    assert_status(gcr_comm_gather_all(comm, &mine, sizeof mine, &all), GCR_EDEVICE);
    assert_status(gcr_comm_gather_new((void **)&copy, comm, &mine, sizeof mine, "numbers"),
                  GCR_EDEVICE);
    assert_null(copy);
    assert_status(gcr_comm_send(&send, selected, 0, 1, &mine, sizeof mine), GCR_EDEVICE);
    gcr_comm_close(selected);
    gcr_comm_close(comm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_only_rank_leads_the_only_node),
        cmocka_unit_test(test_the_sentence_of_the_only_rank_stays_as_it_is),
        cmocka_unit_test(test_collectives_of_one_rank_give_back_what_it_has),
        cmocka_unit_test(test_messages_to_oneself_arrive_in_order),
        cmocka_unit_test(test_a_message_to_nobody_is_refused),
        cmocka_unit_test(test_memory_of_a_node_of_one_rank_is_zeroed),
        cmocka_unit_test(test_ranks_that_are_not_there_or_twice_are_refused),
        cmocka_unit_test(test_a_comm_breaks_without_a_node_to_blame_too),
        cmocka_unit_test(test_a_comm_that_is_broken_fails_with_the_sentence_of_the_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
