/*
 * Thin grids: cells of many datasets, a few of each, handed over together, are what each tile gives
 * by itself. Every kernel over random data of few sizes, holes of `where`, ladders, faults and
 * orders, on each code path, in each precision. Draws come of the number of the round, which a
 * failure names.
 */
#include "support/gcr_test.h"

#include "support/draft.h"

enum { ROUNDS = 60, DATASETS_MAX = 24, SIZES = 3, TILES_MAX = 2 * DATASETS_MAX };

static struct draft drafts[DATASETS_MAX];

/* The same cells, computed in two ways. */
struct herd {
    uint64_t count; /* datasets */
    tile together[DATASETS_MAX], alone[DATASETS_MAX];
    gcr_unit_tile tiles[TILES_MAX];
    uint64_t tile_count;
    void *scratch; /* for the largest */
    uint64_t scratch_bytes;
};

/* A dataset over the grid, the holes and the ladder of the first. */
static void draw_sibling(struct draft *out, const struct draft *first,
                         const struct subject *subject, int64_t rows, int64_t features)
{
    out->tile = first->tile;
    draw_values(out, subject, rows, features);
}

static uint64_t draw_drafts(const struct subject *subject, uint64_t round)
{
    const uint64_t count = 2 + round % (DATASETS_MAX - 1);
    int64_t rows[SIZES], features[SIZES];

    draw_draft(&drafts[0], subject, round);
    for (int k = 0; k < SIZES; k++) {
        rows[k] = k == 0 ? drafts[0].tile.data.rows : 1 + (int64_t)draw(40);
        features[k] = k == 0 ? drafts[0].tile.data.features : 1 + (int64_t)draw(FEATURES_MAX);
    }
    for (uint64_t d = 1; d < count; d++)
        draw_sibling(&drafts[d], &drafts[0], subject, rows[draw(SIZES)], features[draw(SIZES)]);
    return count;
}

/* Up to three points of the dataset, as a tile of those together, computed at once in those
 * alone. */
static uint64_t add_tile(struct herd *herd, uint64_t dataset, uint64_t from)
{
    const uint64_t all = herd->alone[dataset].points.point_count;
    const uint64_t first = from + draw(all - from), count = 1 + draw(3);
    const uint64_t length = count < all - first ? count : all - first;

    herd->tiles[herd->tile_count++] = tile_part(&herd->together[dataset], first, length);
    tile_crunch_part(&herd->alone[dataset], first, length);
    return first + length;
}

/* Tiles of a dataset are neighbours, or all are in any order. */
static void add_tiles(struct herd *herd)
{
    for (uint64_t d = 0; d < herd->count; d++) {
        const uint64_t next = add_tile(herd, d, 0);

        if (next < herd->alone[d].points.point_count && draw(2) == 0)
            add_tile(herd, d, next);
    }
    for (uint64_t k = draw(2) * herd->tile_count; k > 1; k--) {
        const uint64_t other = draw(k);
        const gcr_unit_tile last = herd->tiles[k - 1];

        herd->tiles[k - 1] = herd->tiles[other];
        herd->tiles[other] = last;
    }
}

static void open_herd(struct herd *out, const struct subject *subject, uint64_t round)
{
    gcr_shape largest = { 0 };

    memset(out, 0, sizeof *out);
    out->count = draw_drafts(subject, round);
    for (uint64_t d = 0; d < out->count; d++) {
        out->together[d] = out->alone[d] = drafts[d].tile;
        tile_open(&out->together[d]);
        tile_open(&out->alone[d]);
        if (drafts[d].tile.data.rows > largest.rows)
            largest.rows = drafts[d].tile.data.rows;
        if (drafts[d].tile.data.features > largest.features)
            largest.features = drafts[d].tile.data.features;
    }
    largest.option = out->alone[0].setup.option;
    out->scratch_bytes = out->alone[0].unit->scratch_bytes(&largest);
    out->scratch = aligned_alloc(64, (out->scratch_bytes + 127) / 64 * 64);
    assert_non_null(out->scratch);
    soil_scratch(out->scratch, out->scratch_bytes);
    add_tiles(out);
}

static void close_herd(struct herd *herd)
{
    for (uint64_t d = 0; d < herd->count; d++) {
        tile_close(&herd->together[d]);
        tile_close(&herd->alone[d]);
    }
    free(herd->scratch);
}

/* Whether all that is stored of the two is the same bits, points that nobody computed included. */
static int are_equal(const tile *a, const tile *b)
{
    const uint64_t count = a->points.point_count;

    if (memcmp(a->args.state, b->args.state, count) != 0 ||
        memcmp(a->args.jitter_step, b->args.jitter_step, count) != 0)
        return 0;
    for (int o = 0; o < GCR_OUTPUTS_MAX && a->args.outputs[o] != NULL; o++)
        if (memcmp(a->args.outputs[o], b->args.outputs[o],
                   count * (uint64_t)a->args.width[o] * sizeof(double)) != 0)
            return 0;
    return 1;
}

/* Counts the states of cells in `seen`. */
static void check_round(const struct subject *subject, uint64_t round, int *seen)
{
    static struct herd herd;

    open_herd(&herd, subject, round);
    herd.alone[0].unit->crunch(&herd.alone[0].setup, herd.tiles, herd.tile_count, herd.scratch);
    for (uint64_t d = 0; d < herd.count; d++) {
        if (!are_equal(&herd.together[d], &herd.alone[d]))
            fail_msg("%s, round %d: dataset %d is not what it is alone", subject->unit, (int)round,
                     (int)d);
        for (uint64_t point = 0; point < herd.alone[d].points.point_count; point++)
            seen[herd.alone[d].args.state[point]]++;
    }
    close_herd(&herd);
}

static void test_cells_of_many_datasets_are_as_alone(void **state)
{
    int seen[GCR_CELL_STATE_COUNT] = { 0 };

    (void)state;
    for (size_t s = 0; s < sizeof subjects / sizeof *subjects; s++)
        for (uint64_t round = 0; round < ROUNDS && !unit_is_not_built(subjects[s].unit); round++)
            check_round(&subjects[s], round, seen);
    for (int k = 0; k < GCR_CELL_STATE_COUNT; k++)
        if (k != GCR_CELL_EXCLUDED) /* a word of results, which have no holes */
            assert_true(seen[k] > 50);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_of_many_datasets_are_as_alone),
    };
    const int refusal = unit_path_select(argc, argv);

    return refusal != 0 ? refusal : cmocka_run_group_tests(tests, NULL, NULL);
}
