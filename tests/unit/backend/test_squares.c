/*
 * Factors, solutions and inverse diagonals of matrices side by side, against the definition. Built
 * once for each code path and precision; a path that this processor does not have is skipped.
 */
#include "support/gcr_test.h"

#include "backend/cpu/code_path.h"
#include "backend/cpu/spd_batch.h"
#include "backend/cpu/spd_squares.h"

#include <stdlib.h>

enum { ROWS_MAX = 513, SQUARES_MAX = (ROWS_MAX + 3) / 4 };

static const double epsilon = GCR_EPSILON;

/* On the diagonal, for matrices that are almost singular. */
static const double least_ridge = 50000 * (double)GCR_EPSILON;

static gcr_square *squares, *work;
static double a[ROWS_MAX][ROWS_MAX]; /* of the lane in hand */
static double l[ROWS_MAX][ROWS_MAX];
static gcr_vec side[4 * SQUARES_MAX], diagonal[4 * SQUARES_MAX];

static int open_memory(void **state)
{
    (void)state;
    squares = aligned_alloc(64, sizeof *squares * SQUARES_MAX * (SQUARES_MAX + 1) / 2);
    work = aligned_alloc(64, sizeof *work * SQUARES_MAX);
    return squares == NULL || work == NULL;
}

static int close_memory(void **state)
{
    (void)state;
    free(squares);
    free(work);
    return 0;
}

/* A Hilbert-like matrix, another in each lane, with `ridge` on its diagonal. */
static gcr_real entry(int i, int j, int lane, double ridge)
{
    return (gcr_real)(1 / (double)(1 + i + j + lane) + (i == j ? ridge : 0));
}

static gcr_real b_of(int i, int lane)
{
    return (gcr_real)(1 + fmod(0.618 * (double)(i + 1), 1) + lane);
}

static void fill_row(int row, int n, double ridge)
{
    for (int i = 4 * row; i < 4 * row + 4; i++)
        for (int j = 0; j < 4 * row + 4; j++)
            for (int lane = 0; lane < GCR_LANES; lane++)
                gcr_squares_row(squares, row)[j / 4].at[i % 4][j % 4][lane] =
                    j > i    ? NAN /* must not be read */
                    : i >= n ? i == j
                             : entry(i, j, lane, ridge);
}

static gcr_pivots fill_and_factor(int n, double ridge)
{
    const int rows = (int)gcr_square_rows(n);
    const gcr_panel_shape shape = gcr_panel_shape_of(rows);
    gcr_pivots pivots = gcr_pivots_begin();

    for (int row = 0; row < rows; row++)
        fill_row(row, n, ridge);
    for (int row = 0; row < rows; row += shape.rows)
        gcr_squares_factor_rows(squares, row, gcr_int_min(row + shape.rows, rows), shape.columns,
                                &pivots);
    return pivots;
}

static gcr_real neighbour(gcr_real x, gcr_real towards)
{
#if defined(GCR_SINGLE)
    return nextafterf(x, towards);
#else
    return nextafter(x, towards);
#endif
}

/* The root of `square` that `inverse` stands for, which may be any of three. */
static gcr_real root_of(gcr_real inverse, long double square)
{
    const gcr_real middle = 1 / inverse;
    const gcr_real others[] = { neighbour(middle, 0), neighbour(middle, INFINITY) };
    gcr_real root = middle;

    for (int k = 0; k < 2; k++)
        if (fabsl(square - (long double)others[k] * others[k]) <
            fabsl(square - (long double)root * root))
            root = others[k];
    return root;
}

/* The factor holds 1 / l[i][i]. */
static void read_lane(int n, int lane, double ridge)
{
    for (int i = 0; i < n; i++) {
        long double square = entry(i, i, lane, ridge);

        for (int j = 0; j <= i; j++) {
            const gcr_real value = gcr_squares_row(squares, i / 4)[j / 4].at[i % 4][j % 4][lane];

            l[i][j] = i == j ? root_of(value, square) : value;
            square -= (long double)value * value;
            a[i][j] = a[j][i] = entry(i, j, lane, ridge);
        }
    }
}

/* In long double: what is measured in double is off by as much as what is judged. */
static long double norm_of(double (*matrix)[ROWS_MAX], int n)
{
    long double sum = 0;

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            sum += (long double)matrix[i][j] * matrix[i][j];
    return sqrtl(sum);
}

static long double residual(int n)
{
    long double sum = 0;

    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            long double r = a[i][j];

            for (int k = 0; k <= j; k++)
                r -= (long double)l[i][k] * l[j][k];
            sum += (i == j ? 1 : 2) * r * r;
        }
    return sqrtl(sum);
}

