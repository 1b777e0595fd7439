/* tests/unit/data/test_npy.c -- files that NumPy wrote, and files that only say so. */
#include "array_test.h"

enum { MUTATIONS = 2000, HEADER_BYTES = 128 };

static const gcr_data_spec plain = { .y = NULL };

/* The table of tests/reference/arrays.py: the last column is y. */
static void assert_table(const char *name, double half)
{
    gcr_datasets datasets;

    assert_ok(load_stored(&datasets, &plain, name));
    assert_int_equal(datasets.count, 1);
    assert_int_equal(datasets.feature_count, 2);
    assert_column(datasets.items[0].x, (double[]){ half, 10 + half, 20 + half, 30 + half }, 4);
    assert_column(datasets.items[0].x + 4, (double[]){ 1 + half, 11 + half, 21 + half, 31 + half },
                  4);
    assert_column(datasets.items[0].y, (double[]){ 2 + half, 12 + half, 22 + half, 32 + half }, 4);
    gcr_datasets_clear(&datasets);
}

static void test_each_type_is_read_in_both_orders(void **state)
{
    (void)state;
    assert_table("f4.npy", 0.5);
    assert_table("f8.npy", 0.5);
    assert_table("i4.npy", 0);
    assert_table("i8.npy", 0);
    assert_table("f4_fortran.npy", 0.5);
    assert_table("f8_fortran.npy", 0.5);
    assert_table("i4_fortran.npy", 0);
    assert_table("i8_fortran.npy", 0);
}

static void test_each_version_is_read(void **state)
{
    (void)state;
    assert_table("version1.npy", 0.5);
    assert_table("version2.npy", 0.5);
    assert_table("version3.npy", 0.5);
}

static void test_a_file_is_one_dataset_called_by_its_name(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "version?.npy"));
    assert_int_equal(datasets.count, 3);
    assert_string_equal(datasets.items[0].key, "version1");
    assert_string_equal(datasets.items[2].key, "version3");
    gcr_datasets_clear(&datasets);
}

static void test_a_line_of_numbers_is_y_over_its_position(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "line.npy"));
    assert_string_equal(datasets.features[0], "position");
    assert_string_equal(datasets.y_name, "y");
    assert_int_equal(datasets.items[0].rows, 2);
    assert_column(datasets.items[0].x, (double[]){ 0, 2 }, 2);
    assert_column(datasets.items[0].y, (double[]){ 0.5, 2.5 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_a_row_with_a_nan_is_dropped_and_counted(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "line.npy"));
    assert_int_equal(datasets.items[0].dropped, 1);
    gcr_datasets_clear(&datasets);
}

static void test_columns_are_named_by_their_numbers_and_keep_the_jobs_order(void **state)
{
    char *x[] = { (char *)"2", (char *)"0" };
    const gcr_data_spec spec = { .x = { .names = x, .count = 2 }, .y = (char *)"1" };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "i4.npy"));
    assert_string_equal(datasets.features[0], "2");
    assert_column(datasets.items[0].x, (double[]){ 2, 12, 22, 32, 0, 10, 20, 30 }, 8);
    assert_column(datasets.items[0].y, (double[]){ 1, 11, 21, 31 }, 4);
    gcr_datasets_clear(&datasets);
}

static void test_columns_of_x_without_y_have_no_y(void **state)
{
    char *x[] = { (char *)"1" };
    const gcr_data_spec spec = { .x = { .names = x, .count = 1 } };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "i4.npy"));
    assert_null(datasets.items[0].y);
    assert_column(datasets.items[0].x, (double[]){ 1, 11, 21, 31 }, 4);
    gcr_datasets_clear(&datasets);
}

static void test_a_column_that_is_skipped_is_neither(void **state)
{
    char *skip[] = { (char *)"2" };
    const gcr_data_spec spec = { .skip = { .names = skip, .count = 1 } };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "i4.npy"));
    assert_int_equal(datasets.feature_count, 1);
    assert_column(datasets.items[0].y, (double[]){ 1, 11, 21, 31 }, 4);
    gcr_datasets_clear(&datasets);
}

