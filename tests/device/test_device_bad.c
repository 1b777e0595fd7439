/*
 * Cells without a result on devices: which minor, which fault, NaN and infinity at each place, the
 * ladder of jitter, points that `where` leaves out; and their neighbours, who must not notice.
 */
#include "support/device_run.h"
#include "support/units.h"

#include <stdio.h>

enum { EVERYTHING = 15, PLACES = 4, VALUES = 3, SYSTEMS = 3 };

static const double scale[] = { 1.5 }, needs[] = { EVERYTHING };
static const double systems[SYSTEMS] = { 0, 1, 7 }; /* there is no system 7 */
static const double values[VALUES] = { NAN, -INFINITY, -1000 };
static const double ladder[] = { 1e-9, 5000 };

/* One entry of one system is bad: rows and columns at the corners and beside the edge of a tile. */
typedef struct subject {
    int n, jitter_count;
    double fault[1];
    double rows[PLACES], columns[PLACES]; /* column -1 is a right-hand side */
    double y[64];
    uint64_t live[8];
    tile expected, got;
} subject;

static void open_tile(tile *t, const subject *s, int has_holes)
{
    *t = (tile){
        .unit = unit_named("probe"),
        .data = { .rows = s->n, .y = s->y },
        .setup = { .jitter = ladder, .jitter_count = s->jitter_count },
        .padding = 2,
    };
    tile_axis(t, "bad_row", s->rows, PLACES);
    tile_axis(t, "scale", scale, 1);
    tile_axis(t, "bad_column", s->columns, PLACES);
    tile_axis(t, "bad_value", values, VALUES);
    tile_axis(t, "bad_system", systems, SYSTEMS);
    tile_axis(t, "needs", needs, 1);
    tile_axis(t, "fault", s->fault, 1);
    tile_open(t);
    if (has_holes)
        t->points.live = s->live;
}

/* `edge`: n, or that of a subject whose places are to be the same. */
static subject *subject_open(int n, int edge, int jitter_count, double fault, int has_holes)
{
    const double places[PLACES] = { 0, edge / 2, edge > 8 ? 8 : 3, edge - 1 };
    subject *s = tile_memory(1, sizeof *s);

    s->n = n;
    s->jitter_count = jitter_count;
    s->fault[0] = fault;
    for (int k = 0; k < PLACES; k++) {
        s->rows[k] = places[k];
        s->columns[k] = k == 1 ? -1 : places[k];
    }
    for (int i = 0; i < n; i++)
        s->y[i] = 1 + i % 3;
    for (int w = 0; w < 8; w++)
        s->live[w] = UINT64_C(0x9e3779b97f4a7c15) << w;
    open_tile(&s->expected, s, has_holes);
    open_tile(&s->got, s, has_holes);
    tile_crunch(&s->expected);
    return s;
}

static void subject_close(subject *s)
{
    tile_close(&s->expected);
    tile_close(&s->got);
    free(s);
}

/* Sizes that the build has variants of `probe` for. */
static const struct case_of {
    device_algorithm algorithm;
    int n;
} cases[] = {
    { DEVICE_THREAD, 6 },  { DEVICE_WARP, 27 },  { DEVICE_BLOCK, 20 },
    { DEVICE_MEMORY, 20 }, { DEVICE_THREAD, 8 }, { DEVICE_WARP, 11 },
    { DEVICE_WARP, 16 },   { DEVICE_BLOCK, 40 }, { DEVICE_MEMORY, 40 },
};

enum { ONE_OF_EACH = 4, ALL = sizeof cases / sizeof *cases };

static void check_each(int count, int jitter_count, double fault, int has_holes)
{
    for (int k = 0; k < count; k++) {
        const device_run run = device_run_of(cases[k].algorithm);
        subject *s = subject_open(cases[k].n, cases[k].n, jitter_count, fault, has_holes);
        tile *got = &s->got;
        char what[80];

        snprintf(what, sizeof what, "%s, n = %d", device_algorithm_name(cases[k].algorithm),
                 cases[k].n);
        device_crunch(&run, &got, 1);
        assert_tiles_agree(&s->got, &s->expected, device_tolerance(1), what);
        subject_close(s);
    }
}

static void test_each_verdict_and_its_detail_are_the_cpus(void **state)
{
    (void)state;
    check_each(ALL, 0, 0, 0);
}

static void test_cells_that_are_not_spd_go_up_the_ladder(void **state)
{
    (void)state;
    check_each(ONE_OF_EACH, 2, 0, 0);
}

