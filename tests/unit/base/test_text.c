/* tests/unit/base/test_text.c -- what people read, and how near a wrong word is to a right one. */
#include "support/gcr_test.h"

#include "base/text.h"

static const char *const words[] = { "noise", "lengthscale", "variance", "x" };
enum { WORD_COUNT = sizeof words / sizeof words[0] };

static const char *nearest(const char *word)
{
    return gcr_nearest_word(word, words, WORD_COUNT);
}

static void test_a_slip_finds_the_word_that_was_meant(void **state)
{
    (void)state;
    assert_string_equal(nearest("nois"), "noise");
    assert_string_equal(nearest("noises"), "noise");
    assert_string_equal(nearest("nolse"), "noise");
    assert_string_equal(nearest("lenghtscal"), "lengthscale");
    assert_string_equal(nearest("length_scale"), "lengthscale");
    assert_string_equal(nearest("varience"), "variance");
}

static void test_two_letters_in_the_wrong_order_are_one_slip(void **state)
{
    (void)state;
    assert_string_equal(nearest("nosie"), "noise");
    assert_string_equal(nearest("onise"), "noise");
}

static void test_upper_and_lower_case_are_the_same_letter(void **state)
{
    (void)state;
    assert_string_equal(nearest("NOISE"), "noise");
}

static void test_a_different_word_is_nobodys_neighbour(void **state)
{
    (void)state;
    assert_null(nearest("temperature"));
    assert_null(nearest("nose_"));
    assert_null(nearest(""));
    assert_null(nearest("y")); /* one letter off, but nothing of it is left */
}

static void test_the_nearest_of_several_is_taken(void **state)
{
    const char *const two[] = { "lengthscale_x", "lengthscale_y" };

    (void)state;
    assert_string_equal(gcr_nearest_word("lengthscaley", two, 2), "lengthscale_y");
}

static void test_a_very_long_word_has_no_neighbour(void **state)
{
    char word[200] = { 0 };

    (void)state;
    memset(word, 'n', sizeof word - 1);
    assert_null(nearest(word));
}

static const char *suggest(const char *word, const char *const *candidates, int count)
{
    static char text[256];

    gcr_suggest(text, sizeof text, word, candidates, count);
    return text;
}

static void test_a_suggestion_names_the_nearest_word(void **state)
{
    (void)state;
    assert_string_equal(suggest("niose", words, WORD_COUNT), " (did you mean 'noise'?)");
}

static void test_without_a_near_word_a_short_list_is_given(void **state)
{
    (void)state;
    assert_string_equal(suggest("temperature", words, WORD_COUNT),
                        " (known: noise, lengthscale, variance, x)");
}

static void test_a_long_list_is_left_out(void **state)
{
    const char *many[20];

    (void)state;
    for (int i = 0; i < 20; i++)
        many[i] = "something";
    assert_string_equal(suggest("else", many, 20), "");
    assert_string_equal(suggest("else", NULL, 0), "");
}

static void test_a_suggestion_is_cut_to_the_space_there_is(void **state)
{
    char text[12];

    (void)state;
    gcr_suggest(text, sizeof text, "temperature", words, WORD_COUNT);
    assert_string_equal(text, " (known: no");
    gcr_suggest(text, sizeof text, "niose", words, WORD_COUNT);
    assert_string_equal(text, " (did you m");
}

