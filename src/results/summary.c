/*
 * results/summary.c -- see summary.h.
 *
 * All but quantiles are made from tallies (tally.h): a thread has one, into which it puts block
 * after block. Where cells are kept, that happens when the last cell of a dataset has landed, over
 * all of its slots. Where they are not, threads add blocks as they come and leave what they have to
 * the dataset when they turn to another one; such a shared tally is there only while several have
 * cells of one dataset.
 */
#include "results/summary.h"

#include "base/check.h"
#include "base/memory.h"
#include "results/quantile.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A tally and its arrays. */
typedef struct shared_tally {
    gcr_tally tally;
    struct shared_tally *next; /* of those that are free */
} shared_tally;

/* What is left of the cells of a dataset where they are not kept. */
typedef struct remains {
    uint64_t counts[GCR_CELL_STATE_COUNT];
    gcr_failed_cell failures[GCR_PARTIAL_FAILURES];
    int failure_count;
} remains;

struct gcr_summaries {
    gcr_summaries_spec spec;
    gcr_reduction reduction;
    int *column;               /* [summary_count] of the reduction; -1: a quantile  */
    int top_of;                /* index of a summary, or -1                         */
    gcr_summary_value *values; /* [dataset_count][summary_count]                    */
    gcr_summary_value *top;    /* [dataset_count][spec.top]; NULL without top       */
    atomic_uchar *fired;       /* [dataset_count]                                   */
    uint64_t *scratch;         /* [threads][live_count]; NULL without a quantile    */
    char *tallies;             /* [threads + 1] of tally_bytes()                    */
    remains *remains;          /* [dataset_count]; NULL where cells are kept        */

    pthread_mutex_t lock;  /* of what follows                                       */
    shared_tally **shared; /* [dataset_count] NULL: none; NULL where cells are kept */
    shared_tally *free;
    gcr_tally *arrived; /* one that comes from another process: behind those of the threads */
};

static const gcr_summary_value nothing = { .value = NAN, .point = -1, .skipped = 0 };

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

static gcr_reduced_op reduced_op_of(gcr_summary_op op)
{
    switch (op) {
    case GCR_SUMMARY_MEAN: return GCR_REDUCED_SUM;
    case GCR_SUMMARY_ARGMIN:
    case GCR_SUMMARY_MIN: return GCR_REDUCED_MIN_OF;
    default: return GCR_REDUCED_MAX_OF;
    }
}

/* The column that `summary` is read from, added where no summary before had it; -1: a quantile. */
static int find_column(gcr_reduction *reduction, const gcr_summaries_spec *spec, int summary)
{
    const gcr_reduced wanted = { .output = spec->output[summary],
                                 .op = reduced_op_of(spec->summaries[summary].op) };

    if (spec->summaries[summary].op == GCR_SUMMARY_QUANTILE)
        return -1;
    for (int c = 0; c < reduction->count; c++)
        if (reduction->reduced[c].output == wanted.output && reduction->reduced[c].op == wanted.op)
            return c;
    reduction->reduced[reduction->count] = wanted;
    return reduction->count++;
}

gcr_reduction gcr_summaries_reduction(const gcr_summaries_spec *spec)
{
    gcr_reduction reduction = { .top = spec->top,
                                .top_of = -1,
                                .nan_propagates = spec->nan_propagates };
    const int top_of = find_top(spec);

    for (int s = 0; s < spec->summary_count; s++)
        find_column(&reduction, spec, s);
    if (top_of >= 0)
        reduction.top_of = find_column(&reduction, spec, top_of);
    return reduction;
}

/* ---- create --------------------------------------------------------------------------------- */

/* How many items each array has. Products of what slots have already counted, or far smaller. */
typedef struct sizes {
    uint64_t values, top, fired, scratch, tallies, remains, shared;
} sizes;

static uint64_t tally_bytes(const gcr_reduction *reduction)
{
    const uint64_t bytes = sizeof(shared_tally) + gcr_tally_bytes(reduction);

    return (bytes + GCR_ALIGNMENT - 1) / GCR_ALIGNMENT * GCR_ALIGNMENT; /* no line of two threads */
}

