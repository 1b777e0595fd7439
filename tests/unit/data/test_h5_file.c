/*
 * tests/unit/data/test_h5_file.c -- HDF5 files of others: what h5py wrote, and what is damaged.
 */
#include "array_test.h"

enum { MUTATIONS = 300 };

static const gcr_data_spec plain = { .y = NULL };

static void test_each_group_with_x_and_y_is_a_dataset(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "groups.h5"));
    assert_int_equal(datasets.count, 3);
    assert_string_equal(datasets.items[0].key, "a");
    assert_string_equal(datasets.items[1].key, "b");
    assert_string_equal(datasets.items[2].key, "deep/c");
    assert_int_equal(datasets.items[0].features, 2);
    assert_column(datasets.items[0].x, (double[]){ 0.5, 10.5, 20.5, 1.5, 11.5, 21.5 }, 6);
    assert_column(datasets.items[1].y, (double[]){ 0, 1, 2, 3 }, 4);
    gcr_datasets_clear(&datasets);
}

static void test_features_and_y_are_called_by_their_arrays(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "groups.h5"));
    assert_string_equal(datasets.features[0], "X[0]");
    assert_string_equal(datasets.features[1], "X[1]");
    assert_string_equal(datasets.y_name, "y");
    gcr_datasets_clear(&datasets);
}

static void test_the_newest_format_reads_the_same(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "latest.h5"));
    assert_int_equal(datasets.count, 3);
    assert_column(datasets.items[2].x, (double[]){ 0.5, 10.5, 1.5, 11.5 }, 4);
    gcr_datasets_clear(&datasets);
}

static void test_arrays_of_the_root_are_a_dataset_called_by_the_file(void **state)
{
    char *x[] = { (char *)"time", (char *)"place" };
    const gcr_data_spec spec = { .x = { .names = x, .count = 2 }, .y = (char *)"flux" };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "root.hdf5"));
    assert_int_equal(datasets.count, 1);
    assert_string_equal(datasets.items[0].key, "root");
    assert_string_equal(datasets.y_name, "flux");
    assert_string_equal(datasets.features[0], "time");
    assert_string_equal(datasets.features[2], "place[1]");
    assert_column(datasets.items[0].x, (double[]){ 0, 2, 3, 0.5, 20.5, 30.5, 1.5, 21.5, 31.5 }, 9);
    assert_column(datasets.items[0].y, (double[]){ 1, 3, 4 }, 3);
    assert_int_equal(datasets.items[0].dropped, 1);
    gcr_datasets_clear(&datasets);
}

static void test_y_alone_may_stand_over_its_position(void **state)
{
    char *x[] = { (char *)"position" };
    const gcr_data_spec spec = { .x = { .names = x, .count = 1 }, .y = (char *)"flux" };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "root.hdf5"));
    assert_column(datasets.items[0].x, (double[]){ 0, 2, 3 }, 3);
    gcr_datasets_clear(&datasets);
}

static void test_x_alone_has_no_y(void **state)
{
    char *x[] = { (char *)"place" };
    const gcr_data_spec spec = { .x = { .names = x, .count = 1 } };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "root.hdf5"));
    assert_null(datasets.items[0].y);
    assert_int_equal(datasets.items[0].rows, 4);
    gcr_datasets_clear(&datasets);
}

static void test_an_x_that_groups_share_by_links_is_in_each_of_them(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "shared.h5"));
    assert_int_equal(datasets.count, 2);
    assert_column(datasets.items[1].x, (double[]){ 0.5, 10.5, 20.5 }, 3);
    gcr_datasets_clear(&datasets);
}

static void test_without_x_and_y_each_array_is_a_dataset(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "matrices.h5"));
    assert_int_equal(datasets.count, 2);
    assert_string_equal(datasets.items[0].key, "m1");
    assert_string_equal(datasets.items[1].key, "more/m2");
    assert_column(datasets.items[1].x, (double[]){ 0, 10 }, 2);
    assert_column(datasets.items[1].y, (double[]){ 1, 11 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_matrices_have_no_y(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_MATRIX };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "matrices.h5"));
    assert_int_equal(datasets.feature_count, 2);
    assert_null(datasets.items[0].y);
    gcr_datasets_clear(&datasets);
}

