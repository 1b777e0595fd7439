/*
 * Summaries of cells that are not kept: blocks come in any order, from several threads, as cells or
 * as records, and the summaries have the bits that slots give.
 */
#include "support/gcr_test.h"

#include "results/summary.h"

#include "gridcrunch/cell.h"

#include <stdlib.h>
#include <string.h>

enum { POINTS = 5000, BLOCKS = (POINTS + GCR_PARTIAL_POINTS - 1) / GCR_PARTIAL_POINTS, TOP = 7 };

/* Two outputs, the first of width 2: it has the details, and no summary. */
typedef struct cells {
    double wide[2 * POINTS], values[POINTS];
    uint8_t state[POINTS];
} cells;

static const int64_t widths[] = { 2, 1 };
static const int outputs[] = { 1, 1, 1, 1, 1 };
static const gcr_summary_spec specs[] = {
    { .name = "a", .op = GCR_SUMMARY_MEAN, .output = "o" },
    { .name = "b", .op = GCR_SUMMARY_ARGMIN, .output = "o" },
    { .name = "c", .op = GCR_SUMMARY_ARGMAX, .output = "o" },
    { .name = "d", .op = GCR_SUMMARY_MAX, .output = "o" },
    { .name = "e", .op = GCR_SUMMARY_MIN, .output = "o" },
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed >> 20;
}

/* With `bad`, of every 50 a few are NaN, failed, excluded or empty; else all is well. Few values,
 * so that there are ties. */
static void fill(cells *c, uint64_t seed, int bad)
{
    for (uint64_t p = 0; p < POINTS; p++) {
        const uint64_t r = next_random(&seed), kind = bad ? r % 50 : 49;

        c->values[p] = (double)(r / 50 % 300) / 7 - 20;
        c->state[p] = kind == 48 ? GCR_CELL_OK_JITTER : GCR_CELL_OK;
        if (kind == 0)
            c->values[p] = NAN;
        if (kind == 1)
            c->state[p] = GCR_CELL_NOT_SPD;
        if (kind == 2)
            c->state[p] = GCR_CELL_KERNEL_ERROR;
        if (kind == 3)
            c->state[p] = GCR_CELL_EXCLUDED;
        if (kind == 4)
            c->state[p] = GCR_CELL_EMPTY;
        c->wide[2 * p] = gcr_cell_nan((uint32_t)p + 1);
        c->wide[2 * p + 1] = -1;
    }
}

static gcr_partial_block block_of(const cells *c, uint64_t number)
{
    const uint64_t first = number * GCR_PARTIAL_POINTS, left = POINTS - first;

    return (gcr_partial_block){ .outputs = { c->wide + 2 * first, c->values + first },
                                .width = { 2, 1 },
                                .state = c->state + first,
                                .count = (uint32_t)(left < GCR_PARTIAL_POINTS ? left : 1024) };
}

typedef struct made {
    gcr_point_table points;
    gcr_slots *slots;
    gcr_summaries *summaries;
} made;

static void make(made *m, const cells *c, int by_blocks, int nan_propagates)
{
    uint64_t live = POINTS;

    for (uint64_t p = 0; p < POINTS; p++)
        live -= c->state[p] == GCR_CELL_EXCLUDED;
    m->points = (gcr_point_table){ .point_count = POINTS, .live_count = live };
    const gcr_slots_spec slots = {
        .points = &m->points,
        .dataset_count = 1,
        .output_count = 2,
        .width = widths,
        .has_no_cells = by_blocks,
    };

    assert_ok(gcr_slots_create(&m->slots, &slots));
    const gcr_summaries_spec spec = {
        .summaries = specs,
        .output = outputs,
        .summary_count = 5,
        .top = TOP,
        .nan_propagates = nan_propagates,
        .slots = m->slots,
        .points = &m->points,
        .keep = GCR_KEEP_SUMMARY,
        .by_blocks = by_blocks,
    };

    assert_ok(gcr_summaries_create(&m->summaries, &spec, 3));
}

