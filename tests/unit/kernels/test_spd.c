/*
 * What the engine under SPD kernels promises, shown on tests/support/kernel_probe.c, whose
 * answers are known by hand.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

enum output { LOG_DETERMINANT, QUADRATIC_FORM, SOLUTION, INVERSE_DIAGONAL };
enum {
    EVERYTHING = GCR_NEED_LOG_DETERMINANT | GCR_NEED_QUADRATIC_FORM | GCR_NEED_SOLUTION |
                 GCR_NEED_INVERSE_DIAGONAL,
    N = 5,
};

static const double y[13] = { 1, -2, 0.5, 3, -0.25 };

/* The values of the axes; each parameter has one unless a test gives it more. */
struct probe {
    tile tile;
    double values[7];
};

enum parameter { SCALE, NEEDS, FAULT, BAD_SYSTEM, BAD_ROW, BAD_COLUMN, BAD_VALUE };

static void begin(struct probe *out, int64_t n)
{
    const struct probe fresh = { .tile = { .unit = unit_named("probe"),
                                           .data = { .rows = n, .y = y } },
                                 .values = { 4, EVERYTHING, 0, -1, -1, -1, 0 } };

    *out = fresh;
    for (int p = 0; p < 7; p++)
        tile_axis(&out->tile, unit_named("probe")->kernel->parameters[p].name, &out->values[p], 1);
}

static void vary(struct probe *probe, enum parameter parameter, const double *values,
                 uint64_t count)
{
    probe->tile.points.axes[parameter].values = values;
    probe->tile.points.axes[parameter].count = count;
}

static void crunch(struct probe *probe)
{
    tile_open(&probe->tile);
    tile_crunch(&probe->tile);
}

static double value(const struct probe *probe, uint64_t point, enum output output, int64_t k)
{
    return tile_value(&probe->tile, point, (int)output, k);
}

static int state_of(const struct probe *probe, uint64_t point)
{
    return probe->tile.args.state[point];
}

/* b' inv(A) c for A = s (I + 11'). */
static double form(const double *b, const double *c, int n, double s)
{
    double product = 0, sum_b = 0, sum_c = 0;

    for (int i = 0; i < n; i++) {
        product += b[i] * c[i];
        sum_b += b[i];
        sum_c += c[i];
    }
    return (product - sum_b * sum_c / (n + 1)) / s;
}

static void assert_all_nan(const struct probe *probe, uint64_t point, uint32_t detail)
{
    for (int o = 0; o < 4; o++)
        for (int64_t k = 0; k < probe->tile.args.width[o]; k++) {
            const double got = tile_value(&probe->tile, point, o, k);

            assert_true(isnan(got));
            assert_int_equal(gcr_cell_detail(got), detail);
        }
}

/* ---- answers -------------------------------------------------------------------------------- */

static void test_log_determinant_of_each_system(void **state)
{
    struct probe probe;

    (void)state;
    begin(&probe, N);
    crunch(&probe);
    assert_int_equal(state_of(&probe, 0), GCR_CELL_OK);
    assert_near(value(&probe, 0, LOG_DETERMINANT, 0), N * log(4) + log(N + 1), 1e-14);
    assert_near(value(&probe, 0, LOG_DETERMINANT, 1), N * log(8) + log(N + 1), 1e-14);
    tile_close(&probe.tile);
}

static void test_quadratic_form_of_each_system_and_side(void **state)
{
    const double count[] = { 1, 2, 3, 4, 5 };
    struct probe probe;

    (void)state;
    begin(&probe, N);
    crunch(&probe);
    assert_near(value(&probe, 0, QUADRATIC_FORM, 0), form(y, y, N, 4), 1e-14);
    assert_near(value(&probe, 0, QUADRATIC_FORM, 1), form(count, count, N, 4), 1e-14);
    assert_near(value(&probe, 0, QUADRATIC_FORM, 2), form(y, y, N, 8), 1e-14);
    assert_near(value(&probe, 0, QUADRATIC_FORM, 3), form(count, count, N, 8), 1e-14);
    tile_close(&probe.tile);
}

static void test_solution_of_the_second_side(void **state)
{
    struct probe probe;

    (void)state;
    begin(&probe, N);
    crunch(&probe);
    for (int i = 0; i < N; i++)
        assert_near(value(&probe, 0, SOLUTION, i), (i + 1 - 15.0 / (N + 1)) / 4, 1e-14);
    tile_close(&probe.tile);
}

