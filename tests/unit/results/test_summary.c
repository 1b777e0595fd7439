/* Summaries: by hand where that is possible, and against the most stupid way of computing them. */
#include "support/gcr_test.h"

#include "results/summary.h"

#include "gridcrunch/cell.h"

enum { POINTS_MAX = 3000, TOP = 5 };

static const double qs[] = { 0, 0.1, 0.5, 0.77, 1 };

/* One output over one dataset (or more), and summaries of it. */
typedef struct bench {
    gcr_point_table points;
    gcr_slots *slots;
    gcr_summary_spec specs[10];
    int output[10];
    int count;
    gcr_summaries *summaries;
} bench;

static void bench_open(bench *b, uint64_t datasets, uint64_t points)
{
    static const int64_t width = 1;

    *b = (bench){ .points = { .point_count = points, .live_count = points } };
    const gcr_slots_spec spec = {
        .points = &b->points, .dataset_count = datasets, .output_count = 1, .width = &width
    };

    assert_ok(gcr_slots_create(&b->slots, &spec));
}

static void bench_ask(bench *b, gcr_summary_op op, double q)
{
    b->specs[b->count++] = (gcr_summary_spec){ .name = "s", .op = op, .output = "o", .q = q };
}

static void bench_ask_everything(bench *b)
{
    bench_ask(b, GCR_SUMMARY_ARGMAX, 0);
    bench_ask(b, GCR_SUMMARY_ARGMIN, 0);
    bench_ask(b, GCR_SUMMARY_MAX, 0);
    bench_ask(b, GCR_SUMMARY_MIN, 0);
    bench_ask(b, GCR_SUMMARY_MEAN, 0);
    for (int i = 0; i < 5; i++)
        bench_ask(b, GCR_SUMMARY_QUANTILE, qs[i]);
}

static gcr_summaries_spec bench_spec(const bench *b, int top, int nan_propagates)
{
    return (gcr_summaries_spec){ .summaries = b->specs,
                                 .output = b->output,
                                 .summary_count = b->count,
                                 .top = top,
                                 .nan_propagates = nan_propagates,
                                 .slots = b->slots,
                                 .points = &b->points };
}

static void bench_create(bench *b, int top, int nan_propagates)
{
    const gcr_summaries_spec spec = bench_spec(b, top, nan_propagates);

    assert_ok(gcr_summaries_create(&b->summaries, &spec, 2));
}

static void bench_close(bench *b)
{
    gcr_summaries_destroy(b->summaries);
    gcr_slots_destroy(b->slots);
}

static void land(bench *b, uint64_t cell, double value)
{
    b->slots->state[cell] = GCR_CELL_OK;
    b->slots->values[0][cell] = value;
}

static void fail_cell(bench *b, uint64_t cell)
{
    b->slots->state[cell] = GCR_CELL_NOT_SPD;
    b->slots->values[0][cell] = gcr_cell_nan(1);
}

static void exclude(bench *b, uint64_t cell)
{
    b->slots->state[cell] = GCR_CELL_EXCLUDED;
    b->slots->values[0][cell] = gcr_cell_nan(0);
}

/* One argmax, argmin ... of the values given, in this order of points. */
static gcr_summary_value reduce(gcr_summary_op op, double q, const double *values, uint64_t count,
                                int nan_propagates)
{
    gcr_summary_value out;
    bench b;

    bench_open(&b, 1, count);
    bench_ask(&b, op, q);
    bench_create(&b, 0, nan_propagates);
    for (uint64_t p = 0; p < count; p++)
        land(&b, p, values[p]);
    gcr_summaries_fire(b.summaries, 0, 0);
    out = gcr_summaries_get(b.summaries, 0, 0);
    bench_close(&b);
    return out;
}

/* ---- the erratum: an index in order of completion is no index into the grid ------------------ */