static void unmake(made *m)
{
    gcr_summaries_destroy(m->summaries);
    gcr_slots_destroy(m->slots);
}

static void make_from_slots(made *m, const cells *c, int nan_propagates)
{
    make(m, c, 0, nan_propagates);
    memcpy(m->slots->values[0], c->wide, sizeof c->wide);
    memcpy(m->slots->values[1], c->values, sizeof c->values);
    memcpy(m->slots->state, c->state, sizeof c->state);
    gcr_summaries_fire(m->summaries, 0, 1);
}

static gcr_reduction reduction_of(void)
{
    const gcr_summaries_spec spec = {
        .summaries = specs, .output = outputs, .summary_count = 5, .top = TOP, .nan_propagates = 0
    };

    return gcr_summaries_reduction(&spec);
}

/* The record that a device would make of a block. The caller frees it. */
static gcr_partial_states *record_of(const cells *c, uint64_t number)
{
    const gcr_reduction reduction = reduction_of();
    const gcr_partial_block block = block_of(c, number);
    gcr_partial_states *states = malloc(gcr_partial_bytes(&reduction));
    gcr_partial *partials = (void *)(states + 1);

    assert_non_null(states);
    assert_int_equal(gcr_partial_bytes(&reduction) % 8, 0);
    gcr_partial_count(states, block.state, block.count, block.outputs[0], block.width[0]);
    for (int i = 0; i < reduction.count; i++)
        gcr_partial_reduce(&partials[i], block.state, block.count,
                           block.outputs[reduction.reduced[i].output], reduction.reduced[i].op);
    gcr_partial_find_top((void *)(partials + reduction.count), block.state, block.count,
                         block.outputs[1], &reduction);
    return states;
}

static void add_record(made *m, int thread, const cells *c, uint64_t number)
{
    gcr_partial_states *record = record_of(c, number);

    assert_ok(
        gcr_summaries_add_records(m->summaries, thread, number * GCR_PARTIAL_POINTS, record, 1));
    free(record);
}

static void assert_same_value(gcr_summary_value a, gcr_summary_value b)
{
    assert_memory_equal(&a.value, &b.value, sizeof a.value);
    assert_int_equal(a.point, b.point);
    assert_int_equal(a.skipped, b.skipped);
}

static void assert_same(const made *a, const made *b)
{
    uint64_t counts[2][GCR_CELL_STATE_COUNT];
    const gcr_failed_cell *failed[2];

    for (int s = 0; s < 5; s++)
        assert_same_value(gcr_summaries_get(a->summaries, 0, s),
                          gcr_summaries_get(b->summaries, 0, s));
    for (int place = 0; place < TOP; place++)
        assert_same_value(gcr_summaries_top(a->summaries, 0, place),
                          gcr_summaries_top(b->summaries, 0, place));
    gcr_summaries_count(a->summaries, 0, counts[0]);
    gcr_summaries_count(b->summaries, 0, counts[1]);
    assert_memory_equal(counts[0], counts[1], sizeof counts[0]);
    const int count = gcr_summaries_failed(a->summaries, 0, &failed[0]);

    assert_int_equal(gcr_summaries_failed(b->summaries, 0, &failed[1]), count);
    for (int f = 0; f < count; f++) {
        assert_int_equal(failed[0][f].point, failed[1][f].point);
        assert_int_equal(failed[0][f].state, failed[1][f].state);
        assert_int_equal(failed[0][f].detail, failed[1][f].detail);
    }
}

/* Blocks 4 0 3 1 2: thread 2 has those of even number, thread 0 the others and the last word. */
static void make_from_blocks(made *m, const cells *c, int nan_propagates, int as_records)
{
    static const uint64_t order[BLOCKS] = { 4, 0, 3, 1, 2 };

    make(m, c, 1, nan_propagates);
    for (int i = 0; i < BLOCKS; i++) {
        const int thread = order[i] % 2 == 0 ? 2 : 0;
        const gcr_partial_block block = block_of(c, order[i]);

        if (as_records)
            add_record(m, thread, c, order[i]);
        else
            gcr_summaries_add(m->summaries, thread, order[i] * GCR_PARTIAL_POINTS, &block);
    }
    assert_ok(gcr_summaries_leave(m->summaries, 0, 2));
    assert_ok(gcr_summaries_leave(m->summaries, 0, 0));
    gcr_summaries_fire(m->summaries, 0, 0);
}

