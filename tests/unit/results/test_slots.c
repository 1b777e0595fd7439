/* Slots: what stands where, and who is told that a dataset is complete. */
#include "support/gcr_test.h"

#include "base/pool.h"
#include "results/slots.h"

#include "gridcrunch/cell.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t widths[2] = { 1, 3 };

static gcr_point_table table_of(uint64_t points, const uint64_t *live, uint64_t live_count)
{
    return (gcr_point_table){ .point_count = points, .live_count = live_count, .live = live };
}

static gcr_slots *create(uint64_t datasets, const gcr_point_table *points, int has_jitter)
{
    const gcr_slots_spec spec = {
        .points = points,
        .dataset_count = datasets,
        .output_count = 2,
        .width = widths,
        .has_jitter = has_jitter,
    };
    gcr_slots *slots = NULL;

    assert_ok(gcr_slots_create(&slots, &spec));
    return slots;
}

static void test_all_cells_are_empty_at_first(void **state)
{
    const gcr_point_table points = table_of(5, NULL, 5);
    gcr_slots *slots = create(2, &points, 1);

    (void)state;
    for (int cell = 0; cell < 10; cell++) {
        assert_int_equal(slots->state[cell], GCR_CELL_EMPTY);
        assert_int_equal(slots->jitter_step[cell], 0);
    }
    gcr_slots_destroy(slots);
}

static void test_without_a_ladder_there_are_no_jitter_steps(void **state)
{
    const gcr_point_table points = table_of(5, NULL, 5);
    gcr_slots *slots = create(2, &points, 0);

    (void)state;
    assert_null(slots->jitter_step);
    gcr_slots_destroy(slots);
}

static void test_excluded_points_are_marked_and_nan_in_every_dataset(void **state)
{
    const uint64_t live = 0x1d; /* all but point 1 */
    const gcr_point_table points = table_of(5, &live, 4);
    gcr_slots *slots = create(2, &points, 0);

    (void)state;
    for (int d = 0; d < 2; d++) {
        const int cell = 5 * d + 1;

        assert_int_equal(slots->state[cell], GCR_CELL_EXCLUDED);
        assert_true(isnan(slots->values[0][cell]));
        for (int i = 0; i < 3; i++)
            assert_true(isnan(slots->values[1][3 * cell + i]));
        assert_int_equal(slots->state[cell + 1], GCR_CELL_EMPTY);
        assert_true(slots->values[1][3 * (cell + 1)] == 0);
    }
    gcr_slots_destroy(slots);
}

static void test_only_the_last_cell_to_land_completes_its_dataset(void **state)
{
    const gcr_point_table points = table_of(5, NULL, 5);
    gcr_slots *slots = create(2, &points, 0);

    (void)state;
    assert_false(gcr_slots_land(slots, 0, 2));
    assert_false(gcr_slots_land(slots, 1, 4));
    assert_true(gcr_slots_land(slots, 0, 3));
    assert_true(gcr_slots_land(slots, 1, 1));
    gcr_slots_destroy(slots);
}

static void test_excluded_points_are_not_waited_for(void **state)
{
    const uint64_t live = 0x3;
    const gcr_point_table points = table_of(5, &live, 2);
    gcr_slots *slots = create(1, &points, 0);

    (void)state;
    assert_true(gcr_slots_land(slots, 0, 2));
    gcr_slots_destroy(slots);
}

enum { THREADS = 4, CELLS_EACH = 5000 };

typedef struct landing {
    gcr_slots *slots;
    atomic_int told;
    atomic_int all_seen;
} landing;

/* Each thread lands its cells one by one; the one that is told reads what all have written. */
static void land_some(void *arg, int worker)
{
    landing *l = arg;

    for (int i = 0; i < CELLS_EACH; i++) {
        l->slots->values[0][worker * CELLS_EACH + i] = 1;
        if (gcr_slots_land(l->slots, 0, 1)) {
            double sum = 0;

            for (int cell = 0; cell < THREADS * CELLS_EACH; cell++)
                sum += l->slots->values[0][cell];
            atomic_fetch_add(&l->told, 1);
            atomic_store(&l->all_seen, sum == THREADS * CELLS_EACH);
        }
    }
}

static void test_one_thread_of_many_is_told_and_sees_what_all_have_written(void **state)
{
    const gcr_point_table points = table_of(THREADS * CELLS_EACH, NULL, THREADS * CELLS_EACH);
    landing l = { .slots = create(1, &points, 0) };
    gcr_pool *pool = NULL;

    (void)state;
    assert_ok(gcr_pool_create(&pool, THREADS));
    gcr_pool_start(pool, land_some, &l);
    assert_true(gcr_pool_wait(pool, -1));
    gcr_pool_destroy(pool);
    assert_int_equal(atomic_load(&l.told), 1);
    assert_true(atomic_load(&l.all_seen));
    gcr_slots_destroy(l.slots);
}