static void test_argmax_names_the_point_whatever_the_order_in_which_cells_land(void **state)
{
    static const double data[3] = { -1.5, 2, 0.25 }, params[3] = { -1, 0, 1 };
    static const double best[3] = { 1.5, 2, 0.25 };
    static const int64_t point[3] = { 0, 2, 2 };
    static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                      { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

    (void)state;
    for (int order = 0; order < 6; order++) {
        bench b;

        bench_open(&b, 3, 3);
        bench_ask(&b, GCR_SUMMARY_ARGMAX, 0);
        bench_create(&b, 0, 0);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++) {
                const uint64_t d = (uint64_t)orders[5 - order][j], p = (uint64_t)orders[order][i];

                land(&b, 3 * d + p, data[d] * params[p]);
                if (gcr_slots_land(b.slots, d, 1))
                    gcr_summaries_fire(b.summaries, d, 0);
            }
        for (uint64_t d = 0; d < 3; d++) {
            const gcr_summary_value got = gcr_summaries_get(b.summaries, d, 0);

            assert_true(got.value == best[d]);
            assert_int_equal(got.point, point[d]);
        }
        bench_close(&b);
    }
}

/* ---- by hand -------------------------------------------------------------------------------- */

static void test_ties_go_to_the_lowest_point(void **state)
{
    static const double values[] = { 1, 3, 2, 3, 1 };

    (void)state;
    assert_int_equal(reduce(GCR_SUMMARY_ARGMAX, 0, values, 5, 0).point, 1);
    assert_int_equal(reduce(GCR_SUMMARY_ARGMIN, 0, values, 5, 0).point, 0);
}

static void test_minus_zero_ties_with_zero(void **state)
{
    static const double values[] = { -0.0, 0.0 };

    (void)state;
    assert_int_equal(reduce(GCR_SUMMARY_ARGMAX, 0, values, 2, 0).point, 0);
}

static void test_an_infinite_value_is_a_value(void **state)
{
    static const double values[] = { -INFINITY, -INFINITY };
    const gcr_summary_value got = reduce(GCR_SUMMARY_ARGMAX, 0, values, 2, 0);

    (void)state;
    assert_int_equal(got.point, 0);
    assert_true(got.value == -INFINITY);
}

static void test_nan_is_skipped_and_counted(void **state)
{
    static const double values[] = { NAN, 1, NAN, 4, NAN };
    const gcr_summary_value got = reduce(GCR_SUMMARY_ARGMAX, 0, values, 5, 0);

    (void)state;
    assert_int_equal(got.point, 3);
    assert_int_equal(got.skipped, 3);
    assert_true(reduce(GCR_SUMMARY_MEAN, 0, values, 5, 0).value == 2.5);
}

static void test_where_nan_propagates_the_first_one_wins(void **state)
{
    static const double values[] = { 9, NAN, 1, NAN };
    const gcr_summary_value got = reduce(GCR_SUMMARY_ARGMAX, 0, values, 4, 1);

    (void)state;
    assert_true(isnan(got.value));
    assert_int_equal(got.point, 1);
    assert_true(isnan(reduce(GCR_SUMMARY_MEAN, 0, values, 4, 1).value));
    assert_true(isnan(reduce(GCR_SUMMARY_QUANTILE, 0.5, values, 4, 1).value));
}

static void test_where_nan_propagates_a_failed_cell_is_one(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 1, 3);
    bench_ask(&b, GCR_SUMMARY_ARGMIN, 0);
    bench_create(&b, 2, 1);
    land(&b, 0, 1);
    exclude(&b, 1);
    fail_cell(&b, 2);
    gcr_summaries_fire(b.summaries, 0, 0);
    assert_int_equal(gcr_summaries_get(b.summaries, 0, 0).point, 2);
    assert_true(isnan(gcr_summaries_get(b.summaries, 0, 0).value));
    assert_int_equal(gcr_summaries_top(b.summaries, 0, 0).point, 2);
    assert_int_equal(gcr_summaries_top(b.summaries, 0, 1).point, 0);
    bench_close(&b);
}

