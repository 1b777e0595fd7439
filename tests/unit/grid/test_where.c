/* tests/unit/grid/test_where.c -- what `where` means, and what it says to a mistake. */
#include "support/gcr_test.h"

#include "grid/where.h"

#include <stdio.h>

static const char *const names[] = { "noise", "lengthscale", "variance", "a", "b", "c" };
enum { NAME_COUNT = sizeof names / sizeof names[0] };

/* noise = 0.1, lengthscale = 2, variance = 4, a = 1, b = 2, c = 3 */
static const double values[NAME_COUNT] = { 0.1, 2, 4, 1, 2, 3 };

static const gcr_mark mark = { "job.yaml", 9, 8 };

static int holds(const char *text)
{
    gcr_where *where;
    int is_wanted;

    assert_ok(gcr_where_create(&where, text, mark, names, NAME_COUNT));
    is_wanted = gcr_where_holds(where, values);
    gcr_where_destroy(where);
    return is_wanted;
}

/* The number that an expression without truth has, seen through comparisons. */
static void assert_equals(const char *text, double want)
{
    char comparison[256];

    snprintf(comparison, sizeof comparison, "%s == %.17g", text, want);
    if (!holds(comparison))
        fail_msg("not so: %s", comparison);
}

/* Refused at `column`, with `sentence` in it. */
static void assert_refused(const char *text, int column, const char *sentence)
{
    gcr_where *where = (gcr_where *)&where;
    char place[64];

    assert_status(gcr_where_create(&where, text, mark, names, NAME_COUNT), GCR_EINVAL);
    assert_null(where);
    snprintf(place, sizeof place, "job.yaml:9:%d: ", column);
    if (strncmp(gcr_last_error(), place, strlen(place)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", gcr_last_error(), place);
    assert_error_mentions(sentence);
}

/* ---- meaning -------------------------------------------------------------------------------- */

static void test_the_example_of_the_header_holds(void **state)
{
    (void)state;
    assert_true(holds("noise < lengthscale and not (variance == 3 or 2*noise >= 1)"));
    assert_false(holds("noise < lengthscale and not (variance == 4 or 2*noise >= 1e-1)"));
}

static void test_arithmetic_has_the_precedence_of_python(void **state)
{
    (void)state;
    assert_equals("1 + 2 * 3", 7);
    assert_equals("(1 + 2) * 3", 9);
    assert_equals("10 - 4 - 3", 3);
    assert_equals("100 / 10 / 2", 5);
    assert_equals("2 * 7 % 4", 2);
    assert_equals("2 ** 3 ** 2", 512);
    assert_equals("-2 ** 2", -4);
    assert_equals("(-2) ** 2", 4);
    assert_equals("2 ** -1", 0.5);
    assert_equals("2 ** -2 ** 2", 0.0625);
    assert_equals("- - 3", 3);
    assert_equals("3 - -2", 5);
    assert_equals("-3 * -2", 6);
}

static void test_modulo_has_the_sign_of_the_divisor(void **state)
{
    (void)state;
    assert_equals("7 % 3", 1);
    assert_equals("(-7) % 3", 2);
    assert_equals("7 % -3", -2);
    assert_equals("(-7) % -3", -1);
    assert_equals("6 % 3", 0);
    assert_equals("5.5 % 2", 1.5);
}

static void test_comparisons_compare(void **state)
{
    (void)state;
    assert_true(holds("a < b") && !holds("b < a") && !holds("a < a"));
    assert_true(holds("a <= b") && !holds("b <= a") && holds("a <= a"));
    assert_true(holds("b > a") && !holds("a > b") && !holds("a > a"));
    assert_true(holds("b >= a") && !holds("a >= b") && holds("a >= a"));
    assert_true(holds("a == a") && !holds("a == b"));
    assert_true(holds("a != b") && !holds("a != a"));
}

static void test_comparisons_chain(void **state)
{
    (void)state;
    assert_true(holds("a < b < c"));
    assert_false(holds("a < c < b"));
    assert_false(holds("c < b < c"));
    assert_false(holds("b < a < c"));
    assert_true(holds("a < c > b"));
    assert_true(holds("1 < 2 < 3 < 4 <= 4 == 4 != 5"));
    assert_false(holds("1 < 2 < 3 < 2 < 4"));
    assert_true(holds("a < b < c and c > b > a"));
    assert_true(holds("a + 1 <= b * 1 < c ** 2"));
}

static void test_not_binds_tighter_than_and_and_that_than_or(void **state)
{
    (void)state;
    assert_true(holds("a == 1 or a == 2 and a == 3"));
    assert_false(holds("(a == 1 or a == 2) and a == 3"));
    assert_true(holds("not a == 2 and b == 2"));
    assert_false(holds("not (a == 1 or b == 2)"));
    assert_true(holds("not not a == 1"));
    assert_true(holds("a == 2 or not a == 2"));
}

static void test_functions_are_those_of_mathematics(void **state)
{
    (void)state;
    assert_equals("abs(-3)", 3);
    assert_equals("sqrt(9)", 3);
    assert_equals("exp(0)", 1);
    assert_equals("log(1)", 0);
    assert_equals("log10(1000)", 3);
    assert_equals("floor(-1.5)", -2);
    assert_equals("ceil(-1.5)", -1);
    assert_equals("min(3, a, b)", 1);
    assert_equals("max(3, a, min(7, 8), b)", 7);
    assert_equals("-sqrt(4) ** 2", -4);
}

static void test_numbers_have_every_usual_spelling(void **state)
{
    (void)state;
    assert_equals("1e-1", 0.1);
    assert_equals(".5", 0.5);
    assert_equals("5.", 5);
    assert_equals("1E+2", 100);
    assert_true(holds("noise==0.1"));
    assert_true(holds("2-1==1"));
    assert_true(holds("1e0-1==0"));
}

static void test_a_comparison_with_nan_is_false(void **state)
{
    (void)state;
    assert_false(holds("0/0 == 0/0"));
    assert_false(holds("0/0 != 1"));
    assert_false(holds("0/0 < 1"));
    assert_false(holds("1 >= 0/0"));
    assert_false(holds("1 % 0 == 0"));
    assert_false(holds("min(1, 0/0) <= 1"));
    assert_false(holds("max(0/0, 1) >= 1"));
    assert_true(holds("not 0/0 == 1"));
    assert_true(holds("1/0 > 1e300"));
}

static void test_text_may_run_over_several_lines(void **state)
{
    (void)state;
    assert_true(holds("a < b\n  and\tb < c\r\n"));
}

static void test_a_parameter_may_have_the_name_of_a_function(void **state)
{
    const char *const own[] = { "min" };
    const double one = 5;
    gcr_where *where;

    (void)state;
    assert_ok(gcr_where_create(&where, "min(min, 7) == 5", mark, own, 1));
    assert_true(gcr_where_holds(where, &one));
    gcr_where_destroy(where);
    gcr_where_destroy(NULL);
}

/* ---- mistakes ------------------------------------------------------------------------------- */

static void test_an_unknown_parameter_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("a < 1 and nois > 2", 18,
                   "unknown parameter 'nois' in 'where' (did you mean 'noise'?)");
    assert_refused("temperature > 2", 8, "(known: noise, lengthscale, variance, a, b, c)");
}

static void test_an_unknown_function_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("1 < sqr(4)", 12, "unknown function 'sqr' in 'where' (did you mean 'sqrt'?)");
}

