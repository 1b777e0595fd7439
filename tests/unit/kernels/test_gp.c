/*
 * The likelihoods of `gp` against scikit-learn's, stored by tests/reference/gp_reference.py.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

static const char *const units[] = { "gp_rbf", "gp_matern12", "gp_matern32", "gp_matern52" };

enum kind { PLAIN, DUPLICATE_X, CONSTANT_Y, TWO_FEATURES };

static const struct row {
    enum kind kind;
    int n, covariance;
    double point[3]; /* lengthscale, noise, variance */
    double lml, tolerance;
} rows[] = {
#include "reference/gp_reference.h"
};

enum { N_MAX = 60 };

struct numbers {
    double x[2 * N_MAX], y[N_MAX];
};

/* As dataset() in gp_reference.py. */
static gcr_view make_dataset(struct numbers *out, enum kind kind, int n)
{
    for (int i = 0; i < n; i++) {
        out->x[i] = (kind == DUPLICATE_X ? i / 2 : i) * 0.75;
        out->x[i + n] = 37 * i % 11 / 4.0;
        out->y[i] = kind == CONSTANT_Y ? 1.5 : ((53 * i + 29 * n) % 97 - 48) / 32.0;
    }
    return (
        gcr_view){ .rows = n, .features = kind == TWO_FEATURES ? 2 : 1, .x = out->x, .y = out->y };
}

static void open_row(tile *out, struct numbers *numbers, const struct row *row)
{
    *out = (tile){ .unit = unit_named(units[row->covariance]) };
    out->data = make_dataset(numbers, row->kind, row->n);
    tile_axis(out, "lengthscale", &row->point[0], 1);
    tile_axis(out, "noise", &row->point[1], 1);
    tile_axis(out, "variance", &row->point[2], 1);
    tile_open(out);
}

static int row_agrees(const struct row *row)
{
    struct numbers numbers;
    tile t;
    double lml;
    int state;

    open_row(&t, &numbers, row);
    tile_crunch(&t);
    lml = tile_value(&t, 0, 0, 0);
    state = t.args.state[0];
    tile_close(&t);
    if (state == GCR_CELL_OK && fabs(lml - row->lml) <= row->tolerance)
        return 1;
    print_error("kind %d n %d covariance %d: state %d, %.17g, not %.17g\n", (int)row->kind, row->n,
                row->covariance, state, lml, row->lml);
    return 0;
}

static void check_rows(int covariance)
{
    int wrong = 0, checked = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].covariance == covariance) {
            wrong += !row_agrees(&rows[i]);
            checked++;
        }
    assert_true(checked > 100);
    assert_int_equal(wrong, 0);
}

static void test_rbf_agrees_with_scikit_learn(void **state)
{
    (void)state;
    check_rows(0);
}

static void test_matern12_agrees_with_scikit_learn(void **state)
{
    (void)state;
    check_rows(1);
}

static void test_matern32_agrees_with_scikit_learn(void **state)
{
    (void)state;
    check_rows(2);
}

static void test_matern52_agrees_with_scikit_learn(void **state)
{
    (void)state;
    check_rows(3);
}

/* One observation: a normal density with variance 1 + 3 at 2. */
static void test_one_row_is_a_normal_density(void **state)
{
    const double x = 7, y = 2, lengthscale = 1, noise = 3, variance = 1;
    tile t = { .unit = unit_named("gp_matern52"),
               .data = { .rows = 1, .features = 1, .x = &x, .y = &y } };

    (void)state;
    tile_axis(&t, "lengthscale", &lengthscale, 1);
    tile_axis(&t, "noise", &noise, 1);
    tile_axis(&t, "variance", &variance, 1);
    tile_open(&t);
    tile_crunch(&t);
    assert_near(tile_value(&t, 0, 0, 0), -0.5 - 0.5 * log(4) - 0.5 * log(2 * M_PI), 1e-15);
    tile_close(&t);
}

/* Rows so far apart that nothing but the diagonal, variance + noise, is left of the covariance:
 * exp() is 0 or denormal beside it. */
static void check_independent_rows(double distance, double variance, double noise, double scale)
{
    const double lengthscale = 1, diagonal = variance + noise;
    const double x[] = { 0, distance, -distance }, y[] = { scale, -2 * scale, 0.5 * scale };
    tile t = { .unit = unit_named("gp_rbf"), .data = { .rows = 3, .features = 1, .x = x, .y = y } };

    tile_axis(&t, "lengthscale", &lengthscale, 1);
    tile_axis(&t, "noise", &noise, 1);
    tile_axis(&t, "variance", &variance, 1);
    tile_open(&t);
    tile_crunch(&t);
    assert_int_equal(t.args.state[0], GCR_CELL_OK);
    assert_near(tile_value(&t, 0, 0, 0),
                -0.5 * 5.25 * scale * (scale / diagonal) - 1.5 * (log(diagonal) + log(2 * M_PI)),
                1e-12);
    tile_close(&t);
}