static void test_blocks_in_any_order_give_the_bits_of_slots(void **state)
{
    static cells c;

    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        made kept, gone;

        fill(&c, seed * 77777, seed % 4 != 0);
        make_from_slots(&kept, &c, seed % 2 == 0);
        make_from_blocks(&gone, &c, seed % 2 == 0, 0);
        assert_same(&kept, &gone);
        unmake(&kept);
        unmake(&gone);
    }
}

static void test_records_give_the_bits_of_slots(void **state)
{
    static cells c;

    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        made kept, gone;

        fill(&c, seed * 99991, seed != 4);
        make_from_slots(&kept, &c, 0);
        make_from_blocks(&gone, &c, 0, 1);
        assert_same(&kept, &gone);
        unmake(&kept);
        unmake(&gone);
    }
}

static void test_a_thread_that_has_all_blocks_need_not_leave_them(void **state)
{
    static cells c;
    made kept, gone;

    (void)state;
    fill(&c, 4711, 1);
    make_from_slots(&kept, &c, 0);
    make(&gone, &c, 1, 0);
    for (uint64_t b = 0; b < BLOCKS; b++) {
        const gcr_partial_block block = block_of(&c, b);

        gcr_summaries_add(gone.summaries, 1, b * GCR_PARTIAL_POINTS, &block);
    }
    gcr_summaries_fire(gone.summaries, 0, 1);
    assert_same(&kept, &gone);
    unmake(&kept);
    unmake(&gone);
}

static void test_the_first_failures_are_named_with_their_details(void **state)
{
    static cells c;
    const gcr_failed_cell *failed;
    made m;

    (void)state;
    fill(&c, 5, 0);
    for (uint64_t p = 4000; p < 4100; p++)
        c.state[p] = GCR_CELL_NOT_SPD;
    c.state[17] = GCR_CELL_NAN_IN; /* its output may be any number: it has no detail */
    c.state[2000] = GCR_CELL_KERNEL_ERROR;
    make_from_blocks(&m, &c, 0, 1);
    assert_int_equal(gcr_summaries_failed(m.summaries, 0, &failed), 4);
    assert_int_equal(failed[0].point, 17);
    assert_int_equal(failed[0].detail, 0);
    assert_int_equal(failed[1].point, 2000);
    assert_int_equal(failed[1].state, GCR_CELL_KERNEL_ERROR);
    assert_int_equal(failed[1].detail, 2001);
    assert_int_equal(failed[2].point, 4000);
    assert_int_equal(failed[3].point, 4001);
    unmake(&m);
}

static void test_what_was_never_added_is_empty_and_has_no_value(void **state)
{
    static cells c;
    uint64_t counts[GCR_CELL_STATE_COUNT];
    made m;

    (void)state;
    fill(&c, 6, 0);
    make(&m, &c, 1, 0);
    const gcr_partial_block block = block_of(&c, 1);

    gcr_summaries_add(m.summaries, 0, GCR_PARTIAL_POINTS, &block);
    assert_ok(gcr_summaries_leave(m.summaries, 0, 0));
    gcr_summaries_fire(m.summaries, 0, 0);
    assert_int_equal(gcr_summaries_get(m.summaries, 0, 0).skipped, POINTS - 1024);
    gcr_summaries_count(m.summaries, 0, counts);
    assert_int_equal(counts[GCR_CELL_OK], 1024);
    assert_int_equal(counts[GCR_CELL_EMPTY], POINTS - 1024);
    unmake(&m);
}

