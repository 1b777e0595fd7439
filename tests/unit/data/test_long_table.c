/* tests/unit/data/test_long_table.c -- one row of a dataset in each line. */
#include "table_test.h"

static char *const xy[] = { (char *)"x", (char *)"z" };
static const gcr_data_spec keyed = { .key = (char *)"k", .y = (char *)"y" };
static const gcr_data_spec plain = { .y = (char *)"y" };

static gcr_data_spec dated(void)
{
    return (gcr_data_spec){ .y = (char *)"y", .x_format = (char *)"%Y-%m-%d" };
}

static void test_a_table_of_many_rows_is_put_together(void **state)
{
    enum { ROWS = 10000 };
    char *text = malloc(ROWS * 32), *at = text + sprintf(text, "a,b,y\n");
    const gcr_data_spec spec = { .y = (char *)"y" };
    gcr_datasets datasets;
    int wrong = 0;

    (void)state;
    for (int i = 0; i < ROWS; i++)
        at += sprintf(at, "%d,%d,%d\n", i, -i, 2 * i);
    assert_ok(load_table(&datasets, &spec, text, (size_t)(at - text)));
    assert_int_equal(datasets.items[0].rows, ROWS);
    for (int i = 0; i < ROWS; i++)
        wrong += datasets.items[0].x[i] != i || datasets.items[0].x[ROWS + i] != -i ||
                 datasets.items[0].y[i] != 2 * i;
    assert_int_equal(wrong, 0);
    gcr_datasets_clear(&datasets);
    free(text);
}

static void test_rows_are_grouped_by_key_in_order_of_first_appearance(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &keyed, TEXT("k,x,y\nb,1,10\na,2,20\nb,3,30\n")));
    assert_int_equal(datasets.count, 2);
    assert_string_equal(datasets.items[0].key, "b");
    assert_string_equal(datasets.items[1].key, "a");
    assert_int_equal(datasets.items[0].rows, 2);
    assert_column(datasets.items[0].x, (double[]){ 1, 3 }, 2);
    assert_column(datasets.items[0].y, (double[]){ 10, 30 }, 2);
    assert_column(datasets.items[1].y, (double[]){ 20 }, 1);
    gcr_datasets_clear(&datasets);
}

static void test_x_is_stored_by_feature(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &keyed, TEXT("x,k,z,y\n1,a,4,0\n2,a,5,0\n3,a,6,0\n")));
    assert_int_equal(datasets.items[0].features, 2);
    assert_column(datasets.items[0].x, (double[]){ 1, 2, 3, 4, 5, 6 }, 6);
    assert_int_equal(gcr_dataset_bytes(&datasets.items[0]), 9 * sizeof(double));
    gcr_datasets_clear(&datasets);
}

static void test_features_are_all_columns_that_are_left(void **state)
{
    char *skip[] = { (char *)"note" };
    const gcr_data_spec spec = { .key = (char *)"k",
                                 .y = (char *)"y",
                                 .skip = { .names = skip, .count = 1 } };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("k,note,b,y,a\nq,text,1,2,3\n")));
    assert_int_equal(datasets.feature_count, 2);
    assert_string_equal(datasets.features[0], "b");
    assert_string_equal(datasets.features[1], "a");
    assert_string_equal(datasets.y_name, "y");
    gcr_datasets_clear(&datasets);
}

static void test_features_that_are_named_come_in_the_jobs_order(void **state)
{
    const gcr_data_spec spec = { .y = (char *)"y", .x = { .names = (char **)xy, .count = 2 } };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("z,other,y,x\n1,text,2,3\n")));
    assert_string_equal(datasets.features[0], "x");
    assert_column(datasets.items[0].x, (double[]){ 3, 1 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_a_table_may_have_no_y(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_LONG };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("a,b\n1,2\n")));
    assert_null(datasets.y_name);
    assert_null(datasets.items[0].y);
    assert_int_equal(datasets.items[0].features, 2);
    gcr_datasets_clear(&datasets);
}