static void test_columns_count_letters_and_not_bytes(void **state)
{
    const char *const greek[] = { "\xce\xbb" };
    gcr_where *where;

    (void)state;
    assert_status(gcr_where_create(&where, "\xce\xbb < x", mark, greek, 1), GCR_EINVAL);
    assert_error_mentions("job.yaml:9:12: ");
}

static void test_over_several_lines_the_place_is_that_of_the_whole(void **state)
{
    (void)state;
    assert_refused("a < 1\nand nois > 2", 8, "'nois'");
}

static void test_an_override_is_a_place_too(void **state)
{
    gcr_where *where;

    (void)state;
    assert_status(gcr_where_create(&where, "a <", (gcr_mark){ "--set where", 0, 0 }, names, 6),
                  GCR_EINVAL);
    assert_error_mentions("--set where: 'where' ends where");
}

static void test_a_number_is_no_truth(void **state)
{
    (void)state;
    assert_refused("a + 1", 8, "must be true or false for a point, not a number: a + 1");
    assert_refused("a < 1 and 1", 14, "'and' in 'where' takes truth values, not a number");
    assert_refused("a or a < 1", 10, "'or' in 'where' takes truth values, not a number");
    assert_refused("not a", 8, "'not' in 'where' takes truth values, not a number");
}

