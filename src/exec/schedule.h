/*
 * exec/schedule.h -- who computes which cells next.
 *
 * A schedule deals the positions first .. first + count - 1 to workers: position p is live point p % live_count
 * of the dataset in place p / live_count of the plan. Each position is dealt exactly once.
 *
 *   static    worker w gets block w of equal blocks, the first count % workers one longer
 *   cyclic    batches are dealt in turn: batch b goes to worker b % workers
 *   dynamic   every worker starts with a block of its own, takes from its front as much as it asks
 *             for and, when it has none left, steals the back half of the fullest block
 *   guided    the same, but takes at least an eighth of what is left of the block
 *
 * Why dynamic is not one shared counter: with a cell per batch, the counter's cache line and those
 * of neighbouring result slots would travel between cores for every cell. With a block per worker a
 * take touches nothing shared, neighbouring cells land from one core, and a worker stays with its
 * dataset. A block that spans several datasets is stolen at a dataset's edge, so the only datasets
 * in work are those of the batches in work.
 */
#ifndef GCR_EXEC_SCHEDULE_H
#define GCR_EXEC_SCHEDULE_H

#include "gridcrunch/job.h"
#include "gridcrunch/status.h"

#include <stdint.h>

typedef struct gcr_schedule gcr_schedule;

typedef struct gcr_schedule_spec {
    gcr_schedule_form form; /* not AUTO                                              */
    uint64_t first, count;  /* positions                                             */
    uint64_t live_count;    /* positions per dataset, > 0                            */
    uint64_t batch;         /* > 0; of cyclic                                        */
    int workers;            /* >= 1                                                  */
    /* [workers] blocks are as long as these weights say; NULL: equal. Not of cyclic. */
    const double *weights;
} gcr_schedule_spec;

/* The positions first .. first + count - 1. */
typedef struct gcr_span {
    uint64_t first, count;
} gcr_span;

/* GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_schedule_create(gcr_schedule **out, const gcr_schedule_spec *spec);
void gcr_schedule_destroy(gcr_schedule *schedule);

/* Where a worker starts: what it computes if nobody steals; all positions where those of `cyclic` lie. */
gcr_span gcr_schedule_block(const gcr_schedule_spec *spec, int worker);

/* What `worker` is to compute next in *out; false when there will be no more. `want` > 0 is how much
 * it would like; static and dynamic give no more than that. Workers may call at once. */
int gcr_schedule_next(gcr_schedule *schedule, int worker, uint64_t want, gcr_span *out);

#endif /* GCR_EXEC_SCHEDULE_H */
