/*
 * `algorithm: tridiagonal` gives what the direct one gives, up to rounding; and a cell is the same
 * in every bit whatever tile, order of axes, base and neighbours it is computed with.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

#include "backend/cpu/code_path.h"

enum { ROWS_MAX = GCR_REDUCE_LANES_MAX + 8 };

static double x[ROWS_MAX], y[ROWS_MAX];

static int open_data(void **state)
{
    (void)state;
    tile_make_data(x, y, ROWS_MAX);
    return 0;
}

/* ---- a Gaussian process ---------------------------------------------------------------------- */

static const double lengthscales[] = { 0.05, 0.2, 0.5, 1, 2, 3, 4, 5, 6 }, noises[] = { 0.1, 1, 2 },
                    variances[] = { 0.5, 1, 3, 4 };
enum { LENGTHSCALES = 9, NOISES = 3, VARIANCES = 4, GP_POINTS = 108 };

/* Where the axis of the base stands among the three: 0 is outermost. */
static void open_gp(tile *out, const char *name, int64_t n, int place)
{
    *out = (tile){ .unit = unit_named(name), .data = { .rows = n, .features = 1, .x = x, .y = y } };
    if (place == 0)
        tile_axis(out, "lengthscale", lengthscales, LENGTHSCALES);
    tile_axis(out, "noise", noises, NOISES);
    if (place == 1)
        tile_axis(out, "lengthscale", lengthscales, LENGTHSCALES);
    tile_axis(out, "variance", variances, VARIANCES);
    if (place == 2)
        tile_axis(out, "lengthscale", lengthscales, LENGTHSCALES);
    tile_open(out);
}

static void check_size(int64_t n)
{
    tile ours, direct;

    open_gp(&ours, "gp_rbf_tridiagonal", n, 0);
    open_gp(&direct, "gp_rbf", n, 0);
    tile_crunch(&ours);
    tile_crunch(&direct);
    for (uint64_t point = 0; point < GP_POINTS; point++) {
        const double want = tile_value(&direct, point, 0, 0);

        assert_int_equal(ours.args.state[point], GCR_CELL_OK);
        assert_near(tile_value(&ours, point, 0, 0), want, 1e-12 * ((double)n + fabs(want)));
    }
    tile_close(&ours);
    tile_close(&direct);
}

static void test_every_size_gives_what_the_direct_algorithm_gives(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 70; n++)
        check_size(n);
}

static void test_sizes_around_powers_of_two_and_the_crossover(void **state)
{
    const int64_t sizes[] = { 127, 128, 129, 255, 256, 257 };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_size(sizes[i]);
}

/* Beyond a condition number of 1e4, eight units in the last place for each row and each unit of it;
 * a matrix with a pivot of zero up to rounding may be SPD or not. */
static void check_noise(int64_t n, double noise, double lengthscale)
{
    const double most = 4 * (double)n + noise, condition = most / noise;
    const double share = fmax(1e-12, 8 * (double)n * 0x1p-52 * condition);
    tile ours, direct;

    for (int side = 0; side < 2; side++) {
        tile *const out = side == 0 ? &ours : &direct;

        *out = (tile){ .unit = unit_named(side == 0 ? "gp_rbf_tridiagonal" : "gp_rbf"),
                       .data = { .rows = n, .features = 1, .x = x, .y = y } };
        tile_axis(out, "lengthscale", &lengthscale, 1);
        tile_axis(out, "noise", &noise, 1);
        tile_axis(out, "variance", variances, VARIANCES);
        tile_open(out);
        tile_crunch(out);
    }
    for (uint64_t point = 0; point < VARIANCES; point++) {
        const double want = tile_value(&direct, point, 0, 0), got = tile_value(&ours, point, 0, 0);

        assert_true(ours.args.state[point] == GCR_CELL_OK ||
                    ours.args.state[point] == GCR_CELL_NOT_SPD);
        if (share < 0.1) {
            assert_int_equal(ours.args.state[point], GCR_CELL_OK);
            assert_near(got, want, share * ((double)n * log(condition) + 2 * fabs(want)));
        } else if (ours.args.state[point] == GCR_CELL_NOT_SPD) {
            assert_in_range(gcr_cell_detail(got), 1, (uint64_t)n);
        }
    }
    tile_close(&ours);
    tile_close(&direct);
}

