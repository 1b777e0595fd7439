/* results/tally.c -- see tally.h. */
#include "results/tally.h"

#include "results/states.h"

#include <math.h>
#include <string.h>

static int is_sum(const gcr_reduction *reduction, int column)
{
    return reduction->reduced[column].op == GCR_REDUCED_SUM;
}

static double sign_of(const gcr_reduction *reduction, int column)
{
    return reduction->reduced[column].op == GCR_REDUCED_MIN_OF ? -1 : 1;
}

/* Which of the sums belongs to `column`; with all columns, how many there are. */
static int count_sums(const gcr_reduction *reduction, int column)
{
    int sums = 0;

    for (int c = 0; c < column; c++)
        sums += is_sum(reduction, c);
    return sums;
}

static uint64_t top_room(const gcr_reduction *reduction)
{
    return reduction->top_of >= 0 ? (uint64_t)reduction->top : 0;
}

uint64_t gcr_tally_bytes(const gcr_reduction *reduction)
{
    return (uint64_t)reduction->count * sizeof(gcr_tally_column) +
           (uint64_t)count_sums(reduction, reduction->count) * sizeof(gcr_exact_sum) +
           top_room(reduction) * sizeof(gcr_summary_value);
}

void gcr_tally_place(gcr_tally *out, void *block, const gcr_reduction *reduction)
{
    out->columns = block;
    out->sums = (void *)(out->columns + reduction->count);
    out->top = (void *)(out->sums + count_sums(reduction, reduction->count));
    gcr_tally_clear(out, reduction);
}

void gcr_tally_clear(gcr_tally *tally, const gcr_reduction *reduction)
{
    memset(tally->counts, 0, sizeof tally->counts);
    tally->failure_count = 0;
    tally->top_count = 0;
    for (int c = 0; c < reduction->count; c++)
        tally->columns[c] = (gcr_tally_column){ .best = NAN, .point = -1, .first = -1 };
    memset(tally->sums, 0, (size_t)count_sums(reduction, reduction->count) * sizeof *tally->sums);
}

double gcr_tally_sum(const gcr_tally *tally, const gcr_reduction *reduction, int column)
{
    return gcr_exact_round(&tally->sums[count_sums(reduction, column)]);
}

/* ---- parts of a tally ------------------------------------------------------------------------ */

static void add_failure(gcr_tally *tally, const gcr_failed_cell *cell)
{
    int place = tally->failure_count;

    while (place > 0 && tally->failures[place - 1].point > cell->point)
        place--;
    if (place == GCR_PARTIAL_FAILURES)
        return;
    if (tally->failure_count < GCR_PARTIAL_FAILURES)
        tally->failure_count++;
    memmove(&tally->failures[place + 1], &tally->failures[place],
            (size_t)(tally->failure_count - 1 - place) * sizeof *tally->failures);
    tally->failures[place] = *cell;
}

static void add_states(gcr_tally *tally, uint64_t first, const gcr_partial_states *states)
{
    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        tally->counts[s] += states->counts[s];
    for (int f = 0; f < GCR_PARTIAL_FAILURES && states->failures[f].state != 0; f++) {
        const gcr_failed_cell cell = { .point = first + states->failures[f].at,
                                       .detail = states->failures[f].detail,
                                       .state = (uint8_t)states->failures[f].state };

        add_failure(tally, &cell);
    }
}

