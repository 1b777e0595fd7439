/* Text that is not UTF-8. */
#include "support/gcr_test.h"

#include "base/utf8.h"
#include "results/utf8_text.h"

#include <string.h>

static void assert_becomes(const char *text, const char *expected)
{
    const char *got = NULL;

    assert_ok(gcr_utf8_text(&got, text));
    assert_string_equal(got, expected);
    assert_true(gcr_utf8_is_valid(got, strlen(got)));
    gcr_utf8_release(got, text);
}

static void test_valid_text_is_not_copied(void **state)
{
    const char *text = "C\xc3\xb4te, \xe2\x82\xac \xf0\x9f\x8c\xbe";
    const char *got = NULL;

    (void)state;
    assert_ok(gcr_utf8_text(&got, text));
    assert_ptr_equal(got, text);
}

static void test_latin1_bytes_are_spelled_out(void **state)
{
    (void)state;
    assert_becomes("M\xfcller", "M\\xfcller");
    assert_becomes("\xe9", "\\xe9");
}

static void test_different_names_stay_different(void **state)
{
    (void)state;
    assert_becomes("a\xe4", "a\\xe4");
    assert_becomes("a\xe5", "a\\xe5");
}

static void test_a_character_that_is_cut_off_is_spelled_out(void **state)
{
    (void)state;
    assert_becomes("x\xe2\x82", "x\\xe2\\x82");
    assert_becomes("\xf0\x9f\x8cz", "\\xf0\\x9f\\x8cz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_text_is_not_copied),
        cmocka_unit_test(test_latin1_bytes_are_spelled_out),
        cmocka_unit_test(test_different_names_stay_different),
        cmocka_unit_test(test_a_character_that_is_cut_off_is_spelled_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
