/*
 * grid/points.c -- evaluates axes and `where`, and numbers the points that are left.
 *
 * Live points are bits, counted in blocks of 64 words: `before` says how many there are before each
 * block. That makes counting and selecting a look-up and at most 64 words of counting, at one and a
 * half percent on top of the bits.
 */
#include "grid/points.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "grid/axis.h"
#include "grid/where.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORD_BITS = 64,
    BLOCK_WORDS = 64,
    BLOCK_POINTS = WORD_BITS * BLOCK_WORDS,
};

struct gcr_points {
    gcr_point_table table; /* names, values and live are ours */
    uint64_t *live;        /* [word_count]; NULL: all         */
    uint64_t *before;      /* [block_count]                   */
    uint64_t word_count, block_count;
    uint64_t bytes;
};

/* Walks the points in order without a division. */
typedef struct odometer {
    const gcr_point_table *table;
    uint64_t coords[GCR_AXES_MAX];
    double values[GCR_AXES_MAX];
} odometer;

static void odometer_begin(odometer *at, const gcr_point_table *table)
{
    at->table = table;
    for (int a = 0; a < table->axis_count; a++) {
        at->coords[a] = 0;
        at->values[a] = table->axes[a].values[0];
    }
}

static void odometer_advance(odometer *at)
{
    for (int a = at->table->axis_count - 1; a >= 0; a--) {
        const gcr_axis *axis = &at->table->axes[a];
        const int is_carried = ++at->coords[a] == axis->count;

        if (is_carried)
            at->coords[a] = 0;
        at->values[a] = axis->values[at->coords[a]];
        if (!is_carried)
            return;
    }
}

static gcr_status check_name(const gcr_point_table *table, const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    for (int a = 0; a < table->axis_count; a++)
        if (strcmp(table->axes[a].name, spec->name) == 0)
            GCR_FAIL(GCR_EINVAL, "%saxis '%s' is given twice", gcr_format_mark(place, spec->mark),
                     spec->name);
out:
    return status;
}

/* The axis belongs to the table as soon as it has a name. */
static gcr_status add_axis(gcr_points *points, const gcr_axis_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_point_table *table = &points->table;
    gcr_axis *axis = &table->axes[table->axis_count];
    char *name, place[GCR_MARK_BYTES];
    double *values;

    GCR_TRY(check_name(table, spec));
    GCR_TRY(gcr_text_copy(&name, spec->name, strlen(spec->name)));
    axis->name = name;
    table->axis_count++;
    GCR_TRY(gcr_axis_values(&values, &axis->count, spec));
    axis->values = values;
    points->bytes += axis->count * sizeof *values;
    if (!gcr_multiply(&table->point_count, table->point_count, axis->count) ||
        table->point_count > INT64_MAX)
        GCR_FAIL(GCR_EOVERFLOW, "%sthe grid has 2^63 points or more: axis '%s' makes it too large",
                 gcr_format_mark(place, spec->mark), spec->name);
out:
    return status;
}

static gcr_status add_axes(gcr_points *points, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    if (job->axis_count > GCR_AXES_MAX)
        GCR_FAIL(GCR_EINVAL, "%saxis '%s' is one too many: a grid has at most %d",
                 gcr_format_mark(place, job->axes[GCR_AXES_MAX].mark), job->axes[GCR_AXES_MAX].name,
                 GCR_AXES_MAX);
    points->table.point_count = 1;
    for (int a = 0; a < job->axis_count; a++)
        GCR_TRY(add_axis(points, &job->axes[a]));
    points->table.live_count = points->table.point_count;
out:
    return status;
}

static gcr_status create_bits(gcr_points *points)
{
    gcr_status status = GCR_OK;
    const uint64_t point_count = points->table.point_count;
    void *live = NULL, *before = NULL;

    points->word_count = point_count / WORD_BITS + (point_count % WORD_BITS != 0);
    points->block_count = point_count / BLOCK_POINTS + (point_count % BLOCK_POINTS != 0);
    GCR_TRY(
        gcr_memory_create(&live, points->word_count, sizeof(uint64_t), "the points of 'where'"));
    points->live = live;
    GCR_TRY(
        gcr_memory_create(&before, points->block_count, sizeof(uint64_t), "the points of 'where'"));
    points->before = before;
    points->table.live = points->live;
    points->bytes += (points->word_count + points->block_count) * sizeof(uint64_t);
out:
    return status;
}

static void evaluate(gcr_points *points, const gcr_where *where)
{
    const uint64_t point_count = points->table.point_count;
    odometer at;

    odometer_begin(&at, &points->table);
    for (uint64_t point = 0; point < point_count; point++) {
        if (gcr_where_holds(where, at.values))
            points->live[point / WORD_BITS] |= UINT64_C(1) << point % WORD_BITS;
        odometer_advance(&at);
    }
}

