/*
 * Cells computed side by side are what each would be alone: whatever the lane, the tile, the holes
 * of `where`, the neighbours and their faults. And they are what LAPACK makes of them: the units
 * with "lapack" in their names give every matrix to it. On each code path, in each precision.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

#include "backend/cpu/code_path.h"

enum { LANES = 16, ROWS_MAX = GCR_SPD_SQUARES_MAX + 8 };
enum parameter { SCALE, NEEDS, FAULT, BAD_SYSTEM, BAD_ROW, BAD_COLUMN, BAD_VALUE, PARAMETERS };
enum output { LOG_DETERMINANT };
enum { EVERYTHING = 15 };

static double x[ROWS_MAX], y[ROWS_MAX];

static int open_data(void **state)
{
    (void)state;
    tile_make_data(x, y, ROWS_MAX);
    return 0;
}

/* ---- a Gaussian process ---------------------------------------------------------------------- */

static const double lengthscales[] = { 0.05, 0.2, 0.5, 1, 2 }, noises[] = { 0.1, 1 },
                    variances[] = { 0.5, 1, 3 };
enum { GP_POINTS = 30 };

static void open_gp(tile *out, const gcr_unit *unit, int64_t n)
{
    *out = (tile){ .unit = unit, .data = { .rows = n, .features = 1, .x = x, .y = y } };
    tile_axis(out, "variance", variances, 3);
    tile_axis(out, "lengthscale", lengthscales, 5);
    tile_axis(out, "noise", noises, 2);
    tile_open(out);
}

static void check_size(int64_t n)
{
    tile ours, lapacks;

    open_gp(&ours, unit_named("gp_rbf"), n);
    open_gp(&lapacks, unit_named("gp_lapack"), n);
    tile_crunch(&ours);
    tile_crunch(&lapacks);
    for (uint64_t point = 0; point < GP_POINTS; point++) {
        const double want = tile_value(&lapacks, point, 0, 0);

        assert_int_equal(ours.args.state[point], GCR_CELL_OK);
        assert_near(tile_value(&ours, point, 0, 0), want,
                    5e3 * unit_epsilon() * ((double)n + fabs(want)));
    }
    tile_close(&ours);
    tile_close(&lapacks);
}

static void test_every_size_gives_what_lapack_gives(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 70; n++)
        check_size(n);
}

static void test_sizes_around_powers_of_two_and_the_crossover(void **state)
{
    const int64_t sizes[] = { 127,
                              128,
                              129,
                              255,
                              256,
                              257,
                              GCR_SPD_SQUARES_MAX - 1,
                              GCR_SPD_SQUARES_MAX,
                              GCR_SPD_SQUARES_MAX + 1 };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_size(sizes[i]);
}

static void test_scratch_for_the_largest_dataset_is_enough_for_all(void **state)
{
    (void)state;
    assert_scratch_grows(unit_named("probe"), 3 * GCR_SPD_SQUARES_MAX);
}

/* Tiles of 1 point, of `stride` more and so on. */
static void check_cuts(int64_t n, uint64_t stride)
{
    tile whole, parts;

    open_gp(&whole, unit_named("gp_rbf"), n);
    tile_crunch(&whole);
    for (uint64_t step = 1; step <= 17; step += stride) {
        open_gp(&parts, unit_named("gp_rbf"), n);
        tile_crunch_in_steps(&parts, step);
        assert_tiles_equal(&whole, &parts);
        tile_close(&parts);
    }
    tile_close(&whole);
}

static void test_any_cut_into_tiles_gives_the_same_bits(void **state)
{
    (void)state;
    check_cuts(5, 1);
    check_cuts(33, 1);
}

static void test_any_cut_gives_the_same_bits_above_the_crossover(void **state)
{
    (void)state;
    check_cuts(GCR_SPD_SQUARES_MAX + 2, 8);
}

