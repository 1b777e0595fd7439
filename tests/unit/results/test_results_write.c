/* Writing: both files or neither, whatever the disk does, and the same bytes for the same
 * results. */
#include "support/gcr_test.h"

#include "support/results_fixture.h"
#include "support/test_folder.h"

#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct place {
    results_fixture fixture;
    char folder[64];
    char h5[96], csv[96];
} place;

static int open_place(void **state)
{
    place *p = calloc(1, sizeof *p);

    if (p == NULL || fixture_create(&p->fixture) != GCR_OK)
        return -1;
    strcpy(p->folder, "/tmp/gcr_results_XXXXXX");
    if (mkdtemp(p->folder) == NULL)
        return -1;
    snprintf(p->h5, sizeof p->h5, "%s/results.h5", p->folder);
    snprintf(p->csv, sizeof p->csv, "%s/summary.csv", p->folder);
    *state = p;
    return 0;
}

static int close_place(void **state)
{
    place *p = *state;

    fixture_destroy(&p->fixture);
    unlink(p->h5);
    unlink(p->csv);
    rmdir(p->folder);
    free(p);
    return 0;
}

static int count_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static char *read_whole(const char *path, size_t *bytes_out)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    char *bytes = NULL;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    *bytes_out = (size_t)info.st_size;
    bytes = calloc(1, *bytes_out + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *bytes_out, file), *bytes_out);
    fclose(file);
    return bytes;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* ---- what is in the files ------------------------------------------------------------------- */

static void test_what_was_written_is_read_back(void **state)
{
    place *p = *state;
    gcr_results_file *file = NULL;
    double lml[6], weights[12];
    uint8_t states[6];

    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    assert_ok(gcr_results_open(&file, p->folder));
    assert_int_equal(gcr_results_dataset_count(file), 3);
    assert_string_equal(gcr_results_dataset_key(file, 0), "Korea, \"Rep.\"");
    assert_int_equal(gcr_results_points(file)->axis_count, 2);
    assert_string_equal(gcr_results_points(file)->axes[1].name, "noise");
    assert_memory_equal(gcr_results_points(file)->axes[1].values, p->fixture.noises, 24);
    assert_int_equal(gcr_results_points(file)->point_count, 6);
    assert_int_equal(gcr_results_output_count(file), 2);
    assert_string_equal(gcr_results_output_name(file, 1), "weights");
    assert_int_equal(gcr_results_output_width(file, 0), 1);
    assert_int_equal(gcr_results_output_width(file, 1), 2);
    for (uint64_t d = 0; d < 3; d++) {
        assert_ok(gcr_results_read_values(file, d, 0, lml));
        assert_memory_equal(lml, p->fixture.slots->values[0] + 6 * d, sizeof lml);
        assert_ok(gcr_results_read_values(file, d, 1, weights));
        assert_memory_equal(weights, p->fixture.slots->values[1] + 12 * d, sizeof weights);
        assert_ok(gcr_results_read_states(file, d, states));
        assert_memory_equal(states, p->fixture.slots->state + 6 * d, sizeof states);
    }
    gcr_results_close(file);
}

static void test_the_detail_of_a_failed_cell_survives_in_its_nan(void **state)
{
    place *p = *state;
    gcr_results_file *file = NULL;
    double lml[6];

    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    assert_ok(gcr_results_open(&file, p->h5));
    assert_ok(gcr_results_read_values(file, 0, 0, lml));
    assert_int_equal(gcr_cell_detail(lml[0]), 2);
    assert_ok(gcr_results_read_values(file, 2, 0, lml));
    assert_string_equal(gcr_results_fault(file, gcr_cell_detail(lml[0])), "the dataset has no y");
    assert_string_equal(gcr_results_fault(file, 0), "");
    assert_string_equal(gcr_results_fault(file, 2), "");
    gcr_results_close(file);
}

