/* tests/unit/exec/test_teller.c -- what a worker of another rank tells, and when. */
#include "exec/teller.h"

#include "support/live_points.h"

#include "base/memory.h"

typedef struct scene {
    gcr_points *points;
    void *memory;
    gcr_landing_ring writer, reader;
    gcr_teller teller;
} scene;

static void open_scene(scene *s, uint64_t cell_bytes)
{
    s->points = live_points(100000, "a < 50 or a >= 60");
    assert_ok(gcr_memory_create(&s->memory, gcr_landing_bytes(1, 0), 1, "a ring"));
    gcr_landing_attach(&s->writer, s->memory, 0, 0);
    gcr_landing_attach(&s->reader, s->memory, 0, 0);
    const gcr_teller_spec spec = { .ring = &s->writer,
                                   .points = s->points,
                                   .cell_bytes = cell_bytes };

    assert_ok(gcr_teller_open(&s->teller, &spec));
}

static void close_scene(scene *s)
{
    gcr_teller_close(&s->teller);
    assert_true(gcr_landing_is_over(&s->reader));
    gcr_memory_destroy(s->memory);
    gcr_points_destroy(s->points);
}

static void put(scene *s, uint64_t first, uint64_t end)
{
    const gcr_landing landing = { .dataset = 4,
                                  .first = first,
                                  .count = end - first,
                                  .live = gcr_points_rank(s->points, end) -
                                          gcr_points_rank(s->points, first),
                                  .failed = 1 };

    assert_ok(gcr_teller_put(&s->teller, &landing));
}

static int is_told(scene *s, uint64_t first, uint64_t count)
{
    gcr_landing landing;
    int found;

    assert_ok(gcr_landing_get(&landing, NULL, &found, &s->reader));
    if (found) {
        assert_int_equal(landing.dataset, 4);
        assert_int_equal(landing.first, first);
        assert_int_equal(landing.count, count);
    }
    return found;
}

static void test_cells_that_touch_are_told_once_when_the_worker_turns_away(void **state)
{
    scene s;

    (void)state;
    open_scene(&s, 8);
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
    open_scene(&s, 8);
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
    scene s;

    (void)state;
    open_scene(&s, GCR_TELLER_BYTES / 100);
    put(&s, 1000, 1090);
    assert_false(is_told(&s, 0, 0));
    put(&s, 1090, 1110);
    assert_true(is_told(&s, 1000, 110));
    close_scene(&s);
    open_scene(&s, UINT64_C(1) << 30);
    put(&s, 0, 1);
    assert_true(is_told(&s, 0, 1));
    close_scene(&s);
}

static void test_who_has_no_ring_tells_nobody(void **state)
{
    const gcr_teller_spec spec = { 0 };
    const gcr_landing landing = { .live = 1 };
    gcr_teller teller;

    (void)state;
    assert_ok(gcr_teller_open(&teller, &spec));
    assert_ok(gcr_teller_put(&teller, &landing));
    assert_ok(gcr_teller_flush(&teller));
    gcr_teller_close(&teller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_that_touch_are_told_once_when_the_worker_turns_away),
        cmocka_unit_test(test_cells_that_do_not_touch_are_told_each),
        cmocka_unit_test(test_many_bytes_of_cells_are_told_at_once),
        cmocka_unit_test(test_who_has_no_ring_tells_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
