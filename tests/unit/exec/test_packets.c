/* tests/unit/exec/test_packets.c -- cells that are packed here are unpacked there, bit for bit. */
#include "exec/packets.h"

#include "support/live_points.h"

#include "gridcrunch/cell.h"

enum { POINTS = 700, DATASETS = 3, CELLS = POINTS * DATASETS };

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
        slots->kind[cell] = 1 + cell % 2;
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

/* Unpacks all of a packet, and adds up what was fresh. */
static gcr_packet_fresh take(place *to, const gcr_packet *packet)
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
    }
}

/* Spans of random sizes, in packets of random sizes, until all has landed: in dataset `d` by steps. */
static void carry_all(place *from, place *to, uint64_t seed)
{
    gcr_packet_fresh all = { 0 };
    uint64_t live = 0, failed = 0;
    double cost = 0.0, sent = 0.0;

    for (uint64_t d = 0; d < DATASETS; d++)
        for (uint64_t first = 0, end; first < POINTS; first = end) {
            end = first + random_below(&seed, 90);
            end = end > POINTS ? POINTS : end;
            gcr_landing landing = land(from, d, first, end);
            int is_all = 0;

            live += landing.live;
            failed += landing.failed;
            cost += landing.live > 0 ? landing.cost : 0.0;
            while (!is_all) {
                gcr_packet packet = { .room = gcr_packet_least(from->slots, 0) +
                                              random_below(&seed, 1500) };
                gcr_landing head;

                packet.bytes = malloc(packet.room + 1);
                assert_non_null(packet.bytes++); /* messages are not aligned */
                is_all = gcr_packet_put_cells(&packet, &landing, from->slots, from->points);
                assert_true(packet.used <= packet.room);
                if (packet.used > 0) {
                    memcpy(&head, packet.bytes, sizeof head);
                    sent += head.cost;
                }
                const gcr_packet_fresh fresh = take(to, &packet);

                all.live += fresh.live;
                all.failed += fresh.failed;
                free(packet.bytes - 1);
            }
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

static void test_a_cell_costs_its_bytes_and_a_span_a_landing(void **state)
{
    static char bytes[1 << 16];
    gcr_packet packet = { .bytes = bytes, .room = sizeof bytes };
    gcr_landing landing;
    place p;

    (void)state;
    open_place(&p, "a % 2 == 0", 0);
    assert_int_equal(gcr_packet_cell_bytes(p.slots), (1 + 3) * 8 + 3);
    landing = land(&p, 1, 0, POINTS);
    assert_true(gcr_packet_put_cells(&packet, &landing, p.slots, p.points));
    assert_int_equal(packet.used, sizeof landing + POINTS / 2 * 35);
    close_place(&p);
}

static void test_a_packet_without_room_takes_nothing(void **state)
{
    static char bytes[1 << 16];
    gcr_packet packet = { .bytes = bytes };
    gcr_landing landing, before;
    place p;

    (void)state;
    open_place(&p, NULL, 0);
    before = landing = land(&p, 0, 0, 10);
    packet.room = gcr_packet_least(p.slots, 0) - 1;
    assert_false(gcr_packet_put_cells(&packet, &landing, p.slots, p.points));
    assert_int_equal(packet.used, 0);
    assert_memory_equal(&landing, &before, sizeof before);
    packet.room = gcr_packet_least(p.slots, 0);
    assert_false(gcr_packet_put_cells(&packet, &landing, p.slots, p.points));
    assert_int_equal(landing.live, 9);
    close_place(&p);
}

/* Three spans that overlap; kinds differ, as another device computed what came again. */
static void test_what_comes_twice_is_dropped_and_the_rest_is_fresh(void **state)
{
    static char bytes[1 << 16];
    gcr_packet packet = { .bytes = bytes, .room = sizeof bytes };
    gcr_landing landing;
    gcr_packet_fresh fresh;
    place from, to;

    (void)state;
    open_place(&from, "a != 5", 0);
    open_place(&to, "a != 5", 0);
    landing = land(&from, 1, 0, 20);
    assert_true(gcr_packet_put_cells(&packet, &landing, from.slots, from.points));
    fresh = take(&to, &packet);
    assert_int_equal(fresh.live, 19);
    packet.used = 0;
    landing = land(&from, 1, 3, 30);
    from.slots->kind[POINTS + 4] ^= 3;
    assert_true(gcr_packet_put_cells(&packet, &landing, from.slots, from.points));
    fresh = take(&to, &packet);
    assert_int_equal(fresh.live, 10);
    assert_int_equal(fresh.failed, 1); /* of points 20 to 29, cell 728 */
    from.slots->kind[POINTS + 4] ^= 3;
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
        assert_true(gcr_packet_put_cells(&packet, &landing, from.slots, from.points));
        count = packet.used;
        assert_ok(gcr_packet_get(&landing, &payload, &found, &at, &count));
        assert_status(gcr_packet_unpack(&fresh, to.slots, to.points, &landing, payload),
                      GCR_ECONFLICT);
        assert_error_mentions("point 18 of dataset 2 was computed twice");
        close_place(&from);
        close_place(&to);
    }
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
    assert_true(gcr_packet_put_tally(&packet, &landing, "01234567890"));
    assert_false(gcr_packet_put_tally(&packet, &landing, "01234567890"));
    landing.bytes = 3;
    assert_true(gcr_packet_put_tally(&packet, &landing, "abc"));
    count = packet.used;
    assert_ok(gcr_packet_get(&landing, &payload, &found, &at, &count));
    assert_memory_equal(payload, "01234567890", 11);
    assert_ok(gcr_packet_get(&landing, &payload, &found, &at, &count));
    assert_int_equal(landing.bytes, 3);
    assert_memory_equal(payload, "abc", 3);
    assert_ok(gcr_packet_get(&landing, &payload, &found, &at, &count));
    assert_false(found);
}

/* A packet with any bytes changed, or cut anywhere: read to its end or refused. Under AddressSanitizer
 * a step outside is seen; here what lies around the slots is. */
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
        gcr_landing landing = land(&from, 1, 20, 60);
        const void *payload;
        uint64_t count;
        char *copy;
        int found = 1;
        gcr_status got = GCR_OK;

        assert_true(gcr_packet_put_cells(&packet, &landing, from.slots, from.points));
        landing = land(&from, 1, 100, 130);
        assert_true(gcr_packet_put_cells(&packet, &landing, from.slots, from.points));
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
        cmocka_unit_test(test_a_cell_costs_its_bytes_and_a_span_a_landing),
        cmocka_unit_test(test_a_packet_without_room_takes_nothing),
        cmocka_unit_test(test_what_comes_twice_is_dropped_and_the_rest_is_fresh),
        cmocka_unit_test(test_what_comes_twice_with_other_bits_is_a_conflict),
        cmocka_unit_test(test_tallies_stand_between_cells),
        cmocka_unit_test(test_wrong_packets_are_refused_and_write_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
