/* tests/unit/data/test_job_file.c -- a job file as a whole, and the keys at its top. */
#include "unit/data/job_test.h"

#include "gridcrunch/dataset.h"

#include <stdio.h>
#include <unistd.h>

/* ---- the main job ---------------------------------------------------------------------------- */

static gcr_job fertility;

static int load_fertility(void **state)
{
    (void)state;
    return gcr_job_load(&fertility, GCR_EXAMPLES "/fertility.yaml", NULL, 0);
}

static int clear_fertility(void **state)
{
    (void)state;
    gcr_job_clear(&fertility);
    return 0;
}

static void test_the_main_job_names_its_data(void **state)
{
    const gcr_data_spec *data = &fertility.data;

    (void)state;
    assert_int_equal(data->sources.count, 1);
    assert_string_equal(data->sources.names[0], "fertility.csv");
    assert_int_equal(data->layout, GCR_LAYOUT_WIDE);
    assert_string_equal(data->key, "Country Name");
    assert_int_equal(data->skip.count, 3);
    assert_string_equal(data->skip.names[0], "Country Code");
    assert_string_equal(data->skip.names[1], "Indicator Name");
    assert_string_equal(data->skip.names[2], "Indicator Code");
    assert_int_equal(data->standardize, GCR_STANDARDIZE_Y);
}

static void test_the_main_job_leaves_the_rest_of_data_at_its_defaults(void **state)
{
    const gcr_data_spec *data = &fertility.data;

    (void)state;
    assert_int_equal(data->synthetic.datasets, 0);
    assert_int_equal(data->x.count, 0);
    assert_int_equal(data->missing.count, 0);
    assert_null(data->y);
    assert_null(data->x_format);
    assert_int_equal(data->x_by_position, 0);
    assert_int_equal(data->delimiter, 0);
}

static void assert_axis(const gcr_axis_spec *axis, const char *name, gcr_axis_form form,
                        const double *numbers, uint64_t count)
{
    assert_string_equal(axis->name, name);
    assert_int_equal(axis->form, form);
    assert_int_equal(axis->number_count, count);
    assert_memory_equal(axis->numbers, numbers, count * sizeof *numbers);
}

static void test_the_main_job_has_three_axes_in_the_order_of_the_file(void **state)
{
    (void)state;
    assert_int_equal(fertility.axis_count, 3);
    assert_axis(&fertility.axes[0], "lengthscale", GCR_AXIS_GEOMSPACE,
                (const double[]){ 0.5, 60, 24 }, 3);
    assert_axis(&fertility.axes[1], "noise", GCR_AXIS_GEOMSPACE, (const double[]){ 1e-3, 1, 12 },
                3);
    assert_axis(&fertility.axes[2], "variance", GCR_AXIS_LIST, (const double[]){ 0.25, 1, 4 }, 3);
}

static void test_the_main_job_names_kernel_options_and_seed(void **state)
{
    (void)state;
    assert_string_equal(fertility.name, "fertility");
    assert_string_equal(fertility.kernel, "gp");
    assert_int_equal(fertility.option_count, 1);
    assert_string_equal(fertility.options[0].name, "covariance");
    assert_string_equal(fertility.options[0].value, "matern52");
    assert_int_equal(fertility.seed, 1);
}

static void test_the_main_job_asks_for_the_best_and_the_top_three(void **state)
{
    (void)state;
    assert_int_equal(fertility.summary_count, 1);
    assert_string_equal(fertility.summaries[0].name, "best");
    assert_int_equal(fertility.summaries[0].op, GCR_SUMMARY_ARGMAX);
    assert_string_equal(fertility.summaries[0].output, "lml");
    assert_int_equal(fertility.top, 3);
    assert_int_equal(fertility.nan_propagates, 0);
}

static void test_the_main_job_leaves_the_run_to_gridcrunch(void **state)
{
    (void)state;
    assert_string_equal(fertility.device, "auto");
    assert_int_equal(fertility.schedule, GCR_SCHEDULE_AUTO);
    assert_int_equal(fertility.batch, 0);
    assert_int_equal(fertility.threads, 0);
    assert_int_equal(fertility.jitter_count, 0);
    assert_true(fertility.max_seconds == 0);
    assert_null(fertility.output_folder);
    assert_null(fertility.where);
}

static void test_marks_say_where_a_word_was_written(void **state)
{
    (void)state;
    assert_string_equal(fertility.axes[1].mark.source, GCR_EXAMPLES "/fertility.yaml");
    assert_int_equal(fertility.axes[1].mark.line, 8);
    assert_int_equal(fertility.axes[1].mark.column, 3);
    assert_int_equal(fertility.axes[1].values_mark.column, 16);
    assert_int_equal(fertility.summaries[0].output_mark.line, 10);
    assert_int_equal(fertility.summaries[0].output_mark.column, 24);
}

