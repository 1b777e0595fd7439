/* tests/unit/grid/test_points.c -- point and coordinates are two spellings of one thing. */
#include "support/gcr_test.h"

#include "base/memory.h"
#include "grid/points.h"

#include <stdio.h>

/* A grid of ranges 0, 1 ... */
typedef struct grid {
    char name[GCR_AXES_MAX + 1][16];
    double stop[GCR_AXES_MAX + 1];
    gcr_axis_spec axes[GCR_AXES_MAX + 1];
    gcr_job job;
} grid;

/* Axes a0, a1 ... of `counts` values. */
static void fill_grid(grid *g, const int *counts, int axis_count, const char *where)
{
    memset(g, 0, sizeof *g);
    for (int a = 0; a < axis_count; a++) {
        snprintf(g->name[a], sizeof g->name[a], "a%d", a);
        g->stop[a] = counts[a];
        g->axes[a] = (gcr_axis_spec){ .name = g->name[a],
                                      .form = GCR_AXIS_RANGE,
                                      .numbers = &g->stop[a],
                                      .number_count = 1,
                                      .mark = { "job.yaml", 5 + a, 3 } };
    }
    g->job.axes = g->axes;
    g->job.axis_count = axis_count;
    g->job.where = (char *)where;
    g->job.where_mark = (gcr_mark){ "job.yaml", 40, 8 };
}

static gcr_points *points_of(const int *counts, int axis_count, const char *where)
{
    gcr_points *points;
    grid g;

    fill_grid(&g, counts, axis_count, where);
    assert_ok(gcr_points_create(&points, &g.job));
    return points;
}

static void assert_refused(grid *g, const char *sentence)
{
    gcr_points *points = (gcr_points *)&points;

    assert_status(gcr_points_create(&points, &g->job), GCR_EINVAL);
    assert_null(points);
    assert_error_mentions(sentence);
}

/* ---- every point ---------------------------------------------------------------------------- */

static void check_bijection(const int *counts, int axis_count)
{
    gcr_points *points = points_of(counts, axis_count, NULL);
    uint64_t coords[GCR_AXES_MAX], wanted[GCR_AXES_MAX] = { 0 };
    double values[GCR_AXES_MAX];

    for (uint64_t point = 0; point < gcr_points_table(points)->point_count; point++) {
        gcr_point_coords(gcr_points_table(points), point, coords);
        gcr_point_values(gcr_points_table(points), point, values);
        for (int a = 0; a < axis_count; a++) {
            assert_int_equal(coords[a], wanted[a]);
            assert_true(values[a] == (double)wanted[a]);
        }
        assert_int_equal(gcr_point_at(gcr_points_table(points), coords), point);
        for (int a = axis_count - 1; a >= 0 && ++wanted[a] == (uint64_t)counts[a]; a--)
            wanted[a] = 0; /* counts as people do: the last axis first */
    }
    for (int a = 0; a < axis_count; a++)
        assert_int_equal(wanted[a], 0);
    gcr_points_destroy(points);
}

static void test_coordinates_run_through_the_grid_with_the_last_axis_fastest(void **state)
{
    (void)state;
    check_bijection((const int[]){ 1, 1 }, 2);
    check_bijection((const int[]){ 10, 3 }, 2);
    check_bijection((const int[]){ 7, 5, 3 }, 3);
    check_bijection((const int[]){ 64 }, 1);
}

static void test_a_grid_without_axes_is_one_point(void **state)
{
    gcr_points *points = points_of(NULL, 0, NULL);
    const gcr_point_table *table = gcr_points_table(points);

    (void)state;
    assert_int_equal(table->point_count, 1);
    assert_int_equal(table->live_count, 1);
    assert_int_equal(gcr_points_select(points, 0), 0);
    gcr_points_destroy(points);
}

static void test_without_where_every_point_is_live_and_no_bits_are_kept(void **state)
{
    gcr_points *points = points_of((const int[]){ 10, 3 }, 2, NULL);
    const gcr_point_table *table = gcr_points_table(points);

    (void)state;
    assert_null(table->live);
    assert_int_equal(table->live_count, 30);
    for (uint64_t i = 0; i < 30; i++) {
        assert_int_equal(gcr_points_select(points, i), i);
        assert_int_equal(gcr_points_count_before(points, i), i);
    }
    assert_int_equal(gcr_points_count_before(points, 30), 30);
    assert_int_equal(gcr_points_bytes(points), 13 * sizeof(double));
    gcr_points_destroy(points);
}

