/* exec/records.c -- see records.h. */
#include "exec/records.h"

#include "gridcrunch/cell.h"

#include <string.h>

static uint64_t count_values(const int64_t *width, int output_count)
{
    uint64_t values = 0;

    for (int o = 0; o < output_count; o++)
        values += (uint64_t)width[o];
    return values;
}

/* Values for each point in front of output `o`; with all outputs, in front of the states. */
static uint64_t values_before(const gcr_slots *slots, int o)
{
    return count_values(slots->width, o);
}

uint64_t gcr_records_bytes(const int64_t *width, int output_count, int has_jitter)
{
    return count_values(width, output_count) * sizeof(double) + 1 + (has_jitter ? 1 : 0);
}

uint64_t gcr_records_cell_bytes(const gcr_slots *slots)
{
    return gcr_records_bytes(slots->width, slots->output_count, slots->jitter_step != NULL);
}

static double *output_at(const gcr_records *records, const gcr_slots *slots, int o, uint64_t at)
{
    return (double *)(void *)records->base + records->points * values_before(slots, o) +
           at * (uint64_t)slots->width[o];
}

static uint8_t *state_at(const gcr_records *records, const gcr_slots *slots, uint64_t at)
{
    const uint64_t values = values_before(slots, slots->output_count);

    return (uint8_t *)records->base + records->points * values * sizeof(double) + at;
}

static uint64_t cell_of(const gcr_slots *slots, const gcr_records_part *part)
{
    return part->dataset * slots->point_count + part->first;
}

void gcr_records_aim(const gcr_records *records, const gcr_slots *slots,
                     const gcr_records_part *part, gcr_unit_tile *tile)
{
    const int is_kept = records->base == NULL;
    const uint64_t cell = cell_of(slots, part);

    for (int o = 0; o < slots->output_count; o++) {
        tile->width[o] = slots->width[o];
        tile->outputs[o] = is_kept ? slots->values[o] + cell * (uint64_t)slots->width[o]
                                   : output_at(records, slots, o, part->at);
    }
    tile->state = is_kept ? slots->state + cell : state_at(records, slots, part->at);
    tile->jitter_step = NULL;
    if (slots->jitter_step != NULL)
        tile->jitter_step = is_kept ? slots->jitter_step + cell : tile->state + records->points;
}

uint8_t *gcr_records_states(const gcr_records *records, const gcr_slots *slots,
                            const gcr_records_part *part)
{
    if (records->base == NULL)
        return slots->state + cell_of(slots, part);
    return state_at(records, slots, part->at);
}

static void keep_points(const gcr_records *records, gcr_slots *slots, uint64_t cell, uint64_t at,
                        uint64_t count)
{
    const uint8_t *state = state_at(records, slots, at);

    for (int o = 0; o < slots->output_count; o++)
        memcpy(slots->values[o] + cell * (uint64_t)slots->width[o],
               output_at(records, slots, o, at),
               count * (uint64_t)slots->width[o] * sizeof(double));
    memcpy(slots->state + cell, state, count);
    if (slots->jitter_step != NULL)
        memcpy(slots->jitter_step + cell, state + records->points, count);
}

/* Run after run of live points. */
void gcr_records_keep(const gcr_records *records, gcr_slots *slots, const gcr_point_table *points,
                      const gcr_records_part *part)
{
    const uint64_t cell = cell_of(slots, part), end = part->first + part->count;

    for (uint64_t first = part->first, after; gcr_points_run(points, end, &first, &after);
         first = after) {
        const uint64_t i = first - part->first;

        keep_points(records, slots, cell + i, part->at + i, after - first);
    }
}

void gcr_records_mark(gcr_slots *slots, const gcr_records_part *part, uint8_t kind)
{
    const uint64_t cell = cell_of(slots, part);

    for (uint64_t i = cell; slots->kind != NULL && i < cell + part->count; i++)
        if (slots->state[i] != GCR_CELL_EXCLUDED)
            slots->kind[i] = kind;
}

void gcr_records_exclude(const gcr_records *records, const gcr_slots *slots,
                         const gcr_point_table *points, const gcr_records_part *part)
{
    uint8_t *state = state_at(records, slots, part->at);

    for (uint64_t i = 0; points->live != NULL && i < part->count; i++)
        if (!gcr_point_is_live(points, part->first + i))
            state[i] = GCR_CELL_EXCLUDED;
}

void gcr_records_reduce(const gcr_records *records, const gcr_slots *slots,
                        gcr_summaries *summaries, int thread, const gcr_records_part *part)
{
    for (uint64_t i = 0; i < part->count; i += GCR_PARTIAL_POINTS) {
        const uint64_t left = part->count - i;
        gcr_partial_block block = {
            .state = state_at(records, slots, part->at + i),
            .count = (uint32_t)(left < GCR_PARTIAL_POINTS ? left : GCR_PARTIAL_POINTS),
        };

        for (int o = 0; o < slots->output_count; o++) {
            block.width[o] = slots->width[o];
            block.outputs[o] = output_at(records, slots, o, part->at + i);
        }
        gcr_summaries_add(summaries, thread, part->first + i, &block);
    }
}