static void test_the_text_is_kept_byte_for_byte(void **state)
{
    char text[4096] = { 0 };
    FILE *file = fopen(GCR_EXAMPLES "/fertility.yaml", "r");

    (void)state;
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_string_equal(fertility.text, text);
}

static void test_path_and_folder_are_kept(void **state)
{
    (void)state;
    assert_string_equal(fertility.path, GCR_EXAMPLES "/fertility.yaml");
    assert_string_equal(fertility.folder, GCR_EXAMPLES);
}

static void test_every_example_is_a_job(void **state)
{
    static const char *const names[] = { "co2", "elnino", "nile", "sunspots" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        gcr_job job;

        snprintf(path, sizeof path, GCR_EXAMPLES "/%s.yaml", names[i]);
        assert_ok(gcr_job_load(&job, path, NULL, 0));
        assert_string_equal(job.name, names[i]);
        gcr_job_clear(&job);
    }
}

/* ---- the keys at the top --------------------------------------------------------------------- */

static void test_a_job_without_a_grid_is_one_point(void **state)
{
    gcr_job job = job_of(JOB(""));

    (void)state;
    assert_int_equal(job.axis_count, 0);
    gcr_job_clear(&job);
}

static void test_keys_without_a_value_are_empty_mappings(void **state)
{
    gcr_job job = job_of(JOB("grid:\noptions:\nsummary:\nrun:\noutput: {}\n"));

    (void)state;
    assert_int_equal(job.axis_count + job.option_count + job.summary_count, 0);
    gcr_job_clear(&job);
}

static void test_json_is_a_job_file(void **state)
{
    gcr_job job = job_of("{\"name\": \"t\", \"data\": {\"source\": \"a.csv\"}, \"kernel\": \"gp\","
                         " \"seed\": 7}");

    (void)state;
    assert_int_equal(job.seed, 7);
    gcr_job_clear(&job);
}

static void test_a_file_in_no_folder_is_in_the_current_one(void **state)
{
    gcr_job job;

    (void)state;
    assert_ok(gcr_job_parse(&job, "t.yaml", JOB(""), NULL, 0));
    assert_string_equal(job.folder, ".");
    gcr_job_clear(&job);
}

static void test_a_file_in_the_root_folder_is_in_the_root_folder(void **state)
{
    gcr_job job;

    (void)state;
    assert_ok(gcr_job_parse(&job, "/t.yaml", JOB(""), NULL, 0));
    assert_string_equal(job.folder, "/");
    gcr_job_clear(&job);
}

static void test_the_largest_seed_fits(void **state)
{
    gcr_job job = job_of(JOB("seed: 18446744073709551615\n"));

    (void)state;
    assert_true(job.seed == UINT64_MAX);
    gcr_job_clear(&job);
}

static void test_option_values_are_kept_as_written(void **state)
{
    gcr_job job = job_of(JOB("options: {folds: 0x5, flag: no, text: \"1_0\"}\n"));

    (void)state;
    assert_string_equal(job.options[0].value, "0x5");
    assert_string_equal(job.options[1].value, "no");
    assert_string_equal(job.options[2].value, "1_0");
    assert_int_equal(job.options[2].value_mark.column, 39);
    gcr_job_clear(&job);
}

static void test_where_is_kept_with_the_place_of_its_first_letter(void **state)
{
    gcr_job job = job_of(JOB("where: \"noise < 1\"\n"));

    (void)state;
    assert_string_equal(job.where, "noise < 1");
    assert_int_equal(job.where_mark.line, 4);
    assert_int_equal(job.where_mark.column, 9);
    gcr_job_clear(&job);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static void test_a_misspelt_key_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_invalid("name: t\ndata: {source: a.csv}\nkernal: gp\n",
                   "t.yaml:3:1: unknown key 'kernal' (did you mean 'kernel'?)");
}

static void test_a_key_that_resembles_none_lists_what_there_is(void **state)
{
    (void)state;
    assert_invalid(JOB("zebra: 1\n"),
                   "t.yaml:4:1: unknown key 'zebra' (known: name, data, kernel, options, seed, "
                   "grid, where, summary, run, output)");
}

static void test_a_missing_name_is_named(void **state)
{
    (void)state;
    assert_invalid("data: {source: a.csv}\nkernel: gp\n", "t.yaml:1:1: the key 'name' is missing");
}

static void test_a_missing_kernel_is_named(void **state)
{
    (void)state;
    assert_invalid("name: t\ndata: {source: a.csv}\n", "t.yaml:1:1: the key 'kernel' is missing");
}

