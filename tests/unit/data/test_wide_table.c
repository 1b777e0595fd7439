/* tests/unit/data/test_wide_table.c -- one dataset in each line, and which layout auto is. */
#include "table_test.h"

static const gcr_data_spec keyed = { .layout = GCR_LAYOUT_WIDE, .key = (char *)"k" };

static void test_the_header_is_x_and_the_row_is_y(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &keyed, TEXT("k,1960,1961.5,2e3\na,1,2,3\nb,4,5,6\n")));
    assert_int_equal(datasets.count, 2);
    assert_string_equal(datasets.items[1].key, "b");
    assert_column(datasets.items[1].x, (double[]){ 1960, 1961.5, 2000 }, 3);
    assert_column(datasets.items[1].y, (double[]){ 4, 5, 6 }, 3);
    assert_string_equal(datasets.features[0], "x");
    assert_string_equal(datasets.y_name, "y");
    gcr_datasets_clear(&datasets);
}

static void test_missing_cells_are_dropped_and_sizes_differ(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &keyed, TEXT("k,1,2,3\na,1,,3\nb,,NA,\nc,,,7\n")));
    assert_int_equal(datasets.count, 2);
    assert_int_equal(datasets.items[0].dropped, 1);
    assert_column(datasets.items[0].x, (double[]){ 1, 3 }, 2);
    assert_int_equal(datasets.items[1].rows, 1);
    assert_column(datasets.items[1].x, (double[]){ 3 }, 1);
    assert_string_equal(datasets.skipped[0].key, "b");
    assert_string_equal(datasets.skipped[0].reason, "no value in any of 3 columns");
    gcr_datasets_clear(&datasets);
}

static void test_x_may_count_columns(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_WIDE,
                                 .key = (char *)"k",
                                 .x_by_position = 1 };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("JAN,k,FEB,MAR\n5,a,,7\n")));
    assert_column(datasets.items[0].x, (double[]){ 0, 2 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_x_may_be_dates(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_WIDE, .x_format = (char *)"%d.%m.%Y" };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("01.01.1970,03.01.1970\n5,7\n")));
    assert_column(datasets.items[0].x, (double[]){ 0, 2 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_without_a_key_rows_are_numbered_through_all_files(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_WIDE };
    char *sources[] = { (char *)"a.csv", (char *)"b.csv", NULL };
    gcr_datasets datasets;

    (void)state;
    write_file("a.csv", TEXT("1,2\n10,20\n30,40\n"));
    write_file("b.csv", TEXT("5\n50\n"));
    assert_ok(load_sources(&datasets, &spec, sources));
    assert_int_equal(datasets.count, 3);
    assert_string_equal(datasets.items[0].key, "1");
    assert_string_equal(datasets.items[2].key, "3");
    assert_column(datasets.items[2].x, (double[]){ 5 }, 1);
    gcr_datasets_clear(&datasets);
}

/* ---- auto ------------------------------------------------------------------------------------ */

static uint64_t count_of(const gcr_data_spec *spec, const char *text, size_t bytes)
{
    gcr_datasets datasets;
    uint64_t count;

    assert_ok(load_table(&datasets, spec, text, bytes));
    count = datasets.count;
    gcr_datasets_clear(&datasets);
    return count;
}

static void test_auto_is_wide_where_most_headers_are_numbers(void **state)
{
    const gcr_data_spec spec = { .key = (char *)"k" };

    (void)state;
    assert_int_equal(count_of(&spec, TEXT("k,1960,1961\na,1,2\nb,3,4\n")), 2);
}

static void test_auto_is_long_where_most_headers_are_words(void **state)
{
    const gcr_data_spec spec = { .x = { .count = 0 } };

    (void)state;
    assert_int_equal(count_of(&spec, TEXT("a,1961,b,c\n1,2,3,4\n1,2,3,4\n")), 1);
}

static void test_auto_is_long_where_y_is_named(void **state)
{
    const gcr_data_spec spec = { .y = (char *)"1961" };

    (void)state;
    assert_int_equal(count_of(&spec, TEXT("1960,1961\n1,2\n3,4\n")), 1);
}

static void test_auto_is_wide_where_x_is_by_position(void **state)
{
    const gcr_data_spec spec = { .x_by_position = 1 };

    (void)state;
    assert_int_equal(count_of(&spec, TEXT("JAN,FEB\n1,2\n3,4\n")), 2);
}

/* ---- bad input ------------------------------------------------------------------------------- */

static void test_a_key_that_stands_twice_is_refused_with_both_places(void **state)
{
    (void)state;
    assert_refused(&keyed, TEXT("k,1\na,1\nb,2\n\na,3\n"), GCR_EINVAL,
                   "t.csv:5:1: the key 'a' was used before, in t.csv:2");
}

static void test_a_key_in_two_files_is_refused_with_both_places(void **state)
{
    char *sources[] = { (char *)"a.csv", (char *)"b.csv", NULL };
    gcr_datasets datasets;

    (void)state;
    write_file("a.csv", TEXT("k,1\na,1\n"));
    write_file("b.csv", TEXT("k,1\nb,1\na,1\n"));
    assert_status(load_sources(&datasets, &keyed, sources), GCR_EINVAL);
    assert_string_equal(gcr_last_error(), "b.csv:3:1: the key 'a' was used before, in a.csv:2");
}

static void test_a_header_that_is_no_number_says_what_to_do(void **state)
{
    (void)state;
    assert_refused(&keyed, TEXT("k,1,code\na,1,2\n"), GCR_EFORMAT,
                   "t.csv:1:3: 'code' in the header is not a number; say `x: position` to count "
                   "columns, or name it in `skip` if it is no value");
    assert_refused(&keyed, TEXT("k,1,inf\na,1,2\n"), GCR_EFORMAT,
                   "t.csv:1:3: 'inf' in the header is not a number; say `x: position` to count "
                   "columns, or name it in `skip` if it is no value");
}

static void test_a_header_that_is_no_date_says_what_to_do(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_WIDE, .x_format = (char *)"%Y" };

    (void)state;
    assert_refused(&spec, TEXT("1970,code\n1,2\n"), GCR_EFORMAT,
                   "t.csv:1:2: 'code' in the header is not a date of the form '%Y'; if the column "
                   "is no value, name it in `skip`");
}

