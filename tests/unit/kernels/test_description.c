/* What a kernel may not say of itself, and the sentence that it gets. */
#include "support/gcr_test.h"

#include "kernels/own/description.h"

#include <string.h>

static int64_t three(const gcr_shape *shape)
{
    (void)shape;
    return 3;
}

static int64_t all_rows_but_five(const gcr_shape *shape)
{
    return shape->rows - 5;
}

/* A cell kernel that is all right. */
static gcr_kernel good(void)
{
    return (gcr_kernel){ .name = "fit",
                         .form = GCR_FORM_CELL,
                         .uses = GCR_USES_Y,
                         .parameters = { { .name = "alpha" }, { .name = "beta", .is_free = 1 } },
                         .options = { { .name = "folds", .standard = 5, .least = 2, .most = 9 } },
                         .outputs = { { .name = "mse", .width = 1 } } };
}

static void assert_refused(const gcr_kernel *kernel, const char *words)
{
    const gcr_described described = { .kernel = kernel, .form = (int)kernel->form };

    assert_status(gcr_description_check(&described, "fit.c"), GCR_EINVAL);
    assert_error_mentions("fit.c");
    assert_error_mentions(words);
}

static void test_a_good_one_passes(void **state)
{
    const gcr_kernel kernel = good();
    const gcr_described described = { .kernel = &kernel, .form = GCR_FORM_CELL };

    (void)state;
    assert_ok(gcr_description_check(&described, "fit.c"));
}

static void test_texts_may_be_left_out(void **state)
{
    const gcr_kernel kernel = good(), complete = gcr_description_complete(&kernel);

    (void)state;
    assert_string_equal(complete.help, "");
    assert_string_equal(complete.parameters[1].help, "");
    assert_null(complete.parameters[2].help); /* the end of the list */
    assert_string_equal(complete.options[0].help, "");
    assert_string_equal(complete.outputs[0].unit, "1");
}

static void test_a_file_without_form_is_no_kernel(void **state)
{
    const gcr_kernel kernel = good();
    const gcr_described described = { .kernel = &kernel, .form = GCR_FORM_NONE };

    (void)state;
    assert_status(gcr_description_check(&described, "fit.c"), GCR_EINVAL);
    assert_error_mentions("fit.c is not a kernel");
}

static void test_no_description_is_told_from_a_bad_one(void **state)
{
    static const gcr_kernel nothing;

    (void)state;
    assert_refused(&nothing, "has no GCR_DESCRIBE");
}

static void test_names_are_there_and_are_words(void **state)
{
    gcr_kernel kernel = good();

    (void)state;
    kernel.name = NULL;
    assert_refused(&kernel, "the description has no name");
    kernel.name = "my fit";
    assert_refused(&kernel, "'my fit' cannot be the name of a kernel");
    kernel = good();
    kernel.outputs[0].name = "a/b";
    assert_refused(&kernel, "'a/b' cannot be the name of an output");
    kernel = good();
    kernel.parameters[0].name = "2nd";
    assert_refused(&kernel, "'2nd' cannot be the name of a parameter");
}

static void test_a_name_is_not_there_twice(void **state)
{
    gcr_kernel kernel = good();

    (void)state;
    kernel.parameters[1].name = "alpha";
    assert_refused(&kernel, "a parameter 'alpha' is described twice");
}

static void test_no_name_is_missing_in_the_middle(void **state)
{
    gcr_kernel kernel = good();

    (void)state;
    kernel.parameters[0].name = NULL;
    assert_refused(&kernel, "a parameter before 'beta' has no name");
}

static void test_there_are_not_too_many(void **state)
{
    static char names[GCR_OUTPUTS_MAX + 1][4];
    gcr_kernel kernel = good();

    (void)state;
    for (int o = 0; o <= GCR_OUTPUTS_MAX; o++) {
        memcpy(names[o], (char[]){ 'o', (char)('a' + o), '\0' }, 3);
        kernel.outputs[o] = (gcr_kernel_output){ .name = names[o], .width = 1 };
    }
    assert_refused(&kernel, "more than 16 outputs");
}

static void test_there_is_an_output_and_it_has_a_width(void **state)
{
    gcr_kernel kernel = good();

    (void)state;
    kernel.outputs[0].width = 0;
    assert_refused(&kernel, "the width of output 'mse' is 0");
    kernel.outputs[0].width = GCR_WIDTH_FEATURES;
    assert_refused(&kernel, "GCR_USES_X");
    kernel.outputs[0].name = NULL;
    assert_refused(&kernel, "no outputs");
}

static void test_a_standard_value_is_a_value(void **state)
{
    gcr_kernel kernel = good();

    (void)state;
    kernel.options[0].standard = 1;
    assert_refused(&kernel, "the standard value of option 'folds' is 1, which is not from 2 to 9");
    kernel.options[0] =
        (gcr_kernel_option){ .name = "way", .choices = { "fast", "slow" }, .standard = 2 };
    assert_refused(&kernel, "from 0 to 1");
}

