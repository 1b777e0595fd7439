/* tests/unit/data/test_job_data.c -- the mapping `data` of a job file. */
#include "unit/data/job_test.h"

/* ---- what it may say ------------------------------------------------------------------------- */

static void test_a_source_may_be_a_list(void **state)
{
    gcr_job job = job_of(DATA("{source: [a.csv, \"b/*.csv\"]}"));

    (void)state;
    assert_int_equal(job.data.sources.count, 2);
    assert_string_equal(job.data.sources.names[1], "b/*.csv");
    assert_int_equal(job.data.sources.marks[1].column, 24);
    gcr_job_clear(&job);
}

static void test_columns_of_a_long_table_are_named(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, layout: long, key: id, x: [u, v], y: w, skip: z}"));

    (void)state;
    assert_int_equal(job.data.layout, GCR_LAYOUT_LONG);
    assert_string_equal(job.data.key, "id");
    assert_int_equal(job.data.x.count, 2);
    assert_string_equal(job.data.x.names[0], "u");
    assert_string_equal(job.data.x.names[1], "v");
    assert_string_equal(job.data.y, "w");
    assert_string_equal(job.data.skip.names[0], "z");
    gcr_job_clear(&job);
}

static void test_marks_of_columns_say_where_they_were_written(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, key: id, x: u, y: w}"));

    (void)state;
    assert_int_equal(job.data.mark.column, 1);
    assert_int_equal(job.data.key_mark.column, 28);
    assert_int_equal(job.data.x_mark.column, 35);
    assert_int_equal(job.data.y_mark.column, 41);
    gcr_job_clear(&job);
}

static void test_x_may_be_a_date(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, x: {column: date, format: \"%Y%m%d\"}, y: co2}"));

    (void)state;
    assert_int_equal(job.data.x.count, 1);
    assert_string_equal(job.data.x.names[0], "date");
    assert_string_equal(job.data.x_format, "%Y%m%d");
    gcr_job_clear(&job);
}

static void test_x_of_a_wide_table_may_be_the_position_even_if_layout_comes_later(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, x: position, layout: wide}"));

    (void)state;
    assert_int_equal(job.data.x_by_position, 1);
    assert_int_equal(job.data.x.count, 0);
    gcr_job_clear(&job);
}

static void test_x_of_a_long_table_may_be_a_column_called_position(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, x: position, y: w}"));

    (void)state;
    assert_int_equal(job.data.x_by_position, 0);
    assert_string_equal(job.data.x.names[0], "position");
    gcr_job_clear(&job);
}

static void test_the_header_of_a_wide_table_may_be_dates(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, layout: wide, x: {format: \"%Y-%m\"}}"));

    (void)state;
    assert_string_equal(job.data.x_format, "%Y-%m");
    assert_int_equal(job.data.x_by_position, 0);
    gcr_job_clear(&job);
}

static void test_x_and_y_may_both_be_standardized(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, standardize: [x, y]}"));

    (void)state;
    assert_int_equal(job.data.standardize, GCR_STANDARDIZE_X | GCR_STANDARDIZE_Y);
    gcr_job_clear(&job);
}

static void test_nothing_is_standardized_when_the_job_says_none(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, standardize: none}"));

    (void)state;
    assert_int_equal(job.data.standardize, 0);
    gcr_job_clear(&job);
}

static void test_a_delimiter_is_one_character(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, delimiter: ;}"));

    (void)state;
    assert_int_equal(job.data.delimiter, ';');
    gcr_job_clear(&job);
}

static void test_a_delimiter_may_be_called_tab(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, delimiter: tab}"));

    (void)state;
    assert_int_equal(job.data.delimiter, '\t');
    gcr_job_clear(&job);
}

static void test_words_for_missing_values_are_kept(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, missing: [\"-\", null, -99]}"));

    (void)state;
    assert_int_equal(job.data.missing.count, 3);
    assert_string_equal(job.data.missing.names[1], "null");
    assert_string_equal(job.data.missing.names[2], "-99");
    gcr_job_clear(&job);
}

static void test_skipping_nothing_is_allowed(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, skip: []}"));

    (void)state;
    assert_int_equal(job.data.skip.count, 0);
    gcr_job_clear(&job);
}

static void test_synthetic_data_is_described_by_numbers(void **state)
{
    gcr_job job =
        job_of(DATA("{synthetic: {datasets: 10, rows: [50, 200], features: 3, noise: 0.5}}"));

    (void)state;
    assert_int_equal(job.data.synthetic.datasets, 10);
    assert_int_equal(job.data.synthetic.rows, 50);
    assert_int_equal(job.data.synthetic.rows_last, 200);
    assert_int_equal(job.data.synthetic.features, 3);
    assert_true(job.data.synthetic.noise == 0.5);
    gcr_job_clear(&job);
}