static void test_inverse_diagonal_of_the_second_system(void **state)
{
    struct probe probe;

    (void)state;
    begin(&probe, N);
    crunch(&probe);
    for (int i = 0; i < N; i++)
        assert_near(value(&probe, 0, INVERSE_DIAGONAL, i), (1 - 1.0 / (N + 1)) / 8, 1e-14);
    tile_close(&probe.tile);
}

static void test_an_answer_is_the_same_whatever_else_is_needed(void **state)
{
    double needs[16];
    struct probe probe;

    (void)state;
    begin(&probe, N);
    for (int i = 0; i < 16; i++)
        needs[i] = i;
    vary(&probe, NEEDS, needs, 16);
    crunch(&probe);
    for (uint64_t i = 0; i < 16; i++)
        for (int o = 0; o < 4; o++) {
            const double want = i & (1u << o) ? tile_value(&probe.tile, 15, o, 1) : 0;

            assert_int_equal(state_of(&probe, i), GCR_CELL_OK);
            assert_true(tile_value(&probe.tile, i, o, 1) == want);
        }
    tile_close(&probe.tile);
}

static void test_one_row(void **state)
{
    struct probe probe;

    (void)state;
    begin(&probe, 1);
    crunch(&probe);
    assert_near(value(&probe, 0, LOG_DETERMINANT, 0), log(8), 1e-15);
    assert_near(value(&probe, 0, QUADRATIC_FORM, 0), 1.0 / 8, 1e-15);
    tile_close(&probe.tile);
}

static void test_outputs_by_row_are_padded_with_nan(void **state)
{
    struct probe probe;

    (void)state;
    begin(&probe, N);
    probe.tile.padding = 3;
    crunch(&probe);
    for (int o = 0; o < 4; o++) {
        const int64_t width = probe.tile.args.width[o] - 3;

        assert_true(isfinite(tile_value(&probe.tile, 0, o, width - 1)));
        for (int64_t k = width; k < width + 3; k++)
            assert_true(isnan(tile_value(&probe.tile, 0, o, k)));
    }
    tile_close(&probe.tile);
}

/* ---- verdicts ------------------------------------------------------------------------------- */

/* Replaces each entry of system `system` in turn. */
static void check_every_entry(int system, double bad_value, gcr_cell_state want)
{
    double index[N];
    struct probe probe;

    begin(&probe, N);
    for (int i = 0; i < N; i++)
        index[i] = i;
    probe.values[BAD_SYSTEM] = system;
    probe.values[BAD_VALUE] = bad_value;
    vary(&probe, BAD_ROW, index, N);
    vary(&probe, BAD_COLUMN, index, N);
    crunch(&probe);
    for (uint64_t i = 0; i < N; i++)
        for (uint64_t j = 0; j <= i; j++) {
            assert_int_equal(state_of(&probe, i * N + j), want);
            assert_all_nan(&probe, i * N + j, 0);
        }
    tile_close(&probe.tile);
}

static void test_nan_anywhere_in_a_matrix_is_nan_in(void **state)
{
    (void)state;
    check_every_entry(0, NAN, GCR_CELL_NAN_IN);
    check_every_entry(1, NAN, GCR_CELL_NAN_IN);
}

static void test_infinity_anywhere_in_a_matrix_is_nan_in(void **state)
{
    (void)state;
    check_every_entry(0, INFINITY, GCR_CELL_NAN_IN);
    check_every_entry(1, -INFINITY, GCR_CELL_NAN_IN);
}

static void check_right_side(double bad_value)
{
    double index[N];
    struct probe probe;

    begin(&probe, N);
    for (int i = 0; i < N; i++)
        index[i] = i;
    probe.values[BAD_SYSTEM] = 1;
    probe.values[BAD_VALUE] = bad_value;
    vary(&probe, BAD_ROW, index, N);
    crunch(&probe);
    for (uint64_t i = 0; i < N; i++) {
        assert_int_equal(state_of(&probe, i), GCR_CELL_NAN_IN);
        assert_all_nan(&probe, i, 0);
    }
    tile_close(&probe.tile);
}

static void test_nan_or_infinity_in_a_right_side_is_nan_in(void **state)
{
    (void)state;
    check_right_side(NAN);
    check_right_side(INFINITY);
}

static void test_a_right_side_that_is_not_needed_is_not_looked_at(void **state)
{
    struct probe probe;

    (void)state;
    begin(&probe, N);
    probe.values[NEEDS] = GCR_NEED_LOG_DETERMINANT;
    probe.values[BAD_SYSTEM] = 0;
    probe.values[BAD_ROW] = 2;
    probe.values[BAD_VALUE] = NAN;
    crunch(&probe);
    assert_int_equal(state_of(&probe, 0), GCR_CELL_OK);
    tile_close(&probe.tile);
}