static void test_a_dataset_in_which_all_failed_has_no_best_point(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 1, 4);
    bench_ask_everything(&b);
    bench_create(&b, TOP, 0);
    for (uint64_t p = 0; p < 4; p++)
        fail_cell(&b, p);
    gcr_summaries_fire(b.summaries, 0, 1);
    for (int s = 0; s < b.count; s++) {
        const gcr_summary_value got = gcr_summaries_get(b.summaries, 0, s);

        assert_true(isnan(got.value));
        assert_int_equal(got.point, -1);
        assert_int_equal(got.skipped, 4);
    }
    assert_int_equal(gcr_summaries_top(b.summaries, 0, 0).point, -1);
    bench_close(&b);
}

static void test_excluded_points_are_neither_used_nor_counted(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 1, 3);
    bench_ask(&b, GCR_SUMMARY_ARGMAX, 0);
    bench_create(&b, 0, 0);
    exclude(&b, 0);
    land(&b, 1, -5);
    fail_cell(&b, 2);
    gcr_summaries_fire(b.summaries, 0, 0);
    assert_int_equal(gcr_summaries_get(b.summaries, 0, 0).point, 1);
    assert_int_equal(gcr_summaries_get(b.summaries, 0, 0).skipped, 1);
    bench_close(&b);
}

static void test_cells_that_were_never_computed_count_as_skipped(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 1, 3);
    bench_ask(&b, GCR_SUMMARY_MEAN, 0);
    bench_create(&b, 0, 0);
    land(&b, 1, 6);
    gcr_slots_seal(b.slots);
    gcr_summaries_fire(b.summaries, 0, 0);
    assert_true(gcr_summaries_get(b.summaries, 0, 0).value == 6);
    assert_int_equal(gcr_summaries_get(b.summaries, 0, 0).skipped, 2);
    bench_close(&b);
}

static void test_a_dataset_that_was_not_reduced_says_so(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 2, 3);
    bench_ask(&b, GCR_SUMMARY_ARGMAX, 0);
    bench_create(&b, 1, 0);
    gcr_summaries_fire(b.summaries, 1, 0);
    assert_false(gcr_summaries_is_fired(b.summaries, 0));
    assert_true(gcr_summaries_is_fired(b.summaries, 1));
    assert_int_equal(gcr_summaries_get(b.summaries, 0, 0).point, -1);
    assert_int_equal(gcr_summaries_get(b.summaries, 0, 0).skipped, 3);
    assert_int_equal(gcr_summaries_top(b.summaries, 0, 0).point, -1);
    bench_close(&b);
}

static void test_top_belongs_to_the_first_summary_that_names_a_point(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 1, 4);
    bench_ask(&b, GCR_SUMMARY_MEAN, 0);
    bench_ask(&b, GCR_SUMMARY_ARGMIN, 0);
    bench_ask(&b, GCR_SUMMARY_ARGMAX, 0);
    bench_create(&b, 3, 0);
    for (uint64_t p = 0; p < 4; p++)
        land(&b, p, (double)(p % 2)); /* 0 1 0 1 */
    gcr_summaries_fire(b.summaries, 0, 0);
    assert_int_equal(gcr_summaries_top_of(b.summaries), 1);
    assert_int_equal(gcr_summaries_top(b.summaries, 0, 0).point, 0);
    assert_int_equal(gcr_summaries_top(b.summaries, 0, 1).point, 2);
    assert_int_equal(gcr_summaries_top(b.summaries, 0, 2).point, 1);
    bench_close(&b);
}

static void test_top_without_argmax_or_argmin_is_of_nothing(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 1, 1);
    bench_ask(&b, GCR_SUMMARY_MEAN, 0);
    bench_create(&b, 3, 0);
    land(&b, 0, 1);
    gcr_summaries_fire(b.summaries, 0, 0);
    assert_int_equal(gcr_summaries_top_of(b.summaries), -1);
    bench_close(&b);
}

