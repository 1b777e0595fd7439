/*
 * Single precision against double, of the same kernels on the same code path: what they say of data
 * that both have exactly differs by rounding and no more. And what is a unit's own in it: outputs
 * that are floats, ladders whose steps are too small to be seen, numbers that a float has no room
 * for.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

#include <float.h>

enum { N_MAX = 300, FEATURES = 3, POINTS_MAX = 16 };

static double x[N_MAX * FEATURES], y[N_MAX], classes[N_MAX];

static double as_float(double value)
{
    return (double)(float)value;
}

static int open_data(void **state)
{
    (void)state;
    for (int k = 0; k < N_MAX * FEATURES; k++)
        x[k] = as_float(4 * fmod(0.6180339887498949 * (k + 1), 1) - 2);
    for (int i = 0; i < N_MAX; i++) {
        y[i] = as_float(sin(3 * x[i]) + fmod(0.7548776662466927 * (i + 1), 1));
        classes[i] = x[i] + fmod(0.5698402909980532 * (i + 1), 1) > 0.5;
    }
    return 0;
}

/* A kernel at some points, and what its outputs may be off by: `share` of rounding errors of the
 * largest term of their sums. */
typedef struct subject {
    const char *unit;
    int64_t option[2];
    const char *axes[3];
    double values[3][2]; /* exact in both */
    const double *y;
    double share;
} subject;

static void crunch(tile *out, const subject *s, gcr_scalar precision, int64_t rows)
{
    *out = (tile){ .unit = unit_of(s->unit, precision),
                   .data = { .rows = rows, .features = FEATURES, .x = x, .y = s->y },
                   .setup = {
                       .option = { s->option[0], s->option[1] }, .seed = 3, .ns_per_tick = 1 } };
    for (int a = 0; a < 3 && s->axes[a] != NULL; a++)
        tile_axis(out, s->axes[a], s->values[a], 2);
    tile_open(out);
    tile_crunch(out);
}

static void check_output(const subject *s, const tile *single, const tile *of_double,
                         uint64_t point, int o)
{
    const double got = tile_value(single, point, o, 0), want = tile_value(of_double, point, o, 0);
    const double rows = (double)single->data.rows;
    const double tolerance = s->share * rows * (double)FLT_EPSILON * fmax(1, fabs(want));

    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s, %g rows, point %d, output %d: %.9g, not %.9g +- %g", s->unit, rows,
                 (int)point, o, got, want, tolerance);
    assert_true(got == as_float(got));
}

static void check_rows(const subject *s, int64_t rows)
{
    tile single, of_double;

    crunch(&single, s, GCR_F32, rows);
    crunch(&of_double, s, GCR_F64, rows);
    assert_int_equal(single.unit->scalar, GCR_F32);
    for (uint64_t point = 0; point < single.points.point_count; point++) {
        assert_int_equal(single.args.state[point], GCR_CELL_OK);
        assert_int_equal(of_double.args.state[point], GCR_CELL_OK);
        for (int o = 0; single.args.outputs[o] != NULL; o++)
            check_output(s, &single, &of_double, point, o);
    }
    tile_close(&single);
    tile_close(&of_double);
}

static void check(const subject *s)
{
    static const int64_t rows[] = { 8, 9, 15, 16, 17, 31, 33, 64, 97, 130, 300 };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_rows(s, rows[i]);
}

static void test_likelihoods(void **state)
{
    static const char *const units[] = { "gp_rbf", "gp_matern12", "gp_matern32", "gp_matern52",
                                         "gp_lapack" };

    (void)state;
    for (int u = 0; u < 5; u++)
        check(&(const subject){ .unit = units[u],
                                .option = { u < 4 ? u : 0 },
                                .axes = { "lengthscale", "noise", "variance" },
                                .values = { { 0.25, 2 }, { 0.25, 1 }, { 0.5, 2 } },
                                .y = y,
                                .share = 30 });
}

static void test_likelihoods_at_the_best_variance(void **state)
{
    static const char *const units[] = { "gp_profile_rbf", "gp_profile_matern12",
                                         "gp_profile_matern32", "gp_profile_matern52" };

    (void)state;
    for (int u = 0; u < 4; u++)
        check(&(const subject){ .unit = units[u],
                                .option = { u },
                                .axes = { "lengthscale", "noise_ratio" },
                                .values = { { 0.25, 2 }, { 0.125, 1 } },
                                .y = y,
                                .share = 30 });
}

static void test_kernel_ridge(void **state)
{
    (void)state;
    check(&(const subject){ .unit = "kernel_ridge",
                            .axes = { "lengthscale", "alpha" },
                            .values = { { 0.25, 2 }, { 0.25, 1 } },
                            .y = y,
                            .share = 30 });
}

static void test_ridge(void **state)
{
    (void)state;
    check(&(const subject){ .unit = "ridge",
                            .option = { 4 },
                            .axes = { "alpha" },
                            .values = { { 0.125, 8 } },
                            .y = y,
                            .share = 10 });
}

/* The number of steps is no number that rounding leaves alone, and the share of the rows whose
 * probability is near a half neither. */
