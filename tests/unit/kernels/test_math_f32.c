/*
 * The mathematics of kernels in single precision against libm's in double, whose 29 further bits
 * make it exact here. Every STEP-th of all floats; STEP is prime, and 1 takes a minute. Compiled
 * for each code path.
 */
#include "support/gcr_test.h"

#include "backend/cpu/code_path.h"
#include "backend/cpu/lanes.h"

#include "gridcrunch/kernel.h"

#include <float.h>

enum { STEP = 251 };

/* Units in the last place that an exponential may be off: 0.91 and 1.16 have been seen of all
 * floats, of a logarithm 0.84. */
#if defined(__FMA__)
#define EXP_MOST 1
#else
#define EXP_MOST 1.25
#endif

/* Distance in units of the last place that the exact result has. */
static double ulps_between(float value, double exact)
{
    const double nearest = fabs((double)(float)exact);
    const double unit = nearest < (double)FLT_MIN ? 0x1p-149 : ldexp(1, ilogb(nearest) - 23);

    if (isinf(nearest))
        return (double)value == nearest ? 0 : INFINITY;
    return fabs((double)value - exact) / unit;
}

static double worst_of_all(float (*ours)(float), double (*theirs)(double), float least, float most)
{
    double worst = 0;

    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STEP) {
        const float x = gcr_from_bits_f32((uint32_t)bits);

        if (x >= least && x <= most)
            worst = fmax(worst, ulps_between(ours(x), theirs((double)x)));
    }
    return worst;
}

static double exp_minus(double a)
{
    return exp(-a);
}

static void test_every_number_has_an_exponential(void **state)
{
    (void)state;
    assert_true(worst_of_all(gcr_exp, exp, -104.5f, 88.72f) <= EXP_MOST);
    assert_true(worst_of_all(gcr_exp_minus, exp_minus, -88, 87) <= EXP_MOST);
}

static void test_every_positive_number_has_a_logarithm(void **state)
{
    (void)state;
    assert_true(worst_of_all(gcr_log, log, 0x1p-149f, FLT_MAX) <= 1);
}

static void test_every_positive_number_has_a_root(void **state)
{
    (void)state;
    assert_true(worst_of_all(gcr_sqrt, sqrt, 0x1p-149f, FLT_MAX) <= 0.5);
}

static void test_every_number_has_a_sine_and_a_cosine(void **state)
{
    (void)state;
    assert_true(worst_of_all(gcr_sin, sin, -1000, 1000) <= 1);
    assert_true(worst_of_all(gcr_cos, cos, -1000, 1000) <= 1);
}

static void test_exp_of_large_numbers_is_infinite_or_zero(void **state)
{
    (void)state;
    assert_true(isfinite(gcr_exp(88.722835f)));
    assert_true(isinf(gcr_exp(88.722843f)));
    assert_true(isinf(gcr_exp(89)) && isinf(gcr_exp(90)) && isinf(gcr_exp(1e30f)));
    assert_true(isinf(gcr_exp(INFINITY)));
    assert_true(gcr_exp(-103.9f) == 0x1p-149f);
    assert_true(gcr_exp(-104.1f) == 0);
    assert_true(gcr_exp(-1e30f) == 0);
    assert_true(gcr_exp(-INFINITY) == 0);
    assert_true(gcr_exp_minus(87) > 1e-38f && gcr_exp_minus(87.1f) == 0);
    assert_true(gcr_exp_minus(1e30f) == 0);
    assert_true(gcr_exp_minus(INFINITY) == 0);
}

static void test_nan_and_exact_values_are_kept(void **state)
{
    (void)state;
    assert_true(isnan(gcr_exp(NAN)) && isnan(gcr_exp(-NAN)));
    assert_true(isnan(gcr_exp_minus(NAN)) && isnan(gcr_log(NAN)));
    assert_true(gcr_exp(0) == 1 && gcr_exp(-0.0f) == 1 && gcr_exp(1e-30f) == 1);
    assert_true(gcr_exp_minus(0) == 1 && gcr_exp_minus(-0.0f) == 1);
    assert_true(gcr_log(1) == 0);
}

static void test_log_of_what_has_none(void **state)
{
    (void)state;
    assert_true(isinf(gcr_log(0)) && gcr_log(0) < 0);
    assert_true(isinf(gcr_log(-0.0f)) && gcr_log(-0.0f) < 0);
    assert_true(isinf(gcr_log(INFINITY)) && gcr_log(INFINITY) > 0);
    assert_true(isnan(gcr_log(-1)));
    assert_true(isnan(gcr_log(-0x1p-149f)));
    assert_true(isnan(gcr_log(-INFINITY)));
}

/* What the compiler makes of a loop must not change the bits. */
static void test_a_loop_gives_the_same_bits(void **state)
{
    enum { COUNT = 1027 };
    float x[COUNT], exps[COUNT], minus[COUNT], logs[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++)
        x[i] = i == 5 ? NAN : i == 6 ? -INFINITY : (float)(i - 600) * 0.1853f;
    for (int i = 0; i < COUNT; i++) {
        exps[i] = gcr_exp(x[i]);
        minus[i] = gcr_exp_minus(x[i]);
        logs[i] = gcr_log(x[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        volatile float alone = x[i];

        assert_true(gcr_bits_f32(gcr_exp(alone)) == gcr_bits_f32(exps[i]));
        assert_true(x[i] < -88 || gcr_bits_f32(gcr_exp_minus(alone)) == gcr_bits_f32(minus[i]));
        assert_true(gcr_bits_f32(gcr_log(alone)) == gcr_bits_f32(logs[i]));
    }
}

static void test_a_fused_product_is_rounded_once(void **state)
{
    volatile float x = 1 + 0x1p-13f, y = 1 - 0x1p-13f;

    (void)state;
    assert_true(x * y - 1 == 0);
    assert_true(gcr_fma(x, y, -1) == -0x1p-26f);
}

static void test_uniform_numbers_are_those_of_doubles_cut_off(void **state)
{
    gcr_random a = { .seed = 7, .used = 2 }, b = a;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        const float u = gcr_random_uniform(&a);
        const double whole = (double)(gcr_random_u64(&b) >> 11) * 0x1p-53;

        assert_true(u >= 0 && u < 1);
        assert_true((double)u == floor(whole * 0x1p24) * 0x1p-24);
    }
}

static void test_only_numbers_are_finite(void **state)
{
    (void)state;
    assert_true(gcr_is_finite(0) && gcr_is_finite(-FLT_MAX) && gcr_is_finite(0x1p-149f));
    assert_false(gcr_is_finite(INFINITY) || gcr_is_finite(-INFINITY) || gcr_is_finite(NAN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number_has_an_exponential),
        cmocka_unit_test(test_every_positive_number_has_a_logarithm),
        cmocka_unit_test(test_every_positive_number_has_a_root),
        cmocka_unit_test(test_every_number_has_a_sine_and_a_cosine),
        cmocka_unit_test(test_exp_of_large_numbers_is_infinite_or_zero),
        cmocka_unit_test(test_nan_and_exact_values_are_kept),
        cmocka_unit_test(test_log_of_what_has_none),
        cmocka_unit_test(test_a_loop_gives_the_same_bits),
        cmocka_unit_test(test_a_fused_product_is_rounded_once),
        cmocka_unit_test(test_uniform_numbers_are_those_of_doubles_cut_off),
        cmocka_unit_test(test_only_numbers_are_finite),
    };

    if (GCR_LANES_PATH > gcr_code_path_here())
        return GCR_TEST_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
