/*
 * The engines under SPD kernels on devices, against those of the CPU: every algorithm at every size
 * where something changes, every answer, matrices that are not SPD.
 */
#include "support/device_run.h"
#include "support/matrix_problem.h"

#include <stdio.h>

static void compare(const matrix_problem *p, device_algorithm algorithm)
{
    char what[80];

    snprintf(what, sizeof what, "%s, n = %d, needs %g", device_algorithm_name(algorithm), p->n,
             p->needs[0]);
    assert_tiles_agree(&p->got, &p->expected, device_tolerance(1), what);
}

static void check(device_algorithm algorithm, int n, unsigned needs)
{
    device_run run = device_run_of(algorithm);
    matrix_problem *p = matrix_problem_open(n, needs);
    tile *got = &p->got;

    run.order = n % 2 == 0 ? TWIN_UPWARDS : TWIN_DOWNWARDS;
    device_crunch(&run, &got, 1);
    compare(p, algorithm);
    matrix_problem_close(p);
}

static const int sizes[] = { 1,  2,  3,  4,  5,  7,  8,  9,  11, 12, 13, 15,
                             16, 17, 23, 24, 25, 31, 32, 33, 39, 40, 41 };
static const int large_sizes[] = { 63, 64, 65, 127, 128, 129, 160 };

static void test_each_algorithm_agrees_with_the_cpu_at_small_sizes(void **state)
{
    (void)state;
    for (device_algorithm algorithm = 0; algorithm < DEVICE_SPD_COUNT; algorithm++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            check(algorithm, sizes[k], MATRIX_NEEDS_ALL);
}

static void test_blocks_agree_with_the_cpu_at_large_sizes(void **state)
{
    (void)state;
    for (device_algorithm algorithm = DEVICE_BLOCK; algorithm <= DEVICE_MEMORY; algorithm++)
        for (size_t k = 0; k < sizeof large_sizes / sizeof *large_sizes; k++)
            check(algorithm, large_sizes[k], MATRIX_NEEDS_ALL);
}

/* The largest matrix that shared memory has room for, and the one after it. */
static void test_the_largest_on_the_chip_and_the_next_agree_with_the_cpu(void **state)
{
    const int n = unit_scalar() == GCR_F32 ? 328 : 232;
    device_run run = device_run_of(DEVICE_BLOCK);
    matrix_problem *p = matrix_problem_open(n, GCR_NEED_LOG_DETERMINANT | GCR_NEED_QUADRATIC_FORM);
    matrix_problem *next =
        matrix_problem_open(n + 1, GCR_NEED_LOG_DETERMINANT | GCR_NEED_QUADRATIC_FORM);
    tile *tiles[] = { &p->got, &next->got };

    (void)state;
    assert_int_equal(device_variant_of(&run, tiles[0]).team, GCR_TEAM_BLOCK);
    assert_int_equal(device_variant_of(&run, tiles[1]).team, GCR_TEAM_MEMORY);
    device_crunch(&run, tiles, 2);
    compare(p, DEVICE_BLOCK);
    compare(next, DEVICE_MEMORY);
    matrix_problem_close(p);
    matrix_problem_close(next);
}

static void test_each_need_alone_is_answered(void **state)
{
    (void)state;
    for (device_algorithm algorithm = 0; algorithm < DEVICE_SPD_COUNT; algorithm++)
        for (unsigned need = 0; need <= 8; need = need == 0 ? 1 : 2 * need) {
            check(algorithm, 6, need);
            check(algorithm, 20, need);
        }
}

static void test_datasets_of_many_sizes_are_crunched_together(void **state)
{
    enum { COUNT = 9 };
    static const int mixed[COUNT] = { 5, 32, 6, 48, 31, 5, 100, 8, 41 };
    device_run run = device_run_of(DEVICE_THREAD);
    matrix_problem *problems[COUNT];
    tile *tiles[COUNT];

    (void)state;
    run.blocks = 3;
    for (int k = 0; k < COUNT; k++) {
        problems[k] = matrix_problem_open(mixed[k], MATRIX_NEEDS_ALL);
        tiles[k] = &problems[k]->got;
    }
    device_crunch(&run, tiles, COUNT);
    for (int k = 0; k < COUNT; k++) {
        compare(problems[k], DEVICE_THREAD);
        matrix_problem_close(problems[k]);
    }
}

/* Crunches the same cells in another way; the bits must be the same. */
static void check_same_bits(device_algorithm algorithm, int n)
{
    device_run run = device_run_of(algorithm);
    matrix_problem *p = matrix_problem_open(n, MATRIX_NEEDS_ALL);
    matrix_problem *mate = matrix_problem_open(n, MATRIX_NEEDS_ALL);
    tile *alone = &p->got, *together[] = { &mate->expected, &mate->got };

    device_crunch(&run, &alone, 1);
    run.blocks = 1;
    run.order = TWIN_DOWNWARDS;
    device_crunch(&run, together, 2);
    assert_tiles_equal(&p->got, &mate->got);
    assert_tiles_equal(&p->got, &mate->expected);
    matrix_problem_close(p);
    matrix_problem_close(mate);
}

static void test_bits_depend_on_neither_blocks_nor_place_nor_the_order_of_threads(void **state)
{
    (void)state;
    check_same_bits(DEVICE_THREAD, 6);
    check_same_bits(DEVICE_WARP, 30);
    check_same_bits(DEVICE_BLOCK, 41);
    check_same_bits(DEVICE_MEMORY, 41);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_algorithm_agrees_with_the_cpu_at_small_sizes),
        cmocka_unit_test(test_blocks_agree_with_the_cpu_at_large_sizes),
        cmocka_unit_test(test_the_largest_on_the_chip_and_the_next_agree_with_the_cpu),
        cmocka_unit_test(test_each_need_alone_is_answered),
        cmocka_unit_test(test_datasets_of_many_sizes_are_crunched_together),
        cmocka_unit_test(test_bits_depend_on_neither_blocks_nor_place_nor_the_order_of_threads),
    };
    const int status = unit_path_select(argc, argv);

    return status != 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
