/*
 * exec/row.c -- the cells of one dataset, for whoever waits for them. See gridcrunch/run.h.
 *
 * The run's gate says when a dataset is ready; the slots behind it are not written any more then.
 */
#include "base/check.h"
#include "base/memory.h"
#include "exec/nesting.h"
#include "exec/run_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 256 };

static const char *name_of(char out[NAME_BYTES], const gcr_run *run, uint64_t dataset)
{
    snprintf(out, NAME_BYTES, "dataset '%s'", run->spec.datasets->items[dataset].key);
    return out;
}

gcr_status gcr_run_check_dataset(const gcr_run *run, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    const uint64_t count = run->spec.datasets->count;

    if (dataset >= count)
        GCR_FAIL(GCR_EINVAL,
                 "there is no dataset %" PRIu64 ": the %" PRIu64 " of this run count from 0",
                 dataset, count);
out:
    return status;
}

/* A wait that could be for the thread that waits. */
static gcr_status check_nesting(const gcr_run *run, uint64_t dataset, double seconds)
{
    gcr_status status = GCR_OK;
    char name[NAME_BYTES];

    if (seconds != 0 && gcr_nesting_is_inside() && !gcr_run_is_ready(run, dataset))
        GCR_FAIL(GCR_ENESTED, "%s cannot be waited for from inside a run: wait in another thread",
                 name_of(name, run, dataset));
out:
    return status;
}

/* The cells where they stand. */
static void point_at(gcr_row *out, const gcr_run *run, uint64_t dataset)
{
    const gcr_slots *slots = run->slots;
    const uint64_t first = dataset * slots->point_count;

    *out = (gcr_row){ .dataset = dataset,
                      .point_count = slots->point_count,
                      .output_count = slots->output_count,
                      .state = slots->state + first };
    if (slots->jitter_step != NULL)
        out->jitter_step = slots->jitter_step + first;
    if (slots->kind != NULL)
        out->kind = slots->kind + first;
    for (int o = 0; o < slots->output_count; o++) {
        out->width[o] = slots->width[o];
        out->values[o] = slots->values[o] + first * (uint64_t)slots->width[o];
    }
}

/* Bytes of the values of output o. No overflow: the slots have as many. */
static uint64_t value_bytes(const gcr_row *row, int o)
{
    return row->point_count * (uint64_t)row->width[o] * sizeof *row->values[o];
}

static uint64_t count_bytes(const gcr_row *row)
{
    uint64_t bytes = row->point_count * (1u + (row->jitter_step != NULL) + (row->kind != NULL));

    for (int o = 0; o < row->output_count; o++)
        bytes += value_bytes(row, o);
    return bytes;
}

/* Copies to the front of the block, which moves on. */
static const void *put(char **front, const void *from, uint64_t bytes)
{
    void *const here = *front;

    memcpy(here, from, bytes);
    *front += bytes;
    return here;
}

/* Makes `row` point to a copy of what it points to, in `block`, which it owns then. Doubles
 * first. */
static void move_row(gcr_row *row, void *block)
{
    char *front = block;

    row->owned = block;
    for (int o = 0; o < row->output_count; o++)
        row->values[o] = put(&front, row->values[o], value_bytes(row, o));
    row->state = put(&front, row->state, row->point_count);
    if (row->jitter_step != NULL)
        row->jitter_step = put(&front, row->jitter_step, row->point_count);
    if (row->kind != NULL)
        row->kind = put(&front, row->kind, row->point_count);
}

void gcr_row_clear(gcr_row *row)
{
    if (row == NULL)
        return;
    gcr_memory_destroy(row->owned);
    *row = (gcr_row){ 0 };
}

int gcr_run_is_ready(const gcr_run *run, uint64_t dataset)
{
    return dataset < run->spec.datasets->count && gcr_gate_is_open(run->gate, dataset);
}

/* Cells can be had where they are kept. */
static gcr_status check_kept(const gcr_run *run)
{
    gcr_status status = GCR_OK;

    if (run->spec.job->keep == GCR_KEEP_SUMMARY)
        GCR_FAIL(GCR_EINVAL,
                 "this run keeps summaries and no cells (`keep: summary`): ask for its summaries, "
                 "or keep all");
out:
    return status;
}

/* The three below enter the gate for as long as they use the run: it may be destroyed meanwhile. */
static gcr_status wait_for(gcr_run *run, uint64_t dataset, double seconds)
{
    gcr_status status = GCR_OK;
    char name[NAME_BYTES];

    GCR_TRY(gcr_run_check_dataset(run, dataset));
    GCR_TRY(check_nesting(run, dataset, seconds));
    GCR_TRY(gcr_gate_wait(run->gate, dataset, name_of(name, run, dataset), seconds));
out:
    return status;
}

gcr_status gcr_run_wait(gcr_run *run, uint64_t dataset, double seconds)
{
    gcr_status status;

    gcr_gate_enter(run->gate);
    status = wait_for(run, dataset, seconds);
    gcr_gate_leave(run->gate);
    return status;
}

gcr_status gcr_run_fetch(gcr_row *out, gcr_run *run, uint64_t dataset, double seconds)
{
    gcr_status status = GCR_OK;

    *out = (gcr_row){ 0 };
    gcr_gate_enter(run->gate);
    GCR_TRY(check_kept(run));
    GCR_TRY(wait_for(run, dataset, seconds));
    point_at(out, run, dataset);
out:
    gcr_gate_leave(run->gate);
    return status;
}

gcr_status gcr_run_take(gcr_row *out, gcr_run *run, uint64_t dataset, double seconds)
{
    gcr_status status = GCR_OK;
    char name[NAME_BYTES];
    gcr_row row = { 0 };
    void *block = NULL;

    *out = (gcr_row){ 0 };
    gcr_gate_enter(run->gate);
    GCR_TRY(check_kept(run));
    GCR_TRY(wait_for(run, dataset, seconds));
    point_at(&row, run, dataset);
    GCR_TRY(gcr_memory_create(&block, count_bytes(&row), 1, "a dataset that is taken"));
    GCR_TRY(gcr_gate_take(run->gate, dataset, name_of(name, run, dataset), 0));
    move_row(&row, block);
    block = NULL; /* the row's */
    gcr_slots_release(run->slots, dataset);
    *out = row;
out:
    gcr_gate_leave(run->gate);
    gcr_memory_destroy(block);
    return status;
}

gcr_status gcr_run_row(gcr_row *out, const gcr_run *run, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    char name[NAME_BYTES];

    *out = (gcr_row){ 0 };
    GCR_TRY(check_kept(run));
    GCR_TRY(gcr_run_check_dataset(run, dataset));
    if (!gcr_run_has_cells(run))
        GCR_FAIL(GCR_EINVAL, "%s has no cells to look at: the run has not ended, or failed early",
                 name_of(name, run, dataset));
    if (gcr_gate_is_taken(run->gate, dataset))
        GCR_FAIL(GCR_ETAKEN, "%s has been taken already", name_of(name, run, dataset));
    point_at(out, run, dataset);
out:
    return status;
}
