/* tests/unit/exec/test_map.c -- what is whose on a node: tables of what ranks say, and what each
 * has. */
#include "support/gcr_test.h"

#include "exec/map.h"
#include "exec/topology.h"

#include <stdio.h>

enum { RANKS_MAX = 16 };

/* A node of `sockets` with so many CPUs each; GPU g is at socket g / (gpus / sockets). */
typedef struct machine {
    int sockets, cpus, gpus;
} machine;

static const machine four = { .sockets = 1, .cpus = 16, .gpus = 4 };
static const machine eight = { .sockets = 2, .cpus = 32, .gpus = 8 };

static gcr_map_facts facts[RANKS_MAX];
static const gcr_map_facts *const all[RANKS_MAX] = {
    &facts[0], &facts[1], &facts[2],  &facts[3],  &facts[4],  &facts[5],  &facts[6],  &facts[7],
    &facts[8], &facts[9], &facts[10], &facts[11], &facts[12], &facts[13], &facts[14], &facts[15],
};
static gcr_map_share shares[RANKS_MAX];

static int begin(void **state)
{
    (void)state;
    memset(facts, 0, sizeof facts);
    return 0;
}

static void bind(int rank, int first, int last)
{
    for (int cpu = first; cpu <= last; cpu++)
        gcr_cpus_add(&facts[rank].cpus, cpu);
}

static void see(const machine *on, int rank, int gpu)
{
    gcr_map_gpu *seen = &facts[rank].gpus[facts[rank].gpu_count];
    const int each = on->cpus / on->sockets, first = gpu / (on->gpus / on->sockets) * each;
    gcr_cpus near = { 0 };

    for (int cpu = first; cpu < first + each; cpu++)
        gcr_cpus_add(&near, cpu);
    snprintf(seen->identity.uuid, sizeof seen->identity.uuid, "GPU-%d", gpu);
    seen->identity.pci.bus = 0x10 + gpu;
    seen->near_cpus = gcr_cpus_common(&near, &facts[rank].cpus);
    snprintf(seen->label, sizeof seen->label, "cuda:%d", facts[rank].gpu_count);
    facts[rank].gpu_count++;
}

/* `ranks` that each see the whole machine; with `per_socket` bound to the socket (rank /
 * per_socket) % sockets, else to nothing. */
static void fill(const machine *on, int ranks, int per_socket)
{
    const int each = on->cpus / on->sockets;

    for (int r = 0; r < ranks; r++) {
        const int socket = per_socket > 0 ? r / per_socket % on->sockets : 0;

        bind(r, socket * each, per_socket > 0 ? socket * each + each - 1 : on->cpus - 1);
        for (int g = 0; g < on->gpus; g++)
            see(on, r, g);
    }
}

/* What ranks have, by the numbers in the UUIDs: "0 1|2 3". */
static void assert_dealt(int ranks, const char *expected)
{
    char text[512] = "";
    size_t at = 0;

    assert_ok(gcr_map_deal(shares, all, ranks));
    for (int r = 0; r < ranks; r++) {
        at += (size_t)sprintf(text + at, "%s", r > 0 ? "|" : "");
        for (int i = 0; i < shares[r].gpu_count; i++)
            at += (size_t)sprintf(text + at, "%s%s", i > 0 ? " " : "",
                                  facts[r].gpus[shares[r].gpus[i]].identity.uuid + 4);
    }
    assert_string_equal(text, expected);
}