/* Each in turn says what cannot be, of the last block, which is short. */
static void test_a_record_that_no_cells_can_have_is_refused(void **state)
{
    enum { LAST = BLOCKS - 1, LAST_POINTS = POINTS - LAST * GCR_PARTIAL_POINTS };
    const gcr_reduction reduction = reduction_of();
    static cells c;

    (void)state;
    fill(&c, 6, 0);
    for (int lie = 0; lie < 8; lie++) {
        gcr_partial_states *states = record_of(&c, LAST);
        gcr_partial *partials = (void *)(states + 1);
        gcr_partial_place *places = (void *)(partials + reduction.count);
        made m;

        states->failures[0].state = lie == 2 || lie == 3 ? GCR_CELL_NOT_SPD : 0;
        switch (lie) {
        case 0: break; /* it is true */
        case 1: states->counts[GCR_CELL_OK]++; break;
        case 2: states->failures[0].at = LAST_POINTS; break;
        case 3: states->failures[0].state = GCR_CELL_STATE_COUNT; break;
        case 4: partials[1].skipped++; break;
        case 5: partials[0].used = UINT32_MAX; break;
        case 6: partials[1].at = LAST_POINTS; break;
        default: places[TOP - 1].at = LAST_POINTS;
        }
        make(&m, &c, 1, 0);
        assert_int_equal(
            gcr_summaries_add_records(m.summaries, 0, LAST * GCR_PARTIAL_POINTS, states, 1),
            lie == 0 ? GCR_OK : GCR_EDEVICE);
        gcr_summaries_fire(m.summaries, 0, 0);
        assert_int_equal(gcr_summaries_get(m.summaries, 0, 0).skipped,
                         POINTS - (lie == 0 ? LAST_POINTS : 0));
        unmake(&m);
        free(states);
    }
    assert_error_mentions("record of the cells up to point 5000");
}

/* ---- from other processes -------------------------------------------------------------------- */

/* The cells of a packed tally, which begins with the counts of their states. */
static uint64_t cells_in(const char *packed)
{
    uint64_t counts[GCR_CELL_STATE_COUNT], landed = 0;

    memcpy(counts, packed, sizeof counts);
    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        landed += s == GCR_CELL_EXCLUDED || s == GCR_CELL_EMPTY ? 0 : counts[s];
    return landed;
}

static void carry(made *to, made *from, int thread)
{
    const uint64_t bytes = gcr_summaries_packed_bytes(from->summaries);
    char *packed = malloc(bytes + 1);

    assert_non_null(packed);
    gcr_summaries_pack(packed + 1, from->summaries, thread); /* messages are not aligned */
    assert_ok(gcr_summaries_add_packed(to->summaries, 0, cells_in(packed + 1), packed + 1));
    free(packed);
}

/* Each of three processes has some of the blocks, and what they pack comes in any order. */
static void test_tallies_of_processes_in_any_order_give_the_bits_of_slots(void **state)
{
    static cells c;

    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        const int nan_propagates = seed % 2 == 0;
        made kept, gone, far[3];

        fill(&c, seed * 77777, seed % 3 != 0);
        make_from_slots(&kept, &c, nan_propagates);
        make(&gone, &c, 1, nan_propagates);
        for (uint64_t i = 0; i < 3; i++)
            make(&far[i], &c, 1, nan_propagates);
        for (uint64_t b = 0; b < BLOCKS; b++) {
            const uint64_t number = (2 * b + seed) % BLOCKS;
            const gcr_partial_block block = block_of(&c, number);

            gcr_summaries_add(far[(b + seed) % 3].summaries, (int)(b % 2),
                              number * GCR_PARTIAL_POINTS, &block);
        }
        for (uint64_t i = 0; i < 3; i++)
            for (int thread = 0; thread < 2; thread++)
                carry(&gone, &far[(2 * i + seed) % 3], thread);
        for (uint64_t i = 0; i < 3; i++)
            for (int thread = 0; thread < 2; thread++)
                carry(&gone, &far[i], thread); /* what was packed is not there any more */
        gcr_summaries_fire(gone.summaries, 0, 0);
        assert_same(&kept, &gone);
        for (uint64_t i = 0; i < 3; i++)
            unmake(&far[i]);
        unmake(&kept);
        unmake(&gone);
    }
}

