/* tests/unit/exec/test_gather_way.c -- which way results go, from what ranks say of themselves. */
#include "support/gcr_test.h"

#include "exec/gather_way.h"

#include <stdio.h>

enum { RANKS = 4 };

static const uint64_t much = (uint64_t)1 << 30, little = 1 << 20;

/* Two nodes of two ranks, each with a GPU. */
static gcr_rank places[RANKS];
static gcr_gather_rank ranks[RANKS];
static gcr_comm_info comm;

static gcr_gather_facts facts_of(gcr_gather_form asked, uint64_t bytes)
{
    comm = (gcr_comm_info){ .size = RANKS, .node_count = 2, .ranks = places };
    for (int r = 0; r < RANKS; r++) {
        places[r] = (gcr_rank){ .node = r / 2, .node_rank = r % 2 };
        snprintf(places[r].host, sizeof places[r].host, "node%d", r / 2);
        ranks[r] = (gcr_gather_rank){ .device_count = 1, .name = "NCCL 2.28.9" };
        snprintf(ranks[r].uuid, sizeof ranks[r].uuid, "GPU-%d", r);
    }
    return (gcr_gather_facts){ .asked = asked, .comm = &comm, .ranks = ranks, .bytes = bytes };
}

static void assert_way(const gcr_gather_facts *facts, const gcr_gather_trial *trial,
                       gcr_gather_form way, double rate, const char *text)
{
    gcr_gather_way out;

    gcr_gather_decide(&out, facts, trial);
    assert_string_equal(out.text, text);
    assert_int_equal(out.way, way);
    assert_near(out.bytes_per_second, rate, 0);
}

/* Without a trial, as nothing was to be tried. */
static void assert_off(const gcr_gather_facts *facts, const char *why)
{
    const gcr_gather_trial nothing = { 0 };
    char said[GCR_GATHER_WHY_BYTES], text[GCR_GATHER_TEXT_BYTES];

    assert_false(gcr_gather_may_bridge(said, facts));
    assert_string_equal(said, why);
    snprintf(text, sizeof text, "mpi; nccl: off (%s)", why);
    assert_way(facts, &nothing, GCR_GATHER_MPI, 0, text);
}

static const gcr_gather_trial fast_bridge = { .has_bridge = 1, .by_bridge = 24e9, .by_hosts = 3e9 };
static const gcr_gather_trial slow_bridge = { .has_bridge = 1, .by_bridge = 2e9, .by_hosts = 3e9 };

static void test_a_faster_bridge_is_taken(void **state)
{
    gcr_gather_facts facts = facts_of(GCR_GATHER_AUTO, much);
    char why[GCR_GATHER_WHY_BYTES];

    (void)state;
    assert_true(gcr_gather_may_bridge(why, &facts));
    assert_string_equal(why, "");
    assert_way(&facts, &fast_bridge, GCR_GATHER_NCCL, 24e9,
               "nccl, 22.4 GiB/s, from GPU to GPU by NCCL 2.28.9; mpi, 2.8 GiB/s");
}

static void test_a_slower_bridge_is_not_unless_it_is_asked_for(void **state)
{
    gcr_gather_facts facts = facts_of(GCR_GATHER_AUTO, much);

    (void)state;
    assert_way(&facts, &slow_bridge, GCR_GATHER_MPI, 3e9,
               "mpi, 2.8 GiB/s; nccl: off (it is not faster, 1.9 GiB/s)");
    facts.asked = GCR_GATHER_NCCL;
    assert_way(&facts, &slow_bridge, GCR_GATHER_NCCL, 2e9,
               "nccl, 1.9 GiB/s, from GPU to GPU by NCCL 2.28.9; mpi, 2.8 GiB/s");
}

static void test_a_bridge_that_failed_is_told_and_not_taken(void **state)
{
    const gcr_gather_facts facts = facts_of(GCR_GATHER_NCCL, much);
    const gcr_gather_trial failed = { .why = "rank 3 of 4: no way", .by_hosts = 3e9 };

    (void)state;
    assert_way(&facts, &failed, GCR_GATHER_MPI, 3e9,
               "mpi, 2.8 GiB/s; nccl: off (rank 3 of 4: no way)");
}

static void test_who_asks_for_mpi_is_told_nothing_of_the_other(void **state)
{
    const gcr_gather_facts facts = facts_of(GCR_GATHER_MPI, much);
    const gcr_gather_trial trial = { .by_hosts = 3e9 };
    char why[GCR_GATHER_WHY_BYTES];

    (void)state;
    assert_false(gcr_gather_wants_bridge(why, &facts));
    assert_true(gcr_gather_may_time(&facts));
    assert_way(&facts, &trial, GCR_GATHER_MPI, 3e9, "mpi, 2.8 GiB/s");
}