static int64_t lowest(int64_t a, int64_t b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

/* Takes over what another knows of one column, its sum aside. */
static void add_column(gcr_tally_column *to, const gcr_tally_column *from, double sign)
{
    const double ours = sign * to->best, theirs = sign * from->best;

    to->used += from->used;
    to->skipped += from->skipped;
    to->first = lowest(to->first, from->first);
    if (from->point < 0)
        return;
    if (to->point < 0 || theirs > ours || (theirs == ours && from->point < to->point)) {
        to->best = from->best;
        to->point = from->point;
    }
}

static void add_partial(gcr_tally *tally, const gcr_reduction *reduction, int c, uint64_t first,
                        const gcr_partial *partial)
{
    const gcr_tally_column column = {
        .best = partial->value,
        .point = partial->at >= 0 ? (int64_t)first + partial->at : -1,
        .first = partial->first >= 0 ? (int64_t)first + partial->first : -1,
        .used = partial->used,
        .skipped = partial->skipped,
    };

    add_column(&tally->columns[c], &column, sign_of(reduction, c));
    if (is_sum(reduction, c))
        gcr_exact_add(&tally->sums[count_sums(reduction, c)], partial->value);
}

/* A NaN gets here only where it propagates: then it ranks before all others. */
static int ranks_before(double sign, const gcr_summary_value *a, const gcr_summary_value *b)
{
    if (gcr_partial_ranks_before(sign, a->value, b->value))
        return 1;
    return !gcr_partial_ranks_before(sign, b->value, a->value) && a->point < b->point;
}

static void rank(gcr_tally *tally, const gcr_reduction *reduction, double value, uint64_t point)
{
    const gcr_summary_value one = { .value = value, .point = (int64_t)point };
    const double sign = sign_of(reduction, reduction->top_of);
    int32_t place = tally->top_count;

    if (place == reduction->top) {
        if (!ranks_before(sign, &one, &tally->top[--place]))
            return;
    } else {
        tally->top_count++;
    }
    for (; place > 0 && ranks_before(sign, &one, &tally->top[place - 1]); place--)
        tally->top[place] = tally->top[place - 1];
    tally->top[place] = one;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* True if no value of a block in which all is well is better than `bar`, nor NaN; `bar` NaN: no.
 * There is no branch in it, and blocks in which nothing new stands are the most (half the time of a
 * look at each point, measured). */
static int is_passed_over(const double *values, uint32_t count, double sign, double bar)
{
    uint64_t above = 0;

    for (uint32_t p = 0; p < count; p++)
        above |= (uint64_t) !(sign * values[p] <= bar);
    return above == 0;
}

static void reduce_column(gcr_tally *tally, const gcr_reduction *reduction, int c, uint64_t first,
                          const gcr_partial_block *block, int is_well)
{
    const gcr_reduced reduced = reduction->reduced[c];
    const double sign = sign_of(reduction, c);
    gcr_partial partial;

    if (is_well && reduced.op != GCR_REDUCED_SUM && first >= (uint64_t)tally->columns[c].point &&
        is_passed_over(block->outputs[reduced.output], block->count, sign,
                       sign * tally->columns[c].best)) {
        tally->columns[c].used += block->count;
        return;
    }
    gcr_partial_reduce(&partial, block->state, block->count, block->outputs[reduced.output],
                       reduced.op);
    add_partial(tally, reduction, c, first, &partial);
}

static void reduce_top(gcr_tally *tally, const gcr_reduction *reduction, uint64_t first,
                       const gcr_partial_block *block, int is_well)
{
    const double *values = block->outputs[reduction->reduced[reduction->top_of].output];
    const double sign = sign_of(reduction, reduction->top_of);
    const gcr_summary_value *last = &tally->top[reduction->top - 1];

    if (is_well && tally->top_count == reduction->top && first >= (uint64_t)last->point &&
        is_passed_over(values, block->count, sign, sign * last->value))
        return;
    for (uint32_t p = 0; p < block->count; p++) {
        if (gcr_partial_is_usable(block->state[p], values[p]))
            rank(tally, reduction, values[p], first + p);
        else if (reduction->nan_propagates && block->state[p] != GCR_CELL_EXCLUDED)
            rank(tally, reduction, NAN, first + p);
    }
}

void gcr_tally_add(gcr_tally *tally, const gcr_reduction *reduction, uint64_t first,
                   const gcr_partial_block *block)
{
    const int is_well = gcr_states_all_ok(block->state, block->count);

    if (is_well) {
        tally->counts[GCR_CELL_OK] += block->count;
    } else {
        gcr_partial_states states;

        gcr_partial_count(&states, block->state, block->count, block->outputs[0], block->width[0]);
        add_states(tally, first, &states);
    }
    for (int c = 0; c < reduction->count; c++)
        reduce_column(tally, reduction, c, first, block, is_well);
    if (reduction->top_of >= 0)
        reduce_top(tally, reduction, first, block, is_well);
}

void gcr_tally_add_record(gcr_tally *tally, const gcr_reduction *reduction, uint64_t first,
                          const void *record)
{
    const gcr_partial_states *states = record;
    const gcr_partial *partials = (const void *)(states + 1);
    const gcr_partial_place *places = (const void *)(partials + reduction->count);

    add_states(tally, first, states);
    for (int c = 0; c < reduction->count; c++)
        add_partial(tally, reduction, c, first, &partials[c]);
    for (uint64_t k = 0; k < top_room(reduction) && places[k].at >= 0; k++)
        rank(tally, reduction, places[k].value, first + (uint64_t)places[k].at);
}

static int states_fit(const gcr_partial_states *states, uint64_t points, uint64_t live)
{
    uint64_t landed = 0;

    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        landed += s == GCR_CELL_EXCLUDED ? 0 : states->counts[s];
    for (int f = 0; f < GCR_PARTIAL_FAILURES && states->failures[f].state != 0; f++)
        if (states->failures[f].at >= points || states->failures[f].state >= GCR_CELL_STATE_COUNT)
            return 0;
    return landed <= live;
}

int gcr_tally_record_fits(const gcr_reduction *reduction, const void *record, uint64_t points,
                          uint64_t live)
{
    const gcr_partial_states *states = record;
    const gcr_partial *partials = (const void *)(states + 1);
    const gcr_partial_place *places = (const void *)(partials + reduction->count);
    const int64_t end = (int64_t)points;

    if (!states_fit(states, points, live))
        return 0;
    for (int c = 0; c < reduction->count; c++)
        if ((uint64_t)partials[c].used + partials[c].skipped > live || partials[c].at >= end ||
            partials[c].first >= end)
            return 0;
    for (uint64_t k = 0; k < top_room(reduction); k++)
        if (places[k].at >= end)
            return 0;
    return 1;
}

void gcr_tally_merge(gcr_tally *tally, const gcr_reduction *reduction, const gcr_tally *other)
{
    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        tally->counts[s] += other->counts[s];
    for (int f = 0; f < other->failure_count; f++)
        add_failure(tally, &other->failures[f]);
    for (int c = 0; c < reduction->count; c++)
        add_column(&tally->columns[c], &other->columns[c], sign_of(reduction, c));
    for (int i = 0; i < count_sums(reduction, reduction->count); i++)
        gcr_exact_merge(&tally->sums[i], &other->sums[i]);
    for (int32_t k = 0; k < other->top_count; k++)
        rank(tally, reduction, other->top[k].value, (uint64_t)other->top[k].point);
}

/* ---- as bytes -------------------------------------------------------------------------------- */

/* What stands in front of the columns, sums and best points, which are packed as they are in
 * memory: they have no padding, nor has this. */
typedef struct packed_tally {
    uint64_t counts[GCR_CELL_STATE_COUNT];
    uint64_t points[GCR_PARTIAL_FAILURES]; /* of the failures */
    uint32_t details[GCR_PARTIAL_FAILURES], states[GCR_PARTIAL_FAILURES];
    uint32_t failure_count, top_count;
} packed_tally;

_Static_assert(sizeof(packed_tally) == sizeof(uint64_t) * (GCR_CELL_STATE_COUNT + 1) +
                                           GCR_PARTIAL_FAILURES * UINT64_C(16),
               "bytes that nobody has written are not sent");
_Static_assert(sizeof(gcr_tally_column) == 40 && sizeof(gcr_summary_value) == 24 &&
                   sizeof(gcr_exact_sum) == sizeof(uint64_t) * (GCR_EXACT_WORDS + 3),
               "nor are these");

/* The arrays of a tally and their bytes, in the order of a packed one. */
typedef struct tally_arrays {
    void *at[3];
    uint64_t bytes[3];
} tally_arrays;

static tally_arrays arrays_of(const gcr_tally *tally, const gcr_reduction *reduction)
{
    const uint64_t columns = (uint64_t)reduction->count;
    const uint64_t sums = (uint64_t)count_sums(reduction, reduction->count);

    return (tally_arrays){
        .at = { tally->columns, tally->sums, tally->top },
        .bytes = { columns * sizeof *tally->columns, sums * sizeof *tally->sums,
                   top_room(reduction) * sizeof *tally->top },
    };
}

uint64_t gcr_tally_packed_bytes(const gcr_reduction *reduction)
{
    return sizeof(packed_tally) + gcr_tally_bytes(reduction);
}

void gcr_tally_pack(void *out, const gcr_tally *tally, const gcr_reduction *reduction)
{
    const tally_arrays arrays = arrays_of(tally, reduction);
    packed_tally packed = { .failure_count = (uint32_t)tally->failure_count,
                            .top_count = (uint32_t)tally->top_count };
    char *at = out;

    memcpy(packed.counts, tally->counts, sizeof packed.counts);
    for (int f = 0; f < tally->failure_count; f++) {
        packed.points[f] = tally->failures[f].point;
        packed.details[f] = tally->failures[f].detail;
        packed.states[f] = tally->failures[f].state;
    }
    memcpy(at, &packed, sizeof packed);
    at += sizeof packed;
    for (int a = 0; a < 3; a++) {
        if (arrays.bytes[a] > 0)
            memcpy(at, arrays.at[a], arrays.bytes[a]);
        at += arrays.bytes[a];
    }
}

/* Where the run was stopped, cells of a block may be empty. */
static int counts_fit(const packed_tally *packed, uint64_t points, uint64_t live, uint64_t landed)
{
    uint64_t known = 0;

    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++) {
        if (packed->counts[s] > points)
            return 0;
        known += s == GCR_CELL_EXCLUDED ? 0 : packed->counts[s];
    }
    return known <= live && known - packed->counts[GCR_CELL_EMPTY] == landed;
}

static int failures_fit(const packed_tally *packed, uint64_t points)
{
    if (packed->failure_count > GCR_PARTIAL_FAILURES)
        return 0;
    for (uint32_t f = 0; f < packed->failure_count; f++)
        if (packed->points[f] >= points || packed->states[f] < GCR_CELL_NOT_SPD ||
            packed->states[f] >= GCR_CELL_STATE_COUNT ||
            (f > 0 && packed->points[f] <= packed->points[f - 1]))
            return 0;
    return 1;
}

static int columns_fit(const gcr_tally *tally, const gcr_reduction *reduction, int64_t points,
                       uint64_t live)
{
    for (int c = 0; c < reduction->count; c++) {
        const gcr_tally_column *column = &tally->columns[c];

        if (column->used > live || column->skipped > live - column->used || column->point < -1 ||
            column->point >= points || column->first < -1 || column->first >= points)
            return 0;
    }
    return 1;
}

static int top_fits(const gcr_tally *tally, int64_t points)
{
    for (int32_t k = 0; k < tally->top_count; k++)
        if (tally->top[k].point < 0 || tally->top[k].point >= points)
            return 0;
    return 1;
}

int gcr_tally_unpack(gcr_tally *out, const void *packed, const gcr_reduction *reduction,
                     uint64_t points, uint64_t live, uint64_t landed)
{
    const tally_arrays arrays = arrays_of(out, reduction);
    const char *at = packed;
    packed_tally head;

    memcpy(&head, at, sizeof head);
    at += sizeof head;
    if (!counts_fit(&head, points, live, landed) || !failures_fit(&head, points) ||
        head.top_count > top_room(reduction))
        return 0;
    memcpy(out->counts, head.counts, sizeof out->counts);
    for (uint32_t f = 0; f < head.failure_count; f++)
        out->failures[f] = (gcr_failed_cell){ .point = head.points[f],
                                              .detail = head.details[f],
                                              .state = (uint8_t)head.states[f] };
    out->failure_count = (int)head.failure_count;
    out->top_count = (int32_t)head.top_count;
    for (int a = 0; a < 3; a++) {
        if (arrays.bytes[a] > 0)
            memcpy(arrays.at[a], at, arrays.bytes[a]);
        at += arrays.bytes[a];
    }
    return columns_fit(out, reduction, (int64_t)points, live) && top_fits(out, (int64_t)points);
}
