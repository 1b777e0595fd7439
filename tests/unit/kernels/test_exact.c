/*
 * The fitting kernels against their definitions worked out to 50 digits, stored by
 * tests/reference/exact_reference.py: on each code path, within what two of our own may differ by.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

#include <stdio.h>

static const struct row {
    const char *unit;
    int n, d, option; /* the first option of the kernel, where it has any */
    double point[3], want[2], tolerance[2];
} rows[] = {
#include "reference/exact_reference.h"
};

enum { VALUES_MAX = 1024 };

struct numbers {
    double x[VALUES_MAX], y[VALUES_MAX];
};

static int is_logistic(const struct row *row)
{
    return strcmp(row->unit, "logistic") == 0;
}

/* As dataset() in exact_reference.py. */
static gcr_view make_dataset(struct numbers *out, const struct row *row)
{
    const int n = row->n, d = row->d;

    for (int f = 0; f < d; f++)
        for (int i = 0; i < n; i++)
            out->x[i + f * n] =
                (37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101 / 16.0 - 3;
    for (int i = 0; i < n; i++) {
        const double y = ((53 * i + 29 * n) % 97 - 48) / 32.0;

        out->y[i] = is_logistic(row) ? out->x[i] - out->x[i + (d - 1) * n] / 2 + 4 * y > 0.5 : y;
    }
    return (gcr_view){ .rows = n, .features = d, .x = out->x, .y = out->y };
}

/* Computes one cell; the caller closes the tile. */
static void crunch(tile *out, struct numbers *numbers, const struct row *row, const char *algorithm)
{
    char name[64];

    snprintf(name, sizeof name, "%s%s", row->unit, algorithm);
    *out = (tile){ .unit = unit_named(name),
                   .data = make_dataset(numbers, row),
                   .setup = { .option = { row->option } } };
    if (is_logistic(row)) {
        out->setup.option[0] = 50; /* max_iterations */
        out->setup.option[1] = 12; /* digits         */
    }
    for (int p = 0; out->unit->kernel->parameters[p].name != NULL; p++)
        tile_axis(out, out->unit->kernel->parameters[p].name, &row->point[p], 1);
    tile_open(out);
    tile_crunch(out);
}

static int row_agrees(const struct row *row, const char *algorithm)
{
    struct numbers numbers;
    int agrees;
    tile t;

    crunch(&t, &numbers, row, algorithm);
    agrees = t.args.state[0] == GCR_CELL_OK;
    for (int o = 0; o < 2 && t.args.outputs[o] != NULL; o++)
        agrees &= fabs(tile_value(&t, 0, o, 0) - row->want[o]) <= row->tolerance[o];
    if (!agrees)
        print_error("%s%s n %d d %d at %g, %g, %g: state %d, %.17g, not %.17g +- %g\n", row->unit,
                    algorithm, row->n, row->d, row->point[0], row->point[1], row->point[2],
                    t.args.state[0], tile_value(&t, 0, 0, 0), row->want[0], row->tolerance[0]);
    tile_close(&t);
    return agrees;
}

static void check_rows_by(const char *prefix, const char *algorithm)
{
    int wrong = 0, checked = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strncmp(rows[i].unit, prefix, strlen(prefix)) == 0) {
            wrong += !row_agrees(&rows[i], algorithm);
            checked++;
        }
    assert_true(checked > 10);
    assert_int_equal(wrong, 0);
}

static void check_rows(const char *prefix)
{
    check_rows_by(prefix, "");
}

static void check_both(const char *prefix)
{
    check_rows_by(prefix, "");
    check_rows_by(prefix, "_tridiagonal");
}

static void test_likelihoods_are_exact_for_each_covariance(void **state)
{
    (void)state;
    check_both("gp_rbf");
    check_both("gp_matern12");
    check_both("gp_matern32");
    check_both("gp_matern52");
}

static void test_the_likelihood_at_the_best_variance_is_the_highest(void **state)
{
    (void)state;
    check_both("gp_profile_rbf");
    check_both("gp_profile_matern12");
    check_both("gp_profile_matern32");
    check_both("gp_profile_matern52");
}

static void test_leaving_out_one_row_is_exact(void **state)
{
    (void)state;
    check_both("kernel_ridge");
}

static void test_ridge_over_folds_is_exact(void **state)
{
    (void)state;
    check_both("ridge");
}

static void test_the_minimum_of_the_logistic_loss_is_exact(void **state)
{
    (void)state;
    check_rows("logistic");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_likelihoods_are_exact_for_each_covariance),
        cmocka_unit_test(test_the_likelihood_at_the_best_variance_is_the_highest),
        cmocka_unit_test(test_leaving_out_one_row_is_exact),
        cmocka_unit_test(test_ridge_over_folds_is_exact),
        cmocka_unit_test(test_the_minimum_of_the_logistic_loss_is_exact),
    };
    const int refusal = unit_path_select(argc, argv);

    return refusal != 0 ? refusal : cmocka_run_group_tests(tests, NULL, NULL);
}
