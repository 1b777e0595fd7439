/* tests/unit/data/test_job_grid.c -- the mapping `grid` of a job file. */
#include "unit/data/job_test.h"

#include <stdio.h>

/* ---- what it may say ------------------------------------------------------------------------- */

static void test_axes_keep_the_order_of_the_file(void **state)
{
    gcr_job job = job_of(JOB("grid: {zeta: [1], alpha: [2], mu: [3]}\n"));

    (void)state;
    assert_int_equal(job.axis_count, 3);
    assert_string_equal(job.axes[0].name, "zeta");
    assert_string_equal(job.axes[1].name, "alpha");
    assert_string_equal(job.axes[2].name, "mu");
    gcr_job_clear(&job);
}

static void test_a_single_number_is_an_axis_of_one_value(void **state)
{
    gcr_job job = job_of(JOB("grid: {noise: 1e-3}\n"));

    (void)state;
    assert_int_equal(job.axes[0].form, GCR_AXIS_LIST);
    assert_int_equal(job.axes[0].number_count, 1);
    assert_true(job.axes[0].numbers[0] == 1e-3);
    gcr_job_clear(&job);
}

static void test_numbers_are_those_of_our_schema(void **state)
{
    static const double expected[] = { 1e-3, 0.5, -2, 17, 100 };
    gcr_job job = job_of(JOB("grid: {noise: [1e-3, .5, -2, 017, \"1E2\"]}\n"));

    (void)state;
    assert_int_equal(job.axes[0].number_count, 5);
    assert_memory_equal(job.axes[0].numbers, expected, sizeof expected);
    gcr_job_clear(&job);
}

static void assert_form(const char *lines, gcr_axis_form form, uint64_t number_count)
{
    gcr_job job = job_of(lines);

    assert_int_equal(job.axes[0].form, form);
    assert_int_equal(job.axes[0].number_count, number_count);
    gcr_job_clear(&job);
}

static void test_every_form_of_an_axis_is_known(void **state)
{
    (void)state;
    assert_form(JOB("grid: {a: {list: [1, 2]}}\n"), GCR_AXIS_LIST, 2);
    assert_form(JOB("grid: {a: {range: [0, 1, 0.1]}}\n"), GCR_AXIS_RANGE, 3);
    assert_form(JOB("grid: {a: {linspace: [0, 1, 5]}}\n"), GCR_AXIS_LINSPACE, 3);
    assert_form(JOB("grid: {a: {geomspace: [1, 9, 3]}}\n"), GCR_AXIS_GEOMSPACE, 3);
    assert_form(JOB("grid: {a: {logspace: [0, 1, 5, 2]}}\n"), GCR_AXIS_LOGSPACE, 4);
}

static void test_marks_of_an_axis_say_where_name_and_values_are(void **state)
{
    gcr_job job = job_of(JOB("grid:\n  noise:\n    - 1\n    - 2\n"));

    (void)state;
    assert_int_equal(job.axes[0].mark.line, 5);
    assert_int_equal(job.axes[0].mark.column, 3);
    assert_int_equal(job.axes[0].values_mark.line, 6);
    assert_int_equal(job.axes[0].values_mark.column, 5);
    gcr_job_clear(&job);
}

/* `count` axes a0, a1, ... into `text`. */
static void write_axes(char *text, size_t bytes, int count)
{
    size_t used = (size_t)snprintf(text, bytes, "%s", JOB("grid:\n"));

    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, bytes - used, "  a%d: [1]\n", i);
}

static void test_31_axes_are_a_grid(void **state)
{
    char text[1024];
    gcr_job job;

    (void)state;
    write_axes(text, sizeof text, 31);
    job = job_of(text);
    assert_int_equal(job.axis_count, 31);
    gcr_job_clear(&job);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static void test_32_axes_are_refused(void **state)
{
    char text[1024];

    (void)state;
    write_axes(text, sizeof text, 32);
    assert_invalid(text, "t.yaml:5:3: a grid of 32 axes; at most 31 are possible");
}

static void test_a_list_in_the_place_of_a_grid_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: [1, 2]\n"), "t.yaml:4:7: 'grid' is a list here; it must be a mapping "
                                          "from parameter names to values");
}