static void test_thirty_one_axes_are_fine(void **state)
{
    int counts[GCR_AXES_MAX];
    uint64_t coords[GCR_AXES_MAX];
    gcr_points *points;

    (void)state;
    for (int a = 0; a < GCR_AXES_MAX; a++)
        counts[a] = 2;
    points = points_of(counts, GCR_AXES_MAX, NULL);
    assert_int_equal(gcr_points_table(points)->point_count, 1u << 31);
    gcr_point_coords(gcr_points_table(points), 0x5a5a5a5a, coords);
    assert_int_equal(gcr_point_at(gcr_points_table(points), coords), 0x5a5a5a5a);
    gcr_points_destroy(points);
}

/* ---- where ---------------------------------------------------------------------------------- */

/* Against counting one by one. */
static void check_where(const int *counts, int axis_count, const char *where)
{
    gcr_points *points = points_of(counts, axis_count, where);
    const gcr_point_table *table = gcr_points_table(points);
    uint64_t live = 0;

    for (uint64_t point = 0; point < table->point_count; point++) {
        assert_int_equal(gcr_points_count_before(points, point), live);
        if (gcr_point_is_live(table, point))
            assert_int_equal(gcr_points_select(points, live++), point);
    }
    assert_int_equal(table->live_count, live);
    assert_int_equal(gcr_points_count_before(points, table->point_count), live);
    gcr_points_destroy(points);
}

static void test_select_and_rank_are_each_others_inverse(void **state)
{
    (void)state;
    check_where((const int[]){ 3, 5 }, 2, "a0 <= a1");
    check_where((const int[]){ 64 }, 1, "a0 % 3 == 0");
    check_where((const int[]){ 65 }, 1, "a0 == 64");
    check_where((const int[]){ 4096 }, 1, "a0 >= 0");
    check_where((const int[]){ 100, 100, 3 }, 3, "a0 * 7 + a1 * 3 + a2 < 500");
    check_where((const int[]){ 30000 }, 1, "a0 == 29999");
    check_where((const int[]){ 30000 }, 1, "a0 < 2 or a0 > 20000");
    check_where((const int[]){ 30000 }, 1, "4096 <= a0 < 8192");
}

static void test_random_patterns_are_counted_rightly(void **state)
{
    uint32_t dice = 20240229; /* the seed is part of the test */
    char where[64];

    (void)state;
    for (int i = 0; i < 40; i++) {
        dice = dice * 1664525u + 1013904223u;
        snprintf(where, sizeof where, "a0 * a0 * %u %% 1009 < %u", dice >> 20, 1 + dice % 900);
        check_where((const int[]){ 9973 }, 1, where);
    }
}

static void test_where_sees_the_values_of_its_point(void **state)
{
    gcr_points *points = points_of((const int[]){ 7, 5, 3 }, 3, "a0 + a2 == a1");
    const gcr_point_table *table = gcr_points_table(points);
    uint64_t coords[GCR_AXES_MAX];

    (void)state;
    for (uint64_t point = 0; point < table->point_count; point++) {
        gcr_point_coords(gcr_points_table(points), point, coords);
        assert_int_equal(gcr_point_is_live(table, point), coords[0] + coords[2] == coords[1]);
    }
    gcr_points_destroy(points);
}

static void test_bits_behind_the_last_point_are_zero(void **state)
{
    gcr_points *points = points_of((const int[]){ 70 }, 1, "a0 >= 0");

    (void)state;
    assert_int_equal(gcr_points_table(points)->live[1], 0x3f);
    gcr_points_destroy(points);
}

static void test_the_bytes_of_a_where_are_one_bit_per_point_and_a_directory(void **state)
{
    const uint64_t before = gcr_memory_live_bytes();
    gcr_points *points = points_of((const int[]){ 100, 100 }, 2, "a0 < a1");

    (void)state;
    assert_int_equal(gcr_points_bytes(points), 200 * sizeof(double) + (157 + 3) * 8);
    assert_int_equal(gcr_points_bytes(points), gcr_memory_live_bytes() - before);
    gcr_points_destroy(points);
    assert_int_equal(gcr_memory_live_bytes(), before);
}

static void test_runs_are_all_live_points_and_no_others(void **state)
{
    static const char *const wheres[] = { NULL, "a0 < a1", "a0 != 3", "a1 < 1 or a1 > 68" };

    (void)state;
    for (int w = 0; w < 4; w++) {
        gcr_points *points = points_of((const int[]){ 7, 70 }, 2, wheres[w]);
        const gcr_point_table *table = gcr_points_table(points);

        for (uint64_t begin = 0; begin < 490; begin += 13)
            for (uint64_t end = begin; end <= 490; end += 35) {
                uint64_t at = begin;

                for (uint64_t first = begin, after; gcr_points_run(table, end, &first, &after);
                     first = after) {
                    assert_true(first < after && after <= end);
                    for (; at < first; at++)
                        assert_false(gcr_point_is_live(table, at));
                    for (; at < after; at++)
                        assert_true(gcr_point_is_live(table, at));
                }
                for (; at < end; at++)
                    assert_false(gcr_point_is_live(table, at));
            }
        gcr_points_destroy(points);
    }
}