static sizes size_arrays(const gcr_summaries_spec *spec, int threads)
{
    const uint64_t datasets = spec->slots->dataset_count;

    return (sizes){
        .values = datasets * (uint64_t)spec->summary_count,
        .top = find_top(spec) >= 0 ? datasets * (uint64_t)spec->top : 0,
        .fired = datasets,
        .scratch = has_quantile(spec) ? spec->points->live_count * (uint64_t)threads : 0,
        .tallies = (uint64_t)threads + 1,
        .remains = spec->keep == GCR_KEEP_SUMMARY ? datasets : 0,
        .shared = spec->by_blocks ? datasets : 0,
    };
}

/* Each dataset of which some cells have landed may have a tally that threads share. */
uint64_t gcr_summaries_bytes(const gcr_summaries_spec *spec, int threads, uint64_t begun)
{
    const sizes n = size_arrays(spec, threads);
    const gcr_reduction reduction = gcr_summaries_reduction(spec);
    const uint64_t shared = spec->by_blocks ? begun : 0;

    return (n.values + n.top) * sizeof(gcr_summary_value) + n.fired * sizeof(atomic_uchar) +
           n.scratch * sizeof(uint64_t) + (n.tallies + shared) * tally_bytes(&reduction) +
           n.remains * sizeof(remains) + n.shared * sizeof(shared_tally *);
}

