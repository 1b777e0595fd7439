/*
 * results/summary.c -- see summary.h.
 *
 * One loop in point order for each summary. What looks for the best passes over whole blocks of
 * points in which all is well and nothing is better than what it has: that question has no branch
 * in it and is answered in half the time (measured).
 */
#include "results/summary.h"

#include "base/check.h"
#include "base/memory.h"
#include "results/quantile.h"
#include "results/states.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { SUM_POINTS = 1024 };

struct gcr_summaries {
    gcr_summaries_spec spec;
    int top_of;                /* index of a summary, or -1                         */
    gcr_summary_value *values; /* [dataset_count][summary_count]                    */
    gcr_summary_value *top;    /* [dataset_count][spec.top]; NULL without top       */
    atomic_uchar *fired;       /* [dataset_count]                                   */
    uint64_t *scratch;         /* [threads][live_count]; NULL without a quantile    */
};

/* The runs of one dataset as a summary sees them. */
typedef struct runs {
    const double *values; /* [count] */
    const uint8_t *state; /* [count] */
    uint64_t count;
    int nan_propagates;
} runs;

static const gcr_summary_value nothing = { .value = NAN, .point = -1, .skipped = 0 };

static int is_usable(uint8_t state, double value)
{
    return gcr_cell_has_result(state) && !isnan(value);
}

static int has_quantile(const gcr_summaries_spec *spec)
{
    for (int s = 0; s < spec->summary_count; s++)
        if (spec->summaries[s].op == GCR_SUMMARY_QUANTILE)
            return 1;
    return 0;
}

/* The summary that `top` ranks by: the first argmax or argmin. */
static int find_top(const gcr_summaries_spec *spec)
{
    if (spec->top > 0)
        for (int s = 0; s < spec->summary_count; s++)
            if (gcr_summary_has_point(spec->summaries[s].op))
                return s;
    return -1;
}

/* ---- create --------------------------------------------------------------------------------- */

/* How many items each array has. Products of what slots have already counted, or far smaller. */
typedef struct sizes {
    uint64_t values, top, fired, scratch;
} sizes;

static sizes size_arrays(const gcr_summaries_spec *spec, int threads)
{
    const uint64_t datasets = spec->slots->dataset_count;

    return (sizes){
        .values = datasets * (uint64_t)spec->summary_count,
        .top = find_top(spec) >= 0 ? datasets * (uint64_t)spec->top : 0,
        .fired = datasets,
        .scratch = has_quantile(spec) ? spec->points->live_count * (uint64_t)threads : 0,
    };
}

uint64_t gcr_summaries_bytes(const gcr_summaries_spec *spec, int threads)
{
    const sizes n = size_arrays(spec, threads);

    return (n.values + n.top) * sizeof(gcr_summary_value) + n.fired * sizeof(atomic_uchar) +
           n.scratch * sizeof(uint64_t);
}

static gcr_status create_arrays(gcr_summaries *summaries, const sizes *n)
{
    gcr_status status = GCR_OK;
    void *block = NULL;

    GCR_TRY(gcr_memory_create(&block, n->values, sizeof *summaries->values, "the summaries"));
    summaries->values = block;
    GCR_TRY(gcr_memory_create(&block, n->top, sizeof *summaries->top, "the top points"));
    summaries->top = block;
    GCR_TRY(gcr_memory_create(&block, n->fired, sizeof *summaries->fired, "the summaries"));
    summaries->fired = block;
    GCR_TRY(gcr_memory_create(&block, n->scratch, sizeof *summaries->scratch, "the quantiles"));
    summaries->scratch = block;
out:
    return status;
}

