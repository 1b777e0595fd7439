/* tests/unit/exec/test_hearing.c -- who is called lost, and when, by a clock that the test has. */
#include "exec/hearing.h"

#include "support/gcr_test.h"

#include <math.h>
#include <stdlib.h>

enum { NODES = 3 };

static const double limit = 10.0, look = 0.05;

static gcr_hearing open_at(double now)
{
    gcr_hearing hearing;

    assert_ok(gcr_hearing_open(&hearing, NODES, limit, now));
    gcr_hearing_forget(&hearing, 0); /* itself */
    return hearing;
}

/* Looks until `end`; returns who is silent first, and in *now_out when. */
static int look_until(gcr_hearing *hearing, double begin, double end, double *now_out)
{
    int silent = -1;
    double now = begin;

    for (; now < end && silent < 0; now += look)
        silent = gcr_hearing_look(hearing, now);
    *now_out = now;
    return silent;
}

static void test_who_is_not_heard_for_the_limit_is_lost(void **state)
{
    gcr_hearing hearing = open_at(100.0);
    double now;

    (void)state;
    assert_int_equal(look_until(&hearing, 100.0, 104.0, &now), -1);
    gcr_hearing_hear(&hearing, 1);
    assert_int_equal(look_until(&hearing, now, 200.0, &now), 2);
    assert_near(now, 110.0, 0.002);
    gcr_hearing_forget(&hearing, 2);
    assert_int_equal(look_until(&hearing, now, 200.0, &now), 1);
    assert_near(now, 114.0, 0.002);
    gcr_hearing_close(&hearing);
}

static void test_who_is_heard_now_and_then_is_there(void **state)
{
    gcr_hearing hearing = open_at(0.0);
    double now = 0.0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(look_until(&hearing, now, now + 0.9 * limit, &now), -1);
        gcr_hearing_hear(&hearing, 1);
        gcr_hearing_hear(&hearing, 2);
    }
    gcr_hearing_close(&hearing);
}

static void test_who_was_stopped_does_not_blame_the_others(void **state)
{
    gcr_hearing hearing = open_at(0.0);
    double now;

    (void)state;
    assert_int_equal(look_until(&hearing, 0.0, 5.0, &now), -1);
    assert_int_equal(gcr_hearing_look(&hearing, 1000.0), -1);
    assert_int_equal(look_until(&hearing, 1000.0, 1003.5, &now), -1);
    assert_int_not_equal(look_until(&hearing, now, 1005.0, &now), -1);
    gcr_hearing_close(&hearing);
}

static void test_nobody_listens_to_those_who_are_forgotten(void **state)
{
    gcr_hearing hearing = open_at(0.0);
    double now;

    (void)state;
    gcr_hearing_forget(&hearing, 1);
    gcr_hearing_hear(&hearing, 1);
    gcr_hearing_forget(&hearing, 2);
    assert_int_equal(look_until(&hearing, 0.0, 100.0, &now), -1);
    gcr_hearing_close(&hearing);
}

static void test_a_beat_is_due_ten_times_in_the_limit(void **state)
{
    gcr_hearing hearing = open_at(0.0);
    int beats = 0;

    (void)state;
    for (double now = 0.0; now < 10.0 * limit; now += look)
        beats += gcr_hearing_is_due(&hearing, now);
    assert_in_range(beats, 90, 100);
    gcr_hearing_close(&hearing);
}

static void test_an_infinite_limit_says_nothing(void **state)
{
    gcr_hearing hearing;

    (void)state;
    assert_ok(gcr_hearing_open(&hearing, 1, INFINITY, 0.0));
    for (double now = 0.0; now < 1e9; now += 1e6) {
        assert_false(gcr_hearing_is_due(&hearing, now));
        assert_int_equal(gcr_hearing_look(&hearing, now), -1);
    }
    gcr_hearing_close(&hearing);
}

static void test_the_environment_says_the_limit(void **state)
{
    static const char *const wrong[] = { "soon", "0.5", "-3", "nan", "60 s" };
    double seconds;

    (void)state;
    unsetenv("GRIDCRUNCH_SILENCE");
    assert_ok(gcr_hearing_read_limit(&seconds));
    assert_true(seconds == 60.0);
    setenv("GRIDCRUNCH_SILENCE", "2.5", 1);
    assert_ok(gcr_hearing_read_limit(&seconds));
    assert_true(seconds == 2.5);
    setenv("GRIDCRUNCH_SILENCE", "inf", 1);
    assert_ok(gcr_hearing_read_limit(&seconds));
    assert_true(isinf(seconds));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("GRIDCRUNCH_SILENCE", wrong[i], 1);
        assert_status(gcr_hearing_read_limit(&seconds), GCR_EINVAL);
        assert_error_mentions("GRIDCRUNCH_SILENCE is '");
        assert_error_mentions(wrong[i]);
    }
    unsetenv("GRIDCRUNCH_SILENCE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_not_heard_for_the_limit_is_lost),
        cmocka_unit_test(test_who_is_heard_now_and_then_is_there),
        cmocka_unit_test(test_who_was_stopped_does_not_blame_the_others),
        cmocka_unit_test(test_nobody_listens_to_those_who_are_forgotten),
        cmocka_unit_test(test_a_beat_is_due_ten_times_in_the_limit),
        cmocka_unit_test(test_an_infinite_limit_says_nothing),
        cmocka_unit_test(test_the_environment_says_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