static void test_cells_that_no_rung_helps_are_told_of_as_on_the_cpu(void **state)
{
    (void)state;
    check_each(ONE_OF_EACH, 1, 0, 0);
}

static void test_points_that_are_not_live_are_left_as_they_are(void **state)
{
    (void)state;
    check_each(ONE_OF_EACH, 2, 0, 1);
}

static void test_a_fault_of_finish_is_that_of_its_cell(void **state)
{
    (void)state;
    check_each(ONE_OF_EACH, 2, 1, 0);
}

/* What the ladder is for must be among the cells, or the tests above hold nothing. */
static void test_the_cells_of_these_tests_have_every_state(void **state)
{
    subject *s = subject_open(11, 11, 2, 0, 0);
    int count[GCR_CELL_STATE_COUNT] = { 0 };

    (void)state;
    for (uint64_t p = 0; p < s->expected.points.point_count; p++)
        count[s->expected.args.state[p]]++;
    assert_true(count[GCR_CELL_OK] > 0 && count[GCR_CELL_NAN_IN] > 0);
    assert_true(count[GCR_CELL_OK_JITTER] > 0);
    subject_close(s);
    s = subject_open(11, 11, 1, 0, 0);
    assert_int_equal(s->expected.args.state[2 * SYSTEMS], GCR_CELL_NOT_SPD);
    subject_close(s);
}

static void test_what_prepare_could_not_do_is_the_fault_of_every_cell(void **state)
{
    device_run run = device_run_of(DEVICE_WARP);
    subject *s = subject_open(13, 13, 2, 0, 1), *mate = subject_open(14, 13, 2, 0, 1);
    tile *tiles[] = { &s->got, &mate->got };

    (void)state;
    assert_int_equal(s->got.fault, 2);
    device_crunch(&run, tiles, 2);
    assert_tiles_agree(&s->got, &s->expected, 0, "thirteen rows");
    assert_tiles_agree(&mate->got, &mate->expected, device_tolerance(1), "fourteen rows");
    subject_close(s);
    subject_close(mate);
}

/* A good cell has the bits that it has in a launch without bad ones. */
static void check_neighbours(device_algorithm algorithm, int n)
{
    const device_run run = device_run_of(algorithm);
    subject *all = subject_open(n, n, 2, 0, 0), *good = subject_open(n, n, 2, 0, 0);
    tile *tiles[] = { &all->got, &good->got };

    device_crunch(&run, &tiles[0], 1);
    for (uint64_t p = 0; p < 512; p++)
        if (p % SYSTEMS != 2) /* only where no system is bad */
            good->live[p / 64] &= ~(UINT64_C(1) << p % 64);
        else
            good->live[p / 64] |= UINT64_C(1) << p % 64;
    good->got.points.live = good->live;
    device_crunch(&run, &tiles[1], 1);
    for (uint64_t p = 2; p < all->got.points.point_count; p += SYSTEMS)
        for (int o = 0; o < 4; o++) {
            const int64_t width = all->got.args.width[o];
            const double *a = all->got.args.outputs[o] + (int64_t)p * width;
            const double *b = good->got.args.outputs[o] + (int64_t)p * width;

            assert_int_equal(all->got.args.state[p], GCR_CELL_OK);
            assert_memory_equal(a, b, (size_t)width * sizeof *a);
        }
    subject_close(all);
    subject_close(good);
}

static void test_good_cells_do_not_notice_bad_ones(void **state)
{
    (void)state;
    check_neighbours(DEVICE_THREAD, 6);
    check_neighbours(DEVICE_WARP, 27);
    check_neighbours(DEVICE_BLOCK, 20);
    check_neighbours(DEVICE_MEMORY, 20);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_verdict_and_its_detail_are_the_cpus),
        cmocka_unit_test(test_cells_that_are_not_spd_go_up_the_ladder),
        cmocka_unit_test(test_cells_that_no_rung_helps_are_told_of_as_on_the_cpu),
        cmocka_unit_test(test_points_that_are_not_live_are_left_as_they_are),
        cmocka_unit_test(test_a_fault_of_finish_is_that_of_its_cell),
        cmocka_unit_test(test_the_cells_of_these_tests_have_every_state),
        cmocka_unit_test(test_what_prepare_could_not_do_is_the_fault_of_every_cell),
        cmocka_unit_test(test_good_cells_do_not_notice_bad_ones),
    };
    const int status = unit_path_select(argc, argv);

    return status != 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
