/* tests/unit/data/test_standardize.c -- mean 0, standard deviation 1, and when not. */
#include "table_test.h"

#include "base/memory.h"

static gcr_data_spec both(void)
{
    return (gcr_data_spec){ .y = (char *)"y",
                            .standardize = GCR_STANDARDIZE_X | GCR_STANDARDIZE_Y };
}

static void test_x_and_y_are_standardised_and_it_is_recorded(void **state)
{
    const gcr_data_spec spec = both();
    gcr_datasets datasets;
    const gcr_dataset *dataset;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("a,b,y\n1,10,5\n3,50,9\n")));
    dataset = &datasets.items[0];
    assert_column(dataset->x, (double[]){ -1, 1, -1, 1 }, 4);
    assert_column(dataset->y, (double[]){ -1, 1 }, 2);
    assert_column(dataset->x_mean, (double[]){ 2, 30 }, 2);
    assert_column(dataset->x_scale, (double[]){ 1, 20 }, 2);
    assert_true(dataset->y_mean == 7 && dataset->y_scale == 2);
    assert_int_equal(datasets.standardized, GCR_STANDARDIZE_X | GCR_STANDARDIZE_Y);
    gcr_datasets_clear(&datasets);
}

static void test_what_is_not_asked_for_stays(void **state)
{
    const gcr_data_spec spec = { .y = (char *)"y" };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("x,y\n1,5\n3,9\n")));
    assert_column(datasets.items[0].y, (double[]){ 5, 9 }, 2);
    assert_true(datasets.items[0].y_mean == 0 && datasets.items[0].y_scale == 1);
    assert_null(datasets.items[0].x_mean);
    assert_int_equal(datasets.standardized, 0);
    gcr_datasets_clear(&datasets);
}

/* 0.1 is no dyadic fraction: its sums round, and the variance is not 0 without care. */
static void test_a_constant_is_not_blown_up(void **state)
{
    const gcr_data_spec spec = both();
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec,
                         TEXT("x,y\n0.1,7\n0.1,7\n0.1,7\n0.1,7\n0.1,7\n0.1,7\n0.1,7\n")));
    assert_true(datasets.items[0].x_scale[0] == 1);
    assert_true(datasets.items[0].y_scale == 1);
    for (int i = 0; i < 7; i++)
        assert_true(fabs(datasets.items[0].x[i]) < 1e-15 && datasets.items[0].y[i] == 0);
    gcr_datasets_clear(&datasets);
}

static void test_one_row_becomes_zero(void **state)
{
    const gcr_data_spec spec = both();
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("x,y\n1.7,2.3\n")));
    assert_true(datasets.items[0].x[0] == 0 && datasets.items[0].y[0] == 0);
    assert_true(datasets.items[0].y_mean == 2.3 && datasets.items[0].y_scale == 1);
    gcr_datasets_clear(&datasets);
}

/* Around 1e9 with deviation 1e-3 the one-pass formula has no digit left. */
static void test_a_small_spread_on_a_large_mean_is_exact(void **state)
{
    const gcr_data_spec spec = both();
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("x,y\n0,1000000000\n1,1000000000.0009765625\n")));
    assert_true(datasets.items[0].y_scale == 0x1p-11);
    assert_column(datasets.items[0].y, (double[]){ -1, 1 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_a_column_with_infinity_is_left_as_it_is(void **state)
{
    const gcr_data_spec spec = both();
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("x,y\n1,5\n3,inf\n")));
    assert_true(datasets.items[0].y[0] == 5 && isinf(datasets.items[0].y[1]));
    assert_true(datasets.items[0].y_mean == 0 && datasets.items[0].y_scale == 1);
    gcr_datasets_clear(&datasets);
}

static void test_numbers_whose_squares_overflow_are_left_as_they_are(void **state)
{
    const gcr_data_spec spec = both();
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("x,y\n1,1e200\n3,-1e200\n")));
    assert_column(datasets.items[0].y, (double[]){ 1e200, -1e200 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_only_x_and_y_are_counted_as_memory(void **state)
{
    const gcr_data_spec spec = both();
    const uint64_t before = gcr_memory_live_bytes();
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("a,b,y\n1,10,5\n3,50,9\n4,4,\n")));
    assert_int_equal(gcr_memory_live_bytes() - before, gcr_dataset_bytes(&datasets.items[0]));
    gcr_datasets_clear(&datasets);
    assert_int_equal(gcr_memory_live_bytes(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_x_and_y_are_standardised_and_it_is_recorded),
        cmocka_unit_test(test_what_is_not_asked_for_stays),
        cmocka_unit_test(test_a_constant_is_not_blown_up),
        cmocka_unit_test(test_one_row_becomes_zero),
        cmocka_unit_test(test_a_small_spread_on_a_large_mean_is_exact),
        cmocka_unit_test(test_a_column_with_infinity_is_left_as_it_is),
        cmocka_unit_test(test_numbers_whose_squares_overflow_are_left_as_they_are),
        cmocka_unit_test(test_only_x_and_y_are_counted_as_memory),
    };
    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
