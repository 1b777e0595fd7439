/*
 * The kernels themselves on devices, against the CPU: the same files, prepared by a block, computed
 * by each team.
 */
#include "support/device_run.h"
#include "support/units.h"

#include <stdio.h>

enum { ROWS_MAX = 64, FEATURES_MAX = 40, POINTS = 3 };

typedef struct numbers {
    double x[ROWS_MAX * FEATURES_MAX], y[ROWS_MAX];
} numbers;

/* A kernel at points along one axis; its other parameters stand still. */
typedef struct subject {
    const char *unit;
    int is_binary; /* y is 0 or 1 */
    int64_t option[2];
    double points[POINTS];
    double others[2];
    double tolerance; /* times device_tolerance(1) */
} subject;

static const subject gp = { "gp_rbf", 0, { 0 }, { 0.3, 1, 2 }, { 0.1, 2 }, 1 };
static const subject kernel_ridge = { "kernel_ridge", 0, { 0 }, { 0.3, 1, 2 }, { 0.5 }, 1 };
static const subject ridge = { "ridge", 0, { 5 }, { 0.1, 1, 10 }, { 0 }, 1 };
/* Random matrices of which none is near a singular one. */
static const subject cholesky = { "cholesky", 0, { 20 }, { 1, 25, 75 }, { 0 }, 10 };
static const subject logistic = { "logistic", 1, { 50, 10 }, { 0.1, 1, 10 }, { 0 }, 10 };
static const subject outer = { "outer", 0, { 0 }, { 0, 2, 100 }, { 0 }, 1 };
/* Sums of terms of up to 19, of which little is left. */
static const subject sides = { "sides", 0, { 0 }, { 0.1, 0.5, 2 }, { 0 }, 10 };
static const subject scale = { "scale", 0, { 0 }, { -1, 2, 1e300 }, { 0 }, 0.01 };

static void make_numbers(numbers *out, int is_binary)
{
    for (int k = 0; k < ROWS_MAX * FEATURES_MAX; k++)
        out->x[k] = fmod(0.6180339887498949 * (k + 1), 1) * 2 - 1;
    for (int i = 0; i < ROWS_MAX; i++)
        out->y[i] = is_binary ? i * 7 % 3 == 0 : fmod(0.7548776662466927 * (i + 1), 1);
}

static void open_tile(tile *t, const subject *s, const numbers *data, int rows, int features)
{
    *t = (tile){ .unit = unit_named(s->unit),
                 .data = { .rows = rows,
                           .features = features,
                           .x = data->x,
                           .y = data->y,
                           .identity = { 1, 2, 3, (uint32_t)rows } },
                 .setup = { .option = { s->option[0], s->option[1] }, .seed = 7 } };
    for (int p = 0; t->unit->kernel->parameters[p].name != NULL; p++)
        tile_axis(t, t->unit->kernel->parameters[p].name, p == 0 ? s->points : &s->others[p - 1],
                  p == 0 ? POINTS : 1);
    tile_open(t);
}

static void check(const subject *s, const numbers *data, device_algorithm algorithm, int rows,
                  int features)
{
    const device_run run = device_run_of(algorithm);
    tile expected, got, *tiles[] = { &got };
    char what[80];

    open_tile(&expected, s, data, rows, features);
    open_tile(&got, s, data, rows, features);
    tile_crunch(&expected);
    if (got.prepared != NULL) {
        const gcr_shape shape = { rows, features, got.setup.option };
        const int64_t count = got.unit->kernel->prepared_count(&shape);

        memset(got.prepared, 0xff, (size_t)count * gcr_scalar_bytes(unit_scalar()));
        got.fault = -1;
        device_prepare(&run, &got);
    }
    device_crunch(&run, tiles, 1);
    snprintf(what, sizeof what, "%s, %d rows, %d features, %s", s->unit, rows, features,
             device_algorithm_name(algorithm));
    assert_tiles_agree(&got, &expected, device_tolerance(s->tolerance), what);
    tile_close(&expected);
    tile_close(&got);
}

static void check_fresh(const subject *s, device_algorithm algorithm, int rows, int features)
{
    numbers data;

    make_numbers(&data, s->is_binary);
    check(s, &data, algorithm, rows, features);
}

static void test_gp_agrees_with_the_cpu(void **state)
{
    (void)state;
    check_fresh(&gp, DEVICE_THREAD, 7, 2);
    check_fresh(&gp, DEVICE_WARP, 31, 3);
    check_fresh(&gp, DEVICE_BLOCK, 45, 4);
}

/* Distances are the same whoever computes them. */
static void test_a_dataset_is_prepared_alike_by_all_blocks(void **state)
{
    const device_run one = device_run_of(DEVICE_BLOCK), all = device_run_of(DEVICE_WHOLE);
    const int64_t count = 45 * 46 / 2;
    tile by_one, by_all;
    numbers data;

    (void)state;
    make_numbers(&data, 0);
    open_tile(&by_one, &gp, &data, 45, 4);
    open_tile(&by_all, &gp, &data, 45, 4);
    memset(by_all.prepared, 0xff, (size_t)count * gcr_scalar_bytes(unit_scalar()));
    by_all.fault = -1;
    device_prepare(&one, &by_one);
    device_prepare(&all, &by_all);
    assert_int_equal(by_all.fault, 0);
    assert_memory_equal(by_all.prepared, by_one.prepared,
                        (size_t)count * gcr_scalar_bytes(unit_scalar()));
    tile_close(&by_one);
    tile_close(&by_all);
}

