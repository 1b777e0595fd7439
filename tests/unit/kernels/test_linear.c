/*
 * The small linear algebra that cell kernels call: sums, factors and solutions known by hand, and
 * what the factors of others are off by. Compiled for each code path and precision.
 */
#include "support/gcr_test.h"

#include "backend/cpu/code_path.h"
#include "backend/cpu/lanes.h"

#include "gridcrunch/kernel.h"

enum { N_MAX = 40, TRIANGLE_MAX = N_MAX * (N_MAX + 1) / 2 };
enum { LARGE_MAX = 513, LARGE_TRIANGLE = LARGE_MAX * (LARGE_MAX + 1) / 2 };

static const gcr_ctx context;
static const double epsilon = GCR_EPSILON, least_ridge = 50000 * (double)GCR_EPSILON;

static void test_a_dot_product_takes_every_element_once(void **state)
{
    gcr_real a[N_MAX], b[N_MAX];

    (void)state;
    for (int64_t n = 0; n <= N_MAX; n++) {
        for (int64_t k = 0; k < N_MAX; k++) {
            a[k] = (gcr_real)(k + 1);
            b[k] = k < n ? 2 : 1e30;
        }
        assert_true(gcr_dot(n, a, b) == (gcr_real)(n * (n + 1)));
    }
}

/* L with L_ij = 1 / (1 + i - j) below a diagonal of 2, 3, ... */
static double factor_entry(int64_t i, int64_t j)
{
    return i == j ? 2 + (double)i : 1 / (double)(1 + i - j);
}

/* L L'. */
static void make_matrix(gcr_real *a, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;

            for (int64_t k = 0; k <= j; k++)
                sum += factor_entry(i, k) * factor_entry(j, k);
            a[gcr_triangle(i, j)] = (gcr_real)sum;
        }
}

static void test_the_factor_of_a_product_is_found_again(void **state)
{
    gcr_real a[TRIANGLE_MAX];

    (void)state;
    for (int64_t n = 0; n <= N_MAX; n++) {
        make_matrix(a, n);
        assert_int_equal(gcr_team_cholesky(&context, n, a), 0);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j <= i; j++)
                assert_near(a[gcr_triangle(i, j)], factor_entry(i, j), 500 * epsilon);
    }
}

/* Row i of the symmetric matrix `a` times 1, 2, 3, ... */
static double times_counting(const gcr_real *a, int64_t n, int64_t i)
{
    double sum = 0;

    for (int64_t j = 0; j < n; j++)
        sum += (double)(j + 1) * a[i >= j ? gcr_triangle(i, j) : gcr_triangle(j, i)];
    return sum;
}

static void test_the_solution_of_a_known_product_is_found_again(void **state)
{
    gcr_real a[TRIANGLE_MAX], b[N_MAX];

    (void)state;
    for (int64_t n = 1; n <= N_MAX; n++) {
        make_matrix(a, n);
        for (int64_t i = 0; i < n; i++)
            b[i] = (gcr_real)times_counting(a, n, i);
        assert_int_equal(gcr_team_spd_solve(&context, n, a, b), 0);
        for (int64_t i = 0; i < n; i++)
            assert_near(b[i], (double)(i + 1), 5000 * epsilon);
    }
}

/* ---- backward errors, in long double --------------------------------------------------------- */

/* A Hilbert matrix with `ridge` on its diagonal: for least_ridge as good as singular. */
static gcr_real hilbert(int64_t i, int64_t j, double ridge)
{
    return (gcr_real)(1 / (double)(1 + i + j) + (i == j ? ridge : 0));
}

static void make_hilbert(gcr_real *a, int64_t n, double ridge)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            a[gcr_triangle(i, j)] = hilbert(i, j, ridge);
}

static long double norm_of_hilbert(int64_t n, double ridge)
{
    long double sum = 0;

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            sum += (long double)hilbert(i, j, ridge) * hilbert(i, j, ridge);
    return sqrtl(sum);
}

/* |A - L L'| */
static long double error_of_factor(const gcr_real *l, int64_t n, double ridge)
{
    long double sum = 0;

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            long double r = hilbert(i, j, ridge);

            for (int64_t k = 0; k <= j; k++)
                r -= (long double)l[gcr_triangle(i, k)] * l[gcr_triangle(j, k)];
            sum += (i == j ? 1 : 2) * r * r;
        }
    return sqrtl(sum);
}

static void check_factor(int64_t n, double ridge)
{
    static gcr_real a[LARGE_TRIANGLE];

    make_hilbert(a, n, ridge);
    assert_int_equal(gcr_team_cholesky(&context, n, a), 0);
    assert_true(error_of_factor(a, n, ridge) <= (double)n * epsilon * norm_of_hilbert(n, ridge));
}

static void test_a_factor_is_off_by_n_units_of_rounding(void **state)
{
    static const int64_t large[] = { 127, 128, 129, 255, 256, 257, 511, 512, 513 };

    (void)state;
    for (int64_t n = 1; n <= 70; n++) {
        check_factor(n, 1);
        check_factor(n, least_ridge);
    }
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        check_factor(large[i], least_ridge);
}

