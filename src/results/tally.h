/*
 * results/tally.h -- what is known so far of the cells of one dataset: no cell, but all that its
 * summaries are made from.
 *
 * Blocks are added in any order, by several threads into tallies of their own that are merged
 * later, from the cells themselves or from records that a device made of them
 * (gridcrunch/partial.h): the bits are the same. Best points are compared by value and point,
 * counts are whole numbers, and sums of blocks are added exactly.
 */
#ifndef GCR_RESULTS_TALLY_H
#define GCR_RESULTS_TALLY_H

#include "results/exact_sum.h"

#include "gridcrunch/partial.h"
#include "gridcrunch/results.h"

/* Of one thing that is reduced. */
typedef struct gcr_tally_column {
    double best;            /* NaN: there is none                           */
    int64_t point;          /* where it lies, the lowest of equals; -1      */
    int64_t first;          /* live point without a usable value; -1        */
    uint64_t used, skipped; /* live points with a usable value, and without */
} gcr_tally_column;

typedef struct gcr_tally {
    uint64_t counts[GCR_CELL_STATE_COUNT];
    gcr_failed_cell failures[GCR_PARTIAL_FAILURES]; /* [failure_count] the lowest points first */
    int failure_count;
    int32_t top_count;
    gcr_summary_value *top;    /* [reduction->top] the first `top_count` are there */
    gcr_tally_column *columns; /* [reduction->count]      */
    gcr_exact_sum *sums;       /* [sums of the reduction] */
} gcr_tally;

/* Bytes behind a tally, for `reduction`; gcr_tally_place() lays its arrays there. */
uint64_t gcr_tally_bytes(const gcr_reduction *reduction);
void gcr_tally_place(gcr_tally *out, void *block, const gcr_reduction *reduction);

/* Nothing is known of any cell. */
void gcr_tally_clear(gcr_tally *tally, const gcr_reduction *reduction);

/* `first` is the point at which the block begins. */
void gcr_tally_add(gcr_tally *tally, const gcr_reduction *reduction, uint64_t first,
                   const gcr_partial_block *block);
void gcr_tally_add_record(gcr_tally *tally, const gcr_reduction *reduction, uint64_t first,
                          const void *record);

/* True if a record can be of a block of so many points, `live` of them live: what a device has left
 * is looked at before it is added. */
int gcr_tally_record_fits(const gcr_reduction *reduction, const void *record, uint64_t points,
                          uint64_t live);

/* Both know of different blocks. */
void gcr_tally_merge(gcr_tally *tally, const gcr_reduction *reduction, const gcr_tally *other);

/* A tally on its way from one process to another of the same build: bytes of all of it, as many for
 * each tally of a reduction. */
uint64_t gcr_tally_packed_bytes(const gcr_reduction *reduction);
void gcr_tally_pack(void *out, const gcr_tally *tally, const gcr_reduction *reduction);

/* False if it can be of no `landed` cells of a dataset of so many points, `live` of them live: what
 * `out`, which has been placed, says then is undefined. */
int gcr_tally_unpack(gcr_tally *out, const void *packed, const gcr_reduction *reduction,
                     uint64_t points, uint64_t live, uint64_t landed);

/* The sum of reduced[column], a SUM. */
double gcr_tally_sum(const gcr_tally *tally, const gcr_reduction *reduction, int column);

#endif /* GCR_RESULTS_TALLY_H */
