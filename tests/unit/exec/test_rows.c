/* tests/unit/exec/test_rows.c -- the cells of one dataset while the grid runs; and what is
 * refused. */
#include "support/gcr_test.h"
#include "support/staged_run.h"

#include "gridcrunch/cell.h"
#include "gridcrunch/run.h"

#include <stdatomic.h>
#include <unistd.h>

/* 4 datasets x 3 points; dataset d has 2 rows. */
static const char scale_job[] = "name: rows\n"
                                "data: {synthetic: {datasets: 4, rows: 2}}\n"
                                "kernel: scale\n"
                                "grid: {factor: [1, 2, -1]}\n"
                                "summary: {best: argmax(value)}\n"
                                "run: {threads: 2}\n";

/* One thread, so that the second dataset begins when the first has ended. */
static const char sleep_job[] = "name: rows\n"
                                "data: {synthetic: {datasets: 3, rows: 2}}\n"
                                "kernel: sleep\n"
                                "grid: {ms: [1, 100]}\n"
                                "run: {threads: 1, schedule: static, batch: 1}\n";

typedef struct scene {
    staged_run staged;
    gcr_run *run;
    atomic_int called[4], wrong, nested;
} scene;

static void raise_curtain(scene *s, const char *text,
                          void (*on_dataset)(void *arg, gcr_run *run, uint64_t dataset))
{
    *s = (scene){ .run = NULL };
    s->run = staged_run_open(&s->staged, text, on_dataset, s);
}

static void drop_curtain(scene *s)
{
    staged_run_close(&s->staged, s->run);
}

static void assert_row(const gcr_row *row, uint64_t dataset)
{
    assert_int_equal(row->dataset, dataset);
    assert_int_equal(row->point_count, 3);
    assert_int_equal(row->output_count, 1);
    assert_int_equal(row->width[0], 1);
    for (int p = 0; p < 3; p++)
        assert_int_equal(row->state[p], GCR_CELL_OK);
    assert_true(row->values[0][1] == 2 * row->values[0][0]);
    assert_true(row->values[0][2] == -row->values[0][0]);
}

static void test_rows_of_a_run_are_fetched_and_stay(void **state)
{
    scene s;
    gcr_row row, again;

    (void)state;
    raise_curtain(&s, scale_job, NULL);
    assert_ok(gcr_run_execute(s.run));
    for (uint64_t d = 0; d < 4; d++) {
        assert_true(gcr_run_is_ready(s.run, d));
        assert_ok(gcr_run_fetch(&row, s.run, d, -1));
        assert_row(&row, d);
        assert_ok(gcr_run_fetch(&again, s.run, d, -1));
        assert_ptr_equal(row.values[0], again.values[0]);
        gcr_row_clear(&row);
        gcr_row_clear(&again);
    }
    drop_curtain(&s);
}

static void test_a_row_that_is_taken_outlives_its_run_and_is_gone_from_it(void **state)
{
    scene s;
    gcr_row row, other;

    (void)state;
    raise_curtain(&s, scale_job, NULL);
    assert_ok(gcr_run_execute(s.run));
    assert_ok(gcr_run_take(&row, s.run, 1, -1));
    assert_false(gcr_run_is_ready(s.run, 1));
    assert_status(gcr_run_take(&other, s.run, 1, -1), GCR_ETAKEN);
    assert_error_mentions("dataset 's0002' has been taken already");
    assert_status(gcr_run_fetch(&other, s.run, 1, -1), GCR_ETAKEN);
    assert_status(gcr_run_row(&other, s.run, 1), GCR_ETAKEN);
    assert_ok(gcr_run_fetch(&other, s.run, 2, -1));
    drop_curtain(&s);
    assert_row(&row, 1);
    gcr_row_clear(&row);
}

static void test_results_files_of_a_run_with_a_taken_row_are_refused(void **state)
{
    scene s;
    gcr_row row;

    (void)state;
    raise_curtain(&s, scale_job, NULL);
    assert_ok(gcr_run_execute(s.run));
    assert_ok(gcr_run_take(&row, s.run, 3, -1));
    assert_status(gcr_results_write(gcr_run_results(s.run), "/tmp", GCR_WRITE_UNSYNCED),
                  GCR_ETAKEN);
    assert_error_mentions("'s0004' has been taken");
    gcr_row_clear(&row);
    drop_curtain(&s);
}

static void test_summaries_stay_when_a_row_is_taken(void **state)
{
    scene s;
    gcr_row row;

    (void)state;
    raise_curtain(&s, scale_job, NULL);
    assert_ok(gcr_run_execute(s.run));
    assert_ok(gcr_run_take(&row, s.run, 0, -1));
    for (int p = 0; p < 3; p++)
        assert_true(row.values[0][p] <= gcr_summaries_get(gcr_run_summaries(s.run), 0, 0).value);
    gcr_row_clear(&row);
    drop_curtain(&s);
}

static void note_dataset(void *arg, gcr_run *run, uint64_t dataset)
{
    scene *s = arg;
    const gcr_summary_value best = gcr_summaries_get(gcr_run_summaries(run), dataset, 0);
    gcr_row row;

    atomic_fetch_add(&s->called[dataset], 1);
    if (gcr_run_take(&row, run, dataset, -1) != GCR_OK || row.values[0][best.point] != best.value)
        atomic_fetch_add(&s->wrong, 1);
    gcr_row_clear(&row);
}

static void test_each_dataset_calls_back_once_and_can_be_taken_there(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, scale_job, note_dataset);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(s.wrong, 0);
    for (int d = 0; d < 4; d++)
        assert_int_equal(s.called[d], 1);
    drop_curtain(&s);
}

