/* tests/unit/base/test_clock.c -- clocks go forward and agree with each other. */
#include "support/gcr_test.h"

#include "base/clock.h"

#include "gridcrunch/kernel.h"

static void test_the_clock_never_goes_back(void **state)
{
    double last = gcr_clock_seconds();

    (void)state;
    for (int i = 0; i < 100000; i++) {
        const double now = gcr_clock_seconds();

        assert_true(now >= last);
        last = now;
    }
}

static void test_a_tick_is_measured_once(void **state)
{
    const double first = gcr_clock_ns_per_tick();

    (void)state;
    assert_true(first > 0 && isfinite(first));
    assert_true(gcr_clock_ns_per_tick() == first);
}

/* Half off would be another unit; a busy machine is not half off. */
static void test_ticks_and_seconds_measure_the_same_time(void **state)
{
    const double ns_per_tick = gcr_clock_ns_per_tick();
    const double start = gcr_clock_seconds();
    const uint64_t start_ticks = gcr_ticks();
    double by_clock, by_ticks;

    (void)state;
    while (gcr_clock_seconds() - start < 0.02)
        ;
    by_ticks = (double)(gcr_ticks() - start_ticks) * ns_per_tick * 1e-9;
    by_clock = gcr_clock_seconds() - start;
    assert_true(by_ticks > by_clock / 1.5 && by_ticks < by_clock * 1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_clock_never_goes_back),
        cmocka_unit_test(test_a_tick_is_measured_once),
        cmocka_unit_test(test_ticks_and_seconds_measure_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