static void test_synthetic_data_has_one_feature_and_some_noise_by_default(void **state)
{
    gcr_job job = job_of(DATA("{synthetic: {datasets: 10, rows: 100}}"));

    (void)state;
    assert_int_equal(job.data.synthetic.rows, 100);
    assert_int_equal(job.data.synthetic.rows_last, 0);
    assert_int_equal(job.data.synthetic.features, 1);
    assert_true(job.data.synthetic.noise == 0.1);
    gcr_job_clear(&job);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static void test_data_without_a_source_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{layout: long}"), "t.yaml:2:1: 'data' needs a 'source' (files) or "
                                           "'synthetic' (datasets made by the seed)");
}

static void test_data_without_a_value_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA(""), "t.yaml:2:1: 'data' needs a 'source' (files) or 'synthetic' (datasets "
                             "made by the seed)");
}

static void test_a_source_beside_synthetic_data_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{synthetic: {datasets: 1, rows: 9}, source: a.csv}"),
                   "t.yaml:2:43: 'source' describes files, but the data is synthetic; leave one of "
                   "them out");
}

static void test_text_in_the_place_of_data_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("a.csv"), "t.yaml:2:7: 'data' is 'a.csv' here; it must be a mapping");
}

static void test_an_unknown_key_in_data_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: a.csv, layot: wide}"),
                   "t.yaml:2:23: unknown key 'layot' in 'data' (did you mean 'layout'?)");
}

static void test_columns_of_an_array_are_numbers_without_quotes(void **state)
{
    gcr_job job = job_of(DATA("{source: a.npy, x: [0, 12], y: 2}"));

    (void)state;
    assert_int_equal(job.data.x.count, 2);
    assert_string_equal(job.data.x.names[1], "12");
    assert_string_equal(job.data.y, "2");
    gcr_job_clear(&job);
}

static void test_a_matrix_is_a_layout(void **state)
{
    gcr_job job = job_of(DATA("{source: a.npy, layout: matrix}"));

    (void)state;
    assert_int_equal(job.data.layout, GCR_LAYOUT_MATRIX);
    gcr_job_clear(&job);
}

static void test_an_unknown_layout_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_invalid(
        DATA("{source: a.csv, layout: wid}"),
        "t.yaml:2:31: 'layout' takes auto, long, wide or matrix, not 'wid' (did you mean "
        "'wide'?)");
}

static void test_a_layout_that_resembles_none_lists_them(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: a.csv, layout: diagonal}"),
                   "t.yaml:2:31: 'layout' takes auto, long, wide or matrix, not 'diagonal'");
}

static void test_an_empty_list_of_sources_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: []}"), "t.yaml:2:16: 'source' takes a file name, a pattern or a "
                                         "list of them, not an empty list");
}

static void test_a_list_inside_a_list_of_sources_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: [a.csv, [b.csv]]}"),
                   "t.yaml:2:24: 'source' takes a file name, a pattern or a list of them, not a "
                   "list");
}

static void test_two_keys_are_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: a.csv, key: [a, b]}"),
                   "t.yaml:2:28: 'key' takes the name of a column, not a list");
}

static void test_a_format_for_several_columns_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: a.csv, x: {column: [a, b], format: \"%Y\"}}"),
                   "t.yaml:2:35: 'column' takes the name of a column, not a list");
}

static void test_x_by_position_is_understood_where_the_layout_is_left_open(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, key: k, x: position}"));

    (void)state;
    assert_true(job.data.x_by_position);
    assert_int_equal(job.data.x.count, 0);
    gcr_job_clear(&job);
}

static void test_a_format_for_headers_is_understood_where_the_layout_is_left_open(void **state)
{
    gcr_job job = job_of(DATA("{source: a.csv, key: k, x: {format: \"%Y\"}}"));

    (void)state;
    assert_string_equal(job.data.x_format, "%Y");
    gcr_job_clear(&job);
}

static void test_a_format_without_a_column_is_refused_in_a_long_table(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: a.csv, y: b, x: {format: \"%Y\"}}"),
                   "t.yaml:2:32: 'x' has a format but no column; write {column: ..., format: "
                   "...}");
}

static void test_a_column_without_a_format_is_refused_in_a_mapping(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: a.csv, x: {column: date}}"),
                   "t.yaml:2:26: the key 'format' is missing in 'x'");
}

static void test_a_column_for_x_is_refused_in_a_wide_table(void **state)
{
    (void)state;
    assert_invalid(
        DATA("{source: a.csv, layout: wide, x: year}"),
        "t.yaml:2:40: x of a wide table is in its header: 'x' takes position or {format: "
        "...}, or is left out for numbers");
}

static void test_a_column_for_y_is_refused_in_a_wide_table(void **state)
{
    (void)state;
    assert_invalid(
        DATA("{source: a.csv, layout: wide, y: births}"),
        "t.yaml:2:40: a wide table has no column y: all columns that are not skipped are "
        "values of y");
}

#define DELIMITER_WANTED                                                                           \
    "'delimiter' takes one character (no quote, no letter with an accent) or tab, "