/* Pivot k becomes `pivot`; the smaller minors stay as they are. */
static void check_every_minor(int64_t n, int system, double pivot)
{
    struct probe probe;

    begin(&probe, n);
    probe.values[BAD_SYSTEM] = system;
    probe.values[BAD_VALUE] = pivot;
    for (int64_t k = 0; k < n; k++) {
        probe.values[BAD_ROW] = probe.values[BAD_COLUMN] = (double)k;
        crunch(&probe);
        assert_int_equal(state_of(&probe, 0), GCR_CELL_NOT_SPD);
        assert_all_nan(&probe, 0, (uint32_t)(k + 1));
        tile_close(&probe.tile);
    }
}

static void test_each_minor_that_is_not_positive_is_named(void **state)
{
    (void)state;
    check_every_minor(N, 0, -1);
    check_every_minor(N, 1, -1);
    check_every_minor(12, 0, 0);
}

static void test_nan_below_an_indefinite_minor_is_still_nan_in(void **state)
{
    struct probe probe;

    (void)state;
    begin(&probe, N);
    probe.values[SCALE] = -4; /* minor 1 is not positive */
    probe.values[BAD_SYSTEM] = 0;
    probe.values[BAD_ROW] = 4;
    probe.values[BAD_COLUMN] = 3;
    probe.values[BAD_VALUE] = NAN;
    crunch(&probe);
    assert_int_equal(state_of(&probe, 0), GCR_CELL_NAN_IN);
    tile_close(&probe.tile);
}

static void test_an_output_that_is_not_finite_is_nan_out(void **state)
{
    struct probe probe;

    (void)state;
    begin(&probe, N);
    probe.values[BAD_SYSTEM] = 0; /* a right-hand side so large that its square is infinite */
    probe.values[BAD_ROW] = 2;
    probe.values[BAD_VALUE] = 1e200;
    crunch(&probe);
    assert_int_equal(state_of(&probe, 0), GCR_CELL_NAN_OUT);
    assert_all_nan(&probe, 0, 0);
    tile_close(&probe.tile);
}

static void test_a_fault_of_finish_is_named(void **state)
{
    const double faults[] = { 0, 1, 2 };
    struct probe probe;

    (void)state;
    begin(&probe, N);
    vary(&probe, FAULT, faults, 3);
    crunch(&probe);
    assert_int_equal(state_of(&probe, 0), GCR_CELL_OK);
    assert_int_equal(state_of(&probe, 1), GCR_CELL_KERNEL_ERROR);
    assert_all_nan(&probe, 1, 1);
    assert_int_equal(state_of(&probe, 2), GCR_CELL_KERNEL_ERROR);
    assert_all_nan(&probe, 2, 2);
    tile_close(&probe.tile);
}

static void test_a_fault_of_prepare_is_every_cells(void **state)
{
    const double scales[] = { 1, 2, 3 };
    struct probe probe;

    (void)state;
    begin(&probe, 13);
    vary(&probe, SCALE, scales, 3);
    crunch(&probe);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(state_of(&probe, i), GCR_CELL_KERNEL_ERROR);
        assert_all_nan(&probe, i, 2);
    }
    tile_close(&probe.tile);
}

/* ---- neighbours and jitter ------------------------------------------------------------------ */

static const double scales[] = { 4, -1e-3, 1, NAN, 2 };

static void test_bad_cells_leave_their_neighbours_bits_alone(void **state)
{
    static const double good[] = { 4, 3, 1, 5, 2 };
    struct probe with, without;

    (void)state;
    begin(&with, N);
    vary(&with, SCALE, scales, 5);
    crunch(&with);
    begin(&without, N);
    vary(&without, SCALE, good, 5);
    crunch(&without);
    assert_int_equal(state_of(&with, 1), GCR_CELL_NOT_SPD);
    assert_int_equal(state_of(&with, 3), GCR_CELL_NAN_IN);
    for (uint64_t i = 0; i < 5; i += 2)
        for (int o = 0; o < 4; o++)
            assert_true(tile_value(&with.tile, i, o, 1) == tile_value(&without.tile, i, o, 1));
    tile_close(&with.tile);
    tile_close(&without.tile);
}

