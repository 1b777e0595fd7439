/* tests/unit/exec/test_split.c -- whose cells are whose, by hand. */
#include "exec/split.h"

#include "grid/plan_create.h"

#include "support/gcr_test.h"

enum { LIVE = 100 };

/* Datasets of these costs, 100 points each, in this order. */
static gcr_plan *plan_of(const double *costs, uint64_t count)
{
    gcr_plan_dataset datasets[16];
    const gcr_plan_spec spec = { .datasets = datasets,
                                 .dataset_count = count,
                                 .point_count = LIVE,
                                 .live_count = LIVE,
                                 .output_bytes = 8,
                                 .state_bytes = 1,
                                 .keeps_order = 1 };
    gcr_plan *plan;

    for (uint64_t d = 0; d < count; d++)
        datasets[d] = (gcr_plan_dataset){ .cell_cost = costs[d] };
    assert_ok(gcr_plan_create(&plan, &spec));
    return plan;
}

static void assert_span(gcr_span span, uint64_t first, uint64_t count)
{
    assert_int_equal(span.first, first);
    assert_int_equal(span.count, count);
}

static void test_one_kind_has_all(void **state)
{
    static const double costs[] = { 1, 2, 3 }, rates[] = { 7 };
    gcr_plan *plan = plan_of(costs, 3);
    gcr_span span;

    (void)state;
    gcr_split_positions(&span, rates, 1, plan, gcr_plan_live_count(plan) / LIVE, LIVE);
    assert_span(span, 0, 300);
    gcr_plan_destroy(plan);
}

/* 4 of 5 parts of one dataset: the cut is inside it, and the faster kind is in front. */
static void test_a_single_dataset_is_cut_where_the_rates_say(void **state)
{
    static const double costs[] = { 1 }, rates[] = { 1, 4 };
    gcr_plan *plan = plan_of(costs, 1);
    gcr_span span[2];

    (void)state;
    gcr_split_positions(span, rates, 2, plan, gcr_plan_live_count(plan) / LIVE, LIVE);
    assert_span(span[1], 0, 80);
    assert_span(span[0], 80, 20);
    gcr_plan_destroy(plan);
}

/* Costs 4, 2, 2, 1, 1 of 10: half of it ends inside the second dataset. */
static void test_what_is_shared_is_cost_and_not_cells(void **state)
{
    static const double costs[] = { 4, 2, 2, 1, 1 }, rates[] = { 3, 3 };
    gcr_plan *plan = plan_of(costs, 5);
    gcr_span span[2];

    (void)state;
    gcr_split_positions(span, rates, 2, plan, gcr_plan_live_count(plan) / LIVE, LIVE);
    assert_span(span[0], 0, 150);
    assert_span(span[1], 150, 350);
    gcr_plan_destroy(plan);
}

/* 16 equal datasets and 3 : 2: the cut at 9.6 may move by a tenth of the smaller share, 0.64. */
static void test_a_cut_moves_to_the_nearest_end_of_a_dataset(void **state)
{
    static const double costs[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    static const double rates[] = { 3, 2 };
    gcr_plan *plan = plan_of(costs, 16);
    gcr_span span[2];

    (void)state;
    gcr_split_positions(span, rates, 2, plan, gcr_plan_live_count(plan) / LIVE, LIVE);
    assert_span(span[0], 0, 1000);
    assert_span(span[1], 1000, 600);
    gcr_plan_destroy(plan);
}

static void test_every_position_is_dealt_once_whatever_the_rates_are(void **state)
{
    static const double costs[] = { 5, 1, 3, 2, 8, 1, 1 };
    static const double rates[][4] = {
        { 1, 1, 1, 1 }, { 1e12, 1, 1, 1 }, { 1, 2, 3, 1e-9 }, { 1e-3, 5, 5, 5 }
    };
    gcr_plan *plan = plan_of(costs, 7);

    (void)state;
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        int owners[7 * LIVE] = { 0 };
        gcr_span span[4];

        gcr_split_positions(span, rates[r], 4, plan, gcr_plan_live_count(plan) / LIVE, LIVE);
        for (int k = 0; k < 4; k++)
            for (uint64_t i = 0; i < span[k].count; i++)
                owners[span[k].first + i]++;
        for (int i = 0; i < 7 * LIVE; i++)
            assert_int_equal(owners[i], 1);
    }
    gcr_plan_destroy(plan);
}

static void test_a_rate_is_units_times_what_a_unit_does(void **state)
{
    const gcr_device_info info = { .unit_flops = { [GCR_F64] = 2e9, [GCR_F32] = 6e9 } };
    const gcr_device_info unknown = { 0 };

    (void)state;
    assert_true(gcr_split_rate(&info, GCR_F64, 4) == 8e9);
    assert_true(gcr_split_rate(&info, GCR_F32, 1) == 6e9);
    assert_true(gcr_split_rate(&unknown, GCR_F64, 3) == 3);
}

static void test_a_job_is_small_that_one_backend_ends_in_two_seconds(void **state)
{
    (void)state;
    assert_true(gcr_split_is_small(1.99e9, 1e9));
    assert_false(gcr_split_is_small(2.01e9, 1e9));
}

static void test_a_kind_is_slow_that_would_get_less_than_a_part_of_32(void **state)
{
    (void)state;
    assert_true(gcr_split_is_slow(1, 33));
    assert_false(gcr_split_is_slow(1, 31));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_kind_has_all),
        cmocka_unit_test(test_a_single_dataset_is_cut_where_the_rates_say),
        cmocka_unit_test(test_what_is_shared_is_cost_and_not_cells),
        cmocka_unit_test(test_a_cut_moves_to_the_nearest_end_of_a_dataset),
        cmocka_unit_test(test_every_position_is_dealt_once_whatever_the_rates_are),
        cmocka_unit_test(test_a_rate_is_units_times_what_a_unit_does),
        cmocka_unit_test(test_a_job_is_small_that_one_backend_ends_in_two_seconds),
        cmocka_unit_test(test_a_kind_is_slow_that_would_get_less_than_a_part_of_32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
