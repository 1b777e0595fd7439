/*
 * The mathematics of kernels against libm's in long double, whose 11 further bits make it exact
 * here. Compiled for each code path.
 */
#include "support/gcr_test.h"

#include "backend/cpu/code_path.h"
#include "backend/cpu/lanes.h"

#include "gridcrunch/kernel.h"

#include <float.h>

/* Units in the last place that an exponential may be off: 0.9 and 1.18 have been seen. */
#if defined(__FMA__)
#define EXP_MOST 1
#else
#define EXP_MOST 1.25
#endif

/* Distance in units of the last place that the exact result has. */
static double ulps_between(double value, long double exact)
{
    const double nearest = fabs((double)exact);
    const double unit = nearest < DBL_MIN ? 0x1p-1074 : ldexp(1, ilogb(nearest) - 52);

    return (double)(fabsl((long double)value - exact) / (long double)unit);
}

static double ulps_off(double x)
{
    return ulps_between(gcr_exp(x), expl((long double)x));
}

static double worst_between(double from, double to, int count)
{
    double worst = 0;

    for (int i = 0; i < count; i++)
        worst = fmax(worst, ulps_off(from + (to - from) * i / count));
    return worst;
}

static void test_exp_is_within_a_unit_or_so_in_the_last_place(void **state)
{
    (void)state;
    assert_true(worst_between(-1, 1, 1000000) <= EXP_MOST);
    assert_true(worst_between(-50, 0, 1000000) <= EXP_MOST);
    assert_true(worst_between(-708, 709.78, 1000000) <= EXP_MOST);
}

static void test_exp_rounds_denormals_as_well(void **state)
{
    (void)state;
    assert_true(worst_between(-745.2, -708, 200000) <= EXP_MOST);
}

/* Random bit patterns: every exponent, both signs. */
static void test_exp_of_any_number(void **state)
{
    uint64_t bits = 88172645463325252u;
    double worst = 0;

    (void)state;
    for (int i = 0; i < 1000000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        if (gcr_from_bits(bits) < 709.78 && gcr_from_bits(bits) > -745)
            worst = fmax(worst, ulps_off(gcr_from_bits(bits)));
    }
    assert_true(worst <= EXP_MOST);
}

static void test_exp_of_large_numbers_is_infinite_or_zero(void **state)
{
    (void)state;
    assert_true(gcr_exp(709.782712893384) == exp(709.782712893384));
    assert_true(gcr_exp(709.782712893385) == INFINITY);
    assert_true(gcr_exp(710) == INFINITY);
    assert_true(gcr_exp(1e300) == INFINITY);
    assert_true(gcr_exp(INFINITY) == INFINITY);
    assert_true(gcr_exp(-745.13321910194110842) == 0x1p-1074);
    assert_true(gcr_exp(-745.14) == 0);
    assert_true(gcr_exp(-1e300) == 0);
    assert_true(gcr_exp(-INFINITY) == 0);
}

static void test_exp_keeps_nan_and_exact_values(void **state)
{
    (void)state;
    assert_true(isnan(gcr_exp(NAN)));
    assert_true(isnan(gcr_exp(-NAN)));
    assert_true(gcr_exp(0) == 1);
    assert_true(gcr_exp(-0.0) == 1);
    assert_true(gcr_exp(1e-300) == 1);
}

/* What the compiler makes of a loop must not change the bits. */
static void test_exp_in_a_loop_gives_the_same_bits(void **state)
{
    enum { COUNT = 1027 };
    double x[COUNT], together[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++)
        x[i] = i == 5 ? NAN : i == 6 ? -INFINITY : (i - 600) * 1.37;
    for (int i = 0; i < COUNT; i++)
        together[i] = gcr_exp(x[i]);
    for (int i = 0; i < COUNT; i++) {
        volatile double alone = x[i];
        const double single = gcr_exp(alone);

        assert_true(gcr_bits(single) == gcr_bits(together[i]));
    }
}

