/*
 * tests/unit/exec/test_run_life.c -- before execute, after a failure, and destroyed while others
 * look.
 */
#include "support/gcr_test.h"
#include "support/staged_run.h"

#include "gridcrunch/cell.h"
#include "gridcrunch/run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const char small_job[] = "name: life\n"
                                "data: {synthetic: {datasets: 4, rows: 2}}\n"
                                "kernel: scale\n"
                                "grid: {factor: [1, 2, -1]}\n"
                                "where: factor > 0\n"
                                "run: {threads: 2}\n";

static const char sleep_job[] = "name: life\n"
                                "data: {synthetic: {datasets: 3, rows: 2}}\n"
                                "kernel: sleep\n"
                                "grid: {ms: [1, 100]}\n"
                                "run: {threads: 1, schedule: static, batch: 1}\n";

/* Its top points are more bytes than there are addresses. */
static const char hopeless_job[] = "name: life\n"
                                   "data: {synthetic: {datasets: 6000, rows: 2}}\n"
                                   "kernel: scale\n"
                                   "grid: {factor: [1, 2]}\n"
                                   "summary: {best: argmax(value), top: 2147483647}\n"
                                   "run: {threads: 1}\n";

typedef struct scene {
    staged_run staged;
    gcr_run *run;
    atomic_int waiting, is_over, called;
    gcr_status got;
    char sentence[512];
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

/* ---- before and after ------------------------------------------------------------------------ */

static void test_before_it_is_executed_the_live_cells_of_a_run_are_empty(void **state)
{
    scene s;
    uint64_t counts[GCR_CELL_STATE_COUNT];

    (void)state;
    raise_curtain(&s, small_job, NULL);
    gcr_run_count(s.run, counts);
    assert_int_equal(counts[GCR_CELL_EMPTY], 8);
    assert_int_equal(counts[GCR_CELL_EXCLUDED], 4);
    assert_int_equal(counts[GCR_CELL_OK], 0);
    assert_null(gcr_run_summaries(s.run));
    drop_curtain(&s);
}

static void test_a_run_that_failed_before_it_had_summaries_has_no_results(void **state)
{
    scene s;
    gcr_row row;
    uint64_t counts[GCR_CELL_STATE_COUNT];

    (void)state;
    raise_curtain(&s, hopeless_job, NULL);
    assert_status(gcr_run_execute(s.run), GCR_ENOMEM);
    assert_error_mentions("no memory for the top points");
    assert_int_equal(gcr_run_ending_of(s.run), GCR_RUN_FAILED);
    assert_status(gcr_results_write(gcr_run_results(s.run), "/tmp", 0), GCR_EINVAL);
    assert_error_mentions("failed early");
    assert_status(gcr_run_row(&row, s.run, 0), GCR_EINVAL);
    assert_null(gcr_run_summaries(s.run));
    gcr_run_count(s.run, counts);
    assert_int_equal(counts[GCR_CELL_EMPTY], 12000);
    drop_curtain(&s);
}

static void test_only_cells_that_there_are_are_tried(void **state)
{
    scene s;
    gcr_trial trial;

    (void)state;
    raise_curtain(&s, small_job, NULL);
    assert_ok(gcr_run_try(s.run, &trial, 3, 1));
    assert_int_equal(trial.state, GCR_CELL_OK);
    assert_status(gcr_run_try(s.run, &trial, 4, 1), GCR_EINVAL);
    assert_error_mentions("there is no dataset 4");
    assert_status(gcr_run_try(s.run, &trial, 3, 3), GCR_EINVAL);
    assert_error_mentions("there is no point 3: the 3 of this run count from 0");
    assert_status(gcr_run_try(s.run, &trial, 3, 2), GCR_EINVAL);
    assert_error_mentions("'where' leaves out");
    drop_curtain(&s);
}

static void test_what_was_tried_is_no_part_of_what_the_run_did(void **state)
{
    scene s, other;
    gcr_trial trial;

    (void)state;
    raise_curtain(&s, small_job, NULL);
    raise_curtain(&other, small_job, NULL);
    assert_ok(gcr_run_try(s.run, &trial, 3, 1));
    assert_ok(gcr_run_execute(s.run));
    assert_ok(gcr_run_execute(other.run));
    assert_int_equal(gcr_run_ledger(s.run)->points, gcr_run_ledger(other.run)->points);
    assert_int_equal(gcr_run_ledger(s.run)->prepare_calls,
                     gcr_run_ledger(other.run)->prepare_calls);
    assert_ok(gcr_run_try(s.run, &trial, 3, 1));
    assert_int_equal(gcr_run_device_ledger(s.run, 0)->points,
                     gcr_run_device_ledger(other.run, 0)->points);
    drop_curtain(&other);
    drop_curtain(&s);
}

/* ---- others look while it ends --------------------------------------------------------------- */

static void *poll_flights(void *arg)
{
    scene *s = arg;
    gcr_in_flight flight;

    atomic_store(&s->waiting, 1);
    while (!atomic_load(&s->is_over))
        for (int worker = -1; worker < 3; worker++)
            if (gcr_run_in_flight(&flight, s->run, worker))
                assert_true(flight.dataset < 4 && flight.point < 3);
    return NULL;
}

static void test_what_is_in_flight_may_be_asked_from_create_to_destroy(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        scene s;
        gcr_in_flight flight;
        pthread_t thread;

        raise_curtain(&s, small_job, NULL);
        assert_int_equal(pthread_create(&thread, NULL, poll_flights, &s), 0);
        while (!atomic_load(&s.waiting))
            usleep(100);
        assert_ok(gcr_run_execute(s.run));
        assert_false(gcr_run_in_flight(&flight, s.run, 0));
        atomic_store(&s.is_over, 1);
        pthread_join(thread, NULL);
        drop_curtain(&s);
    }
}

