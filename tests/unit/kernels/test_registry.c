/*
 * From a job to a unit, and the sentences for jobs that name what is not there.
 */
#include "support/gcr_test.h"

#include "backend/cpu/code_path.h"
#include "kernels/registry.h"

#include <stdio.h>

static const gcr_mark here = { "fit.yaml", 3, 9 };

/* A job that asks for one kernel and at most one option. */
struct request {
    gcr_job job;
    gcr_option_spec option;
    char kernel[32], name[32], value[32];
};

static const gcr_job *request(struct request *out, const char *kernel, const char *name,
                              const char *value)
{
    *out = (struct request){ .job = { .kernel_mark = here } };
    strcpy(out->kernel, kernel);
    out->job.kernel = out->kernel;
    if (name == NULL)
        return &out->job;
    strcpy(out->name, name);
    strcpy(out->value, value);
    out->option = (gcr_option_spec){
        .name = out->name, .value = out->value, .mark = here, .value_mark = { "fit.yaml", 4, 21 }
    };
    out->job.options = &out->option;
    out->job.option_count = 1;
    return &out->job;
}

static gcr_status find(const gcr_unit **out, int64_t option[GCR_OPTIONS_MAX], const gcr_job *job)
{
    return gcr_unit_find(out, option, job, GCR_PATH_PLAIN);
}

static void test_kernels_are_listed_in_alphabetical_order(void **state)
{
    int count;
    const gcr_kernel *const *kernels = gcr_kernels(&count);

    (void)state;
    assert_int_equal(count, 11);
    for (int k = 1; k < count; k++)
        assert_true(strcmp(kernels[k - 1]->name, kernels[k]->name) < 0);
}

static void test_descriptions_are_complete(void **state)
{
    int count;
    const gcr_kernel *const *kernels = gcr_kernels(&count);

    (void)state;
    for (int k = 0; k < count; k++) {
        assert_non_null(kernels[k]->help);
        assert_true(gcr_kernel_parameter_count(kernels[k]) > 0);
        assert_true(gcr_kernel_output_count(kernels[k]) > 0);
        for (int o = 0; o < gcr_kernel_output_count(kernels[k]); o++)
            assert_true(kernels[k]->outputs[o].help != NULL && kernels[k]->outputs[o].unit != NULL);
        if (kernels[k]->form == GCR_FORM_SPD)
            assert_non_null(kernels[k]->size);
    }
}

static void test_a_choice_picks_its_unit(void **state)
{
    int64_t option[GCR_OPTIONS_MAX];
    const gcr_unit *unit;
    struct request r;

    (void)state;
    assert_ok(find(&unit, option, request(&r, "gp", "covariance", "matern32")));
    assert_string_equal(unit->kernel->name, "gp");
    assert_int_equal(option[0], 2);
    assert_int_equal(unit->choice[0], 2);
}

static void test_an_algorithm_picks_its_unit(void **state)
{
    int64_t option[GCR_OPTIONS_MAX];
    const gcr_unit *unit;
    struct request r;

    (void)state;
    assert_ok(find(&unit, option, request(&r, "gp", NULL, NULL)));
    assert_int_equal(unit->algorithm, GCR_DIRECT);
    request(&r, "gp", NULL, NULL);
    r.job.algorithm = GCR_TRIDIAGONAL;
    assert_ok(find(&unit, option, &r.job));
    assert_int_equal(unit->algorithm, GCR_TRIDIAGONAL);
}

static void test_a_precision_picks_its_unit(void **state)
{
    int64_t option[GCR_OPTIONS_MAX];
    const gcr_unit *unit;
    struct request r;
    int count;
    const gcr_kernel *const *kernels = gcr_kernels(&count);

    (void)state;
    for (int k = 0; k < count; k++) {
        request(&r, kernels[k]->name, NULL, NULL);
        r.job.precision = GCR_F32;
        assert_ok(find(&unit, option, &r.job));
        assert_string_equal(unit->kernel->name, kernels[k]->name);
        assert_int_equal(unit->scalar, GCR_F32);
    }
}

static void test_an_algorithm_of_doubles_alone_is_refused_in_single_precision(void **state)
{
    int64_t option[GCR_OPTIONS_MAX];
    const gcr_unit *unit;
    struct request r;

    (void)state;
    request(&r, "gp", NULL, NULL);
    r.job.algorithm = GCR_TRIDIAGONAL;
    r.job.precision = GCR_F32;
    r.job.precision_mark = here;
    assert_status(find(&unit, option, &r.job), GCR_EINVAL);
    assert_error_mentions("the algorithm 'tridiagonal' has no precision 'single'");
    assert_null(unit);
}

