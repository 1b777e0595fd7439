/* tests/unit/data/test_job_summary.c -- the mapping `summary` of a job file. */
#include "unit/data/job_test.h"

/* ---- what it may say ------------------------------------------------------------------------- */

static void test_every_summary_is_known(void **state)
{
    static const gcr_summary_op expected[] = { GCR_SUMMARY_ARGMAX, GCR_SUMMARY_ARGMIN,
                                               GCR_SUMMARY_MEAN,   GCR_SUMMARY_MIN,
                                               GCR_SUMMARY_MAX,    GCR_SUMMARY_QUANTILE };
    gcr_job job = job_of(JOB("summary: {a: argmax(u), b: argmin(u), c: mean(u), d: min(u), "
                             "e: max(u), f: \"quantile(u, 0.25)\"}\n"));

    (void)state;
    assert_int_equal(job.summary_count, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(job.summaries[i].op, expected[i]);
        assert_string_equal(job.summaries[i].output, "u");
    }
    assert_true(job.summaries[5].q == 0.25);
    gcr_job_clear(&job);
}

static void test_blanks_in_a_summary_do_not_matter(void **state)
{
    gcr_job job = job_of(JOB("summary: {m: \" quantile ( lml ,1 ) \"}\n"));

    (void)state;
    assert_string_equal(job.summaries[0].output, "lml");
    assert_true(job.summaries[0].q == 1);
    gcr_job_clear(&job);
}

static void test_marks_of_a_summary_say_where_name_and_output_are(void **state)
{
    gcr_job job = job_of(JOB("summary: {best: \"argmax( lml )\"}\n"));

    (void)state;
    assert_int_equal(job.summaries[0].mark.column, 11);
    assert_int_equal(job.summaries[0].output_mark.line, 4);
    assert_int_equal(job.summaries[0].output_mark.column, 26);
    gcr_job_clear(&job);
}

static void test_top_and_nan_are_no_summaries(void **state)
{
    gcr_job job = job_of(JOB("summary: {top: 5, nan: propagate, best: argmin(u)}\n"));

    (void)state;
    assert_int_equal(job.summary_count, 1);
    assert_int_equal(job.top, 5);
    assert_int_equal(job.nan_propagates, 1);
    gcr_job_clear(&job);
}

static void test_nan_may_be_skipped_in_so_many_words(void **state)
{
    gcr_job job = job_of(JOB("summary: {nan: skip}\n"));

    (void)state;
    assert_int_equal(job.nan_propagates, 0);
    gcr_job_clear(&job);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

#define CALL_WANTED " takes argmax(OUTPUT), argmin, mean, min, max or quantile(OUTPUT, 0.5), not "

static void test_a_summary_that_is_no_call_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {best: lml}\n"), "t.yaml:4:17: 'best'" CALL_WANTED "'lml'");
}

static void test_a_summary_without_its_closing_parenthesis_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {best: argmax(lml}\n"),
                   "t.yaml:4:17: 'best'" CALL_WANTED "'argmax(lml'");
}

static void test_a_summary_of_two_lines_is_refused_on_one(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {best: \"arg\\nmax(lml)\"}\n"),
                   "t.yaml:4:17: 'best'" CALL_WANTED "'arg max(lml)'");
}

static void test_a_summary_of_nothing_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {best: argmax()}\n"),
                   "t.yaml:4:17: 'best'" CALL_WANTED "'argmax()'");
}

static void test_a_summary_that_is_a_list_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {best: [argmax, lml]}\n"),
                   "t.yaml:4:17: 'best'" CALL_WANTED "a list");
}

static void test_a_misspelt_summary_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {best: agrmax(lml)}\n"),
                   "t.yaml:4:17: unknown summary 'agrmax' (did you mean 'argmax'?)");
}

static void test_a_quantile_without_its_number_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {m: quantile(lml)}\n"),
                   "t.yaml:4:14: 'm'" CALL_WANTED "'quantile(lml)'");
}

static void test_a_mean_with_a_number_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {m: \"mean(lml, 0.5)\"}\n"),
                   "t.yaml:4:14: 'm'" CALL_WANTED "'mean(lml, 0.5)'");
}

static void test_a_quantile_above_one_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {m: \"quantile(lml, 50)\"}\n"),
                   "t.yaml:4:29: a quantile lies between 0 and 1, unlike '50'");
}

static void test_a_summary_whose_name_is_no_identifier_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {2nd: argmax(lml)}\n"),
                   "t.yaml:4:11: a summary is named with letters, digits and _, unlike '2nd'");
}

static void test_top_without_argmax_or_argmin_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {m: mean(lml), top: 3}\n"),
                   "t.yaml:4:25: 'top' goes with an argmax or argmin, and there is none");
}

static void test_top_zero_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {best: argmax(lml), top: 0}\n"),
                   "t.yaml:4:35: 'top' takes a whole number >= 1, not '0'");
}

static void test_an_unknown_treatment_of_nan_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: {nan: propagates}\n"),
                   "t.yaml:4:16: 'nan' takes skip or propagate, not 'propagates' (did you mean "
                   "'propagate'?)");
}

static void test_text_in_the_place_of_a_summary_is_refused(void **state)
{
    (void)state;
    assert_invalid(JOB("summary: argmax(lml)\n"),
                   "t.yaml:4:10: 'summary' is 'argmax(lml)' here; it "
                   "must be a mapping such as {best: "
                   "argmax(OUTPUT)}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_summary_is_known),
        cmocka_unit_test(test_blanks_in_a_summary_do_not_matter),
        cmocka_unit_test(test_marks_of_a_summary_say_where_name_and_output_are),
        cmocka_unit_test(test_top_and_nan_are_no_summaries),
        cmocka_unit_test(test_nan_may_be_skipped_in_so_many_words),
        cmocka_unit_test(test_a_summary_that_is_no_call_is_refused),
        cmocka_unit_test(test_a_summary_without_its_closing_parenthesis_is_refused),
        cmocka_unit_test(test_a_summary_of_two_lines_is_refused_on_one),
        cmocka_unit_test(test_a_summary_of_nothing_is_refused),
        cmocka_unit_test(test_a_summary_that_is_a_list_is_refused),
        cmocka_unit_test(test_a_misspelt_summary_is_named_with_the_nearest),
        cmocka_unit_test(test_a_quantile_without_its_number_is_refused),
        cmocka_unit_test(test_a_mean_with_a_number_is_refused),
        cmocka_unit_test(test_a_quantile_above_one_is_refused),
        cmocka_unit_test(test_a_summary_whose_name_is_no_identifier_is_refused),
        cmocka_unit_test(test_top_without_argmax_or_argmin_is_refused),
        cmocka_unit_test(test_top_zero_is_refused),
        cmocka_unit_test(test_an_unknown_treatment_of_nan_is_refused),
        cmocka_unit_test(test_text_in_the_place_of_a_summary_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
