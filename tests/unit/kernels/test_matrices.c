/*
 * What the engine says of a matrix, against 113-bit arithmetic: verdicts and answers of matrices
 * that are almost singular, not definite, tiny or huge; the residuals of solutions; and the
 * backward error of what LAPACK made of its part. Both ways to factor, on each code path, in each
 * precision.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

#include "backend/cpu/code_path.h"
#include "backend/cpu/cpu.h"

__extension__ typedef __float128 quad;

static const char *const units[] = { "matrix", "matrix_lapack" };

enum output { LOG_DETERMINANT, QUADRATIC_FORM, SOLUTION, INVERSE_DIAGONAL };
enum {
    EVERYTHING = GCR_NEED_LOG_DETERMINANT | GCR_NEED_QUADRATIC_FORM | GCR_NEED_SOLUTION |
                 GCR_NEED_INVERSE_DIAGONAL,
    N_MAX = GCR_SPD_SQUARES_MAX + 1,
    ORACLE_MAX = 40,
    POINTS_MAX = 24,
};

/* ---- the matrix in hand: scale X + shift I, and its right-hand side -------------------------- */

static struct problem {
    int n;
    double scale, needs;
    double shifts[POINTS_MAX]; /* one cell for each */
    uint64_t count;
    double x[(size_t)N_MAX * N_MAX], y[N_MAX];
} problem;

/* X with 1 / (1 + i + j) below the diagonal, and NaN above it, where nobody may look. */
static void begin(int n, double scale, const double *shifts, uint64_t count)
{
    problem.n = n;
    problem.scale = unit_rounded(scale);
    problem.needs = EVERYTHING;
    problem.count = count;
    for (uint64_t k = 0; k < count; k++)
        problem.shifts[k] = unit_rounded(shifts[k]);
    for (int i = 0; i < n; i++) {
        problem.y[i] = unit_rounded(fmod(0.618 * (i + 1), 1) - 0.4);
        for (int j = 0; j < n; j++)
            problem.x[i + j * n] = j <= i ? unit_rounded(1.0 / (1 + i + j)) : NAN;
    }
}

/* As the kernel computes it: of floats, doubles that are rounded are what floats are. */
static double entry(uint64_t point, int i, int j)
{
    const double x = i >= j ? problem.x[i + j * problem.n] : problem.x[j + i * problem.n];

    return unit_rounded(unit_rounded(problem.scale * x) + (i == j ? problem.shifts[point] : 0));
}

static double norm_of(uint64_t point)
{
    long double sum = 0; /* with an exponent for any square */

    for (int i = 0; i < problem.n; i++)
        for (int j = 0; j < problem.n; j++) {
            const long double value = entry(point, i, j);

            sum += value * value;
        }
    return (double)sqrtl(sum);
}

/* Crunches the problem; the caller closes the tile. */
static void crunch(tile *out, const char *unit)
{
    *out = (tile){
        .unit = unit_named(unit),
        .data = { .rows = problem.n, .features = problem.n, .x = problem.x, .y = problem.y },
    };
    tile_axis(out, "scale", &problem.scale, 1);
    tile_axis(out, "shift", problem.shifts, problem.count);
    tile_axis(out, "needs", &problem.needs, 1);
    tile_open(out);
    tile_crunch(out);
}

/* ---- the oracle ------------------------------------------------------------------------------ */

/* A = L D L', which needs no roots; D is told even where it is not positive. */
static struct oracle {
    quad l[ORACLE_MAX][ORACLE_MAX], d[ORACLE_MAX];
    quad inverse_diagonal[ORACLE_MAX], solution[ORACLE_MAX], quadratic_form;
    long double log_determinant;
} oracle;

static void factor(uint64_t point)
{
    for (int i = 0; i < problem.n; i++)
        for (int j = 0; j <= i; j++) {
            quad sum = entry(point, i, j);

            for (int k = 0; k < j; k++)
                sum -= oracle.l[i][k] * oracle.l[j][k] * oracle.d[k];
            if (i == j)
                oracle.d[i] = sum;
            else
                oracle.l[i][j] = sum / oracle.d[j];
        }
}

static void solve(quad *b)
{
    for (int i = 0; i < problem.n; i++)
        for (int k = 0; k < i; k++)
            b[i] -= oracle.l[i][k] * b[k];
    for (int i = problem.n - 1; i >= 0; i--) {
        b[i] /= oracle.d[i];
        for (int k = i + 1; k < problem.n; k++)
            b[i] -= oracle.l[k][i] * b[k];
    }
}