static void test_a_mean_is_summed_in_blocks_of_1024_points(void **state)
{
    static double values[2048];
    double first = 0, second = 0;

    (void)state;
    for (int p = 0; p < 2048; p++) {
        values[p] = p == 0 ? 1e16 : 1;
        *(p < 1024 ? &first : &second) += values[p];
    }
    assert_true(reduce(GCR_SUMMARY_MEAN, 0, values, 2048, 0).value == (first + second) / 2048);
}

static void test_sums_of_blocks_are_added_without_rounding(void **state)
{
    static double values[3 * 1024];

    (void)state;
    values[0] = 1e16;
    values[1024] = 1;
    values[2048] = 1;
    assert_true(reduce(GCR_SUMMARY_MEAN, 0, values, 3072, 0).value == (1e16 + 2) / 3072);
}

/* Of 7 datasets in `count` of them, with `threads`. */
static uint64_t bytes_foretold(const bench *b, int count, int top, int threads)
{
    gcr_summaries_spec spec = bench_spec(b, top, 0);

    spec.summary_count = count;
    return gcr_summaries_bytes(&spec, threads, 7);
}

static void test_the_bytes_foretold_for_the_plan_grow_with_quantiles_and_top(void **state)
{
    bench b;

    (void)state;
    bench_open(&b, 7, 1000);
    bench_ask(&b, GCR_SUMMARY_ARGMAX, 0);
    bench_ask(&b, GCR_SUMMARY_QUANTILE, 0.5);
    assert_true(bytes_foretold(&b, 1, 0, 2) >= 7 * sizeof(gcr_summary_value) + 7);
    assert_true(bytes_foretold(&b, 1, 0, 2) < 7 * sizeof(gcr_summary_value) + 7 + 2 * 1000);
    assert_int_equal(bytes_foretold(&b, 2, 0, 2) - bytes_foretold(&b, 1, 0, 2),
                     7 * sizeof(gcr_summary_value) + 2 * 1000 * 8);
    assert_true(bytes_foretold(&b, 1, 3, 2) - bytes_foretold(&b, 1, 0, 2) >=
                7 * 3 * sizeof(gcr_summary_value));
    gcr_slots_destroy(b.slots);
}

/* ---- against brute force -------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A few distinct values, so that there are ties; a tenth each of NaN, failed and excluded. */
static void fill_at_random(bench *b, uint64_t *seed)
{
    for (uint64_t p = 0; p < b->points.point_count; p++) {
        const uint64_t r = next_random(seed) >> 20;

        if (r % 10 == 0)
            land(b, p, NAN);
        else if (r % 10 == 1)
            fail_cell(b, p);
        else if (r % 10 == 2)
            exclude(b, p);
        else
            land(b, p, (double)(r / 10 % 40) / 7 - 3);
        if (r % 97 == 3)
            b->slots->state[p] = GCR_CELL_OK_JITTER;
    }
}

static uint64_t usable_values(const bench *b, double *sorted)
{
    uint64_t count = 0;

    for (uint64_t p = 0; p < b->points.point_count; p++)
        if (gcr_cell_has_result(b->slots->state[p]) && !isnan(b->slots->values[0][p]))
            sorted[count++] = b->slots->values[0][p];
    qsort(sorted, count, sizeof *sorted, by_value);
    return count;
}

static int64_t lowest_point_of(const bench *b, double value)
{
    int64_t p = 0;

    while (!(gcr_cell_has_result(b->slots->state[p]) && b->slots->values[0][p] == value))
        p++;
    return p;
}

static double numpy_quantile(const double *sorted, uint64_t count, double q)
{
    const double place = q * (double)(count - 1);
    const uint64_t low = (uint64_t)place;
    const uint64_t high = low + 1 < count ? low + 1 : low;
    const double t = place - (double)low, step = sorted[high] - sorted[low];

    return t < 0.5 ? sorted[low] + step * t : sorted[high] - step * (1 - t);
}

