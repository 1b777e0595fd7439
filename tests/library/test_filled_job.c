/* tests/library/test_filled_job.c -- a job without a file: filled in by a program, and what it may
 * not be. */
#include "support/gcr_test.h"

#include "gridcrunch/gridcrunch.h"

static const double y_of[3][2] = { { -1.5, -1.5 }, { 2, 2 }, { 0.25, 0.25 } };

/* Data -1.5, 2 and 0.25 times -1, 0 and 1; what the tests change is all of it. */
typedef struct scene {
    double factors[3];
    gcr_axis_spec axis;
    gcr_summary_spec summary;
    gcr_option_spec option;
    double jitter[2];
    gcr_job job;
    gcr_datasets datasets;
    gcr_run_spec spec;
} scene;

static void open_scene(scene *s)
{
    static char name[] = "factor", best[] = "best", output[] = "value", kernel[] = "scale";
    gcr_borrowed tables[3];
    const gcr_borrow_spec borrow = { .items = tables, .count = 3 };
    const char *const keys[3] = { "a", "b", "c" };

    for (int i = 0; i < 3; i++)
        tables[i] = (gcr_borrowed){ .key = keys[i], .rows = 2, .y = y_of[i] };
    *s = (scene){ .factors = { -1, 0, 1 } };
    s->axis = (gcr_axis_spec){ .name = name, .numbers = s->factors, .number_count = 3 };
    s->summary = (gcr_summary_spec){ .name = best, .op = GCR_SUMMARY_ARGMAX, .output = output };
    s->job = (gcr_job){ .kernel = kernel,
                        .axes = &s->axis,
                        .axis_count = 1,
                        .summaries = &s->summary,
                        .summary_count = 1 };
    assert_ok(gcr_datasets_borrow(&s->datasets, &borrow));
    s->spec = (gcr_run_spec){ .job = &s->job, .datasets = &s->datasets };
}

static void close_scene(scene *s)
{
    gcr_datasets_clear(&s->datasets);
}

static void assert_refused(const scene *s, const char *sentence)
{
    gcr_run *run;

    assert_status(gcr_run_create(&run, &s->spec), GCR_EINVAL);
    assert_error_mentions(sentence);
    assert_null(run);
}

static void test_a_program_may_refuse_kernels_in_files(void **state)
{
    static char file[] = "/no/such/kernel.c";
    scene s;
    gcr_run *run;

    (void)state;
    open_scene(&s);
    s.spec.refuses_kernel_files = 1;
    assert_ok(gcr_run_create(&run, &s.spec)); /* built-in ones stay */
    gcr_run_destroy(run);
    s.job.kernel = file;
    assert_refused(&s, "kernel '/no/such/kernel.c' is a file, and this program runs the built-in");
    s.spec.refuses_kernel_files = 0;
    assert_status(gcr_run_create(&run, &s.spec), GCR_EUNREADABLE);
    close_scene(&s);
}

static void test_best_points_are_those_of_the_grid_and_not_of_arrival(void **state)
{
    static const int64_t best[] = { 0, 2, 2 };
    scene s;
    gcr_run *run;

    (void)state;
    open_scene(&s);
    assert_ok(gcr_run_create(&run, &s.spec));
    assert_int_equal(gcr_plan_live_count(gcr_run_plan(run)), 9);
    assert_ok(gcr_run_execute(run));
    for (uint64_t d = 0; d < 3; d++)
        assert_int_equal(gcr_summaries_get(gcr_run_summaries(run), d, 0).point, best[d]);
    gcr_run_destroy(run);
    close_scene(&s);
}

/* A third is not what it is in doubles, and its product is rounded to a float. */
static void test_a_program_may_ask_for_single_precision(void **state)
{
    const double third = 1.0 / 3;
    gcr_trial trial;
    scene s;
    gcr_run *run;

    (void)state;
    open_scene(&s);
    s.factors[2] = third;
    s.job.precision = GCR_F32;
    assert_ok(gcr_run_create(&run, &s.spec));
    assert_non_null(strstr(gcr_run_kind(run, 0), "f32"));
    assert_ok(gcr_run_try(run, &trial, 1, 2)); /* of 2 and a third */
    assert_true(trial.values[0][0] == (double)(2 * (float)third));
    assert_true(trial.values[0][0] != 2 * third);
    gcr_run_destroy(run);
    close_scene(&s);
}

static void test_points_and_coordinates_are_two_names_of_one_thing(void **state)
{
    double noise[] = { 1, 2 }, length[] = { 5, 6, 7 };
    const gcr_point_table table = { .axes = { { "length", length, 3 }, { "noise", noise, 2 } },
                                    .axis_count = 2,
                                    .point_count = 6,
                                    .live_count = 6 };
    uint64_t coords[GCR_AXES_MAX];
    double values[GCR_AXES_MAX];

    (void)state;
    for (uint64_t point = 0; point < 6; point++) {
        gcr_point_coords(&table, point, coords);
        gcr_point_values(&table, point, values);
        assert_int_equal(gcr_point_at(&table, coords), point);
        assert_true(values[0] == 5 + (double)(point / 2) && values[1] == 1 + (double)(point % 2));
    }
}

