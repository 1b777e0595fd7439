/* tests/unit/data/test_source_files.c -- which files are read, in which order. */
#include "table_test.h"

static const gcr_data_spec keyed = { .key = (char *)"k", .y = (char *)"y" };
static const gcr_data_spec plain = { .y = (char *)"y" };

static void write_tables(void)
{
    write_file("b.csv", TEXT("k,x,y\nb,1,2\na,3,4\n"));
    write_file("a10.csv", TEXT("k,y,x\na,5,6\n"));
    write_file("a9.csv", TEXT("k,x,y\nc,7,8\n"));
}

static void test_a_pattern_gives_its_files_in_the_order_of_their_bytes(void **state)
{
    char *sources[] = { (char *)"*.csv", NULL };
    gcr_datasets datasets;

    (void)state;
    write_tables();
    assert_ok(load_sources(&datasets, &keyed, sources));
    assert_int_equal(datasets.count, 3);
    assert_string_equal(datasets.items[0].key, "a");
    assert_string_equal(datasets.items[1].key, "c");
    assert_string_equal(datasets.items[2].key, "b");
    gcr_datasets_clear(&datasets);
}

static void test_rows_of_one_key_are_joined_across_files_by_column_name(void **state)
{
    char *sources[] = { (char *)"*.csv", NULL };
    gcr_datasets datasets;

    (void)state;
    write_tables();
    assert_ok(load_sources(&datasets, &keyed, sources));
    assert_column(datasets.items[0].x, (double[]){ 6, 3 }, 2);
    assert_column(datasets.items[0].y, (double[]){ 5, 4 }, 2);
    gcr_datasets_clear(&datasets);
}

static void test_sources_come_in_the_jobs_order(void **state)
{
    char *sources[] = { (char *)"b.csv", (char *)"a*.csv", NULL };
    gcr_datasets datasets;

    (void)state;
    write_tables();
    assert_ok(load_sources(&datasets, &keyed, sources));
    assert_string_equal(datasets.items[0].key, "b");
    gcr_datasets_clear(&datasets);
}

static void test_a_path_is_relative_to_the_jobs_folder(void **state)
{
    char *names[] = { (char *)"t?.csv" };
    gcr_job job = { .folder = (char *)"runs[1]", .data = plain };
    gcr_datasets datasets;

    (void)state;
    assert_int_equal(mkdir("runs[1]", 0700), 0);
    write_file("runs[1]/t1.csv", TEXT("x,y\n1,2\n"));
    job.data.sources = (gcr_name_list){ .names = names, .count = 1 };
    assert_ok(gcr_datasets_load(&datasets, &job));
    assert_string_equal(datasets.items[0].key, "t1");
    gcr_datasets_clear(&datasets);
}

static void test_an_absolute_path_is_itself(void **state)
{
    char path[128];
    char *names[] = { path };
    gcr_job job = { .folder = (char *)"elsewhere", .data = keyed };
    gcr_datasets datasets;

    (void)state;
    write_tables();
    snprintf(path, sizeof path, "%s/b.csv", table_folder);
    job.data.sources = (gcr_name_list){ .names = names, .count = 1 };
    assert_ok(gcr_datasets_load(&datasets, &job));
    gcr_datasets_clear(&datasets);
}

static void test_a_name_with_the_signs_of_a_pattern_is_taken_as_it_is(void **state)
{
    char *sources[] = { (char *)"what[1]?.csv", NULL };
    gcr_datasets datasets;

    (void)state;
    write_file("what[1]?.csv", TEXT("x,y\n1,2\n"));
    assert_ok(load_sources(&datasets, &plain, sources));
    assert_string_equal(datasets.items[0].key, "what[1]?");
    gcr_datasets_clear(&datasets);
}

static void test_a_file_without_rows_is_skipped_by_name(void **state)
{
    char *sources[] = { (char *)"f1.csv", (char *)"f2.csv", NULL };
    gcr_datasets datasets;

    (void)state;
    write_file("f1.csv", TEXT("x,y\n"));
    write_file("f2.csv", TEXT("x,y\n1,2\n"));
    assert_ok(load_sources(&datasets, &plain, sources));
    assert_int_equal(datasets.count, 1);
    assert_string_equal(datasets.skipped[0].key, "f1");
    assert_string_equal(datasets.skipped[0].reason, "no rows");
    gcr_datasets_clear(&datasets);
}

/* ---- bad input ------------------------------------------------------------------------------- */

static void assert_sources_refused(const gcr_data_spec *spec, char *const *sources,
                                   gcr_status expected, const char *sentence)
{
    const gcr_datasets empty = { 0 };
    gcr_datasets datasets;
    const gcr_status got = load_sources(&datasets, spec, sources);

    assert_string_equal(gcr_status_name(got), gcr_status_name(expected));
    assert_string_equal(gcr_last_error(), sentence);
    assert_memory_equal(&datasets, &empty, sizeof empty);
}

static void test_a_pattern_that_matches_nothing_is_named(void **state)
{
    char *sources[] = { (char *)"*.nothing", NULL };

    (void)state;
    assert_sources_refused(&plain, sources, GCR_EINVAL, "no file matches '*.nothing'");
}

static void test_a_file_that_is_not_there_gets_the_nearest_name(void **state)
{
    char *sources[] = { (char *)"fertilty.csv", NULL };

    (void)state;
    write_file("fertility.csv", TEXT("x,y\n"));
    assert_sources_refused(&plain, sources, GCR_EINVAL,
                           "there is no file 'fertilty.csv' (did you mean 'fertility.csv'?)");
}