static void test_a_truth_is_no_number(void **state)
{
    (void)state;
    assert_refused("(a < 1) + 1 == 2", 16, "'+' in 'where' takes numbers, not a truth value");
    assert_refused("1 + (a < 1) == 2", 10, "'+' in 'where' takes numbers, not a truth value");
    assert_refused("-(a < 1) == 2", 8, "'-' in 'where' takes numbers");
    assert_refused("(a < 1) == (b < 1)", 16, "'==' in 'where' takes numbers");
    assert_refused("2 ** (a < 1) == 2", 10, "'**' in 'where' takes numbers");
    assert_refused("a < (b < c) < c", 10, "'<' in 'where' takes numbers");
    assert_refused("abs(a < 1) == 1", 8, "'abs' in 'where' takes numbers");
}

static void test_words_of_other_languages_are_translated(void **state)
{
    (void)state;
    assert_refused("a = 1", 10, "does not know '=': write '=='");
    assert_refused("a < 1 && b < 1", 14, "write 'and'");
    assert_refused("a < 1 || b < 1", 14, "write 'or'");
    assert_refused("!(a < 1)", 8, "write 'not'");
    assert_refused("a ^ 2 < 1", 10, "write '**'");
}

static void test_what_is_missing_is_said(void **state)
{
    (void)state;
    assert_refused("", 8, "ends where a number, a name or '(' should follow");
    assert_refused("   ", 11, "ends where");
    assert_refused("a <", 11, "ends where a number, a name or '(' should follow");
    assert_refused("(a < 1", 14, "ends where ')' should follow");
    assert_refused("min(1, 2 + 3", 20, "ends where ')' should follow");
    assert_refused("a < 1 or", 16, "ends where");
}

static void test_what_stands_in_the_wrong_place_is_said(void **state)
{
    (void)state;
    assert_refused("a < 1)", 13, "')' in 'where' stands where an operator or the end should be");
    assert_refused("a b", 10, "'b' in 'where' stands where an operator or the end should be");
    assert_refused("a < < 1", 12, "'<' in 'where' stands where a number, a name or '('");
    assert_refused("() < 1", 9, "')' in 'where' stands where");
    assert_refused("a == not b", 13, "'not' in 'where' stands where");
    assert_refused("a < 1 ; b", 14, "';' in 'where'");
    assert_refused("abs() < 1", 12, "')' in 'where'");
}

static void test_what_looks_like_a_number_and_is_none_is_said_whole(void **state)
{
    (void)state;
    assert_refused("a < 2x", 12, "'2x' in 'where'");
    assert_refused("a < 1e+", 12, "'1e+' in 'where'");
    assert_refused("a < 1.2.3", 12, "'1.2.3' in 'where'");
}

static void test_a_function_with_the_wrong_number_of_arguments_is_refused(void **state)
{
    (void)state;
    assert_refused("sqrt(1, 2) < 3", 8, "'sqrt' in 'where' takes one number");
    assert_refused("min(1) < 3", 8, "'min' in 'where' takes two numbers or more");
}

/* ---- limits --------------------------------------------------------------------------------- */

/* `count` times `open`, then `core`, then `count` times `close`. */
static char *nested(const char *open, const char *core, const char *close, int count)
{
    const size_t bytes = (strlen(open) + strlen(close)) * (size_t)count + strlen(core) + 1;
    char *text = malloc(bytes), *at = text;

    assert_non_null(text);
    for (int i = 0; i < count; i++)
        at = stpcpy(at, open);
    at = stpcpy(at, core);
    for (int i = 0; i < count; i++)
        at = stpcpy(at, close);
    return text;
}

static void assert_nested_is_refused(const char *open, const char *close, int count,
                                     const char *sentence)
{
    char *text = nested(open, "1 == 1", close, count);
    gcr_where *where;

    assert_status(gcr_where_create(&where, text, mark, names, NAME_COUNT), GCR_EINVAL);
    assert_error_mentions(sentence);
    free(text);
}

