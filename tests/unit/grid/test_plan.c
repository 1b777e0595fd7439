/* tests/unit/grid/test_plan.c -- order and bytes, by hand. */
#include "support/gcr_test.h"

#include "grid/plan_create.h"

static const gcr_plan_dataset three[] = {
    { .data_bytes = 100, .prepared_bytes = 10, .cell_cost = 1 },
    { .data_bytes = 200, .prepared_bytes = 30, .cell_cost = 6 },
    { .data_bytes = 400, .prepared_bytes = 20, .cell_cost = 3 },
};

/* 3 datasets of 8 points, 6 of them live. */
static gcr_plan_spec small_spec(void)
{
    return (gcr_plan_spec){ .datasets = three,
                            .dataset_count = 3,
                            .point_count = 8,
                            .live_count = 6,
                            .output_bytes = 16,
                            .state_bytes = 2,
                            .points_bytes = 1000,
                            .scratch_bytes = 14,
                            .prepared_at_once = 2 };
}

static gcr_plan *plan_of(gcr_plan_spec spec)
{
    gcr_plan *plan;

    assert_ok(gcr_plan_create(&plan, &spec));
    return plan;
}

static void assert_order(const gcr_plan *plan, const uint64_t *order, uint64_t count)
{
    for (uint64_t place = 0; place < count; place++)
        assert_int_equal(gcr_plan_dataset_at(plan, place), order[place]);
}

static void assert_overflow(gcr_plan_spec spec)
{
    gcr_plan *plan = (gcr_plan *)&plan;

    assert_status(gcr_plan_create(&plan, &spec), GCR_EOVERFLOW);
    assert_null(plan);
    assert_error_mentions("make the grid smaller");
}

static void test_the_dearest_dataset_comes_first(void **state)
{
    gcr_plan *plan = plan_of(small_spec());

    (void)state;
    assert_order(plan, (const uint64_t[]){ 1, 2, 0 }, 3);
    gcr_plan_destroy(plan);
}

static void test_datasets_of_one_cost_keep_their_order(void **state)
{
    enum { COUNT = 1000 };
    static gcr_plan_dataset datasets[COUNT];
    gcr_plan_spec spec = small_spec();
    gcr_plan *plan;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        datasets[i] = (gcr_plan_dataset){ .cell_cost = 1 + i % 2 };
    spec.datasets = datasets;
    spec.dataset_count = COUNT;
    plan = plan_of(spec);
    for (uint64_t place = 0; place < COUNT / 2; place++) {
        assert_int_equal(gcr_plan_dataset_at(plan, place), 2 * place + 1);
        assert_int_equal(gcr_plan_dataset_at(plan, COUNT / 2 + place), 2 * place);
    }
    gcr_plan_destroy(plan);
}

static void test_the_order_of_the_source_is_kept_where_asked(void **state)
{
    gcr_plan_spec spec = small_spec();
    gcr_plan *plan;

    (void)state;
    spec.keeps_order = 1;
    plan = plan_of(spec);
    assert_order(plan, (const uint64_t[]){ 0, 1, 2 }, 3);
    assert_near(gcr_plan_cost_share(plan, 1), 0.6, 1e-15);
    gcr_plan_destroy(plan);
}

static void test_shares_of_cost_follow_the_order_and_make_one(void **state)
{
    gcr_plan *plan = plan_of(small_spec());

    (void)state;
    assert_near(gcr_plan_cost_share(plan, 0), 0.6, 1e-15);
    assert_near(gcr_plan_cost_share(plan, 1), 0.3, 1e-15);
    assert_near(gcr_plan_cost_share(plan, 2), 0.1, 1e-15);
    gcr_plan_destroy(plan);
}

static void test_cells_are_datasets_times_points(void **state)
{
    gcr_plan *plan = plan_of(small_spec());

    (void)state;
    assert_int_equal(gcr_plan_cell_count(plan), 24);
    assert_int_equal(gcr_plan_live_count(plan), 18);
    gcr_plan_destroy(plan);
}

