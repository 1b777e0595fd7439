/*
 * comm/comm.h -- the ranks of a run: who they are, and what passes between them.
 *
 * The room comm/ knows ranks, nodes and bytes, and no word of datasets, cells or devices. One rank
 * alone needs nothing (alone.c). Several are processes that mpirun or srun has started; what
 * carries bytes between them is a module (mpi/), opened only then, so that a program that runs
 * alone never loads MPI.
 *
 * A gcr_comm is used by one thread at a time, all those of a process by the same one. Operations
 * marked *Collective* are called by all of its ranks in the same order. Nothing is passed by
 * one-sided operations: memory that several ranks of a node see is mapped by each of them, and
 * vanishes with the last one.
 *
 * Waiting. A collective operation waits for the last rank, however long that computes, and sleeps
 * while it waits. There is no time limit here: a rank that is gone will not come, but what started
 * the ranks (mpirun, Slurm) then ends all of them, within seconds.
 */
#ifndef GCR_COMM_COMM_H
#define GCR_COMM_COMM_H

#include "gridcrunch/status.h"

#include <stddef.h>
#include <stdint.h>

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

/* Collective. Messages that nobody has looked for are dropped, so that what was sent is sent now. NULL
 * is allowed. */
void gcr_comm_close(gcr_comm *comm);

/* Has the processes of all ranks ended, with `code`: for a program that cannot go on. Returns where
 * there is one rank, which then ends as any program does. NULL is allowed. */
void gcr_comm_abort(gcr_comm *comm, int code);

const gcr_comm_info *gcr_comm_info_of(const gcr_comm *comm);

/* Collective. GCR_OK where every rank said so; else, on every rank, the status of the lowest rank
 * that failed, and its sentence and details as gcr_last_error(), with "rank 3 on HOST: " before it
 * where not all of them failed. `status` is what the caller's last call returned. */
GCR_MUST_CHECK gcr_status gcr_comm_agree(gcr_comm *comm, gcr_status status);

/* Collective. What `root` has in buffer[bytes] stands there on every rank. `bytes` is the same
 * everywhere, and may be more than 2^31. */
GCR_MUST_CHECK gcr_status gcr_comm_broadcast(gcr_comm *comm, void *buffer, uint64_t bytes,
                                             int root);

/* The same among the leaders of nodes alone; others do nothing. `root_node` is a node. */
GCR_MUST_CHECK gcr_status gcr_comm_broadcast_leaders(gcr_comm *comm, void *buffer, uint64_t bytes,
                                                     int root_node);

/* Collective. all[r * bytes ...] is what rank r had in mine[bytes]. */
GCR_MUST_CHECK gcr_status gcr_comm_gather_all(gcr_comm *comm, const void *mine, uint64_t bytes,
                                              void *all);

/* ---- memory of a node ------------------------------------------------------------------------ */

typedef struct gcr_shared {
    void *base; /* page aligned, zeroed at first; not at the same address in each rank */
    uint64_t bytes;
    int file; /* the memfd, of this rank's own; -1 where the node has one rank */
} gcr_shared;

/* Collective; ranks of one node ask for the same size, which may be another on other nodes, and 0: then
 * base is NULL. Memory is taken page by page when it is first written (`is_reserved`: it is found out
 * now whether there is enough of it). `what` names it in sentences: "no memory for WHAT". On failure
 * of one rank all of the comm fail. GCR_ENOMEM; GCR_EUNSUPPORTED: this system does not let processes
 * see each other's memory. */
GCR_MUST_CHECK gcr_status gcr_comm_share(gcr_shared *out, gcr_comm *comm, uint64_t bytes,
                                         int is_reserved, const char *what);

/* Unmaps it here. Not collective. A zeroed struct is allowed. */
void gcr_shared_clear(gcr_shared *shared);

/* ---- messages -------------------------------------------------------------------------------- */

typedef struct gcr_send gcr_send;

enum { GCR_TAG_MAX = 1000 };

/* Sends without waiting, to itself too: `bytes` stay unchanged until gcr_comm_is_sent(), which has to
 * be called for it to get on, or until the comm is closed. Messages of one rank to another arrive
 * in the order in which they were sent. `tag`: 0 .. GCR_TAG_MAX, for the receiver to know what it
 * is. */
GCR_MUST_CHECK gcr_status gcr_comm_send(gcr_send **out, gcr_comm *comm, int to, int tag,
                                        const void *bytes, uint64_t count);

/* *is_sent: the buffer may be written again, and `*send` is NULL from now on. */
GCR_MUST_CHECK gcr_status gcr_comm_is_sent(int *is_sent, gcr_comm *comm, gcr_send **send);

/* One that has arrived, from any rank. */
typedef struct gcr_message {
    int from, tag;
    uint64_t count;
    const void *bytes; /* the comm's, until the next look */
} gcr_message;

/* Looks for a message, does not wait. False in *found: there is none now. */
GCR_MUST_CHECK gcr_status gcr_comm_look(gcr_message *out, int *found, gcr_comm *comm);

#endif /* GCR_COMM_COMM_H */