static void test_a_table_may_have_no_x(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &plain, TEXT("y\n1\n2\n")));
    assert_int_equal(datasets.items[0].features, 0);
    assert_null(datasets.items[0].x);
    assert_column(datasets.items[0].y, (double[]){ 1, 2 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_without_a_key_the_file_is_one_dataset_of_its_name(void **state)
{
    char *sources[] = { (char *)"t.2.csv", NULL };
    gcr_datasets datasets;

    (void)state;
    write_file("t.2.csv", TEXT("x,y\n1,2\n"));
    assert_ok(load_sources(&datasets, &plain, sources));
    assert_int_equal(datasets.count, 1);
    assert_string_equal(datasets.items[0].key, "t.2");
    assert_int_equal(datasets.items[0].rows, 1);
    gcr_datasets_clear(&datasets);
}

static void test_rows_with_a_missing_value_are_dropped_and_counted(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &keyed,
                         TEXT("k,x,y,u\na,1,,0\na,NA,2,0\na,3,NaN,0\na,4,nan,0\na,5,\"\",0\n"
                              "a,6,7,0\nb,1,2,\n")));
    assert_int_equal(datasets.count, 1);
    assert_int_equal(datasets.items[0].dropped, 5);
    assert_int_equal(datasets.items[0].rows, 1);
    assert_int_equal(datasets.skipped_count, 1);
    gcr_datasets_clear(&datasets);
}

static void test_columns_that_are_not_needed_may_miss_values(void **state)
{
    const gcr_data_spec spec = { .y = (char *)"y", .x = { .names = (char **)xy, .count = 1 } };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("x,y,note\n1,2,\n3,4,text\n")));
    assert_int_equal(datasets.items[0].rows, 2);
    gcr_datasets_clear(&datasets);
}

static void test_the_job_may_add_words_for_missing(void **state)
{
    char *words[] = { (char *)"-999", (char *)"n/a" };
    gcr_data_spec spec = plain;
    gcr_datasets datasets;

    (void)state;
    spec.missing = (gcr_name_list){ .names = words, .count = 2 };
    assert_ok(load_table(&datasets, &spec, TEXT("x,y\n1,-999\n2,n/a\n3,-999.5\n4,NA\n")));
    assert_int_equal(datasets.items[0].dropped, 3);
    assert_column(datasets.items[0].y, (double[]){ -999.5 }, 1);
    gcr_datasets_clear(&datasets);
}

static void test_infinity_is_a_number_and_stays(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &plain, TEXT("x,y\n1,inf\n2,-Inf\n")));
    assert_int_equal(datasets.items[0].rows, 2);
    assert_true(isinf(datasets.items[0].y[0]) && isinf(datasets.items[0].y[1]));
    gcr_datasets_clear(&datasets);
}

static void test_a_dataset_without_a_complete_row_is_skipped_by_name(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &keyed, TEXT("k,x,y\na,1,\nb,1,2\na,2,\n")));
    assert_int_equal(datasets.count, 1);
    assert_int_equal(datasets.skipped_count, 1);
    assert_string_equal(datasets.skipped[0].key, "a");
    assert_string_equal(datasets.skipped[0].reason, "no value in any of 2 rows");
    gcr_datasets_clear(&datasets);
}

static void test_blanks_around_plain_fields_are_not_part_of_them(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &keyed, TEXT(" k , x, y\n a , 1 ,\t2\n\" a \",3,4\n")));
    assert_int_equal(datasets.count, 2);
    assert_string_equal(datasets.items[0].key, "a");
    assert_string_equal(datasets.items[1].key, " a ");
    gcr_datasets_clear(&datasets);
}

static void test_a_line_of_commas_is_passed_over(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &keyed, TEXT("k,x,y\na,1,2\n,,\n,,\n")));
    assert_int_equal(datasets.count, 1);
    gcr_datasets_clear(&datasets);
}

static void test_many_keys_are_all_found_again(void **state)
{
    enum { KEYS = 5000, ROUNDS = 3 };
    FILE *file = fopen("many.csv", "w");
    char *sources[] = { (char *)"many.csv", NULL };
    gcr_datasets datasets;

    (void)state;
    assert_non_null(file);
    fputs("k,x,y\n", file);
    for (int i = 0; i < ROUNDS * KEYS; i++)
        fprintf(file, "k%d,%d,%d\n", i % KEYS, i / KEYS, i);
    fclose(file);
    assert_ok(load_sources(&datasets, &keyed, sources));
    assert_int_equal(datasets.count, KEYS);
    for (int i = 0; i < KEYS; i++)
        assert_column(datasets.items[i].y, (double[]){ i, i + KEYS, i + 2 * KEYS }, ROUNDS);
    gcr_datasets_clear(&datasets);
}

