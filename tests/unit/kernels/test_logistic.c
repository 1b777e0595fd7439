/*
 * `logistic` against scikit-learn, stored by tests/reference/logistic_reference.py.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

enum output { LOG_LOSS, ACCURACY, ITERATIONS };
enum fault { NOT_BINARY = 1, ONE_CLASS, SINGULAR, NOT_CONVERGED };

static const struct row {
    int n, d;
    double penalty, loss, accuracy;
} rows[] = {
#include "reference/logistic_reference.h"
};

enum { N_MAX = 300, D_MAX = 5 };

struct numbers {
    double x[N_MAX * D_MAX], y[N_MAX];
};

/* As dataset() in logistic_reference.py. */
static gcr_view make_dataset(struct numbers *out, int n, int d)
{
    for (int f = 0; f < d; f++)
        for (int i = 0; i < n; i++)
            out->x[i + f * n] =
                (37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101 / 16.0 - 3;
    for (int i = 0; i < n; i++) {
        const double noise = ((53 * i + 29 * n) % 97 - 48) / 8.0;

        out->y[i] = out->x[i] - out->x[i + (d - 1) * n] / 2 + noise > 0.5;
    }
    return (gcr_view){ .rows = n, .features = d, .x = out->x, .y = out->y };
}

/* Computes the cells of some penalties; the caller closes the tile. */
static void crunch(tile *out, gcr_view data, int max_iterations, const double *penalties,
                   uint64_t count)
{
    *out = (tile){ .unit = unit_named("logistic"),
                   .data = data,
                   .setup = { .option = { max_iterations, 10 } } };
    tile_axis(out, "penalty", penalties, count);
    tile_open(out);
    tile_crunch(out);
}

static int row_agrees(const struct row *row)
{
    struct numbers numbers;
    double loss, accuracy;
    int state;
    tile t;

    crunch(&t, make_dataset(&numbers, row->n, row->d), 50, &row->penalty, 1);
    loss = tile_value(&t, 0, LOG_LOSS, 0);
    accuracy = tile_value(&t, 0, ACCURACY, 0);
    state = t.args.state[0];
    tile_close(&t);
    if (state == GCR_CELL_OK && fabs(loss - row->loss) <= 1e-10 &&
        fabs(accuracy - row->accuracy) <= 1e-15)
        return 1;
    print_error("n %d d %d penalty %g: state %d, log_loss %.17g accuracy %g, not %.17g %g\n",
                row->n, row->d, row->penalty, state, loss, accuracy, row->loss, row->accuracy);
    return 0;
}

static void test_loss_and_accuracy_agree_with_scikit_learn(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        wrong += !row_agrees(&rows[i]);
    assert_int_equal(wrong, 0);
}

static void test_a_weaker_penalty_takes_more_steps(void **state)
{
    const double penalties[] = { 1e4, 1e-3 };
    struct numbers numbers;
    tile t;

    (void)state;
    crunch(&t, make_dataset(&numbers, 40, 2), 50, penalties, 2);
    assert_true(tile_value(&t, 0, ITERATIONS, 0) >= 1);
    assert_true(tile_value(&t, 1, ITERATIONS, 0) > tile_value(&t, 0, ITERATIONS, 0));
    tile_close(&t);
}

/* Whole steps of Newton's method from 0 end far from the minimum here, with a loss in the millions;
 * the value is scikit-learn's, of solver newton-cholesky. */
static void test_steps_that_overshoot_are_shortened(void **state)
{
    const double x[] = { 1, 1, 0, -49, -5, 200, -188, 5, 3, 6, 0, 0, 3, -6, 1 };
    const double y[] = { 0, 0, 1, 0, 0 }, penalty = 0.01;
    tile t;

    (void)state;
    crunch(&t, (gcr_view){ .rows = 5, .features = 3, .x = x, .y = y }, 50, &penalty, 1);
    assert_int_equal(t.args.state[0], GCR_CELL_OK);
    assert_near(tile_value(&t, 0, LOG_LOSS, 0), 0.005048183147687511, 1e-9);
    tile_close(&t);
}

static void assert_fault(gcr_view data, int max_iterations, double penalty, enum fault fault)
{
    tile t;

    crunch(&t, data, max_iterations, &penalty, 1);
    assert_int_equal(t.args.state[0], GCR_CELL_KERNEL_ERROR);
    assert_int_equal(gcr_cell_detail(tile_value(&t, 0, LOG_LOSS, 0)), fault);
    tile_close(&t);
}

static void test_y_beyond_0_and_1_is_a_fault(void **state)
{
    static const double wrong[] = { 2, -1, 0.5, NAN };
    struct numbers numbers;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const gcr_view data = make_dataset(&numbers, 10, 1);

        numbers.y[7] = wrong[i];
        assert_fault(data, 50, 1, NOT_BINARY);
    }
}

static void test_one_class_is_a_fault(void **state)
{
    struct numbers numbers;
    const gcr_view data = make_dataset(&numbers, 10, 1);

    (void)state;
    for (int y = 0; y <= 1; y++) {
        for (int i = 0; i < 10; i++)
            numbers.y[i] = y;
        assert_fault(data, 50, 1, ONE_CLASS);
    }
}

static void test_a_column_of_zeros_without_penalty_is_a_fault(void **state)
{
    struct numbers numbers;
    const gcr_view data = make_dataset(&numbers, 10, 1);

    (void)state;
    for (int i = 0; i < 10; i++)
        numbers.x[i] = 0;
    assert_fault(data, 50, 0, SINGULAR);
}

static void test_too_few_iterations_are_a_fault(void **state)
{
    struct numbers numbers;

    (void)state;
    assert_fault(make_dataset(&numbers, 40, 2), 2, 0.01, NOT_CONVERGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_and_accuracy_agree_with_scikit_learn),
        cmocka_unit_test(test_a_weaker_penalty_takes_more_steps),
        cmocka_unit_test(test_steps_that_overshoot_are_shortened),
        cmocka_unit_test(test_y_beyond_0_and_1_is_a_fault),
        cmocka_unit_test(test_one_class_is_a_fault),
        cmocka_unit_test(test_a_column_of_zeros_without_penalty_is_a_fault),
        cmocka_unit_test(test_too_few_iterations_are_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