/* ---- while it runs --------------------------------------------------------------------------- */

static void test_a_dataset_is_had_while_the_next_is_still_computed(void **state)
{
    scene s;
    gcr_row row;

    (void)state;
    raise_curtain(&s, sleep_job, NULL);
    assert_status(gcr_run_wait(s.run, 0, 0), GCR_ETIMEOUT); /* nothing has begun */
    assert_ok(gcr_run_start(s.run));
    assert_ok(gcr_run_fetch(&row, s.run, 0, -1));
    assert_int_equal(row.state[1], GCR_CELL_OK);
    assert_status(gcr_run_wait(s.run, 1, 0.001), GCR_ETIMEOUT);
    assert_error_mentions("dataset 's0002' is not complete yet");
    assert_ok(gcr_run_wait(s.run, 1, -1));
    assert_ok(gcr_run_finish(s.run, -1));
    drop_curtain(&s);
}

static void test_who_waits_for_a_dataset_of_a_cancelled_run_is_told(void **state)
{
    scene s;
    gcr_row row;

    (void)state;
    raise_curtain(&s, sleep_job, NULL);
    assert_ok(gcr_run_start(s.run));
    assert_ok(gcr_run_wait(s.run, 0, -1));
    gcr_run_cancel(s.run);
    assert_status(gcr_run_wait(s.run, 2, -1), GCR_ECLOSED);
    assert_error_mentions("dataset 's0003' will not be complete: the run was cancelled");
    assert_ok(gcr_run_finish(s.run, -1));
    assert_int_equal(gcr_run_ending_of(s.run), GCR_RUN_CANCELLED);
    assert_ok(gcr_run_fetch(&row, s.run, 0, -1)); /* what was complete stays */
    assert_ok(gcr_run_row(&row, s.run, 2));
    assert_int_equal(row.state[1], GCR_CELL_EMPTY);
    assert_true(isnan(row.values[0][1]));
    drop_curtain(&s);
}

static void test_a_run_that_is_destroyed_while_it_runs_is_cancelled(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, sleep_job, NULL);
    assert_ok(gcr_run_start(s.run));
    assert_status(gcr_run_finish(s.run, 0), GCR_ETIMEOUT);
    drop_curtain(&s);
}

/* ---- refused --------------------------------------------------------------------------------- */

static void nest(void *arg, gcr_run *run, uint64_t dataset)
{
    scene *s = arg;
    gcr_row row;

    (void)dataset;
    if (gcr_run_execute(run) == GCR_ENESTED && gcr_run_start(run) == GCR_ENESTED &&
        gcr_run_finish(run, -1) == GCR_ENESTED && gcr_run_fetch(&row, run, 2, -1) == GCR_ENESTED)
        atomic_fetch_add(&s->nested, 1);
}

static void test_inside_a_callback_nothing_is_executed_or_waited_for(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, sleep_job, nest);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(s.nested, 2); /* when the last one calls, it is there */
    drop_curtain(&s);
}

static void test_a_run_is_executed_once(void **state)
{
    scene s;

    (void)state;
    raise_curtain(&s, scale_job, NULL);
    assert_status(gcr_run_finish(s.run, -1), GCR_EINVAL);
    assert_error_mentions("has not been started");
    assert_ok(gcr_run_execute(s.run));
    assert_status(gcr_run_execute(s.run), GCR_EINVAL);
    assert_error_mentions("executed already");
    assert_status(gcr_run_start(s.run), GCR_EINVAL);
    drop_curtain(&s);
}

static void test_before_it_has_ended_a_run_has_no_rows_and_no_results(void **state)
{
    scene s;
    gcr_row row;

    (void)state;
    raise_curtain(&s, scale_job, NULL);
    assert_status(gcr_run_row(&row, s.run, 0), GCR_EINVAL);
    assert_error_mentions("the run has not ended");
    assert_status(gcr_results_write(gcr_run_results(s.run), "/tmp", 0), GCR_EINVAL);
    assert_error_mentions("the run has not ended");
    drop_curtain(&s);
}

static void test_a_dataset_that_does_not_exist_is_refused(void **state)
{
    scene s;
    gcr_row row;

    (void)state;
    raise_curtain(&s, scale_job, NULL);
    assert_false(gcr_run_is_ready(s.run, 4));
    assert_status(gcr_run_fetch(&row, s.run, 4, -1), GCR_EINVAL);
    assert_error_mentions("there is no dataset 4");
    drop_curtain(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_a_run_are_fetched_and_stay),
        cmocka_unit_test(test_a_row_that_is_taken_outlives_its_run_and_is_gone_from_it),
        cmocka_unit_test(test_results_files_of_a_run_with_a_taken_row_are_refused),
        cmocka_unit_test(test_summaries_stay_when_a_row_is_taken),
        cmocka_unit_test(test_each_dataset_calls_back_once_and_can_be_taken_there),
        cmocka_unit_test(test_a_dataset_is_had_while_the_next_is_still_computed),
        cmocka_unit_test(test_who_waits_for_a_dataset_of_a_cancelled_run_is_told),
        cmocka_unit_test(test_a_run_that_is_destroyed_while_it_runs_is_cancelled),
        cmocka_unit_test(test_inside_a_callback_nothing_is_executed_or_waited_for),
        cmocka_unit_test(test_a_run_is_executed_once),
        cmocka_unit_test(test_before_it_has_ended_a_run_has_no_rows_and_no_results),
        cmocka_unit_test(test_a_dataset_that_does_not_exist_is_refused),
    };

    return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
