/*
 * exec/costs.h -- what stretches of positions are predicted to cost.
 *
 * Positions are those of exec/schedule.h: so many for each dataset of a plan, in the order of the
 * plan. Costs are shares of the whole plan's, 0 .. 1, and the same on every rank: they are made of
 * the plan alone. Neighbouring datasets of one cost are kept as one run, so that a million datasets
 * of a few sizes take a few lines of a cache.
 */
#ifndef GCR_EXEC_COSTS_H
#define GCR_EXEC_COSTS_H

#include "gridcrunch/plan.h"

/* The positions first .. first + count - 1. */
typedef struct gcr_span {
    uint64_t first, count;
} gcr_span;

static inline int gcr_span_has(gcr_span span, uint64_t position)
{
    return position >= span.first && position - span.first < span.count;
}

typedef struct gcr_costs gcr_costs;

/* `positions` > 0 of each dataset. The plan is borrowed for the call. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_costs_create(gcr_costs **out, const gcr_plan *plan,
                                           uint64_t dataset_count, uint64_t positions);
void gcr_costs_destroy(gcr_costs *costs);

/* The costs may be NULL in what follows: then each position costs 1. */

/* Of one position, and of a span. */
double gcr_costs_of(const gcr_costs *costs, uint64_t position);
double gcr_costs_sum(const gcr_costs *costs, gcr_span span);

/* How many positions from the front of `span` cost no more than `most`. */
uint64_t gcr_costs_fit(const gcr_costs *costs, gcr_span span, double most);

/* How many positions from the front of `span` somebody gets who should have about `share` of cost,
 * and at least `least` positions if there are so many: up to the edge of a dataset, of `live_count`
 * positions each, where one is near enough. */
uint64_t gcr_costs_cut(const gcr_costs *costs, gcr_span span, double share, uint64_t least,
                       uint64_t live_count);

/* True where the first and the last position of `span` cost about the same: counting is enough. */
int gcr_costs_are_even(const gcr_costs *costs, gcr_span span);

#endif /* GCR_EXEC_COSTS_H */
