/* tests/unit/data/test_job_run.c -- the mappings `run` and `output` of a job file. */
#include "unit/data/job_test.h"

/* ---- what they may say ----------------------------------------------------------------------- */

static void test_a_device_is_kept_with_its_place(void **state)
{
    gcr_job job = job_of(JOB("run: {device: cpu}\n"));

    (void)state;
    assert_string_equal(job.device, "cpu");
    assert_int_equal(job.device_mark.column, 15);
    gcr_job_clear(&job);
}

static void test_devices_in_a_list_are_a_text_with_commas(void **state)
{
    gcr_job job = job_of(JOB("run: {device: [cuda:0, cuda:2]}\n"));

    (void)state;
    assert_string_equal(job.device, "cuda:0, cuda:2");
    assert_int_equal(job.device_mark.column, 15);
    gcr_job_clear(&job);
}

#define DEVICE_WANTED "'device' takes auto, any, the name of a device, or a list of names, "

static void test_a_list_of_no_devices_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {device: []}\n"), "t.yaml:4:15: " DEVICE_WANTED "not an empty list");
    assert_invalid(JOB("run: {device: [cpu, {a: 1}]}\n"),
                   "t.yaml:4:21: " DEVICE_WANTED "not a mapping");
}

static void test_the_device_is_auto_when_nobody_says(void **state)
{
    gcr_job job = job_of(JOB(""));

    (void)state;
    assert_string_equal(job.device, "auto");
    assert_int_equal(job.device_mark.line, 0);
    gcr_job_clear(&job);
}

static void assert_schedule(const char *text, gcr_schedule_form form)
{
    gcr_job job = job_of(text);

    assert_int_equal(job.schedule, form);
    gcr_job_clear(&job);
}

static void test_an_algorithm_may_be_chosen(void **state)
{
    gcr_job job = job_of(JOB(""));

    (void)state;
    assert_int_equal(job.algorithm, GCR_DIRECT);
    gcr_job_clear(&job);
    job = job_of(JOB("run: {algorithm: tridiagonal}\n"));
    assert_int_equal(job.algorithm, GCR_TRIDIAGONAL);
    gcr_job_clear(&job);
}

static void test_a_precision_may_be_chosen(void **state)
{
    gcr_job job = job_of(JOB(""));

    (void)state;
    assert_int_equal(job.precision, GCR_F64);
    gcr_job_clear(&job);
    job = job_of(JOB("run: {precision: double}\n"));
    assert_int_equal(job.precision, GCR_F64);
    gcr_job_clear(&job);
    job = job_of(JOB("run: {precision: single}\n"));
    assert_int_equal(job.precision, GCR_F32);
    assert_int_equal(job.precision_mark.line, 4);
    gcr_job_clear(&job);
}

static void test_a_code_path_may_be_chosen(void **state)
{
    gcr_job job = job_of(JOB(""));

    (void)state;
    assert_int_equal(job.code_path, GCR_PATH_BEST);
    gcr_job_clear(&job);
    job = job_of(JOB("run: {code_path: v3}\n"));
    assert_int_equal(job.code_path, GCR_PATH_V3);
    gcr_job_clear(&job);
}

static void test_every_schedule_is_known(void **state)
{
    (void)state;
    assert_schedule(JOB("run: {schedule: auto}\n"), GCR_SCHEDULE_AUTO);
    assert_schedule(JOB("run: {schedule: static}\n"), GCR_SCHEDULE_STATIC);
    assert_schedule(JOB("run: {schedule: cyclic}\n"), GCR_SCHEDULE_CYCLIC);
    assert_schedule(JOB("run: {schedule: dynamic}\n"), GCR_SCHEDULE_DYNAMIC);
    assert_schedule(JOB("run: {schedule: guided}\n"), GCR_SCHEDULE_GUIDED);
}

static void assert_gather(const char *text, gcr_gather_form gather)
{
    gcr_job job = job_of(text);

    assert_int_equal(job.gather, gather);
    gcr_job_clear(&job);
}

