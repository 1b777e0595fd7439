/*
 * `cholesky` against NumPy with the same random numbers, stored by
 * tests/reference/cholesky_reference.py, and against what is expected of any.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

enum output { U11, U23, LOGDET };

static const struct row {
    int n;
    uint64_t seed;
    double replicate, u11, u23, logdet;
} rows[] = {
#include "reference/cholesky_reference.h"
};

/* A cell for each replicate; the caller closes the tile. */
static void crunch(tile *out, int n, uint64_t seed, const double *replicates, uint64_t count)
{
    *out = (tile){ .unit = unit_named("cholesky"),
                   .data = { .identity = { 0xD82CA470, 0xF40D4C08, 0x2C54DD62, 0x66ACF297 } },
                   .setup = { .option = { n }, .seed = seed } };
    tile_axis(out, "replicate", replicates, count);
    tile_open(out);
    tile_crunch(out);
}

static void test_the_factor_is_that_of_numpy(void **state)
{
    tile t;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        crunch(&t, rows[i].n, rows[i].seed, &rows[i].replicate, 1);
        assert_int_equal(t.args.state[0], GCR_CELL_OK);
        assert_near(tile_value(&t, 0, U11, 0), rows[i].u11, 1e-14);
        assert_near(tile_value(&t, 0, U23, 0), rows[i].u23, 1e-13);
        assert_near(tile_value(&t, 0, LOGDET, 0), rows[i].logdet, 1e-9);
        tile_close(&t);
    }
}

/* The first replicate of seed 0 whose x'x is singular but for rounding, on every code path: found
 * by trying them all. */
static void test_a_product_that_rounds_to_singular_is_a_fault(void **state)
{
    const double replicate = 74284629;
    tile t;

    (void)state;
    crunch(&t, 3, 0, &replicate, 1);
    assert_int_equal(t.args.state[0], GCR_CELL_KERNEL_ERROR);
    assert_int_equal(gcr_cell_detail(tile_value(&t, 0, U11, 0)), 1);
    tile_close(&t);
}

enum { N = 100, REPLICATES = 300 };

/* Fails unless the mean of an output is within 5 standard errors of `want`, and 0.5 % for what
 * the closed form leaves out, of order 1 / n. */
static void check_mean(const tile *t, enum output output, double want)
{
    double sum = 0, squares = 0, mean, error;

    for (uint64_t i = 0; i < REPLICATES; i++) {
        sum += tile_value(t, i, output, 0);
        squares += tile_value(t, i, output, 0) * tile_value(t, i, output, 0);
    }
    mean = sum / REPLICATES;
    error = sqrt((squares / REPLICATES - mean * mean) / REPLICATES);
    assert_true(error > 0);
    if (!(fabs(mean - want) < 5 * error + 0.005 * want))
        fail_msg("mean %g with standard error %g, not %g", mean, error, want);
}

static void test_the_means_are_those_of_the_closed_form(void **state)
{
    double replicates[REPLICATES];
    tile t;

    (void)state;
    for (int i = 0; i < REPLICATES; i++)
        replicates[i] = i;
    crunch(&t, N, 7, replicates, REPLICATES);
    check_mean(&t, U11, sqrt(N / 3.0));
    check_mean(&t, U23, N / 16.0 / sqrt(7 * N / 48.0));
    tile_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_factor_is_that_of_numpy),
        cmocka_unit_test(test_a_product_that_rounds_to_singular_is_a_fault),
        cmocka_unit_test(test_the_means_are_those_of_the_closed_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