static void ask_oracle(uint64_t point)
{
    factor(point);
    oracle.log_determinant = 0;
    oracle.quadratic_form = 0;
    for (int i = 0; i < problem.n; i++) {
        quad column[ORACLE_MAX] = { 0 };

        column[i] = 1;
        solve(column);
        oracle.inverse_diagonal[i] = column[i];
        oracle.log_determinant += logl((long double)oracle.d[i]);
        oracle.solution[i] = problem.y[i];
    }
    solve(oracle.solution);
    for (int i = 0; i < problem.n; i++)
        oracle.quadratic_form += oracle.solution[i] * problem.y[i];
}

/* At least the condition, at most n^2 times it: trace(A) trace(inv(A)). */
static double condition_of(uint64_t point)
{
    quad trace = 0, inverse = 0;

    for (int i = 0; i < problem.n; i++) {
        trace += entry(point, i, i);
        inverse += oracle.inverse_diagonal[i];
    }
    return (double)(trace * inverse);
}

/* ---- answers and verdicts -------------------------------------------------------------------- */

static void assert_share(const char *what, double got, quad want, double share, quad scale)
{
    const quad error = got - want;

    if (!((error < 0 ? -error : error) <= share * scale))
        fail_msg("n %d scale %g: %s is %.17g, not %.17g +- %g of %g", problem.n, problem.scale,
                 what, got, (double)want, share, (double)scale);
}

/* Within 8 n eps cond of what the oracle says. */
static void check_answers(const tile *t, uint64_t point)
{
    const double share = 8 * problem.n * unit_epsilon() * condition_of(point);
    quad largest = 0, norm = 0;

    if (share > 1e-2)
        return;
    for (int i = 0; i < problem.n; i++) {
        largest = oracle.inverse_diagonal[i] > largest ? oracle.inverse_diagonal[i] : largest;
        norm += oracle.solution[i] < 0 ? -oracle.solution[i] : oracle.solution[i];
    }
    assert_share("log_determinant", tile_value(t, point, LOG_DETERMINANT, 0),
                 oracle.log_determinant, share, fmaxl(1, fabsl(oracle.log_determinant)));
    assert_share("quadratic_form", tile_value(t, point, QUADRATIC_FORM, 0), oracle.quadratic_form,
                 share, oracle.quadratic_form);
    for (int i = 0; i < problem.n; i++) {
        assert_share("solution", tile_value(t, point, SOLUTION, i), oracle.solution[i], share,
                     norm);
        assert_share("inverse_diagonal", tile_value(t, point, INVERSE_DIAGONAL, i),
                     oracle.inverse_diagonal[i], share, largest);
    }
}

/* The first minor whose pivot is not above `bound`, counted from 1; n + 1: none. */
static int first_minor(double bound)
{
    int k = 0;

    while (k < problem.n && oracle.d[k] > bound)
        k++;
    return k + 1;
}

/* A pivot within n eps of zero may be taken for either; whatever is certain must be said. Returns
 * whether all was certain. */
static int check_verdict(const tile *t, uint64_t point)
{
    const double near_zero = problem.n * unit_epsilon() * norm_of(point);
    const int earliest = first_minor(near_zero), latest = first_minor(-near_zero);
    const int is_ok = t->args.state[point] == GCR_CELL_OK;
    const int said =
        is_ok ? problem.n + 1 : (int)gcr_cell_detail(tile_value(t, point, LOG_DETERMINANT, 0));

    assert_true(is_ok || t->args.state[point] == GCR_CELL_NOT_SPD);
    if (said < earliest || said > latest)
        fail_msg("%s n %d shift %g: minor %d, not %d to %d", t->unit->kernel->name, problem.n,
                 problem.shifts[point], said, earliest, latest);
    return earliest == latest;
}

/* Returns how many verdicts were certain, and in *not_spd_out how many of those were bad news. */
static int check_problem(int *not_spd_out)
{
    int certain = 0;
    tile t;

    for (int u = 0; u < 2; u++) {
        crunch(&t, units[u]);
        for (uint64_t point = 0; point < problem.count; point++) {
            const int is_ok = t.args.state[point] == GCR_CELL_OK;

            ask_oracle(point);
            if (!check_verdict(&t, point))
                continue;
            certain++;
            *not_spd_out += !is_ok;
            if (is_ok)
                check_answers(&t, point);
        }
        tile_close(&t);
    }
    return certain;
}

static void test_verdicts_and_answers_of_hilbert_matrices(void **state)
{
    static const double shifts[] = { 0,     1e-16,  -1e-16, 1e-14, -1e-14, 1e-12, -1e-12,
                                     1e-10, -1e-10, 1e-8,   -1e-8, 1e-6,   -1e-6, 1e-4,
                                     -1e-4, 1e-2,   -1e-2,  -0.2,  -0.4,   -0.9,  -1.5 };
    int certain = 0, not_spd = 0;

    (void)state;
    for (int n = 1; n <= 16; n++) {
        begin(n, 1, shifts, sizeof shifts / sizeof *shifts);
        certain += check_problem(&not_spd);
    }
    assert_true(certain > 400);
    assert_true(not_spd > 150);
}

