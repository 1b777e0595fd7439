/*
 * exec/simulate_run.h -- a planned run on machines that nobody has yet.
 */
#ifndef GCR_EXEC_SIMULATE_RUN_H
#define GCR_EXEC_SIMULATE_RUN_H

#include "exec/simulate.h"

#include "gridcrunch/run.h"

typedef struct gcr_simulate_options {
    int nodes, ranks, workers; /* ranks of a node, workers of a rank; each >= 1 */

    /* A form of exec/workload.h, or "FILE.csv": a header, then the key of each dataset and the
     * seconds of one of its cells. */
    const char *costs;

    /* Of the average cell whose factor is 1; 0: as the kernel's cost and this machine's first
     * device say. */
    double cell_seconds;

    /* "linear", one queue for all cells, or parallel loops for comparison: "outer", "inner",
     * "split:A,B". */
    const char *strategy;
} gcr_simulate_options;

/* Of nested loops *out has the makespan and the ideal alone. GCR_EINVAL: options that mean nothing,
 * more than is simulated; failures of reading the file. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_simulate(gcr_simulation *out, const gcr_run *run,
                                           const gcr_simulate_options *options);

#endif /* GCR_EXEC_SIMULATE_RUN_H */