static void test_null_is_refused(void **state)
{
    scene s;
    gcr_run *run;

    (void)state;
    open_scene(&s);
    assert_status(gcr_run_create(&run, NULL), GCR_EINVAL);
    s.spec.datasets = NULL;
    assert_refused(&s, "one of them is NULL");
    s.spec = (gcr_run_spec){ .datasets = &s.datasets };
    assert_refused(&s, "one of them is NULL");
    s.spec.job = &s.job;
    s.job.kernel = NULL;
    assert_refused(&s, "names no kernel");
    close_scene(&s);
}

static void test_an_axis_that_says_nothing_is_refused(void **state)
{
    static char name[] = "factor";
    scene s;

    (void)state;
    open_scene(&s);
    s.axis.name = NULL;
    assert_refused(&s, "axis 0 of the grid, counted from 0, has no name");
    s.axis.name = name;
    s.axis.number_count = 0;
    assert_refused(&s, "axis 'factor' has no numbers");
    s.axis.number_count = 3;
    s.axis.form = (gcr_axis_form)17;
    assert_refused(&s, "the form 17");
    s.axis.form = GCR_AXIS_LIST;
    s.job.axes = NULL;
    assert_refused(&s, "has items and is NULL");
    s.job.axis_count = -1;
    assert_refused(&s, "fewer than 0 items");
    close_scene(&s);
}

static void test_a_summary_that_says_nothing_is_refused(void **state)
{
    static char output[] = "value";
    scene s;

    (void)state;
    open_scene(&s);
    s.summary.output = NULL;
    assert_refused(&s, "summary 0, counted from 0, has no name or no output");
    s.summary.output = output;
    s.summary.op = (gcr_summary_op)-1;
    assert_refused(&s, "the operation -1");
    s.summary.op = GCR_SUMMARY_QUANTILE;
    s.summary.q = NAN;
    assert_refused(&s, "the q of summary 'best'");
    s.summary.q = 0.5;
    s.job.top = -3;
    assert_refused(&s, "`top` cannot be -3");
    close_scene(&s);
}

static void test_numbers_out_of_their_range_are_refused(void **state)
{
    scene s;

    (void)state;
    open_scene(&s);
    s.job.threads = -1;
    assert_refused(&s, "1 to 4096 threads");
    s.job.threads = 0;
    s.job.schedule = (gcr_schedule_form)9;
    assert_refused(&s, "no schedule 9");
    s.job.schedule = GCR_SCHEDULE_AUTO;
    s.job.code_path = GCR_PATH_COUNT;
    assert_refused(&s, "no code path 4");
    s.job.code_path = (gcr_code_path)-1;
    assert_refused(&s, "no code path -1");
    s.job.code_path = GCR_PATH_BEST;
    s.job.algorithm = (gcr_algorithm)7;
    assert_refused(&s, "no algorithm 7");
    s.job.algorithm = GCR_DIRECT;
    s.job.precision = (gcr_scalar)2;
    assert_refused(&s, "no precision 2");
    s.job.precision = GCR_F64;
    s.job.max_seconds = NAN;
    assert_refused(&s, "max_seconds");
    s.job.max_seconds = 0;
    s.job.jitter = s.jitter;
    s.job.jitter_count = 2;
    assert_refused(&s, "the steps of jitter");
    s.job.jitter_count = 1000;
    assert_refused(&s, "jitter has 1000 steps");
    s.job.jitter_count = 0;
    s.job.option_count = 1;
    s.job.options = &s.option;
    assert_refused(&s, "option 0, counted from 0, has no name or no value");
    close_scene(&s);
}

static void test_borrowed_data_that_the_job_wants_standardised_is_refused(void **state)
{
    scene s;
    gcr_run *run;

    (void)state;
    open_scene(&s);
    s.job.data.standardize = GCR_STANDARDIZE_Y;
    assert_refused(&s, "call gcr_datasets_standardize()");
    assert_ok(gcr_datasets_standardize(&s.datasets, GCR_STANDARDIZE_Y));
    assert_ok(gcr_run_create(&run, &s.spec));
    gcr_run_destroy(run);
    close_scene(&s);
}

static void test_a_job_of_text_needs_no_data_until_it_is_loaded(void **state)
{
    gcr_job job;
    gcr_datasets datasets;

    (void)state;
    assert_ok(gcr_job_parse(&job, "here", "name: t\nkernel: scale\ngrid: {factor: 1}\n", NULL, 0));
    assert_status(gcr_datasets_load(&datasets, &job), GCR_EINVAL);
    assert_error_mentions("the key 'data' is missing");
    gcr_job_clear(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_program_may_refuse_kernels_in_files),
        cmocka_unit_test(test_best_points_are_those_of_the_grid_and_not_of_arrival),
        cmocka_unit_test(test_a_program_may_ask_for_single_precision),
        cmocka_unit_test(test_points_and_coordinates_are_two_names_of_one_thing),
        cmocka_unit_test(test_null_is_refused),
        cmocka_unit_test(test_an_axis_that_says_nothing_is_refused),
        cmocka_unit_test(test_a_summary_that_says_nothing_is_refused),
        cmocka_unit_test(test_numbers_out_of_their_range_are_refused),
        cmocka_unit_test(test_borrowed_data_that_the_job_wants_standardised_is_refused),
        cmocka_unit_test(test_a_job_of_text_needs_no_data_until_it_is_loaded),
    };

    return cmocka_run_group_tests_name("filled_job", tests, NULL, NULL);
}