static void
test_an_algorithm_that_a_kernel_lacks_is_answered_with_the_kernels_that_have_it(void **state)
{
    int64_t option[GCR_OPTIONS_MAX];
    const gcr_unit *unit;
    struct request r;

    (void)state;
    request(&r, "logistic", NULL, NULL);
    r.job.algorithm = GCR_TRIDIAGONAL;
    r.job.algorithm_mark = here;
    assert_status(find(&unit, option, &r.job), GCR_EINVAL);
    assert_error_mentions("kernel 'logistic' has no algorithm 'tridiagonal'");
    assert_error_mentions("gp, gp_profile, kernel_ridge, ridge");
}

static void test_each_code_path_has_its_units(void **state)
{
    int64_t option[GCR_OPTIONS_MAX];
    const gcr_unit *unit;
    struct request r;
    int count;
    const gcr_kernel *const *kernels = gcr_kernels(&count);

    (void)state;
    for (int k = 0; k < count; k++)
        for (gcr_code_path path = GCR_PATH_PLAIN; path <= gcr_code_path_here(); path++) {
            assert_ok(
                gcr_unit_find(&unit, option, request(&r, kernels[k]->name, NULL, NULL), path));
            assert_int_equal(unit->path, path);
            assert_int_equal(unit->scalar, GCR_F64);
        }
}

static void test_standard_values_hold_where_the_job_says_nothing(void **state)
{
    int64_t option[GCR_OPTIONS_MAX];
    const gcr_unit *unit;
    struct request r;

    (void)state;
    assert_ok(find(&unit, option, request(&r, "gp", NULL, NULL)));
    assert_int_equal(unit->choice[0], 0);
    assert_ok(find(&unit, option, request(&r, "ridge", NULL, NULL)));
    assert_int_equal(option[0], 5);
}

static void test_an_integer_option_is_read(void **state)
{
    int64_t option[GCR_OPTIONS_MAX];
    const gcr_unit *unit;
    struct request r;

    (void)state;
    assert_ok(find(&unit, option, request(&r, "ridge", "folds", "10")));
    assert_int_equal(option[0], 10);
}

static void assert_refused(const char *kernel, const char *name, const char *value,
                           const char *sentence)
{
    int64_t option[GCR_OPTIONS_MAX];
    const gcr_unit *unit;
    struct request r;

    assert_status(find(&unit, option, request(&r, kernel, name, value)), GCR_EINVAL);
    assert_string_equal(gcr_last_error(), sentence);
    assert_null(unit);
}

static void test_an_unknown_kernel_is_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("rigde", NULL, NULL,
                   "fit.yaml:3:9: there is no kernel 'rigde' (did you mean 'ridge'?)");
}

static void test_an_unknown_option_is_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("gp", "covarience", "rbf",
                   "fit.yaml:3:9: kernel 'gp' has no option 'covarience' (did you mean "
                   "'covariance'?)");
}

static void test_an_option_of_a_kernel_without_options_is_refused(void **state)
{
    (void)state;
    assert_refused("scale", "folds", "5", "fit.yaml:3:9: kernel 'scale' has no option 'folds'");
}

static void test_an_unknown_choice_is_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("gp", "covariance", "matern42",
                   "fit.yaml:4:21: option 'covariance' cannot be 'matern42' (did you mean "
                   "'matern12'?)");
}

static void test_an_integer_out_of_range_or_with_a_fraction_is_refused(void **state)
{
    static const char *const wrong[] = { "1", "65", "2.5", "five", "nan", "" };
    char sentence[128];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(sentence, sizeof sentence,
                 "fit.yaml:4:21: option 'folds' is a whole number from 2 to 64, not '%s'",
                 wrong[i]);
        assert_refused("ridge", "folds", wrong[i], sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_are_listed_in_alphabetical_order),
        cmocka_unit_test(test_descriptions_are_complete),
        cmocka_unit_test(test_a_choice_picks_its_unit),
        cmocka_unit_test(test_an_algorithm_picks_its_unit),
        cmocka_unit_test(test_a_precision_picks_its_unit),
        cmocka_unit_test(test_an_algorithm_of_doubles_alone_is_refused_in_single_precision),
        cmocka_unit_test(
            test_an_algorithm_that_a_kernel_lacks_is_answered_with_the_kernels_that_have_it),
        cmocka_unit_test(test_each_code_path_has_its_units),
        cmocka_unit_test(test_standard_values_hold_where_the_job_says_nothing),
        cmocka_unit_test(test_an_integer_option_is_read),
        cmocka_unit_test(test_an_unknown_kernel_is_refused_with_the_nearest),
        cmocka_unit_test(test_an_unknown_option_is_refused_with_the_nearest),
        cmocka_unit_test(test_an_option_of_a_kernel_without_options_is_refused),
        cmocka_unit_test(test_an_unknown_choice_is_refused_with_the_nearest),
        cmocka_unit_test(test_an_integer_out_of_range_or_with_a_fraction_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