static void test_summaries_and_top_are_read_back(void **state)
{
    place *p = *state;
    gcr_results_file *file = NULL;

    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    assert_ok(gcr_results_open(&file, p->folder));
    assert_int_equal(gcr_results_summary_count(file), 4);
    assert_string_equal(gcr_results_summary_name(file, 2), "middle");
    assert_string_equal(gcr_results_summary_text(file, 2), "quantile(lml, 0.5)");
    for (uint64_t d = 0; d < 3; d++) {
        for (int s = 0; s < 4; s++) {
            const gcr_summary_value got = gcr_results_summary(file, d, s);
            const gcr_summary_value want = gcr_summaries_get(p->fixture.reduced, d, s);

            assert_memory_equal(&got, &want, sizeof got);
        }
        for (int rank = 0; rank < 2; rank++) {
            const gcr_summary_value got = gcr_results_top(file, d, rank);
            const gcr_summary_value want = gcr_summaries_top(p->fixture.reduced, d, rank);

            assert_memory_equal(&got, &want, sizeof got);
        }
    }
    assert_int_equal(gcr_results_top_count(file), 2);
    assert_int_equal(gcr_results_top_of(file), 0);
    gcr_results_close(file);
}

static void test_the_run_is_read_back(void **state)
{
    place *p = *state;
    gcr_results_file *file = NULL;

    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    assert_ok(gcr_results_open(&file, p->folder));
    assert_string_equal(gcr_results_kernel_name(file), "fixture");
    assert_string_equal(gcr_results_job_text(file), p->fixture.job.text);
    assert_int_equal(gcr_results_fact_count(file), 3);
    assert_string_equal(gcr_results_fact(file, 0).name, "host");
    assert_string_equal(gcr_results_fact(file, 0).text, "a\nb");
    assert_string_equal(gcr_results_fact(file, 1).name, "kind");
    assert_null(gcr_results_fact(file, 2).text);
    assert_true(gcr_results_fact(file, 2).number == 1.5);
    assert_int_equal(gcr_results_skipped_count(file), 1);
    assert_string_equal(gcr_results_skipped_key(file, 0), "Nowhere");
    assert_string_equal(gcr_results_skipped_reason(file, 0), "no value in any of 54 rows");
    gcr_results_close(file);
}

static void test_minor_and_jitter_are_there_only_where_they_mean_something(void **state)
{
    place *p = *state;
    hid_t file;

    p->fixture.slots->state[0] = GCR_CELL_NAN_OUT;
    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    file = H5Fopen(p->h5, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_int_equal(H5Lexists(file, "minor", H5P_DEFAULT), 0);
    assert_int_equal(H5Lexists(file, "jitter", H5P_DEFAULT), 1);
    H5Fclose(file);
}

static void test_the_names_in_the_file_are_those_that_were_checked(void **state)
{
    place *p = *state;
    H5G_info_t info;
    hid_t file;

    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    file = H5Fopen(p->h5, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(H5Gget_info(file, &info) >= 0);
    for (hsize_t i = 0; i < info.nlinks; i++) {
        char name[64];

        assert_true(H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                                       H5P_DEFAULT) > 0);
        /* A summary of any name that is taken is refused; its own names are taken by itself. */
        p->fixture.summaries[3].name = name;
        if (strncmp(name, "average", 7) != 0)
            assert_status(gcr_results_check_names(&p->fixture.job, &fixture_kernel), GCR_EINVAL);
    }
    H5Fclose(file);
}

static void test_two_writes_of_the_same_results_give_the_same_bytes(void **state)
{
    place *p = *state;
    size_t first_bytes, second_bytes;
    char *first = NULL, *second = NULL;

    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    first = read_whole(p->h5, &first_bytes);
    sleep(1); /* a time stamp would differ now */
    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    second = read_whole(p->h5, &second_bytes);
    assert_int_equal(first_bytes, second_bytes);
    assert_memory_equal(first, second, first_bytes);
    free(first);
    free(second);
}

static void test_a_row_of_the_csv_is_quoted_and_exact(void **state)
{
    place *p = *state;
    size_t bytes;
    char *text = NULL;

    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    text = read_whole(p->csv, &bytes);
    assert_non_null(strstr(text, "\n\"Korea, \"\"Rep.\"\"\",10,0,-1,1,0.2,1,-4,2,0.2,1,"));
    assert_non_null(strstr(text, "\nM\\xfcller,12,2,,,,5,,,,5,,5,,5,0,5\n"));
    free(text);
}

/* ---- old files ------------------------------------------------------------------------------ */

static void test_old_files_are_replaced_and_nothing_else_is_left(void **state)
{
    place *p = *state;
    size_t bytes;
    char *text = NULL;

    write_text(p->csv, "old");
    assert_ok(gcr_results_write(&p->fixture.results, p->folder, 0));
    text = read_whole(p->csv, &bytes);
    assert_int_equal(strncmp(text, "dataset,rows,dropped,best,", 26), 0);
    assert_int_equal(count_entries(p->folder), 2);
    free(text);
}

static void test_a_temporary_file_of_a_dead_process_is_no_obstacle(void **state)
{
    place *p = *state;
    char temporary[128];

    snprintf(temporary, sizeof temporary, "%s/.results.h5.%ld.tmp", p->folder, (long)getpid());
    write_text(temporary, "half");
    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    assert_int_equal(count_entries(p->folder), 2);
}

static void test_a_folder_that_is_not_there_is_named(void **state)
{
    place *p = *state;

    assert_status(gcr_results_write(&p->fixture.results, "/tmp/no/such/folder", GCR_WRITE_UNSYNCED),
                  GCR_EIO);
    assert_error_mentions("/tmp/no/such/folder/results.h5: No such file or directory");
}

/* ---- a disk that is full -------------------------------------------------------------------- */

/* In a process of its own, because limits and HDF5's way of dying at exit belong to one: writes
 * with files limited to `limit` bytes. Exit code 0: written; 1: refused as it should be. */
static int write_with_limit(const place *p, rlim_t limit)
{
    const pid_t child = fork();
    int how = 0;

    if (child == 0) {
        const struct rlimit at_most = { limit, limit };
        const int before = count_descriptors();
        gcr_status status;

        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &at_most) != 0)
            exit(3);
        status = gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED);
        if (status == GCR_OK)
            exit(0);
        if (status != GCR_EIO || strstr(gcr_last_error(), "File too large") == NULL ||
            strstr(gcr_last_error(), p->folder) == NULL || count_descriptors() != before)
            exit(4);
        exit(1); /* by way of HDF5's own exit */
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void test_a_write_that_fails_at_any_byte_leaves_the_old_files_and_no_other(void **state)
{
    place *p = *state;
    struct stat info;
    rlim_t whole;

    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    assert_int_equal(stat(p->h5, &info), 0);
    whole = (rlim_t)info.st_size;
    write_text(p->h5, "old results");
    write_text(p->csv, "old summary");
    for (rlim_t limit = 0; limit < whole; limit += 499) {
        size_t bytes;
        char *h5 = NULL, *csv = NULL;

        assert_int_equal(write_with_limit(p, limit), 1);
        h5 = read_whole(p->h5, &bytes);
        csv = read_whole(p->csv, &bytes);
        assert_string_equal(h5, "old results");
        assert_string_equal(csv, "old summary");
        assert_int_equal(count_entries(p->folder), 2);
        free(h5);
        free(csv);
    }
    assert_int_equal(write_with_limit(p, whole + (1 << 20)), 0);
}

