/*
 * A cell's bits are those it has alone: every kernel over random grids, data, holes of `where` and
 * ladders of jitter, cut into random tiles in random order, against each cell computed as a grid of
 * one point. On each code path, in each precision. Draws come of the number of the round, which a
 * failure names.
 */
#include "support/gcr_test.h"

#include "support/draft.h"

enum { ROUNDS = 60 };

/* The points in tiles, from the middle to the end and then those before. */
static void crunch_in_parts(tile *t)
{
    const uint64_t count = t->points.point_count, middle = draw(count);

    for (uint64_t done = 0, length; done < count; done += length) {
        const uint64_t first = (middle + done) % count;
        const uint64_t left = first < middle ? middle - first : count - first;

        length = 1 + draw(left < 20 ? left : 20);
        soil_scratch(t->scratch, tile_scratch_bytes(t));
        tile_crunch_part(t, first, length);
    }
}

/* The cell of one point as a grid of its own; the caller closes the tile. */
static void crunch_alone(tile *out, const tile *all, uint64_t point)
{
    uint64_t coords[GCR_AXES_MAX];

    gcr_point_coords(&all->points, point, coords);
    *out = (tile){ .unit = all->unit, .data = all->data, .setup = all->setup };
    for (int a = 0; a < all->points.axis_count; a++)
        tile_axis(out, all->points.axes[a].name, &all->points.axes[a].values[coords[a]], 1);
    tile_open(out);
    tile_crunch(out);
}

static int same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static int is_as_alone(const tile *all, const tile *alone, uint64_t point)
{
    if (all->args.state[point] != alone->args.state[0] ||
        all->args.jitter_step[point] != alone->args.jitter_step[0])
        return 0;
    for (int o = 0; alone->args.outputs[o] != NULL; o++)
        for (int64_t k = 0; k < alone->args.width[o]; k++)
            if (!same_bits(tile_value(all, point, o, k), tile_value(alone, 0, o, k)))
                return 0;
    return 1;
}

static void check_point(const struct subject *subject, uint64_t round, const tile *all,
                        uint64_t point)
{
    tile alone;
    int is_same;

    crunch_alone(&alone, all, point);
    is_same = is_as_alone(all, &alone, point);
    tile_close(&alone);
    if (!is_same)
        fail_msg("%s, round %d: point %d is not what it is alone", subject->unit, (int)round,
                 (int)point);
}

/* Counts the states of cells in `seen`. */
static void check_round(const struct subject *subject, uint64_t round, int *seen)
{
    static struct draft draft;
    tile *all = &draft.tile;

    draw_draft(&draft, subject, round);
    tile_open(all);
    crunch_in_parts(all);
    for (uint64_t point = 0; point < all->points.point_count; point++) {
        seen[all->args.state[point]]++;
        if (gcr_point_is_live(&all->points, point))
            check_point(subject, round, all, point);
        else
            assert_int_equal(all->args.state[point], GCR_CELL_EMPTY);
    }
    tile_close(all);
}

static void test_every_cell_of_every_kernel_is_as_alone(void **state)
{
    int seen[GCR_CELL_STATE_COUNT] = { 0 };

    (void)state;
    for (size_t s = 0; s < sizeof subjects / sizeof *subjects; s++)
        for (uint64_t round = 0; round < ROUNDS && !unit_is_not_built(subjects[s].unit); round++)
            check_round(&subjects[s], round, seen);
    for (int k = 0; k < GCR_CELL_STATE_COUNT; k++)
        if (k != GCR_CELL_EXCLUDED) /* a word of results, which have no holes */
            assert_true(seen[k] > 20);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell_of_every_kernel_is_as_alone),
    };
    const int refusal = unit_path_select(argc, argv);

    return refusal != 0 ? refusal : cmocka_run_group_tests(tests, NULL, NULL);
}
