/* grid/plan_create.h -- makes the plan of gridcrunch/plan.h. */
#ifndef GCR_GRID_PLAN_CREATE_H
#define GCR_GRID_PLAN_CREATE_H

#include "gridcrunch/plan.h"

/* What the plan must know of each dataset. */
typedef struct gcr_plan_dataset {
    uint64_t data_bytes;
    uint64_t prepared_bytes;
    double cell_cost; /* any unit, > 0 */
} gcr_plan_dataset;

typedef struct gcr_plan_spec {
    const gcr_plan_dataset *datasets; /* [dataset_count] borrowed for the call        */
    uint64_t dataset_count;           /* 0 is an empty plan                           */
    uint64_t point_count, live_count;
    uint64_t output_bytes;     /* of all outputs of one cell, padding included          */
    uint64_t state_bytes;      /* of one cell: 1, or 2 with a jitter ladder             */
    uint64_t points_bytes;     /* of axes, bits of the grid, countdowns, summaries      */
    uint64_t scratch_bytes;    /* of all that compute                                   */
    int keeps_order;           /* datasets in the order of the source, whatever they cost */
    uint64_t prepared_at_once; /* prepared blocks that may live at once, at most          */
} gcr_plan_spec;

/* GCR_EOVERFLOW: datasets x points or the bytes do not fit 63 bits. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_plan_create(gcr_plan **out, const gcr_plan_spec *spec);
void gcr_plan_destroy(gcr_plan *plan);

#endif /* GCR_GRID_PLAN_CREATE_H */