static void test_covariances_that_are_denormal_or_zero_are_no_obstacle(void **state)
{
    (void)state;
    check_independent_rows(38, 1, 0, 1);                /* exp(-722) is denormal */
    check_independent_rows(38, 1e300, 1e300, 1e150);    /* and times 1e300 is not */
    check_independent_rows(40, 1, 1, 1);                /* exp(-800) is 0 */
    check_independent_rows(1e200, 1, 1, 1);             /* the squared distance is infinite */
    check_independent_rows(50, 1e-300, 1e-301, 1e-150); /* all is tiny */
}

static void test_variances_that_are_denormal_are_as_good_as_others(void **state)
{
    (void)state;
    check_independent_rows(50, 0x1p-1030, 0x1p-1031, 0x1p-515);
    check_independent_rows(50, 0x1p-1074, 0, 0x1p-537);
}

static void open_duplicates(tile *out, double *x, double *y, const double *noise, uint64_t count)
{
    static const double one = 1;

    x[0] = x[1] = x[2] = 0;
    y[0] = y[1] = y[2] = 1;
    *out = (tile){ .unit = unit_named("gp_rbf"),
                   .data = { .rows = 3, .features = 1, .x = x, .y = y } };
    tile_axis(out, "lengthscale", &one, 1);
    tile_axis(out, "noise", noise, count);
    tile_axis(out, "variance", &one, 1);
}

static void test_equal_rows_without_noise_are_not_spd_at_minor_2(void **state)
{
    double x[3], y[3];
    const double noise = 0;
    tile t;

    (void)state;
    open_duplicates(&t, x, y, &noise, 1);
    tile_open(&t);
    tile_crunch(&t);
    assert_int_equal(t.args.state[0], GCR_CELL_NOT_SPD);
    assert_true(isnan(tile_value(&t, 0, 0, 0)));
    assert_int_equal(gcr_cell_detail(tile_value(&t, 0, 0, 0)), 2);
    tile_close(&t);
}

static void test_jitter_equals_as_much_noise(void **state)
{
    double x[3], y[3];
    const double noise[] = { 0, 0.125 }, jitter = 0.125;
    tile t;

    (void)state;
    open_duplicates(&t, x, y, noise, 2);
    t.setup.jitter = &jitter;
    t.setup.jitter_count = 1;
    tile_open(&t);
    tile_crunch(&t);
    assert_int_equal(t.args.state[0], GCR_CELL_OK_JITTER);
    assert_int_equal(t.args.jitter_step[0], 1);
    assert_int_equal(t.args.state[1], GCR_CELL_OK);
    assert_memory_equal(&t.args.outputs[0][0], &t.args.outputs[0][1], sizeof(double));
    tile_close(&t);
}

static void test_a_tile_gives_the_bits_of_its_cells(void **state)
{
    const double lengthscale[] = { 0.5, 3, 40 }, noise[] = { 0.001, 1 }, variance[] = { 0.25, 4 };
    struct numbers numbers;
    tile whole = { .unit = unit_named("gp_matern52") }, single;

    (void)state;
    whole.data = make_dataset(&numbers, PLAIN, 54);
    tile_axis(&whole, "lengthscale", lengthscale, 3);
    tile_axis(&whole, "noise", noise, 2);
    tile_axis(&whole, "variance", variance, 2);
    single = whole;
    tile_open(&whole);
    tile_open(&single);
    tile_crunch(&whole);
    for (uint64_t point = 12; point-- > 0;)
        tile_crunch_part(&single, point, 1);
    assert_tiles_equal(&whole, &single);
    tile_close(&whole);
    tile_close(&single);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rbf_agrees_with_scikit_learn),
        cmocka_unit_test(test_matern12_agrees_with_scikit_learn),
        cmocka_unit_test(test_matern32_agrees_with_scikit_learn),
        cmocka_unit_test(test_matern52_agrees_with_scikit_learn),
        cmocka_unit_test(test_one_row_is_a_normal_density),
        cmocka_unit_test(test_covariances_that_are_denormal_or_zero_are_no_obstacle),
        cmocka_unit_test(test_variances_that_are_denormal_are_as_good_as_others),
        cmocka_unit_test(test_equal_rows_without_noise_are_not_spd_at_minor_2),
        cmocka_unit_test(test_jitter_equals_as_much_noise),
        cmocka_unit_test(test_a_tile_gives_the_bits_of_its_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