static gcr_status create_columns(gcr_summaries *summaries)
{
    gcr_status status = GCR_OK;
    const int count = summaries->spec.summary_count;

    summaries->column = calloc((size_t)count + 1, sizeof *summaries->column);
    if (summaries->column == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the summaries");
    for (int s = 0; s < count; s++) /* all are there already */
        summaries->column[s] = find_column(&summaries->reduction, &summaries->spec, s);
out:
    return status;
}

static gcr_tally *tally_of(const gcr_summaries *summaries, int thread)
{
    shared_tally *own =
        (void *)(summaries->tallies + (uint64_t)thread * tally_bytes(&summaries->reduction));

    return &own->tally;
}

static gcr_status create_tallies(gcr_summaries *summaries, uint64_t threads)
{
    gcr_status status = GCR_OK;
    void *block = NULL;

    GCR_TRY(
        gcr_memory_create(&block, threads, tally_bytes(&summaries->reduction), "the summaries"));
    summaries->tallies = block;
    for (uint64_t t = 0; t < threads; t++) {
        gcr_tally *tally = tally_of(summaries, (int)t);

        gcr_tally_place(tally, (shared_tally *)(void *)tally + 1, &summaries->reduction);
    }
    summaries->arrived = tally_of(summaries, (int)threads - 1);
out:
    return status;
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
    GCR_TRY(gcr_memory_create(&block, n->remains, sizeof *summaries->remains, "the summaries"));
    summaries->remains = block;
    GCR_TRY(gcr_memory_create(&block, n->shared, sizeof *summaries->shared, "the summaries"));
    summaries->shared = block;
    GCR_TRY(create_tallies(summaries, n->tallies));
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
    pthread_mutex_init(&summaries->lock, NULL);
    summaries->spec = *spec;
    summaries->top_of = find_top(spec);
    summaries->reduction = gcr_summaries_reduction(spec);
    GCR_TRY(create_columns(summaries));
    GCR_TRY(create_arrays(summaries, &n));
    *out = summaries;
    summaries = NULL; /* handed over: the line below frees nothing */
out:
    gcr_summaries_destroy(summaries);
    return status;
}

void gcr_summaries_destroy(gcr_summaries *summaries)
{
    shared_tally *next;

    if (summaries == NULL)
        return;
    for (uint64_t d = 0; summaries->shared != NULL && d < summaries->spec.slots->dataset_count; d++)
        gcr_memory_destroy(summaries->shared[d]);
    for (shared_tally *t = summaries->free; t != NULL; t = next) {
        next = t->next;
        gcr_memory_destroy(t);
    }
    gcr_memory_destroy(summaries->shared);
    gcr_memory_destroy(summaries->remains);
    gcr_memory_destroy(summaries->tallies);
    gcr_memory_destroy(summaries->scratch);
    gcr_memory_destroy(summaries->fired);
    gcr_memory_destroy(summaries->top);
    gcr_memory_destroy(summaries->values);
    free(summaries->column);
    pthread_mutex_destroy(&summaries->lock);
    free(summaries);
}

/* ---- from a tally to values ------------------------------------------------------------------ */

/* Points that nobody has added were never computed: they have no usable value either. */
static gcr_summary_value value_of(const gcr_summaries *summaries, const gcr_tally *tally, int s)
{
    const gcr_summaries_spec *spec = &summaries->spec;
    const gcr_tally_column *column = &tally->columns[summaries->column[s]];
    gcr_summary_value value = { .value = column->best,
                                .point = column->point,
                                .skipped = column->skipped };

    if (spec->by_blocks)
        value.skipped = spec->points->live_count - column->used;
    if (spec->summaries[s].op == GCR_SUMMARY_MEAN)
        value.value = column->used == 0
                          ? NAN
                          : gcr_tally_sum(tally, &summaries->reduction, summaries->column[s]) /
                                (double)column->used;
    if (spec->nan_propagates && value.skipped > 0) {
        value.value = NAN;
        value.point = column->first;
    }
    if (!gcr_summary_has_point(spec->summaries[s].op))
        value.point = -1;
    return value;
}

static void finish_top(gcr_summaries *summaries, uint64_t dataset, const gcr_tally *tally,
                       uint64_t skipped)
{
    const uint64_t room = (uint64_t)summaries->spec.top;
    gcr_summary_value *places = summaries->top + dataset * room;

    for (uint64_t k = 0; k < room; k++) {
        places[k] = k < (uint64_t)tally->top_count ? tally->top[k] : nothing;
        places[k].skipped = skipped;
    }
}

static void finish_remains(gcr_summaries *summaries, uint64_t dataset, const gcr_tally *tally)
{
    remains *left = &summaries->remains[dataset];

    memcpy(left->counts, tally->counts, sizeof left->counts);
    memcpy(left->failures, tally->failures, sizeof left->failures);
    left->failure_count = tally->failure_count;
}

/* ---- from slots ------------------------------------------------------------------------------ */

static gcr_summary_value quantile_of(const gcr_summaries *summaries, uint64_t dataset, int s,
                                     int thread)
{
    const gcr_summaries_spec *spec = &summaries->spec;
    const gcr_slots *slots = spec->slots;
    const uint64_t first = dataset * slots->point_count;
    const double *values = slots->values[spec->output[s]] + first;
    uint64_t *keys = summaries->scratch + (uint64_t)thread * spec->points->live_count;
    gcr_summary_value value = nothing;
    uint64_t used = 0;

    for (uint64_t p = 0; p < slots->point_count; p++) {
        if (gcr_partial_is_usable(slots->state[first + p], values[p]))
            keys[used++] = gcr_quantile_key(values[p]);
        else
            value.skipped += slots->state[first + p] != GCR_CELL_EXCLUDED;
    }
    if (used > 0 && !(spec->nan_propagates && value.skipped > 0))
        value.value = gcr_quantile(keys, used, spec->summaries[s].q);
    return value;
}

/* Puts all slots of a dataset into a tally. */
static void tally_slots(gcr_summaries *summaries, uint64_t dataset, gcr_tally *tally)
{
    const gcr_slots *slots = summaries->spec.slots;

    for (uint64_t first = 0; first < slots->point_count; first += GCR_PARTIAL_POINTS) {
        const uint64_t cell = dataset * slots->point_count + first;
        const uint64_t left = slots->point_count - first;
        gcr_partial_block block = {
            .state = slots->state + cell,
            .count = (uint32_t)(left < GCR_PARTIAL_POINTS ? left : GCR_PARTIAL_POINTS),
        };

        for (int o = 0; o < slots->output_count; o++) {
            block.width[o] = slots->width[o];
            block.outputs[o] = slots->values[o] + cell * (uint64_t)slots->width[o];
        }
        gcr_tally_add(tally, &summaries->reduction, first, &block);
    }
}

/* ---- without slots --------------------------------------------------------------------------- */

gcr_reduction gcr_summaries_reduction_of(const gcr_summaries *summaries)
{
    return summaries->reduction;
}

void gcr_summaries_add(gcr_summaries *summaries, int thread, uint64_t first,
                       const gcr_partial_block *block)
{
    gcr_tally_add(tally_of(summaries, thread), &summaries->reduction, first, block);
}

static uint64_t count_live(const gcr_point_table *points, uint64_t first, uint64_t count)
{
    uint64_t live = 0;

    if (points->live == NULL)
        return count;
    for (uint64_t word = first / 64; word < (first + count + 63) / 64; word++)
        live += (uint64_t)__builtin_popcountll(points->live[word]); /* a block begins at a word */
    return live;
}

static gcr_status check_record(const gcr_summaries *summaries, uint64_t first, const void *record)
{
    gcr_status status = GCR_OK;
    const gcr_point_table *points = summaries->spec.points;
    const uint64_t left = points->point_count - first;
    const uint64_t count = left < GCR_PARTIAL_POINTS ? left : GCR_PARTIAL_POINTS;

    if (!gcr_tally_record_fits(&summaries->reduction, record, count,
                               count_live(points, first, count)))
        GCR_FAIL(GCR_EDEVICE,
                 "a device has left a record of the cells up to point %" PRIu64
                 " of a dataset that no cells can have; test the device, or run the job on another",
                 first + count);
out:
    return status;
}

gcr_status gcr_summaries_add_records(gcr_summaries *summaries, int thread, uint64_t first,
                                     const void *records, uint64_t count)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = gcr_partial_bytes(&summaries->reduction);
    const char *base = records;

    for (uint64_t r = 0; r < count; r++)
        GCR_TRY(check_record(summaries, first + r * GCR_PARTIAL_POINTS, base + r * bytes));
    for (uint64_t r = 0; r < count; r++)
        gcr_tally_add_record(tally_of(summaries, thread), &summaries->reduction,
                             first + r * GCR_PARTIAL_POINTS, base + r * bytes);
out:
    return status;
}