static void test_an_empty_axis_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: []}\n"),
                   "t.yaml:4:15: 'noise' takes at least one number, not an empty list");
}

static void test_an_axis_without_a_value_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid:\n  noise:\n"),
                   "t.yaml:5:9: 'noise' has no value here; it takes finite numbers");
}

static void test_an_axis_that_is_an_empty_mapping_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: {}}\n"),
                   "t.yaml:4:15: 'noise' takes numbers, or one of list, "
                   "range, linspace, geomspace, logspace, not a "
                   "mapping");
}

static void test_a_hexadecimal_number_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: [1, 0x10]}\n"),
                   "t.yaml:4:19: 'noise' takes finite numbers, not '0x10'");
}

static void test_a_number_with_underscores_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: 1_000}\n"),
                   "t.yaml:4:15: 'noise' takes finite numbers, not '1_000'");
}

static void test_an_infinite_number_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: [inf]}\n"),
                   "t.yaml:4:16: 'noise' takes finite numbers, not 'inf'");
}

static void test_a_number_that_is_none_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: {geomspace: [1, nan, 3]}}\n"),
                   "t.yaml:4:31: 'geomspace' takes finite numbers, not 'nan'");
}

static void test_a_number_beyond_double_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: 1e999}\n"),
                   "t.yaml:4:15: 'noise' takes finite numbers, not '1e999'");
}

static void test_a_list_in_a_list_of_numbers_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: [1, [2]]}\n"),
                   "t.yaml:4:19: 'noise' takes finite numbers, not a list");
}

static void test_a_misspelt_form_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: {geospace: [1, 2, 3]}}\n"),
                   "t.yaml:4:16: unknown form 'geospace' of an axis (did you mean 'geomspace'?)");
}

static void test_a_form_without_a_list_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: {linspace: 5}}\n"),
                   "t.yaml:4:26: 'linspace' takes a list of numbers, not '5'");
}

static void test_two_forms_for_one_axis_are_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid: {noise: {list: [1], range: [1, 2, 1]}}\n"),
                   "t.yaml:4:27: 'noise' already has its values from 'list'; write one form only");
}

static void test_an_axis_given_twice_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("grid:\n  noise: 1\n  noise: 2\n"),
                   "t.yaml:6:3: the key 'noise' is given twice (first in line 5)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_axes_keep_the_order_of_the_file),
        cmocka_unit_test(test_a_single_number_is_an_axis_of_one_value),
        cmocka_unit_test(test_numbers_are_those_of_our_schema),
        cmocka_unit_test(test_every_form_of_an_axis_is_known),
        cmocka_unit_test(test_marks_of_an_axis_say_where_name_and_values_are),
        cmocka_unit_test(test_31_axes_are_a_grid),
        cmocka_unit_test(test_32_axes_are_refused),
        cmocka_unit_test(test_a_list_in_the_place_of_a_grid_is_refused),
        cmocka_unit_test(test_an_empty_axis_is_refused),
        cmocka_unit_test(test_an_axis_without_a_value_is_refused),
        cmocka_unit_test(test_an_axis_that_is_an_empty_mapping_is_refused),
        cmocka_unit_test(test_a_hexadecimal_number_is_refused),
        cmocka_unit_test(test_a_number_with_underscores_is_refused),
        cmocka_unit_test(test_an_infinite_number_is_refused),
        cmocka_unit_test(test_a_number_that_is_none_is_refused),
        cmocka_unit_test(test_a_number_beyond_double_is_refused),
        cmocka_unit_test(test_a_list_in_a_list_of_numbers_is_refused),
        cmocka_unit_test(test_a_misspelt_form_is_named_with_the_nearest),
        cmocka_unit_test(test_a_form_without_a_list_is_refused),
        cmocka_unit_test(test_two_forms_for_one_axis_are_refused),
        cmocka_unit_test(test_an_axis_given_twice_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
