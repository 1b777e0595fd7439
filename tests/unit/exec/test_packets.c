/* tests/unit/exec/test_packets.c -- cells that are packed here are unpacked there, bit for bit. */
#include "exec/packets.h"

#include "support/live_points.h"

#include "gridcrunch/cell.h"

enum { POINTS = 700, DATASETS = 3, CELLS = POINTS * DATASETS, KIND = 2 };

static const int64_t widths[] = { 1, 3 };

typedef struct place {
    gcr_points *points;
    gcr_slots *slots;
} place;

static void open_place(place *p, const char *where, int is_plain)
{
    p->points = live_points(POINTS, where);
    const gcr_slots_spec spec = { .points = gcr_points_table(p->points),
                                  .dataset_count = DATASETS,
                                  .output_count = is_plain ? 1 : 2,
                                  .width = widths,
                                  .has_jitter = !is_plain,
                                  .has_kinds = !is_plain };

    p->slots = NULL;
    assert_ok(gcr_slots_create(&p->slots, &spec));
}

static void close_place(place *p)
{
    gcr_slots_destroy(p->slots);
    gcr_points_destroy(p->points);
}

static void compute(gcr_slots *slots, uint64_t cell)
{
    const uint8_t state = cell % 9 == 4 ? GCR_CELL_NOT_SPD : GCR_CELL_OK;

    for (int o = 0; o < slots->output_count; o++)
        for (uint64_t i = 0; i < (uint64_t)slots->width[o]; i++)
            slots->values[o][cell * (uint64_t)slots->width[o] + i] =
                state == GCR_CELL_OK ? (double)(cell * 10 + i) : gcr_cell_nan((uint32_t)cell);
    slots->state[cell] = state;
    if (slots->jitter_step != NULL)
        slots->jitter_step[cell] = (uint8_t)(cell % 5);
    if (slots->kind != NULL)
        slots->kind[cell] = KIND;
}

static gcr_landing land(place *p, uint64_t dataset, uint64_t first, uint64_t end)
{
    gcr_landing landing = { .dataset = dataset, .first = first, .count = end - first, .cost = 0.5 };

    for (uint64_t point = first; point < end; point++) {
        const uint64_t cell = dataset * POINTS + point;

        if (!gcr_point_is_live(gcr_points_table(p->points), point))
            continue;
        compute(p->slots, cell);
        landing.live++;
        landing.failed += (uint64_t)gcr_cell_is_failed(p->slots->state[cell]);
    }
    return landing;
}

static void assert_same(const place *a, const place *b)
{
    for (int o = 0; o < a->slots->output_count; o++)
        assert_memory_equal(a->slots->values[o], b->slots->values[o],
                            CELLS * (uint64_t)widths[o] * sizeof(double));
    assert_memory_equal(a->slots->state, b->slots->state, CELLS);
    if (a->slots->kind == NULL)
        return;
    assert_memory_equal(a->slots->jitter_step, b->slots->jitter_step, CELLS);
    assert_memory_equal(a->slots->kind, b->slots->kind, CELLS);
}

/* The cells of a part as a batch leaves them: the caller frees it. */
static gcr_records records_of(const place *p, const gcr_records_part *part)
{
    gcr_records none = { 0 }, records = { .points = part->count };
    gcr_unit_tile from, to;

    records.base = calloc(part->count + 1, gcr_records_cell_bytes(p->slots));
    assert_non_null(records.base);
    gcr_records_aim(&none, p->slots, part, &from);
    gcr_records_aim(&records, p->slots, part, &to);
    for (int o = 0; o < p->slots->output_count; o++)
        memcpy(to.outputs[o], from.outputs[o], part->count * (uint64_t)widths[o] * sizeof(double));
    memcpy(to.state, from.state, part->count);
    if (to.jitter_step != NULL)
        memcpy(to.jitter_step, from.jitter_step, part->count);
    return records;
}

/* Packs the landing in records of at most `most` cells, each filled in two steps; they are part of
 * the packet, as far as it has room. */
