/*
 * gridcrunch/ranks.h -- the ranks of a run: processes that mpirun or srun has started together.
 *
 * A program that is one process needs nothing of this. One of several opens the comm, gives it to
 * its runs (run.h) and closes it after them; alone it gets a comm of one rank, without MPI, so that
 * it need not ask which it is.
 *
 * A gcr_comm is used by one thread at a time, all those of a process by the same one. Operations
 * marked *Collective* are called by all of its ranks in the same order.
 *
 * Waiting. A collective operation waits for the last rank, however long that computes, and sleeps
 * while it waits. There is no time limit here: a rank that is gone will not come, but what started
 * the ranks (mpirun, Slurm) then ends all of them, within seconds. A machine that is cut off the
 * network is missed by runs alone (gcr_run_execute()), while they compute. The comm is broken then:
 * nothing that is collective waits any more, but fails with the sentence of the run, and closing it
 * leaves MPI as it is; the process ends without MPI_Finalize().
 */
#ifndef GCR_RANKS_H
#define GCR_RANKS_H

#include "gridcrunch/status.h"

#include <stdint.h>

GCR_API_BEGIN

typedef struct gcr_comm gcr_comm;

enum { GCR_HOST_BYTES = 65 };

/* Where a rank stands. Nodes are numbered by their lowest rank; that one is the node's leader. */
typedef struct gcr_rank {
    int node;      /* 0 .. node_count - 1                */
    int node_rank; /* among those of its node; 0: leader */
    int64_t pid;
    char host[GCR_HOST_BYTES];
} gcr_rank;

typedef struct gcr_comm_info {
    int rank, size;
    int node, node_count;
    int node_rank, node_size;
    const gcr_rank *ranks; /* [size]                                                  */
    const int *leaders;    /* [node_count] the rank that leads each node              */
    const char *library;   /* what carries the messages, "Open MPI v4.1.4"; NULL: none */
} gcr_comm_info;

/* All ranks that were started together; finds out by itself whether that is one. Collective.
 * GCR_EUNSUPPORTED: started by mpirun or srun, and this build or machine has no MPI for it, or one
 * that does not answer; ranks of different builds. */
GCR_MUST_CHECK gcr_status gcr_comm_open(gcr_comm **out);

/* One rank, whatever started the process. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_comm_open_alone(gcr_comm **out);

/* Those of `ranks` (different ones, each there: GCR_EINVAL) as a comm of their own, in that order;
 * *out is NULL on all others. Collective over `comm`, which is closed later. */
GCR_MUST_CHECK gcr_status gcr_comm_select(gcr_comm **out, gcr_comm *comm, const int *ranks,
                                          int count);

/* Collective. Messages that nobody has looked for are dropped, so that what was sent is sent now.
 * NULL is allowed. */
void gcr_comm_close(gcr_comm *comm);

const gcr_comm_info *gcr_comm_info_of(const gcr_comm *comm);

/* Collective. GCR_OK where every rank said so; else, on every rank, the status of the lowest rank
 * that failed, and its sentence and details as gcr_last_error(), with "rank 3 on HOST: " before it
 * where not all of them failed. `status` is what the caller's last call returned. */
GCR_MUST_CHECK gcr_status gcr_comm_agree(gcr_comm *comm, gcr_status status);

GCR_API_END

#endif /* GCR_RANKS_H */