/* Diagonal entry k less the pivot there and half as much again. */
static void check_minors(int n)
{
    static const double shifts[] = { 0.5, 1e-3 };
    int not_spd = 0;

    for (int k = 0; k < n; k++) {
        begin(n, 1, shifts, 2);
        ask_oracle(0);
        problem.x[k + k * n] = unit_rounded(problem.x[k + k * n] - (double)oracle.d[k] * 1.5);
        assert_int_equal(check_problem(&not_spd), 4);
    }
    assert_int_equal(not_spd, 4 * n);
}

static void test_each_minor_that_is_not_positive_is_named(void **state)
{
    static const int sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33 };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_minors(sizes[i]);
}

/* ---- the ends of the range ------------------------------------------------------------------- */

/* The end of one range or of the other. */
static double of_range(double of_double, double of_single)
{
    return unit_scalar() == GCR_F32 ? of_single : of_double;
}

static void check_scale(int n, double scale)
{
    const double shifts[] = { scale, 0.25 * scale, -2.5 * scale, 3 * scale };
    int not_spd = 0;

    begin(n, scale, shifts, 4);
    for (int i = 0; i < n; i++)
        problem.y[i] = unit_rounded(problem.y[i] * sqrt(scale)); /* or its form leaves the range */
    assert_int_equal(check_problem(&not_spd), 8);
    assert_int_equal(not_spd, 2);
}

static void test_huge_and_tiny_matrices_are_as_good_as_others(void **state)
{
    (void)state;
    for (int n = 1; n <= 20; n++) {
        check_scale(n, of_range(1e300, 1e36));
        check_scale(n, of_range(1e-300, 1e-36));
        check_scale(n, of_range(0x1p1020, 0x1p124));
        check_scale(n, of_range(0x1p-1010, 0x1p-114));
    }
}

/* The diagonal is an ordinary number, what stands beside it is denormal, or the other way round. */
static void test_matrices_with_denormal_entries_are_factored(void **state)
{
    const double small = of_range(0x1p-1030, 0x1p-134);
    const double shifts[] = { 1, small * 0x1p30, small * 0x1p14 };
    int not_spd = 0;

    (void)state;
    for (int n = 1; n <= 20; n++) {
        begin(n, small, shifts, 3);
        for (int i = 0; i < n; i++)
            problem.y[i] *= of_range(0x1p-500, 0x1p-60);
        assert_int_equal(check_problem(&not_spd), 6);
    }
    assert_int_equal(not_spd, 0);
}

static void assert_states(uint64_t point, gcr_cell_state want)
{
    tile t;

    for (int u = 0; u < 2; u++) {
        crunch(&t, units[u]);
        assert_int_equal(t.args.state[point], want);
        tile_close(&t);
    }
}

static void test_answers_beyond_the_range_are_nan_out(void **state)
{
    const double shift = 0;

    (void)state;
    begin(5, 1, &shift, 1);
    problem.needs = GCR_NEED_QUADRATIC_FORM;
    problem.y[3] = of_range(1e160, 1e25); /* its square */
    assert_states(0, GCR_CELL_NAN_OUT);
    problem.needs = GCR_NEED_SOLUTION;
    assert_states(0, GCR_CELL_OK);
    problem.scale = of_range(1e-200, 1e-20);
    assert_states(0, GCR_CELL_NAN_OUT);
    begin(1, of_range(1e-309, 1e-39), &shift, 1);
    problem.needs = GCR_NEED_INVERSE_DIAGONAL; /* of a denormal */
    assert_states(0, GCR_CELL_NAN_OUT);
    problem.needs = GCR_NEED_LOG_DETERMINANT;
    assert_states(0, GCR_CELL_OK);
}

/* An entry so large beside its diagonal that its square is infinite: all are numbers, so the
 * matrix is not positive definite, rather than not a matrix. */
static void test_numbers_that_overflow_on_the_way_are_not_taken_for_infinite_entries(void **state)
{
    const double shift = 1;

    (void)state;
    for (int n = 2; n <= 9; n++) {
        begin(n, 1, &shift, 1);
        problem.x[n - 1] = of_range(-1e300, -1e30); /* (n - 1, 0) */
        assert_states(0, GCR_CELL_NOT_SPD);
    }
}

/* ---- residuals ------------------------------------------------------------------------------- */