static void test_x_may_be_the_position(void **state)
{
    char *x[] = { (char *)"position" };
    const gcr_data_spec spec = { .x = { .names = x, .count = 1 }, .y = (char *)"1" };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "i4.npy"));
    assert_column(datasets.items[0].x, (double[]){ 0, 1, 2, 3 }, 4);
    assert_column(datasets.items[0].y, (double[]){ 1, 11, 21, 31 }, 4);
    gcr_datasets_clear(&datasets);
}

static void test_a_matrix_has_no_y(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_MATRIX };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "i4.npy"));
    assert_null(datasets.items[0].y);
    assert_int_equal(datasets.feature_count, 3);
    assert_column(datasets.items[0].x + 8, (double[]){ 2, 12, 22, 32 }, 4);
    gcr_datasets_clear(&datasets);
}

enum { MANY_ROWS = 20000, MANY_COLUMNS = 3 };

/* More than is read at a time: the number in row i and column j is 3 i + j. */
static void write_many(int is_by_column)
{
    static char text[HEADER_BYTES + 4 * MANY_ROWS * MANY_COLUMNS];

    memset(text, ' ', HEADER_BYTES);
    memcpy(text, "\x93NUMPY\x01\0\x76\0", 10);
    snprintf(text + 10, HEADER_BYTES - 10,
             "{'descr': '<i4', 'fortran_order': %s, 'shape': (%d, %d)}",
             is_by_column ? "True" : "False", MANY_ROWS, MANY_COLUMNS);
    text[strlen(text)] = ' ';
    text[HEADER_BYTES - 1] = '\n';
    for (int32_t i = 0; i < MANY_ROWS; i++)
        for (int32_t j = 0; j < MANY_COLUMNS; j++) {
            const int32_t value = 3 * i + j, at = is_by_column ? j * MANY_ROWS + i : value;

            memcpy(text + HEADER_BYTES + 4 * at, &value, 4);
        }
    write_file("many.npy", text, sizeof text);
}

static void assert_many(void)
{
    gcr_datasets datasets;
    int wrong = 0;

    assert_ok(load_here(&datasets, &plain, "many.npy"));
    assert_int_equal(datasets.items[0].rows, MANY_ROWS);
    for (int i = 0; i < MANY_ROWS; i++)
        wrong += datasets.items[0].x[i] != 3 * i ||
                 datasets.items[0].x[MANY_ROWS + i] != 3 * i + 1 ||
                 datasets.items[0].y[i] != 3 * i + 2;
    assert_int_equal(wrong, 0);
    gcr_datasets_clear(&datasets);
}

static void test_an_array_that_is_read_in_parts_is_put_together(void **state)
{
    (void)state;
    write_many(0);
    assert_many();
    write_many(1);
    assert_many();
}

static void test_rows_with_a_nan_are_dropped_from_all_columns(void **state)
{
    const double numbers[] = { 0, 1, NAN, 3, 4, 5, 6, NAN, 8, 9, 10, 11 };
    const char *header = "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3)}\n";
    char text[256] = "\x93NUMPY\x01\0\0\0";
    const size_t bytes = strlen(header);
    gcr_datasets datasets;

    (void)state;
    text[8] = (char)bytes;
    memcpy(text + 10, header, bytes);
    memcpy(text + 10 + bytes, numbers, sizeof numbers);
    write_file("t.npy", text, 10 + bytes + sizeof numbers);
    assert_ok(load_here(&datasets, &plain, "t.npy"));
    assert_int_equal(datasets.items[0].rows, 2);
    assert_int_equal(datasets.items[0].dropped, 2);
    assert_column(datasets.items[0].x, (double[]){ 3, 9, 4, 10 }, 4);
    assert_column(datasets.items[0].y, (double[]){ 5, 11 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_features_are_standardised_one_by_one(void **state)
{
    const gcr_data_spec spec = { .standardize = GCR_STANDARDIZE_X };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "i4.npy"));
    assert_near(datasets.items[0].x_mean[1], 16, 1e-12);
    assert_near(datasets.items[0].x_scale[1], sqrt(125), 1e-12);
    gcr_datasets_clear(&datasets);
}

/* ---- refused --------------------------------------------------------------------------------- */

static void test_a_big_endian_array_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "big_endian.npy", GCR_EFORMAT,
                          "big_endian.npy is big-endian ('>f8'); save it as little-endian: "
                          "array.astype('<f8')");
}

