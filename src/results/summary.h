/*
 * results/summary.h -- what a dataset's runs are reduced to. This file alone defines what a summary
 * means; a device that reduces on its own must agree with it.
 *
 * Over the live points of one dataset in point order. A cell without a result and a NaN value are
 * skipped and counted; with nan_propagates a NaN value wins as in Julia's findmax (the first one),
 * and cells without a result are NaN too. Ties go to the lowest point. Nothing left: `point` is -1 and `value` NaN.
 * Sums run in blocks of 1024 points, the blocks added in order (so that a device can hand over
 * partial sums of the same blocks and the bits agree).
 */
#ifndef GCR_RESULTS_SUMMARY_H
#define GCR_RESULTS_SUMMARY_H

#include "results/slots.h"

#include "gridcrunch/job.h"

/* One per dataset and summary. */
typedef struct gcr_summary_value {
    double value;
    int64_t point;    /* of argmax and argmin; -1: none, or not one of these */
    uint64_t skipped; /* live points that had no usable value                */
} gcr_summary_value;

/* True of the operations that name a point. */
static inline int gcr_summary_has_point(gcr_summary_op op)
{
    return op == GCR_SUMMARY_ARGMAX || op == GCR_SUMMARY_ARGMIN;
}

typedef struct gcr_summaries gcr_summaries;

typedef struct gcr_summaries_spec {
    const gcr_summary_spec *summaries; /* [summary_count] borrowed until destroy                */
    const int *output;                 /* [summary_count] index of each one's output, of width 1 */
    int summary_count;
    int top; /* also keep this many first points of the first argmax or argmin                 */
    int nan_propagates;
    const gcr_slots *slots; /* borrowed until destroy                                           */
    const gcr_point_table *points; /* borrowed until destroy                                    */
} gcr_summaries_spec;

/* Everything a summary will need is allocated here, also the scratch of quantiles (one per thread:
 * `threads`). GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_summaries_create(gcr_summaries **out, const gcr_summaries_spec *spec,
                                               int threads);
void gcr_summaries_destroy(gcr_summaries *summaries);

/* Reduces the runs of `dataset`, all landed (or sealed). Different datasets may be reduced by different threads
 * at once, each with its own `thread` index. */
void gcr_summaries_fire(gcr_summaries *summaries, uint64_t dataset, int thread);

/* True once a dataset has been reduced. */
int gcr_summaries_is_fired(const gcr_summaries *summaries, uint64_t dataset);

gcr_summary_value gcr_summaries_get(const gcr_summaries *summaries, uint64_t dataset, int summary);

/* The place-th best (0 = the best itself) of `top`; point -1 where there are fewer. */
gcr_summary_value gcr_summaries_top(const gcr_summaries *summaries, uint64_t dataset, int place);

/* Which summary `top` belongs to, or -1. */
int gcr_summaries_top_of(const gcr_summaries *summaries);

/* Bytes that create() would allocate, for the plan. */
uint64_t gcr_summaries_bytes(const gcr_summaries_spec *spec, int threads);

#endif /* GCR_RESULTS_SUMMARY_H */