static void test_the_table_outlives_the_job(void **state)
{
    gcr_points *points;
    grid g;

    (void)state;
    fill_grid(&g, (const int[]){ 2, 3 }, 2, NULL);
    assert_ok(gcr_points_create(&points, &g.job));
    memset(&g, 'x', sizeof g);
    assert_string_equal(gcr_points_table(points)->axes[1].name, "a1");
    assert_true(gcr_points_table(points)->axes[1].values[2] == 2);
    gcr_points_destroy(points);
    gcr_points_destroy(NULL);
}

/* ---- refused -------------------------------------------------------------------------------- */

static void test_a_where_that_leaves_nothing_is_refused(void **state)
{
    grid g;

    (void)state;
    fill_grid(&g, (const int[]){ 40, 30 }, 2, "a0 < 0");
    assert_refused(&g, "job.yaml:40:8: 'where' leaves none of the 1,200 points: a0 < 0");
}

static void test_a_where_with_a_mistake_is_refused_at_its_place(void **state)
{
    grid g;

    (void)state;
    fill_grid(&g, (const int[]){ 4, 3 }, 2, "a0 < b1");
    assert_refused(&g, "job.yaml:40:13: unknown parameter 'b1'");
}

static void test_two_axes_of_one_name_are_refused(void **state)
{
    grid g;

    (void)state;
    fill_grid(&g, (const int[]){ 4, 3 }, 2, NULL);
    g.axes[1].name = g.name[0];
    assert_refused(&g, "job.yaml:6:3: axis 'a0' is given twice");
}

static void test_an_axis_that_is_none_is_refused(void **state)
{
    grid g;

    (void)state;
    fill_grid(&g, (const int[]){ 4, 0 }, 2, NULL);
    assert_refused(&g, "axis 'a1'");
}

static void test_the_thirty_second_axis_is_refused_by_name(void **state)
{
    int counts[GCR_AXES_MAX + 1];
    grid g;

    (void)state;
    for (int a = 0; a <= GCR_AXES_MAX; a++)
        counts[a] = 1;
    fill_grid(&g, counts, GCR_AXES_MAX + 1, NULL);
    assert_refused(&g, "job.yaml:36:3: axis 'a31' is one too many: a grid has at most 31");
}

static void test_two_to_the_63_points_are_refused(void **state)
{
    const int counts[] = { 1 << 16, 1 << 16, 1 << 16, 1 << 15 };
    gcr_points *points = (gcr_points *)&points;
    grid g;

    (void)state;
    fill_grid(&g, counts, 4, NULL);
    assert_status(gcr_points_create(&points, &g.job), GCR_EOVERFLOW);
    assert_null(points);
    assert_error_mentions("job.yaml:8:3: the grid has 2^63 points or more");
    assert_error_mentions("'a3'");
}

static void test_a_where_on_more_points_than_memory_is_refused(void **state)
{
    const int counts[] = { 1 << 15, 1 << 16, 1 << 16, 1 << 15 };
    gcr_points *points = (gcr_points *)&points;
    grid g;

    (void)state;
    fill_grid(&g, counts, 4, "a0 > 1");
    assert_status(gcr_points_create(&points, &g.job), GCR_ENOMEM);
    assert_null(points);
    assert_error_mentions("no memory for the points of 'where'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coordinates_run_through_the_grid_with_the_last_axis_fastest),
        cmocka_unit_test(test_a_grid_without_axes_is_one_point),
        cmocka_unit_test(test_without_where_every_point_is_live_and_no_bits_are_kept),
        cmocka_unit_test(test_thirty_one_axes_are_fine),
        cmocka_unit_test(test_select_and_rank_are_each_others_inverse),
        cmocka_unit_test(test_random_patterns_are_counted_rightly),
        cmocka_unit_test(test_where_sees_the_values_of_its_point),
        cmocka_unit_test(test_bits_behind_the_last_point_are_zero),
        cmocka_unit_test(test_the_bytes_of_a_where_are_one_bit_per_point_and_a_directory),
        cmocka_unit_test(test_runs_are_all_live_points_and_no_others),
        cmocka_unit_test(test_the_table_outlives_the_job),
        cmocka_unit_test(test_a_where_that_leaves_nothing_is_refused),
        cmocka_unit_test(test_a_where_with_a_mistake_is_refused_at_its_place),
        cmocka_unit_test(test_two_axes_of_one_name_are_refused),
        cmocka_unit_test(test_an_axis_that_is_none_is_refused),
        cmocka_unit_test(test_the_thirty_second_axis_is_refused_by_name),
        cmocka_unit_test(test_two_to_the_63_points_are_refused),
        cmocka_unit_test(test_a_where_on_more_points_than_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