static void test_missing_data_is_named_when_it_is_to_be_loaded(void **state)
{
    gcr_job job = job_of("name: t\nkernel: gp\n");
    gcr_datasets datasets;

    (void)state;
    assert_status(gcr_datasets_load(&datasets, &job), GCR_EINVAL);
    assert_string_equal(gcr_last_error(), "jobs/t.yaml:1:1: the key 'data' is missing");
    gcr_job_clear(&job);
}

static void test_a_key_given_twice_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("seed: 1\nseed: 2\n"),
                   "t.yaml:5:1: the key 'seed' is given twice (first in line 4)");
}

#define NAME_WANTED                                                                                \
    "'name' takes a name for the run folder (letters, digits, '.', '_' and '-', not a '.' "        \
    "first), "

static void test_a_name_with_a_slash_is_refused(void **state)
{
    (void)state;
    assert_invalid("name: a/b\n", "t.yaml:1:7: " NAME_WANTED "not 'a/b'");
}

static void test_a_name_that_begins_with_a_dot_is_refused(void **state)
{
    (void)state;
    assert_invalid("name: ..\n", "t.yaml:1:7: " NAME_WANTED "not '..'");
}

static void test_a_name_without_a_value_is_refused(void **state)
{
    (void)state;
    assert_invalid("name:\n",
                   "t.yaml:1:6: 'name' has no value here; it takes a name for the run folder "
                   "(letters, digits, '.', '_' and '-', not a '.' first)");
}

static void test_a_list_in_the_place_of_a_kernel_is_refused(void **state)
{
    (void)state;
    assert_invalid("kernel: [gp]\n", "t.yaml:1:9: 'kernel' takes the name of a kernel, not a list");
}

static void test_a_kernel_of_two_lines_is_refused_on_one(void **state)
{
    (void)state;
    assert_invalid("kernel: \"g\\np\"\n",
                   "t.yaml:1:9: 'kernel' takes the name of a kernel, not 'g p'");
}

static void test_text_in_the_place_of_options_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("options: rbf\n"), "t.yaml:4:10: 'options' is 'rbf' here; it must be a "
                                          "mapping from option names to values");
}

static void test_an_option_with_a_list_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("options: {folds: [1, 2]}\n"),
                   "t.yaml:4:18: 'folds' takes one value, not a list");
}

static void test_a_negative_seed_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("seed: -1\n"),
                   "t.yaml:4:7: 'seed' takes a whole number of 64 bits, not '-1'");
}

static void test_a_seed_of_more_than_64_bits_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("seed: 18446744073709551616\n"),
                   "t.yaml:4:7: 'seed' takes a whole number of 64 bits, not "
                   "'18446744073709551616'");
}

static void test_a_mapping_in_the_place_of_where_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("where: {noise: 1}\n"), "t.yaml:4:8: 'where' takes an expression such as "
                                               "noise < 0.5, not a mapping");
}

static void test_a_long_wrong_value_is_quoted_in_part_and_on_one_line(void **state)
{
    (void)state;
    assert_invalid(JOB("seed: \"a\\nbcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz "
                       "abcdefghi\xC3\xA9jkl\"\n"),
                   "t.yaml:4:7: 'seed' takes a whole number of 64 bits, not 'a "
                   "bcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz abcdefghi...'");
}

static void test_a_job_that_is_a_list_is_refused(void **state)
{
    (void)state;
    assert_invalid("- name: t\n",
                   "t.yaml:1:1: a job file must be a mapping with keys such as name, "
                   "data and kernel, not a list");
}

static void test_a_job_that_is_text_is_refused(void **state)
{
    (void)state;
    assert_invalid("fertility.csv", "t.yaml:1:1: a job file must be a mapping with keys such as "
                                    "name, data and kernel, not 'fertility.csv'");
}

/* ---- files that cannot be read --------------------------------------------------------------- */

static void test_a_file_that_is_not_there_is_unreadable(void **state)
{
    gcr_job job;

    (void)state;
    assert_sentence(gcr_job_load(&job, "/nowhere/t.yaml", NULL, 0), GCR_EUNREADABLE, &job,
                    "/nowhere/t.yaml: cannot read the job file: No such file or directory");
}

static void test_a_folder_is_unreadable(void **state)
{
    gcr_job job;

    (void)state;
    assert_sentence(gcr_job_load(&job, "/", NULL, 0), GCR_EUNREADABLE, &job,
                    "/: cannot read the job file: Is a directory");
}

