/* Exact sums: by hand, against Python's math.fsum, and against integers, in any order. */
#include "support/gcr_test.h"

#include "results/exact_sum.h"

#include <float.h>
#include <math.h>

static double sum_of(const double *values, int count)
{
    gcr_exact_sum sum = { 0 };

    for (int i = 0; i < count; i++)
        gcr_exact_add(&sum, values[i]);
    return gcr_exact_round(&sum);
}

#define SUM(...)                                                                                   \
    sum_of((const double[]){ __VA_ARGS__ },                                                        \
           (int)(sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double)))

static void test_a_sum_of_nothing_is_zero(void **state)
{
    (void)state;
    assert_true(sum_of(NULL, 0) == 0 && !signbit(sum_of(NULL, 0)));
    assert_true(SUM(1.5, -1.5) == 0 && !signbit(SUM(1.5, -1.5)));
}

static void test_what_is_lost_in_doubles_is_kept(void **state)
{
    (void)state;
    assert_true(SUM(1e308, 1, -1e308) == 1);
    assert_true(SUM(1e16, 1, 1) == 1e16 + 2);
    assert_true(SUM(1e308, 1e308, -1e308) == 1e308); /* no overflow on the way */
    assert_true(SUM(DBL_MIN / 2, -DBL_TRUE_MIN, DBL_MAX, -DBL_MAX) == DBL_MIN / 2 - DBL_TRUE_MIN);
    assert_true(SUM(DBL_TRUE_MIN, DBL_TRUE_MIN) == 2 * DBL_TRUE_MIN);
}

static void test_rounding_is_to_even_and_sees_the_last_bit(void **state)
{
    const double half = 0x1p-53;

    (void)state;
    assert_true(SUM(1, half) == 1);
    assert_true(SUM(1, half, DBL_TRUE_MIN) == 1 + 0x1p-52);
    assert_true(SUM(1 + 0x1p-52, half) == 1 + 0x1p-51);
    assert_true(SUM(-1, -half, -DBL_TRUE_MIN) == -1 - 0x1p-52);
    assert_true(SUM(1, 1 - half, half) == 2);
    assert_true(SUM(0x1.fffffffffffffp0, half) == 2); /* the fraction grows by a bit */
}

static void test_what_is_too_large_is_infinite(void **state)
{
    (void)state;
    assert_true(SUM(DBL_MAX, DBL_MAX) == INFINITY);
    assert_true(SUM(-DBL_MAX, -DBL_MAX, -1) == -INFINITY);
    assert_true(SUM(DBL_MAX, 1) == DBL_MAX);
}

static void test_infinities_and_nans_are_added_as_ever(void **state)
{
    (void)state;
    assert_true(SUM(1, INFINITY, -1e300) == INFINITY);
    assert_true(SUM(-INFINITY, 5) == -INFINITY);
    assert_true(isnan(SUM(INFINITY, -INFINITY)));
    assert_true(isnan(SUM(1, NAN)));
}

/* From python3: math.fsum([...]) */
static void test_sums_are_those_of_fsum(void **state)
{
    (void)state;
    assert_true(SUM(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1) == 1.0);
    assert_true(SUM(1e-16, 1, 1e16, 1e-16, -1e16) == 0x1.0000000000001p+0);
    assert_true(SUM(0.3, -1e22, 1e-7, 1e22, 0.7) == 0x1.000001ad7f29ap+0);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* k 2^-20 with |k| < 2^53: the sum of 1000 is an integer of 64 bits, which the cast rounds once. */
static void test_the_order_and_the_parts_do_not_matter(void **state)
{
    uint64_t seed = 20260107;
    double values[1000];
    int64_t whole = 0;
    gcr_exact_sum forth = { 0 }, back = { 0 }, parts[3] = { { { 0 }, { 0 }, 0 } };

    (void)state;
    for (int i = 0; i < 1000; i++) {
        const int64_t k = (int64_t)(next_random(&seed) >> 11) * (next_random(&seed) & 1 ? 1 : -1);

        values[i] = (double)k * 0x1p-20;
        whole += k;
    }
    for (int i = 0; i < 1000; i++) {
        gcr_exact_add(&forth, values[i]);
        gcr_exact_add(&back, values[999 - i]);
        gcr_exact_add(&parts[i % 3], values[i]);
    }
    gcr_exact_merge(&parts[2], &parts[0]);
    gcr_exact_merge(&parts[2], &parts[1]);
    assert_true(gcr_exact_round(&forth) == (double)whole * 0x1p-20);
    assert_memory_equal(&forth, &back, sizeof forth);
    assert_memory_equal(&forth, &parts[2], sizeof forth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sum_of_nothing_is_zero),
        cmocka_unit_test(test_what_is_lost_in_doubles_is_kept),
        cmocka_unit_test(test_rounding_is_to_even_and_sees_the_last_bit),
        cmocka_unit_test(test_what_is_too_large_is_infinite),
        cmocka_unit_test(test_infinities_and_nans_are_added_as_ever),
        cmocka_unit_test(test_sums_are_those_of_fsum),
        cmocka_unit_test(test_the_order_and_the_parts_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
