/* Names in results.h5: all in one namespace, checked before a run. */
#include "support/gcr_test.h"

#include "support/results_fixture.h"

static results_fixture fixture;

static int describe(void **state)
{
    (void)state;
    fixture = (results_fixture){ 0 };
    fixture_describe(&fixture);
    return 0;
}

static void test_names_that_differ_are_fine(void **state)
{
    (void)state;
    assert_ok(gcr_results_check_names(&fixture.job, &fixture_kernel));
}

static void test_a_summary_may_not_be_called_as_an_output(void **state)
{
    (void)state;
    fixture.summaries[0].name = "lml";
    fixture.summaries[0].mark = (gcr_mark){ "job.yaml", 9, 3 };
    assert_status(gcr_results_check_names(&fixture.job, &fixture_kernel), GCR_EINVAL);
    assert_error_mentions("job.yaml:9:3: the summary 'lml' and the output 'lml' both need the name "
                          "'lml' in results.h5: call the summary something else");
}

static void test_the_place_is_there_however_long_the_path_of_the_job(void **state)
{
    char path[301];

    (void)state;
    memset(path, 'j', 300);
    path[300] = '\0';
    fixture.summaries[0].name = "lml";
    fixture.summaries[0].mark = (gcr_mark){ path, 9, 3 };
    assert_status(gcr_results_check_names(&fixture.job, &fixture_kernel), GCR_EINVAL);
    assert_error_mentions("j:9:3: the summary 'lml'");
}

static void test_two_summaries_may_not_share_a_name(void **state)
{
    (void)state;
    fixture.summaries[1].name = "best";
    assert_status(gcr_results_check_names(&fixture.job, &fixture_kernel), GCR_EINVAL);
    assert_error_mentions("the summary 'best' and the summary 'best'");
}

static void test_a_summary_may_not_be_called_as_what_belongs_to_another(void **state)
{
    (void)state;
    fixture.summaries[3].name = "best_noise";
    assert_status(gcr_results_check_names(&fixture.job, &fixture_kernel), GCR_EINVAL);
    assert_error_mentions("the summary 'best_noise' and the summary 'best' both need");
}

static void test_names_of_gridcrunchs_own_are_refused(void **state)
{
    (void)state;
    fixture.summaries[0].name = "status";
    assert_status(gcr_results_check_names(&fixture.job, &fixture_kernel), GCR_EINVAL);
    assert_error_mentions("the name 'status', which gridcrunch uses itself");
}

static void test_a_name_with_a_slash_is_refused(void **state)
{
    (void)state;
    fixture.summaries[0].name = "best/worst";
    assert_status(gcr_results_check_names(&fixture.job, &fixture_kernel), GCR_EINVAL);
    assert_error_mentions("'best/worst' cannot be the name of a summary");
}

static void test_a_name_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    fixture.axes[1].name = "l\xe4nge";
    assert_status(gcr_results_check_names(&fixture.job, &fixture_kernel), GCR_EINVAL);
    assert_error_mentions("cannot be the name of an axis");
}

static void test_31_axes_leave_no_room_for_an_output_with_several_values(void **state)
{
    (void)state;
    fixture.job.axis_count = GCR_AXES_MAX;
    assert_status(gcr_results_check_names(&fixture.job, &fixture_kernel), GCR_EINVAL);
    assert_error_mentions("the output 'weights' has several values per cell");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_names_that_differ_are_fine, describe),
        cmocka_unit_test_setup(test_a_summary_may_not_be_called_as_an_output, describe),
        cmocka_unit_test_setup(test_the_place_is_there_however_long_the_path_of_the_job, describe),
        cmocka_unit_test_setup(test_two_summaries_may_not_share_a_name, describe),
        cmocka_unit_test_setup(test_a_summary_may_not_be_called_as_what_belongs_to_another,
                               describe),
        cmocka_unit_test_setup(test_names_of_gridcrunchs_own_are_refused, describe),
        cmocka_unit_test_setup(test_a_name_with_a_slash_is_refused, describe),
        cmocka_unit_test_setup(test_a_name_that_is_not_utf8_is_refused, describe),
        cmocka_unit_test_setup(test_31_axes_leave_no_room_for_an_output_with_several_values,
                               describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