static void test_one_rank_has_nothing_to_gather(void **state)
{
    const gcr_gather_trial nothing = { 0 };
    gcr_gather_facts facts = facts_of(GCR_GATHER_NCCL, much);

    (void)state;
    comm.size = comm.node_count = 1;
    facts.ranks = NULL;
    assert_way(&facts, &nothing, GCR_GATHER_MPI, 0, "none: one rank has all results");
}

static void test_one_node_or_few_results_want_no_bridge(void **state)
{
    gcr_gather_facts facts = facts_of(GCR_GATHER_AUTO, little);

    (void)state;
    facts.ranks = NULL; /* nobody was asked */
    assert_off(&facts, "1.0 MiB of results are soon passed");
    assert_false(gcr_gather_may_time(&facts));
    facts = facts_of(GCR_GATHER_AUTO, much);
    comm.node_count = 1;
    facts.ranks = NULL;
    assert_off(&facts, "all ranks are on one node and write where results belong");
    assert_false(gcr_gather_may_time(&facts));
    facts = facts_of(GCR_GATHER_NCCL, little); /* whoever asks for one gets it */
    comm.node_count = 1;
    assert_way(&facts, &fast_bridge, GCR_GATHER_NCCL, 24e9,
               "nccl, 22.4 GiB/s, from GPU to GPU by NCCL 2.28.9; mpi, 2.8 GiB/s");
}

static void test_two_ranks_on_one_gpu_are_named(void **state)
{
    gcr_gather_facts facts = facts_of(GCR_GATHER_NCCL, much);

    (void)state;
    strcpy(ranks[3].uuid, ranks[2].uuid);
    assert_off(&facts, "ranks 2 and 3 share GPU-2 of node1");
}

static void test_a_rank_that_lacks_something_is_named(void **state)
{
    gcr_gather_facts facts = facts_of(GCR_GATHER_NCCL, much);

    (void)state;
    ranks[1].device_count = 0;
    assert_off(&facts, "rank 1 on node0 computes on no GPU");
    ranks[1].device_count = 2;
    assert_off(&facts, "rank 1 on node0 has 2 GPUs, and NCCL takes one of each rank");
    ranks[1].device_count = 1;
    ranks[1].name[0] = '\0';
    strcpy(ranks[1].why, "there is no libnccl.so.2");
    assert_off(&facts, "rank 1 on node0: there is no libnccl.so.2");
    strcpy(ranks[1].name, "NCCL 2.18.0");
    assert_off(&facts, "rank 1 on node0 has NCCL 2.18.0, and rank 0 has NCCL 2.28.9");
}

/* What other nodes have is passed, whichever way; on one node only who asks for a bridge passes
 * anything. */
static void test_results_of_other_nodes_are_carried(void **state)
{
    (void)state;
    (void)facts_of(GCR_GATHER_AUTO, much);
    for (int r = 0; r < RANKS; r++)
        assert_int_equal(gcr_gather_is_carried(&comm, r), r >= 2);
    assert_int_equal(gcr_gather_carried_count(&comm), 2);
    comm.node_count = 1;
    for (int r = 0; r < RANKS; r++) {
        places[r].node = 0;
        assert_int_equal(gcr_gather_is_carried(&comm, r), r >= 1);
    }
    assert_int_equal(gcr_gather_carried_count(&comm), 3);
}

static void test_more_ranks_than_one_gpu_receives_from_are_too_many(void **state)
{
    gcr_gather_facts facts = facts_of(GCR_GATHER_NCCL, much);

    (void)state;
    comm.size = GCR_BRIDGE_PARTS_MAX + 1;
    assert_off(&facts, "1025 ranks are more than one GPU receives from");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_faster_bridge_is_taken),
        cmocka_unit_test(test_a_slower_bridge_is_not_unless_it_is_asked_for),
        cmocka_unit_test(test_a_bridge_that_failed_is_told_and_not_taken),
        cmocka_unit_test(test_who_asks_for_mpi_is_told_nothing_of_the_other),
        cmocka_unit_test(test_one_rank_has_nothing_to_gather),
        cmocka_unit_test(test_one_node_or_few_results_want_no_bridge),
        cmocka_unit_test(test_two_ranks_on_one_gpu_are_named),
        cmocka_unit_test(test_a_rank_that_lacks_something_is_named),
        cmocka_unit_test(test_results_of_other_nodes_are_carried),
        cmocka_unit_test(test_more_ranks_than_one_gpu_receives_from_are_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