/* The fixture's run with `keep: summary`, written and opened. */
static void write_kept_summaries(gcr_results_file **out, place *p)
{
    fixture_destroy(&p->fixture);
    assert_ok(fixture_create_keep(&p->fixture, GCR_KEEP_SUMMARY));
    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    assert_ok(gcr_results_open(out, p->folder));
}

static void test_where_summaries_are_kept_the_file_has_no_cells(void **state)
{
    static const char *const gone[] = { "lml",    "weights", "weights_index",
                                        "status", "minor",   "jitter" };
    gcr_results_file *file;
    uint8_t states[6];

    write_kept_summaries(&file, *state);
    assert_false(gcr_results_keeps_cells(file));
    assert_int_equal(gcr_results_points(file)->point_count, 6);
    assert_int_equal(gcr_results_points(file)->axis_count, 2);
    assert_string_equal(gcr_results_points(file)->axes[1].name, "noise");
    assert_true(gcr_results_points(file)->axes[1].values[2] == 0.1 * 3);
    assert_int_equal(gcr_results_summary(file, 1, 0).point, 0);
    assert_true(gcr_results_summary(file, 1, 0).value == 10);
    assert_int_equal(gcr_results_top(file, 1, 1).point, 1);
    assert_status(gcr_results_read_states(file, 0, states), GCR_EINVAL);
    assert_error_mentions("has no cells: its job says `keep: summary`");
    gcr_results_close(file);
    const hid_t h5 = H5Fopen(((place *)*state)->h5, H5F_ACC_RDONLY, H5P_DEFAULT);

    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_int_equal(H5Lexists(h5, gone[i], H5P_DEFAULT), 0);
    H5Fclose(h5);
}