static uint64_t *word_at(char *packed, uint64_t at)
{
    return (uint64_t *)(void *)(packed + at);
}

/* Each in turn says what cannot be. The order of a packed tally: 8 counts, points of 4 failures,
 * their details and states, how many failures and best points, columns, sums, best points. */
static void test_packed_tallies_that_no_cells_can_have_are_refused(void **state)
{
    enum { FAILURES = 64, STATES = 112, COUNTS = 128, COLUMNS = 136 };
    static cells c;
    made from, to;

    (void)state;
    fill(&c, 6, 0);
    for (uint64_t p = 100; p < 104; p++)
        c.state[p] = GCR_CELL_NOT_SPD;
    for (int lie = 0; lie < 16; lie++) {
        const gcr_partial_block block = block_of(&c, 0);

        make(&from, &c, 1, 0);
        make(&to, &c, 1, 0);
        gcr_summaries_add(from.summaries, 0, 0, &block);
        char *packed = calloc(1, gcr_summaries_packed_bytes(from.summaries));
        const uint64_t top = gcr_summaries_packed_bytes(from.summaries) - TOP * UINT64_C(24);

        assert_non_null(packed);
        gcr_summaries_pack(packed, from.summaries, 0);
        uint64_t landed = cells_in(packed);

        switch (lie) {
        case 1: *word_at(packed, 8 * GCR_CELL_OK) += POINTS; break;
        case 2: *word_at(packed, 8 * GCR_CELL_NAN_IN) = UINT64_MAX - 500; break;
        case 3: *word_at(packed, FAILURES + 24) = POINTS; break;
        case 4: *word_at(packed, FAILURES + 8) = 100; break;
        case 5: ((uint32_t *)(void *)(packed + STATES))[3] = GCR_CELL_STATE_COUNT; break;
        case 6: ((uint32_t *)(void *)(packed + STATES))[0] = GCR_CELL_OK; break;
        case 7: ((uint32_t *)(void *)(packed + COUNTS))[0] = GCR_PARTIAL_FAILURES + 1; break;
        case 8: ((uint32_t *)(void *)(packed + COUNTS))[1] = TOP + 1; break;
        case 9: *word_at(packed, COLUMNS + 40 + 8) = POINTS; break;
        case 10: *word_at(packed, COLUMNS + 40 + 16) = (uint64_t)INT64_MIN; break;
        case 11: *word_at(packed, COLUMNS + 24) = UINT64_MAX; break;
        case 12: *word_at(packed, COLUMNS + 32) = POINTS; break;
        case 13: *word_at(packed, top + 24 * (TOP - 1) + 8) = POINTS; break;
        case 14: landed++; break;
        case 15: *word_at(packed, 8 * GCR_CELL_OK) += 1; break;
        default: break; /* it is true */
        }
        const gcr_status expected = lie == 0 ? GCR_OK : GCR_EIO;

        if (gcr_summaries_add_packed(to.summaries, 0, landed, packed) != expected)
            fail_msg("lie %d was believed", lie);
        gcr_summaries_fire(to.summaries, 0, 0);
        assert_int_equal(gcr_summaries_get(to.summaries, 0, 0).skipped,
                         POINTS - (lie == 0 ? 1020 : 0));
        assert_int_equal(gcr_summaries_add_packed(to.summaries, 1, landed, packed), GCR_EIO);
        free(packed);
        unmake(&from);
        unmake(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tallies_of_processes_in_any_order_give_the_bits_of_slots),
        cmocka_unit_test(test_packed_tallies_that_no_cells_can_have_are_refused),
        cmocka_unit_test(test_blocks_in_any_order_give_the_bits_of_slots),
        cmocka_unit_test(test_records_give_the_bits_of_slots),
        cmocka_unit_test(test_a_thread_that_has_all_blocks_need_not_leave_them),
        cmocka_unit_test(test_the_first_failures_are_named_with_their_details),
        cmocka_unit_test(test_a_record_that_no_cells_can_have_is_refused),
        cmocka_unit_test(test_what_was_never_added_is_empty_and_has_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
