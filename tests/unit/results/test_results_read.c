/* Reading: files that are not there, not ours, or not whole. */
#include "support/gcr_test.h"

#include "support/results_fixture.h"

#include <hdf5.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], h5[96], csv[96];

static int write_fixture(void **state)
{
    results_fixture fixture;

    (void)state;
    strcpy(folder, "/tmp/gcr_results_XXXXXX");
    if (mkdtemp(folder) == NULL || fixture_create(&fixture) != GCR_OK)
        return -1;
    snprintf(h5, sizeof h5, "%s/results.h5", folder);
    snprintf(csv, sizeof csv, "%s/summary.csv", folder);
    if (gcr_results_write(&fixture.results, folder, GCR_WRITE_UNSYNCED) != GCR_OK)
        return -1;
    fixture_destroy(&fixture);
    return 0;
}

static int remove_fixture(void **state)
{
    (void)state;
    unlink(h5);
    unlink(csv);
    rmdir(folder);
    return 0;
}

static gcr_status open_status(const char *path)
{
    gcr_results_file *file = (gcr_results_file *)8;
    const gcr_status status = gcr_results_open(&file, path);

    if (status == GCR_OK)
        gcr_results_close(file);
    else
        assert_null(file);
    return status;
}

static void test_a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_status(open_status("/tmp/no/such/run"), GCR_ENOENT);
    assert_error_mentions("there is no /tmp/no/such/run");
}

static void test_a_folder_without_results_is_said_to_be_one(void **state)
{
    (void)state;
    unlink(h5);
    assert_status(open_status(folder), GCR_ENOENT);
    assert_error_mentions("results.h5: that run has left no results");
}

static void test_a_file_that_is_no_hdf5_is_refused(void **state)
{
    (void)state;
    assert_status(open_status(csv), GCR_EFORMAT);
    assert_error_mentions("summary.csv is not an HDF5 file");
}

static void test_an_hdf5_file_of_others_is_refused(void **state)
{
    const hid_t file = H5Fcreate(h5, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

    (void)state;
    H5Fclose(file);
    assert_status(open_status(h5), GCR_EFORMAT);
    assert_error_mentions("is an HDF5 file, but not one of gridcrunch's");
}

static void test_a_newer_schema_asks_for_a_newer_gridcrunch(void **state)
{
    const hid_t file = H5Fopen(h5, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t attribute = H5Aopen(file, "gridcrunch_schema", H5P_DEFAULT);
    const int newer = 2;

    (void)state;
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT, &newer) >= 0);
    H5Aclose(attribute);
    H5Fclose(file);
    assert_status(open_status(h5), GCR_EFORMAT);
    assert_error_mentions("has schema 2 and this gridcrunch reads schema 1");
}