static void pack(gcr_packet *packet, const place *from, gcr_landing landing, uint64_t most,
                 uint8_t kind)
{
    const gcr_records_part part = { landing.dataset, landing.first, landing.count, 0 };
    const gcr_records records = records_of(from, &part);
    const gcr_packing_source source = { .records = &records, .part = &part, .kind = kind };
    char *bytes = malloc(most * gcr_packet_cell_bytes(from->slots) + 1);

    assert_non_null(bytes++); /* what stands behind a landing is not aligned */
    while (landing.live > 0) {
        gcr_packing packing = {
            .slots = from->slots, .points = from->points, .bytes = bytes, .room = most
        };
        gcr_landing front = gcr_landing_split(&landing, most / 2 + most % 2, from->points), next;

        gcr_packing_add(&packing, &front, &source);
        if (landing.live > 0 && packing.room > packing.live) {
            next = gcr_landing_split(&landing, packing.room - packing.live, from->points);
            gcr_packing_add(&packing, &next, &source);
            assert_true(gcr_landing_join(&front, &next, from->points));
        }
        front.bytes = gcr_packing_end(&packing);
        assert_true(gcr_packet_put(packet, &front, bytes));
    }
    free(bytes - 1);
    free(records.base);
}

/* Unpacks all of a packet, and adds up what was fresh and said. */
static gcr_packet_fresh take(place *to, const gcr_packet *packet, double *cost)
{
    const void *bytes = packet->bytes, *payload;
    uint64_t count = packet->used;
    gcr_packet_fresh all = { 0 }, fresh;
    gcr_landing landing;
    int found;

    for (;;) {
        assert_ok(gcr_packet_get(&landing, &payload, &found, &bytes, &count));
        if (!found)
            return all;
        assert_ok(gcr_packet_unpack(&fresh, to->slots, to->points, &landing, payload));
        all.live += fresh.live;
        all.failed += fresh.failed;
        *cost += landing.cost;
    }
}

/* Spans of random sizes, in records of random sizes, until all has landed. */
static void carry_all(place *from, place *to, uint64_t seed)
{
    static char bytes[1 << 16];
    gcr_packet_fresh all = { 0 };
    uint64_t live = 0, failed = 0;
    double cost = 0.0, sent = 0.0;

    for (uint64_t d = 0; d < DATASETS; d++)
        for (uint64_t first = 0, end; first < POINTS; first = end) {
            gcr_packet packet = { .bytes = bytes + 1, .room = sizeof bytes - 1 };

            end = first + random_below(&seed, 90);
            end = end > POINTS ? POINTS : end;
            const gcr_landing landing = land(from, d, first, end);

            live += landing.live;
            failed += landing.failed;
            cost += landing.live > 0 ? landing.cost : 0.0;
            pack(&packet, from, landing, 1 + random_below(&seed, 50), KIND);
            const gcr_packet_fresh fresh = take(to, &packet, &sent);

            all.live += fresh.live;
            all.failed += fresh.failed;
        }
    assert_int_equal(all.live, live);
    assert_int_equal(all.failed, failed);
    assert_near(sent, cost, 1e-12);
}

static void test_cells_of_random_spans_arrive_bit_for_bit(void **state)
{
    static const char *const wheres[] = { NULL, "a % 3 != 1", "a > 600", "a % 64 < 2 or a > 300" };

    (void)state;
    for (int i = 0; i < 8; i++) {
        place from, to;

        open_place(&from, wheres[i % 4], i >= 4);
        open_place(&to, wheres[i % 4], i >= 4);
        carry_all(&from, &to, (uint64_t)i + 1);
        assert_same(&from, &to);
        close_place(&from);
        close_place(&to);
    }
}