static void test_a_missing_source_is_reported_where_the_job_names_it(void **state)
{
    char *names[] = { (char *)"q/zzzzzzzz" };
    gcr_mark marks[] = { { .source = "job.yaml", .line = 3, .column = 9 } };
    gcr_job job = { .folder = (char *)"." };
    gcr_datasets datasets;

    (void)state;
    job.data.sources = (gcr_name_list){ .names = names, .marks = marks, .count = 1 };
    assert_status(gcr_datasets_load(&datasets, &job), GCR_EINVAL);
    assert_string_equal(gcr_last_error(), "job.yaml:3:9: there is no file 'q/zzzzzzzz'");
}

static void test_a_file_that_two_sources_name_is_refused(void **state)
{
    char *sources[] = { (char *)"b.csv", (char *)"b*.csv", NULL };

    (void)state;
    write_tables();
    assert_sources_refused(&keyed, sources, GCR_EINVAL, "the sources name b.csv twice");
}

static void test_a_file_that_is_named_in_two_ways_is_refused(void **state)
{
    char *dotted[] = { (char *)"b.csv", (char *)"./b.csv", NULL };
    char *linked[] = { (char *)"link.csv", (char *)"b.csv", NULL };

    (void)state;
    write_tables();
    assert_sources_refused(&keyed, dotted, GCR_EINVAL,
                           "the sources name one file twice: ./b.csv and b.csv");
    unlink("link.csv");
    assert_int_equal(symlink("b.csv", "link.csv"), 0);
    assert_sources_refused(&keyed, linked, GCR_EINVAL,
                           "the sources name one file twice: b.csv and link.csv");
    unlink("link.csv");
}

static void test_two_files_of_one_stem_are_refused(void **state)
{
    char *sources[] = { (char *)"s.csv", (char *)"s.tsv", NULL };

    (void)state;
    write_file("s.csv", TEXT("x,y\n1,2\n"));
    write_file("s.tsv", TEXT("x\ty\n1\t2\n"));
    assert_sources_refused(&plain, sources, GCR_EINVAL,
                           "s.csv and s.tsv would both be the dataset 's'; rename one, or name a "
                           "key column");
}

static void test_a_folder_as_a_source_is_refused(void **state)
{
    char *sources[] = { (char *)"dir", NULL };

    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_sources_refused(&plain, sources, GCR_EUNREADABLE,
                           "dir is a folder; name the files in it, for example dir/*.csv");
}

static void test_a_mistake_names_the_file_it_is_in(void **state)
{
    char *sources[] = { (char *)"m1.csv", (char *)"m2.csv", NULL };

    (void)state;
    write_file("m1.csv", TEXT("k,x,y\na,1,2\n"));
    write_file("m2.csv", TEXT("k,x,y\na,1,2\na,1,x\n"));
    assert_sources_refused(&keyed, sources, GCR_EFORMAT,
                           "m2.csv:3:3: 'x' is not a number (column 'y'); turn words into numbers, "
                           "or name in `missing` what means no value");
}

static void test_files_must_have_the_same_features(void **state)
{
    char *sources[] = { (char *)"n1.csv", (char *)"n2.csv", NULL };

    (void)state;
    write_file("n1.csv", TEXT("k,x,y\na,1,2\n"));
    write_file("n2.csv", TEXT("k,x,y,z\na,1,2,3\n"));
    assert_sources_refused(&keyed, sources, GCR_EINVAL,
                           "n2.csv has a column 'z' that n1.csv does not have");
    write_file("n2.csv", TEXT("k,y\na,1\n"));
    assert_sources_refused(&keyed, sources, GCR_EINVAL, "n2.csv has no column 'x' (known: k, y)");
}

static void test_a_job_without_sources_is_refused(void **state)
{
    char *sources[] = { NULL };

    (void)state;
    assert_sources_refused(&plain, sources, GCR_EINVAL, "the job names no source of data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pattern_gives_its_files_in_the_order_of_their_bytes),
        cmocka_unit_test(test_rows_of_one_key_are_joined_across_files_by_column_name),
        cmocka_unit_test(test_sources_come_in_the_jobs_order),
        cmocka_unit_test(test_a_path_is_relative_to_the_jobs_folder),
        cmocka_unit_test(test_an_absolute_path_is_itself),
        cmocka_unit_test(test_a_name_with_the_signs_of_a_pattern_is_taken_as_it_is),
        cmocka_unit_test(test_a_file_without_rows_is_skipped_by_name),
        cmocka_unit_test(test_a_pattern_that_matches_nothing_is_named),
        cmocka_unit_test(test_a_file_that_is_not_there_gets_the_nearest_name),
        cmocka_unit_test(test_a_missing_source_is_reported_where_the_job_names_it),
        cmocka_unit_test(test_a_file_that_two_sources_name_is_refused),
        cmocka_unit_test(test_a_file_that_is_named_in_two_ways_is_refused),
        cmocka_unit_test(test_two_files_of_one_stem_are_refused),
        cmocka_unit_test(test_a_folder_as_a_source_is_refused),
        cmocka_unit_test(test_a_mistake_names_the_file_it_is_in),
        cmocka_unit_test(test_files_must_have_the_same_features),
        cmocka_unit_test(test_a_job_without_sources_is_refused),
    };
    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
