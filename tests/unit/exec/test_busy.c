/* tests/unit/exec/test_busy.c -- the least and the middle of ranks, and who got nothing. */
#include "exec/busy.h"

#include "support/gcr_test.h"

static void test_an_idle_rank_0_is_found(void **state)
{
    double shares[] = { 0.0, 0.97, 0.91, 0.95 };
    const gcr_busy busy = gcr_busy_of(shares, 4);

    (void)state;
    assert_int_equal(busy.idle_ranks, 1);
    assert_int_equal(busy.least_rank, 0);
    assert_true(busy.least == 0.0);
    assert_true(busy.median == 0.95);
}

static void test_the_first_of_those_with_the_least_is_named(void **state)
{
    double shares[] = { 0.9, 0.5, 0.7, 0.5, 0.8 };
    const gcr_busy busy = gcr_busy_of(shares, 5);

    (void)state;
    assert_int_equal(busy.idle_ranks, 0);
    assert_int_equal(busy.least_rank, 1);
    assert_true(busy.least == 0.5);
    assert_true(busy.median == 0.7);
}

static void test_of_one_rank_it_is_that_rank(void **state)
{
    double share = 0.25;
    const gcr_busy busy = gcr_busy_of(&share, 1);

    (void)state;
    assert_int_equal(busy.idle_ranks, 0);
    assert_int_equal(busy.least_rank, 0);
    assert_true(busy.least == 0.25 && busy.median == 0.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_idle_rank_0_is_found),
        cmocka_unit_test(test_the_first_of_those_with_the_least_is_named),
        cmocka_unit_test(test_of_one_rank_it_is_that_rank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
