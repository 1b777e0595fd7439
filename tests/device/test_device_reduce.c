/* Records that a device leaves of its cells have the bits that the host makes of the same cells. */
#include "support/gcr_test.h"

#include <stdlib.h>
#include <string.h>

#define GCR_DEVICE_TWIN "support/device_twin.h"
#include "cuda/device/reduce_unit.h"

enum { POINTS = 5000, RECORDS_BYTES = 1 << 16 };

typedef struct cells {
    double wide[3 * POINTS], one[POINTS], two[POINTS];
    uint8_t state[POINTS];
    uint64_t live[POINTS / 64 + 1];
} cells;

static void run_reduce(const void *argument)
{
    gcr_reduce(*(const gcr_reduce_launch *)argument);
}

/* Any value and state; of a point that is not live, a state that nobody may read. */
static void fill(cells *c, uint64_t seed)
{
    memset(c->live, 0, sizeof c->live);
    for (uint64_t p = 0; p < POINTS; p++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint64_t r = seed >> 33;
        const int is_live = r % 7 != 0;

        c->wide[3 * p] = c->wide[3 * p + 1] = c->wide[3 * p + 2] = gcr_cell_nan((uint32_t)p + 1);
        c->one[p] = r % 11 == 0 ? NAN : (double)(r / 11 % 1000) / 3 - 100;
        c->two[p] = r % 13 == 0 ? -INFINITY : (double)(r / 13 % 17) * 1e-3;
        c->state[p] = is_live ? (uint8_t)(r % 29 < 24 ? 1 : r % 29 - 23 + 1) : 0xee;
        c->live[p / 64] |= (uint64_t)is_live << (p % 64);
        if (is_live && (c->state[p] == GCR_CELL_EXCLUDED || c->state[p] == GCR_CELL_EMPTY))
            c->state[p] = GCR_CELL_KERNEL_ERROR;
    }
}

static gcr_reduction everything(int top, int nan_propagates)
{
    return (gcr_reduction){ .reduced = { { 1, GCR_REDUCED_SUM },
                                         { 2, GCR_REDUCED_MAX_OF },
                                         { 1, GCR_REDUCED_MIN_OF },
                                         { 1, GCR_REDUCED_MAX_OF },
                                         { 2, GCR_REDUCED_SUM } },
                            .count = 5,
                            .top = top,
                            .top_of = top > 0 ? 2 : -1,
                            .nan_propagates = nan_propagates };
}

static gcr_reduce_tile tile_of(const cells *c, uint64_t first, uint64_t count, uint64_t before)
{
    return (gcr_reduce_tile){ .outputs = { c->wide + 3 * first, c->one + first, c->two + first },
                              .first_width = 3,
                              .state = c->state + first,
                              .first = first,
                              .count = count,
                              .before = before };
}

/* As results/ would go over the same cells, where those that are not live say so. */
static void expect(char *record, const cells *c, const gcr_reduction *reduction, uint64_t first,
                   uint32_t count)
{
    uint8_t state[GCR_PARTIAL_POINTS];
    gcr_partial_states *states = (void *)record;
    gcr_partial *partials = (void *)(states + 1);

    for (uint32_t p = 0; p < count; p++)
        state[p] = c->live[(first + p) / 64] >> ((first + p) % 64) & 1 ? c->state[first + p]
                                                                       : GCR_CELL_EXCLUDED;
    gcr_partial_count(states, state, count, c->wide + 3 * first, 3);
    for (int i = 0; i < reduction->count; i++)
        gcr_partial_reduce(&partials[i], state, count,
                           (reduction->reduced[i].output == 1 ? c->one : c->two) + first,
                           reduction->reduced[i].op);
    if (reduction->top_of >= 0)
        gcr_partial_find_top((void *)(partials + reduction->count), state, count, c->one + first,
                             reduction);
}

/* Two tiles, the second to the end of the dataset, by so many blocks of threads. */
static void check(const cells *c, const gcr_reduction *reduction, uint64_t cut, uint64_t end,
                  int blocks, twin_order order)
{
    char *records = malloc(RECORDS_BYTES), *wanted = malloc(RECORDS_BYTES);
    const uint64_t bytes = gcr_partial_bytes(reduction);
    gcr_reduce_launch launch = {
        .reduction = *reduction, .live = c->live, .records = records, .record_bytes = bytes
    };
    const char *wrong;

    assert_true(records != NULL && wanted != NULL);
    memset(records, 0xaa, RECORDS_BYTES);
    launch.tiles[0] = tile_of(c, 0, cut, 0);
    launch.tiles[1] = tile_of(c, cut, end - cut, cut / GCR_PARTIAL_POINTS);
    launch.tile_count = 2;
    launch.block_count = (end + GCR_PARTIAL_POINTS - 1) / GCR_PARTIAL_POINTS;
    wrong = twin_run(&(twin_grid){ .entry = run_reduce,
                                   .argument = &launch,
                                   .blocks = blocks,
                                   .threads = GCR_REDUCE_THREADS,
                                   .order = order });
    if (wrong != NULL)
        fail_msg("%s", wrong);
    for (uint64_t b = 0; b < launch.block_count; b++) {
        const uint64_t first = b * GCR_PARTIAL_POINTS, left = end - first;

        expect(wanted, c, reduction, first,
               left < GCR_PARTIAL_POINTS ? (uint32_t)left : GCR_PARTIAL_POINTS);
        assert_memory_equal(records + b * bytes, wanted, bytes);
    }
    assert_int_equal((unsigned char)records[launch.block_count * bytes], 0xaa);
    free(wanted);
    free(records);
}

static void test_records_have_the_bits_that_the_host_makes(void **state)
{
    static cells c;

    (void)state;
    for (int round = 0; round < 6; round++) {
        const gcr_reduction reduction = everything(round % 3 * 16, round % 2);

        fill(&c, 4711u + (uint64_t)round);
        check(&c, &reduction, 1024 * (1 + (uint64_t)round % 3), POINTS, 1 + round % 3,
              round % TWIN_ORDER_COUNT);
    }
}

/* Around a block, a warp and one point. */
static void test_the_last_block_may_be_short(void **state)
{
    static const uint64_t ends[] = { 1025, 1055, 1056, 1057, 2047, 2048, 2049 };
    static cells c;
    const gcr_reduction reduction = everything(3, 0);

    (void)state;
    fill(&c, 99);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        check(&c, &reduction, 1024, ends[i], 2, i % TWIN_ORDER_COUNT);
}

static void test_all_points_are_live_where_there_are_no_bits(void **state)
{
    static cells c;
    const gcr_reduction reduction = everything(0, 0);
    char *record = malloc(RECORDS_BYTES);
    gcr_reduce_launch launch = { .reduction = reduction,
                                 .records = record,
                                 .record_bytes = gcr_partial_bytes(&reduction),
                                 .tile_count = 1,
                                 .block_count = 1 };

    (void)state;
    assert_non_null(record);
    memset(c.state, GCR_CELL_OK, sizeof c.state);
    launch.tiles[0] = tile_of(&c, 0, 1000, 0);
    assert_null(twin_run(&(twin_grid){
        .entry = run_reduce, .argument = &launch, .blocks = 1, .threads = GCR_REDUCE_THREADS }));
    const gcr_partial_states *states = (const void *)record;

    assert_int_equal(states->counts[GCR_CELL_OK], 1000);
    free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_have_the_bits_that_the_host_makes),
        cmocka_unit_test(test_the_last_block_may_be_short),
        cmocka_unit_test(test_all_points_are_live_where_there_are_no_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
