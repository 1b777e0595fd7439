/*
 * gridcrunch/plan.h -- what a run will take, from sizes alone and before anything is allocated.
 *
 * A plan fixes the order in which datasets are worked on (largest predicted cost first, so that no
 * long cell is left for the end) and counts bytes. It is the same on every rank and never changes;
 * it belongs to the run (gcr_run_plan() of run.h), and any thread may read it.
 */
#ifndef GCR_PLAN_H
#define GCR_PLAN_H

#include "gridcrunch/status.h"

#include <stdint.h>

GCR_API_BEGIN

typedef struct gcr_plan gcr_plan;

/* Bytes by what they are for. */
typedef struct gcr_plan_bytes {
    uint64_t data, outputs, states, prepared, scratch;
    uint64_t points; /* axes, bits of the grid, countdowns, summaries, the plan */
    uint64_t total;
} gcr_plan_bytes;

uint64_t gcr_plan_cell_count(const gcr_plan *plan); /* datasets x points      */
uint64_t gcr_plan_live_count(const gcr_plan *plan); /* datasets x live points */

/* The dataset that is worked on in place `place` (0 = first). */
uint64_t gcr_plan_dataset_at(const gcr_plan *plan, uint64_t place);

/* Predicted cost of all live cells of the dataset at `place`, as a share of the whole, 0 .. 1. */
double gcr_plan_cost_share(const gcr_plan *plan, uint64_t place);

/* At most this much memory is alive at once. Prepared blocks are freed with their dataset's last
 * cell, so the largest of those that are in work at once bound them. */
const gcr_plan_bytes *gcr_plan_memory(const gcr_plan *plan);

GCR_API_END

#endif /* GCR_PLAN_H */