static void test_badly_conditioned_matrices_lose_no_more_than_they_must(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 60; n += 7)
        for (double noise = 1e-14; noise < 1e-1; noise *= 100)
            for (double lengthscale = 0.1; lengthscale < 20; lengthscale *= 4)
                check_noise(n, noise, lengthscale);
}

static void test_without_noise_and_with_rows_twice_a_cell_has_a_verdict(void **state)
{
    double kept[ROWS_MAX];

    (void)state;
    memcpy(kept, x, sizeof x);
    for (int64_t n = 1; n <= 40; n++)
        check_noise(n, 0, 3);
    for (int i = 0; i < ROWS_MAX; i++)
        x[i] = kept[i / 2];
    for (int64_t n = 1; n <= 40; n++) {
        check_noise(n, 0, 0.1);
        check_noise(n, 1e-3, 0.1);
    }
    memcpy(x, kept, sizeof x);
}

/* ---- the same bits --------------------------------------------------------------------------- */

static void check_cuts(int64_t n, int place)
{
    tile whole, parts;

    open_gp(&whole, "gp_rbf_tridiagonal", n, place);
    tile_crunch(&whole);
    for (uint64_t step = 1; step <= 37; step += 3) {
        open_gp(&parts, "gp_rbf_tridiagonal", n, place);
        tile_crunch_in_steps(&parts, step);
        assert_tiles_equal(&whole, &parts);
        tile_close(&parts);
    }
    tile_close(&whole);
}

static void test_any_cut_into_tiles_gives_the_same_bits(void **state)
{
    (void)state;
    for (int place = 0; place < 3; place++) {
        check_cuts(5, place);
        check_cuts(33, place);
    }
}

static void test_any_cut_gives_the_same_bits_above_the_crossover(void **state)
{
    (void)state;
    check_cuts(GCR_REDUCE_LANES_MAX + 2, 1);
}

static void test_the_order_of_the_axes_changes_no_bit(void **state)
{
    tile outer, middle, inner;

    (void)state;
    open_gp(&outer, "gp_rbf_tridiagonal", 21, 0);
    open_gp(&middle, "gp_rbf_tridiagonal", 21, 1);
    open_gp(&inner, "gp_rbf_tridiagonal", 21, 2);
    tile_crunch(&outer);
    tile_crunch(&middle);
    tile_crunch(&inner);
    for (uint64_t l = 0; l < LENGTHSCALES; l++)
        for (uint64_t s = 0; s < NOISES; s++)
            for (uint64_t v = 0; v < VARIANCES; v++) {
                const double want = tile_value(&outer, (l * NOISES + s) * VARIANCES + v, 0, 0);

                assert_true(want ==
                            tile_value(&middle, (s * LENGTHSCALES + l) * VARIANCES + v, 0, 0));
                assert_true(want ==
                            tile_value(&inner, (s * VARIANCES + v) * LENGTHSCALES + l, 0, 0));
            }
    tile_close(&outer);
    tile_close(&middle);
    tile_close(&inner);
}

static void test_holes_of_where_leave_the_other_bits_alone(void **state)
{
    const uint64_t live[] = { 0x25a5f018, 0x0000000f0f0 };
    tile whole, holes;

    (void)state;
    open_gp(&whole, "gp_rbf_tridiagonal", 21, 1);
    open_gp(&holes, "gp_rbf_tridiagonal", 21, 1);
    holes.points.live = live;
    tile_crunch(&whole);
    tile_crunch(&holes);
    assert_holes_alone(&holes, &whole);
    tile_close(&whole);
    tile_close(&holes);
}

