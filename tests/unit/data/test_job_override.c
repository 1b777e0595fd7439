/* tests/unit/data/test_job_override.c -- what --set lays over a job file. */
#include "unit/data/job_test.h"

#define GRID "grid:\n  lengthscale: [1, 2]\n  noise: [0.5]\n"

static gcr_job overridden(const char *text, const char *override)
{
    gcr_job job;

    assert_ok(gcr_job_parse(&job, "t.yaml", text, &override, 1));
    return job;
}

static void assert_refused(const char *override, gcr_status expected, const char *sentence)
{
    gcr_job job;

    assert_sentence(gcr_job_parse(&job, "t.yaml", JOB(GRID), &override, 1), expected, &job,
                    sentence);
}

static void test_an_override_replaces_a_value(void **state)
{
    gcr_job job = overridden(JOB("seed: 1\n"), "seed=2");

    (void)state;
    assert_int_equal(job.seed, 2);
    gcr_job_clear(&job);
}

static void test_an_override_adds_a_value(void **state)
{
    gcr_job job = overridden(JOB(""), "seed=2");

    (void)state;
    assert_int_equal(job.seed, 2);
    gcr_job_clear(&job);
}

static void test_an_override_makes_mappings_on_the_way(void **state)
{
    gcr_job job = overridden(JOB(""), "run.batch=5");

    (void)state;
    assert_int_equal(job.batch, 5);
    gcr_job_clear(&job);
}

static void test_an_override_makes_a_mapping_of_a_key_without_a_value(void **state)
{
    gcr_job job = overridden(JOB("run:\n"), "run.batch=5");

    (void)state;
    assert_int_equal(job.batch, 5);
    gcr_job_clear(&job);
}

static void test_an_override_of_an_axis_keeps_the_order_of_the_axes(void **state)
{
    gcr_job job = overridden(JOB(GRID), "grid.lengthscale={linspace: [0, 1, 3]}");

    (void)state;
    assert_int_equal(job.axis_count, 2);
    assert_string_equal(job.axes[0].name, "lengthscale");
    assert_int_equal(job.axes[0].form, GCR_AXIS_LINSPACE);
    gcr_job_clear(&job);
}

static void test_an_axis_that_an_override_adds_is_the_innermost(void **state)
{
    gcr_job job = overridden(JOB(GRID), "grid.variance=[1, 4]");

    (void)state;
    assert_int_equal(job.axis_count, 3);
    assert_string_equal(job.axes[2].name, "variance");
    gcr_job_clear(&job);
}

static void test_marks_of_an_override_say_that_it_is_one(void **state)
{
    gcr_job job = overridden(JOB(GRID), "grid.noise=[0.1, 0.2]");

    (void)state;
    assert_string_equal(job.axes[1].values_mark.source, "--set grid.noise");
    assert_int_equal(job.axes[1].values_mark.line, 1);
    assert_string_equal(job.axes[0].values_mark.source, "t.yaml");
    gcr_job_clear(&job);
}

static void test_a_value_may_hold_the_signs_of_an_override(void **state)
{
    gcr_job job = overridden(JOB(GRID), "where=noise == 0.5");

    (void)state;
    assert_string_equal(job.where, "noise == 0.5");
    gcr_job_clear(&job);
}

static void test_the_last_of_several_overrides_holds(void **state)
{
    static const char *const overrides[] = { "seed=2", "run.batch=5", "seed=3" };
    gcr_job job;

    (void)state;
    assert_ok(gcr_job_parse(&job, "t.yaml", JOB(""), overrides, 3));
    assert_int_equal(job.seed, 3);
    assert_int_equal(job.batch, 5);
    gcr_job_clear(&job);
}

static void test_an_override_can_repair_a_mistake_of_the_file(void **state)
{
    gcr_job job = overridden(JOB("seed: many\n"), "seed=2");

    (void)state;
    assert_int_equal(job.seed, 2);
    gcr_job_clear(&job);
}