/* |b - A x| <= 8 n eps |A| |x|. */
static void check_residual(const tile *t, uint64_t point)
{
    const int n = problem.n;
    long double residual = 0, norm = 0;

    for (int i = 0; i < n; i++) {
        const long double x = tile_value(t, point, SOLUTION, i);
        long double r = problem.y[i];

        for (int j = 0; j < n; j++)
            r -= (long double)entry(point, i, j) * tile_value(t, point, SOLUTION, j);
        residual += r * r;
        norm += x * x;
    }
    if (!(sqrtl(residual) <= 8 * n * unit_epsilon() * norm_of(point) * sqrtl(norm)))
        fail_msg("n %d shift %g: residual %Lg", n, problem.shifts[point], sqrtl(residual));
}

/* What LAPACK was asked to factor, and what it made of it. */
static double asked[(size_t)N_MAX * N_MAX], made[(size_t)N_MAX * N_MAX];

/* |A - L L'| <= n eps |A|. */
static void judge_factor(size_t n, size_t ld)
{
    long double error = 0, norm = 0;

    for (size_t j = 0; j < n; j++)
        for (size_t i = j; i < n; i++) {
            const int weight = i == j ? 1 : 2;
            long double r = asked[i + j * ld];

            norm += weight * r * r;
            for (size_t k = 0; k <= j; k++)
                r -= (long double)made[i + k * ld] * made[j + k * ld];
            error += weight * r * r;
        }
    assert_true(sqrtl(error) <= (double)n * unit_epsilon() * sqrtl(norm));
}

static void measured_dpotrf(const char *uplo, const int *n, double *a, const int *lda, int *info,
                            size_t uplo_length)
{
    const size_t count = (size_t)*lda * (size_t)*n;

    memcpy(asked, a, sizeof *a * count);
    gcr_cpu_lapack.dpotrf(uplo, n, a, lda, info, uplo_length);
    memcpy(made, a, sizeof *a * count);
    assert_int_equal(*info, 0);
    judge_factor((size_t)*n, (size_t)*lda);
}

static void measured_spotrf(const char *uplo, const int *n, float *a, const int *lda, int *info,
                            size_t uplo_length)
{
    const size_t count = (size_t)*lda * (size_t)*n;

    for (size_t k = 0; k < count; k++)
        asked[k] = a[k];
    gcr_cpu_lapack.spotrf(uplo, n, a, lda, info, uplo_length);
    for (size_t k = 0; k < count; k++)
        made[k] = a[k];
    assert_int_equal(*info, 0);
    judge_factor((size_t)*n, (size_t)*lda);
}

static void check_size(int n, uint64_t count)
{
    static const double shifts[] = { 1, 1e-8, 10, 1e-4, 3, 1e-2, 1e-6, 1e-1, 1e-3, 2, 1e-7 };
    gcr_lapack lapack = gcr_cpu_lapack;
    tile t;

    lapack.dpotrf = measured_dpotrf;
    lapack.spotrf = measured_spotrf;
    begin(n, 1, shifts, count);
    for (uint64_t k = 0; k < count; k++) /* far from where it would be singular */
        problem.shifts[k] = unit_rounded(fmax(shifts[k], n * unit_epsilon() * 8));
    problem.needs = GCR_NEED_SOLUTION;
    for (int u = 0; u < 2; u++) {
        crunch(&t, units[u]);
        t.setup.lapack = &lapack;
        if (u == 1 || n > GCR_SPD_SQUARES_MAX)
            tile_crunch_part(&t, 0, 1);
        for (uint64_t point = 0; point < count; point++) {
            assert_int_equal(t.args.state[point], GCR_CELL_OK);
            check_residual(&t, point);
        }
        tile_close(&t);
    }
}

static void test_residuals_of_every_small_size(void **state)
{
    (void)state;
    for (int n = 1; n <= 70; n++)
        check_size(n, 11);
}

static void test_residuals_around_powers_of_two_and_each_crossover(void **state)
{
    static const int sizes[] = { 95, 96, 97, 127, 128, 129, 255, 256, 257 };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_size(sizes[i], 3);
    for (int n = GCR_SPD_SQUARES_MAX - 1; n <= N_MAX; n++)
        check_size(n, 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts_and_answers_of_hilbert_matrices),
        cmocka_unit_test(test_each_minor_that_is_not_positive_is_named),
        cmocka_unit_test(test_huge_and_tiny_matrices_are_as_good_as_others),
        cmocka_unit_test(test_matrices_with_denormal_entries_are_factored),
        cmocka_unit_test(test_answers_beyond_the_range_are_nan_out),
        cmocka_unit_test(test_numbers_that_overflow_on_the_way_are_not_taken_for_infinite_entries),
        cmocka_unit_test(test_residuals_of_every_small_size),
        cmocka_unit_test(test_residuals_around_powers_of_two_and_each_crossover),
    };
    const int refusal = unit_path_select(argc, argv);

    return refusal != 0 ? refusal : cmocka_run_group_tests(tests, NULL, NULL);
}