static void test_a_least_value_is_a_number(void **state)
{
    gcr_kernel kernel = good();

    (void)state;
    kernel.parameters[0].least = NAN;
    assert_refused(&kernel, "parameter 'alpha'");
}

static void test_the_form_is_that_of_the_macro(void **state)
{
    const gcr_kernel kernel = good();
    const gcr_described described = { .kernel = &kernel, .form = GCR_FORM_SPD };

    (void)state;
    assert_status(gcr_description_check(&described, "fit.c"), GCR_EINVAL);
    assert_error_mentions("GCR_SPD_KERNEL describes itself with .form = GCR_FORM_SPD");
}

static void test_an_spd_kernel_has_a_size_and_no_scratch(void **state)
{
    gcr_kernel kernel = good();

    (void)state;
    kernel.form = GCR_FORM_SPD;
    assert_refused(&kernel, "no .size");
    kernel.size = three;
    kernel.scratch_count = three;
    assert_refused(&kernel, ".scratch_count is for cell kernels");
}

static void test_prepare_and_its_count_come_together(void **state)
{
    gcr_kernel kernel = good();
    gcr_described described = { .kernel = &kernel, .form = GCR_FORM_CELL, .has_prepare = 1 };

    (void)state;
    assert_status(gcr_description_check(&described, "fit.c"), GCR_EINVAL);
    assert_error_mentions(".prepared_count does not say");
    kernel.prepared_count = three;
    assert_ok(gcr_description_check(&described, "fit.c"));
    described.has_prepare = 0;
    assert_status(gcr_description_check(&described, "fit.c"), GCR_EINVAL);
    assert_error_mentions("GCR_HAS_PREPARE");
}

static void test_a_size_that_cannot_be_names_the_shape(void **state)
{
    const gcr_shape small = { .rows = 5, .features = 1 }, large = { .rows = 6, .features = 1 };
    const gcr_shape tiny = { .rows = 1, .features = 1 };
    gcr_kernel kernel = good();

    (void)state;
    kernel.form = GCR_FORM_SPD;
    kernel.size = all_rows_but_five;
    assert_ok(gcr_kernel_check_sizes(&kernel, &large));
    assert_status(gcr_kernel_check_sizes(&kernel, &small), GCR_EINVAL);
    assert_error_mentions("kernel 'fit' says that its size is 0");
    assert_error_mentions("5 rows and 1 feature;");
    kernel = good();
    kernel.scratch_count = all_rows_but_five;
    assert_ok(gcr_kernel_check_sizes(&kernel, &small));
    assert_status(gcr_kernel_check_sizes(&kernel, &tiny), GCR_EINVAL);
    assert_error_mentions("scratch_count is -4");
}

/* Times 8 bytes, and a fault behind them, it would be 68 bytes. */
static int64_t many(const gcr_shape *shape)
{
    return (INT64_C(1) << 61) + shape->rows;
}

static void test_a_size_whose_bytes_cannot_be_counted_is_refused(void **state)
{
    const gcr_shape shape = { .rows = 8, .features = 1 };
    gcr_kernel kernel = good();

    (void)state;
    kernel.prepared_count = many;
    assert_status(gcr_kernel_check_sizes(&kernel, &shape), GCR_EINVAL);
    assert_error_mentions("prepared_count is 2305843009213693960 for a dataset of 8 rows");
    kernel = good();
    kernel.scratch_count = many;
    assert_status(gcr_kernel_check_sizes(&kernel, &shape), GCR_EINVAL);
    assert_error_mentions("scratch_count is 2305843009213693960 for a dataset of 8 rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_one_passes),
        cmocka_unit_test(test_texts_may_be_left_out),
        cmocka_unit_test(test_a_file_without_form_is_no_kernel),
        cmocka_unit_test(test_no_description_is_told_from_a_bad_one),
        cmocka_unit_test(test_names_are_there_and_are_words),
        cmocka_unit_test(test_a_name_is_not_there_twice),
        cmocka_unit_test(test_no_name_is_missing_in_the_middle),
        cmocka_unit_test(test_there_are_not_too_many),
        cmocka_unit_test(test_there_is_an_output_and_it_has_a_width),
        cmocka_unit_test(test_a_standard_value_is_a_value),
        cmocka_unit_test(test_a_least_value_is_a_number),
        cmocka_unit_test(test_the_form_is_that_of_the_macro),
        cmocka_unit_test(test_an_spd_kernel_has_a_size_and_no_scratch),
        cmocka_unit_test(test_prepare_and_its_count_come_together),
        cmocka_unit_test(test_a_size_that_cannot_be_names_the_shape),
        cmocka_unit_test(test_a_size_whose_bytes_cannot_be_counted_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