/* One that is free, or a new one. Under the lock. */
static gcr_status take_shared(shared_tally **out, gcr_summaries *summaries)
{
    gcr_status status = GCR_OK;
    void *block = NULL;

    *out = summaries->free;
    if (*out != NULL) {
        summaries->free = (*out)->next;
        goto out;
    }
    GCR_TRY(gcr_memory_create(&block, 1, tally_bytes(&summaries->reduction), "a summary"));
    *out = block;
    gcr_tally_place(&(*out)->tally, *out + 1, &summaries->reduction);
out:
    return status;
}

/* Under the lock. */
static gcr_status merge_into(gcr_summaries *summaries, uint64_t dataset, const gcr_tally *tally)
{
    gcr_status status = GCR_OK;

    if (summaries->shared[dataset] == NULL)
        GCR_TRY(take_shared(&summaries->shared[dataset], summaries));
    gcr_tally_merge(&summaries->shared[dataset]->tally, &summaries->reduction, tally);
out:
    return status;
}

gcr_status gcr_summaries_leave(gcr_summaries *summaries, uint64_t dataset, int thread)
{
    gcr_tally *own = tally_of(summaries, thread);
    gcr_status status;

    pthread_mutex_lock(&summaries->lock);
    status = merge_into(summaries, dataset, own);
    pthread_mutex_unlock(&summaries->lock);
    gcr_tally_clear(own, &summaries->reduction);
    return status;
}

uint64_t gcr_summaries_packed_bytes(const gcr_summaries *summaries)
{
    return gcr_tally_packed_bytes(&summaries->reduction);
}