static void test_dates_become_days(void **state)
{
    const gcr_data_spec spec = dated();
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("day,y\n1970-01-02,1\n,2\nNA,3\n")));
    assert_int_equal(datasets.items[0].dropped, 2);
    assert_column(datasets.items[0].x, (double[]){ 1 }, 1);
    gcr_datasets_clear(&datasets);
}

/* ---- bad input ------------------------------------------------------------------------------- */

static void test_a_day_that_does_not_exist_is_named_with_its_line(void **state)
{
    const gcr_data_spec spec = dated();

    (void)state;
    assert_refused(&spec, TEXT("day,y\n1970-01-02,1\n1970-02-30,2\n"), GCR_EFORMAT,
                   "t.csv:3:1: '1970-02-30' is not a date of the form '%Y-%m-%d' (column 'day')");
}

static void test_a_date_format_wants_one_column(void **state)
{
    gcr_data_spec spec = dated();

    (void)state;
    spec.x_mark = (gcr_mark){ .source = "job.yaml", .line = 4, .column = 6 };
    assert_refused(&spec, TEXT("day,hour,y\n"), GCR_EINVAL,
                   "job.yaml:4:6: a date format goes with one column of x, here are 2 (name the "
                   "one, or skip the others)");
}

static void test_a_ragged_row_is_refused_with_both_counts(void **state)
{
    (void)state;
    assert_refused(&plain, TEXT("x,y\n1,2\n1,2,3\n"), GCR_EFORMAT,
                   "t.csv:3: 3 fields where the header has 2");
    assert_refused(&plain, TEXT("x,y\n\n1\n"), GCR_EFORMAT,
                   "t.csv:3: 1 field where the header has 2");
}

static void test_text_where_a_number_belongs_is_refused_in_its_place(void **state)
{
    (void)state;
    assert_refused(&plain, TEXT("x,y\n1,2\n3,abc\n"), GCR_EFORMAT,
                   "t.csv:3:2: 'abc' is not a number (column 'y'); turn words into numbers, or "
                   "name in `missing` what means no value");
}

static void test_long_and_broken_text_is_cut_for_the_sentence(void **state)
{
    (void)state;
    assert_refused(
        &plain,
        TEXT("x,y\n1,\"a\nb\x1b[31mccccccccccccccccccccccccccccccc\xc3\xa9"
             "dddddddd\"\n"),
        GCR_EFORMAT,
        "t.csv:2:2: 'a b [31mccccccccccccccccccccccccccccccc...' is not a number "
        "(column 'y'); turn words into numbers, or name in `missing` what means no value");
}

static void test_a_category_is_refused_with_what_to_do(void **state)
{
    const gcr_data_spec matrix = { .layout = GCR_LAYOUT_MATRIX };

    (void)state;
    assert_refused(&plain, TEXT("x,y\nred,2\n"), GCR_EFORMAT,
                   "t.csv:2:1: 'red' is not a number (column 'x'); turn words into columns of 0 "
                   "and 1 (pandas.get_dummies), name their column in `skip`, or name in `missing` "
                   "what means no value");
    assert_refused(&matrix, TEXT("a,b\n1,\xc3\xa9t\xc3\xa9\n"), GCR_EFORMAT,
                   "t.csv:2:2: '\xc3\xa9t\xc3\xa9' is not a number (column 'b'); turn words into "
                   "columns of 0 and 1 (pandas.get_dummies), name their column in `skip`, or name "
                   "in `missing` what means no value");
}

static void test_a_slip_in_a_number_is_no_category(void **state)
{
    (void)state;
    assert_refused(&plain, TEXT("x,y\n1_000,2\n"), GCR_EFORMAT,
                   "t.csv:2:1: '1_000' is not a number (column 'x')");
}

static void test_a_column_that_is_not_there_gets_the_nearest_name(void **state)
{
    const gcr_data_spec spec = {
        .key = (char *)"contry",
        .y = (char *)"y",
        .key_mark = { .source = "job.yaml", .line = 2, .column = 20 },
    };

    (void)state;
    assert_refused(&spec, TEXT("country,x,y\na,1,2\n"), GCR_EINVAL,
                   "job.yaml:2:20: t.csv has no column 'contry' (did you mean 'country'?)");
}

