/*
 * exec/launcher.h -- how a worker puts a batch on its device, and waits for it.
 *
 * A batch is one call of the device. One of whole blocks of points may be far more cells than a
 * worker should compute without a look around: it goes in slices of about the length that batches
 * have at the time, as long as nobody wants the run to stop. Where the device shares the host's
 * memory, that length follows the clock; elsewhere several batches are in flight, the time of one
 * cannot be seen, and they are large from the start.
 */
#ifndef GCR_EXEC_LAUNCHER_H
#define GCR_EXEC_LAUNCHER_H

#include "exec/flight.h"
#include "exec/pipeline.h"

typedef struct gcr_launcher {
    const gcr_pipeline_shared *shared;
    gcr_queue *queue;
    uint64_t batch;     /* live cells that are computed at a time, now */
    double batch_begin; /* when the last ones were over                */
} gcr_launcher;

/* Opens a queue. `shared` is borrowed until close. GCR_ENOMEM, GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_launcher_open(gcr_launcher *out, const gcr_pipeline_shared *shared);

/* Waits for what is under way. A zeroed launcher is allowed. */
void gcr_launcher_close(gcr_launcher *launcher);

/* Enqueues a batch whose datasets stand ready, and what brings its results to the host. If the run
 * was stopped meanwhile it is cut short: where it has a block of the host's memory, what was not
 * computed is empty there; elsewhere nothing of it is to be waited for. GCR_ENOMEM: of the device,
 * and it may be tried again; GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_launcher_launch(gcr_launcher *launcher, gcr_flight *flight);

/* Until a batch that was launched is over. GCR_EDEVICE: also if that takes longer than the job's
 * kernel_time. */
GCR_MUST_CHECK gcr_status gcr_launcher_await(const gcr_launcher *launcher,
                                             const gcr_flight *flight);

/* Between two batches: the time from now on is that of the next one; or the time up to now was that
 * of the last one, and the next will be longer or shorter. */
void gcr_launcher_begin(gcr_launcher *launcher);
void gcr_launcher_adapt(gcr_launcher *launcher);

/* Lets batches have half as many cells from now on, as the device had no memory for one of so many;
 * false where they have one. */
int gcr_launcher_halve(gcr_launcher *launcher, uint64_t cells);

#endif /* GCR_EXEC_LAUNCHER_H */