static void test_every_way_to_gather_is_known(void **state)
{
    (void)state;
    assert_gather(JOB(""), GCR_GATHER_AUTO);
    assert_gather(JOB("run: {gather: auto}\n"), GCR_GATHER_AUTO);
    assert_gather(JOB("run: {gather: mpi}\n"), GCR_GATHER_MPI);
    assert_gather(JOB("run: {gather: nccl}\n"), GCR_GATHER_NCCL);
}

static void test_batch_and_threads_are_numbers(void **state)
{
    gcr_job job = job_of(JOB("run: {batch: 64, threads: 2}\n"));

    (void)state;
    assert_int_equal(job.batch, 64);
    assert_int_equal(job.threads, 2);
    gcr_job_clear(&job);
}

static void test_batch_and_threads_may_be_auto(void **state)
{
    gcr_job job = job_of(JOB("run: {batch: auto, threads: auto}\n"));

    (void)state;
    assert_int_equal(job.batch, 0);
    assert_int_equal(job.threads, 0);
    gcr_job_clear(&job);
}

static void test_a_jitter_of_zero_in_front_is_the_plain_try(void **state)
{
    static const double expected[] = { 1e-8, 1e-6 };
    gcr_job job = job_of(JOB("run: {jitter: [0, 1e-8, 1e-6]}\n"));

    (void)state;
    assert_int_equal(job.jitter_count, 2);
    assert_memory_equal(job.jitter, expected, sizeof expected);
    gcr_job_clear(&job);
}

static void test_one_jitter_needs_no_list(void **state)
{
    gcr_job job = job_of(JOB("run: {jitter: 1e-6}\n"));

    (void)state;
    assert_int_equal(job.jitter_count, 1);
    assert_true(job.jitter[0] == 1e-6);
    gcr_job_clear(&job);
}

static void test_jitter_zero_alone_is_no_jitter(void **state)
{
    gcr_job job = job_of(JOB("run: {jitter: 0}\n"));

    (void)state;
    assert_int_equal(job.jitter_count, 0);
    gcr_job_clear(&job);
}

static void assert_max_seconds(const char *text, double seconds)
{
    gcr_job job = job_of(text);

    assert_near(job.max_seconds, seconds, 0);
    gcr_job_clear(&job);
}

static void test_a_time_is_seconds_or_has_units(void **state)
{
    (void)state;
    assert_max_seconds(JOB("run: {max_time: 12.5}\n"), 12.5);
    assert_max_seconds(JOB("run: {max_time: 90s}\n"), 90);
    assert_max_seconds(JOB("run: {max_time: 10m}\n"), 600);
    assert_max_seconds(JOB("run: {max_time: 2h}\n"), 7200);
    assert_max_seconds(JOB("run: {max_time: 1h30m}\n"), 5400);
    assert_max_seconds(JOB("run: {max_time: 1h1m1s}\n"), 3661);
}

static void test_the_output_folder_is_kept(void **state)
{
    gcr_job job = job_of(JOB("output: {folder: runs/gp, keep: all}\n"));

    (void)state;
    assert_string_equal(job.output_folder, "runs/gp");
    gcr_job_clear(&job);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static void test_a_batch_in_words_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {batch: five}\n"),
                   "t.yaml:4:14: 'batch' takes a whole number >= 1 or auto, not 'five'");
}

static void test_a_batch_of_zero_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {batch: 0}\n"),
                   "t.yaml:4:14: 'batch' takes a whole number >= 1 or auto, not '0'");
}

static void test_a_fraction_of_a_thread_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {threads: 1.5}\n"),
                   "t.yaml:4:16: 'threads' takes a whole number from 1 to 4096 or auto, not '1.5'");
}

static void test_an_absurd_number_of_threads_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {threads: 4097}\n"),
                   "t.yaml:4:16: 'threads' takes a whole number from 1 to 4096 or auto, not "
                   "'4097'");
}

static void test_a_misspelt_schedule_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {schedule: dynamc}\n"),
                   "t.yaml:4:17: 'schedule' takes auto, static, cyclic, dynamic or guided, not "
                   "'dynamc' (did you mean 'dynamic'?)");
}

static void test_a_way_to_gather_that_nobody_knows_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {gather: ncll}\n"),
                   "t.yaml:4:15: 'gather' takes auto, mpi or nccl, not 'ncll' (did you mean "
                   "'nccl'?)");
}