static void test_exp_minus_is_exp_of_what_falls(void **state)
{
    double worst = 0;

    (void)state;
    for (int i = -708900; i <= 707900; i++) {
        const double a = i * 0.001000123;

        worst = fmax(worst, ulps_between(gcr_exp_minus(a), expl(-(long double)a)));
    }
    assert_true(worst <= EXP_MOST);
    assert_true(gcr_exp_minus(0) == 1);
    assert_true(gcr_exp_minus(-0.0) == 1);
    assert_true(gcr_exp_minus(708) > DBL_MIN);
    assert_true(gcr_exp_minus(nextafter(708, INFINITY)) == 0);
    assert_true(gcr_exp_minus(1e300) == 0);
    assert_true(gcr_exp_minus(INFINITY) == 0);
    assert_true(isnan(gcr_exp_minus(NAN)));
}

static double log_ulps_off(double x)
{
    return ulps_between(gcr_log(x), logl((long double)x));
}

static void test_log_is_within_one_unit_in_the_last_place(void **state)
{
    double worst = 0;

    (void)state;
    for (int i = 1; i <= 1000000; i++) {
        worst = fmax(worst, log_ulps_off(i * 4e-6)); /* through 1, where the result is small */
        worst = fmax(worst, log_ulps_off(1 + (i - 500000) * 1e-13));
        worst = fmax(worst, log_ulps_off(i * 7.1e301));
        worst = fmax(worst, log_ulps_off(i * 7.1e-315)); /* denormal, then not */
    }
    assert_true(worst <= 1);
}

/* Random bit patterns: every exponent. */
static void test_log_of_any_number(void **state)
{
    uint64_t bits = 88172645463325252u;
    double worst = 0;

    (void)state;
    for (int i = 0; i < 1000000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        if (gcr_is_finite(gcr_from_bits(bits >> 1)))
            worst = fmax(worst, log_ulps_off(gcr_from_bits(bits >> 1)));
    }
    assert_true(worst <= 1);
}

static void test_log_of_what_has_none(void **state)
{
    (void)state;
    assert_true(gcr_log(0) == -INFINITY);
    assert_true(gcr_log(-0.0) == -INFINITY);
    assert_true(gcr_log(INFINITY) == INFINITY);
    assert_true(isnan(gcr_log(-1)));
    assert_true(isnan(gcr_log(-0x1p-1074)));
    assert_true(isnan(gcr_log(-INFINITY)));
    assert_true(isnan(gcr_log(NAN)));
    assert_true(gcr_log(1) == 0);
}

static void test_log_in_a_loop_gives_the_same_bits(void **state)
{
    enum { COUNT = 1027 };
    double x[COUNT], together[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++)
        x[i] = i == 5 ? NAN : i == 6 ? INFINITY : ldexp(i * 1.37 - 3, 3 * (i - 600) / 2);
    for (int i = 0; i < COUNT; i++)
        together[i] = gcr_log(x[i]);
    for (int i = 0; i < COUNT; i++) {
        volatile double alone = x[i];
        const double single = gcr_log(alone);

        assert_true(gcr_bits(single) == gcr_bits(together[i]));
    }
}

/* ---- every exponent, denormal ones included -------------------------------------------------- */

enum { SWEEP = (1074 + 1024) * 64 };

/* Number i of a sweep: 64 mantissas of each exponent, 1 and all ones among them. */
static double swept(int i)
{
    const int exponent = i / 64 - 1074;
    const double mantissa = i % 64 == 0    ? 1
                            : i % 64 == 63 ? 0x1.fffffffffffffp0
                                           : 1 + fmod(0.6180339887498949 * (i + 1), 1);

    return ldexp(mantissa, exponent);
}

static double worst_of_sweep(gcr_real (*ours)(gcr_real), long double (*theirs)(long double),
                             double sign)
{
    double worst = 0;

    for (int i = 0; i < SWEEP; i++) {
        const double x = sign * swept(i);
        const long double exact = theirs((long double)x);

        if (fabsl(exact) <= DBL_MAX)
            worst = fmax(worst, ulps_between(ours(x), exact));
    }
    return worst;
}

