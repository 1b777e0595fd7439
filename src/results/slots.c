/*
 * results/slots.c -- see slots.h.
 *
 * Fresh pages of the system are zero, and zero is GCR_CELL_EMPTY: without a `where` nothing is
 * touched here, so that each page is first touched by the thread that computes into it.
 */
#include "results/slots.h"

#include "base/check.h"
#include "base/memory.h"
#include "results/states.h"

#include <inttypes.h>
#include <stdlib.h>

static gcr_status count_cells(uint64_t *out, const gcr_slots *slots)
{
    gcr_status status = GCR_OK;

    if (!gcr_multiply(out, slots->dataset_count, slots->point_count))
        GCR_FAIL(GCR_EOVERFLOW,
                 "%" PRIu64 " datasets x %" PRIu64 " points are more cells than 64 bits can count",
                 slots->dataset_count, slots->point_count);
out:
    return status;
}

static gcr_status create_values(gcr_slots *slots, const gcr_slots_spec *spec, uint64_t cells)
{
    gcr_status status = GCR_OK;

    for (int o = 0; o < spec->output_count; o++) {
        const uint64_t width = (uint64_t)spec->width[o];
        uint64_t count = 0;
        void *block = NULL;

        if (!gcr_multiply(&count, cells, width))
            GCR_FAIL(GCR_EOVERFLOW,
                     "%" PRIu64 " cells x %" PRIu64 " values are more than 64 bits can count",
                     cells, width);
        GCR_TRY(gcr_memory_create(&block, count, sizeof(double), "the outputs of all cells"));
        slots->values[o] = block;
        slots->width[o] = spec->width[o];
        slots->output_count = o + 1;
    }
out:
    return status;
}

static gcr_status create_states(gcr_slots *slots, const gcr_slots_spec *spec, uint64_t cells)
{
    gcr_status status = GCR_OK;
    void *block = NULL;

    GCR_TRY(gcr_memory_create(&block, cells, 1, "the states of all cells"));
    slots->state = block;
    if (spec->has_jitter) {
        GCR_TRY(gcr_memory_create(&block, cells, 1, "the jitter steps of all cells"));
        slots->jitter_step = block;
    }
    if (spec->has_kinds) {
        GCR_TRY(gcr_memory_create(&block, cells, 1, "the kinds of all cells"));
        slots->kind = block;
    }
out:
    return status;
}

static gcr_status create_countdowns(gcr_slots *slots)
{
    gcr_status status = GCR_OK;
    void *block = NULL;

    GCR_TRY(gcr_memory_create(&block, slots->dataset_count, sizeof *slots->missing,
                              "a countdown for each dataset"));
    slots->missing = block;
    for (uint64_t d = 0; d < slots->dataset_count; d++)
        atomic_init(&slots->missing[d], slots->live_count);
out:
    return status;
}

static void blank_outputs(gcr_slots *slots, uint64_t cell)
{
    for (int o = 0; o < slots->output_count; o++) {
        const uint64_t width = (uint64_t)slots->width[o];
        double *values = slots->values[o] + cell * width;

        for (uint64_t i = 0; i < width; i++)
            values[i] = gcr_cell_nan(0);
    }
}

static void exclude_points(gcr_slots *slots, const gcr_point_table *points)
{
    for (uint64_t d = 0; d < slots->dataset_count; d++) {
        for (uint64_t p = 0; p < slots->point_count; p++) {
            const uint64_t cell = d * slots->point_count + p;

            if (gcr_point_is_live(points, p))
                continue;
            slots->state[cell] = GCR_CELL_EXCLUDED;
            blank_outputs(slots, cell);
        }
    }
}

gcr_status gcr_slots_create(gcr_slots **out, const gcr_slots_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_slots *slots = NULL;
    uint64_t cells = 0;

    *out = NULL;
    slots = calloc(1, sizeof *slots);
    if (slots == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the table of results");
    slots->dataset_count = spec->dataset_count;
    slots->point_count = spec->points->point_count;
    slots->live_count = spec->points->live_count;
    GCR_TRY(count_cells(&cells, slots));
    if (spec->has_no_cells)
        cells = 0; /* gives NULL */
    GCR_TRY(create_values(slots, spec, cells));
    GCR_TRY(create_states(slots, spec, cells));
    GCR_TRY(create_countdowns(slots));
    if (spec->points->live != NULL && !spec->has_no_cells)
        exclude_points(slots, spec->points);
    *out = slots;
    slots = NULL; /* handed over: the line below frees nothing */
out:
    gcr_slots_destroy(slots);
    return status;
}

void gcr_slots_destroy(gcr_slots *slots)
{
    if (slots == NULL)
        return;
    gcr_memory_destroy(slots->missing);
    gcr_memory_destroy(slots->kind);
    gcr_memory_destroy(slots->jitter_step);
    gcr_memory_destroy(slots->state);
    for (int o = 0; o < slots->output_count; o++)
        gcr_memory_destroy(slots->values[o]);
    free(slots);
}

int gcr_slots_land(gcr_slots *slots, uint64_t dataset, uint64_t count)
{
    /* Release: our slots are visible to whoever lands later. Acquire: if we are the last, the
     * slots of all others are visible to us. */
    const uint64_t before =
        atomic_fetch_sub_explicit(&slots->missing[dataset], count, memory_order_acq_rel);

    return before == count;
}

void gcr_slots_seal(gcr_slots *slots)
{
    for (uint64_t d = 0; slots->state != NULL && d < slots->dataset_count; d++) {
        const uint64_t first = d * slots->point_count;

        if (atomic_load_explicit(&slots->missing[d], memory_order_acquire) == 0)
            continue;
        for (uint64_t cell = first; cell < first + slots->point_count; cell++)
            if (slots->state[cell] == GCR_CELL_EMPTY)
                blank_outputs(slots, cell);
    }
}

void gcr_slots_release(gcr_slots *slots, uint64_t dataset)
{
    for (int o = 0; o < slots->output_count; o++) {
        const uint64_t bytes =
            slots->point_count * (uint64_t)slots->width[o] * sizeof *slots->values[o];

        gcr_memory_release(slots->values[o], dataset * bytes, bytes);
    }
}

/* Whole blocks at once while all is well, which it mostly is. */
static void count_states(const uint8_t *state, uint64_t n, uint64_t counts[GCR_CELL_STATE_COUNT])
{
    for (uint64_t i = 0; i < n; i += GCR_STATES_BLOCK) {
        const uint64_t count = n - i < GCR_STATES_BLOCK ? n - i : GCR_STATES_BLOCK;

        if (gcr_states_all_ok(state + i, count)) {
            counts[GCR_CELL_OK] += count;
            continue;
        }
        for (uint64_t k = i; k < i + count; k++)
            counts[state[k]]++;
    }
}

void gcr_slots_count(const gcr_slots *slots, uint64_t counts[])
{
    memset(counts, 0, GCR_CELL_STATE_COUNT * sizeof counts[0]);
    count_states(slots->state, slots->dataset_count * slots->point_count, counts);
}

void gcr_slots_count_dataset(const gcr_slots *slots, uint64_t dataset, uint64_t counts[])
{
    memset(counts, 0, GCR_CELL_STATE_COUNT * sizeof counts[0]);
    count_states(slots->state + dataset * slots->point_count, slots->point_count, counts);
}
