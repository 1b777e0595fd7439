/* The line of latency and bandwidth is found, whatever a few of the times are. */
#include "support/gcr_test.h"

#include "fit.h"

enum { SIZES = 15 };

static double bytes[SIZES], seconds[SIZES];

/* 4 B to 1 GiB; each time is off by its own part of `noise`, up and down in turn. */
static void measure(double latency, double rate, double noise)
{
    for (int i = 0; i < SIZES; i++) {
        bytes[i] = pow(4, i + 1);
        seconds[i] = (latency + bytes[i] / rate) * (1 + noise * sin(7.0 * i));
    }
}

static void assert_part(double got, double want, double part)
{
    if (!(fabs(got - want) <= part * want))
        fail_msg("%g is not within %g of %g", got, part, want);
}

static void test_a_line_is_found_as_it_is(void **state)
{
    bench_line line;

    (void)state;
    measure(2e-6, 55e9, 0);
    line = bench_fit(bytes, seconds, SIZES);
    assert_part(line.latency, 2e-6, 1e-9);
    assert_part(line.rate, 55e9, 1e-9);
    assert_part(line.half, 110e3, 1e-9);
    assert_true(line.residual < 1e-9);
}

static void test_noise_moves_it_by_less_than_itself(void **state)
{
    bench_line line;

    (void)state;
    measure(9e-6, 12e9, 0.05);
    line = bench_fit(bytes, seconds, SIZES);
    assert_part(line.latency, 9e-6, 0.03);
    assert_part(line.rate, 12e9, 0.03);
    assert_true(line.residual > 0.005 && line.residual < 0.05);
}

/* Four of fifteen times ten times too long or half as long, at both ends and between. */
static void test_a_few_wrong_times_do_not_move_it(void **state)
{
    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        bench_line line;

        measure(2e-6, 55e9, 0.01);
        for (int k = 0; k < 4; k++)
            seconds[(shift + 4 * k) % SIZES] *= k % 2 == 0 ? 10 : 0.5;
        line = bench_fit(bytes, seconds, SIZES);
        assert_part(line.latency, 2e-6, 0.03);
        assert_part(line.rate, 55e9, 0.03);
    }
}

static void test_copies_without_latency_have_none(void **state)
{
    bench_line line;

    (void)state;
    measure(0, 10e9, 0.01);
    line = bench_fit(bytes, seconds, SIZES);
    assert_true(line.latency >= 0 && line.latency < 1e-9);
    assert_part(line.rate, 10e9, 0.02);
}

static void test_few_sizes_are_enough(void **state)
{
    bench_line line;

    (void)state;
    measure(1e-6, 1e9, 0);
    line = bench_fit(bytes, seconds, 1);
    assert_part(line.latency + bytes[0] / line.rate, seconds[0], 1e-9);
    line = bench_fit(bytes + 3, seconds + 3, 2);
    assert_part(line.latency, 1e-6, 1e-6);
    assert_part(line.rate, 1e9, 1e-6);
}

static void test_times_that_do_not_grow_have_a_latency_and_no_rate(void **state)
{
    bench_line line;

    (void)state;
    for (int i = 0; i < SIZES; i++) {
        bytes[i] = pow(4, i + 1);
        seconds[i] = 1e-6;
    }
    line = bench_fit(bytes, seconds, SIZES);
    assert_part(line.latency, 1e-6, 1e-6);
    assert_true(isnan(line.rate) && isnan(line.half));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_found_as_it_is),
        cmocka_unit_test(test_noise_moves_it_by_less_than_itself),
        cmocka_unit_test(test_a_few_wrong_times_do_not_move_it),
        cmocka_unit_test(test_copies_without_latency_have_none),
        cmocka_unit_test(test_few_sizes_are_enough),
        cmocka_unit_test(test_times_that_do_not_grow_have_a_latency_and_no_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
