/*
 * exec/simulate.h -- the schedule of a run on any number of nodes, with a clock that costs nothing.
 *
 * Schedules, desk and supplies are those of a run; what is simulated is time: how long batches and
 * messages take. Workers take batches, adapt their size, wait where their node has nothing; leaders
 * look and ask; rank 0 answers one after the other. Not simulated: data that is sent or uploaded,
 * results that are gathered, devices that share a bus. Everything is deterministic.
 */
#ifndef GCR_EXEC_SIMULATE_H
#define GCR_EXEC_SIMULATE_H

#include "exec/batch.h"
#include "exec/busy.h"
#include "exec/workload.h"

#include "gridcrunch/job.h"

typedef struct gcr_simulation_spec {
    gcr_schedule_form form; /* not AUTO                                                      */
    const gcr_workload
        *workload;             /* the truth                                                     */
    const gcr_costs *costs;    /* what the schedule is told; NULL: each position costs the same */
    int nodes, ranks, workers; /* ranks of a node, workers of a rank                            */
    gcr_batch_limits batch;    /* positions                                                     */
    const double *speed;       /* [nodes] the true one, that nobody is told; NULL: 1            */
    double take_seconds;       /* for a worker to take a batch                                  */
    double message_seconds;    /* from one node to another                                      */
    double answer_seconds;     /* that rank 0 is busy with a request                            */
} gcr_simulation_spec;

enum {
    GCR_SIMULATION_WORKERS_MAX = 1 << 20,
    GCR_SIMULATION_BATCHES_MAX = 1 << 24, /* of as many positions as they may have */
    GCR_SIMULATION_CHOICES_MAX = 1 << 30, /* of nested loops: a worker for each cell */
};

typedef struct gcr_simulation {
    double makespan;       /* seconds until the last cell has ended                 */
    double total, longest; /* seconds of one worker for all cells; the longest cell */
    double ideal;          /* max(total / all workers, longest)                     */
    gcr_busy busy;         /* of the makespan                                       */
    uint64_t batches, messages, grants;
} gcr_simulation;

/* GCR_EINVAL: more batches than are simulated. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_simulate(gcr_simulation *out, const gcr_simulation_spec *spec);

/*
 * How long two levels of parallel loops take, for comparison: so many groups of `inner` workers; a
 * group takes a dataset at a time, and the points of one are computed by its workers alone before
 * it takes the next. One worker per group is a parallel loop over datasets, one group is one over
 * points. GCR_EINVAL: too many cells for so many workers. GCR_ENOMEM.
 */
GCR_MUST_CHECK gcr_status gcr_simulate_nested(double *makespan_out, const gcr_workload *workload,
                                              int groups, int inner);

#endif /* GCR_EXEC_SIMULATE_H */