static void test_a_delimiter_of_two_characters_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: a.csv, delimiter: ;;}"),
                   "t.yaml:2:34: " DELIMITER_WANTED "not ';;'");
}

static void test_a_quote_as_delimiter_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: a.csv, delimiter: '\"'}"),
                   "t.yaml:2:34: " DELIMITER_WANTED "not '\"'");
}

static void test_standardizing_what_is_neither_x_nor_y_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: a.csv, standardize: [x, z]}"),
                   "t.yaml:2:40: 'standardize' takes none, x or y, not 'z'");
}

static void test_zero_datasets_are_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{synthetic: {datasets: 0, rows: 9}}"),
                   "t.yaml:2:30: 'datasets' takes a whole number >= 1, not '0'");
}

static void test_synthetic_data_without_rows_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{synthetic: {datasets: 1}}"),
                   "t.yaml:2:19: the key 'rows' is missing in 'synthetic'");
}

static void test_more_rows_than_can_be_counted_are_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{synthetic: {datasets: 1, rows: 2147483648}}"),
                   "t.yaml:2:39: 'rows' takes whole numbers from 1 to 2147483647, not "
                   "'2147483648'");
}

static void test_three_numbers_of_rows_are_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{synthetic: {datasets: 1, rows: [1, 2, 3]}}"),
                   "t.yaml:2:39: 'rows' takes one number of rows, or two: [first, last], not a "
                   "list");
}

static void test_negative_noise_is_refused(void **state)
{
    (void)state;
    assert_invalid(DATA("{synthetic: {datasets: 1, rows: 9, noise: -0.1}}"),
                   "t.yaml:2:49: 'noise' takes a number >= 0, not '-0.1'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_source_may_be_a_list),
        cmocka_unit_test(test_columns_of_a_long_table_are_named),
        cmocka_unit_test(test_marks_of_columns_say_where_they_were_written),
        cmocka_unit_test(test_x_may_be_a_date),
        cmocka_unit_test(test_x_of_a_wide_table_may_be_the_position_even_if_layout_comes_later),
        cmocka_unit_test(test_x_of_a_long_table_may_be_a_column_called_position),
        cmocka_unit_test(test_the_header_of_a_wide_table_may_be_dates),
        cmocka_unit_test(test_x_and_y_may_both_be_standardized),
        cmocka_unit_test(test_nothing_is_standardized_when_the_job_says_none),
        cmocka_unit_test(test_a_delimiter_is_one_character),
        cmocka_unit_test(test_a_delimiter_may_be_called_tab),
        cmocka_unit_test(test_words_for_missing_values_are_kept),
        cmocka_unit_test(test_skipping_nothing_is_allowed),
        cmocka_unit_test(test_synthetic_data_is_described_by_numbers),
        cmocka_unit_test(test_synthetic_data_has_one_feature_and_some_noise_by_default),
        cmocka_unit_test(test_data_without_a_source_is_refused),
        cmocka_unit_test(test_data_without_a_value_is_refused),
        cmocka_unit_test(test_a_source_beside_synthetic_data_is_refused),
        cmocka_unit_test(test_text_in_the_place_of_data_is_refused),
        cmocka_unit_test(test_an_unknown_key_in_data_is_named_with_the_nearest),
        cmocka_unit_test(test_columns_of_an_array_are_numbers_without_quotes),
        cmocka_unit_test(test_a_matrix_is_a_layout),
        cmocka_unit_test(test_an_unknown_layout_is_named_with_the_nearest),
        cmocka_unit_test(test_a_layout_that_resembles_none_lists_them),
        cmocka_unit_test(test_an_empty_list_of_sources_is_refused),
        cmocka_unit_test(test_a_list_inside_a_list_of_sources_is_refused),
        cmocka_unit_test(test_two_keys_are_refused),
        cmocka_unit_test(test_a_format_for_several_columns_is_refused),
        cmocka_unit_test(test_x_by_position_is_understood_where_the_layout_is_left_open),
        cmocka_unit_test(test_a_format_for_headers_is_understood_where_the_layout_is_left_open),
        cmocka_unit_test(test_a_format_without_a_column_is_refused_in_a_long_table),
        cmocka_unit_test(test_a_column_without_a_format_is_refused_in_a_mapping),
        cmocka_unit_test(test_a_column_for_x_is_refused_in_a_wide_table),
        cmocka_unit_test(test_a_column_for_y_is_refused_in_a_wide_table),
        cmocka_unit_test(test_a_delimiter_of_two_characters_is_refused),
        cmocka_unit_test(test_a_quote_as_delimiter_is_refused),
        cmocka_unit_test(test_standardizing_what_is_neither_x_nor_y_is_refused),
        cmocka_unit_test(test_zero_datasets_are_refused),
        cmocka_unit_test(test_synthetic_data_without_rows_is_refused),
        cmocka_unit_test(test_more_rows_than_can_be_counted_are_refused),
        cmocka_unit_test(test_three_numbers_of_rows_are_refused),
        cmocka_unit_test(test_negative_noise_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
