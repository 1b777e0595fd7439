/* tests/unit/data/test_date.c -- dates as days, strictly. Values: Python's datetime. */
#include "support/gcr_test.h"

#include "data/date.h"

static double days(const char *text, const char *format)
{
    double out = (double)NAN;

    if (!gcr_date_parse(&out, text, strlen(text), format))
        fail_msg("'%s' is a date of the form '%s'", text, format);
    return out;
}

static int is_date(const char *text, const char *format)
{
    double out;

    return gcr_date_parse(&out, text, strlen(text), format);
}

static void test_days_count_from_1970(void **state)
{
    (void)state;
    assert_true(days("19700101", "%Y%m%d") == 0);
    assert_true(days("19580329", "%Y%m%d") == -4296);
    assert_true(days("2000-02-29", "%Y-%m-%d") == 11016);
    assert_true(days("2000-03-01", "%Y-%m-%d") == 11017);
    assert_true(days("1900-03-01", "%Y-%m-%d") == -25508);
    assert_true(days("0001-01-01", "%Y-%m-%d") == -719162);
    assert_true(days("9999-12-31", "%Y-%m-%d") == 2932896);
}

static void test_a_time_of_day_is_a_fraction(void **state)
{
    (void)state;
    assert_true(days("1970-01-02 18:00", "%Y-%m-%d %H:%M") == 1.75);
    assert_true(days("1970-01-01T00:00:01", "%Y-%m-%dT%H:%M:%S") == 1.0 / 86400);
}

static void test_an_offset_is_taken_back_to_utc(void **state)
{
    (void)state;
    assert_true(days("1970-01-01 06:00 +0600", "%Y-%m-%d %H:%M %z") == 0);
}

static void test_what_the_format_leaves_out_is_the_first(void **state)
{
    (void)state;
    assert_true(days("1971", "%Y") == 365);
    assert_true(days("1971-02", "%Y-%m") == 396);
}

static void test_months_have_english_names_and_years_have_days(void **state)
{
    (void)state;
    assert_true(days("29 Mar 1958", "%d %b %Y") == -4296);
    assert_true(days("1958 088", "%Y %j") == -4296);
}

static void test_days_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    assert_false(is_date("19580230", "%Y%m%d"));
    assert_false(is_date("19000229", "%Y%m%d"));
    assert_false(is_date("20010229", "%Y%m%d"));
    assert_false(is_date("20010431", "%Y%m%d"));
    assert_false(is_date("20011301", "%Y%m%d"));
    assert_false(is_date("20010100", "%Y%m%d"));
    assert_false(is_date("2001-01-01 24:00", "%Y-%m-%d %H:%M"));
}

static void test_the_whole_text_must_be_the_date(void **state)
{
    (void)state;
    assert_false(is_date("19580329x", "%Y%m%d"));
    assert_false(is_date("1958032", "%Y%m%dx"));
    assert_false(is_date("", "%Y"));
    assert_false(is_date("today", "%Y%m%d"));
}

static void test_text_that_is_far_too_long_is_no_date(void **state)
{
    char text[1000];
    double out;

    (void)state;
    memset(text, ' ', sizeof text);
    assert_false(gcr_date_parse(&out, text, sizeof text, "%n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_count_from_1970),
        cmocka_unit_test(test_a_time_of_day_is_a_fraction),
        cmocka_unit_test(test_an_offset_is_taken_back_to_utc),
        cmocka_unit_test(test_what_the_format_leaves_out_is_the_first),
        cmocka_unit_test(test_months_have_english_names_and_years_have_days),
        cmocka_unit_test(test_days_that_do_not_exist_are_refused),
        cmocka_unit_test(test_the_whole_text_must_be_the_date),
        cmocka_unit_test(test_text_that_is_far_too_long_is_no_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
