/*
 * tests/contract/test_factor.c -- factors of matrices without a kernel, as every backend promises
 * them: `test_factor cpu`, `test_factor cpu f32`, `test_factor cuda`. See test_crunch.c for what
 * happens where there is no such device.
 */
#include "support/contract_in_hand.h"
#include "support/factor_groups.h"

#include <stdio.h>

/* ---- the promises ---------------------------------------------------------------------------- */

static void test_factors_agree_with_lapack(void **state)
{
    static const int sizes[] = { 1,  2,  7,  8,  9,   12,  13,  15,  16,  17,  31,  32,  33, 63,
                                 64, 65, 95, 97, 127, 128, 129, 160, 231, 232, 233, 512, 513 };

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        group g = open_group(sizes[k], sizes[k] <= 65 ? 41 : 3, 1);

        factor(&g, 1);
        check_matrix(&g, 0, 1);
        check_matrix(&g, g.count / 2, 1 + g.count / 2);
        check_matrix(&g, g.count - 1, g.count);
        close_group(&g);
    }
}

/* In no order, and two of the same size: each way that a device may have for a size is taken. */
static void test_one_submission_has_matrices_of_any_sizes(void **state)
{
    static const int larger[] = { 65, 250, 130, 65, 200, 520, 100 };
    group groups[GROUPS_MAX];
    uint64_t seeds[GROUPS_MAX];
    int count = 0;

    (void)state;
    for (int n = 1; n <= 40; n++)
        seeds[count++] = (uint64_t)n;
    for (int g = 0; g < count; g++)
        groups[g] = open_group(1 + 17 * (g + 1) % 41, 1 + seeds[g] % 7, seeds[g]);
    for (size_t k = 0; k < sizeof larger / sizeof *larger; k++, count++) {
        seeds[count] = 100 * (k + 1);
        groups[count] =
            open_group(larger[k], larger[k] == 65 ? 2 + (uint64_t)k / 3 : 1, seeds[count]);
    }
    factor(groups, count);
    for (int g = 0; g < count; g++) {
        for (uint64_t k = 0; k < groups[g].count; k++)
            check_matrix(&groups[g], k, seeds[g] + k);
        close_group(&groups[g]);
    }
}

static void test_a_factor_may_be_unpacked_more_than_once(void **state)
{
    group g = open_group(21, 18, 3);

    (void)state;
    factor(&g, 1);
    fetch(&g, 1);
    for (uint64_t k = 0; k < g.count; k++)
        check_matrix(&g, k, 3 + k);
    close_group(&g);
}

static void test_bits_depend_on_nothing_but_the_matrix(void **state)
{
    static const int sizes[] = { 5, 11, 16, 30, 33, 70, 130, 240 };

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        group alone = open_group(sizes[k], 1, 50);
        group among[] = { open_group(sizes[k] + 1, 2, 9), open_group(sizes[k], 37, 50 - 20) };

        factor(&alone, 1);
        factor(among, 2);
        assert_memory_equal(square_of(&among[1], 20), alone.square, alone.square_bytes);
        close_group(&alone);
        close_group(&among[0]);
        close_group(&among[1]);
    }
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void test_what_has_no_factor_is_said_and_leaves_the_others_alone(void **state)
{
    static const int sizes[] = { 1, 2, 8, 12, 13, 32, 33, 100, 240, 520 };

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        check_verdicts(sizes[k]);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static gcr_status try_group(const gcr_factor_group *one, gcr_factor_step what)
{
    return gcr_factor(queue, &(gcr_factor_args){
                                 .step = what, .scalar = scalar, .groups = one, .group_count = 1 });
}

static void test_what_cannot_be_factored_is_refused(void **state)
{
    group g = open_group(4, 2, 1);
    gcr_factor_group of = on_device(&g);
    uint64_t bytes;

    (void)state;
    of.n = 0;
    assert_status(try_group(&of, GCR_FACTOR_IN_PLACE), GCR_EINVAL);
    assert_error_mentions("1 to 131072 rows, not 0");
    of = on_device(&g);
    of.minor = NULL;
    assert_status(try_group(&of, GCR_FACTOR_IN_PLACE), GCR_EINVAL);
    of = on_device(&g);
    of.square = NULL;
    assert_status(try_group(&of, GCR_FACTOR_PACK), GCR_EINVAL);
    assert_error_mentions("has a count and its addresses");
    of = on_device(&g);
    of.matrices = (char *)of.matrices + 8;
    assert_status(try_group(&of, GCR_FACTOR_IN_PLACE), GCR_EINVAL);
    assert_error_mentions("begin on a multiple of");
    assert_status(gcr_factor_bytes(&bytes, device, scalar, 1 << 18, 1), GCR_EINVAL);
    assert_status(gcr_factor_bytes(&bytes, device, scalar, 600, UINT64_MAX / 4), GCR_ENOMEM);
    assert_error_mentions("more bytes than can be counted");
    close_group(&g);
}

/* The operation is optional. */
static void test_a_backend_that_factors_nothing_says_so(void **state)
{
    const gcr_backend *const whole = device->backend;
    gcr_backend without = *whole;
    group g = open_group(4, 2, 1);
    const gcr_factor_group of = on_device(&g);
    gcr_status status;

    (void)state;
    without.factor = NULL;
    without.factor_bytes = NULL;
    device->backend = &without;
    status = try_group(&of, GCR_FACTOR_IN_PLACE);
    device->backend = whole;
    assert_status(status, GCR_EUNSUPPORTED);
    assert_error_mentions("factor no matrices without a kernel");
    close_group(&g);
}

static void test_no_groups_are_a_valid_amount_of_work(void **state)
{
    (void)state;
    assert_ok(gcr_factor(queue, &(gcr_factor_args){ .scalar = scalar }));
}

static void test_what_was_factored_is_counted(void **state)
{
    const gcr_ledger before = queue->ledger;
    group groups[] = { open_group(3, 5, 1), open_group(40, 2, 1) };

    (void)state;
    factor(groups, 2);
    assert_int_equal(queue->ledger.factor_calls - before.factor_calls, 1);
    assert_int_equal(queue->ledger.matrices - before.matrices, 7);
    close_group(&groups[0]);
    close_group(&groups[1]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        /* First: what is compiled for matrices of some size is compiled at once for all sizes of a
         * submission. */
        cmocka_unit_test(test_one_submission_has_matrices_of_any_sizes),
        cmocka_unit_test(test_factors_agree_with_lapack),
        cmocka_unit_test(test_a_factor_may_be_unpacked_more_than_once),
        cmocka_unit_test(test_bits_depend_on_nothing_but_the_matrix),
        cmocka_unit_test(test_what_has_no_factor_is_said_and_leaves_the_others_alone),
        cmocka_unit_test(test_what_cannot_be_factored_is_refused),
        cmocka_unit_test(test_a_backend_that_factors_nothing_says_so),
        cmocka_unit_test(test_no_groups_are_a_valid_amount_of_work),
        cmocka_unit_test(test_what_was_factored_is_counted),
    };

    return contract_run(argc, argv, tests);
}