static void test_the_first_rung_that_holds_is_recorded(void **state)
{
    const double ladder[] = { 1e-4, 1e-3, 0.5, 7 };
    struct probe probe;

    (void)state;
    begin(&probe, N);
    vary(&probe, SCALE, scales, 5);
    probe.tile.setup.jitter = ladder;
    probe.tile.setup.jitter_count = 4;
    crunch(&probe);
    assert_int_equal(state_of(&probe, 1), GCR_CELL_OK_JITTER);
    assert_int_equal(probe.tile.args.jitter_step[1], 3);
    assert_true(isfinite(value(&probe, 1, LOG_DETERMINANT, 0)));
    assert_int_equal(state_of(&probe, 3), GCR_CELL_NAN_IN); /* jitter is no cure for NaN */
    for (uint64_t i = 0; i < 5; i++)
        if (i != 1)
            assert_int_equal(probe.tile.args.jitter_step[i], 0);
    tile_close(&probe.tile);
}

static void test_a_ladder_that_is_too_short_leaves_the_cell_not_spd(void **state)
{
    const double ladder[] = { 1e-4 };
    struct probe probe;

    (void)state;
    begin(&probe, N);
    vary(&probe, SCALE, scales, 5);
    probe.tile.setup.jitter = ladder;
    probe.tile.setup.jitter_count = 1;
    crunch(&probe);
    assert_int_equal(state_of(&probe, 1), GCR_CELL_NOT_SPD);
    assert_all_nan(&probe, 1, 1);
    assert_int_equal(probe.tile.args.jitter_step[1], 0);
    tile_close(&probe.tile);
}

static void test_the_ladder_leaves_good_cells_bits_alone(void **state)
{
    const double ladder[] = { 0.5 };
    struct probe with, without;

    (void)state;
    begin(&with, N);
    vary(&with, SCALE, scales, 5);
    with.tile.setup.jitter = ladder;
    with.tile.setup.jitter_count = 1;
    crunch(&with);
    begin(&without, N);
    vary(&without, SCALE, scales, 5);
    crunch(&without);
    for (uint64_t i = 0; i < 5; i += 2) {
        assert_int_equal(state_of(&with, i), GCR_CELL_OK);
        for (int o = 0; o < 4; o++)
            assert_true(tile_value(&with.tile, i, o, 1) == tile_value(&without.tile, i, o, 1));
    }
    tile_close(&with.tile);
    tile_close(&without.tile);
}

static void test_a_tile_gives_the_bits_of_its_cells(void **state)
{
    struct probe whole, single;

    (void)state;
    begin(&whole, N);
    vary(&whole, SCALE, scales, 5);
    crunch(&whole);
    begin(&single, N);
    vary(&single, SCALE, scales, 5);
    tile_open(&single.tile);
    for (uint64_t point = 5; point-- > 0;)
        tile_crunch_part(&single.tile, point, 1);
    assert_tiles_equal(&whole.tile, &single.tile);
    tile_close(&whole.tile);
    tile_close(&single.tile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_determinant_of_each_system),
        cmocka_unit_test(test_quadratic_form_of_each_system_and_side),
        cmocka_unit_test(test_solution_of_the_second_side),
        cmocka_unit_test(test_inverse_diagonal_of_the_second_system),
        cmocka_unit_test(test_an_answer_is_the_same_whatever_else_is_needed),
        cmocka_unit_test(test_one_row),
        cmocka_unit_test(test_outputs_by_row_are_padded_with_nan),
        cmocka_unit_test(test_nan_anywhere_in_a_matrix_is_nan_in),
        cmocka_unit_test(test_infinity_anywhere_in_a_matrix_is_nan_in),
        cmocka_unit_test(test_nan_or_infinity_in_a_right_side_is_nan_in),
        cmocka_unit_test(test_a_right_side_that_is_not_needed_is_not_looked_at),
        cmocka_unit_test(test_each_minor_that_is_not_positive_is_named),
        cmocka_unit_test(test_nan_below_an_indefinite_minor_is_still_nan_in),
        cmocka_unit_test(test_an_output_that_is_not_finite_is_nan_out),
        cmocka_unit_test(test_a_fault_of_finish_is_named),
        cmocka_unit_test(test_a_fault_of_prepare_is_every_cells),
        cmocka_unit_test(test_bad_cells_leave_their_neighbours_bits_alone),
        cmocka_unit_test(test_the_first_rung_that_holds_is_recorded),
        cmocka_unit_test(test_a_ladder_that_is_too_short_leaves_the_cell_not_spd),
        cmocka_unit_test(test_the_ladder_leaves_good_cells_bits_alone),
        cmocka_unit_test(test_a_tile_gives_the_bits_of_its_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
