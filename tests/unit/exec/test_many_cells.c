/*
 * tests/unit/exec/test_many_cells.c -- numbers of cells that no 32 bits hold, in everything that
 * counts cells.
 *
 * 3 datasets with 5 * 10^9 points each. Of the outputs there are only the pages that are written.
 */
#include "support/gcr_test.h"

#include "exec/desk.h"
#include "exec/landing.h"
#include "exec/packets.h"
#include "results/summary.h"
#include "results/tally.h"

#include "gridcrunch/cell.h"

#include <sys/mman.h>

#define POINTS UINT64_C(5000000000)
#define CELLS (DATASETS * POINTS)
#define BATCH (UINT64_C(1) << 28)
enum { DATASETS = 3 };

static gcr_points *make_points(void)
{
    static double stops[] = { 2000, 2000, 1250 };
    static gcr_axis_spec axes[] = {
        { .name = "a", .form = GCR_AXIS_RANGE, .numbers = &stops[0], .number_count = 1 },
        { .name = "b", .form = GCR_AXIS_RANGE, .numbers = &stops[1], .number_count = 1 },
        { .name = "c", .form = GCR_AXIS_RANGE, .numbers = &stops[2], .number_count = 1 },
    };
    const gcr_job job = { .axes = axes, .axis_count = 3 };
    gcr_points *points = NULL;

    assert_ok(gcr_points_create(&points, &job));
    return points;
}

/* ---- points ---------------------------------------------------------------------------------- */

static void test_a_point_knows_where_it_lies(void **state)
{
    gcr_points *points = make_points();
    const gcr_point_table *table = gcr_points_table(points);
    const uint64_t point = (UINT64_C(1999) * 2000 + 1998) * 1250 + 1249;
    uint64_t coords[GCR_AXES_MAX];
    double values[GCR_AXES_MAX];

    (void)state;
    assert_true(table->point_count == POINTS && table->live_count == POINTS);
    gcr_point_coords(table, point, coords);
    assert_true(coords[0] == 1999 && coords[1] == 1998 && coords[2] == 1249);
    assert_true(gcr_point_at(table, coords) == point);
    gcr_point_values(table, point, values);
    assert_true(values[0] == 1999 && values[1] == 1998 && values[2] == 1249);
    assert_true(gcr_points_select(points, point) == point);
    assert_true(gcr_points_count_before(points, point) == point);
    gcr_points_destroy(points);
}

/* ---- positions ------------------------------------------------------------------------------- */

/* Spans that were dealt, in whatever order. */
typedef struct dealt {
    gcr_span spans[1000];
    int count;
} dealt;

static void note(dealt *d, gcr_span span)
{
    assert_in_range(d->count, 0, 999);
    if (span.count > 0)
        d->spans[d->count++] = span;
}

static int by_first(const void *a, const void *b)
{
    const uint64_t x = ((const gcr_span *)a)->first, y = ((const gcr_span *)b)->first;

    return (x > y) - (x < y);
}

/* They are all positions of `whole`, each once. */
static void assert_dealt(dealt *d, gcr_span whole)
{
    uint64_t next = whole.first;

    qsort(d->spans, (size_t)d->count, sizeof *d->spans, by_first);
    for (int i = 0; i < d->count; i++) {
        assert_true(d->spans[i].first == next);
        next += d->spans[i].count;
    }
    assert_true(next == whole.first + whole.count);
}

/* Workers 0 to asking - 1 of three take all, if only by stealing. */
static void deal(gcr_schedule_form form, int asking)
{
    const gcr_span whole = { POINTS + 7, CELLS - POINTS - 7 };
    const gcr_schedule_spec spec = { .form = form,
                                     .first = whole.first,
                                     .count = whole.count,
                                     .live_count = POINTS,
                                     .batch = BATCH,
                                     .workers = 3 };
    gcr_schedule *schedule;
    dealt d = { 0 };
    gcr_span span;

    assert_ok(gcr_schedule_create(&schedule, &spec));
    for (int left = 1; left;) {
        left = 0;
        for (int w = 0; w < asking; w++)
            if (gcr_schedule_next(schedule, w, BATCH, &span) == GCR_SCHEDULE_NOW) {
                note(&d, span);
                left = 1;
            }
    }
    assert_dealt(&d, whole);
    assert_in_range(d.count, 3, 200);
    gcr_schedule_destroy(schedule);
}