static void assert_threads(int ranks, const char *expected)
{
    char text[256] = "";
    size_t at = 0;

    assert_ok(gcr_map_deal(shares, all, ranks));
    for (int r = 0; r < ranks; r++)
        at += (size_t)sprintf(text + at, "%s%d", r > 0 ? " " : "", shares[r].threads);
    assert_string_equal(text, expected);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void test_ranks_of_one_mask_divide_it(void **state)
{
    (void)state;
    fill(&four, 3, 0);
    assert_threads(3, "6 5 5");
    assert_threads(1, "16");
}

static void test_a_rank_that_is_bound_keeps_its_cpus(void **state)
{
    (void)state;
    bind(0, 0, 0);
    bind(1, 1, 1);
    bind(2, 2, 5);
    bind(3, 2, 5);
    assert_threads(4, "1 1 2 2");
}

static void test_more_ranks_than_cpus_have_a_thread_each(void **state)
{
    (void)state;
    for (int r = 0; r < 3; r++)
        bind(r, 0, 1);
    assert_threads(3, "1 1 1");
    begin(NULL);
    assert_threads(2, "1 1"); /* the system does not say */
}

/* ---- GPUs ------------------------------------------------------------------------------------ */

static void test_one_rank_has_all_gpus(void **state)
{
    (void)state;
    fill(&four, 1, 0);
    assert_dealt(1, "0 1 2 3");
}

static void test_a_node_of_four_gpus(void **state)
{
    (void)state;
    fill(&four, 8, 0);
    assert_dealt(4, "0|1|2|3");
    assert_dealt(3, "0 1|2|3");
    assert_dealt(2, "0 1|2 3");
    assert_dealt(6, "0|0|1|1|2|3");
    assert_dealt(8, "0|0|1|1|2|2|3|3");
}

static void test_eight_gpus_of_two_sockets_are_near_their_ranks(void **state)
{
    (void)state;
    fill(&eight, 8, 1); /* by turns: mpirun --map-by socket */
    assert_dealt(8, "0|4|2|5|1|6|3|7");
    assert_dealt(4, "0 2|4 5|1 3|6 7");
    begin(NULL);
    fill(&eight, 16, 8); /* the first half, the second half */
    assert_dealt(16, "0|0|1|1|2|2|3|3|4|4|5|5|6|6|7|7");
    assert_dealt(8, "0|1|2|3|4|5|6|7"); /* all at one socket: the others are dealt as well */
}

static void test_three_ranks_have_neighbouring_gpus(void **state)
{
    (void)state;
    fill(&eight, 3, 0);
    assert_dealt(3, "0 1 2|3 4 5|6 7");
}

static void test_three_ranks_at_two_sockets(void **state)
{
    (void)state;
    fill(&eight, 3, 1); /* the sockets 0, 1, 0 */
    assert_dealt(3, "0 2 7|4 5 6|1 3");
}

static void test_a_gpu_is_known_by_its_uuid_and_not_by_its_number(void **state)
{
    (void)state;
    for (int r = 0; r < 2; r++)
        bind(r, 0, 15);
    for (int g = 0; g < 4; g++) {
        see(&four, 0, g);
        see(&four, 1, 3 - g); /* the same in another order */
    }
    assert_dealt(2, "0 1|3 2");
    assert_int_equal(shares[1].gpus[0], 0);
    assert_int_equal(shares[1].gpus[1], 1);
}

static void test_a_rank_that_sees_one_gpu_has_it(void **state)
{
    (void)state;
    for (int r = 0; r < 4; r++) {
        bind(r, 0, 15);
        see(&four, r, 3 - r); /* as Slurm does with --gpus-per-task=1 */
    }
    assert_dealt(4, "3|2|1|0");
}

static void test_who_has_a_choice_leaves_the_only_one_to_another(void **state)
{
    (void)state;
    bind(0, 0, 15);
    bind(1, 0, 15);
    see(&four, 0, 0);
    see(&four, 0, 1);
    see(&four, 1, 0);
    assert_dealt(2, "1|0");
}

static void test_who_sees_more_has_what_others_cannot_have(void **state)
{
    (void)state;
    for (int r = 0; r < 2; r++)
        bind(r, 0, 15);
    for (int g = 0; g < 3; g++)
        see(&four, 0, g);
    see(&four, 1, 3);
    assert_dealt(2, "0 1 2|3");
}

static void test_nobody_who_sees_a_gpu_goes_without(void **state)
{
    (void)state;
    for (int r = 0; r < 3; r++) {
        bind(r, 0, 15);
        see(&four, r, 0);
    }
    bind(3, 0, 15);
    for (int g = 1; g < 4; g++)
        see(&four, 3, g);
    assert_dealt(4, "0|0|0|1 2 3");
}

static void test_a_rank_without_gpus_has_none_and_takes_none(void **state)
{
    (void)state;
    bind(0, 0, 15);
    fill(&four, 1, 0);
    bind(1, 0, 15);
    assert_dealt(2, "0 1 2 3|");
    begin(NULL);
    assert_dealt(2, "|");
}

static void test_where_nothing_is_near_the_order_counts(void **state)
{
    (void)state;
    fill(&eight, 4, 1);
    for (int r = 0; r < 4; r++)
        for (int g = 0; g < 8; g++)
            facts[r].gpus[g].near_cpus = -1;
    assert_dealt(4, "0 1|2 3|4 5|6 7");
}

/* Whoever sees what: each GPU that is seen is had, whoever sees one has one, and where all see all
 * nobody has two more than another. */
static void test_any_deal_is_complete_and_fair(void **state)
{
    uint64_t seed = 20240611;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        int ranks, seen[8] = { 0 }, had[8] = { 0 };

        begin(NULL);
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        ranks = 1 + (int)(seed >> 60);
        for (int r = 0; r < ranks; r++) {
            bind(r, r % 2 * 16, r % 2 * 16 + 15);
            for (int g = 0; g < 8; g++) {
                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
                if (round % 2 == 0 || seed >> 62 == 0) {
                    see(&eight, r, g);
                    seen[g] = 1;
                }
            }
        }
        assert_ok(gcr_map_deal(shares, all, ranks));
        for (int r = 0; r < ranks; r++) {
            assert_true((shares[r].gpu_count > 0) == (facts[r].gpu_count > 0));
            for (int i = 0; i < shares[r].gpu_count; i++)
                had[facts[r].gpus[shares[r].gpus[i]].identity.pci.bus - 0x10]++;
            if (round % 2 == 0)
                assert_in_range(shares[0].gpu_count - shares[r].gpu_count, 0, 1);
        }
        for (int g = 0; g < 8; g++) {
            assert_true((had[g] > 0) == seen[g]);
            if (round % 2 == 0)
                assert_in_range(had[g], 1, (ranks + 7) / 8);
        }
    }
}