static void test_counts_have_their_digits_in_threes(void **state)
{
    char text[32];

    (void)state;
    assert_string_equal(gcr_format_count(text, 0), "0");
    assert_string_equal(gcr_format_count(text, 999), "999");
    assert_string_equal(gcr_format_count(text, 1000), "1,000");
    assert_string_equal(gcr_format_count(text, 181440), "181,440");
    assert_string_equal(gcr_format_count(text, 1234567), "1,234,567");
    assert_string_equal(gcr_format_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void test_bytes_have_the_unit_that_keeps_them_short(void **state)
{
    char text[32];

    (void)state;
    assert_string_equal(gcr_format_bytes(text, 88), "88 B");
    assert_string_equal(gcr_format_bytes(text, 1023), "1023 B");
    assert_string_equal(gcr_format_bytes(text, 1024), "1.0 KiB");
    assert_string_equal(gcr_format_bytes(text, 1468006), "1.4 MiB");
    assert_string_equal(gcr_format_bytes(text, (1 << 20) - 1), "1.0 MiB");
    assert_string_equal(gcr_format_bytes(text, UINT64_MAX), "16.0 EiB");
}

static void test_durations_read_as_people_say_them(void **state)
{
    char text[32];

    (void)state;
    assert_string_equal(gcr_format_seconds(text, 0), "0 s");
    assert_string_equal(gcr_format_seconds(text, 3.2e-6), "3.2 us");
    assert_string_equal(gcr_format_seconds(text, 0.85), "850 ms");
    assert_string_equal(gcr_format_seconds(text, 0.9999), "1 s");
    assert_string_equal(gcr_format_seconds(text, 2.41), "2.41 s");
    assert_string_equal(gcr_format_seconds(text, 59.97), "1 min 00 s");
    assert_string_equal(gcr_format_seconds(text, 200), "3 min 20 s");
    assert_string_equal(gcr_format_seconds(text, 3599.9), "1 h 00 min");
    assert_string_equal(gcr_format_seconds(text, 5 * 3600 + 120), "5 h 02 min");
}

static void test_durations_that_are_none_are_harmless(void **state)
{
    char text[32];

    (void)state;
    assert_string_equal(gcr_format_seconds(text, -1), "0 s");
    assert_string_equal(gcr_format_seconds(text, (double)NAN), "0 s");
    assert_non_null(strstr(gcr_format_seconds(text, (double)INFINITY), " h "));
}

static void test_a_mark_is_the_beginning_of_a_sentence(void **state)
{
    char text[GCR_MARK_BYTES];

    (void)state;
    assert_string_equal(gcr_format_mark(text, (gcr_mark){ "job.yaml", 7, 3 }), "job.yaml:7:3: ");
    assert_string_equal(gcr_format_mark(text, (gcr_mark){ "--set grid.noise", 0, 0 }),
                        "--set grid.noise: ");
    assert_string_equal(gcr_format_mark(text, (gcr_mark){ NULL, 0, 0 }), "");
}

static void test_a_very_long_path_does_not_push_the_line_out(void **state)
{
    char path[2000] = { 0 }, text[GCR_MARK_BYTES];

    (void)state;
    memset(path, 'p', sizeof path - 1);
    gcr_format_mark(text, (gcr_mark){ path, 2147483647, 2147483647 });
    assert_non_null(strstr(text, ":2147483647:2147483647: "));
}

static void test_a_copy_is_terminated_where_asked(void **state)
{
    char *copy;

    (void)state;
    assert_ok(gcr_text_copy(&copy, "abcdef", 3));
    assert_string_equal(copy, "abc");
    free(copy);
    assert_ok(gcr_text_copy(&copy, NULL, 0));
    assert_string_equal(copy, "");
    free(copy);
}

static void test_formatted_text_is_as_long_as_it_must_be(void **state)
{
    char *text;

    (void)state;
    assert_ok(gcr_text_format(&text, "%0300d", 7));
    assert_int_equal(strlen(text), 300);
    free(text);
}

static void assert_csv(const char *text, const char *expected)
{
    char written[64] = "";
    FILE *stream = fmemopen(written, sizeof written, "w");

    gcr_put_csv_text(stream, text);
    fclose(stream);
    assert_string_equal(written, expected);
}

static void test_a_field_of_csv_is_quoted_where_it_could_be_taken_for_something_else(void **state)
{
    (void)state;
    assert_csv("Kenya", "Kenya");
    assert_csv("C\xc3\xb4te d'Ivoire", "C\xc3\xb4te d'Ivoire");
    assert_csv("Korea, Rep.", "\"Korea, Rep.\"");
    assert_csv("the \"best\"", "\"the \"\"best\"\"\"");
    assert_csv("a\nb", "\"a\nb\"");
    assert_csv("a\r", "\"a\r\"");
    assert_csv(" a", "\" a\"");
    assert_csv("a ", "\"a \"");
    assert_csv("", "\"\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slip_finds_the_word_that_was_meant),
        cmocka_unit_test(test_two_letters_in_the_wrong_order_are_one_slip),
        cmocka_unit_test(test_upper_and_lower_case_are_the_same_letter),
        cmocka_unit_test(test_a_different_word_is_nobodys_neighbour),
        cmocka_unit_test(test_the_nearest_of_several_is_taken),
        cmocka_unit_test(test_a_very_long_word_has_no_neighbour),
        cmocka_unit_test(test_a_suggestion_names_the_nearest_word),
        cmocka_unit_test(test_without_a_near_word_a_short_list_is_given),
        cmocka_unit_test(test_a_long_list_is_left_out),
        cmocka_unit_test(test_a_suggestion_is_cut_to_the_space_there_is),
        cmocka_unit_test(test_counts_have_their_digits_in_threes),
        cmocka_unit_test(test_bytes_have_the_unit_that_keeps_them_short),
        cmocka_unit_test(test_durations_read_as_people_say_them),
        cmocka_unit_test(test_durations_that_are_none_are_harmless),
        cmocka_unit_test(test_a_mark_is_the_beginning_of_a_sentence),
        cmocka_unit_test(test_a_very_long_path_does_not_push_the_line_out),
        cmocka_unit_test(test_a_copy_is_terminated_where_asked),
        cmocka_unit_test(test_formatted_text_is_as_long_as_it_must_be),
        cmocka_unit_test(test_a_field_of_csv_is_quoted_where_it_could_be_taken_for_something_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