static void test_sealing_gives_nan_to_empty_cells_and_to_no_other(void **state)
{
    const gcr_point_table points = table_of(3, NULL, 3);
    gcr_slots *slots = create(2, &points, 0);

    (void)state;
    slots->state[1] = GCR_CELL_OK;
    slots->values[0][1] = 7;
    gcr_slots_land(slots, 0, 1);
    for (int cell = 3; cell < 6; cell++)
        slots->state[cell] = GCR_CELL_OK;
    gcr_slots_land(slots, 1, 3);
    gcr_slots_seal(slots);
    assert_true(isnan(slots->values[0][0]));
    assert_true(isnan(slots->values[1][2]));
    assert_true(slots->values[0][1] == 7);
    assert_true(slots->values[0][4] == 0);
    assert_int_equal(slots->state[0], GCR_CELL_EMPTY);
    gcr_slots_destroy(slots);
}

static void test_states_are_counted_also_where_a_block_is_not_all_ok(void **state)
{
    enum { POINTS = 1500 };
    const gcr_point_table points = table_of(POINTS, NULL, POINTS);
    gcr_slots *slots = create(2, &points, 0);
    uint64_t counts[GCR_CELL_STATE_COUNT];

    (void)state;
    memset(slots->state, GCR_CELL_OK, 2 * POINTS);
    slots->state[9] = GCR_CELL_NOT_SPD;
    slots->state[POINTS - 1] = GCR_CELL_NAN_IN;
    slots->state[2 * POINTS - 1] = GCR_CELL_EMPTY;
    gcr_slots_count(slots, counts);
    assert_int_equal(counts[GCR_CELL_OK], 2 * POINTS - 3);
    assert_int_equal(counts[GCR_CELL_NOT_SPD], 1);
    assert_int_equal(counts[GCR_CELL_NAN_IN], 1);
    assert_int_equal(counts[GCR_CELL_EMPTY], 1);
    gcr_slots_count_dataset(slots, 1, counts);
    assert_int_equal(counts[GCR_CELL_OK], POINTS - 1);
    assert_int_equal(counts[GCR_CELL_EMPTY], 1);
    gcr_slots_destroy(slots);
}

static void test_too_many_cells_for_64_bits_are_refused(void **state)
{
    const gcr_point_table points = table_of(UINT64_C(1) << 40, NULL, UINT64_C(1) << 40);
    const gcr_slots_spec spec = {
        .points = &points,
        .dataset_count = UINT64_C(1) << 40,
        .output_count = 2,
        .width = widths,
    };
    gcr_slots *slots = (gcr_slots *)8;

    (void)state;
    assert_status(gcr_slots_create(&slots, &spec), GCR_EOVERFLOW);
    assert_null(slots);
    assert_error_mentions("more cells than 64 bits can count");
}

static void test_more_outputs_than_memory_are_refused(void **state)
{
    const gcr_point_table points = table_of(UINT64_C(1) << 50, NULL, UINT64_C(1) << 50);
    const gcr_slots_spec spec = {
        .points = &points,
        .dataset_count = 1,
        .output_count = 2,
        .width = widths,
    };
    gcr_slots *slots = (gcr_slots *)8;

    (void)state;
    assert_status(gcr_slots_create(&slots, &spec), GCR_ENOMEM);
    assert_null(slots);
    assert_error_mentions("the outputs of all cells");
}

/* ---- in memory that is given ----------------------------------------------------------------- */

typedef struct given {
    gcr_point_table points;
    gcr_slots_spec spec;
    uint64_t bytes;
    int file;
} given;

static void *map_again(const given *g)
{
    void *block = mmap(NULL, g->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, g->file, 0);

    assert_true(block != MAP_FAILED);
    return block;
}

static uint64_t bytes_taken(const given *g)
{
    struct stat about;

    assert_int_equal(fstat(g->file, &about), 0);
    return (uint64_t)about.st_blocks * 512;
}

static void give(given *g, uint64_t datasets, uint64_t points, const uint64_t *live,
                 uint64_t live_count)
{
    *g = (given){ .points = table_of(points, live, live_count) };
    g->spec = (gcr_slots_spec){
        .points = &g->points,
        .dataset_count = datasets,
        .output_count = 2,
        .width = widths,
        .has_jitter = 1,
        .has_kinds = 1,
    };
    assert_ok(gcr_slots_bytes(&g->bytes, &g->spec));
    g->file = memfd_create("slots", 0);
    assert_true(g->file >= 0);
    assert_int_equal(ftruncate(g->file, (off_t)g->bytes), 0);
}

static gcr_slots *create_in(given *g, int leaves_excluded)
{
    gcr_slots *slots = NULL;

    g->spec.block = map_again(g);
    g->spec.leaves_excluded = leaves_excluded;
    assert_ok(gcr_slots_create(&slots, &g->spec));
    return slots;
}

