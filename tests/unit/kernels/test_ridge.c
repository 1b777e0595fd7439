/*
 * `ridge` against scikit-learn and NumPy, stored by tests/reference/ridge_reference.py.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

enum output { MSE, DOF };

static const struct row {
    int n, d, folds;
    double alpha, mse, dof;
    double share; /* of max(1, the value): what may be off */
} rows[] = {
#include "reference/ridge_reference.h"
};

enum { VALUES_MAX = 4096 };

struct numbers {
    double x[VALUES_MAX], y[VALUES_MAX];
};

/* As dataset() in ridge_reference.py. */
static gcr_view make_dataset(struct numbers *out, int n, int d)
{
    for (int f = 0; f < d; f++)
        for (int i = 0; i < n; i++)
            out->x[i + f * n] =
                (37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101 / 16.0 - 3 + 8 * f;
    for (int i = 0; i < n; i++)
        out->y[i] = ((53 * i + 29 * n) % 97 - 48) / 32.0 + out->x[i] / 4 + 16;
    return (gcr_view){ .rows = n, .features = d, .x = out->x, .y = out->y };
}

/* Computes one cell; the caller closes the tile. */
static void crunch(tile *out, gcr_view data, int folds, const double *alpha)
{
    *out = (tile){ .unit = unit_named("ridge"), .data = data, .setup = { .option = { folds } } };
    tile_axis(out, "alpha", alpha, 1);
    tile_open(out);
    tile_crunch(out);
}

static int row_agrees(const struct row *row)
{
    const double mse_scale = fmax(1, row->mse), dof_scale = fmax(1, row->d + row->dof);
    struct numbers numbers;
    double mse, dof;
    int state;
    tile t;

    crunch(&t, make_dataset(&numbers, row->n, row->d), row->folds, &row->alpha);
    mse = tile_value(&t, 0, MSE, 0);
    dof = tile_value(&t, 0, DOF, 0);
    state = t.args.state[0];
    tile_close(&t);
    if (state == GCR_CELL_OK && fabs(mse - row->mse) <= row->share * mse_scale &&
        fabs(dof - row->dof) <= row->share * dof_scale)
        return 1;
    print_error("n %d d %d folds %d alpha %g: state %d, mse %.17g dof %.17g, not %.17g %.17g\n",
                row->n, row->d, row->folds, row->alpha, state, mse, dof, row->mse, row->dof);
    return 0;
}

static void test_error_and_freedom_agree_with_scikit_learn(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        wrong += !row_agrees(&rows[i]);
    assert_int_equal(wrong, 0);
}

/* y = 3 + 2 x exactly: the error is rounding alone, squared, and never below zero. */
static void test_the_error_of_a_perfect_fit_does_not_cancel(void **state)
{
    const double alpha = 0;
    double x[40], y[40];
    tile t;

    (void)state;
    for (int i = 0; i < 40; i++) {
        x[i] = i;
        y[i] = 3 + 2 * i;
    }
    crunch(&t, (gcr_view){ .rows = 40, .features = 1, .x = x, .y = y }, 4, &alpha);
    assert_int_equal(t.args.state[0], GCR_CELL_OK);
    assert_true(tile_value(&t, 0, MSE, 0) >= 0);
    assert_true(tile_value(&t, 0, MSE, 0) < 1e-24);
    tile_close(&t);
}

/* Two folds of y = x, far apart: what one says of the slope, 5 / (5 + alpha), is lost if the sums
 * of one fold are found from those of both. */
static void test_folds_with_means_far_apart_do_not_cancel(void **state)
{
    const double alpha = 1, far = 0x1p30;
    double x[8], expected = 0;
    tile t;

    (void)state;
    for (int i = 0; i < 8; i++) {
        const double off = (i < 4 ? i - (far + 1.5) : i - 4 + far - 1.5) / (5 + alpha);

        x[i] = i < 4 ? i : far + i - 4;
        expected += off * off / 8;
    }
    crunch(&t, (gcr_view){ .rows = 8, .features = 1, .x = x, .y = x }, 2, &alpha);
    assert_int_equal(t.args.state[0], GCR_CELL_OK);
    assert_near(tile_value(&t, 0, MSE, 0), expected, 1e-12 * expected);
    tile_close(&t);
}

static void test_fewer_rows_than_folds_is_a_fault(void **state)
{
    const double alpha = 1;
    struct numbers numbers;
    tile t;

    (void)state;
    crunch(&t, make_dataset(&numbers, 4, 1), 5, &alpha);
    assert_int_equal(t.args.state[0], GCR_CELL_KERNEL_ERROR);
    assert_int_equal(gcr_cell_detail(tile_value(&t, 0, MSE, 0)), 1);
    assert_int_equal(gcr_cell_detail(tile_value(&t, 0, DOF, 0)), 1);
    assert_string_equal(unit_named("ridge")->kernel->faults[0], "fewer rows than folds");
    tile_close(&t);
}

static void test_equal_columns_without_penalty_are_not_spd(void **state)
{
    const double alpha = 0;
    double x[16], y[8];
    tile t;

    (void)state;
    for (int i = 0; i < 8; i++) {
        x[i] = x[i + 8] = i;
        y[i] = i % 3;
    }
    crunch(&t, (gcr_view){ .rows = 8, .features = 2, .x = x, .y = y }, 2, &alpha);
    assert_int_equal(t.args.state[0], GCR_CELL_NOT_SPD);
    assert_int_equal(gcr_cell_detail(tile_value(&t, 0, MSE, 0)), 2);
    tile_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_and_freedom_agree_with_scikit_learn),
        cmocka_unit_test(test_the_error_of_a_perfect_fit_does_not_cancel),
        cmocka_unit_test(test_folds_with_means_far_apart_do_not_cancel),
        cmocka_unit_test(test_fewer_rows_than_folds_is_a_fault),
        cmocka_unit_test(test_equal_columns_without_penalty_are_not_spd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
