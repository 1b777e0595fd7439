/* tests/library/test_borrowed.c -- datasets in the memory of a program: not copied, checked. */
#include "support/gcr_test.h"

#include "gridcrunch/gridcrunch.h"

static const double years[] = { 1, 2, 3, 4 };
static const double heights[] = { 2, 4, 6, 8 };
static const double two_columns[] = { 1, 2, 3, 4, 10, 20, 30, 40 };

static gcr_borrow_spec spec_of(const gcr_borrowed *items, uint64_t count, int64_t features)
{
    return (gcr_borrow_spec){ .items = items, .count = count, .features = features };
}

static void assert_refused(const gcr_borrow_spec *spec, gcr_status expected, const char *sentence)
{
    gcr_datasets datasets;

    assert_int_equal(gcr_datasets_borrow(&datasets, spec), expected);
    assert_error_mentions(sentence);
    assert_null(datasets.items);
    assert_null(datasets.features);
}

static void test_numbers_stay_where_they_are_and_names_are_copied(void **state)
{
    char key[] = "a";
    const gcr_borrowed table = { .key = key, .rows = 4, .x = two_columns, .y = heights };
    const gcr_borrow_spec spec = spec_of(&table, 1, 2);
    gcr_datasets datasets;

    (void)state;
    assert_ok(gcr_datasets_borrow(&datasets, &spec));
    key[0] = 'b';
    assert_ptr_equal(datasets.items[0].x, two_columns);
    assert_ptr_equal(datasets.items[0].y, heights);
    assert_string_equal(datasets.items[0].key, "a");
    assert_string_equal(datasets.features[1], "x2");
    assert_string_equal(datasets.y_name, "y");
    assert_int_equal(gcr_dataset_bytes(&datasets.items[0]), 12 * 8);
    gcr_datasets_clear(&datasets);
}

static void test_standardising_copies_what_it_changes_and_nothing_else(void **state)
{
    const gcr_borrowed table = { .key = "a", .rows = 4, .x = years, .y = heights };
    const gcr_borrow_spec spec = spec_of(&table, 1, 1);
    gcr_datasets datasets;

    (void)state;
    assert_ok(gcr_datasets_borrow(&datasets, &spec));
    assert_ok(gcr_datasets_standardize(&datasets, GCR_STANDARDIZE_Y));
    assert_ptr_equal(datasets.items[0].x, years);
    assert_true(heights[0] == 2);
    assert_true(datasets.items[0].y_mean == 5);
    assert_near(datasets.items[0].y[0], -3 / sqrt(5), 1e-15);
    assert_status(gcr_datasets_standardize(&datasets, GCR_STANDARDIZE_Y), GCR_EINVAL);
    assert_error_mentions("standardised already");
    assert_ok(gcr_datasets_standardize(&datasets, GCR_STANDARDIZE_X));
    assert_true(years[0] == 1);
    gcr_datasets_clear(&datasets);
}

static void test_without_y_there_is_nothing_to_standardise(void **state)
{
    const gcr_borrowed table = { .key = "a", .rows = 4, .x = years };
    const gcr_borrow_spec spec = spec_of(&table, 1, 1);
    gcr_datasets datasets;

    (void)state;
    assert_ok(gcr_datasets_borrow(&datasets, &spec));
    assert_null(datasets.y_name);
    assert_status(gcr_datasets_standardize(&datasets, GCR_STANDARDIZE_Y), GCR_EINVAL);
    assert_error_mentions("no y to standardise in dataset 'a'");
    gcr_datasets_clear(&datasets);
}