static void *wait_for_the_last(void *arg)
{
    scene *s = arg;
    gcr_row row;

    atomic_store(&s->waiting, 1);
    s->got = gcr_run_take(&row, s->run, 2, -1);
    snprintf(s->sentence, sizeof s->sentence, "%s", gcr_last_error());
    gcr_row_clear(&row);
    return NULL;
}

/* Destroys a run that somebody has begun to wait for; what that got is in `got`. */
static void destroy_under_a_waiter(scene *s, int is_started)
{
    pthread_t thread;

    raise_curtain(s, sleep_job, NULL);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_the_last, s), 0);
    while (!atomic_load(&s->waiting))
        usleep(100);
    usleep(5000); /* until it sleeps */
    if (is_started)
        assert_ok(gcr_run_start(s->run));
    drop_curtain(s);
    pthread_join(thread, NULL);
}

static void test_who_waits_for_a_run_that_never_began_is_let_go_when_it_is_destroyed(void **state)
{
    scene s;

    (void)state;
    destroy_under_a_waiter(&s, 0);
    assert_int_equal(s.got, GCR_ECLOSED);
    assert_non_null(strstr(s.sentence, "'s0003' will not be complete: the run was destroyed"));
}

static void test_who_waits_for_a_run_that_is_destroyed_while_it_runs_is_let_go(void **state)
{
    scene s;

    (void)state;
    destroy_under_a_waiter(&s, 1);
    assert_int_equal(s.got, GCR_ECLOSED);
    assert_non_null(strstr(s.sentence, "'s0003' will not be complete: the run was cancelled"));
}

static void destroy_inside(void *arg, gcr_run *run, uint64_t dataset)
{
    scene *s = arg;

    (void)dataset;
    atomic_fetch_add(&s->called, 1);
    gcr_run_destroy(run);
}

static void test_inside_its_own_callback_a_run_is_cancelled_and_stays(void **state)
{
    scene s;
    gcr_row row;

    (void)state;
    raise_curtain(&s, sleep_job, destroy_inside);
    assert_ok(gcr_run_execute(s.run));
    assert_int_equal(gcr_run_ending_of(s.run), GCR_RUN_CANCELLED);
    assert_true(atomic_load(&s.called) >= 1);
    assert_ok(gcr_run_fetch(&row, s.run, 0, 0));
    drop_curtain(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_it_is_executed_the_live_cells_of_a_run_are_empty),
        cmocka_unit_test(test_a_run_that_failed_before_it_had_summaries_has_no_results),
        cmocka_unit_test(test_only_cells_that_there_are_are_tried),
        cmocka_unit_test(test_what_was_tried_is_no_part_of_what_the_run_did),
        cmocka_unit_test(test_what_is_in_flight_may_be_asked_from_create_to_destroy),
        cmocka_unit_test(test_who_waits_for_a_run_that_never_began_is_let_go_when_it_is_destroyed),
        cmocka_unit_test(test_who_waits_for_a_run_that_is_destroyed_while_it_runs_is_let_go),
        cmocka_unit_test(test_inside_its_own_callback_a_run_is_cancelled_and_stays),
    };

    return cmocka_run_group_tests_name("run_life", tests, NULL, NULL);
}