static void test_an_x_that_stands_twice_is_refused(void **state)
{
    (void)state;
    assert_refused(&keyed, TEXT("k,1,1\na,1,2\n"), GCR_EFORMAT,
                   "t.csv:1: columns 2 and 3 are both called '1'");
}

static void test_a_cell_that_is_no_number_is_refused_in_its_place(void **state)
{
    (void)state;
    assert_refused(&keyed, TEXT("k,1,2\na,1,2\nb,1,x\n"), GCR_EFORMAT,
                   "t.csv:3:3: 'x' is not a number (column '2'); turn words into columns of 0 and "
                   "1 (pandas.get_dummies), name their column in `skip`, or name in `missing` what "
                   "means no value");
}

static void test_a_table_of_keys_alone_is_refused(void **state)
{
    (void)state;
    assert_refused(&keyed, TEXT("k\na\n"), GCR_EINVAL, "no column of t.csv is left for values");
}

static void test_words_of_the_long_layout_are_refused(void **state)
{
    char *names[] = { (char *)"1" };
    gcr_mark marks[] = { { .source = "job.yaml", .line = 3, .column = 7 } };
    const gcr_data_spec with_y = { .layout = GCR_LAYOUT_WIDE, .y = names[0] };
    const gcr_data_spec with_x = { .layout = GCR_LAYOUT_WIDE,
                                   .x = { .names = names, .marks = marks, .count = 1 } };

    (void)state;
    assert_refused(&with_y, TEXT("1,2\n1,2\n"), GCR_EINVAL,
                   "a wide table has no column of y: its cells are y");
    assert_refused(&with_x, TEXT("1,2\n1,2\n"), GCR_EINVAL,
                   "job.yaml:3:7: a wide table has no columns of x: its header is x");
}

static void test_datasets_without_any_value_are_refused_when_all_are(void **state)
{
    (void)state;
    assert_refused(&keyed, TEXT("k,1\na,\n"), GCR_EINVAL,
                   "no dataset is left of 1; the first, 'a', has no value in its only column");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_header_is_x_and_the_row_is_y),
        cmocka_unit_test(test_missing_cells_are_dropped_and_sizes_differ),
        cmocka_unit_test(test_x_may_count_columns),
        cmocka_unit_test(test_x_may_be_dates),
        cmocka_unit_test(test_without_a_key_rows_are_numbered_through_all_files),
        cmocka_unit_test(test_auto_is_wide_where_most_headers_are_numbers),
        cmocka_unit_test(test_auto_is_long_where_most_headers_are_words),
        cmocka_unit_test(test_auto_is_long_where_y_is_named),
        cmocka_unit_test(test_auto_is_wide_where_x_is_by_position),
        cmocka_unit_test(test_a_key_that_stands_twice_is_refused_with_both_places),
        cmocka_unit_test(test_a_key_in_two_files_is_refused_with_both_places),
        cmocka_unit_test(test_a_header_that_is_no_number_says_what_to_do),
        cmocka_unit_test(test_a_header_that_is_no_date_says_what_to_do),
        cmocka_unit_test(test_an_x_that_stands_twice_is_refused),
        cmocka_unit_test(test_a_cell_that_is_no_number_is_refused_in_its_place),
        cmocka_unit_test(test_a_table_of_keys_alone_is_refused),
        cmocka_unit_test(test_words_of_the_long_layout_are_refused),
        cmocka_unit_test(test_datasets_without_any_value_are_refused_when_all_are),
    };
    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