static void test_a_cell_costs_its_bytes_and_a_record_a_landing(void **state)
{
    static char bytes[1 << 16];
    gcr_packet packet = { .bytes = bytes, .room = sizeof bytes };
    place p;

    (void)state;
    open_place(&p, "a % 2 == 0", 0);
    assert_int_equal(gcr_packet_cell_bytes(p.slots), (1 + 3) * 8 + 3);
    pack(&packet, &p, land(&p, 1, 0, POINTS), POINTS, KIND);
    assert_int_equal(packet.used, sizeof(gcr_landing) + POINTS / 2 * 35);
    packet.used = 0;
    pack(&packet, &p, land(&p, 1, 0, POINTS), 100, KIND);
    assert_int_equal(packet.used, 4 * sizeof(gcr_landing) + POINTS / 2 * 35);
    close_place(&p);
}

/* Three spans that overlap; kinds differ, as another device computed what came again. */
static void test_what_comes_twice_is_dropped_and_the_rest_is_fresh(void **state)
{
    static char bytes[1 << 16];
    gcr_packet packet = { .bytes = bytes, .room = sizeof bytes };
    gcr_packet_fresh fresh;
    double cost = 0.0;
    place from, to;

    (void)state;
    open_place(&from, "a != 5", 0);
    open_place(&to, "a != 5", 0);
    pack(&packet, &from, land(&from, 1, 0, 20), 30, KIND);
    fresh = take(&to, &packet, &cost);
    assert_int_equal(fresh.live, 19);
    packet.used = 0;
    pack(&packet, &from, land(&from, 1, 3, 30), 30, KIND + 1);
    fresh = take(&to, &packet, &cost);
    assert_int_equal(fresh.live, 10);
    assert_int_equal(fresh.failed, 1); /* of points 20 to 29, cell 728 */
    for (uint64_t cell = POINTS; cell < POINTS + 30; cell++)
        assert_int_equal(to.slots->kind[cell], cell == POINTS + 5   ? 0
                                               : cell < POINTS + 20 ? KIND
                                                                    : KIND + 1);
    memcpy(to.slots->kind, from.slots->kind, CELLS);
    assert_same(&from, &to);
    close_place(&from);
    close_place(&to);
}

static void test_what_comes_twice_with_other_bits_is_a_conflict(void **state)
{
    for (int part = 0; part < 4; part++) {
        static char bytes[1 << 16];
        gcr_packet packet = { .bytes = bytes, .room = sizeof bytes };
        const void *at = bytes, *payload;
        gcr_packet_fresh fresh;
        gcr_landing landing;
        uint64_t count;
        place from, to;
        int found;

        (void)state;
        open_place(&from, NULL, 0);
        open_place(&to, NULL, 0);
        land(&to, 2, 0, 20);
        landing = land(&from, 2, 10, 30);
        const uint64_t cell = 2 * POINTS + 18;

        if (part == 0)
            from.slots->values[0][cell] = -from.slots->values[0][cell];
        if (part == 1)
            from.slots->values[1][3 * cell + 2] += 1e-9;
        if (part == 2)
            from.slots->state[cell] = GCR_CELL_OK_JITTER;
        if (part == 3)
            from.slots->jitter_step[cell]++;
        pack(&packet, &from, landing, 30, KIND);
        count = packet.used;
        assert_ok(gcr_packet_get(&landing, &payload, &found, &at, &count));
        assert_status(gcr_packet_unpack(&fresh, to.slots, to.points, &landing, payload),
                      GCR_ECONFLICT);
        assert_error_mentions("point 18 of dataset 2 was computed twice");
        close_place(&from);
        close_place(&to);
    }
}

/* Its outputs are zeros then: there is nothing to compare with. */
static void test_what_comes_again_of_a_dataset_that_was_taken_is_dropped(void **state)
{
    static char bytes[1 << 16];
    gcr_packet packet = { .bytes = bytes, .room = sizeof bytes };
    gcr_packet_fresh fresh;
    double cost = 0.0;
    place from, to;

    (void)state;
    open_place(&from, NULL, 0);
    open_place(&to, NULL, 0);
    pack(&packet, &from, land(&from, 1, 0, POINTS), POINTS, KIND);
    fresh = take(&to, &packet, &cost);
    assert_true(gcr_slots_land(to.slots, 1, fresh.live));
    gcr_slots_release(to.slots, 1);
    memset(to.slots->values[0] + POINTS, 0, POINTS * sizeof(double)); /* were it pages of its own */
    fresh = take(&to, &packet, &cost);
    assert_int_equal(fresh.live, 0);
    close_place(&from);
    close_place(&to);
}