static void test_every_position_is_dealt_once(void **state)
{
    (void)state;
    deal(GCR_SCHEDULE_STATIC, 3);
    deal(GCR_SCHEDULE_CYCLIC, 3);
    for (int asking = 1; asking <= 3; asking++) {
        deal(GCR_SCHEDULE_DYNAMIC, asking);
        deal(GCR_SCHEDULE_GUIDED, asking);
    }
}

static void test_nodes_are_granted_every_position_once(void **state)
{
    const double weights[] = { 1, 3, 2 };
    const int workers[] = { 4, 4, 4 };
    const gcr_desk_spec spec = { .span = { 11, CELLS - 11 },
                                 .live_count = POINTS,
                                 .nodes = 3,
                                 .weights = weights,
                                 .workers = workers };
    const gcr_desk_request request = { .least = BATCH };
    gcr_desk_grant grant = { 0 };
    dealt d = { 0 };
    gcr_desk *desk;

    (void)state;
    assert_ok(gcr_desk_create(&desk, &spec));
    for (int n = 0; n < 3; n++)
        note(&d, gcr_desk_opening(&spec, n));
    for (int n = 0; !grant.is_last; n = (n + 1) % 3) {
        grant = gcr_desk_take(desk, n, &request);
        note(&d, grant.span);
    }
    assert_dealt(&d, spec.span);
    gcr_desk_destroy(desk);
}

/* ---- cells that have landed ------------------------------------------------------------------ */

static void test_landings_join_and_are_believed(void **state)
{
    gcr_points *points = make_points();
    uint8_t somewhere = 0;
    const gcr_slots slots = {
        .dataset_count = DATASETS, .point_count = POINTS, .live_count = POINTS, .state = &somewhere
    };
    gcr_landing to = { .dataset = 2, .first = POINTS - 20, .count = 10, .live = 10 };
    gcr_landing next = { .dataset = 2, .first = POINTS - 10, .count = 9, .live = 9 };
    gcr_landing elsewhere = next;

    (void)state;
    elsewhere.first -= UINT64_C(1) << 32; /* the same to 32 bits */
    assert_false(gcr_landing_join(&to, &elsewhere, points));
    assert_true(gcr_landing_join(&to, &next, points));
    assert_true(to.first == POINTS - 20 && to.count == 19 && to.live == 19);
    assert_ok(gcr_landing_check(&to, &slots, points, 0));
    to.count = to.live = 21;
    assert_status(gcr_landing_check(&to, &slots, points, 0), GCR_EIO);
    gcr_points_destroy(points);
}

/* Where all cells have slots: memory that is taken page by page. */
static void *map(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        skip(); /* this system promises no more than it has */
    return memory;
}

static gcr_slots map_slots(void)
{
    return (gcr_slots){ .dataset_count = DATASETS,
                        .point_count = POINTS,
                        .live_count = POINTS,
                        .output_count = 1,
                        .width = { 1 },
                        .values = { map(CELLS * sizeof(double)) },
                        .state = map(CELLS) };
}

static void unmap_slots(gcr_slots *slots)
{
    munmap(slots->values[0], CELLS * sizeof(double));
    munmap(slots->state, CELLS);
}

static void test_cells_from_afar_come_to_their_slots(void **state)
{
    enum { COUNT = 100 };
    static char behind[COUNT * 9], message[COUNT * 9 + 200];
    const gcr_records_part part = { 2, POINTS - COUNT - 3, COUNT, 0 };
    const uint64_t first = part.dataset * POINTS + part.first;
    gcr_landing landing = {
        .dataset = part.dataset, .first = part.first, .count = COUNT, .live = COUNT
    };
    gcr_records records = { .points = COUNT, .base = malloc(COUNT * 9) };
    gcr_points *points = make_points();
    gcr_slots slots = map_slots();
    gcr_packing packing = { .slots = &slots, .points = points, .bytes = behind, .room = COUNT };
    gcr_packet packet = { .bytes = message, .room = sizeof message };
    const void *at = message, *payload;
    gcr_packet_fresh fresh;
    gcr_unit_tile tile;
    int found;

    (void)state;
    assert_non_null(records.base);
    gcr_records_aim(&records, &slots, &part, &tile);
    for (int i = 0; i < COUNT; i++) {
        ((double *)tile.outputs[0])[i] = i + 1;
        tile.state[i] = GCR_CELL_OK;
    }
    gcr_packing_add(&packing, &landing,
                    &(gcr_packing_source){ .records = &records, .part = &part });
    landing.bytes = gcr_packing_end(&packing);
    assert_true(gcr_packet_put(&packet, &landing, behind));
    assert_ok(gcr_packet_get(&landing, &payload, &found, &at, &packet.used));
    assert_true(found && landing.first == part.first);
    assert_ok(gcr_packet_unpack(&fresh, &slots, points, &landing, payload));
    assert_int_equal(fresh.live, COUNT);
    assert_memory_equal(slots.values[0] + first, tile.outputs[0], COUNT * sizeof(double));
    assert_memory_equal(slots.state + first, tile.state, COUNT);
    assert_int_equal(slots.state[first - 1], GCR_CELL_EMPTY);
    unmap_slots(&slots);
    free(records.base);
    gcr_points_destroy(points);
}