static void test_the_text_of_the_job_is_that_of_the_file(void **state)
{
    gcr_job job = overridden(JOB(""), "seed=2");

    (void)state;
    assert_string_equal(job.text, JOB(""));
    gcr_job_clear(&job);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static void test_an_override_without_a_value_is_refused(void **state)
{
    (void)state;
    assert_refused("seed", GCR_EINVAL,
                   "--set takes PATH=VALUE, such as grid.noise=[0.1, 0.2], not 'seed'");
}

static void test_an_override_that_begins_with_its_value_is_refused(void **state)
{
    (void)state;
    assert_refused("[1, 2]=grid.noise\nmore", GCR_EINVAL,
                   "--set takes PATH=VALUE, such as grid.noise=[0.1, 0.2], not "
                   "'[1, 2]=grid.noise'");
}

static void test_a_misspelt_override_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("kernal=gp", GCR_EINVAL,
                   "--set kernal:1:1: unknown key 'kernal' (did you mean 'kernel'?)");
}

static void test_a_misspelt_part_of_an_override_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("run.bacth=5", GCR_EINVAL,
                   "--set run.bacth:1:1: unknown key 'bacth' in 'run' (did you mean 'batch'?)");
}

static void test_a_wrong_value_in_an_override_is_located_in_it(void **state)
{
    (void)state;
    assert_refused("grid.noise=[0.1, lots]", GCR_EINVAL,
                   "--set grid.noise:1:7: 'noise' takes finite numbers, not 'lots'");
}

static void test_an_override_that_is_not_yaml_is_refused(void **state)
{
    (void)state;
    assert_refused(
        "grid.noise=[0.1", GCR_EFORMAT,
        "--set grid.noise:2:1: not YAML: did not find expected ',' or ']', while parsing "
        "a flow sequence that began in line 1");
}

static void test_an_override_inside_a_list_is_refused(void **state)
{
    (void)state;
    assert_refused("grid.noise.list=[1]", GCR_EINVAL,
                   "--set grid.noise.list:1:1: 'noise' is not a mapping, so nothing can be set "
                   "inside it");
}

static void test_an_override_with_an_empty_part_is_refused(void **state)
{
    (void)state;
    assert_refused("grid..noise=1", GCR_EINVAL, "--set grid..noise:1:1: a key is empty");
}

static void test_an_override_without_a_path_is_refused(void **state)
{
    (void)state;
    assert_refused("=1", GCR_EINVAL, "--set :1:1: a key is empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_override_replaces_a_value),
        cmocka_unit_test(test_an_override_adds_a_value),
        cmocka_unit_test(test_an_override_makes_mappings_on_the_way),
        cmocka_unit_test(test_an_override_makes_a_mapping_of_a_key_without_a_value),
        cmocka_unit_test(test_an_override_of_an_axis_keeps_the_order_of_the_axes),
        cmocka_unit_test(test_an_axis_that_an_override_adds_is_the_innermost),
        cmocka_unit_test(test_marks_of_an_override_say_that_it_is_one),
        cmocka_unit_test(test_a_value_may_hold_the_signs_of_an_override),
        cmocka_unit_test(test_the_last_of_several_overrides_holds),
        cmocka_unit_test(test_an_override_can_repair_a_mistake_of_the_file),
        cmocka_unit_test(test_the_text_of_the_job_is_that_of_the_file),
        cmocka_unit_test(test_an_override_without_a_value_is_refused),
        cmocka_unit_test(test_an_override_that_begins_with_its_value_is_refused),
        cmocka_unit_test(test_a_misspelt_override_is_named_with_the_nearest),
        cmocka_unit_test(test_a_misspelt_part_of_an_override_is_named_with_the_nearest),
        cmocka_unit_test(test_a_wrong_value_in_an_override_is_located_in_it),
        cmocka_unit_test(test_an_override_that_is_not_yaml_is_refused),
        cmocka_unit_test(test_an_override_inside_a_list_is_refused),
        cmocka_unit_test(test_an_override_with_an_empty_part_is_refused),
        cmocka_unit_test(test_an_override_without_a_path_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