/* In each lane, or in the first and the last of a matrix that takes long. */
static void check_factor(int n, double ridge)
{
    const gcr_pivots pivots = fill_and_factor(n, ridge);
    const int step = n <= 70 ? 1 : GCR_LANES - 1;

    for (int lane = 0; lane < GCR_LANES; lane += step) {
        assert_true(pivots.minor[lane] == 0);
        read_lane(n, lane, ridge);
        assert_true(residual(n) <= n * epsilon * norm_of(a, n));
    }
}

static void test_the_product_of_the_factor_is_the_matrix(void **state)
{
    (void)state;
    for (int n = 1; n <= 70; n++)
        check_factor(n, 1);
    for (int n = 127; n <= 129; n++)
        check_factor(n, 1);
    for (int n = 95; n <= 97; n++)
        check_factor(n, 1);
    for (int n = 255; n <= 257; n++)
        check_factor(n, 1);
    for (int n = 511; n <= 513; n++)
        check_factor(n, 1);
}

static void test_panels_of_any_shape_give_the_same_bits(void **state)
{
    const int n = 61, rows = (int)gcr_square_rows(n);
    gcr_pivots pivots = gcr_pivots_begin();

    (void)state;
    fill_and_factor(n, 1);
    read_lane(n, 0, 1);
    for (int row = 0; row < rows; row++)
        fill_row(row, n, 1);
    for (int row = 0; row < rows; row += 3)
        gcr_squares_factor_rows(squares, row, gcr_int_min(row + 3, rows), 5, &pivots);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            assert_true(gcr_squares_row(squares, i / 4)[j / 4].at[i % 4][j % 4][0] == l[i][j]);
}

static void test_the_product_of_an_ill_conditioned_factor_is_the_matrix(void **state)
{
    (void)state;
    for (int n = 1; n <= 70; n++)
        check_factor(n, least_ridge);
    check_factor(97, least_ridge);
    check_factor(511, least_ridge);
}

static void check_solution(int n)
{
    const int rows = (int)gcr_square_rows(n);

    fill_and_factor(n, 1);
    for (int i = 0; i < 4 * rows; i++)
        for (int lane = 0; lane < GCR_LANES; lane++)
            side[i][lane] = i < n ? b_of(i, lane) : 0;
    for (int row = 0; row < rows; row++)
        gcr_squares_forward_row(squares, row, side);
    gcr_squares_backward(squares, rows, side);
    for (int lane = 0; lane < GCR_LANES; lane++)
        for (int i = 0; i < n; i++) {
            double sum = 0;

            for (int j = 0; j < n; j++)
                sum += entry(i, j, lane, 1) * side[j][lane];
            assert_near(sum, b_of(i, lane), 500 * epsilon * (lane + 2));
        }
}

static void test_the_matrix_times_its_solution_is_the_right_side(void **state)
{
    (void)state;
    for (int n = 1; n <= 70; n++)
        check_solution(n);
    check_solution(129);
}

/* Entry j of the diagonal of the inverse is entry j of the solution for column j of the
 * identity. */
static void check_inverse(int n)
{
    const int rows = (int)gcr_square_rows(n);

    fill_and_factor(n, 1);
    gcr_squares_invert(squares, n, work, diagonal);
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < 4 * rows; i++)
            side[i] = gcr_vec_of(i == j);
        for (int row = 0; row < rows; row++)
            gcr_squares_forward_row(squares, row, side);
        gcr_squares_backward(squares, rows, side);
        for (int lane = 0; lane < GCR_LANES; lane++)
            assert_near(diagonal[j][lane], side[j][lane], 50 * epsilon);
    }
}

static void test_the_diagonal_of_the_inverse(void **state)
{
    (void)state;
    for (int n = 1; n <= 40; n++)
        check_inverse(n);
}

/* Distance in units of the last place from 1 / sqrt(x), for which long double is exact enough. */
static double ulps_off(gcr_real x)
{
    const gcr_real got = gcr_vec_inverse_root(gcr_vec_of(x))[0];
    const long double exact = 1 / sqrtl((long double)x);

    return (double)(fabsl((long double)got - exact) /
                    (long double)ldexp(1, ilogb((double)exact) - GCR_FRACTION_BITS));
}

/* Matrices by columns as LAPACK has them, NaN above the diagonal: packed, factored, unpacked. Half
 * an epsilon more: the diagonal has been its own inverse. */
