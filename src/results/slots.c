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

/* Arrays begin on pages of their own, so that what one holds can be given back without the
 * others. */
enum { ARRAY_ALIGNMENT = 4096 };

/* Where each array begins in the block. */
typedef struct layout {
    uint64_t values[GCR_OUTPUTS_MAX], state, jitter_step, kind;
    uint64_t bytes; /* of all so far */
} layout;

static gcr_status count_cells(uint64_t *out, const gcr_slots_spec *spec)
{
    gcr_status status = GCR_OK;
    const uint64_t points = spec->points->point_count;

    if (!gcr_multiply(out, spec->dataset_count, points))
        GCR_FAIL(GCR_EOVERFLOW,
                 "%" PRIu64 " datasets x %" PRIu64 " points are more cells than 64 bits can count",
                 spec->dataset_count, points);
    if (spec->has_no_cells)
        *out = 0;
out:
    return status;
}

/* Puts an array of `bytes` for each cell behind those that are there. */
static gcr_status append(uint64_t *begin, layout *l, uint64_t cells, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    uint64_t end;

    *begin = l->bytes;
    if (!gcr_multiply(&end, cells, bytes) || !gcr_add(&end, end, l->bytes + ARRAY_ALIGNMENT - 1))
        GCR_FAIL(GCR_EOVERFLOW,
                 "%" PRIu64 " cells x %" PRIu64 " bytes are more than 64 bits can count", cells,
                 bytes);
    l->bytes = end / ARRAY_ALIGNMENT * ARRAY_ALIGNMENT;
out:
    return status;
}

static gcr_status lay_out(layout *out, const gcr_slots_spec *spec)
{
    gcr_status status = GCR_OK;
    uint64_t cells;

    *out = (layout){ 0 };
    GCR_TRY(count_cells(&cells, spec));
    for (int o = 0; o < spec->output_count; o++)
        GCR_TRY(append(&out->values[o], out, cells, (uint64_t)spec->width[o] * sizeof(double)));
    GCR_TRY(append(&out->state, out, cells, 1));
    if (spec->has_jitter)
        GCR_TRY(append(&out->jitter_step, out, cells, 1));
    if (spec->has_kinds)
        GCR_TRY(append(&out->kind, out, cells, 1));
out:
    return status;
}

gcr_status gcr_slots_bytes(uint64_t *out, const gcr_slots_spec *spec)
{
    gcr_status status = GCR_OK;
    layout l;

    *out = 0;
    GCR_TRY(lay_out(&l, spec));
    *out = l.bytes;
out:
    return status;
}

static gcr_status place_arrays(gcr_slots *slots, const gcr_slots_spec *spec)
{
    gcr_status status = GCR_OK;
    uint8_t *base = spec->block;
    layout l;

    GCR_TRY(lay_out(&l, spec));
    if (base == NULL)
        GCR_TRY(gcr_memory_create(&slots->own, 1, l.bytes, "the outputs of all cells"));
    if (base == NULL)
        base = slots->own;
    slots->output_count = spec->output_count;
    for (int o = 0; o < spec->output_count; o++) {
        slots->width[o] = spec->width[o];
        slots->values[o] = l.bytes > 0 ? (double *)(void *)(base + l.values[o]) : NULL;
    }
    if (l.bytes == 0)
        goto out;
    slots->state = base + l.state;
    slots->jitter_step = spec->has_jitter ? base + l.jitter_step : NULL;
    slots->kind = spec->has_kinds ? base + l.kind : NULL;
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
    GCR_TRY(gcr_memory_create(&block, slots->dataset_count, sizeof *slots->is_released,
                              "a mark for each dataset"));
    slots->is_released = block;
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

    *out = NULL;
    slots = calloc(1, sizeof *slots);
    if (slots == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the table of results");
    slots->dataset_count = spec->dataset_count;
    slots->point_count = spec->points->point_count;
    slots->live_count = spec->points->live_count;
    GCR_TRY(place_arrays(slots, spec));
    GCR_TRY(create_countdowns(slots));
    if (spec->points->live != NULL && slots->state != NULL && !spec->leaves_excluded)
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
    gcr_memory_destroy(slots->is_released);
    gcr_memory_destroy(slots->own);
    free(slots);
}

int gcr_slots_have(const gcr_slots *slots, uint64_t dataset, uint64_t first, uint64_t count)
{
    return dataset < slots->dataset_count && first <= slots->point_count &&
           count <= slots->point_count - first;
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
    atomic_store(&slots->is_released[dataset], 1);
    for (int o = 0; slots->state != NULL && o < slots->output_count; o++) {
        const uint64_t bytes =
            slots->point_count * (uint64_t)slots->width[o] * sizeof *slots->values[o];
        char *values = (char *)slots->values[o] + dataset * bytes;

        if (slots->own != NULL)
            gcr_memory_release(slots->own, (uint64_t)(values - (char *)slots->own), bytes);
        else
            gcr_memory_release_shared(values, values, values + bytes);
    }
}

int gcr_slots_are_released(const gcr_slots *slots, uint64_t dataset)
{
    return atomic_load(&slots->is_released[dataset]);
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