static void test_a_file_without_end_is_refused(void **state)
{
    gcr_job job;

    (void)state;
    assert_sentence(gcr_job_load(&job, "/dev/zero", NULL, 0), GCR_EFORMAT, &job,
                    "/dev/zero: more than 1 MiB; a job file is not that large");
}

static void test_a_file_with_a_nul_byte_is_not_text(void **state)
{
    char path[] = "/tmp/gcr_job_XXXXXX", sentence[128];
    const int fd = mkstemp(path);
    gcr_job job;
    gcr_status status;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "name: t\nseed: \0001\n", 17), 17);
    close(fd);
    status = gcr_job_load(&job, path, NULL, 0);
    unlink(path);
    snprintf(sentence, sizeof sentence,
             "%s:2:7: not a text file: control characters are not allowed (0x00)", path);
    assert_sentence(status, GCR_EFORMAT, &job, sentence);
}

static void test_clearing_twice_or_nothing_is_harmless(void **state)
{
    gcr_job job = job_of(JOB("seed: 1\n"));

    (void)state;
    gcr_job_clear(&job);
    gcr_job_clear(&job);
    gcr_job_clear(NULL);
    assert_null(job.name);
}

int main(void)
{
    const struct CMUnitTest of_fertility[] = {
        cmocka_unit_test(test_the_main_job_names_its_data),
        cmocka_unit_test(test_the_main_job_leaves_the_rest_of_data_at_its_defaults),
        cmocka_unit_test(test_the_main_job_has_three_axes_in_the_order_of_the_file),
        cmocka_unit_test(test_the_main_job_names_kernel_options_and_seed),
        cmocka_unit_test(test_the_main_job_asks_for_the_best_and_the_top_three),
        cmocka_unit_test(test_the_main_job_leaves_the_run_to_gridcrunch),
        cmocka_unit_test(test_marks_say_where_a_word_was_written),
        cmocka_unit_test(test_the_text_is_kept_byte_for_byte),
        cmocka_unit_test(test_path_and_folder_are_kept),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_every_example_is_a_job),
        cmocka_unit_test(test_a_job_without_a_grid_is_one_point),
        cmocka_unit_test(test_keys_without_a_value_are_empty_mappings),
        cmocka_unit_test(test_json_is_a_job_file),
        cmocka_unit_test(test_a_file_in_no_folder_is_in_the_current_one),
        cmocka_unit_test(test_a_file_in_the_root_folder_is_in_the_root_folder),
        cmocka_unit_test(test_the_largest_seed_fits),
        cmocka_unit_test(test_option_values_are_kept_as_written),
        cmocka_unit_test(test_where_is_kept_with_the_place_of_its_first_letter),
        cmocka_unit_test(test_a_misspelt_key_is_named_with_the_nearest),
        cmocka_unit_test(test_a_key_that_resembles_none_lists_what_there_is),
        cmocka_unit_test(test_a_missing_name_is_named),
        cmocka_unit_test(test_a_missing_kernel_is_named),
        cmocka_unit_test(test_missing_data_is_named_when_it_is_to_be_loaded),
        cmocka_unit_test(test_a_key_given_twice_is_refused),
        cmocka_unit_test(test_a_name_with_a_slash_is_refused),
        cmocka_unit_test(test_a_name_that_begins_with_a_dot_is_refused),
        cmocka_unit_test(test_a_name_without_a_value_is_refused),
        cmocka_unit_test(test_a_list_in_the_place_of_a_kernel_is_refused),
        cmocka_unit_test(test_a_kernel_of_two_lines_is_refused_on_one),
        cmocka_unit_test(test_text_in_the_place_of_options_is_refused),
        cmocka_unit_test(test_an_option_with_a_list_is_refused),
        cmocka_unit_test(test_a_negative_seed_is_refused),
        cmocka_unit_test(test_a_seed_of_more_than_64_bits_is_refused),
        cmocka_unit_test(test_a_mapping_in_the_place_of_where_is_refused),
        cmocka_unit_test(test_a_long_wrong_value_is_quoted_in_part_and_on_one_line),
        cmocka_unit_test(test_a_job_that_is_a_list_is_refused),
        cmocka_unit_test(test_a_job_that_is_text_is_refused),
        cmocka_unit_test(test_a_file_that_is_not_there_is_unreadable),
        cmocka_unit_test(test_a_folder_is_unreadable),
        cmocka_unit_test(test_a_file_without_end_is_refused),
        cmocka_unit_test(test_a_file_with_a_nul_byte_is_not_text),
        cmocka_unit_test(test_clearing_twice_or_nothing_is_harmless),
    };

    return cmocka_run_group_tests(of_fertility, load_fertility, clear_fertility) +
           cmocka_run_group_tests(others, NULL, NULL);
}