/* Puts a list in place of an attribute that is one value: more than the reader has room for. */
static void make_list_of(const char *where, const char *name, hid_t type, const void *values,
                         hsize_t count)
{
    const hid_t file = H5Fopen(h5, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t object = H5Oopen(file, where, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t attribute;

    assert_true(H5Adelete(object, name) >= 0);
    attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, values) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Oclose(object);
    H5Fclose(file);
}

static void assert_lists_of_texts_refused(const char *where, const char *name)
{
    const char *const texts[64] = { "a", "b" };
    const hid_t type = H5Tcopy(H5T_C_S1);

    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    for (hsize_t count = 0; count <= 64; count += 2) {
        make_list_of(where, name, type, texts, count);
        assert_status(open_status(h5), GCR_EFORMAT);
        assert_error_mentions("' is not one value");
        assert_error_mentions(name);
    }
    H5Tclose(type);
}

static void test_a_schema_that_is_a_list_is_refused(void **state)
{
    static const int many[4096] = { 1 };

    (void)state;
    make_list_of("/", "gridcrunch_schema", H5T_NATIVE_INT, many, 4096);
    assert_status(open_status(h5), GCR_EFORMAT);
    assert_error_mentions("is damaged: 'gridcrunch_schema' is not one value");
}

static void test_a_kernel_that_is_a_list_is_refused(void **state)
{
    (void)state;
    assert_lists_of_texts_refused("/", "kernel");
}

static void test_a_fact_that_is_a_list_of_texts_is_refused(void **state)
{
    (void)state;
    assert_lists_of_texts_refused("/run", "kind");
}

static void test_a_fact_that_is_a_list_of_numbers_is_refused(void **state)
{
    static const double many[4096] = { 1 };

    (void)state;
    make_list_of("/run", "seconds", H5T_NATIVE_DOUBLE, many, 4096);
    assert_status(open_status(h5), GCR_EFORMAT);
    assert_error_mentions("is damaged: 'seconds' is not one value");
}

static void test_arrays_that_disagree_are_refused(void **state)
{
    const hid_t file = H5Fopen(h5, H5F_ACC_RDWR, H5P_DEFAULT);
    const hsize_t two = 2;
    const hid_t space = H5Screate_simple(1, &two, NULL);

    (void)state;
    H5Ldelete(file, "best", H5P_DEFAULT);
    H5Dclose(
        H5Dcreate2(file, "best", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Fclose(file);
    assert_status(open_status(h5), GCR_EFORMAT);
    assert_error_mentions("is damaged: 'best' has 2 values, not 3");
}

static void poke_state(uint8_t value, uint64_t dataset, hsize_t index)
{
    const hid_t file = H5Fopen(h5, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t status = H5Dopen2(file, "status", H5P_DEFAULT);
    uint8_t states[3][6];

    assert_true(H5Dread(status, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, states) >= 0);
    states[dataset][index] = value;
    assert_true(H5Dwrite(status, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, states) >= 0);
    H5Dclose(status);
    H5Fclose(file);
}

static void test_a_state_that_does_not_exist_is_refused_when_it_is_read(void **state)
{
    gcr_results_file *file;
    uint8_t states[6];

    (void)state;
    poke_state(GCR_CELL_STATE_COUNT, 1, 4);
    assert_ok(gcr_results_open(&file, h5));
    assert_ok(gcr_results_read_states(file, 0, states));
    assert_status(gcr_results_read_states(file, 1, states), GCR_EFORMAT);
    assert_error_mentions("is damaged: 'status' is 8 at dataset 1, point 4");
    gcr_results_close(file);
}

static void test_an_array_that_claims_to_be_larger_than_its_file_is_refused(void **state)
{
    const hid_t file = H5Fopen(h5, H5F_ACC_RDWR, H5P_DEFAULT);
    const hsize_t many = (hsize_t)1 << 40;
    const hid_t space = H5Screate_simple(1, &many, NULL);

    (void)state;
    H5Ldelete(file, "best", H5P_DEFAULT);
    H5Dclose(
        H5Dcreate2(file, "best", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Fclose(file);
    assert_status(open_status(h5), GCR_EFORMAT);
    assert_error_mentions("is damaged: 'best' is larger than the file");
}

static void test_a_file_that_lacks_a_part_is_refused_with_its_name(void **state)
{
    const hid_t file = H5Fopen(h5, H5F_ACC_RDWR, H5P_DEFAULT);

    (void)state;
    H5Ldelete(file, "run", H5P_DEFAULT);
    H5Fclose(file);
    assert_status(open_status(h5), GCR_EFORMAT);
    assert_error_mentions("results.h5 is damaged, or no results of gridcrunch");
}

static void test_a_file_cut_short_anywhere_is_refused(void **state)
{
    struct stat info;

    (void)state;
    assert_int_equal(stat(h5, &info), 0);
    for (off_t size = info.st_size - 1; size >= 0; size -= 61) {
        assert_int_equal(truncate(h5, size), 0);
        assert_status(open_status(h5), GCR_EFORMAT);
        assert_error_mentions("results.h5");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, write_fixture, remove_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_that_is_not_there_is_named),
        TEST(test_a_folder_without_results_is_said_to_be_one),
        TEST(test_a_file_that_is_no_hdf5_is_refused),
        TEST(test_an_hdf5_file_of_others_is_refused),
        TEST(test_a_newer_schema_asks_for_a_newer_gridcrunch),
        TEST(test_a_schema_that_is_a_list_is_refused),
        TEST(test_a_kernel_that_is_a_list_is_refused),
        TEST(test_a_fact_that_is_a_list_of_texts_is_refused),
        TEST(test_a_fact_that_is_a_list_of_numbers_is_refused),
        TEST(test_arrays_that_disagree_are_refused),
        TEST(test_a_state_that_does_not_exist_is_refused_when_it_is_read),
        TEST(test_an_array_that_claims_to_be_larger_than_its_file_is_refused),
        TEST(test_a_file_that_lacks_a_part_is_refused_with_its_name),
        TEST(test_a_file_cut_short_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
