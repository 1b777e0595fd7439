/* tests/unit/exec/test_costs.c -- sums over stretches of positions, against adding them up. */
#include "exec/costs.h"

#include "grid/plan_create.h"

#include "support/gcr_test.h"

enum { DATASETS = 9, POSITIONS = 5, ALL = DATASETS * POSITIONS };

static const double cell_costs[DATASETS] = { 40, 40, 7, 7, 7, 3, 1, 1, 1 };

static gcr_costs *make(void)
{
    gcr_plan_dataset datasets[DATASETS] = { 0 };
    const gcr_plan_spec spec = { .datasets = datasets,
                                 .dataset_count = DATASETS,
                                 .point_count = POSITIONS,
                                 .live_count = POSITIONS,
                                 .prepared_at_once = 1 };
    gcr_plan *plan = NULL;
    gcr_costs *costs = NULL;

    for (int d = 0; d < DATASETS; d++)
        datasets[d].cell_cost = cell_costs[d];
    assert_ok(gcr_plan_create(&plan, &spec));
    assert_ok(gcr_costs_create(&costs, plan, DATASETS, POSITIONS));
    gcr_plan_destroy(plan);
    return costs;
}

/* Of one position, in shares of the whole. */
static double share(uint64_t position)
{
    double all = 0.0;

    for (int d = 0; d < DATASETS; d++)
        all += cell_costs[d];
    return cell_costs[position / POSITIONS] / POSITIONS / all;
}

static void test_a_stretch_costs_the_sum_of_its_positions(void **state)
{
    gcr_costs *costs = make();

    (void)state;
    for (uint64_t first = 0; first <= ALL; first++) {
        double sum = 0.0;

        for (uint64_t count = 0; first + count <= ALL; count++) {
            assert_true(fabs(gcr_costs_sum(costs, (gcr_span){ first, count }) - sum) < 1e-12);
            if (first + count < ALL)
                sum += share(first + count);
        }
        if (first < ALL)
            assert_true(fabs(gcr_costs_of(costs, first) - share(first)) < 1e-15);
    }
    gcr_costs_destroy(costs);
}

static void test_as_many_positions_fit_as_cost_no_more(void **state)
{
    gcr_costs *costs = make();

    (void)state;
    for (uint64_t first = 0; first <= ALL; first++)
        for (uint64_t count = 0; first + count <= ALL; count++)
            for (int most = 0; most <= 20; most++) {
                const double limit = most / 20.0 + 1e-9; /* no sum of costs is that */
                double sum = 0.0;
                uint64_t fit = 0;

                for (; fit < count && sum + share(first + fit) <= limit; fit++)
                    sum += share(first + fit);
                assert_int_equal(gcr_costs_fit(costs, (gcr_span){ first, count }, limit), fit);
            }
    gcr_costs_destroy(costs);
}

static void test_a_stretch_is_even_where_its_ends_cost_about_the_same(void **state)
{
    gcr_costs *costs = make();

    (void)state;
    assert_true(gcr_costs_are_even(costs, (gcr_span){ 0, 10 }));
    assert_false(gcr_costs_are_even(costs, (gcr_span){ 0, 11 }));
    assert_true(gcr_costs_are_even(costs, (gcr_span){ 10, 15 }));
    assert_true(gcr_costs_are_even(costs, (gcr_span){ 3, 0 }));
    gcr_costs_destroy(costs);
}

static void test_a_share_is_cut_at_the_edge_of_a_dataset_that_is_near(void **state)
{
    gcr_costs *costs = make();
    const gcr_span all = { 0, ALL }, inside = { 12, ALL - 12 };

    (void)state;
    assert_int_equal(gcr_costs_cut(NULL, all, 11, 1, POSITIONS), 10);  /* one too many ...    */
    assert_int_equal(gcr_costs_cut(NULL, all, 11, 11, POSITIONS), 11); /* ... but wanted      */
    assert_int_equal(gcr_costs_cut(NULL, all, 9, 1, POSITIONS), 10);   /* one is lacking      */
    assert_int_equal(gcr_costs_cut(NULL, all, 7, 1, POSITIONS), 7);    /* far from either     */
    assert_int_equal(gcr_costs_cut(NULL, all, 3, 1, POSITIONS), 3);
    assert_int_equal(gcr_costs_cut(NULL, inside, 14, 1, POSITIONS), 13); /* edges of the whole */
    assert_int_equal(gcr_costs_cut(NULL, all, 0, 4, POSITIONS), 4);      /* at least that many */
    assert_int_equal(gcr_costs_cut(NULL, all, 1e9, 1, POSITIONS), ALL);
    assert_int_equal(gcr_costs_cut(costs, all, 40.0 / 107, 1, POSITIONS), POSITIONS);
    assert_int_equal(gcr_costs_cut(costs, (gcr_span){ 3, 0 }, 0.5, 4, POSITIONS), 0);
    gcr_costs_destroy(costs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stretch_costs_the_sum_of_its_positions),
        cmocka_unit_test(test_as_many_positions_fit_as_cost_no_more),
        cmocka_unit_test(test_a_share_is_cut_at_the_edge_of_a_dataset_that_is_near),
        cmocka_unit_test(test_a_stretch_is_even_where_its_ends_cost_about_the_same),
    };

    return cmocka_run_group_tests_name("costs", tests, NULL, NULL);
}