static void leave_out(given *g, gcr_slots *slots)
{
    void *block = slots->values[0];

    gcr_slots_destroy(slots);
    assert_int_equal(munmap(block, g->bytes), 0);
}

static void fill_cell(gcr_slots *slots, uint64_t cell)
{
    slots->values[0][cell] = (double)cell;
    for (uint64_t i = 0; i < 3; i++)
        slots->values[1][3 * cell + i] = (double)(10 * cell + i);
    slots->state[cell] = GCR_CELL_OK_JITTER;
    slots->jitter_step[cell] = (uint8_t)(cell % 7 + 1);
    slots->kind[cell] = 2;
}

static void assert_cell(const gcr_slots *slots, uint64_t cell)
{
    assert_true(slots->values[0][cell] == (double)cell);
    for (uint64_t i = 0; i < 3; i++)
        assert_true(slots->values[1][3 * cell + i] == (double)(10 * cell + i));
    assert_int_equal(slots->state[cell], GCR_CELL_OK_JITTER);
    assert_int_equal(slots->jitter_step[cell], cell % 7 + 1);
    assert_int_equal(slots->kind[cell], 2);
}

static void test_processes_write_their_cells_in_place_in_memory_they_share(void **state)
{
    const uint64_t live = 0x1d; /* all but point 1 */
    int ended = -1;
    given g;

    (void)state;
    give(&g, 3, 5, &live, 4);
    gcr_slots *slots = create_in(&g, 0);
    const pid_t child = fork();

    if (child == 0) { /* maps it elsewhere, and writes odd cells */
        gcr_slots *theirs = create_in(&g, 1);

        for (uint64_t cell = 3; cell < 15; cell += 2)
            if (cell % 5 != 1)
                fill_cell(theirs, cell);
        _exit(theirs->values[0] == slots->values[0]);
    }
    for (uint64_t cell = 0; cell < 15; cell += 2)
        if (cell % 5 != 1)
            fill_cell(slots, cell);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    for (uint64_t cell = 0; cell < 15; cell++) {
        if (cell % 5 != 1) {
            assert_cell(slots, cell);
            continue;
        }
        assert_int_equal(slots->state[cell], GCR_CELL_EXCLUDED);
        assert_true(isnan(slots->values[0][cell]));
    }
    leave_out(&g, slots);
    close(g.file);
}

static void test_where_excluded_points_are_left_no_memory_is_taken(void **state)
{
    enum { POINTS = 64 * 1000 };
    static uint64_t live[1000];
    given g;

    (void)state;
    live[0] = 1;
    give(&g, 2, POINTS, live, 1);
    gcr_slots *slots = create_in(&g, 1);

    assert_int_equal(bytes_taken(&g), 0);
    leave_out(&g, slots);
    close(g.file);
}

static void test_a_dataset_whose_outputs_are_released_keeps_its_states(void **state)
{
    enum { POINTS = 20000 };
    given g;

    (void)state;
    give(&g, 3, POINTS, NULL, POINTS);
    gcr_slots *slots = create_in(&g, 0);

    for (uint64_t cell = 0; cell < 3 * POINTS; cell++)
        fill_cell(slots, cell);
    const uint64_t full = bytes_taken(&g);

    gcr_slots_release(slots, 1);
    assert_true(bytes_taken(&g) <= full - POINTS * UINT64_C(4) * sizeof(double) + 4 * 4096);
    assert_int_equal(slots->state[POINTS + 7], GCR_CELL_OK_JITTER);
    assert_cell(slots, POINTS - 1);
    assert_cell(slots, 2 * POINTS);
    leave_out(&g, slots);
    close(g.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processes_write_their_cells_in_place_in_memory_they_share),
        cmocka_unit_test(test_where_excluded_points_are_left_no_memory_is_taken),
        cmocka_unit_test(test_a_dataset_whose_outputs_are_released_keeps_its_states),
        cmocka_unit_test(test_all_cells_are_empty_at_first),
        cmocka_unit_test(test_without_a_ladder_there_are_no_jitter_steps),
        cmocka_unit_test(test_excluded_points_are_marked_and_nan_in_every_dataset),
        cmocka_unit_test(test_only_the_last_cell_to_land_completes_its_dataset),
        cmocka_unit_test(test_excluded_points_are_not_waited_for),
        cmocka_unit_test(test_one_thread_of_many_is_told_and_sees_what_all_have_written),
        cmocka_unit_test(test_sealing_gives_nan_to_empty_cells_and_to_no_other),
        cmocka_unit_test(test_states_are_counted_also_where_a_block_is_not_all_ok),
        cmocka_unit_test(test_too_many_cells_for_64_bits_are_refused),
        cmocka_unit_test(test_more_outputs_than_memory_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