static void test_logistic(void **state)
{
    static const subject s = { .unit = "logistic",
                               .option = { 50, 10 },
                               .axes = { "penalty" },
                               .values = { { 0.25, 8 } },
                               .y = classes,
                               .share = 10 };
    tile single, of_double;

    (void)state;
    for (int64_t rows = 20; rows <= N_MAX; rows += 40) {
        crunch(&single, &s, GCR_F32, rows);
        crunch(&of_double, &s, GCR_F64, rows);
        for (uint64_t point = 0; point < 2; point++) {
            assert_int_equal(single.args.state[point], GCR_CELL_OK);
            check_output(&s, &single, &of_double, point, 0);
            assert_near(tile_value(&single, point, 1, 0), tile_value(&of_double, point, 1, 0),
                        1.01 / (double)rows);
            assert_true(tile_value(&single, point, 2, 0) <= tile_value(&of_double, point, 2, 0));
        }
        tile_close(&single);
        tile_close(&of_double);
    }
}

/* The draws are those of doubles, cut off. The determinant of such a matrix has no digit that
 * rounding leaves alone. */
static void test_cholesky_of_a_random_matrix(void **state)
{
    tile single, of_double;

    (void)state;
    for (int64_t n = 3; n <= 9; n++) {
        const subject s = { .unit = "cholesky",
                            .option = { n },
                            .axes = { "replicate" },
                            .values = { { 1, 5 } },
                            .share = 2 };

        crunch(&single, &s, GCR_F32, n);
        crunch(&of_double, &s, GCR_F64, n);
        for (uint64_t point = 0; point < 2; point++)
            for (int o = 0; o < 2; o++)
                check_output(&s, &single, &of_double, point, o);
        tile_close(&single);
        tile_close(&of_double);
    }
}

static void test_the_small_workloads(void **state)
{
    (void)state;
    check_rows(
        &(const subject){
            .unit = "scale", .axes = { "factor" }, .values = { { 0.5, -3 } }, .y = y, .share = 2 },
        100);
    check_rows(&(const subject){ .unit = "convolve",
                                 .axes = { "row", "k" },
                                 .values = { { 0, 3 }, { 2, 5 } },
                                 .share = 50 },
               40);
    check_rows(
        &(const subject){ .unit = "outer", .axes = { "row" }, .values = { { 0, 3 } }, .share = 2 },
        40);
    check_rows(&(const subject){ .unit = "spin", .axes = { "ns" }, .values = { { 0, 1000 } } }, 1);
    check_rows(&(const subject){ .unit = "sleep", .axes = { "ms" }, .values = { { 0, 0.5 } } }, 1);
}

static void test_twice_as_many_cells_are_computed_together(void **state)
{
    (void)state;
    assert_int_equal(unit_of("gp_rbf", GCR_F32)->cells_together,
                     2 * unit_of("gp_rbf", GCR_F64)->cells_together);
}

/* A matrix of ones: singular, until something that can be seen is added to its diagonal. */
static void test_a_step_of_the_ladder_that_rounding_swallows_does_not_help(void **state)
{
    static const double ladder[] = { 1e-9, 1e-8, 0.125 };
    const double one = 1, zero = 0, needs = GCR_NEED_LOG_DETERMINANT;
    double matrix[64], b[8] = { 0 };
    tile t = { .unit = unit_of("matrix", GCR_F32),
               .data = { .rows = 8, .features = 8, .x = matrix, .y = b },
               .setup = { .jitter = ladder, .jitter_count = 3 } };

    (void)state;
    for (int k = 0; k < 64; k++)
        matrix[k] = 1;
    tile_axis(&t, "scale", &one, 1);
    tile_axis(&t, "shift", &zero, 1);
    tile_axis(&t, "needs", &needs, 1);
    tile_open(&t);
    tile_crunch(&t);
    assert_int_equal(t.args.state[0], GCR_CELL_OK_JITTER);
    assert_int_equal(t.args.jitter_step[0], 3);
    assert_near(tile_value(&t, 0, 0, 0), 7 * log(0.125) + log(8.125), 1e-4);
    tile_close(&t);
}

static void test_a_number_beyond_the_range_of_floats_is_infinite(void **state)
{
    const double y_of_one[] = { 1e39 }, x_of_one[] = { 1 }, one = 1;
    tile t = { .unit = unit_of("gp_rbf", GCR_F32),
               .data = { .rows = 1, .features = 1, .x = x_of_one, .y = y_of_one } };

    (void)state;
    tile_axis(&t, "lengthscale", &one, 1);
    tile_axis(&t, "noise", &one, 1);
    tile_axis(&t, "variance", &one, 1);
    tile_open(&t);
    tile_crunch(&t);
    assert_int_equal(t.args.state[0], GCR_CELL_NAN_IN);
    tile_close(&t);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_likelihoods),
        cmocka_unit_test(test_likelihoods_at_the_best_variance),
        cmocka_unit_test(test_kernel_ridge),
        cmocka_unit_test(test_ridge),
        cmocka_unit_test(test_logistic),
        cmocka_unit_test(test_cholesky_of_a_random_matrix),
        cmocka_unit_test(test_the_small_workloads),
        cmocka_unit_test(test_twice_as_many_cells_are_computed_together),
        cmocka_unit_test(test_a_step_of_the_ladder_that_rounding_swallows_does_not_help),
        cmocka_unit_test(test_a_number_beyond_the_range_of_floats_is_infinite),
    };
    const int refusal = unit_path_select(argc, argv);

    return refusal != 0 ? refusal : cmocka_run_group_tests(tests, open_data, NULL);
}