static void check_batch(int n)
{
    const int64_t stride = (int64_t)n * n;
    gcr_real *matrices = test_calloc((size_t)stride * GCR_LANES, sizeof *matrices);
    int32_t minor[GCR_LANES];

    for (int lane = 0; lane < GCR_LANES; lane++)
        for (int j = 0; j < n; j++)
            for (int i = 0; i < n; i++)
                matrices[lane * stride + j * n + i] = i < j ? NAN : entry(i, j, lane, 1);
    gcr_batch_pack(squares, matrices, stride, n);
    gcr_batch_factor(squares, n, minor);
    gcr_batch_unpack(squares, matrices, stride, n);
    for (int lane = 0; lane < GCR_LANES; lane++) {
        assert_int_equal(minor[lane], 0);
        read_lane(n, lane, 1);
        for (int j = 0; j < n; j++)
            for (int i = 0; i < n; i++) {
                const gcr_real value = matrices[lane * stride + j * n + i];

                if (i < j)
                    assert_true(isnan(value));
                else
                    l[i][j] = value;
            }
        assert_true(residual(n) <= (2 * n + 1) * epsilon / 2 * norm_of(a, n));
    }
    test_free(matrices);
}

static void test_a_batch_goes_through_squares_and_back(void **state)
{
    (void)state;
    for (int n = 1; n <= 40; n++)
        check_batch(n);
}

static void test_a_batch_says_which_lane_is_bad_and_where(void **state)
{
    gcr_real matrices[GCR_LANES][3][3] = { 0 };
    int32_t minor[GCR_LANES];

    (void)state;
    for (int lane = 0; lane < GCR_LANES; lane++)
        for (int i = 0; i < 3; i++)
            matrices[lane][i][i] = lane == 1 && i == 2 ? -1 : 1;
    gcr_batch_pack(squares, &matrices[0][0][0], 9, 3);
    gcr_batch_factor(squares, 3, minor);
    for (int lane = 0; lane < GCR_LANES; lane++)
        assert_int_equal(minor[lane], lane == 1 ? 3 : 0);
}

/* As inverse_root.h says: of the text for AVX-512, and of a root and a division. */
#if defined(__AVX512F__)
static const double ulps_most = 1;
#else
static const double ulps_most = 1.5;
#endif

static void test_an_inverse_root_is_as_close_as_it_says_it_is(void **state)
{
    double worst = 0;
    uint64_t random = 88172645463325252;

    (void)state;
    for (int i = 0; i < 300000; i++)
        worst = fmax(worst, ulps_off((gcr_real)(1 + (double)i * 1e-5)));
    for (int e = 1 - GCR_EXPONENT_BIAS; e < GCR_EXPONENT_BIAS - 3; e++)
        for (int i = 0; i < 100; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            worst = fmax(worst, ulps_off((gcr_real)ldexp(1 + (double)(random >> 12) * 0x1p-52, e)));
        }
    assert_true(worst < ulps_most);
}

static void test_a_logarithm_of_a_determinant(void **state)
{
    const gcr_real small = (gcr_real)ldexp(1, -GCR_EXPONENT_BIAS / 2), smaller = 3 * small * small;
    gcr_pivots pivots = gcr_pivots_begin();
    gcr_vec value;

    (void)state;
    for (int i = 0; i < 1000; i++)
        gcr_pivots_take(&pivots, gcr_vec_of(i % 2 == 0 ? small : smaller));
    value = gcr_pivots_log(&pivots);
    for (int lane = 0; lane < GCR_LANES; lane++)
        assert_near(value[lane] / (500 * log(small) + 500 * log(smaller)), 1, 500 * epsilon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_product_of_the_factor_is_the_matrix),
        cmocka_unit_test(test_panels_of_any_shape_give_the_same_bits),
        cmocka_unit_test(test_the_product_of_an_ill_conditioned_factor_is_the_matrix),
        cmocka_unit_test(test_the_matrix_times_its_solution_is_the_right_side),
        cmocka_unit_test(test_the_diagonal_of_the_inverse),
        cmocka_unit_test(test_a_batch_goes_through_squares_and_back),
        cmocka_unit_test(test_a_batch_says_which_lane_is_bad_and_where),
        cmocka_unit_test(test_an_inverse_root_is_as_close_as_it_says_it_is),
        cmocka_unit_test(test_a_logarithm_of_a_determinant),
    };

    if (GCR_LANES_PATH > gcr_code_path_here())
        return GCR_TEST_SKIPPED;
    return cmocka_run_group_tests(tests, open_memory, close_memory);
}