static void test_an_array_that_comes_in_parts_is_put_together(void **state)
{
    gcr_datasets datasets;
    const gcr_dataset *dataset;
    int wrong = 0;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "long.h5"));
    dataset = &datasets.items[0];
    assert_int_equal(dataset->rows, 300000);
    for (int i = 0; i < 300000; i++)
        wrong +=
            dataset->y[i] != i || dataset->x[i] != i / 1000 || dataset->x[300000 + i] != i % 1000;
    assert_int_equal(wrong, 0);
    gcr_datasets_clear(&datasets);
}

static void test_columns_by_number_make_each_array_a_dataset(void **state)
{
    const gcr_data_spec spec = { .y = (char *)"0" };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "matrices.h5"));
    assert_column(datasets.items[0].y, (double[]){ 0, 10, 20 }, 3);
    gcr_datasets_clear(&datasets);
}

/* ---- refused --------------------------------------------------------------------------------- */

static void test_an_array_that_is_named_twice_is_refused(void **state)
{
    char *x[] = { (char *)"time", (char *)"time" };
    const gcr_data_spec twice = { .x = { .names = x, .count = 2 }, .y = (char *)"flux" };
    const gcr_data_spec both = { .x = { .names = x, .count = 1 }, .y = (char *)"time" };

    (void)state;
    assert_stored_refused(&twice, "root.hdf5", GCR_EINVAL,
                          "root.hdf5: 'time' is wanted twice; name an array once, as x or as y");
    assert_stored_refused(&both, "root.hdf5", GCR_EINVAL, "root.hdf5: 'time' is wanted twice");
}

static void test_an_array_in_another_file_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "external_link.h5", GCR_EFORMAT,
                          "external_link.h5: 'a/X' is a link out of the file; copy the array into "
                          "it");
    assert_stored_refused(&plain, "external_storage.h5", GCR_EFORMAT,
                          "external_storage.h5: 'X' has its numbers in another file");
    assert_stored_refused(&plain, "virtual.h5", GCR_EFORMAT,
                          "virtual.h5: 'X' has its numbers in another file");
}

static void test_text_is_refused_with_a_hint(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "text.h5", GCR_EFORMAT,
                          "text.h5: 'X' holds text; turn words into numbers");
}

static void test_true_and_false_are_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "truth.h5", GCR_EFORMAT, "truth.h5: 'X' holds an enumeration");
}

static void test_a_compound_type_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "compound.h5", GCR_EFORMAT,
                          "compound.h5: 'X' is a table of columns with names");
}

static void test_an_array_of_four_dimensions_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "four.h5", GCR_EFORMAT, "four.h5: 'X' has 4 dimensions");
}

static void test_a_size_that_the_file_cannot_hold_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "huge.h5", GCR_EFORMAT,
                          "huge.h5: 'X' claims 1099511627776 x 1 numbers, more than a file of this "
                          "size can hold");
}

static void test_a_ragged_group_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "ragged.h5", GCR_EFORMAT,
                          "ragged.h5: 'X' has 4 rows and 'y' has 3");
}

static void test_a_y_of_two_columns_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "wide_y.h5", GCR_EFORMAT,
                          "wide_y.h5: 'y' has 2 columns, and y is one");
}

static void test_a_group_without_y_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "lonely.h5", GCR_EFORMAT, "lonely.h5: /a/ has 'X' and no 'y'");
}

static void test_a_link_to_nothing_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "dangling.h5", GCR_EFORMAT,
                          "dangling.h5: 'X' cannot be opened; it is damaged, or a link to nothing");
}

static void test_names_that_are_nowhere_are_refused(void **state)
{
    const gcr_data_spec spec = { .y = (char *)"temp" };

    (void)state;
    assert_stored_refused(&spec, "matrices.h5", GCR_EFORMAT,
                          "matrices.h5 has no array called 'X' or 'temp', in no group");
}

static void test_a_file_without_arrays_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "nothing.h5", GCR_EFORMAT, "nothing.h5 holds no array");
}

