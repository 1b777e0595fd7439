/* tests/unit/exec/test_teller.c -- what a worker of another rank tells, and when. */
#include "exec/teller.h"

#include "support/live_points.h"

#include "base/clock.h"
#include "base/memory.h"

#include "gridcrunch/cell.h"

#include <math.h>

enum { POINTS = 2000, MOST = 1000 };

static const int64_t widths[] = { 1 };

typedef struct scene {
    gcr_points *points;
    gcr_slots *slots;
    void *memory;
    gcr_landing_ring writer, reader;
    gcr_teller teller;
} scene;

static gcr_slots_spec spec_of(const scene *s, const int64_t *width)
{
    return (gcr_slots_spec){
        .points = gcr_points_table(s->points), .dataset_count = 5, .output_count = 1, .width = width
    };
}

/* Behind a record are at most so many bytes: of cells that are sent, if there are any. */
static void open_scene(scene *s, const int64_t *width, uint64_t most)
{
    s->points = live_points(POINTS, "a < 50 or a >= 60");
    const gcr_slots_spec slots = spec_of(s, width);

    assert_ok(gcr_slots_create(&s->slots, &slots));
    assert_ok(gcr_memory_create(&s->memory, gcr_landing_bytes(1, most), 1, "a ring"));
    gcr_landing_attach(&s->writer, s->memory, 0, most);
    gcr_landing_attach(&s->reader, s->memory, 0, most);
    const gcr_teller_spec spec = {
        .ring = &s->writer, .points = s->points, .slots = s->slots, .sends_cells = most > 0
    };

    gcr_teller_open(&s->teller, &spec);
}

static void close_scene(scene *s)
{
    gcr_teller_close(&s->teller);
    assert_true(gcr_landing_is_over(&s->reader));
    gcr_memory_destroy(s->memory);
    gcr_slots_destroy(s->slots);
    gcr_points_destroy(s->points);
}

static double value_of(uint64_t point)
{
    return (double)point / 3;
}

/* Cells that a batch has computed, so long after the worker told something. */
static void put_after(scene *s, double silence, uint64_t first, uint64_t end)
{
    const gcr_records_part part = { .dataset = 4, .first = first, .count = end - first };
    const gcr_landing landing = { .dataset = 4,
                                  .first = first,
                                  .count = end - first,
                                  .live = gcr_points_count_before(s->points, end) -
                                          gcr_points_count_before(s->points, first),
                                  .failed = 1 };
    gcr_records records = { .points = part.count };
    const gcr_packing_source cells = { .records = &records, .part = &part };
    gcr_unit_tile tile;

    records.base = calloc(part.count, gcr_records_cell_bytes(s->slots));
    assert_non_null(records.base);
    gcr_records_aim(&records, s->slots, &part, &tile);
    for (uint64_t i = 0; i < part.count; i++) {
        tile.outputs[0][i * (uint64_t)tile.width[0]] = value_of(first + i);
        tile.state[i] = GCR_CELL_OK;
    }
    s->teller.told = gcr_clock_seconds() - silence;
    assert_ok(gcr_teller_put(&s->teller, &landing, &cells));
    free(records.base);
}

/* However long this test is held up. */
static void put(scene *s, uint64_t first, uint64_t end)
{
    put_after(s, -INFINITY, first, end);
}

/* The live ones, one behind the other. */
static void assert_cells(const scene *s, const gcr_landing *landing, const char *behind)
{
    const uint64_t before = gcr_points_count_before(s->points, landing->first);

    assert_int_equal(landing->bytes, landing->live * (sizeof(double) + 1));
    for (uint64_t i = 0; i < landing->live; i++) {
        const double want = value_of(gcr_points_select(s->points, before + i));

        assert_memory_equal(behind + i * sizeof want, &want, sizeof want);
        assert_int_equal(behind[landing->live * sizeof want + i], GCR_CELL_OK);
    }
}

static int is_told(scene *s, uint64_t first, uint64_t count)
{
    gcr_landing landing;
    const void *behind;
    int found;

    assert_ok(gcr_landing_get(&landing, &behind, &found, &s->reader));
    if (!found)
        return 0;
    assert_int_equal(landing.dataset, 4);
    assert_int_equal(landing.first, first);
    assert_int_equal(landing.count, count);
    if (landing.bytes > 0)
        assert_cells(s, &landing, behind);
    gcr_landing_drop(&s->reader, &landing);
    return 1;
}

static void test_cells_that_touch_are_told_once_when_the_worker_turns_away(void **state)
{
    scene s;

    (void)state;
    open_scene(&s, widths, 0);
    put(&s, 10, 20);
    put(&s, 20, 50);
    put(&s, 60, 70); /* what is between is left out */
    assert_false(is_told(&s, 0, 0));
    assert_ok(gcr_teller_flush(&s.teller));
    assert_true(is_told(&s, 10, 60));
    assert_ok(gcr_teller_flush(&s.teller));
    assert_false(is_told(&s, 0, 0));
    close_scene(&s);
}