static void test_an_array_of_objects_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "objects.npy", GCR_EFORMAT,
                          "objects.npy holds Python objects, and to read them is to run them; save "
                          "numbers: numpy.save(file, array.astype('f8'))");
}

static void test_a_structured_array_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "structured.npy", GCR_EFORMAT,
                          "structured.npy has a structured type");
}

static void test_an_array_of_words_is_refused_with_a_hint(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "words.npy", GCR_EFORMAT,
                          "words.npy holds text ('<U4'); turn words into numbers");
}

static void test_another_type_of_numbers_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "half.npy", GCR_EFORMAT,
                          "half.npy holds numbers of type '<f2'; only f4, f8, i4 and i8 are read");
}

static void test_an_array_of_four_dimensions_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "four.npy", GCR_EFORMAT,
                          "four.npy has 4 dimensions, and a dataset has rows and columns; flatten "
                          "what belongs to a row: array.reshape(len(array), -1)");
}

static void test_a_single_number_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "scalar.npy", GCR_EFORMAT, "scalar.npy is a single number");
}

static void test_an_array_without_columns_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "no_columns.npy", GCR_EFORMAT, "no_columns.npy has no columns");
}

static void test_an_array_without_rows_is_a_skipped_dataset(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "empty.npy", GCR_EINVAL,
                          "no dataset is left of 1; the first, 'empty', has no rows");
}

static void test_a_file_that_is_cut_short_is_refused(void **state)
{
    size_t bytes;
    char *text = stored_bytes("f8.npy", &bytes);

    (void)state;
    write_file("t.npy", text, bytes - 8);
    assert_here_refused("t.npy", GCR_EFORMAT,
                        "t.npy is cut short: its header claims 4 x 3 numbers (96 bytes), and 88 "
                        "bytes follow");
    write_file("t.npy", text, 50);
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy is cut short: it ends in its header");
    write_file("t.npy", text, 7);
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy is cut short: it ends in its header");
    free(text);
}

static void test_a_file_with_more_than_its_header_claims_is_refused(void **state)
{
    size_t bytes;
    char *text = stored_bytes("f8.npy", &bytes);

    (void)state;
    text = realloc(text, bytes + 1);
    text[bytes] = 0;
    write_file("t.npy", text, bytes + 1);
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy is damaged: its header claims 4 x 3 numbers");
    free(text);
}

/* A .npy file of version 1 with this header and no numbers. */
static void write_header(const char *header)
{
    char text[1024] = "\x93NUMPY\x01";
    const size_t bytes = strlen(header);

    text[8] = (char)(bytes & 0xff);
    text[9] = (char)(bytes >> 8);
    memcpy(text + 10, header, bytes);
    write_file("t.npy", text, 10 + bytes);
}

static void test_sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    write_header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }");
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy claims more numbers than 64 bits can count");
}

static void test_a_size_that_is_no_size_is_refused(void **state)
{
    (void)state;
    write_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3), }");
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy has a header that numpy.save does not write");
    write_header("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }");
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy has a header that numpy.save does not write");
}

static void test_rows_of_nothing_without_end_are_refused(void **state)
{
    (void)state;
    write_header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 1000000000000), }");
    assert_here_refused("t.npy", GCR_EFORMAT,
                        "t.npy has 1000000000000 columns; at most 1048576 are read");
}

static void test_another_word_in_the_header_is_refused(void **state)
{
    (void)state;
    write_header("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), 'more': 1}");
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy has a header that numpy.save does not write");
}

static void test_a_word_twice_in_the_header_is_refused(void **state)
{
    (void)state;
    write_header("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), 'shape': (1,)}");
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy has a header that numpy.save does not write");
}

static void test_a_word_missing_in_the_header_is_refused(void **state)
{
    (void)state;
    write_header("{'descr': '<f8', 'shape': (0,)}");
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy has a header that numpy.save does not write");
}

