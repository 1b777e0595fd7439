/* tests/unit/grid/test_axis.c -- axes are numpy's, and what is no axis is refused with its
 * place. */
#include "support/gcr_test.h"

#include "base/memory.h"
#include "grid/axis.h"

#include <stdio.h>

enum { NUMBERS_MAX = 16 };

static char axis_name[] = "noise";

static const char *const form_names[] = {
    [GCR_AXIS_LIST] = "list",         [GCR_AXIS_RANGE] = "range",
    [GCR_AXIS_LINSPACE] = "linspace", [GCR_AXIS_GEOMSPACE] = "geomspace",
    [GCR_AXIS_LOGSPACE] = "logspace",
};

static gcr_axis_spec axis(gcr_axis_form form, double *numbers, uint64_t count)
{
    return (gcr_axis_spec){ .name = axis_name,
                            .form = form,
                            .numbers = numbers,
                            .number_count = count,
                            .mark = { "job.yaml", 7, 3 },
                            .values_mark = { "job.yaml", 7, 17 } };
}

/* Refused, with the place, the name and `text` in the sentence. */
static void assert_refused(gcr_axis_form form, double *numbers, uint64_t number_count,
                           const char *text)
{
    const gcr_axis_spec spec = axis(form, numbers, number_count);
    double *values = numbers;
    uint64_t count = 1;

    assert_status(gcr_axis_values(&values, &count, &spec), GCR_EINVAL);
    assert_null(values);
    assert_int_equal(count, 0);
    assert_error_mentions("job.yaml:7:17: axis 'noise'");
    assert_error_mentions(text);
}

/* ---- against numpy -------------------------------------------------------------------------- */

/* Where 10 ** x is involved, one unit in the last place: libm's pow and log10 are not rounded
 * correctly in every case and differ between versions and processors. All others: the same bits. */
static int is_as_near_as_promised(double got, double want, gcr_axis_form form)
{
    if (form == GCR_AXIS_RANGE || form == GCR_AXIS_LINSPACE)
        return got == want;
    return got == want || got == nextafter(want, INFINITY) || got == nextafter(want, -INFINITY);
}

static gcr_axis_form form_of(const char *name)
{
    for (int form = 0; form <= GCR_AXIS_LOGSPACE; form++)
        if (strcmp(form_names[form], name) == 0)
            return (gcr_axis_form)form;
    fail_msg("no form is called %s", name);
    return GCR_AXIS_LIST;
}

/* "FORM ARGUMENTS = VALUES" */
static void check_line(char *line)
{
    char *rest = NULL, *word = strtok_r(line, " \n", &rest);
    double arguments[NUMBERS_MAX], *values;
    gcr_axis_spec spec = axis(form_of(word), arguments, 0);
    uint64_t count, i = 0;

    while (strcmp(word = strtok_r(NULL, " \n", &rest), "=") != 0)
        arguments[spec.number_count++] = strtod(word, NULL);
    assert_ok(gcr_axis_values(&values, &count, &spec));
    for (; (word = strtok_r(NULL, " \n", &rest)) != NULL; i++) {
        const double want = strtod(word, NULL);

        assert_true(i < count);
        if (!is_as_near_as_promised(values[i], want, spec.form))
            fail_msg("%s(%a, %a ...)[%d] is %a, not %a", form_names[spec.form], arguments[0],
                     arguments[1], (int)i, values[i], want);
    }
    assert_int_equal(i, count);
    gcr_memory_destroy(values);
}

static void test_every_axis_has_the_values_that_numpy_gives(void **state)
{
    FILE *file = fopen(GCR_TEST_DATA "/axis_values.txt", "r");
    size_t bytes = 0;
    char *line = NULL;
    int lines = 0;

    (void)state;
    assert_non_null(file);
    for (; getline(&line, &bytes, file) > 0; lines++)
        check_line(line);
    free(line);
    fclose(file);
    assert_int_equal(lines, 200);
}

/* ---- exact facts ---------------------------------------------------------------------------- */

static void test_a_space_ends_exactly_where_it_was_told_to(void **state)
{
    const gcr_axis_form spaces[] = { GCR_AXIS_LINSPACE, GCR_AXIS_GEOMSPACE };
    double numbers[] = { 0.1, 0.7, 13 }, *values;
    uint64_t count;

    (void)state;
    for (int i = 0; i < 2; i++) {
        const gcr_axis_spec spec = axis(spaces[i], numbers, 3);

        assert_ok(gcr_axis_values(&values, &count, &spec));
        assert_int_equal(count, 13);
        assert_true(values[0] == 0.1 && values[12] == 0.7);
        gcr_memory_destroy(values);
    }
}

static void test_a_list_is_taken_as_it_is(void **state)
{
    double numbers[] = { 4, -1, 0.25 }, *values;
    const gcr_axis_spec spec = axis(GCR_AXIS_LIST, numbers, 3);
    uint64_t count;

    (void)state;
    assert_ok(gcr_axis_values(&values, &count, &spec));
    assert_int_equal(count, 3);
    assert_memory_equal(values, numbers, sizeof numbers);
    gcr_memory_destroy(values);
}

static void test_a_count_that_is_not_given_is_fifty(void **state)
{
    double numbers[] = { 1, 2 }, *values;
    const gcr_axis_spec spec = axis(GCR_AXIS_LOGSPACE, numbers, 2);
    uint64_t count;

    (void)state;
    assert_ok(gcr_axis_values(&values, &count, &spec));
    assert_int_equal(count, 50);
    gcr_memory_destroy(values);
}

/* ---- refused -------------------------------------------------------------------------------- */

static void test_a_list_without_values_is_refused(void **state)
{
    (void)state;
    assert_refused(GCR_AXIS_LIST, NULL, 0, "has no values");
}