static void test_a_file_of_another_kind_is_refused(void **state)
{
    (void)state;
    write_file("t.h5", TEXT("x,y\n1,2\n"));
    assert_here_refused("t.h5", GCR_EFORMAT, "t.h5 is no HDF5 file, or cut short or damaged");
}

static void test_a_file_that_is_cut_short_is_refused(void **state)
{
    size_t bytes;
    char *text = stored_bytes("groups.h5", &bytes);

    (void)state;
    write_file("t.h5", text, bytes / 2);
    assert_here_refused("t.h5", GCR_EFORMAT, "t.h5 is no HDF5 file, or cut short or damaged");
    free(text);
}

static void test_a_pipe_is_refused_and_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe.h5", 0600), 0);
    assert_here_refused("pipe.h5", GCR_EUNREADABLE, "pipe.h5 is not a file");
}

static void test_words_to_skip_are_refused_where_arrays_are_told_by_name(void **state)
{
    char *skip[] = { (char *)"notes" };
    const gcr_data_spec spec = { .skip = { .names = skip, .count = 1 } };

    (void)state;
    assert_stored_refused(&spec, "groups.h5", GCR_EINVAL, "there is nothing to skip in ");
}

static void test_one_group_name_in_two_files_is_refused(void **state)
{
    char *sources[] = { (char *)GCR_TEST_DATA "/groups.h5", (char *)GCR_TEST_DATA "/latest.h5",
                        NULL };
    gcr_datasets datasets;
    gcr_status got;

    (void)state;
    got = load_sources(&datasets, &plain, sources);
    assert_array_refused(got, &datasets, GCR_EINVAL, "would both be the dataset 'a'; rename one");
}

/* What libhdf5 makes of them is its own affair; that we live on is ours. */
static void test_damaged_files_never_end_this_process(void **state)
{
    (void)state;
    assert_true(count_refused_copies("groups.h5", "t.h5", SIZE_MAX, MUTATIONS) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_group_with_x_and_y_is_a_dataset),
        cmocka_unit_test(test_features_and_y_are_called_by_their_arrays),
        cmocka_unit_test(test_the_newest_format_reads_the_same),
        cmocka_unit_test(test_arrays_of_the_root_are_a_dataset_called_by_the_file),
        cmocka_unit_test(test_y_alone_may_stand_over_its_position),
        cmocka_unit_test(test_x_alone_has_no_y),
        cmocka_unit_test(test_an_x_that_groups_share_by_links_is_in_each_of_them),
        cmocka_unit_test(test_without_x_and_y_each_array_is_a_dataset),
        cmocka_unit_test(test_matrices_have_no_y),
        cmocka_unit_test(test_an_array_that_comes_in_parts_is_put_together),
        cmocka_unit_test(test_columns_by_number_make_each_array_a_dataset),
        cmocka_unit_test(test_an_array_that_is_named_twice_is_refused),
        cmocka_unit_test(test_an_array_in_another_file_is_refused),
        cmocka_unit_test(test_text_is_refused_with_a_hint),
        cmocka_unit_test(test_true_and_false_are_refused),
        cmocka_unit_test(test_a_compound_type_is_refused),
        cmocka_unit_test(test_an_array_of_four_dimensions_is_refused),
        cmocka_unit_test(test_a_size_that_the_file_cannot_hold_is_refused),
        cmocka_unit_test(test_a_ragged_group_is_refused),
        cmocka_unit_test(test_a_y_of_two_columns_is_refused),
        cmocka_unit_test(test_a_group_without_y_is_refused),
        cmocka_unit_test(test_a_link_to_nothing_is_refused),
        cmocka_unit_test(test_names_that_are_nowhere_are_refused),
        cmocka_unit_test(test_a_file_without_arrays_is_refused),
        cmocka_unit_test(test_a_file_of_another_kind_is_refused),
        cmocka_unit_test(test_a_file_that_is_cut_short_is_refused),
        cmocka_unit_test(test_a_pipe_is_refused_and_not_waited_for),
        cmocka_unit_test(test_words_to_skip_are_refused_where_arrays_are_told_by_name),
        cmocka_unit_test(test_one_group_name_in_two_files_is_refused),
        cmocka_unit_test(test_damaged_files_never_end_this_process),
    };

    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