/* More points than are sorted at a time, and more bases than lanes, all in one tile. */
static void test_a_tile_longer_than_a_window_is_as_short_ones(void **state)
{
    enum { MANY = 300, NOISE_COUNT = 31, POINTS = MANY * NOISE_COUNT };
    static double scales[MANY], shifts[NOISE_COUNT];
    tile whole, parts;

    (void)state;
    for (int i = 0; i < MANY; i++)
        scales[i] = 0.1 + 0.01 * i;
    for (int i = 0; i < NOISE_COUNT; i++)
        shifts[i] = 0.1 + 0.01 * i;
    for (int side = 0; side < 2; side++) {
        tile *const out = side == 0 ? &whole : &parts;

        *out = (tile){ .unit = unit_named("gp_rbf_tridiagonal"),
                       .data = { .rows = 6, .features = 1, .x = x, .y = y } };
        tile_axis(out, "variance", variances, 1);
        tile_axis(out, "noise", shifts, NOISE_COUNT);
        tile_axis(out, "lengthscale", scales, MANY);
        tile_open(out);
    }
    tile_crunch(&whole);
    tile_crunch_in_steps(&parts, 100);
    assert_tiles_equal(&whole, &parts);
    tile_close(&whole);
    tile_close(&parts);
}

/* ---- all answers, of two systems ------------------------------------------------------------- */

enum parameter { SPREAD, RATE, NEEDS, BAD_SYSTEM, BAD_ROW, BAD_COLUMN, BAD_VALUE, SCALE, SHIFT };
enum { PARAMETERS = SHIFT + 1, CELLS = 40, BASES = 3 };

/* `values` of each parameter but for three axes: `bad_system` outermost, shift, scale. */
struct shifted {
    tile tile;
    double values[PARAMETERS], systems[BASES], scales[CELLS / 4], shifts[4];
};

static void open_shifted(struct shifted *out, const char *name, int64_t n)
{
    out->tile.unit = unit_named(name);
    out->tile.data = (gcr_view){ .rows = n, .features = 1, .x = x, .y = y };
    tile_axis(&out->tile, "bad_system", out->systems, BASES);
    for (int p = 0; p < SCALE; p++)
        if (p != BAD_SYSTEM)
            tile_axis(&out->tile, out->tile.unit->kernel->parameters[p].name, &out->values[p], 1);
    tile_axis(&out->tile, "shift", out->shifts, 4);
    tile_axis(&out->tile, "scale", out->scales, CELLS / 4);
    tile_open(&out->tile);
}

static struct shifted shifted_standard(void)
{
    struct shifted standard = { .values = { 1, 1, 15, 0, -1, -1, 0 },
                                .systems = { -1, -1, -1 },
                                .shifts = { 0.1, 0.5, 1, 2 } };

    for (int i = 0; i < CELLS / 4; i++)
        standard.scales[i] = 0.5 + 0.25 * i;
    return standard;
}

static void assert_tiles_near(const struct shifted *a, const struct shifted *b, double tolerance)
{
    const tile *const got = &a->tile, *const want = &b->tile;

    for (uint64_t point = 0; point < BASES * CELLS; point++) {
        assert_int_equal(got->args.state[point], want->args.state[point]);
        for (int o = 0; got->args.outputs[o] != NULL; o++) {
            double most = 0;

            if (!gcr_cell_has_result(want->args.state[point]))
                continue;
            for (int64_t k = 0; k < got->args.width[o]; k++)
                most = fmax(most, fabs(tile_value(want, point, o, k)));
            for (int64_t k = 0; k < got->args.width[o]; k++)
                if (!(fabs(tile_value(got, point, o, k) - tile_value(want, point, o, k)) <=
                      tolerance * most))
                    fail_msg("point %d, output %d: %.17g is not %.17g", (int)point, o,
                             tile_value(got, point, o, k), tile_value(want, point, o, k));
        }
    }
}