static void test_thousands_of_parentheses_are_refused_and_not_a_crash(void **state)
{
    (void)state;
    assert_nested_is_refused("(", ")", 10000, "nested too deeply");
    assert_nested_is_refused("(", "", 60000, "nested too deeply");
    assert_nested_is_refused("- ", "", 30000, "nested too deeply");
    assert_nested_is_refused("not ", "", 10000, "nested too deeply");
    assert_nested_is_refused("1**", "", 10000, "nested too deeply");
    assert_nested_is_refused("abs(", ")", 10000, "nested too deeply");
}

static void test_a_text_longer_than_64_kib_is_refused(void **state)
{
    (void)state;
    assert_nested_is_refused("(", ")", 100000, "longer than 65536 characters");
}

/* Accepted to some depth, and then refused; what is accepted runs. */
static void assert_deep_runs(const char *head, const char *open, const char *core,
                             const char *close)
{
    int accepted = 0;

    for (int count = 1; count < 150; count++) {
        char *tail = nested(open, core, close, count), text[16384];
        gcr_where *where;

        snprintf(text, sizeof text, "%s%s", head, tail);
        if (gcr_where_create(&where, text, mark, names, NAME_COUNT) == GCR_OK) {
            assert_true(gcr_where_holds(where, values));
            accepted++;
        }
        gcr_where_destroy(where);
        free(tail);
    }
    assert_true(accepted >= 20 && accepted < 149);
}

/* The expressions that ask most of the stack of the machine: watched by the sanitizers. */
static void test_the_deepest_nesting_that_is_accepted_runs(void **state)
{
    (void)state;
    assert_deep_runs("", "(a == 2 or a == 1 and ", "1 == 1", ")");
    assert_deep_runs("a == 2 or a == 1 and 0 < 1 == ", "min(1, 1 + 0 * ", "1", ")");
    assert_deep_runs("a == 2 or a == 1 and 0 < 1 == ", "1 + 0 * 2 ** (", "1", ")");
}

static void test_a_long_flat_expression_is_fine(void **state)
{
    enum { TERMS = 5000 };
    char *text = malloc(TERMS * 12), *at = text;

    (void)state;
    assert_non_null(text);
    at = stpcpy(at, "a == 2");
    for (int i = 0; i < TERMS - 1; i++)
        at = stpcpy(at, " or a==2");
    assert_false(holds(text));
    stpcpy(at, " or b==2");
    assert_true(holds(text));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_the_header_holds),
        cmocka_unit_test(test_arithmetic_has_the_precedence_of_python),
        cmocka_unit_test(test_modulo_has_the_sign_of_the_divisor),
        cmocka_unit_test(test_comparisons_compare),
        cmocka_unit_test(test_comparisons_chain),
        cmocka_unit_test(test_not_binds_tighter_than_and_and_that_than_or),
        cmocka_unit_test(test_functions_are_those_of_mathematics),
        cmocka_unit_test(test_numbers_have_every_usual_spelling),
        cmocka_unit_test(test_a_comparison_with_nan_is_false),
        cmocka_unit_test(test_text_may_run_over_several_lines),
        cmocka_unit_test(test_a_parameter_may_have_the_name_of_a_function),
        cmocka_unit_test(test_an_unknown_parameter_is_named_with_the_nearest),
        cmocka_unit_test(test_an_unknown_function_is_named_with_the_nearest),
        cmocka_unit_test(test_columns_count_letters_and_not_bytes),
        cmocka_unit_test(test_over_several_lines_the_place_is_that_of_the_whole),
        cmocka_unit_test(test_an_override_is_a_place_too),
        cmocka_unit_test(test_a_number_is_no_truth),
        cmocka_unit_test(test_a_truth_is_no_number),
        cmocka_unit_test(test_words_of_other_languages_are_translated),
        cmocka_unit_test(test_what_is_missing_is_said),
        cmocka_unit_test(test_what_stands_in_the_wrong_place_is_said),
        cmocka_unit_test(test_what_looks_like_a_number_and_is_none_is_said_whole),
        cmocka_unit_test(test_a_function_with_the_wrong_number_of_arguments_is_refused),
        cmocka_unit_test(test_thousands_of_parentheses_are_refused_and_not_a_crash),
        cmocka_unit_test(test_a_text_longer_than_64_kib_is_refused),
        cmocka_unit_test(test_the_deepest_nesting_that_is_accepted_runs),
        cmocka_unit_test(test_a_long_flat_expression_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