/* ---- what is known of cells that are not kept ------------------------------------------------ */

static void test_a_tally_names_points_and_goes_on_its_way(void **state)
{
    enum { COUNT = 500, LAST = COUNT - 1 };
    static const int outputs[] = { 1, 1 };
    static const gcr_summary_spec specs[] = {
        { .name = "best", .op = GCR_SUMMARY_ARGMAX, .output = "o" },
        { .name = "mean", .op = GCR_SUMMARY_MEAN, .output = "o" },
    };
    const gcr_summaries_spec spec = {
        .summaries = specs, .output = outputs, .summary_count = 2, .top = 1
    };
    const gcr_reduction reduction = gcr_summaries_reduction(&spec);
    const uint64_t first = (POINTS - COUNT) / GCR_PARTIAL_POINTS * GCR_PARTIAL_POINTS;
    const uint64_t landed = POINTS - 1000 + COUNT;
    double values[COUNT];
    uint8_t states[COUNT];
    gcr_tally tally, arrived;
    void *blocks[2], *packed = malloc(gcr_tally_packed_bytes(&reduction));

    (void)state;
    assert_non_null(packed);
    for (int i = 0; i < 2; i++) {
        blocks[i] = malloc(gcr_tally_bytes(&reduction));
        assert_non_null(blocks[i]);
        gcr_tally_place(i == 0 ? &tally : &arrived, blocks[i], &reduction);
    }
    for (int i = 0; i < COUNT; i++) {
        values[i] = i == 300 ? 1000.0 : i;
        states[i] = i == 400 ? GCR_CELL_NOT_SPD : GCR_CELL_OK;
    }
    values[400] = NAN;
    const gcr_partial_block block = {
        .outputs = { values, values }, .width = { 1, 1 }, .state = states, .count = COUNT
    };

    gcr_tally_clear(&tally, &reduction);
    tally.counts[GCR_CELL_OK] = POINTS - 1000; /* of which somebody has told */
    gcr_tally_add(&tally, &reduction, first, &block);
    assert_true(tally.counts[GCR_CELL_OK] == POINTS - 1000 + LAST);
    assert_true(tally.columns[0].point == (int64_t)first + 300);
    assert_true(tally.columns[0].first == (int64_t)first + 400);
    assert_true(tally.failures[0].point == first + 400);
    assert_true(tally.top[0].point == (int64_t)first + 300);
    gcr_tally_pack(packed, &tally, &reduction);
    assert_true(gcr_tally_unpack(&arrived, packed, &reduction, POINTS, POINTS, landed));
    assert_true(arrived.columns[0].point == (int64_t)first + 300);
    assert_true(arrived.counts[GCR_CELL_OK] == POINTS - 1000 + LAST);
    assert_false(gcr_tally_unpack(&arrived, packed, &reduction, first + 300, first + 300, landed));
    free(packed);
    free(blocks[0]);
    free(blocks[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_point_knows_where_it_lies),
        cmocka_unit_test(test_every_position_is_dealt_once),
        cmocka_unit_test(test_nodes_are_granted_every_position_once),
        cmocka_unit_test(test_landings_join_and_are_believed),
        cmocka_unit_test(test_cells_from_afar_come_to_their_slots),
        cmocka_unit_test(test_a_tally_names_points_and_goes_on_its_way),
    };

    return cmocka_run_group_tests_name("many_cells", tests, NULL, NULL);
}
