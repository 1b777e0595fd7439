/*
 * exec/lander.h -- the last stage of a worker's loop: what a batch that is computed leaves behind.
 *
 * Its results stand in their slots already, or are given them, or are added to the summaries and
 * gone; or they leave, for the slots of another node or for rank 0's device (carrier.h). Then its
 * cells are counted. At rank 0 they are counted down at their dataset, whose last one fires the
 * summary; a worker of another rank tells what has landed (teller.h). That is done when the worker
 * turns to another dataset: a counter that all workers share is then touched once per visit, not
 * once per cell.
 */
#ifndef GCR_EXEC_LANDER_H
#define GCR_EXEC_LANDER_H

#include "exec/pipeline.h"
#include "exec/teller.h"

typedef struct gcr_lander {
    const gcr_pipeline_shared *shared;
    gcr_pipeline_progress *progress;
    int worker; /* of all workers of the run */
    gcr_teller teller;
    uint64_t dataset, count; /* live cells of it that have landed and are not counted down */
} gcr_lander;

/* All is borrowed until close. */
void gcr_lander_open(gcr_lander *out, const gcr_pipeline_shared *shared,
                     gcr_pipeline_progress *progress, int worker);
void gcr_lander_close(gcr_lander *lander);

/* A batch that has been computed. `queue` is the device's that has its results still, if they are
 * to leave for another. GCR_EDEVICE, GCR_ETIMEOUT; GCR_ECLOSED: nobody wants to know of it any
 * more. */
GCR_MUST_CHECK gcr_status gcr_lander_take(gcr_lander *lander, gcr_queue *queue, gcr_flight *flight);

/* The worker turns to another dataset, or waits: what has landed is to be known. A zeroed lander is
 * allowed. */
GCR_MUST_CHECK gcr_status gcr_lander_flush(gcr_lander *lander);

#endif /* GCR_EXEC_LANDER_H */