static void test_a_header_beyond_64_KiB_is_refused(void **state)
{
    (void)state;
    write_file("t.npy", TEXT("\x93NUMPY\x02\x00\x01\x00\x01\x00"));
    assert_here_refused("t.npy", GCR_EFORMAT,
                        "t.npy claims a header of 65537 bytes; at most 65536 are read");
}

static void test_an_unknown_version_is_refused(void **state)
{
    (void)state;
    write_file("t.npy", TEXT("\x93NUMPY\x04\x00\x01\x00\x00\x00"));
    assert_here_refused("t.npy", GCR_EFORMAT,
                        "t.npy is of version 4 of the format; 1, 2 and 3 are read");
}

static void test_a_file_of_another_kind_is_refused(void **state)
{
    (void)state;
    write_file("t.npy", TEXT("a,b\n1,2\n"));
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy is no .npy file, whatever its name");
    write_file("t.npy", "", 0);
    assert_here_refused("t.npy", GCR_EFORMAT, "t.npy is no .npy file, whatever its name");
}

static void test_a_folder_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir("folder.npy", 0700), 0);
    assert_here_refused("folder.npy", GCR_EUNREADABLE, "folder.npy is not a file");
}

static void test_a_column_that_is_not_there_is_refused(void **state)
{
    const gcr_data_spec spec = { .y = (char *)"3" };

    (void)state;
    assert_stored_refused(&spec, "i4.npy", GCR_EINVAL, "there is no column 3 in ");
    assert_error_mentions("i4.npy: it has 3, counted from 0");
}

static void test_a_column_by_name_is_refused(void **state)
{
    const gcr_data_spec spec = { .y = (char *)"temp" };

    (void)state;
    assert_stored_refused(&spec, "i4.npy", GCR_EINVAL, "'temp' is no column of ");
    assert_error_mentions("the columns of an array are numbers, counted from 0");
}

static void test_a_column_with_two_uses_is_refused(void **state)
{
    char *x[] = { (char *)"1" };
    const gcr_data_spec spec = { .x = { .names = x, .count = 1 }, .y = (char *)"1" };

    (void)state;
    assert_stored_refused(&spec, "i4.npy", GCR_EINVAL, "column 1 has a use already");
}

static void test_words_for_tables_of_text_are_refused(void **state)
{
    const gcr_data_spec wide = { .layout = GCR_LAYOUT_WIDE };
    const gcr_data_spec key = { .key = (char *)"0" };
    const gcr_data_spec delimiter = { .delimiter = ';' };
    const gcr_data_spec date = { .x_format = (char *)"%Y" };

    (void)state;
    assert_stored_refused(&wide, "i4.npy", GCR_EINVAL, "`layout: wide` is for tables of text");
    assert_stored_refused(&key, "i4.npy", GCR_EINVAL, "which have no column of keys");
    assert_stored_refused(&delimiter, "i4.npy", GCR_EINVAL, "are for tables of text");
    assert_stored_refused(&date, "i4.npy", GCR_EINVAL, "which have no format of dates");
}

static void test_standardising_y_of_a_matrix_is_refused(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_MATRIX, .standardize = GCR_STANDARDIZE_Y };

    (void)state;
    assert_stored_refused(&spec, "i4.npy", GCR_EINVAL, "there is no y to standardise");
}

static void test_a_matrix_with_y_is_refused(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_MATRIX, .y = (char *)"1" };

    (void)state;
    assert_stored_refused(&spec, "i4.npy", GCR_EINVAL, "a matrix has no x and no y");
}

static void test_tables_and_arrays_together_are_refused(void **state)
{
    char *sources[] = { (char *)"t.csv", (char *)"t.npy", NULL };
    gcr_datasets datasets;
    gcr_status got;

    (void)state;
    write_file("t.csv", TEXT("x,y\n1,2\n"));
    write_file("t.npy", TEXT("x"));
    got = load_sources(&datasets, &plain, sources);
    assert_array_refused(got, &datasets, GCR_EINVAL,
                         "the sources are tables of text or files of arrays, not both: t.csv and "
                         "t.npy");
}