static void test_every_named_column_is_looked_for(void **state)
{
    char *names[] = { (char *)"nothing" };
    const gcr_mark mark = { .source = "--set data", .line = 0 };
    const gcr_name_list list = { .names = names, .marks = (gcr_mark *)&mark, .count = 1 };
    const gcr_data_spec bad_x = { .x = list };
    const gcr_data_spec bad_skip = { .y = (char *)"y", .skip = list };
    const gcr_data_spec bad_y = { .y = names[0] };

    (void)state;
    assert_refused(&bad_x, TEXT("x,y\n1,2\n"), GCR_EINVAL,
                   "--set data: t.csv has no column 'nothing' (known: x, y)");
    assert_refused(&bad_skip, TEXT("x,y\n1,2\n"), GCR_EINVAL,
                   "--set data: t.csv has no column 'nothing' (known: x, y)");
    assert_refused(&bad_y, TEXT("x,y\n1,2\n"), GCR_EINVAL,
                   "t.csv has no column 'nothing' (known: x, y)");
}

static void test_a_column_has_one_role(void **state)
{
    const gcr_data_spec spec = { .key = (char *)"x", .x = { .names = (char **)xy, .count = 1 } };

    (void)state;
    assert_refused(&spec, TEXT("x,y\n1,2\n"), GCR_EINVAL,
                   "column 'x' is named twice: as key and as x");
}

static void test_a_needed_name_may_stand_once_in_the_header(void **state)
{
    const gcr_data_spec spec = { .y = (char *)"y", .x = { .names = (char **)xy, .count = 1 } };
    gcr_datasets datasets;

    (void)state;
    assert_refused(&plain, TEXT("x,y,z,x\n1,2,3,4\n"), GCR_EFORMAT,
                   "t.csv:1: columns 1 and 4 are both called 'x'");
    assert_ok(load_table(&datasets, &spec, TEXT("x,y,u,u\n1,2,3,4\n"))); /* nobody needs u */
    gcr_datasets_clear(&datasets);
}

static void test_a_row_without_a_key_is_refused(void **state)
{
    (void)state;
    assert_refused(&keyed, TEXT("k,x,y\na,1,2\n,1,2\n"), GCR_EFORMAT,
                   "t.csv:3:1: this row has no key (column 'k')");
}

static void test_keys_and_names_must_be_utf8(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_refused(&keyed,
                   TEXT("k,x,y\nCura\xe7"
                        "ao,1,2\n"),
                   GCR_EFORMAT, "t.csv:2:1: this key is not UTF-8; save the file as UTF-8");
    assert_refused(&keyed, TEXT("k,x\xe7,y\na,1,2\n"), GCR_EFORMAT,
                   "t.csv:1:2: this name is not UTF-8; save the file as UTF-8");
    assert_ok(load_table(&datasets, &keyed,
                         TEXT("k,x,y\nCura\xc3\xa7"
                              "ao \xe2\x82\xac \xf0\x9f\x99\x82,1,2\n")));
    gcr_datasets_clear(&datasets);
}

static void test_no_row_at_all_is_refused(void **state)
{
    (void)state;
    assert_refused(&keyed, TEXT("k,x,y\n"), GCR_EINVAL,
                   "there is no dataset: t.csv has a header and no rows");
}

static void test_no_complete_row_at_all_is_refused(void **state)
{
    (void)state;
    assert_refused(&keyed, TEXT("k,x,y\na,1,\nb,,2\n"), GCR_EINVAL,
                   "no dataset is left of 2; the first, 'a', has no value in its only row");
}

/* As a blank it would be the key of other rows. */
static void test_a_control_character_in_a_key_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused(
        &keyed, TEXT("k,x,y\na b,1,2\n\"a\nb\",3,4\n"), GCR_EFORMAT,
        "t.csv:3:1: this key holds a control character (0x0A), and the name of a dataset must not");
    assert_refused(
        &keyed,
        TEXT("x,k,y\n1,a\x7f"
             "b,2\n"),
        GCR_EFORMAT,
        "t.csv:2:2: this key holds a control character (0x7F), and the name of a dataset must not");
}

static void test_a_table_of_blank_lines_has_no_header(void **state)
{
    (void)state;
    assert_refused(&plain, TEXT("\n \n"), GCR_EFORMAT,
                   "t.csv has no header: every line of it is blank");
}

static void test_something_must_be_left_to_read(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_LONG, .key = (char *)"k" };

    (void)state;
    assert_refused(&spec, TEXT("k\na\n"), GCR_EINVAL, "no column of t.csv is left for x");
}

static void test_words_of_the_wide_layout_are_refused(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_LONG, .x_by_position = 1 };

    (void)state;
    assert_refused(&spec, TEXT("a,b\n1,2\n"), GCR_EINVAL,
                   "`x: position` counts the columns of a wide table; this one is long");
}