static void test_a_misspelt_precision_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {precision: singel}\n"),
                   "t.yaml:4:18: 'precision' takes double or single, not 'singel' (did you mean "
                   "'single'?)");
}

static void test_an_unknown_key_in_run_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {bacth: 5}\n"),
                   "t.yaml:4:7: unknown key 'bacth' in 'run' (did you mean 'batch'?)");
}

#define JITTER_WANTED "the steps of 'jitter' are positive, each larger than the one before it"

static void test_a_ladder_that_goes_down_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {jitter: [1e-6, 1e-8]}\n"), "t.yaml:4:15: " JITTER_WANTED);
}

static void test_a_negative_jitter_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {jitter: -1}\n"), "t.yaml:4:15: " JITTER_WANTED);
}

#define TIME_WANTED "'max_time' takes seconds, or a time such as 90s, 10m or 1h30m, "

static void test_units_in_the_wrong_order_are_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {max_time: 30m1h}\n"), "t.yaml:4:17: " TIME_WANTED "not '30m1h'");
}

static void test_no_time_at_all_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run: {max_time: 0}\n"), "t.yaml:4:17: " TIME_WANTED "not '0'");
}

static void test_a_time_without_a_value_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("run:\n  max_time:\n"),
                   "t.yaml:5:12: 'max_time' has no value here; it takes "
                   "seconds, or a time such as 90s, 10m or 1h30m");
}

static void test_summaries_may_be_all_that_is_kept(void **state)
{
    gcr_job job = job_of(JOB("output: {keep: summary}\n"));

    (void)state;
    assert_int_equal(job.keep, GCR_KEEP_SUMMARY);
    gcr_job_clear(&job);
}

static void test_keeping_anything_but_all_or_summaries_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("output: {keep: al}\n"),
                   "t.yaml:4:16: 'keep' takes all or summary, not 'al' (did you mean 'all'?)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_device_is_kept_with_its_place),
        cmocka_unit_test(test_devices_in_a_list_are_a_text_with_commas),
        cmocka_unit_test(test_a_list_of_no_devices_is_refused),
        cmocka_unit_test(test_the_device_is_auto_when_nobody_says),
        cmocka_unit_test(test_an_algorithm_may_be_chosen),
        cmocka_unit_test(test_a_precision_may_be_chosen),
        cmocka_unit_test(test_a_code_path_may_be_chosen),
        cmocka_unit_test(test_every_schedule_is_known),
        cmocka_unit_test(test_every_way_to_gather_is_known),
        cmocka_unit_test(test_a_way_to_gather_that_nobody_knows_is_refused),
        cmocka_unit_test(test_batch_and_threads_are_numbers),
        cmocka_unit_test(test_batch_and_threads_may_be_auto),
        cmocka_unit_test(test_a_jitter_of_zero_in_front_is_the_plain_try),
        cmocka_unit_test(test_one_jitter_needs_no_list),
        cmocka_unit_test(test_jitter_zero_alone_is_no_jitter),
        cmocka_unit_test(test_a_time_is_seconds_or_has_units),
        cmocka_unit_test(test_the_output_folder_is_kept),
        cmocka_unit_test(test_a_batch_in_words_is_refused),
        cmocka_unit_test(test_a_batch_of_zero_is_refused),
        cmocka_unit_test(test_a_fraction_of_a_thread_is_refused),
        cmocka_unit_test(test_an_absurd_number_of_threads_is_refused),
        cmocka_unit_test(test_a_misspelt_schedule_is_named_with_the_nearest),
        cmocka_unit_test(test_a_misspelt_precision_is_named_with_the_nearest),
        cmocka_unit_test(test_an_unknown_key_in_run_is_named_with_the_nearest),
        cmocka_unit_test(test_a_ladder_that_goes_down_is_refused),
        cmocka_unit_test(test_a_negative_jitter_is_refused),
        cmocka_unit_test(test_units_in_the_wrong_order_are_refused),
        cmocka_unit_test(test_no_time_at_all_is_refused),
        cmocka_unit_test(test_a_time_without_a_value_is_refused),
        cmocka_unit_test(test_summaries_may_be_all_that_is_kept),
        cmocka_unit_test(test_keeping_anything_but_all_or_summaries_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
