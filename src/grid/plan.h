/*
 * grid/plan.h -- what a run will take, from sizes alone and before anything is allocated.
 *
 * A plan fixes the order in which datasets are worked on (largest predicted cost first, so that no
 * long cell is left for the end) and counts bytes. It is the same on every rank and never changes.
 */
#ifndef GCR_GRID_PLAN_H
#define GCR_GRID_PLAN_H

#include "gridcrunch/grid.h"

typedef struct gcr_plan gcr_plan;

/* What the plan must know of each dataset. */
typedef struct gcr_plan_dataset {
    uint64_t data_bytes;
    uint64_t prepared_bytes;
    uint64_t scratch_bytes; /* of one thread that works on it */
    double cell_cost;       /* any unit, > 0                  */
} gcr_plan_dataset;

typedef struct gcr_plan_spec {
    const gcr_plan_dataset *datasets; /* [dataset_count] borrowed for the call        */
    uint64_t dataset_count;           /* 0 is an empty plan                           */
    uint64_t point_count, live_count;
    uint64_t output_bytes;     /* of all outputs of one cell, padding included          */
    uint64_t state_bytes;      /* of one cell: 1, or 2 with a jitter ladder             */
    uint64_t points_bytes;     /* of axes, bits of the grid, countdowns, summaries      */
    int threads;               /* >= 1                                                  */
    int keeps_order;           /* datasets in the order of the source, whatever they cost */
    uint64_t prepared_at_once; /* prepared blocks that may live at once, at most          */
} gcr_plan_spec;

/* Bytes by what they are for. */
typedef struct gcr_plan_bytes {
    uint64_t data, outputs, states, prepared, scratch;
    uint64_t points; /* spec.points_bytes and the plan itself */
    uint64_t total;
} gcr_plan_bytes;

/* GCR_EOVERFLOW: datasets x points or the bytes do not fit 63 bits. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_plan_create(gcr_plan **out, const gcr_plan_spec *spec);
void gcr_plan_destroy(gcr_plan *plan);

uint64_t gcr_plan_cell_count(const gcr_plan *plan); /* datasets x points      */
uint64_t gcr_plan_live_count(const gcr_plan *plan); /* datasets x live points */

/* The dataset that is worked on in place `place` (0 = first). */
uint64_t gcr_plan_dataset_at(const gcr_plan *plan, uint64_t place);

/* Predicted cost of all live cells of the dataset at `place`, as a share of the whole, 0 .. 1. */
double gcr_plan_cost_share(const gcr_plan *plan, uint64_t place);

/* At most this much memory is alive at once. Prepared blocks are freed with their dataset's last
 * cell, so the prepared_at_once largest bound them. */
const gcr_plan_bytes *gcr_plan_memory(const gcr_plan *plan);

#endif /* GCR_GRID_PLAN_H */
