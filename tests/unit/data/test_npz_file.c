/* tests/unit/data/test_npz_file.c -- archives that NumPy wrote, and damaged ones. */
#include "array_test.h"

enum { MUTATIONS = 1000 };

static const gcr_data_spec plain = { .y = NULL };

static void test_a_pair_of_x_and_y_is_a_dataset_called_by_the_file(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "pair.npz"));
    assert_int_equal(datasets.count, 1);
    assert_string_equal(datasets.items[0].key, "pair");
    assert_string_equal(datasets.features[1], "X[1]");
    assert_column(datasets.items[0].x, (double[]){ 0.5, 10.5, 20.5, 1.5, 11.5, 21.5 }, 6);
    assert_column(datasets.items[0].y, (double[]){ 0, 1, 2 }, 3);
    gcr_datasets_clear(&datasets);
}

static void test_pairs_in_folders_are_datasets_in_the_order_of_the_archive(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "packed.npz"));
    assert_int_equal(datasets.count, 2);
    assert_string_equal(datasets.items[0].key, "b");
    assert_string_equal(datasets.items[1].key, "a");
    assert_column(datasets.items[1].x, (double[]){ 0.5, 10.5 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_without_x_and_y_each_member_is_a_dataset(void **state)
{
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &plain, "members.npz"));
    assert_int_equal(datasets.count, 2);
    assert_string_equal(datasets.items[0].key, "m1");
    assert_column(datasets.items[0].x, (double[]){ 0, 10, 20 }, 3);
    assert_column(datasets.items[1].y, (double[]){ 1, 11 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_matrices_have_no_y(void **state)
{
    const gcr_data_spec spec = { .layout = GCR_LAYOUT_MATRIX };
    gcr_datasets datasets;

    (void)state;
    assert_ok(load_stored(&datasets, &spec, "members.npz"));
    assert_null(datasets.items[0].y);
    assert_int_equal(datasets.feature_count, 2);
    gcr_datasets_clear(&datasets);
}

/* ---- refused --------------------------------------------------------------------------------- */

static void test_a_missing_member_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "no_y.npz", GCR_EFORMAT, "no_y.npz: / has 'X' and no 'y'");
}

static void test_an_array_of_objects_is_refused(void **state)
{
    (void)state;
    assert_stored_refused(&plain, "objects.npz", GCR_EFORMAT,
                          "objects.npz: 'X' holds Python objects");
}

static void test_a_file_of_another_kind_is_refused(void **state)
{
    (void)state;
    write_file("t.npz", TEXT("x,y\n1,2\n"));
    assert_here_refused("t.npz", GCR_EFORMAT, "t.npz is no .npz file, or cut short or damaged");
}

static void test_a_file_that_is_cut_short_is_refused(void **state)
{
    size_t bytes;
    char *text = stored_bytes("pair.npz", &bytes);

    (void)state;
    write_file("t.npz", text, bytes / 2);
    assert_here_refused("t.npz", GCR_EFORMAT, "t.npz is no .npz file, or cut short or damaged");
    free(text);
}

/* The last byte of y, which is packed without compression: only the checksum can tell. */
static void test_a_byte_that_changed_is_refused(void **state)
{
    size_t bytes, at = 0;
    char *text = stored_bytes("pair.npz", &bytes);

    (void)state;
    while (memcmp(text + at, "y.npy", 5) != 0)
        at++;
    while (memcmp(text + at, "\n\0\0\0", 4) != 0)
        at++;
    text[at + 1] ^= 1;
    write_file("t.npz", text, bytes);
    assert_here_refused("t.npz", GCR_EFORMAT,
                        "t.npz: 'y' is damaged: what is packed is not what its directory says");
    free(text);
}

/* Sets the size of each member, in its own header and in the directory at the end. */
static void claim(char *text, size_t bytes, unsigned char size_byte)
{
    for (size_t at = 0; at + 30 < bytes; at++) {
        if (memcmp(text + at, "PK\3\4", 4) == 0)
            memset(text + at + 22, size_byte, 4);
        if (memcmp(text + at, "PK\1\2", 4) == 0)
            memset(text + at + 24, size_byte, 4);
    }
}

static void test_a_member_that_claims_more_than_it_can_hold_is_refused(void **state)
{
    size_t bytes;
    char *text = stored_bytes("packed.npz", &bytes);

    (void)state;
    claim(text, bytes, 0x7f);
    write_file("t.npz", text, bytes);
    assert_here_refused("t.npz", GCR_EFORMAT,
                        "t.npz: 'b/X' claims 2139062143 bytes, more than its");
    free(text);
}

/* Wherever it stands in the archive. Both names are equally long. */
static void rename_member(char *text, size_t bytes, const char *from, const char *to)
{
    const size_t length = strlen(from);

    for (size_t at = 0; at + length <= bytes; at++)
        if (memcmp(text + at, from, length) == 0)
            memcpy(text + at, to, length);
}

static void test_a_member_that_is_no_array_is_refused(void **state)
{
    size_t bytes;
    char *text = stored_bytes("no_y.npz", &bytes);

    (void)state;
    rename_member(text, bytes, "X.npy", "X.txt");
    write_file("t.npz", text, bytes);
    assert_here_refused("t.npz", GCR_EFORMAT, "t.npz holds 'X.txt', which is no array");
    free(text);
}

static void test_a_name_is_shown_without_its_control_characters(void **state)
{
    size_t bytes;
    char *text = stored_bytes("no_y.npz", &bytes);

    (void)state;
    rename_member(text, bytes, "X.npy", "\x1b.tx\n");
    write_file("t.npz", text, bytes);
    assert_here_refused("t.npz", GCR_EFORMAT, "t.npz holds ' .tx ', which is no array");
    free(text);
}

static void test_a_name_that_is_not_utf8_is_refused(void **state)
{
    size_t bytes;
    char *text = stored_bytes("no_y.npz", &bytes);

    (void)state;
    rename_member(text, bytes, "X.npy", "\xff.npy");
    write_file("t.npz", text, bytes);
    assert_here_refused("t.npz", GCR_EFORMAT,
                        "t.npz has a member whose name is not UTF-8; name arrays in UTF-8");
    free(text);
}

static void test_damaged_archives_never_end_this_process(void **state)
{
    (void)state;
    assert_true(count_refused_copies("packed.npz", "t.npz", SIZE_MAX, MUTATIONS) > MUTATIONS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pair_of_x_and_y_is_a_dataset_called_by_the_file),
        cmocka_unit_test(test_pairs_in_folders_are_datasets_in_the_order_of_the_archive),
        cmocka_unit_test(test_without_x_and_y_each_member_is_a_dataset),
        cmocka_unit_test(test_matrices_have_no_y),
        cmocka_unit_test(test_a_missing_member_is_refused),
        cmocka_unit_test(test_an_array_of_objects_is_refused),
        cmocka_unit_test(test_a_file_of_another_kind_is_refused),
        cmocka_unit_test(test_a_file_that_is_cut_short_is_refused),
        cmocka_unit_test(test_a_byte_that_changed_is_refused),
        cmocka_unit_test(test_a_member_that_claims_more_than_it_can_hold_is_refused),
        cmocka_unit_test(test_a_member_that_is_no_array_is_refused),
        cmocka_unit_test(test_a_name_is_shown_without_its_control_characters),
        cmocka_unit_test(test_a_name_that_is_not_utf8_is_refused),
        cmocka_unit_test(test_damaged_archives_never_end_this_process),
    };

    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