static void test_y_that_is_not_there_cannot_be_standardised(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_LONG, .standardize = GCR_STANDARDIZE_Y };

    (void)state;
    assert_refused(&spec, TEXT("a,b\n1,2\n"), GCR_EINVAL,
                   "there is no y to standardise: name its column as y");
}

static void test_a_matrix_takes_all_columns_that_are_left_and_has_no_y(void **state)
{
    char *skip[] = { (char *)"z" };
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_MATRIX,
                                 .key = (char *)"k",
                                 .skip = { .names = skip, .count = 1 } };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_table(&datasets, &spec, TEXT("k,2000,z,2001\na,1,2,3\na,4,5,6\n")));
    assert_int_equal(datasets.feature_count, 2);
    assert_column(datasets.items[0].x, (double[]){ 1, 4, 3, 6 }, 4);
    assert_null(datasets.items[0].y);
    gcr_datasets_clear(&datasets);
}

static void test_a_matrix_with_y_is_refused(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_MATRIX, .y = (char *)"y" };

    (void)state;
    assert_refused(&spec, TEXT("x,y\n1,2\n"), GCR_EINVAL,
                   "a matrix has no x and no y: all that is not in `skip` is its columns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_of_many_rows_is_put_together),
        cmocka_unit_test(test_rows_are_grouped_by_key_in_order_of_first_appearance),
        cmocka_unit_test(test_x_is_stored_by_feature),
        cmocka_unit_test(test_features_are_all_columns_that_are_left),
        cmocka_unit_test(test_features_that_are_named_come_in_the_jobs_order),
        cmocka_unit_test(test_a_table_may_have_no_y),
        cmocka_unit_test(test_a_table_may_have_no_x),
        cmocka_unit_test(test_without_a_key_the_file_is_one_dataset_of_its_name),
        cmocka_unit_test(test_rows_with_a_missing_value_are_dropped_and_counted),
        cmocka_unit_test(test_columns_that_are_not_needed_may_miss_values),
        cmocka_unit_test(test_the_job_may_add_words_for_missing),
        cmocka_unit_test(test_infinity_is_a_number_and_stays),
        cmocka_unit_test(test_a_dataset_without_a_complete_row_is_skipped_by_name),
        cmocka_unit_test(test_blanks_around_plain_fields_are_not_part_of_them),
        cmocka_unit_test(test_a_control_character_in_a_key_is_refused_with_its_place),
        cmocka_unit_test(test_a_line_of_commas_is_passed_over),
        cmocka_unit_test(test_many_keys_are_all_found_again),
        cmocka_unit_test(test_dates_become_days),
        cmocka_unit_test(test_a_day_that_does_not_exist_is_named_with_its_line),
        cmocka_unit_test(test_a_date_format_wants_one_column),
        cmocka_unit_test(test_a_ragged_row_is_refused_with_both_counts),
        cmocka_unit_test(test_text_where_a_number_belongs_is_refused_in_its_place),
        cmocka_unit_test(test_long_and_broken_text_is_cut_for_the_sentence),
        cmocka_unit_test(test_a_category_is_refused_with_what_to_do),
        cmocka_unit_test(test_a_slip_in_a_number_is_no_category),
        cmocka_unit_test(test_a_column_that_is_not_there_gets_the_nearest_name),
        cmocka_unit_test(test_every_named_column_is_looked_for),
        cmocka_unit_test(test_a_column_has_one_role),
        cmocka_unit_test(test_a_needed_name_may_stand_once_in_the_header),
        cmocka_unit_test(test_a_row_without_a_key_is_refused),
        cmocka_unit_test(test_keys_and_names_must_be_utf8),
        cmocka_unit_test(test_no_row_at_all_is_refused),
        cmocka_unit_test(test_no_complete_row_at_all_is_refused),
        cmocka_unit_test(test_a_table_of_blank_lines_has_no_header),
        cmocka_unit_test(test_something_must_be_left_to_read),
        cmocka_unit_test(test_words_of_the_wide_layout_are_refused),
        cmocka_unit_test(test_y_that_is_not_there_cannot_be_standardised),
        cmocka_unit_test(test_a_matrix_takes_all_columns_that_are_left_and_has_no_y),
        cmocka_unit_test(test_a_matrix_with_y_is_refused),
    };
    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
