/* tests/unit/exec/test_spread_choice.c -- which datasets go from GPU to GPU, from what ranks begin
 * with. */
#include "support/gcr_test.h"

#include "exec/spread.h"

#include <stdio.h>

enum { RANKS = 8 };

static const uint64_t gib = (uint64_t)1 << 30;

/* With which all ranks begin, some, and two. */
static const gcr_spread_dataset datasets[] = {
    { .dataset = 5, .up_bytes = (uint64_t)1 << 30, .device_bytes = (uint64_t)2 << 30, .ranks = 8 },
    { .dataset = 0, .up_bytes = (uint64_t)1 << 30, .device_bytes = (uint64_t)2 << 30, .ranks = 4 },
    { .dataset = 3, .up_bytes = (uint64_t)1 << 30, .device_bytes = (uint64_t)2 << 30, .ranks = 2 },
};

/* Speeds in GiB per second. */
static gcr_spread_facts facts_of(double by_uploads, double by_bridge, uint64_t budget_bytes)
{
    return (gcr_spread_facts){ .datasets = datasets,
                               .count = sizeof datasets / sizeof datasets[0],
                               .budget_bytes = budget_bytes,
                               .ranks = RANKS,
                               .bridge = "NCCL 2.28.9",
                               .by_uploads = by_uploads * (double)gib,
                               .by_bridge = by_bridge * (double)gib };
}

static void assert_choice(gcr_spread_facts facts, uint64_t count, const char *text)
{
    static const uint64_t order[] = { 5, 0, 3 };
    gcr_spread spread;

    assert_ok(gcr_spread_choose(&spread, &facts));
    assert_string_equal(spread.text, text);
    assert_int_equal(spread.count, count);
    assert_int_equal(spread.bytes, count * gib);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(spread.datasets[i], order[i]);
    gcr_spread_clear(&spread);
}

/* Half of the buses are busy with uploads of what four of eight begin with. */
static void test_what_keeps_buses_busy_for_longer_is_spread(void **state)
{
    (void)state;
    assert_choice(facts_of(25, 99, 0), 2,
                  "2 datasets, 2.0 GiB, from GPU to GPU by NCCL 2.28.9; each GPU uploads a part: "
                  "99.0 GiB/s, and 25.0 GiB/s by uploads alone");
    assert_choice(facts_of(25, 51, 0), 2,
                  "2 datasets, 2.0 GiB, from GPU to GPU by NCCL 2.28.9; each GPU uploads a part: "
                  "51.0 GiB/s, and 25.0 GiB/s by uploads alone");
    assert_choice(facts_of(25, 50, 0), 1,
                  "1 dataset, 1.0 GiB, from GPU to GPU by NCCL 2.28.9; each GPU uploads a part: "
                  "50.0 GiB/s, and 25.0 GiB/s by uploads alone");
}

static void test_a_slow_bridge_spreads_nothing_and_says_so(void **state)
{
    (void)state;
    assert_choice(
        facts_of(25, 1.5, 0), 0,
        "off: each GPU uploads its datasets, as NCCL 2.28.9 is not faster: 1.5 GiB/s, and "
        "25.0 GiB/s by uploads alone");
}

static void test_where_nothing_was_timed_all_are_spread(void **state)
{
    (void)state;
    assert_choice(facts_of(0, 0, 0), 3,
                  "3 datasets, 3.0 GiB, from GPU to GPU by NCCL 2.28.9; each GPU uploads a part");
}

/* Blocks are twice as large as what goes up: of what is prepared, too. */
static void test_no_more_is_spread_than_the_smallest_gpu_keeps(void **state)
{
    (void)state;
    assert_choice(facts_of(0, 0, 5 * gib), 2,
                  "2 datasets, 2.0 GiB, from GPU to GPU by NCCL 2.28.9; each GPU uploads a part");
    assert_choice(facts_of(0, 0, gib), 0,
                  "off: each GPU uploads its datasets, as some GPU has no room for any of them");
}

/* Room and speed are not asked then. */
static void test_what_is_in_the_way_is_said(void **state)
{
    gcr_spread_facts facts = facts_of(25, 99, gib);

    (void)state;
    snprintf(facts.obstacle, sizeof facts.obstacle, "no memory for uploads that are timed");
    assert_choice(facts, 0,
                  "off: each GPU uploads its datasets (no memory for uploads that are timed)");
}

static void test_nothing_is_said_where_there_is_nothing_to_spread(void **state)
{
    gcr_spread_facts facts = facts_of(0, 0, 0);

    (void)state;
    facts.count = 0;
    assert_choice(facts, 0, "");
    snprintf(facts.obstacle, sizeof facts.obstacle, "something");
    assert_choice(facts, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_keeps_buses_busy_for_longer_is_spread),
        cmocka_unit_test(test_a_slow_bridge_spreads_nothing_and_says_so),
        cmocka_unit_test(test_where_nothing_was_timed_all_are_spread),
        cmocka_unit_test(test_no_more_is_spread_than_the_smallest_gpu_keeps),
        cmocka_unit_test(test_what_is_in_the_way_is_said),
        cmocka_unit_test(test_nothing_is_said_where_there_is_nothing_to_spread),
    };

    return cmocka_run_group_tests_name("spread_choice", tests, NULL, NULL);
}