static void test_tallies_stand_between_cells(void **state)
{
    static char bytes[1 << 12];
    gcr_packet packet = { .bytes = bytes, .room = 2 * sizeof(gcr_landing) + 11 + 3 };
    gcr_landing landing = { .dataset = 1, .live = 7, .bytes = 11 };
    const void *at = bytes, *payload;
    uint64_t count;
    int found;

    (void)state;
    assert_true(gcr_packet_put(&packet, &landing, "01234567890"));
    assert_false(gcr_packet_put(&packet, &landing, "01234567890"));
    landing.bytes = 3;
    assert_true(gcr_packet_put(&packet, &landing, "abc"));
    count = packet.used;
    assert_ok(gcr_packet_get(&landing, &payload, &found, &at, &count));
    assert_memory_equal(payload, "01234567890", 11);
    assert_ok(gcr_packet_get(&landing, &payload, &found, &at, &count));
    assert_int_equal(landing.bytes, 3);
    assert_memory_equal(payload, "abc", 3);
    assert_ok(gcr_packet_get(&landing, &payload, &found, &at, &count));
    assert_false(found);
}

/* A packet with any bytes changed, or cut anywhere: read to its end or refused. Under
 * AddressSanitizer a step outside is seen; here what lies around the slots is. */
static void test_wrong_packets_are_refused_and_write_nowhere_else(void **state)
{
    static char bytes[1 << 13];
    uint64_t seed = 4711, refused = 0;
    place from, to;

    (void)state;
    open_place(&from, "a % 7 != 3", 0);
    open_place(&to, "a % 7 != 3", 0);
    for (int round = 0; round < 20000; round++) {
        gcr_packet packet = { .bytes = bytes, .room = sizeof bytes };
        gcr_landing landing;
        const void *payload;
        uint64_t count;
        char *copy;
        int found = 1;
        gcr_status got = GCR_OK;

        pack(&packet, &from, land(&from, 1, 20, 60), 60, KIND);
        pack(&packet, &from, land(&from, 1, 100, 130), 60, KIND);
        count = round % 3 == 0 ? random_below(&seed, packet.used) : packet.used;
        copy = malloc(count + 1);
        assert_non_null(copy);
        memcpy(copy, bytes, count);
        for (int i = 0; i < 4 && round % 3 != 0 && count > 0; i++)
            copy[random_below(&seed, i % 2 == 0 ? sizeof landing : count)] =
                (char)(random_below(&seed, 3) == 0 ? random_below(&seed, 256) : 0xff);
        for (const void *at = copy; got == GCR_OK && found;) {
            gcr_packet_fresh fresh;

            got = gcr_packet_get(&landing, &payload, &found, &at, &count);
            if (got == GCR_OK && found)
                got = gcr_packet_unpack(&fresh, to.slots, to.points, &landing, payload);
        }
        refused += got != GCR_OK;
        free(copy);
    }
    assert_true(refused > 10000);
    for (uint64_t point = 3; point < POINTS; point += 7)
        for (uint64_t d = 0; d < DATASETS; d++)
            assert_int_equal(to.slots->state[d * POINTS + point], GCR_CELL_EXCLUDED);
    close_place(&from);
    close_place(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_of_random_spans_arrive_bit_for_bit),
        cmocka_unit_test(test_a_cell_costs_its_bytes_and_a_record_a_landing),
        cmocka_unit_test(test_what_comes_twice_is_dropped_and_the_rest_is_fresh),
        cmocka_unit_test(test_what_comes_twice_with_other_bits_is_a_conflict),
        cmocka_unit_test(test_what_comes_again_of_a_dataset_that_was_taken_is_dropped),
        cmocka_unit_test(test_tallies_stand_between_cells),
        cmocka_unit_test(test_wrong_packets_are_refused_and_write_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