gcr_status gcr_summaries_create(gcr_summaries **out, const gcr_summaries_spec *spec, int threads)
{
    gcr_status status = GCR_OK;
    const sizes n = size_arrays(spec, threads);
    gcr_summaries *summaries = NULL;

    *out = NULL;
    for (int s = 0; s < spec->summary_count; s++)
        assert(spec->slots->width[spec->output[s]] == 1);
    summaries = calloc(1, sizeof *summaries);
    if (summaries == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the summaries");
    summaries->spec = *spec;
    summaries->top_of = find_top(spec);
    GCR_TRY(create_arrays(summaries, &n));
    *out = summaries;
    summaries = NULL; /* handed over: the line below frees nothing */
out:
    gcr_summaries_destroy(summaries);
    return status;
}

void gcr_summaries_destroy(gcr_summaries *summaries)
{
    if (summaries == NULL)
        return;
    gcr_memory_destroy(summaries->scratch);
    gcr_memory_destroy(summaries->fired);
    gcr_memory_destroy(summaries->top);
    gcr_memory_destroy(summaries->values);
    free(summaries);
}

/* ---- reduce --------------------------------------------------------------------------------- */

/* One past the last point of the block that starts at `begin`. */
static uint64_t block_end(const runs *r, uint64_t begin)
{
    return r->count - begin < GCR_STATES_BLOCK ? r->count : begin + GCR_STATES_BLOCK;
}

/* True if all points of a block are ok and none is better than `bar`, nor NaN. */
static int is_passed_over(const runs *r, uint64_t begin, uint64_t end, double sign, double bar)
{
    uint64_t above = 0;

    for (uint64_t p = begin; p < end; p++)
        above |= (uint64_t) !(sign * r->values[p] <= bar);
    return above == 0 && gcr_states_all_ok(r->state + begin, end - begin);
}

/* The best so far. `sign` 1 looks for the largest value, -1 for the smallest. */
typedef struct search {
    double sign, best;
    int64_t point, first_unusable;
    uint64_t skipped;
} search;

static void search_block(search *s, const runs *r, uint64_t begin, uint64_t end)
{
    for (uint64_t p = begin; p < end; p++) {
        if (is_usable(r->state[p], r->values[p])) {
            const double value = s->sign * r->values[p];

            if (value > s->best || s->point < 0) {
                s->best = value;
                s->point = (int64_t)p;
            }
        } else if (r->state[p] != GCR_CELL_EXCLUDED) {
            if (s->skipped++ == 0)
                s->first_unusable = (int64_t)p;
        }
    }
}

static gcr_summary_value find_best(const runs *r, double sign)
{
    search s = { .sign = sign, .best = NAN, .point = -1, .first_unusable = -1 };

    for (uint64_t begin = 0, end = 0; begin < r->count; begin = end) {
        end = block_end(r, begin);
        if (!is_passed_over(r, begin, end, sign, s.best))
            search_block(&s, r, begin, end);
    }
    if (r->nan_propagates && s.skipped > 0)
        return (gcr_summary_value){ NAN, s.first_unusable, s.skipped };
    return (gcr_summary_value){ sign * s.best, s.point, s.skipped };
}

static gcr_summary_value find_extreme(const runs *r, double sign)
{
    gcr_summary_value extreme = find_best(r, sign);

    extreme.point = -1;
    return extreme;
}

/* The sum of the usable values of a block, and how many they are. */
static double sum_block(const runs *r, uint64_t begin, uint64_t end, uint64_t *used,
                        uint64_t *skipped)
{
    double sum = 0;

    for (uint64_t p = begin; p < end; p++) {
        if (is_usable(r->state[p], r->values[p])) {
            sum += r->values[p];
            ++*used;
        } else {
            *skipped += r->state[p] != GCR_CELL_EXCLUDED;
        }
    }
    return sum;
}

static gcr_summary_value find_mean(const runs *r)
{
    uint64_t used = 0, skipped = 0;
    double sum = 0;

    for (uint64_t begin = 0; begin < r->count; begin += SUM_POINTS) {
        const uint64_t left = r->count - begin;

        sum +=
            sum_block(r, begin, begin + (left < SUM_POINTS ? left : SUM_POINTS), &used, &skipped);
    }
    const int is_nan = used == 0 || (r->nan_propagates && skipped > 0);
    return (gcr_summary_value){ is_nan ? NAN : sum / (double)used, -1, skipped };
}

static gcr_summary_value find_quantile(const runs *r, double q, uint64_t *keys)
{
    uint64_t used = 0, skipped = 0;

    for (uint64_t p = 0; p < r->count; p++) {
        if (is_usable(r->state[p], r->values[p]))
            keys[used++] = gcr_quantile_key(r->values[p]);
        else
            skipped += r->state[p] != GCR_CELL_EXCLUDED;
    }
    const int is_nan = used == 0 || (r->nan_propagates && skipped > 0);
    return (gcr_summary_value){ is_nan ? NAN : gcr_quantile(keys, used, q), -1, skipped };
}

static gcr_summary_value reduce(const runs *r, const gcr_summary_spec *spec, uint64_t *scratch)
{
    switch (spec->op) {
    case GCR_SUMMARY_ARGMAX: return find_best(r, 1);
    case GCR_SUMMARY_ARGMIN: return find_best(r, -1);
    case GCR_SUMMARY_MAX: return find_extreme(r, 1);
    case GCR_SUMMARY_MIN: return find_extreme(r, -1);
    case GCR_SUMMARY_MEAN: return find_mean(r);
    case GCR_SUMMARY_QUANTILE: return find_quantile(r, spec->q, scratch);
    }
    return nothing;
}

/* ---- top ------------------------------------------------------------------------------------ */

/* The `room` first points, best first. A NaN ranks before all others: it gets here only where it
 * propagates, and then place 0 is what argmax says. */
typedef struct ranking {
    gcr_summary_value *places; /* [room] */
    int room, used;
    double sign;
} ranking;

static int ranks_before(const ranking *t, double value, double other)
{
    if (isnan(value) || isnan(other))
        return isnan(value) && !isnan(other);
    return t->sign * value > t->sign * other;
}

/* Later points go behind equal ones. */
static void rank_point(ranking *t, double value, uint64_t point)
{
    int place = t->used;

    if (t->used == t->room && !ranks_before(t, value, t->places[t->room - 1].value))
        return;
    if (t->used < t->room)
        t->used++;
    else
        place--;
    for (; place > 0 && ranks_before(t, value, t->places[place - 1].value); place--)
        t->places[place] = t->places[place - 1];
    t->places[place] = (gcr_summary_value){ .value = value, .point = (int64_t)point };
}

static void rank_block(ranking *t, const runs *r, uint64_t begin, uint64_t end)
{
    for (uint64_t p = begin; p < end; p++) {
        if (is_usable(r->state[p], r->values[p]))
            rank_point(t, r->values[p], p);
        else if (r->nan_propagates && r->state[p] != GCR_CELL_EXCLUDED)
            rank_point(t, NAN, p);
    }
}

static void rank_runs(ranking *t, const runs *r, uint64_t skipped)
{
    for (uint64_t begin = 0, end = 0; begin < r->count; begin = end) {
        const double bar = t->used < t->room ? NAN : t->sign * t->places[t->room - 1].value;

        end = block_end(r, begin);
        if (!is_passed_over(r, begin, end, t->sign, bar))
            rank_block(t, r, begin, end);
    }
    for (int place = t->used; place < t->room; place++)
        t->places[place] = nothing;
    for (int place = 0; place < t->room; place++)
        t->places[place].skipped = skipped;
}

/* ---- what others call ----------------------------------------------------------------------- */

static runs runs_of(const gcr_summaries *summaries, uint64_t dataset, int summary)
{
    const gcr_slots *slots = summaries->spec.slots;
    const uint64_t first = dataset * slots->point_count;

    return (runs){
        .values = slots->values[summaries->spec.output[summary]] + first,
        .state = slots->state + first,
        .count = slots->point_count,
        .nan_propagates = summaries->spec.nan_propagates,
    };
}

static void fire_top(gcr_summaries *summaries, uint64_t dataset)
{
    const gcr_summaries_spec *spec = &summaries->spec;
    const int of = summaries->top_of;
    const runs r = runs_of(summaries, dataset, of);
    ranking t = {
        .places = summaries->top + dataset * (uint64_t)spec->top,
        .room = spec->top,
        .sign = spec->summaries[of].op == GCR_SUMMARY_ARGMAX ? 1 : -1,
    };

    rank_runs(&t, &r,
              summaries->values[dataset * (uint64_t)spec->summary_count + (uint64_t)of].skipped);
}

void gcr_summaries_fire(gcr_summaries *summaries, uint64_t dataset, int thread)
{
    const gcr_summaries_spec *spec = &summaries->spec;
    gcr_summary_value *values = summaries->values + dataset * (uint64_t)spec->summary_count;
    uint64_t *scratch = summaries->scratch;

    if (scratch != NULL)
        scratch += (uint64_t)thread * spec->points->live_count;
    for (int s = 0; s < spec->summary_count; s++) {
        const runs r = runs_of(summaries, dataset, s);

        values[s] = reduce(&r, &spec->summaries[s], scratch);
    }
    if (summaries->top_of >= 0)
        fire_top(summaries, dataset);
    atomic_store_explicit(&summaries->fired[dataset], 1, memory_order_release);
}

int gcr_summaries_is_fired(const gcr_summaries *summaries, uint64_t dataset)
{
    return atomic_load_explicit(&summaries->fired[dataset], memory_order_acquire);
}

/* What is said of a dataset that was never reduced: none of its points had a value. */
static gcr_summary_value unfired(const gcr_summaries *summaries)
{
    gcr_summary_value value = nothing;

    value.skipped = summaries->spec.points->live_count;
    return value;
}

gcr_summary_value gcr_summaries_get(const gcr_summaries *summaries, uint64_t dataset, int summary)
{
    const uint64_t row = dataset * (uint64_t)summaries->spec.summary_count;

    if (!gcr_summaries_is_fired(summaries, dataset))
        return unfired(summaries);
    return summaries->values[row + (uint64_t)summary];
}

gcr_summary_value gcr_summaries_top(const gcr_summaries *summaries, uint64_t dataset, int place)
{
    const uint64_t row = dataset * (uint64_t)summaries->spec.top;

    if (summaries->top_of < 0 || !gcr_summaries_is_fired(summaries, dataset))
        return unfired(summaries);
    return summaries->top[row + (uint64_t)place];
}

int gcr_summaries_top_of(const gcr_summaries *summaries)
{
    return summaries->top_of;
}