static void check_answers(const char *name, struct shifted standard, int64_t n)
{
    struct shifted ours = standard, direct = standard;

    open_shifted(&ours, name, n);
    open_shifted(&direct, "shifted", n);
    tile_crunch(&ours.tile);
    tile_crunch(&direct.tile);
    assert_tiles_near(&ours, &direct, 1e-12);
    tile_close(&ours.tile);
    tile_close(&direct.tile);
}

static void test_every_answer_is_that_of_the_direct_algorithm(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 40; n++)
        check_answers("shifted_tridiagonal", shifted_standard(), n);
    check_answers("shifted_tridiagonal", shifted_standard(), 130);
}

static void test_every_answer_is_so_where_lapack_reduces(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 40; n++)
        check_answers("shifted_tridiagonal_lapack", shifted_standard(), n);
    check_answers("shifted_tridiagonal_lapack", shifted_standard(), 130);
}

static void test_what_is_not_needed_is_not_asked(void **state)
{
    (void)state;
    for (int needs = 0; needs < 16; needs++) {
        struct shifted standard = shifted_standard();

        standard.values[NEEDS] = needs;
        check_answers("shifted_tridiagonal", standard, 9);
        check_answers("shifted_tridiagonal_lapack", standard, 9);
    }
}

/* Crunches it in scratch that a cell before has filled with numbers. */
static void crunch_late(struct shifted *out, int needs)
{
    *out = shifted_standard();
    out->values[NEEDS] = needs;
    open_shifted(out, "shifted_late", 9);
    for (uint64_t k = 0; k < tile_scratch_bytes(&out->tile) / sizeof(double); k++)
        ((double *)out->tile.scratch)[k] = 1;
    tile_crunch(&out->tile);
}

static void test_an_answer_that_a_base_was_not_asked_for_is_nan(void **state)
{
    struct shifted late;

    (void)state;
    for (int needs = 0; needs < 16; needs++) {
        const int is_known = (needs & ~GCR_NEED_LOG_DETERMINANT) == 0;

        crunch_late(&late, needs);
        for (uint64_t point = 0; point < BASES * CELLS; point++)
            assert_int_equal(late.tile.args.state[point],
                             is_known ? GCR_CELL_OK : GCR_CELL_NAN_OUT);
        tile_close(&late.tile);
    }
}

/* Cells that share a base are asked for it where all else is NaN, by the direct algorithm, too. */
static void test_a_parameter_that_the_description_forgot_is_seen(void **state)
{
    struct shifted forgets = shifted_standard();

    (void)state;
    open_shifted(&forgets, "shifted_forgets", 9);
    tile_crunch(&forgets.tile);
    for (uint64_t point = 0; point < BASES * CELLS; point++)
        assert_int_equal(forgets.tile.args.state[point], GCR_CELL_NAN_IN);
    tile_close(&forgets.tile);
}

static void test_numbers_at_the_ends_of_the_range(void **state)
{
    const double ends[] = { 1e-300, 1e-160, 1e160, 1e290 };

    (void)state;
    for (int k = 0; k < 4; k++) {
        struct shifted of_scale = shifted_standard(), of_base = shifted_standard();

        of_base.values[SPREAD] = ends[k];
        of_base.values[NEEDS] = of_scale.values[NEEDS] = GCR_NEED_LOG_DETERMINANT;
        for (int i = 0; i < 4; i++) {
            of_scale.shifts[i] *= ends[k];
            of_base.shifts[i] *= ends[k];
        }
        for (int i = 0; i < CELLS / 4; i++)
            of_scale.scales[i] *= ends[k];
        check_answers("shifted_tridiagonal", of_scale, 30);
        check_answers("shifted_tridiagonal", of_base, 30);
        check_answers("shifted_tridiagonal_lapack", of_base, 30);
    }
}

