/* What is UTF-8 and what is not. */
#include "support/gcr_test.h"

#include "base/utf8.h"

#include <string.h>

static int is_valid(const char *text)
{
    return gcr_utf8_is_valid(text, strlen(text));
}

static void test_characters_of_one_to_four_bytes_are_valid(void **state)
{
    (void)state;
    assert_true(is_valid(""));
    assert_true(is_valid("C\xc3\xb4te, \xe2\x82\xac \xf0\x9f\x8c\xbe"));
    assert_int_equal(gcr_utf8_character("a", 1), 1);
    assert_int_equal(gcr_utf8_character("\xc3\xb4", 2), 2);
    assert_int_equal(gcr_utf8_character("\xe2\x82\xac", 3), 3);
    assert_int_equal(gcr_utf8_character("\xf0\x9f\x8c\xbe", 4), 4);
}

static void test_a_character_that_is_cut_off_is_invalid(void **state)
{
    (void)state;
    assert_false(is_valid("x\xe2\x82"));
    assert_int_equal(gcr_utf8_character("\xe2\x82\xac", 2), 0); /* reads no further than it may */
}

static void test_longer_spellings_surrogates_and_what_lies_beyond_unicode_are_invalid(void **state)
{
    (void)state;
    assert_false(is_valid("\xc0\xaf"));
    assert_false(is_valid("\xe0\x80\xaf"));
    assert_false(is_valid("\xf0\x80\x80\xaf"));
    assert_false(is_valid("\xed\xa0\x80"));
    assert_false(is_valid("\xf4\x90\x80\x80"));
    assert_false(is_valid("\xff"));
    assert_true(is_valid("\xf4\x8f\xbf\xbf"));
    assert_true(is_valid("\xed\x9f\xbf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters_of_one_to_four_bytes_are_valid),
        cmocka_unit_test(test_a_character_that_is_cut_off_is_invalid),
        cmocka_unit_test(test_longer_spellings_surrogates_and_what_lies_beyond_unicode_are_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
