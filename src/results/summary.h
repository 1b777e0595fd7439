/*
 * results/summary.h -- what a dataset's runs are reduced to. This file alone defines what a summary
 * means; a device that reduces on its own must agree with it.
 *
 * How is said in gridcrunch/results.h.
 */
#ifndef GCR_RESULTS_SUMMARY_H
#define GCR_RESULTS_SUMMARY_H

#include "results/slots.h"
#include "results/tally.h"

#include "gridcrunch/results.h"

typedef struct gcr_summaries_spec {
    const gcr_summary_spec *summaries; /* [summary_count] borrowed until destroy                */
    const int *output;                 /* [summary_count] index of each one's output, of width 1 */
    int summary_count;
    int top; /* also keep this many first points of the first argmax or argmin                 */
    int nan_propagates;
    const gcr_slots *slots; /* borrowed until destroy                                           */
    const gcr_point_table *points; /* borrowed until destroy                                    */
    gcr_keep keep;                 /* SUMMARY: remember states and failures of each dataset     */
    int by_blocks;                 /* slots have no cells: they are added below; no quantile    */
} gcr_summaries_spec;

/* What all summaries but quantiles are made from. */
gcr_reduction gcr_summaries_reduction(const gcr_summaries_spec *spec);
gcr_reduction gcr_summaries_reduction_of(const gcr_summaries *summaries);

/* Everything a summary will need is allocated here, also the scratch of quantiles (one per thread:
 * `threads`). GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_summaries_create(gcr_summaries **out, const gcr_summaries_spec *spec,
                                               int threads);
void gcr_summaries_destroy(gcr_summaries *summaries);

/* Cells on their way, where they are not kept: `block` begins at the point `first` of the dataset
 * that the thread works on. Each block once. The same as records[count] that a device made of it
 * and of those behind it; GCR_EDEVICE: one contradicts itself or the points, and none is added. */
void gcr_summaries_add(gcr_summaries *summaries, int thread, uint64_t first,
                       const gcr_partial_block *block);
GCR_MUST_CHECK gcr_status gcr_summaries_add_records(gcr_summaries *summaries, int thread,
                                                    uint64_t first, const void *records,
                                                    uint64_t count);

/* Leaves what the thread has added to `dataset`, for whoever lands its last cell. Not needed where
 * the thread itself has added all of it and fires at once. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_summaries_leave(gcr_summaries *summaries, uint64_t dataset,
                                              int thread);

/* The same where the last cell lands in another process: bytes of all that the thread has added,
 * which then has added nothing, go to out[gcr_summaries_packed_bytes()], and there they are added.
 * GCR_EIO: no `landed` cells can be so. GCR_ENOMEM. */
uint64_t gcr_summaries_packed_bytes(const gcr_summaries *summaries);
void gcr_summaries_pack(void *out, gcr_summaries *summaries, int thread);
GCR_MUST_CHECK gcr_status gcr_summaries_add_packed(gcr_summaries *summaries, uint64_t dataset,
                                                   uint64_t landed, const void *packed);

/* Reduces the runs of `dataset`, all landed (or sealed). Different datasets may be reduced by
 * different threads at once, each with its own `thread` index. */
void gcr_summaries_fire(gcr_summaries *summaries, uint64_t dataset, int thread);

/* True once a dataset has been reduced. */
int gcr_summaries_is_fired(const gcr_summaries *summaries, uint64_t dataset);

/* Bytes that create() would allocate, and with them leave() where at most `begun` datasets have
 * landed in part at once, for the plan. */
uint64_t gcr_summaries_bytes(const gcr_summaries_spec *spec, int threads, uint64_t begun);

#endif /* GCR_RESULTS_SUMMARY_H */