/* ---- the machine ----------------------------------------------------------------------------- */

static void test_what_is_near_a_pci_address_is_found_in_the_topology(void **state)
{
    gcr_topology *topology;
    gcr_cpus cpus;
    char text[GCR_CPUS_TEXT_BYTES];
    int memory;

    (void)state;
    setenv("HWLOC_XMLFILE", GCR_TEST_DATA "/two_sockets.xml", 1);
    assert_ok(gcr_topology_open(&topology));
    unsetenv("HWLOC_XMLFILE");
    if (topology == NULL)
        skip(); /* a build without hwloc */
    assert_true(gcr_topology_find(&cpus, &memory, topology, &(gcr_pci_address){ .bus = 0x3b }));
    assert_string_equal(gcr_cpus_format(text, &cpus), "0-3");
    assert_int_equal(memory, 0);
    assert_true(gcr_topology_find(&cpus, &memory, topology, &(gcr_pci_address){ .bus = 0xc2 }));
    assert_string_equal(gcr_cpus_format(text, &cpus), "4-7");
    assert_int_equal(memory, 1);
    assert_false(gcr_topology_find(&cpus, &memory, topology, &(gcr_pci_address){ .bus = 0x77 }));
    assert_int_equal(memory, -1);
    gcr_topology_close(topology);
    assert_false(gcr_topology_find(&cpus, &memory, NULL, &(gcr_pci_address){ .bus = 0x3b }));
}

int main(void)
{
#define test(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        test(test_ranks_of_one_mask_divide_it),
        test(test_a_rank_that_is_bound_keeps_its_cpus),
        test(test_more_ranks_than_cpus_have_a_thread_each),
        test(test_one_rank_has_all_gpus),
        test(test_a_node_of_four_gpus),
        test(test_eight_gpus_of_two_sockets_are_near_their_ranks),
        test(test_three_ranks_have_neighbouring_gpus),
        test(test_three_ranks_at_two_sockets),
        test(test_a_gpu_is_known_by_its_uuid_and_not_by_its_number),
        test(test_a_rank_that_sees_one_gpu_has_it),
        test(test_who_has_a_choice_leaves_the_only_one_to_another),
        test(test_who_sees_more_has_what_others_cannot_have),
        test(test_nobody_who_sees_a_gpu_goes_without),
        test(test_a_rank_without_gpus_has_none_and_takes_none),
        test(test_where_nothing_is_near_the_order_counts),
        test(test_any_deal_is_complete_and_fair),
        test(test_what_is_near_a_pci_address_is_found_in_the_topology),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
