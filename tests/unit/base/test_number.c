/* tests/unit/base/test_number.c -- decimal numbers, to the last bit, in any locale. */
#include "support/gcr_test.h"

#include "base/text.h"

#include <locale.h>
#include <stdio.h>

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double parsed(const char *text)
{
    double value = -12345;

    if (!gcr_parse_number(&value, text, strlen(text)))
        fail_msg("'%s' was not taken for a number", text);
    return value;
}

static void assert_like_strtod(const char *text)
{
    const double got = parsed(text), want = strtod(text, NULL);

    if (bits_of(got) != bits_of(want))
        fail_msg("'%s' is %a, not %a", text, got, want);
}

static void assert_no_number(const char *text)
{
    double value = 7;

    if (gcr_parse_number(&value, text, strlen(text)))
        fail_msg("'%s' was taken for the number %g", text, value);
}

static void test_common_spellings_are_numbers(void **state)
{
    (void)state;
    assert_true(parsed("1e-3") == 1e-3);
    assert_true(parsed("1E+3") == 1000);
    assert_true(parsed(".5") == 0.5);
    assert_true(parsed("5.") == 5);
    assert_true(parsed("-2") == -2);
    assert_true(parsed("+2") == 2);
    assert_true(parsed(" \t 7 ") == 7);
    assert_true(parsed("007") == 7);
    assert_true(signbit(parsed("-0")) != 0);
}

static void test_infinity_and_nan_are_numbers_in_any_case(void **state)
{
    (void)state;
    assert_true(parsed("inf") == (double)INFINITY);
    assert_true(parsed("-Infinity") == -(double)INFINITY);
    assert_true(isnan(parsed("NaN")));
}

static void test_everything_else_is_not(void **state)
{
    static const char *const texts[] = {
        "",    " ",   ".",   "-",   "+",      "e5",   "1e",    "1e+", "--1", "1.2.3", "1,5",
        "0x1", "1_0", "1 2", "abc", "nan(1)", "infi", "1e5.0", "12a", "- 1", "1f",    "\n1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_no_number(texts[i]);
}

static void test_only_the_given_bytes_are_read(void **state)
{
    double value;

    (void)state;
    assert_true(gcr_parse_number(&value, "12345", 2));
    assert_true(value == 12);
}

static void test_hard_cases_have_the_bits_of_strtod(void **state)
{
    static const char *const texts[] = {
        "9007199254740992",
        "9007199254740993",
        "9007199254740993e22",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "123456789012345678901234567890",
        "0.1",
        "2.2250738585072011e-308",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e400",
        "1e-400",
        "1e99999999999",
        "1e-99999999999",
        "0e99999999999",
        "0.000000000000000000000000000000000000001",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999",
        "6.02214076e23",
        "8.5e-7",
        "7.2057594037927933e16",
        "0.500000000000000166533453693773481063544750213623046875",
        "100000000000000000000000000000000000000000e-41",
        "5.0000000000000000000000000000000001",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_like_strtod(texts[i]);
}

/* xorshift; the seed is part of the test. */
static uint64_t next_random(uint64_t *at)
{
    *at ^= *at << 13;
    *at ^= *at >> 7;
    *at ^= *at << 17;
    return *at;
}

static void test_random_decimals_have_the_bits_of_strtod(void **state)
{
    uint64_t dice = 88172645463325252u;
    char text[64];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        const uint64_t mantissa = next_random(&dice) >> next_random(&dice) % 64;
        const int exponent = (int)(next_random(&dice) % 60) - 30;

        snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)mantissa,
                 (unsigned long long)(next_random(&dice) % 1000), exponent);
        assert_like_strtod(text);
    }
}

/* As files have them that keep every bit, and numbers as near to the middle of two doubles. */
static void test_long_decimals_have_the_bits_of_strtod(void **state)
{
    uint64_t dice = 1442695040888963407u;
    char text[64];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        const uint64_t bits = next_random(&dice) >> 11;
        const double value = ldexp((double)bits, (int)(next_random(&dice) % 60) - 90);

        snprintf(text, sizeof text, "%.*g", 16 + i % 4, value);
        assert_like_strtod(text);
        snprintf(text, sizeof text, "%.19g", ldexp(2 * (double)bits + 1, (i % 12) - 60));
        assert_like_strtod(text);
    }
}

static void test_a_number_of_a_million_digits_is_refused_not_read(void **state)
{
    static char text[1000001];

    (void)state;
    memset(text, '1', sizeof text - 1);
    assert_no_number(text);
}

static void test_numbers_are_written_as_short_as_they_can_be(void **state)
{
    char text[32];

    (void)state;
    assert_string_equal(gcr_format_number(text, 0.1), "0.1");
    assert_string_equal(gcr_format_number(text, 60), "60");
    assert_string_equal(gcr_format_number(text, -1e-3), "-0.001");
    assert_string_equal(gcr_format_number(text, 1.0 / 3), "0.3333333333333333");
    assert_string_equal(gcr_format_number(text, 0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(gcr_format_number(text, 5e-324), "5e-324");
    assert_string_equal(gcr_format_number(text, (double)INFINITY), "inf");
    assert_string_equal(gcr_format_number(text, -(double)NAN), "nan");
}

static void test_what_is_written_reads_back_as_the_same_bits(void **state)
{
    uint64_t dice = 362436069;
    char text[32];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        const uint64_t bits = next_random(&dice);
        double value;

        memcpy(&value, &bits, sizeof value);
        if (!isnan(value))
            assert_int_equal(bits_of(parsed(gcr_format_number(text, value))), bits);
    }
}

/* Debian's minimal images have no locale with a decimal comma; the build makes none for a test. */
static void test_a_locale_with_a_decimal_comma_changes_nothing(void **state)
{
    char text[32];

    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
        skip();
    assert_string_equal(gcr_format_number(text, 1.5), "1.5");
    assert_true(parsed("1.5") == 1.5);
    assert_true(parsed("1.50000000000000000000000001") == 1.5);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_spellings_are_numbers),
        cmocka_unit_test(test_infinity_and_nan_are_numbers_in_any_case),
        cmocka_unit_test(test_everything_else_is_not),
        cmocka_unit_test(test_only_the_given_bytes_are_read),
        cmocka_unit_test(test_hard_cases_have_the_bits_of_strtod),
        cmocka_unit_test(test_random_decimals_have_the_bits_of_strtod),
        cmocka_unit_test(test_long_decimals_have_the_bits_of_strtod),
        cmocka_unit_test(test_a_number_of_a_million_digits_is_refused_not_read),
        cmocka_unit_test(test_numbers_are_written_as_short_as_they_can_be),
        cmocka_unit_test(test_what_is_written_reads_back_as_the_same_bits),
        cmocka_unit_test(test_a_locale_with_a_decimal_comma_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