static void test_holes_of_where_leave_the_other_bits_alone(void **state)
{
    const uint64_t live = 0x25a5f018;
    tile whole, holes;

    (void)state;
    open_gp(&whole, unit_named("gp_rbf"), 21);
    open_gp(&holes, unit_named("gp_rbf"), 21);
    holes.points.live = &live;
    tile_crunch(&whole);
    tile_crunch(&holes);
    assert_holes_alone(&holes, &whole);
    tile_close(&whole);
    tile_close(&holes);
}

/* ---- neighbours ------------------------------------------------------------------------------ */

/* A probe of one axis, `bad_system`: the lane that is bad has 0 or 1 there, the others -1. */
struct probe {
    tile tile;
    double values[PARAMETERS], systems[LANES];
};

static void open_probe_of(struct probe *out, const char *unit, int64_t n)
{
    const struct probe fresh = {
        .tile = { .unit = unit_named(unit), .data = { .rows = n, .y = y } },
        .values = { 4, EVERYTHING, 0, -1, -1, -1, 0 },
    };

    *out = fresh;
    for (int lane = 0; lane < LANES; lane++)
        out->systems[lane] = -1;
    for (int p = 0; p < PARAMETERS; p++)
        tile_axis(&out->tile, out->tile.unit->kernel->parameters[p].name,
                  p == BAD_SYSTEM ? out->systems : &out->values[p], p == BAD_SYSTEM ? LANES : 1);
    tile_open(&out->tile);
}

static void open_probe(struct probe *out, int64_t n)
{
    open_probe_of(out, "probe", n);
}

/* One entry of one lane is bad: it alone fails, as it should. */
static void check_lane(struct probe *bad, const struct probe *good, uint64_t lane,
                       gcr_cell_state want, uint32_t detail)
{
    bad->systems[lane] = (double)(lane % 2);
    tile_crunch(&bad->tile);
    for (uint64_t point = 0; point < LANES; point++)
        if (point != lane)
            assert_same_cell(&bad->tile, &good->tile, point);
    assert_int_equal(bad->tile.args.state[lane], want);
    assert_int_equal(gcr_cell_detail(tile_value(&bad->tile, lane, 0, 0)), detail);
    bad->systems[lane] = -1;
}

static void check_entry(int64_t n, double i, double j, double value, gcr_cell_state want,
                        uint32_t detail)
{
    struct probe bad, good;

    open_probe(&good, n);
    tile_crunch(&good.tile);
    open_probe(&bad, n);
    bad.values[BAD_ROW] = i;
    bad.values[BAD_COLUMN] = j;
    bad.values[BAD_VALUE] = value;
    for (uint64_t lane = 0; lane < LANES; lane++)
        check_lane(&bad, &good, lane, want, detail);
    tile_close(&bad.tile);
    tile_close(&good.tile);
}

static void test_a_minor_that_is_not_positive_is_of_its_lane_alone(void **state)
{
    (void)state;
    for (int k = 0; k < 11; k++)
        check_entry(11, k, k, -1, GCR_CELL_NOT_SPD, (uint32_t)(k + 1));
}

static void test_nan_or_infinity_in_a_matrix_is_of_its_lane_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++)
        for (int j = 0; j <= i; j++) {
            check_entry(9, i, j, NAN, GCR_CELL_NAN_IN, 0);
            check_entry(9, i, j, INFINITY, GCR_CELL_NAN_IN, 0);
            check_entry(9, i, j, -INFINITY, GCR_CELL_NAN_IN, 0);
        }
}

static void test_nan_or_infinity_in_a_right_side_is_of_its_lane_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        check_entry(9, i, -1, NAN, GCR_CELL_NAN_IN, 0);
        check_entry(9, i, -1, INFINITY, GCR_CELL_NAN_IN, 0);
        check_entry(9, i, -1, -INFINITY, GCR_CELL_NAN_IN, 0);
    }
}

