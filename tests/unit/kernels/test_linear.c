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

/* ---- backward errors, in long double ---------------------------------------------------------- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dot_product_takes_every_element_once),
        cmocka_unit_test(test_the_factor_of_a_product_is_found_again),
        cmocka_unit_test(test_the_solution_of_a_known_product_is_found_again),
        cmocka_unit_test(test_a_factor_is_off_by_n_units_of_rounding),
        cmocka_unit_test(test_a_solution_leaves_a_residual_of_rounding),
        cmocka_unit_test(test_the_first_bad_minor_is_told),
    };

    if (GCR_LANES_PATH > gcr_code_path_here())
        return GCR_TEST_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
