/*
 * exec/pipeline.h -- one worker: takes batches, drives its queue, lets results land.
 *
 * The loop is the same for every device. Where the device shares the host's memory, a kernel
 * writes straight into the result slots, if those are on this node. Elsewhere each batch has a
 * block of device memory and a staging block on the host, both allocated once; with two or more of
 * them the next batch is enqueued before the last one is waited for. Nothing is allocated in the
 * loop.
 *
 * Where cells are not kept, whole blocks of points (gridcrunch/partial.h) are dealt in place of
 * points, each batch has a block of memory on the CPU, too, and what lands is added to the
 * summaries and gone. A device that can do it leaves records of the blocks, and those come down in
 * place of cells.
 */
#ifndef GCR_EXEC_PIPELINE_H
#define GCR_EXEC_PIPELINE_H

#include "backend/backend.h"
#include "exec/carrier.h"
#include "exec/landing.h"
#include "exec/residency.h"
#include "exec/schedule.h"
#include "grid/plan_create.h"
#include "grid/points.h"
#include "results/slots.h"
#include "results/summary.h"

#include <stdatomic.h>

/* What the workers of a device share. Borrowed by each; only `stop` changes. */
typedef struct gcr_pipeline_shared {
    gcr_device *device;
    gcr_program *program;
    gcr_residency *residency;
    gcr_schedule *schedule;
    const gcr_plan *plan;
    const gcr_points *points;
    gcr_slots *slots;
    gcr_summaries *summaries;
    uint64_t batch_least, batch_most; /* live cells of a batch; between them a worker finds ... */
    double batch_seconds;             /* ... the size that takes about this long              */
    uint64_t cell_bytes;              /* of the outputs and states of one cell                */
    uint64_t positions;               /* of the schedule, for each dataset: its live points ... */
    int by_blocks;                    /* ... or blocks of points: cells have no slots           */
    int sends_cells;                  /* their slots are on another node (gather.h)             */
    double kernel_seconds;            /* > 0: a batch that is not over then ends the run      */
    const atomic_int *stop;           /* not 0: finish what is in flight, then leave          */
    int first_worker;                 /* a worker's number in the schedule is its own less this */
    uint8_t kind_mark;                /* of cells that are computed here, where slots have it */

    /* [workers of this rank] Where slots are counted down by another rank, what has landed is told
     * by these; NULL: they are counted down here. */
    gcr_landing_ring *rings;

    /* Of another rank than 0, where the device's results go to rank 0's device; NULL: to the
     * host. */
    gcr_carrier *carrier;

    /* A dataset is complete and summarised, and nobody will acquire it again; from the worker that
     * landed its last cell. */
    void (*on_dataset)(void *arg, uint64_t dataset);

    /* From the worker that failed, whose sentence it is: nothing came between. */
    void (*on_failure)(void *arg, int worker, gcr_status status);
    void *arg;
} gcr_pipeline_shared;

/* How far a worker is; read by the thread that shows progress, and by who asks what is in
 * flight. */
typedef struct gcr_pipeline_progress {
    _Alignas(64) _Atomic uint64_t landed; /* live cells */
    _Atomic uint64_t failed;
    _Atomic uint64_t halved; /* how often batches were made smaller for want of memory */
    _Atomic uint64_t datasets;
    _Atomic double cost; /* share of the plan's cost, 0 .. 1 */
    _Atomic double busy; /* seconds with a batch in work     */
    /* What is computed now: so many live cells from a point of a dataset on; 0: it is prepared. */
    _Atomic uint64_t dataset, first, count;
    _Atomic long thread; /* as the system numbers it; 0: it does not work (yet, or any more) */
} gcr_pipeline_progress;

/* Only its own worker writes a progress, so adding needs no atomic addition. */
static inline void gcr_progress_add(_Atomic uint64_t *to, uint64_t count)
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + count,
                          memory_order_relaxed);
}

/* `worker` counts the workers of the run. Runs on its own thread until the schedule is empty,
 * `stop` is set or something fails, which on_failure() is told. Either way what was enqueued has
 * landed or is lost with the device, and everything is closed. */
void gcr_pipeline_drive(const gcr_pipeline_shared *shared, int worker,
                        gcr_pipeline_progress *progress);

#endif /* GCR_EXEC_PIPELINE_H */
