/* Ranks of two nodes, in turn (tests/support/as_nodes 2): who leads, and what stays on a node. */
#include "support/ranks.h"

#include "comm/comm.h"

static int my_node(void)
{
    return rank % 2;
}

static void test_nodes_are_told_by_their_names(void **state)
{
    const gcr_comm_info *info = gcr_comm_info_of(ranks);

    (void)state;
    assert_int_equal(info->node_count, 2);
    assert_int_equal(info->node, my_node());
    assert_int_equal(info->node_rank, rank / 2);
    assert_int_equal(info->node_size, (rank_count + 1 - my_node()) / 2);
    assert_int_equal(info->leaders[0], 0);
    assert_int_equal(info->leaders[1], 1);
    for (int r = 0; r < rank_count; r++) {
        assert_string_equal(info->ranks[r].host, r % 2 == 0 ? "node0" : "node1");
        assert_int_equal(info->ranks[r].node, r % 2);
        assert_int_equal(info->ranks[r].node_rank, r / 2);
    }
}

/* Sizes may differ from node to node; one of them may need none. */
static void test_each_node_has_memory_of_its_own(void **state)
{
    const uint64_t sizes[][2] = { { 8192, 8192 }, { 4096, 100000 }, { 4096, 0 } };

    (void)state;
    for (int s = 0; s < 3; s++) {
        const uint64_t bytes = sizes[s][my_node()];
        gcr_shared shared;

        assert_ok(gcr_comm_share(&shared, ranks, bytes, 1, "a test"));
        assert_int_equal(shared.base == NULL, bytes == 0);
        if (bytes > 0)
            ((char *)shared.base)[rank] = (char)(10 + rank);
        assert_ok(gcr_comm_agree(ranks, GCR_OK));
        for (int r = 0; r < rank_count && bytes > 0; r++)
            assert_int_equal(((char *)shared.base)[r], r % 2 == my_node() ? 10 + r : 0);
        gcr_shared_clear(&shared);
    }
}

static void test_a_node_without_room_is_the_failure_of_all(void **state)
{
    const uint64_t bytes = my_node() == 1 ? UINT64_C(1) << 50 : 4096;
    gcr_shared shared;

    (void)state;
    assert_status(gcr_comm_share(&shared, ranks, bytes, 1, "the slots"), GCR_ENOMEM);
    assert_error_mentions("rank 1 on node1: no memory for the slots: 1.0 PiB are needed");
    assert_null(shared.base);
}

static void test_a_part_of_the_ranks_has_nodes_of_its_own(void **state)
{
    const int of_second[] = { 3, 1 };
    gcr_comm *part = NULL;

    (void)state;
    assert_ok(gcr_comm_select(&part, ranks, of_second, 2));
    if (part != NULL) {
        const gcr_comm_info *info = gcr_comm_info_of(part);

        assert_int_equal(info->node_count, 1);
        assert_int_equal(info->leaders[0], 0);
        assert_int_equal(info->node_rank, rank == 3 ? 0 : 1);
        assert_string_equal(info->ranks[0].host, "node1");
    }
    gcr_comm_close(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_nodes_are_told_by_their_names),
        RANK_TEST(test_each_node_has_memory_of_its_own),
        RANK_TEST(test_a_node_without_room_is_the_failure_of_all),
        RANK_TEST(test_a_part_of_the_ranks_has_nodes_of_its_own),
    };

    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
