/*
 * Cell kernels, and the walk over the points of a tile that both forms share.
 */
#include "support/gcr_test.h"
#include "support/tile.h"
#include "support/units.h"

enum { PER_FEATURE = 3 }; /* output of `draw`: a + 10 b + 100 feature */

static void test_scale_multiplies_the_mean_of_y(void **state)
{
    const double y[] = { 1, 2, 6 }, factor[] = { -1, 0, 0.5, 1e300 };
    tile t = { .unit = unit_named("scale"), .data = { .rows = 3, .y = y } };

    (void)state;
    tile_axis(&t, "factor", factor, 4);
    tile_open(&t);
    tile_crunch(&t);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(t.args.state[i], GCR_CELL_OK);
        assert_true(tile_value(&t, i, 0, 0) == 3 * factor[i]);
    }
    tile_close(&t);
}

static void test_an_infinite_product_is_nan_out(void **state)
{
    const double y[] = { 1e300 }, factor[] = { 1, 1e300, 2 };
    tile t = { .unit = unit_named("scale"), .data = { .rows = 1, .y = y } };

    (void)state;
    tile_axis(&t, "factor", factor, 3);
    tile_open(&t);
    tile_crunch(&t);
    assert_int_equal(t.args.state[1], GCR_CELL_NAN_OUT);
    assert_true(isnan(tile_value(&t, 1, 0, 0)));
    assert_true(tile_value(&t, 2, 0, 0) == 2e300);
    tile_close(&t);
}

static void test_a_denormal_product_is_a_result(void **state)
{
    const double y[] = { 0x1p-1000 }, factor[] = { 1, 0x1p-40, 0x1p-74, 0x1p-75, 0x1p-76 };
    tile t = { .unit = unit_named("scale"), .data = { .rows = 1, .y = y } };

    (void)state;
    tile_axis(&t, "factor", factor, 5);
    tile_open(&t);
    tile_crunch(&t);
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(t.args.state[i], GCR_CELL_OK);
    assert_true(tile_value(&t, 1, 0, 0) == 0x1p-1040);
    assert_true(tile_value(&t, 2, 0, 0) == 0x1p-1074);
    assert_true(tile_value(&t, 3, 0, 0) == 0); /* half of the smallest: to even */
    assert_true(tile_value(&t, 4, 0, 0) == 0);
    tile_close(&t);
}

static void check_waiting(const gcr_unit *unit, const char *parameter)
{
    const double times[] = { 0, 1 };
    tile t = { .unit = unit, .data = { .rows = 1 }, .setup = { .ns_per_tick = 1 } };

    tile_axis(&t, parameter, times, 2);
    tile_open(&t);
    tile_crunch(&t);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(t.args.state[i], GCR_CELL_OK);
        assert_true(tile_value(&t, i, 0, 0) == times[i]);
    }
    tile_close(&t);
}

static void test_spin_says_what_was_asked(void **state)
{
    (void)state;
    check_waiting(unit_named("spin"), "ns");
}

static void test_sleep_says_what_was_asked(void **state)
{
    (void)state;
    check_waiting(unit_named("sleep"), "ms");
}

/* ---- the walk ------------------------------------------------------------------------------- */

static const double a[] = { 1, 2, 3 }, b[] = { 4, 5, 6, 7 };

static void open_grid(tile *out, int64_t features)
{
    *out = (tile){ .unit = unit_named("draw"), .data = { .rows = 1, .features = features } };
    tile_axis(out, "b", b, 4); /* not the order of the description */
    tile_axis(out, "a", a, 3);
    tile_open(out);
}

static double expected(uint64_t point, int64_t feature)
{
    return a[point % 3] + 10 * b[point / 3] + 100 * (double)feature;
}

static void test_each_point_has_the_values_of_its_axes(void **state)
{
    tile t;

    (void)state;
    open_grid(&t, 2);
    tile_crunch(&t);
    for (uint64_t point = 0; point < 12; point++)
        for (int64_t f = 0; f < 2; f++)
            assert_true(tile_value(&t, point, PER_FEATURE, f) == expected(point, f));
    tile_close(&t);
}

static void test_any_cut_into_tiles_gives_the_same_bits(void **state)
{
    tile whole, parts;

    (void)state;
    open_grid(&whole, 1);
    tile_crunch(&whole);
    for (uint64_t step = 1; step < 12; step++) {
        open_grid(&parts, 1);
        tile_crunch_in_steps(&parts, step);
        assert_tiles_equal(&whole, &parts);
        tile_close(&parts);
    }
    tile_close(&whole);
}

static void test_points_that_are_not_live_are_left_alone(void **state)
{
    const uint64_t live = 0x5a5; /* 0, 2, 5, 7, 8, 10 */
    tile t;

    (void)state;
    open_grid(&t, 1);
    t.points.live = &live;
    tile_crunch(&t);
    for (uint64_t point = 0; point < 12; point++) {
        const int is_live = (live >> point & 1) != 0;
        const double want = is_live ? expected(point, 0) : POISON;

        assert_int_equal(t.args.state[point], is_live ? GCR_CELL_OK : GCR_CELL_EMPTY);
        assert_true(tile_value(&t, point, PER_FEATURE, 0) == want);
    }
    tile_close(&t);
}

static void test_a_jitter_step_that_is_not_wanted_is_not_written(void **state)
{
    tile t;
    uint8_t *steps;

    (void)state;
    open_grid(&t, 1);
    steps = t.args.jitter_step;
    t.args.jitter_step = NULL;
    t.unit->crunch(&t.setup, &t.args, 1, t.scratch);
    assert_int_equal(t.args.state[11], GCR_CELL_OK);
    t.args.jitter_step = steps;
    tile_close(&t);
}

static void test_a_shape_beyond_memory_needs_more_than_can_be_had(void **state)
{
    const int64_t option[GCR_OPTIONS_MAX] = { 0 };
    const gcr_shape shape = { INT64_C(1) << 40, 1, option };

    (void)state;
    assert_true(unit_named("gp_rbf")->scratch_bytes(&shape) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale_multiplies_the_mean_of_y),
        cmocka_unit_test(test_an_infinite_product_is_nan_out),
        cmocka_unit_test(test_a_denormal_product_is_a_result),
        cmocka_unit_test(test_spin_says_what_was_asked),
        cmocka_unit_test(test_sleep_says_what_was_asked),
        cmocka_unit_test(test_each_point_has_the_values_of_its_axes),
        cmocka_unit_test(test_any_cut_into_tiles_gives_the_same_bits),
        cmocka_unit_test(test_points_that_are_not_live_are_left_alone),
        cmocka_unit_test(test_a_jitter_step_that_is_not_wanted_is_not_written),
        cmocka_unit_test(test_a_shape_beyond_memory_needs_more_than_can_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