static void test_cells_that_do_not_touch_are_told_each(void **state)
{
    scene s;

    (void)state;
    open_scene(&s, widths, 0);
    put(&s, 10, 20);
    put(&s, 21, 30);
    assert_true(is_told(&s, 10, 10));
    assert_false(is_told(&s, 0, 0));
    assert_ok(gcr_teller_flush(&s.teller));
    assert_true(is_told(&s, 21, 9));
    close_scene(&s);
}

static void test_many_bytes_of_cells_are_told_at_once(void **state)
{
    static const int64_t wide[] = { GCR_TELLER_BYTES / 100 / 8 },
                         wider[] = { GCR_TELLER_BYTES / 8 };
    scene s;

    (void)state;
    open_scene(&s, wide, 0);
    put(&s, 1000, 1090);
    assert_false(is_told(&s, 0, 0));
    put(&s, 1090, 1110);
    assert_true(is_told(&s, 1000, 110));
    close_scene(&s);
    open_scene(&s, wider, 0);
    put(&s, 0, 1);
    assert_true(is_told(&s, 0, 1));
    close_scene(&s);
}

/* The next cell may last for hours; but rank 0 is not to be told of each batch. */
static void test_what_has_landed_does_not_wait_for_the_next_cell(void **state)
{
    scene s;

    (void)state;
    open_scene(&s, widths, 0);
    put_after(&s, 0.001, 0, 10);
    assert_false(is_told(&s, 0, 0));
    put_after(&s, 0.02, 10, 20);
    put_after(&s, 0.02, 20, 30); /* nobody has taken what was told */
    assert_true(is_told(&s, 0, 20));
    assert_false(is_told(&s, 0, 0));
    put_after(&s, 0.02, 30, 40);
    put_after(&s, 0.2, 40, 50);
    assert_true(is_told(&s, 20, 20));
    assert_true(is_told(&s, 40, 10));
    assert_false(is_told(&s, 0, 0));
    close_scene(&s);
}

/* Of 9 bytes each: 111 in a record of at most 1000. */
static void test_cells_that_are_sent_stand_behind_their_record(void **state)
{
    scene s;

    (void)state;
    open_scene(&s, widths, MOST);
    put(&s, 10, 20);
    put(&s, 20, 50);
    put(&s, 60, 70); /* what is between is left out */
    assert_false(is_told(&s, 0, 0));
    put(&s, 80, 90);
    assert_true(is_told(&s, 10, 60));
    assert_ok(gcr_teller_flush(&s.teller));
    assert_true(is_told(&s, 80, 10));
    assert_false(is_told(&s, 0, 0));
    close_scene(&s);
}

static void test_more_cells_than_a_record_has_room_for_are_told_in_several(void **state)
{
    scene s;

    (void)state;
    open_scene(&s, widths, MOST);
    put(&s, 0, 61);
    put(&s, 61, 300);
    assert_true(is_told(&s, 0, 121)); /* ten are left out */
    assert_true(is_told(&s, 121, 111));
    assert_false(is_told(&s, 0, 0));
    assert_ok(gcr_teller_flush(&s.teller));
    assert_true(is_told(&s, 232, 68));
    close_scene(&s);
}

static void test_a_worker_that_waits_for_room_is_told_when_nobody_takes_records(void **state)
{
    const gcr_landing landing = { .count = POINTS, .live = POINTS - 10 };
    const gcr_records_part part = { .count = POINTS };
    gcr_records records = { .points = POINTS };
    const gcr_packing_source cells = { .records = &records, .part = &part };
    scene s;

    (void)state;
    open_scene(&s, widths, MOST);
    records.base = calloc(POINTS, 9);
    assert_non_null(records.base);
    gcr_landing_close(&s.reader);
    assert_status(gcr_teller_put(&s.teller, &landing, &cells), GCR_ECLOSED);
    free(records.base);
    close_scene(&s);
}

static void test_who_has_no_ring_tells_nobody(void **state)
{
    const gcr_teller_spec spec = { 0 };
    const gcr_landing landing = { .live = 1 };
    gcr_teller teller;

    (void)state;
    gcr_teller_open(&teller, &spec);
    assert_ok(gcr_teller_put(&teller, &landing, NULL));
    assert_ok(gcr_teller_flush(&teller));
    gcr_teller_close(&teller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_that_touch_are_told_once_when_the_worker_turns_away),
        cmocka_unit_test(test_cells_that_do_not_touch_are_told_each),
        cmocka_unit_test(test_many_bytes_of_cells_are_told_at_once),
        cmocka_unit_test(test_what_has_landed_does_not_wait_for_the_next_cell),
        cmocka_unit_test(test_cells_that_are_sent_stand_behind_their_record),
        cmocka_unit_test(test_more_cells_than_a_record_has_room_for_are_told_in_several),
        cmocka_unit_test(test_a_worker_that_waits_for_room_is_told_when_nobody_takes_records),
        cmocka_unit_test(test_who_has_no_ring_tells_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