static void test_where_summaries_are_kept_states_are_counted_and_failures_named(void **state)
{
    gcr_results_file *file;
    gcr_failed_cell cell;
    uint64_t counts[GCR_CELL_STATE_COUNT];

    write_kept_summaries(&file, *state);
    gcr_results_count(file, 0, counts);
    assert_int_equal(counts[GCR_CELL_OK], 3);
    assert_int_equal(counts[GCR_CELL_OK_JITTER], 1);
    assert_int_equal(counts[GCR_CELL_NOT_SPD], 1);
    assert_int_equal(counts[GCR_CELL_EXCLUDED], 1);
    assert_true(gcr_results_failed(file, 0, 0, &cell));
    assert_int_equal(cell.point, 0);
    assert_int_equal(cell.state, GCR_CELL_NOT_SPD);
    assert_int_equal(cell.detail, 2);
    assert_false(gcr_results_failed(file, 0, 1, &cell));
    assert_false(gcr_results_failed(file, 1, 0, &cell));
    assert_true(gcr_results_failed(file, 2, 3, &cell));
    assert_int_equal(cell.point, 3);
    assert_int_equal(cell.detail, 1);
    assert_false(gcr_results_failed(file, 2, 4, &cell));
    gcr_results_close(file);
}

static void test_the_csv_is_the_same_whatever_is_kept(void **state)
{
    place *p = *state;
    gcr_results_file *file;
    size_t bytes;
    char *all, *summary;

    assert_ok(gcr_results_write(&p->fixture.results, p->folder, GCR_WRITE_UNSYNCED));
    all = read_whole(p->csv, &bytes);
    write_kept_summaries(&file, p);
    gcr_results_close(file);
    summary = read_whole(p->csv, &bytes);
    assert_string_equal(all, summary);
    free(all);
    free(summary);
}

/* Large enough for HDF5 to write while it works, not only at the end. */
static void test_a_full_disk_under_many_names_is_survived(void **state)
{
    enum { NAMES = 20000 };
    place *p = *state;
    results_fixture *f = &p->fixture;
    gcr_dataset *items = calloc(NAMES, sizeof *items);
    const gcr_slots_spec spec = {
        .points = &f->points,
        .dataset_count = NAMES,
        .output_count = 2,
        .width = (const int64_t[]){ 1, 2 },
        .has_jitter = 1,
    };
    static const int output[4] = { 0, 0, 0, 0 };
    struct stat info;

    assert_non_null(items);
    for (int d = 0; d < NAMES; d++)
        items[d] = f->items[d % 3];
    fixture_destroy(f);
    assert_ok(gcr_slots_create(&f->slots, &spec));
    const gcr_summaries_spec summaries = {
        .summaries = f->summaries,
        .output = output,
        .summary_count = 4,
        .top = 2,
        .slots = f->slots,
        .points = &f->points,
    };

    assert_ok(gcr_summaries_create(&f->reduced, &summaries, 1));
    f->slots->state[7] = GCR_CELL_NOT_SPD;
    f->datasets.items = items;
    f->datasets.count = NAMES;
    f->results.slots = f->slots;
    f->results.summaries = f->reduced;
    assert_ok(gcr_results_write(&f->results, p->folder, GCR_WRITE_UNSYNCED));
    assert_int_equal(stat(p->h5, &info), 0);
    for (rlim_t limit = 1000; limit < (rlim_t)info.st_size; limit += (rlim_t)info.st_size / 20)
        assert_int_equal(write_with_limit(p, limit), 1);
    free(items);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_written_is_read_back),
        TEST(test_the_detail_of_a_failed_cell_survives_in_its_nan),
        TEST(test_summaries_and_top_are_read_back),
        TEST(test_the_run_is_read_back),
        TEST(test_minor_and_jitter_are_there_only_where_they_mean_something),
        TEST(test_the_names_in_the_file_are_those_that_were_checked),
        TEST(test_two_writes_of_the_same_results_give_the_same_bytes),
        TEST(test_a_row_of_the_csv_is_quoted_and_exact),
        TEST(test_old_files_are_replaced_and_nothing_else_is_left),
        TEST(test_a_temporary_file_of_a_dead_process_is_no_obstacle),
        TEST(test_a_folder_that_is_not_there_is_named),
        TEST(test_a_write_that_fails_at_any_byte_leaves_the_old_files_and_no_other),
        TEST(test_where_summaries_are_kept_the_file_has_no_cells),
        TEST(test_where_summaries_are_kept_states_are_counted_and_failures_named),
        TEST(test_the_csv_is_the_same_whatever_is_kept),
        TEST(test_a_full_disk_under_many_names_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