/* The bad entries of one place, each in a lane of its own. */
static void check_place(struct probe *bad, const struct probe *good, int i, int j, uint64_t lane)
{
    bad->values[BAD_ROW] = i;
    bad->values[BAD_COLUMN] = j;
    bad->values[BAD_VALUE] = i == j ? -1 : INFINITY;
    check_lane(bad, good, lane % LANES, i == j ? GCR_CELL_NOT_SPD : GCR_CELL_NAN_IN,
               i == j ? (uint32_t)(i + 1) : 0);
    bad->values[BAD_VALUE] = i == j ? NAN : -INFINITY;
    check_lane(bad, good, (lane + 3) % LANES, GCR_CELL_NAN_IN, 0);
}

/* The diagonal, the ends of the rows and the right side at each of `places`. */
static void check_places(const char *unit, int64_t n, const int *places, size_t count)
{
    struct probe bad, good;

    open_probe_of(&good, unit, n);
    tile_crunch(&good.tile);
    open_probe_of(&bad, unit, n);
    for (size_t k = 0; k < count; k++) {
        check_place(&bad, &good, places[k], places[k], 3 * k);
        check_place(&bad, &good, places[k], -1, 3 * k + 1);
        if (places[k] > 0) {
            check_place(&bad, &good, places[k], 0, 3 * k + 1);
            check_place(&bad, &good, places[k], places[k] - 1, 3 * k + 2);
        }
    }
    tile_close(&bad.tile);
    tile_close(&good.tile);
}

/* Above n = 96 rows are factored in panels of 16 squares. */
static void test_bad_entries_at_the_edges_of_panels_are_of_their_lane_alone(void **state)
{
    static const int places[] = { 0, 63, 64, 129 };

    (void)state;
    check_places("probe", 130, places, sizeof places / sizeof *places);
}

static void test_bad_entries_are_of_their_lane_alone_where_lapack_factors(void **state)
{
    static const int places[] = { 0, 1, 2, 7, 8, 18, 19 };

    (void)state;
    check_places("probe_lapack", 20, places, sizeof places / sizeof *places);
}

static void test_a_lane_that_needs_no_right_side_is_not_asked_for_one(void **state)
{
    const double needs[] = { 1, 15, 1, 3, 8, 15, 9, 1, 1 };
    struct probe probe;

    (void)state;
    open_probe(&probe, 6);
    tile_close(&probe.tile);
    probe.values[BAD_ROW] = 2;
    probe.values[BAD_VALUE] = NAN;
    probe.systems[0] = 0;
    probe.tile.points.axes[BAD_SYSTEM].count = 1;
    probe.tile.points.axes[NEEDS] = (gcr_axis){ "needs", needs, 9 };
    tile_open(&probe.tile);
    tile_crunch(&probe.tile);
    for (uint64_t i = 0; i < 9; i++)
        assert_int_equal(probe.tile.args.state[i],
                         ((int)needs[i] & 6) != 0 ? GCR_CELL_NAN_IN : GCR_CELL_OK);
    tile_close(&probe.tile);
}

/* ---- numbers at the ends of the range -------------------------------------------------------- */

static void check_scale(double scale, int64_t n)
{
    struct probe probe;

    open_probe(&probe, n);
    probe.values[SCALE] = scale;
    probe.values[NEEDS] = GCR_NEED_LOG_DETERMINANT;
    tile_crunch(&probe.tile);
    assert_int_equal(probe.tile.args.state[0], GCR_CELL_OK);
    assert_near(tile_value(&probe.tile, 0, LOG_DETERMINANT, 0),
                (double)n * log(unit_rounded(scale)) + log((double)n + 1),
                5e3 * unit_epsilon() * (double)n * fabs(log(scale)));
    tile_close(&probe.tile);
}

static void test_a_determinant_beyond_the_range_of_numbers_has_a_logarithm(void **state)
{
    (void)state;
    check_scale(unit_scalar() == GCR_F32 ? 1e37 : 1e300, 70);
    check_scale(unit_scalar() == GCR_F32 ? 1e-37 : 1e-300, 70);
    check_scale(3, GCR_SPD_SQUARES_MAX);
}

static void test_denormal_pivots_have_roots(void **state)
{
    const double denormal = unit_scalar() == GCR_F32 ? 1e-39 : 1e-309;

    (void)state;
    check_scale(denormal, 1);
    check_scale(denormal, 3);
}