static void test_what_cannot_be_standardised_as_a_whole_is_left_as_it_is(void **state)
{
    const gcr_borrowed table = { .key = "a", .rows = 4, .x = years };
    const gcr_borrow_spec spec = spec_of(&table, 1, 1);
    gcr_datasets datasets;

    (void)state;
    assert_ok(gcr_datasets_borrow(&datasets, &spec));
    assert_status(gcr_datasets_standardize(&datasets, GCR_STANDARDIZE_X | GCR_STANDARDIZE_Y),
                  GCR_EINVAL);
    assert_int_equal(datasets.standardized, 0);
    assert_null(datasets.items[0].x_mean);
    assert_true(datasets.items[0].x[0] == 1);
    assert_ok(gcr_datasets_standardize(&datasets, GCR_STANDARDIZE_X));
    assert_true(datasets.items[0].x_mean[0] == 2.5);
    assert_near(datasets.items[0].x[0], -3 / sqrt(5), 1e-15);
    assert_status(gcr_datasets_standardize(&datasets, GCR_STANDARDIZE_Y), GCR_EINVAL);
    assert_true(datasets.items[0].x_mean[0] == 2.5); /* what was asked for before stays */
    gcr_datasets_clear(&datasets);
}

static void test_what_is_no_dataset_is_refused(void **state)
{
    gcr_borrowed t[2] = { { .key = "a", .rows = 4, .x = years, .y = heights },
                          { .key = "b", .rows = 4, .x = years, .y = heights } };
    gcr_borrow_spec spec = spec_of(t, 2, 1);

    (void)state;
    assert_refused(NULL, GCR_EINVAL, "no dataset to borrow");
    spec.count = 0;
    assert_refused(&spec, GCR_EINVAL, "no dataset to borrow");
    spec = spec_of(t, 2, -1);
    assert_refused(&spec, GCR_EINVAL, "-1 features");
    spec = spec_of(t, 2, 1);
    t[1].rows = 0;
    assert_refused(&spec, GCR_EINVAL, "dataset 'b' has 0 rows");
    t[1].rows = INT64_MAX / 4;
    assert_refused(&spec, GCR_EOVERFLOW, "dataset 'b' has more numbers");
    t[1].rows = 4;
    t[1].x = NULL;
    assert_refused(&spec, GCR_EINVAL, "dataset 'b' has no x, but 1 feature");
    t[1].x = years;
    t[1].y = NULL;
    assert_refused(&spec, GCR_EINVAL, "'a' and 'b' one has a y and the other has none");
}

static void test_each_key_names_one_dataset(void **state)
{
    gcr_borrowed t[3] = { { .key = "a", .rows = 4, .x = years },
                          { .key = "b", .rows = 4, .x = years },
                          { .key = "a", .rows = 4, .x = years } };
    const gcr_borrow_spec spec = spec_of(t, 3, 1);

    (void)state;
    assert_refused(&spec, GCR_EINVAL, "two datasets are called 'a'");
    t[2].key = "";
    assert_refused(&spec, GCR_EINVAL, "dataset 2, counted from 0, has no key");
    t[2].key = NULL;
    assert_refused(&spec, GCR_EINVAL, "dataset 2, counted from 0, has no key");
}

static void test_a_missing_value_is_refused_with_its_place_and_infinity_is_not(void **state)
{
    double x[8], y[4];
    const gcr_borrowed table = { .key = "a", .rows = 4, .x = x, .y = y };
    const gcr_borrow_spec spec = spec_of(&table, 1, 2);
    gcr_datasets datasets;

    (void)state;
    memcpy(x, two_columns, sizeof x);
    memcpy(y, heights, sizeof y);
    x[6] = NAN;
    assert_refused(&spec, GCR_EINVAL, "dataset 'a' has no value (NaN) of x2 in row 2");
    x[6] = INFINITY;
    y[3] = NAN;
    assert_refused(&spec, GCR_EINVAL, "dataset 'a' has no value (NaN) of y in row 3");
    y[3] = 0;
    assert_ok(gcr_datasets_borrow(&datasets, &spec));
    gcr_datasets_clear(&datasets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_stay_where_they_are_and_names_are_copied),
        cmocka_unit_test(test_standardising_copies_what_it_changes_and_nothing_else),
        cmocka_unit_test(test_without_y_there_is_nothing_to_standardise),
        cmocka_unit_test(test_what_cannot_be_standardised_as_a_whole_is_left_as_it_is),
        cmocka_unit_test(test_what_is_no_dataset_is_refused),
        cmocka_unit_test(test_each_key_names_one_dataset),
        cmocka_unit_test(test_a_missing_value_is_refused_with_its_place_and_infinity_is_not),
    };

    return cmocka_run_group_tests_name("borrowed", tests, NULL, NULL);
}