static void check_top(const bench *b, const double *sorted, uint64_t count)
{
    for (int place = 0; place < TOP; place++) {
        const gcr_summary_value got = gcr_summaries_top(b->summaries, 0, place);
        const gcr_summary_value before =
            gcr_summaries_top(b->summaries, 0, place > 0 ? place - 1 : 0);

        if ((uint64_t)place >= count) {
            assert_int_equal(got.point, -1);
            continue;
        }
        assert_true(got.value == sorted[count - 1 - (uint64_t)place]);
        assert_true(b->slots->values[0][got.point] == got.value);
        if (place > 0 && before.value == got.value)
            assert_true(before.point < got.point);
        else
            assert_int_equal(got.point, lowest_point_of(b, got.value));
    }
}

static void check_everything(const bench *b, const double *sorted, uint64_t count)
{
    const gcr_summary_value *v = NULL;
    gcr_summary_value values[10];
    double sum = 0;

    for (int s = 0; s < 10; s++)
        values[s] = gcr_summaries_get(b->summaries, 0, s);
    v = values;
    for (uint64_t i = 0; i < count; i++)
        sum += sorted[i];
    assert_true(v[0].value == sorted[count - 1]);
    assert_int_equal(v[0].point, lowest_point_of(b, sorted[count - 1]));
    assert_true(v[1].value == sorted[0]);
    assert_int_equal(v[1].point, lowest_point_of(b, sorted[0]));
    assert_true(v[2].value == sorted[count - 1] && v[2].point == -1);
    assert_true(v[3].value == sorted[0] && v[3].point == -1);
    assert_near(v[4].value, sum / (double)count, 1e-13);
    for (int i = 0; i < 5; i++)
        assert_true(v[5 + i].value == numpy_quantile(sorted, count, qs[i]));
}

static void test_all_summaries_agree_with_sorting_the_values(void **state)
{
    static double sorted[POINTS_MAX];
    uint64_t seed = 20250131;

    (void)state;
    for (uint64_t points = 1; points <= POINTS_MAX;
         points = points < 40 ? points + 1 : points * 2) {
        bench b;

        bench_open(&b, 1, points);
        bench_ask_everything(&b);
        bench_create(&b, TOP, 0);
        fill_at_random(&b, &seed);
        gcr_summaries_fire(b.summaries, 0, 1);
        const uint64_t count = usable_values(&b, sorted);

        if (count > 0)
            check_everything(&b, sorted, count);
        check_top(&b, sorted, count);
        bench_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_argmax_names_the_point_whatever_the_order_in_which_cells_land),
        cmocka_unit_test(test_ties_go_to_the_lowest_point),
        cmocka_unit_test(test_minus_zero_ties_with_zero),
        cmocka_unit_test(test_an_infinite_value_is_a_value),
        cmocka_unit_test(test_nan_is_skipped_and_counted),
        cmocka_unit_test(test_where_nan_propagates_the_first_one_wins),
        cmocka_unit_test(test_where_nan_propagates_a_failed_cell_is_one),
        cmocka_unit_test(test_a_dataset_in_which_all_failed_has_no_best_point),
        cmocka_unit_test(test_excluded_points_are_neither_used_nor_counted),
        cmocka_unit_test(test_cells_that_were_never_computed_count_as_skipped),
        cmocka_unit_test(test_a_dataset_that_was_not_reduced_says_so),
        cmocka_unit_test(test_top_belongs_to_the_first_summary_that_names_a_point),
        cmocka_unit_test(test_top_without_argmax_or_argmin_is_of_nothing),
        cmocka_unit_test(test_a_mean_is_summed_in_blocks_of_1024_points),
        cmocka_unit_test(test_sums_of_blocks_are_added_without_rounding),
        cmocka_unit_test(test_the_bytes_foretold_for_the_plan_grow_with_quantiles_and_top),
        cmocka_unit_test(test_all_summaries_agree_with_sorting_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