/* ---- jitter ---------------------------------------------------------------------------------- */

enum { LADDER_POINTS = 61 };

static void open_ladder(struct probe *out, const gcr_unit *unit, double *scales)
{
    static const double ladder[] = { 3, 6, 9, 12 };

    for (int i = 0; i < LADDER_POINTS; i++)
        scales[i] = i % 7 == 3 ? NAN : fmod(i * 0.37, 3.2) - 1.1;
    open_probe(out, 6);
    tile_close(&out->tile);
    out->tile.unit = unit;
    out->tile.points.axes[BAD_SYSTEM].count = 1;
    out->tile.points.axes[SCALE] = (gcr_axis){ "scale", scales, LADDER_POINTS };
    out->tile.setup.jitter = ladder;
    out->tile.setup.jitter_count = 4;
    tile_open(&out->tile);
}

static void test_cells_that_climb_the_ladder_together_are_as_alone(void **state)
{
    double scales[LADDER_POINTS];
    struct probe whole, single;
    int climbed[5] = { 0 };

    (void)state;
    open_ladder(&whole, unit_named("probe"), scales);
    tile_crunch(&whole.tile);
    open_ladder(&single, unit_named("probe"), scales);
    for (uint64_t point = 0; point < LADDER_POINTS; point++)
        tile_crunch_part(&single.tile, point, 1);
    assert_tiles_equal(&whole.tile, &single.tile);
    for (uint64_t point = 0; point < LADDER_POINTS; point++)
        climbed[whole.tile.args.jitter_step[point]]++;
    for (int step = 0; step <= 4; step++)
        assert_true(climbed[step] > 0);
    tile_close(&whole.tile);
    tile_close(&single.tile);
}

static void test_the_ladder_is_that_of_lapack(void **state)
{
    double scales[LADDER_POINTS];
    struct probe ours, lapacks;

    (void)state;
    open_ladder(&ours, unit_named("probe"), scales);
    tile_crunch(&ours.tile);
    open_ladder(&lapacks, unit_named("probe_lapack"), scales);
    tile_crunch(&lapacks.tile);
    assert_memory_equal(ours.tile.args.state, lapacks.tile.args.state, LADDER_POINTS);
    assert_memory_equal(ours.tile.args.jitter_step, lapacks.tile.args.jitter_step, LADDER_POINTS);
    tile_close(&ours.tile);
    tile_close(&lapacks.tile);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size_gives_what_lapack_gives),
        cmocka_unit_test(test_sizes_around_powers_of_two_and_the_crossover),
        cmocka_unit_test(test_scratch_for_the_largest_dataset_is_enough_for_all),
        cmocka_unit_test(test_any_cut_into_tiles_gives_the_same_bits),
        cmocka_unit_test(test_any_cut_gives_the_same_bits_above_the_crossover),
        cmocka_unit_test(test_holes_of_where_leave_the_other_bits_alone),
        cmocka_unit_test(test_a_minor_that_is_not_positive_is_of_its_lane_alone),
        cmocka_unit_test(test_nan_or_infinity_in_a_matrix_is_of_its_lane_alone),
        cmocka_unit_test(test_nan_or_infinity_in_a_right_side_is_of_its_lane_alone),
        cmocka_unit_test(test_bad_entries_at_the_edges_of_panels_are_of_their_lane_alone),
        cmocka_unit_test(test_bad_entries_are_of_their_lane_alone_where_lapack_factors),
        cmocka_unit_test(test_a_lane_that_needs_no_right_side_is_not_asked_for_one),
        cmocka_unit_test(test_a_determinant_beyond_the_range_of_numbers_has_a_logarithm),
        cmocka_unit_test(test_denormal_pivots_have_roots),
        cmocka_unit_test(test_cells_that_climb_the_ladder_together_are_as_alone),
        cmocka_unit_test(test_the_ladder_is_that_of_lapack),
    };

    const int refusal = unit_path_select(argc, argv);

    return refusal != 0 ? refusal : cmocka_run_group_tests(tests, open_data, NULL);
}
