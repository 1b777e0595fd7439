/*
 * exec/busy.h -- how busy the ranks of a run were: which part of the time their workers had a batch
 * in work. A simulation says the same of ranks that nobody has yet.
 */
#ifndef GCR_EXEC_BUSY_H
#define GCR_EXEC_BUSY_H

#include "gridcrunch/run.h"

#include <stdint.h>

typedef struct gcr_busy {
    double least, median; /* of ranks: the share of the time */
    uint64_t least_rank;  /* the first that has so little    */
    uint64_t idle_ranks;  /* that got nothing                */
} gcr_busy;

/* Of shares[count] by rank, at least one; they are sorted then. */
gcr_busy gcr_busy_of(double *shares, int count);

/* What a rank has done. */
typedef struct gcr_rank_work {
    uint64_t cells;      /* that landed, failed ones too                               */
    double busy_seconds; /* of all its workers together, a dataset's preparing included */
    double busy;         /* the share of the run's time that its workers were, 0 .. 1  */
    int workers;
} gcr_rank_work;

/* Of each rank that there is, after execute; NULL: not known, as where it failed. */
const gcr_rank_work *gcr_run_rank_work(const gcr_run *run);

/* The same together; zeroed where it is not known. */
gcr_busy gcr_run_busy(const gcr_run *run);

/* Where a rank is. */
const char *gcr_run_host(const gcr_run *run, int rank);

#endif /* GCR_EXEC_BUSY_H */