static uint64_t bit_count(uint64_t word)
{
    return (uint64_t)__builtin_popcountll(word);
}

static void count_blocks(gcr_points *points)
{
    uint64_t total = 0;

    for (uint64_t word = 0; word < points->word_count; word++) {
        if (word % BLOCK_WORDS == 0)
            points->before[word / BLOCK_WORDS] = total;
        total += bit_count(points->live[word]);
    }
    points->table.live_count = total;
}

static gcr_status apply_where(gcr_points *points, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    const gcr_point_table *table = &points->table;
    const char *names[GCR_AXES_MAX];
    gcr_where *where = NULL;
    char place[GCR_MARK_BYTES], count[32];

    for (int a = 0; a < table->axis_count; a++)
        names[a] = table->axes[a].name;
    GCR_TRY(gcr_where_create(&where, job->where, job->where_mark, names, table->axis_count));
    GCR_TRY(create_bits(points));
    evaluate(points, where);
    count_blocks(points);
    if (table->live_count == 0)
        GCR_FAIL(GCR_EINVAL, "%s'where' leaves none of the %s points: %s",
                 gcr_format_mark(place, job->where_mark),
                 gcr_format_count(count, table->point_count), job->where);
out:
    gcr_where_destroy(where);
    return status;
}

gcr_status gcr_points_create(gcr_points **out, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    gcr_points *points = NULL;

    *out = NULL;
    points = calloc(1, sizeof *points);
    if (points == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the grid");
    GCR_TRY(add_axes(points, job));
    if (job->where != NULL)
        GCR_TRY(apply_where(points, job));
    *out = points;
    points = NULL;
out:
    gcr_points_destroy(points);
    return status;
}

void gcr_points_destroy(gcr_points *points)
{
    if (points == NULL)
        return;
    gcr_memory_destroy(points->before);
    gcr_memory_destroy(points->live);
    for (int a = 0; a < points->table.axis_count; a++) {
        gcr_memory_destroy((void *)points->table.axes[a].values);
        free((void *)points->table.axes[a].name);
    }
    free(points);
}

const gcr_point_table *gcr_points_table(const gcr_points *points)
{
    return &points->table;
}

/* The last block that has at most `index` live points before it. */
static uint64_t find_block(const gcr_points *points, uint64_t index)
{
    uint64_t low = 0, high = points->block_count;

    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;

        if (points->before[middle] <= index)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint64_t gcr_points_select(const gcr_points *points, uint64_t index)
{
    uint64_t block, word, bits, left;

    if (points->live == NULL)
        return index;
    block = find_block(points, index);
    left = index - points->before[block];
    for (word = block * BLOCK_WORDS; bit_count(points->live[word]) <= left; word++)
        left -= bit_count(points->live[word]);
    for (bits = points->live[word]; left > 0; left--)
        bits &= bits - 1; /* takes the lowest bit away */
    return word * WORD_BITS + (uint64_t)__builtin_ctzll(bits);
}

uint64_t gcr_points_count_before(const gcr_points *points, uint64_t point)
{
    const uint64_t last = point / WORD_BITS;
    uint64_t before;

    if (points->live == NULL)
        return point;
    if (point == points->table.point_count)
        return points->table.live_count;
    before = points->before[point / BLOCK_POINTS];
    for (uint64_t word = last / BLOCK_WORDS * BLOCK_WORDS; word < last; word++)
        before += bit_count(points->live[word]);
    return before + bit_count(points->live[last] & ((UINT64_C(1) << point % WORD_BITS) - 1));
}

/* The first point from `point` on that is live, or is not; `end`, where there is none before it. */
static uint64_t find_point(const uint64_t *live, uint64_t point, uint64_t end, int is_live)
{
    while (point < end) {
        const uint64_t word = is_live ? live[point / WORD_BITS] : ~live[point / WORD_BITS];
        const uint64_t rest = word >> (point % WORD_BITS);

        if (rest != 0) {
            point += (uint64_t)__builtin_ctzll(rest);
            return point < end ? point : end;
        }
        point += WORD_BITS - point % WORD_BITS;
    }
    return end;
}

int gcr_points_run(const gcr_point_table *table, uint64_t end, uint64_t *first, uint64_t *after)
{
    if (table->live != NULL)
        *first = find_point(table->live, *first, end, 1);
    if (*first >= end)
        return 0;
    *after = table->live != NULL ? find_point(table->live, *first, end, 0) : end;
    return 1;
}

uint64_t gcr_points_bytes(const gcr_points *points)
{
    return points->bytes;
}
