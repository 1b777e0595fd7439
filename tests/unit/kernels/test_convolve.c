/*
 * `convolve` against SciPy and NumPy with the same random numbers, stored by
 * tests/reference/convolve_reference.py.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

enum output { SUM, MAX };
enum fault { NO_SUCH_ROW = 1, TOO_LARGE };

static const struct row {
    int n, d;
    double row, k;
    double sum, max;
} rows[] = {
#include "reference/convolve_reference.h"
};

enum { N_MAX = 30, D_MAX = 41 };

/* As image() in convolve_reference.py. */
static gcr_view make_dataset(double x[N_MAX * D_MAX], int n, int d)
{
    for (int f = 0; f < d; f++)
        for (int i = 0; i < n; i++)
            x[i + f * n] = (37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101 / 16.0 - 3;
    return (gcr_view){ .rows = n,
                       .features = d,
                       .x = x,
                       .identity = { 0xD82CA470, 0xF40D4C08, 0x2C54DD62, 0x66ACF297 } };
}

/* Computes one cell; the caller closes the tile. */
static void crunch(tile *out, gcr_view data, const double *row, const double *k)
{
    *out = (tile){ .unit = unit_named("convolve"), .data = data, .setup = { .seed = 7 } };
    tile_axis(out, "row", row, 1);
    tile_axis(out, "k", k, 1);
    tile_open(out);
    tile_crunch(out);
}

static int row_agrees(const struct row *row)
{
    const double share = 1e-12; /* of the sum of as many terms as there are */
    const double scale = row->k * row->k * 12, pixels = row->n * row->d;
    double x[N_MAX * D_MAX], sum, max;
    int state;
    tile t;

    crunch(&t, make_dataset(x, row->n, row->d), &row->row, &row->k);
    sum = tile_value(&t, 0, SUM, 0);
    max = tile_value(&t, 0, MAX, 0);
    state = t.args.state[0];
    tile_close(&t);
    if (state == GCR_CELL_OK && fabs(sum - row->sum) <= share * scale * pixels &&
        fabs(max - row->max) <= share * scale)
        return 1;
    print_error("%d x %d, row %g, k %g: state %d, sum %.17g max %.17g, not %.17g %.17g\n", row->n,
                row->d, row->row, row->k, state, sum, max, row->sum, row->max);
    return 0;
}

static void test_sum_and_maximum_agree_with_scipy_and_numpy(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        wrong += !row_agrees(&rows[i]);
    assert_int_equal(wrong, 0);
}

static void assert_fault(double row, double k, enum fault fault)
{
    double x[N_MAX * D_MAX];
    tile t;

    crunch(&t, make_dataset(x, 5, 4), &row, &k);
    assert_int_equal(t.args.state[0], GCR_CELL_KERNEL_ERROR);
    assert_int_equal(gcr_cell_detail(tile_value(&t, 0, SUM, 0)), fault);
    tile_close(&t);
}

static void test_a_row_that_is_not_there_is_a_fault(void **state)
{
    (void)state;
    assert_fault(5, 3, NO_SUCH_ROW);
    assert_fault(1e300, 3, NO_SUCH_ROW);
}

static void test_a_kernel_beyond_its_memory_is_a_fault(void **state)
{
    (void)state;
    assert_fault(0, 65, TOO_LARGE);
    assert_fault(0, 1e300, TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum_and_maximum_agree_with_scipy_and_numpy),
        cmocka_unit_test(test_a_row_that_is_not_there_is_a_fault),
        cmocka_unit_test(test_a_kernel_beyond_its_memory_is_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