static void test_every_exponent_has_an_exponential_a_logarithm_and_a_root(void **state)
{
    (void)state;
    assert_true(worst_of_sweep(gcr_exp, expl, 1) <= 1);
    assert_true(worst_of_sweep(gcr_exp, expl, -1) <= 1);
    assert_true(worst_of_sweep(gcr_log, logl, 1) <= 1);
    assert_true(worst_of_sweep(gcr_sqrt, sqrtl, 1) <= 0.5005); /* rounded once; long double, too */
}

static void test_every_exponent_has_a_sine_and_a_cosine(void **state)
{
    (void)state;
    assert_true(worst_of_sweep(gcr_sin, sinl, 1) <= 1);
    assert_true(worst_of_sweep(gcr_sin, sinl, -1) <= 1);
    assert_true(worst_of_sweep(gcr_cos, cosl, 1) <= 1);
}

static void test_roots_of_what_has_none(void **state)
{
    (void)state;
    assert_true(gcr_sqrt(0) == 0);
    assert_true(gcr_sqrt(INFINITY) == INFINITY);
    assert_true(isnan(gcr_sqrt(-1)));
    assert_true(isnan(gcr_sqrt(-0x1p-1074)));
    assert_true(isnan(gcr_sqrt(NAN)));
}

static void test_a_fused_product_is_rounded_once(void **state)
{
    volatile double x = 1 + 0x1p-30, y = 1 - 0x1p-30;

    (void)state;
    assert_true(x * y - 1 == 0);
    assert_true(gcr_fma(x, y, -1) == -0x1p-60);
}

static void test_the_second_of_a_pair_with_nan_is_returned(void **state)
{
    (void)state;
    assert_true(gcr_min(1, 2) == 1 && gcr_min(2, 1) == 1);
    assert_true(gcr_max(1, 2) == 2 && gcr_max(2, 1) == 2);
    assert_true(gcr_min(NAN, 1) == 1 && gcr_max(NAN, 1) == 1);
    assert_true(isnan(gcr_min(1, NAN)) && isnan(gcr_max(1, NAN)));
}

static void test_only_numbers_are_finite(void **state)
{
    (void)state;
    assert_true(gcr_is_finite(0) && gcr_is_finite(-DBL_MAX) && gcr_is_finite(0x1p-1074));
    assert_false(gcr_is_finite(INFINITY));
    assert_false(gcr_is_finite(-INFINITY));
    assert_false(gcr_is_finite(NAN));
}

static void test_ticks_never_go_back(void **state)
{
    uint64_t last = gcr_ticks();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        const uint64_t now = gcr_ticks();

        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_is_within_a_unit_or_so_in_the_last_place),
        cmocka_unit_test(test_exp_rounds_denormals_as_well),
        cmocka_unit_test(test_exp_of_any_number),
        cmocka_unit_test(test_exp_of_large_numbers_is_infinite_or_zero),
        cmocka_unit_test(test_exp_keeps_nan_and_exact_values),
        cmocka_unit_test(test_exp_in_a_loop_gives_the_same_bits),
        cmocka_unit_test(test_exp_minus_is_exp_of_what_falls),
        cmocka_unit_test(test_log_is_within_one_unit_in_the_last_place),
        cmocka_unit_test(test_log_of_any_number),
        cmocka_unit_test(test_log_of_what_has_none),
        cmocka_unit_test(test_log_in_a_loop_gives_the_same_bits),
        cmocka_unit_test(test_every_exponent_has_an_exponential_a_logarithm_and_a_root),
        cmocka_unit_test(test_every_exponent_has_a_sine_and_a_cosine),
        cmocka_unit_test(test_roots_of_what_has_none),
        cmocka_unit_test(test_a_fused_product_is_rounded_once),
        cmocka_unit_test(test_the_second_of_a_pair_with_nan_is_returned),
        cmocka_unit_test(test_only_numbers_are_finite),
        cmocka_unit_test(test_ticks_never_go_back),
    };

    if (GCR_LANES_PATH > gcr_code_path_here())
        return GCR_TEST_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