static void test_kernel_ridge_agrees_with_the_cpu(void **state)
{
    (void)state;
    check_fresh(&kernel_ridge, DEVICE_THREAD, 11, 2);
    check_fresh(&kernel_ridge, DEVICE_WARP, 23, 1);
    check_fresh(&kernel_ridge, DEVICE_BLOCK, 40, 4);
}

static void test_ridge_agrees_with_the_cpu(void **state)
{
    (void)state;
    check_fresh(&ridge, DEVICE_THREAD, 30, 6);
    check_fresh(&ridge, DEVICE_WARP, 61, 14);
    check_fresh(&ridge, DEVICE_BLOCK, 64, 36);
    check_fresh(&ridge, DEVICE_WARP, 4, 10); /* fewer rows than folds: a fault of prepare() */
}

/* Eight sides stand in a row of tiles; of the last row some, or all. */
static void test_many_right_hand_sides_agree_with_the_cpu(void **state)
{
    static const int counts[] = { 2, 7, 8, 9, 16, 19 };

    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        check_fresh(&sides, DEVICE_THREAD, 7, counts[k]);
        check_fresh(&sides, DEVICE_WARP, 15, counts[k]);
        check_fresh(&sides, DEVICE_BLOCK, 41, counts[k]);
        check_fresh(&sides, DEVICE_MEMORY, 64, counts[k]);
    }
}

static void test_cell_kernels_agree_with_the_cpu_in_each_team(void **state)
{
    static const device_algorithm teams[] = { DEVICE_THREAD, DEVICE_BLOCK, DEVICE_WHOLE };

    (void)state;
    for (int t = 0; t < 3; t++) {
        check_fresh(&cholesky, teams[t], 1, 1);
        check_fresh(&logistic, teams[t], 50, 3);
        check_fresh(&outer, teams[t], 9, 33);
        check_fresh(&scale, teams[t], 60, 1);
    }
}

/* Each place of x and y in turn is NaN or infinite. */
static void check_not_finite(const subject *s, device_algorithm algorithm, int rows, int features)
{
    static const double bad[] = { NAN, INFINITY, -INFINITY };
    numbers data;

    for (int k = 0; k < rows * features + rows; k++) {
        double *place = k < rows * features ? &data.x[k] : &data.y[k - rows * features];

        make_numbers(&data, s->is_binary);
        *place = bad[k % 3];
        check(s, &data, algorithm, rows, features);
    }
}

static void test_what_is_not_finite_in_a_dataset_has_the_verdict_of_the_cpu(void **state)
{
    (void)state;
    check_not_finite(&gp, DEVICE_THREAD, 7, 2);
    check_not_finite(&gp, DEVICE_WARP, 26, 1);
    check_not_finite(&gp, DEVICE_BLOCK, 18, 1);
    check_not_finite(&ridge, DEVICE_THREAD, 11, 5);
    check_not_finite(&logistic, DEVICE_BLOCK, 8, 2);
}

/* Another number of blocks and another order of threads, the same bits: also of sums over a block.
 * A sum over all blocks has the order of as many as there are. */
static void check_same_bits(const subject *s, device_algorithm algorithm, int rows, int features)
{
    device_run run = device_run_of(algorithm);
    tile one, other, *tiles[] = { &one, &other };
    numbers data;

    make_numbers(&data, s->is_binary);
    open_tile(&one, s, &data, rows, features);
    open_tile(&other, s, &data, rows, features);
    device_crunch(&run, &tiles[0], 1);
    run.blocks = algorithm == DEVICE_WHOLE ? run.blocks : 1;
    run.order = TWIN_DOWNWARDS;
    device_crunch(&run, &tiles[1], 1);
    assert_tiles_equal(&one, &other);
    tile_close(&one);
    tile_close(&other);
}

static void test_bits_of_a_block_do_not_depend_on_the_order_of_its_threads(void **state)
{
    (void)state;
    check_same_bits(&logistic, DEVICE_BLOCK, 50, 3);
    check_same_bits(&outer, DEVICE_BLOCK, 9, 33);
    check_same_bits(&scale, DEVICE_BLOCK, 60, 1);
    check_same_bits(&cholesky, DEVICE_BLOCK, 1, 1);
    check_same_bits(&cholesky, DEVICE_WHOLE, 1, 1);
    check_same_bits(&logistic, DEVICE_WHOLE, 50, 3);
    check_same_bits(&ridge, DEVICE_BLOCK, 64, 36);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gp_agrees_with_the_cpu),
        cmocka_unit_test(test_a_dataset_is_prepared_alike_by_all_blocks),
        cmocka_unit_test(test_kernel_ridge_agrees_with_the_cpu),
        cmocka_unit_test(test_ridge_agrees_with_the_cpu),
        cmocka_unit_test(test_many_right_hand_sides_agree_with_the_cpu),
        cmocka_unit_test(test_cell_kernels_agree_with_the_cpu_in_each_team),
        cmocka_unit_test(test_what_is_not_finite_in_a_dataset_has_the_verdict_of_the_cpu),
        cmocka_unit_test(test_bits_of_a_block_do_not_depend_on_the_order_of_its_threads),
    };
    const int status = unit_path_select(argc, argv);

    return status != 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