static void test_columns_that_vanish_beside_others_are_no_trouble(void **state)
{
    (void)state;
    for (double rate = 1; rate < 1e5; rate *= 1.7) {
        struct shifted standard = shifted_standard();

        standard.values[RATE] = rate;
        check_answers("shifted_tridiagonal", standard, 12);
        check_answers("shifted_tridiagonal_lapack", standard, 12);
    }
}

/* The square of such an entry has few digits or none: a reflection made of it would not be one. */
static void test_an_entry_whose_square_is_denormal_is_no_trouble(void **state)
{
    (void)state;
    for (double value = 1e-130; value > 1e-175; value /= 3) {
        struct shifted standard = shifted_standard();

        standard.values[RATE] = 1e6; /* nothing else stands below the diagonal */
        standard.values[BAD_ROW] = 3;
        standard.values[BAD_COLUMN] = 0;
        standard.values[BAD_VALUE] = value;
        standard.systems[1] = 1;
        check_answers("shifted_tridiagonal", standard, 5);
        check_answers("shifted_tridiagonal_lapack", standard, 5);
    }
}

/* ---- neighbours ------------------------------------------------------------------------------ */

/* The middle base is bad: its cells alone have no answer. */
static void check_entry(const char *name, double i, double j, double value)
{
    struct shifted good = shifted_standard(), bad = shifted_standard();

    bad.systems[1] = 1;
    bad.values[BAD_ROW] = i;
    bad.values[BAD_COLUMN] = j;
    bad.values[BAD_VALUE] = value;
    open_shifted(&good, name, 7);
    open_shifted(&bad, name, 7);
    tile_crunch(&good.tile);
    tile_crunch(&bad.tile);
    for (uint64_t point = 0; point < BASES * CELLS; point++)
        if (point / CELLS == 1)
            assert_int_equal(bad.tile.args.state[point], GCR_CELL_NAN_IN);
        else
            assert_same_cell(&bad.tile, &good.tile, point);
    tile_close(&good.tile);
    tile_close(&bad.tile);
}

static void test_nan_or_infinity_in_a_matrix_is_of_its_base_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++)
        for (int j = 0; j <= i; j++) {
            check_entry("shifted_tridiagonal", i, j, NAN);
            check_entry("shifted_tridiagonal", i, j, INFINITY);
            check_entry("shifted_tridiagonal_lapack", i, j, -INFINITY);
        }
}

static void test_nan_in_a_right_side_is_of_its_base_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++) {
        check_entry("shifted_tridiagonal", i, -1, NAN);
        check_entry("shifted_tridiagonal_lapack", i, -1, NAN);
    }
}

static void test_a_scale_that_overflows_is_of_its_cell_alone(void **state)
{
    struct shifted good = shifted_standard(), bad = shifted_standard();

    (void)state;
    bad.scales[3] = 1e308;
    bad.values[SPREAD] = good.values[SPREAD] = 10;
    open_shifted(&good, "shifted_tridiagonal", 7);
    open_shifted(&bad, "shifted_tridiagonal", 7);
    tile_crunch(&good.tile);
    tile_crunch(&bad.tile);
    for (uint64_t point = 0; point < BASES * CELLS; point++)
        if (point % (CELLS / 4) == 3)
            assert_int_equal(bad.tile.args.state[point], GCR_CELL_NAN_IN);
        else
            assert_same_cell(&bad.tile, &good.tile, point);
    tile_close(&good.tile);
    tile_close(&bad.tile);
}

static void test_a_matrix_that_is_not_positive_is_of_its_cell_alone(void **state)
{
    struct shifted good = shifted_standard(), bad = shifted_standard();

    (void)state;
    bad.shifts[2] = -3;
    open_shifted(&good, "shifted_tridiagonal", 7);
    open_shifted(&bad, "shifted_tridiagonal", 7);
    tile_crunch(&good.tile);
    tile_crunch(&bad.tile);
    for (uint64_t point = 0; point < BASES * CELLS; point++)
        if (point / (CELLS / 4) % 4 == 2) {
            assert_int_equal(bad.tile.args.state[point], GCR_CELL_NOT_SPD);
            assert_in_range(gcr_cell_detail(tile_value(&bad.tile, point, 0, 0)), 1, 7);
        } else {
            assert_same_cell(&bad.tile, &good.tile, point);
        }
    tile_close(&good.tile);
    tile_close(&bad.tile);
}