void gcr_summaries_pack(void *out, gcr_summaries *summaries, int thread)
{
    gcr_tally *own = tally_of(summaries, thread);

    gcr_tally_pack(out, own, &summaries->reduction);
    gcr_tally_clear(own, &summaries->reduction);
}

gcr_status gcr_summaries_add_packed(gcr_summaries *summaries, uint64_t dataset, uint64_t landed,
                                    const void *packed)
{
    gcr_status status = GCR_OK;
    const gcr_point_table *points = summaries->spec.points;

    pthread_mutex_lock(&summaries->lock);
    if (dataset >= summaries->spec.slots->dataset_count || summaries->shared == NULL ||
        !gcr_tally_unpack(summaries->arrived, packed, &summaries->reduction, points->point_count,
                          points->live_count, landed))
        GCR_FAIL(GCR_EIO,
                 "another process has sent what it knows of the cells of dataset %" PRIu64
                 ", and no cells of this run can be so",
                 dataset);
    GCR_TRY(merge_into(summaries, dataset, summaries->arrived));
out:
    pthread_mutex_unlock(&summaries->lock);
    return status;
}

/* The tally that knows all of a dataset: what was left to it, or the thread's own. */
static gcr_tally *whole_tally(gcr_summaries *summaries, uint64_t dataset, int thread)
{
    shared_tally *shared;

    pthread_mutex_lock(&summaries->lock);
    shared = summaries->shared[dataset];
    pthread_mutex_unlock(&summaries->lock);
    return shared != NULL ? &shared->tally : tally_of(summaries, thread);
}

static void free_shared(gcr_summaries *summaries, uint64_t dataset)
{
    shared_tally *shared;

    pthread_mutex_lock(&summaries->lock);
    shared = summaries->shared[dataset];
    if (shared != NULL) {
        gcr_tally_clear(&shared->tally, &summaries->reduction);
        shared->next = summaries->free;
        summaries->free = shared;
        summaries->shared[dataset] = NULL;
    }
    pthread_mutex_unlock(&summaries->lock);
}

/* ---- what others call ----------------------------------------------------------------------- */

void gcr_summaries_fire(gcr_summaries *summaries, uint64_t dataset, int thread)
{
    const gcr_summaries_spec *spec = &summaries->spec;
    gcr_summary_value *values = summaries->values + dataset * (uint64_t)spec->summary_count;
    gcr_tally *tally = tally_of(summaries, thread);

    if (spec->by_blocks)
        tally = whole_tally(summaries, dataset, thread);
    else
        tally_slots(summaries, dataset, tally);
    for (int s = 0; s < spec->summary_count; s++)
        values[s] = summaries->column[s] >= 0 ? value_of(summaries, tally, s)
                                              : quantile_of(summaries, dataset, s, thread);
    if (summaries->remains != NULL)
        finish_remains(summaries, dataset, tally);
    if (summaries->top_of >= 0)
        finish_top(summaries, dataset, tally, values[summaries->top_of].skipped);
    gcr_tally_clear(tally, &summaries->reduction);
    if (spec->by_blocks)
        free_shared(summaries, dataset);
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

/* ---- where cells are not kept ---------------------------------------------------------------- */

void gcr_summaries_count(const gcr_summaries *summaries, uint64_t dataset, uint64_t counts[])
{
    const gcr_point_table *points = summaries->spec.points;
    uint64_t landed = 0;

    memcpy(counts, summaries->remains[dataset].counts, sizeof summaries->remains->counts);
    counts[GCR_CELL_EMPTY] = counts[GCR_CELL_EXCLUDED] = 0;
    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        landed += counts[s];
    counts[GCR_CELL_EMPTY] = points->live_count - landed;
    counts[GCR_CELL_EXCLUDED] = points->point_count - points->live_count;
}

int gcr_summaries_failed(const gcr_summaries *summaries, uint64_t dataset,
                         const gcr_failed_cell **out)
{
    *out = summaries->remains[dataset].failures;
    return summaries->remains[dataset].failure_count;
}