static void test_a_list_with_a_value_that_is_not_finite_is_refused(void **state)
{
    double numbers[] = { 1, (double)INFINITY };

    (void)state;
    assert_refused(GCR_AXIS_LIST, numbers, 2, "value 2 of 2 is inf");
}

static void test_a_value_that_is_given_twice_is_refused(void **state)
{
    double numbers[] = { 0.5, 2, 1, 0.1, 2 };
    double zeros[] = { 0.0, -0.0 };

    (void)state;
    assert_refused(GCR_AXIS_LIST, numbers, 5, "the value 2 twice");
    assert_refused(GCR_AXIS_LIST, zeros, 2, "the value 0 twice");
}

static void test_a_space_so_narrow_that_values_coincide_is_refused(void **state)
{
    double numbers[] = { 1, 1 + 1e-15, 50 }, point[] = { 3, 3, 2 };

    (void)state;
    assert_refused(GCR_AXIS_LINSPACE, numbers, 3, "twice");
    assert_refused(GCR_AXIS_GEOMSPACE, point, 3, "the value 3 twice");
}

static void test_too_few_or_too_many_arguments_are_refused_with_the_right_ones(void **state)
{
    double numbers[] = { 1, 2, 3, 4, 5 };

    (void)state;
    assert_refused(GCR_AXIS_RANGE, numbers, 0, "[stop], [start, stop] or [start, stop, step]");
    assert_refused(GCR_AXIS_RANGE, numbers, 4, "not 4 numbers");
    assert_refused(GCR_AXIS_LINSPACE, numbers, 1, "linspace takes [start, stop] or");
    assert_refused(GCR_AXIS_GEOMSPACE, numbers, 4, "geomspace takes");
    assert_refused(GCR_AXIS_LOGSPACE, numbers, 5, "[start, stop, count, base]");
}

static void test_an_argument_that_is_not_finite_is_refused(void **state)
{
    double numbers[] = { 0, (double)NAN, 5 };

    (void)state;
    assert_refused(GCR_AXIS_RANGE, numbers, 2, "finite numbers, not nan");
    assert_refused(GCR_AXIS_LINSPACE, numbers, 3, "finite numbers, not nan");
}

static void test_a_range_that_never_arrives_is_refused(void **state)
{
    double still[] = { 0, 1, 0 }, away[] = { 0, 1, -0.1 }, empty[] = { 3, 3 };

    (void)state;
    assert_refused(GCR_AXIS_RANGE, still, 3, "step of a range cannot be 0");
    assert_refused(GCR_AXIS_RANGE, away, 3, "a range from 0 to 1 by -0.1 has no values");
    assert_refused(GCR_AXIS_RANGE, empty, 2, "has no values");
}

static void test_a_count_that_is_not_a_whole_number_above_zero_is_refused(void **state)
{
    double numbers[] = { 0, 1, 2.5 };

    (void)state;
    assert_refused(GCR_AXIS_LINSPACE, numbers, 3, "whole number from 1 to 1000000000, not 2.5");
    numbers[2] = 0;
    assert_refused(GCR_AXIS_LINSPACE, numbers, 3, "not 0");
    numbers[2] = -3;
    assert_refused(GCR_AXIS_LOGSPACE, numbers, 3, "not -3");
    numbers[2] = 1e18;
    assert_refused(GCR_AXIS_LINSPACE, numbers, 3, "not 1e+18");
}

static void test_a_range_of_more_values_than_memory_is_refused(void **state)
{
    double numbers[] = { 0, 1, 1e-300 };

    (void)state;
    assert_refused(GCR_AXIS_RANGE, numbers, 3, "more than 1000000000 values");
}

static void test_geomspace_through_zero_is_refused(void **state)
{
    double numbers[] = { -1, 1, 5 };

    (void)state;
    assert_refused(GCR_AXIS_GEOMSPACE, numbers, 3, "geomspace from -1 to 1 goes through 0");
    numbers[0] = 0;
    assert_refused(GCR_AXIS_GEOMSPACE, numbers, 3, "goes through 0");
}

static void test_values_that_overflow_are_refused(void **state)
{
    double powers[] = { 0, 400, 5 }, ends[] = { -1.7e308, 1.7e308, 5 };

    (void)state;
    assert_refused(GCR_AXIS_LOGSPACE, powers, 3, "value 5 of 5 is inf");
    assert_refused(GCR_AXIS_LINSPACE, ends, 3, "not finite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_axis_has_the_values_that_numpy_gives),
        cmocka_unit_test(test_a_space_ends_exactly_where_it_was_told_to),
        cmocka_unit_test(test_a_list_is_taken_as_it_is),
        cmocka_unit_test(test_a_count_that_is_not_given_is_fifty),
        cmocka_unit_test(test_a_list_without_values_is_refused),
        cmocka_unit_test(test_a_list_with_a_value_that_is_not_finite_is_refused),
        cmocka_unit_test(test_a_value_that_is_given_twice_is_refused),
        cmocka_unit_test(test_a_space_so_narrow_that_values_coincide_is_refused),
        cmocka_unit_test(test_too_few_or_too_many_arguments_are_refused_with_the_right_ones),
        cmocka_unit_test(test_an_argument_that_is_not_finite_is_refused),
        cmocka_unit_test(test_a_range_that_never_arrives_is_refused),
        cmocka_unit_test(test_a_count_that_is_not_a_whole_number_above_zero_is_refused),
        cmocka_unit_test(test_a_range_of_more_values_than_memory_is_refused),
        cmocka_unit_test(test_geomspace_through_zero_is_refused),
        cmocka_unit_test(test_values_that_overflow_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