static void test_the_ladder_is_that_of_the_direct_algorithm(void **state)
{
    static const double ladder[] = { 1, 2, 3, 4 };
    struct shifted ours = shifted_standard(), direct = shifted_standard();

    (void)state;
    for (int i = 0; i < 4; i++)
        ours.shifts[i] = direct.shifts[i] = 0.5 - 1.3 * i;
    ours.tile.setup.jitter = direct.tile.setup.jitter = ladder;
    ours.tile.setup.jitter_count = direct.tile.setup.jitter_count = 4;
    open_shifted(&ours, "shifted_tridiagonal", 6);
    open_shifted(&direct, "shifted", 6);
    tile_crunch(&ours.tile);
    tile_crunch(&direct.tile);
    assert_tiles_near(&ours, &direct, 1e-11);
    assert_memory_equal(ours.tile.args.jitter_step, direct.tile.args.jitter_step, BASES * CELLS);
    tile_close(&ours.tile);
    tile_close(&direct.tile);
}

static void test_scratch_for_the_largest_dataset_is_enough_for_all(void **state)
{
    (void)state;
    assert_scratch_grows(unit_named("shifted_tridiagonal"), 3 * GCR_REDUCE_LANES_MAX);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size_gives_what_the_direct_algorithm_gives),
        cmocka_unit_test(test_sizes_around_powers_of_two_and_the_crossover),
        cmocka_unit_test(test_badly_conditioned_matrices_lose_no_more_than_they_must),
        cmocka_unit_test(test_without_noise_and_with_rows_twice_a_cell_has_a_verdict),
        cmocka_unit_test(test_any_cut_into_tiles_gives_the_same_bits),
        cmocka_unit_test(test_any_cut_gives_the_same_bits_above_the_crossover),
        cmocka_unit_test(test_the_order_of_the_axes_changes_no_bit),
        cmocka_unit_test(test_holes_of_where_leave_the_other_bits_alone),
        cmocka_unit_test(test_a_tile_longer_than_a_window_is_as_short_ones),
        cmocka_unit_test(test_every_answer_is_that_of_the_direct_algorithm),
        cmocka_unit_test(test_every_answer_is_so_where_lapack_reduces),
        cmocka_unit_test(test_what_is_not_needed_is_not_asked),
        cmocka_unit_test(test_an_answer_that_a_base_was_not_asked_for_is_nan),
        cmocka_unit_test(test_a_parameter_that_the_description_forgot_is_seen),
        cmocka_unit_test(test_numbers_at_the_ends_of_the_range),
        cmocka_unit_test(test_columns_that_vanish_beside_others_are_no_trouble),
        cmocka_unit_test(test_an_entry_whose_square_is_denormal_is_no_trouble),
        cmocka_unit_test(test_nan_or_infinity_in_a_matrix_is_of_its_base_alone),
        cmocka_unit_test(test_nan_in_a_right_side_is_of_its_base_alone),
        cmocka_unit_test(test_a_scale_that_overflows_is_of_its_cell_alone),
        cmocka_unit_test(test_a_matrix_that_is_not_positive_is_of_its_cell_alone),
        cmocka_unit_test(test_the_ladder_is_that_of_the_direct_algorithm),
        cmocka_unit_test(test_scratch_for_the_largest_dataset_is_enough_for_all),
    };
    const int refusal = unit_path_select(argc, argv);

    return refusal != 0 ? refusal : cmocka_run_group_tests(tests, open_data, NULL);
}
