/*
 * `outer` against NumPy with the same random numbers, stored by tests/reference/outer_reference.py.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

enum output { SUM, SKEW };

static const struct row {
    int n, d;
    double row, sum, skew;
} rows[] = {
#include "reference/outer_reference.h"
};

enum { VALUES_MAX = 1000 };

/* As x in outer_reference.py. */
static gcr_view make_dataset(double x[VALUES_MAX], int n, int d)
{
    for (int f = 0; f < d; f++)
        for (int i = 0; i < n; i++)
            x[i + f * n] = (37 * i + 61 * f + 13 * i * f + 7 * i * i * (f + 1)) % 101 / 16.0 - 3;
    return (gcr_view){ .rows = n,
                       .features = d,
                       .x = x,
                       .identity = { 0xD82CA470, 0xF40D4C08, 0x2C54DD62, 0x66ACF297 } };
}

/* Computes the cells of some rows; the caller closes the tile. */
static void crunch(tile *out, gcr_view data, const double *row, uint64_t count)
{
    *out = (tile){ .unit = unit_named("outer"), .data = data, .setup = { .seed = 7 } };
    tile_axis(out, "row", row, count);
    tile_open(out);
    tile_crunch(out);
}

static void test_sum_and_skew_agree_with_numpy(void **state)
{
    double x[VALUES_MAX];
    tile t;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        crunch(&t, make_dataset(x, rows[i].n, rows[i].d), &rows[i].row, 1);
        assert_int_equal(t.args.state[0], GCR_CELL_OK);
        assert_near(tile_value(&t, 0, SUM, 0), rows[i].sum, 1e-11);
        assert_near(tile_value(&t, 0, SKEW, 0), rows[i].skew, 1e-11);
        tile_close(&t);
    }
}

static void test_a_row_that_is_not_there_is_a_fault_of_its_cell_alone(void **state)
{
    const double row[] = { 4, 5, 1e300 };
    double x[VALUES_MAX];
    tile t;

    (void)state;
    crunch(&t, make_dataset(x, 5, 4), row, 3);
    assert_int_equal(t.args.state[0], GCR_CELL_OK);
    for (uint64_t i = 1; i < 3; i++) {
        assert_int_equal(t.args.state[i], GCR_CELL_KERNEL_ERROR);
        assert_int_equal(gcr_cell_detail(tile_value(&t, i, SUM, 0)), 1);
    }
    tile_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum_and_skew_agree_with_numpy),
        cmocka_unit_test(test_a_row_that_is_not_there_is_a_fault_of_its_cell_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