static void test_arrays_of_different_widths_are_refused(void **state)
{
    char *sources[] = { (char *)GCR_TEST_DATA "/i4.npy", (char *)GCR_TEST_DATA "/line.npy", NULL };
    gcr_datasets datasets;
    gcr_status got;

    (void)state;
    got = load_sources(&datasets, &plain, sources);
    assert_array_refused(got, &datasets, GCR_EFORMAT, "has 1 columns of x, and the first of ");
}

/* Under AddressSanitizer this is what it is for. */
static void test_a_damaged_header_never_reads_beyond_the_file(void **state)
{
    (void)state;
    assert_true(count_refused_copies("f8.npy", "t.npy", HEADER_BYTES, MUTATIONS) > MUTATIONS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type_is_read_in_both_orders),
        cmocka_unit_test(test_each_version_is_read),
        cmocka_unit_test(test_a_file_is_one_dataset_called_by_its_name),
        cmocka_unit_test(test_a_line_of_numbers_is_y_over_its_position),
        cmocka_unit_test(test_a_row_with_a_nan_is_dropped_and_counted),
        cmocka_unit_test(test_columns_are_named_by_their_numbers_and_keep_the_jobs_order),
        cmocka_unit_test(test_columns_of_x_without_y_have_no_y),
        cmocka_unit_test(test_a_column_that_is_skipped_is_neither),
        cmocka_unit_test(test_x_may_be_the_position),
        cmocka_unit_test(test_a_matrix_has_no_y),
        cmocka_unit_test(test_an_array_that_is_read_in_parts_is_put_together),
        cmocka_unit_test(test_rows_with_a_nan_are_dropped_from_all_columns),
        cmocka_unit_test(test_features_are_standardised_one_by_one),
        cmocka_unit_test(test_a_big_endian_array_is_refused),
        cmocka_unit_test(test_an_array_of_objects_is_refused),
        cmocka_unit_test(test_a_structured_array_is_refused),
        cmocka_unit_test(test_an_array_of_words_is_refused_with_a_hint),
        cmocka_unit_test(test_another_type_of_numbers_is_refused),
        cmocka_unit_test(test_an_array_of_four_dimensions_is_refused),
        cmocka_unit_test(test_a_single_number_is_refused),
        cmocka_unit_test(test_an_array_without_columns_is_refused),
        cmocka_unit_test(test_an_array_without_rows_is_a_skipped_dataset),
        cmocka_unit_test(test_a_file_that_is_cut_short_is_refused),
        cmocka_unit_test(test_a_file_with_more_than_its_header_claims_is_refused),
        cmocka_unit_test(test_sizes_that_overflow_are_refused),
        cmocka_unit_test(test_a_size_that_is_no_size_is_refused),
        cmocka_unit_test(test_rows_of_nothing_without_end_are_refused),
        cmocka_unit_test(test_another_word_in_the_header_is_refused),
        cmocka_unit_test(test_a_word_twice_in_the_header_is_refused),
        cmocka_unit_test(test_a_word_missing_in_the_header_is_refused),
        cmocka_unit_test(test_a_header_beyond_64_KiB_is_refused),
        cmocka_unit_test(test_an_unknown_version_is_refused),
        cmocka_unit_test(test_a_file_of_another_kind_is_refused),
        cmocka_unit_test(test_a_folder_is_refused),
        cmocka_unit_test(test_a_column_that_is_not_there_is_refused),
        cmocka_unit_test(test_a_column_by_name_is_refused),
        cmocka_unit_test(test_a_column_with_two_uses_is_refused),
        cmocka_unit_test(test_words_for_tables_of_text_are_refused),
        cmocka_unit_test(test_standardising_y_of_a_matrix_is_refused),
        cmocka_unit_test(test_a_matrix_with_y_is_refused),
        cmocka_unit_test(test_tables_and_arrays_together_are_refused),
        cmocka_unit_test(test_arrays_of_different_widths_are_refused),
        cmocka_unit_test(test_a_damaged_header_never_reads_beyond_the_file),
    };

    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
