/*
 * exec/cutter.h -- from the span of positions that a worker was dealt to the parts of its next
 * batch.
 *
 * A part is a run of points of one dataset. Positions are live points, or whole blocks of points
 * where cells are not kept (schedule.h). The dataset at the front of the span is remembered, so
 * that a part costs no division.
 */
#ifndef GCR_EXEC_CUTTER_H
#define GCR_EXEC_CUTTER_H

#include "exec/flight.h"
#include "exec/schedule.h"
#include "grid/points.h"

typedef struct gcr_cutter {
    /* Borrowed, and the same for the whole run. */
    const gcr_plan *plan;
    const gcr_points *points;
    uint64_t positions; /* of each dataset    */
    int by_blocks;      /* these are blocks   */
    int is_bounded; /* by `room` where positions are points, too: records are not in the slots */

    uint64_t room; /* points that a flight has records for      */
    gcr_span span; /* what is left of what the schedule has given */

    uint64_t dataset, first; /* the one in front, and its first position               */
    double cell_cost;        /* of one of its live cells, as a share of the plan's     */
} gcr_cutter;

/* Puts the cutter, whose other members are filled in, before the first dataset of the plan. */
void gcr_cutter_begin(gcr_cutter *cutter);

/* Positions that are about as many cells; at least one. */
uint64_t gcr_cutter_positions(const gcr_cutter *cutter, uint64_t cells);

/* Fills `flight`, which has no parts, with parts of the span's front: about so many cells at most,
 * and what there is room for. Blocks without a live point are passed over, so there may be no part
 * though there was a span. */
void gcr_cutter_cut(gcr_cutter *cutter, gcr_flight *flight, uint64_t cells);

/* Puts the parts from number `from` on back in front of the span. */
void gcr_cutter_put_back(gcr_cutter *cutter, gcr_flight *flight, uint64_t from);

#endif /* GCR_EXEC_CUTTER_H */