static void test_bytes_are_counted_by_what_they_are_for(void **state)
{
    gcr_plan *plan = plan_of(small_spec());
    const gcr_plan_bytes *bytes = gcr_plan_memory(plan);

    (void)state;
    assert_int_equal(bytes->data, 700);
    assert_int_equal(bytes->outputs, 24 * 16);
    assert_int_equal(bytes->states, 24 * 2);
    assert_int_equal(bytes->prepared, 30 + 20);
    assert_int_equal(bytes->scratch, 14);
    assert_int_equal(bytes->points, 1000 + 3 * 16); /* a plan keeps a cost and an index of each */
    assert_int_equal(bytes->total, 700 + 384 + 48 + 50 + 14 + 1048);
    gcr_plan_destroy(plan);
}

static void test_the_largest_prepared_blocks_count_and_no_more_than_there_are(void **state)
{
    gcr_plan_spec spec = small_spec();
    gcr_plan *plan;

    (void)state;
    spec.prepared_at_once = UINT64_MAX;
    plan = plan_of(spec);
    assert_int_equal(gcr_plan_memory(plan)->prepared, 60);
    gcr_plan_destroy(plan);
}

static void test_no_datasets_are_an_empty_plan(void **state)
{
    gcr_plan_spec spec = small_spec();
    gcr_plan *plan;

    (void)state;
    spec.datasets = NULL;
    spec.dataset_count = 0;
    plan = plan_of(spec);
    assert_int_equal(gcr_plan_cell_count(plan), 0);
    assert_int_equal(gcr_plan_memory(plan)->total, 1000 + 14);
    gcr_plan_destroy(plan);
    gcr_plan_destroy(NULL);
}

static void test_too_many_cells_are_refused(void **state)
{
    gcr_plan_spec spec = small_spec();

    (void)state;
    spec.point_count = spec.live_count = INT64_MAX / 3 + 1;
    assert_overflow(spec);
    assert_error_mentions("more cells than 63 bits can count");
}

static void test_two_to_the_40_datasets_of_two_to_the_40_points_are_refused(void **state)
{
    gcr_plan_spec spec = small_spec();

    (void)state;
    spec.dataset_count = UINT64_C(1) << 40; /* refused before they are looked at */
    spec.point_count = spec.live_count = UINT64_C(1) << 40;
    assert_overflow(spec);
    assert_error_mentions("1099511627776 datasets times 1099511627776 points");
}

static void test_too_many_bytes_are_refused(void **state)
{
    const gcr_plan_dataset huge = { .data_bytes = UINT64_C(1) << 62, .cell_cost = 1 };
    const gcr_plan_dataset pair[] = { huge, huge };
    gcr_plan_spec spec = small_spec();

    (void)state;
    spec.output_bytes = UINT64_C(1) << 60;
    assert_overflow(spec);
    assert_error_mentions("more bytes than 63 bits can count");
    spec = small_spec();
    spec.datasets = pair;
    spec.dataset_count = 2;
    assert_overflow(spec);
    spec = small_spec();
    spec.points_bytes = INT64_MAX; /* fits alone, the total does not */
    assert_overflow(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_dearest_dataset_comes_first),
        cmocka_unit_test(test_datasets_of_one_cost_keep_their_order),
        cmocka_unit_test(test_the_order_of_the_source_is_kept_where_asked),
        cmocka_unit_test(test_shares_of_cost_follow_the_order_and_make_one),
        cmocka_unit_test(test_cells_are_datasets_times_points),
        cmocka_unit_test(test_bytes_are_counted_by_what_they_are_for),
        cmocka_unit_test(test_the_largest_prepared_blocks_count_and_no_more_than_there_are),
        cmocka_unit_test(test_no_datasets_are_an_empty_plan),
        cmocka_unit_test(test_too_many_cells_are_refused),
        cmocka_unit_test(test_two_to_the_40_datasets_of_two_to_the_40_points_are_refused),
        cmocka_unit_test(test_too_many_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