/* |b - A x| <= 8 n eps |A| |x|. */
static void check_residual(int64_t n, double ridge)
{
    static gcr_real a[LARGE_TRIANGLE], b[LARGE_MAX], x[LARGE_MAX];
    long double residual = 0, norm = 0;

    make_hilbert(a, n, ridge);
    for (int64_t i = 0; i < n; i++)
        b[i] = x[i] = (gcr_real)(fmod(0.618 * (double)(i + 1), 1) - 0.4);
    assert_int_equal(gcr_team_spd_solve(&context, n, a, x), 0);
    for (int64_t i = 0; i < n; i++) {
        long double r = b[i];

        for (int64_t j = 0; j < n; j++)
            r -= (long double)hilbert(i, j, ridge) * x[j];
        residual += r * r;
        norm += (long double)x[i] * x[i];
    }
    assert_true(sqrtl(residual) <=
                8 * (double)n * epsilon * norm_of_hilbert(n, ridge) * sqrtl(norm));
}

static void test_a_solution_leaves_a_residual_of_rounding(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 70; n++) {
        check_residual(n, 1);
        check_residual(n, least_ridge);
    }
    check_residual(513, least_ridge);
}

static void test_the_first_bad_minor_is_told(void **state)
{
    static const gcr_real wrong[] = { 0, -1, -INFINITY, NAN, INFINITY };
    gcr_real a[TRIANGLE_MAX], b[N_MAX] = { 0 };

    (void)state;
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++)
        for (int64_t k = 0; k < 12; k++) {
            make_matrix(a, 12);
            a[gcr_triangle(k, k)] = wrong[w];
            assert_int_equal(gcr_team_spd_solve(&context, 12, a, b), k + 1);
        }
}

/* ---- Gram matrices --------------------------------------------------------------------------- */

enum { COLUMNS_MAX = 67, ROWS_MAX = 2050 };

static gcr_real draw(int64_t k)
{
    return (gcr_real)(fmod(0.6180339887498949 * (double)(k + 1), 1) * 2 - 1);
}

static void check_gram(int64_t n, int64_t rows)
{
    static gcr_real x[COLUMNS_MAX * ROWS_MAX], z[COLUMNS_MAX * (COLUMNS_MAX + 1) / 2 + 1];

    for (int64_t k = 0; k < n * rows; k++)
        x[k] = draw(k);
    for (int64_t k = 0; k < gcr_triangle(n, 0); k++)
        z[k] = (gcr_real)NAN;
    z[gcr_triangle(n, 0)] = 7;
    gcr_team_gram(&context, n, rows, x, z);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            long double sum = 0, terms = 0;

            for (int64_t k = 0; k < rows; k++) {
                const long double term = (long double)x[i * rows + k] * x[j * rows + k];

                sum += term;
                terms += fabsl(term);
            }
            assert_near(z[gcr_triangle(i, j)], (double)sum, 8 * epsilon * (double)terms);
        }
    assert_true(z[gcr_triangle(n, 0)] == 7);
}

/* Around what is computed together: 32 columns, 1024 rows. */
static void test_a_gram_matrix_has_the_products_of_all_columns(void **state)
{
    static const int64_t rows[] = { 0, 1, 7, 8, 9, 1023, 1024, 1025, 2050 };
    static const int64_t columns[] = { 31, 32, 33, 63, 64, 65, 67 };

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (int64_t n = 0; n <= 10; n++)
            check_gram(n, rows[r]);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
        check_gram(columns[c], 21);
    check_gram(67, 1030);
}

/* The loops of a textbook. Returns the first bad minor, or 0. */
static int64_t plain_cholesky(int64_t n, gcr_real *a)
{
    for (int64_t j = 0; j < n; j++) {
        gcr_real *own = a + gcr_triangle(j, 0);
        const gcr_real square = own[j] - gcr_dot(j, own, own);

        if (!(square > 0))
            return j + 1;
        own[j] = gcr_sqrt(square);
        for (int64_t i = j + 1; i < n; i++) {
            gcr_real *row = a + gcr_triangle(i, 0);

            row[j] = (row[j] - gcr_dot(j, row, own)) / own[j];
        }
    }
    return 0;
}

static void test_a_factor_has_the_bits_of_the_textbook(void **state)
{
    static gcr_real got[LARGE_TRIANGLE], expected[LARGE_TRIANGLE];
    static const int64_t sizes[] = { 1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 18, 31, 64, 65, 130, 255 };

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int is_bad = 0; is_bad < 2; is_bad++) {
            const int64_t n = sizes[k], count = gcr_triangle(n, 0), middle = n / 2;
            int64_t minor;

            make_hilbert(got, n, least_ridge);
            if (is_bad)
                got[gcr_triangle(middle, middle)] /= 4;
            memcpy(expected, got, (size_t)count * sizeof *got);
            minor = gcr_team_cholesky(&context, n, got);
            assert_int_equal(minor, plain_cholesky(n, expected));
            if (minor == 0)
                assert_memory_equal(got, expected, (size_t)count * sizeof *got);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dot_product_takes_every_element_once),
        cmocka_unit_test(test_the_factor_of_a_product_is_found_again),
        cmocka_unit_test(test_the_solution_of_a_known_product_is_found_again),
        cmocka_unit_test(test_a_factor_is_off_by_n_units_of_rounding),
        cmocka_unit_test(test_a_solution_leaves_a_residual_of_rounding),
        cmocka_unit_test(test_the_first_bad_minor_is_told),
        cmocka_unit_test(test_a_gram_matrix_has_the_products_of_all_columns),
        cmocka_unit_test(test_a_factor_has_the_bits_of_the_textbook),
    };

    if (GCR_LANES_PATH > gcr_code_path_here())
        return GCR_TEST_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
