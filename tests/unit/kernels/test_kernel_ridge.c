/*
 * `kernel_ridge` against n fits by scikit-learn, stored by
 * tests/reference/kernel_ridge_reference.py.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

enum output { LOO_MSE, DOF };

static const struct row {
    int n, d;
    double point[2]; /* lengthscale, alpha */
    double mse, dof;
    double share; /* of max(1, the value): what may be off */
} rows[] = {
#include "reference/kernel_ridge_reference.h"
};

enum { N_MAX = 60, D_MAX = 4 };

struct numbers {
    double x[N_MAX * D_MAX], y[N_MAX];
};

/* As dataset() in kernel_ridge_reference.py. */
static gcr_view make_dataset(struct numbers *out, int n, int d)
{
    for (int f = 0; f < d; f++)
        for (int i = 0; i < n; i++)
            out->x[i + f * n] = 0.75 * i + (37 * i + 61 * f + 7 * i * i * f) % 101 * f / 16.0;
    for (int i = 0; i < n; i++)
        out->y[i] = ((53 * i + 29 * n) % 97 - 48) / 32.0 + out->x[i] / 4;
    return (gcr_view){ .rows = n, .features = d, .x = out->x, .y = out->y };
}

/* Computes one cell; the caller closes the tile. */
static void crunch(tile *out, gcr_view data, const double point[2])
{
    *out = (tile){ .unit = unit_named("kernel_ridge"), .data = data };
    tile_axis(out, "lengthscale", &point[0], 1);
    tile_axis(out, "alpha", &point[1], 1);
    tile_open(out);
    tile_crunch(out);
}

static int row_agrees(const struct row *row)
{
    struct numbers numbers;
    double mse, dof;
    int state;
    tile t;

    crunch(&t, make_dataset(&numbers, row->n, row->d), row->point);
    mse = tile_value(&t, 0, LOO_MSE, 0);
    dof = tile_value(&t, 0, DOF, 0);
    state = t.args.state[0];
    tile_close(&t);
    if (state == GCR_CELL_OK && fabs(mse - row->mse) <= row->share * fmax(1, row->mse) &&
        fabs(dof - row->dof) <= row->share * row->n)
        return 1;
    print_error("n %d d %d at %g, %g: state %d, loo_mse %.17g dof %.17g, not %.17g %.17g\n", row->n,
                row->d, row->point[0], row->point[1], state, mse, dof, row->mse, row->dof);
    return 0;
}

static void test_error_and_freedom_agree_with_n_fits_of_scikit_learn(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        wrong += !row_agrees(&rows[i]);
    assert_int_equal(wrong, 0);
}

static void test_one_row_is_predicted_by_nothing_as_zero(void **state)
{
    const double point[] = { 1, 0.25 };
    const double x[] = { 3 }, y[] = { 5 };
    tile t;

    (void)state;
    crunch(&t, (gcr_view){ .rows = 1, .features = 1, .x = x, .y = y }, point);
    assert_near(tile_value(&t, 0, LOO_MSE, 0), 25, 1e-13);
    assert_near(tile_value(&t, 0, DOF, 0), 0.8, 1e-15); /* 1 / (1 + alpha) */
    tile_close(&t);
}

static void test_equal_rows_without_penalty_are_not_spd(void **state)
{
    const double point[] = { 1, 0 };
    const double x[] = { 2, 2, 1 }, y[] = { 1, 2, 3 }; /* the second pivot is 1 - 1, exactly */
    tile t;

    (void)state;
    crunch(&t, (gcr_view){ .rows = 3, .features = 1, .x = x, .y = y }, point);
    assert_int_equal(t.args.state[0], GCR_CELL_NOT_SPD);
    assert_int_equal(gcr_cell_detail(tile_value(&t, 0, LOO_MSE, 0)), 2);
    tile_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_and_freedom_agree_with_n_fits_of_scikit_learn),
        cmocka_unit_test(test_one_row_is_predicted_by_nothing_as_zero),
        cmocka_unit_test(test_equal_rows_without_penalty_are_not_spd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
