/*
 * comm/comm.h -- the ranks of a run: who they are, and what passes between them.
 *
 * The room comm/ knows ranks, nodes and bytes, and no word of datasets, cells or devices. One rank
 * alone needs nothing (alone.c). Several are processes that mpirun or srun has started; what
 * carries bytes between them is a module (mpi/), opened only then, so that a program that runs
 * alone never loads MPI.
 *
 * Who the ranks are, and the rules for what is *Collective*, programs are told, too:
 * gridcrunch/ranks.h. Nothing is passed by one-sided operations: memory that several ranks of a
 * node see is mapped by each of them, and vanishes with the last one.
 */
#ifndef GCR_COMM_COMM_H
#define GCR_COMM_COMM_H

#include "gridcrunch/ranks.h"

#include <stddef.h>
#include <stdint.h>

/* A node does not answer any more: from now on the comm is *broken* on this rank, and nothing waits
 * for that node. Sends to it that are under way count as sent, though what was not copied may still
 * be read; others fail. Messages of other nodes go on. What is collective fails at once with the
 * sentence `why` (an agreement with the status that it was given, if that is a failure), here and
 * in the comm that this one was selected of. Closing it leaves MPI as it is. Not collective: each
 * rank finds out by itself, or is told. The first loss is the one that counts. */
void gcr_comm_lose_node(gcr_comm *comm, int node, const char *why);

/* The same where nobody knows of which node: what passes to others fails. */
void gcr_comm_break(gcr_comm *comm, const char *why);

int gcr_comm_is_broken(const gcr_comm *comm);

/* From now on whoever waits in a collective operation for other ranks to come there waits for so
 * many seconds at most; then the comm is broken for it. INFINITY: as long as it takes, as at first.
 * Time in which this process stood still does not count. Not collective: for a rank that knows that
 * all others are on their way. */
void gcr_comm_limit(gcr_comm *comm, double seconds);

/* GCR_OK; GCR_EDEVICE: it is broken. */
GCR_MUST_CHECK gcr_status gcr_comm_check(const gcr_comm *comm);

/* Collective. Waits for all ranks to come. Who has come, and is gone by then, is not missed: but it
 * is the next time, so that of all who meet twice each was there after the last had come. */
GCR_MUST_CHECK gcr_status gcr_comm_meet(gcr_comm *comm);

/* Collective. What `root` has in buffer[bytes] stands there on every rank. `bytes` is the same
 * everywhere, and may be more than 2^31. */
GCR_MUST_CHECK gcr_status gcr_comm_broadcast(gcr_comm *comm, void *buffer, uint64_t bytes,
                                             int root);

/* What other ranks have had of this one by that: each has had its own copy. */
uint64_t gcr_comm_broadcast_bytes(const gcr_comm *comm);

/* Collective. all[r * bytes ...] is what rank r had in mine[bytes]. */
GCR_MUST_CHECK gcr_status gcr_comm_gather_all(gcr_comm *comm, const void *mine, uint64_t bytes,
                                              void *all);

/* Collective. The same in new memory, for `what` ("answers of ranks"), which the caller destroys;
 * NULL after a failure. GCR_ENOMEM: some rank has none. */
GCR_MUST_CHECK gcr_status gcr_comm_gather_new(void **all_out, gcr_comm *comm, const void *mine,
                                              uint64_t bytes, const char *what);

/* ---- memory of a node ------------------------------------------------------------------------ */

typedef struct gcr_shared {
    void *base; /* page aligned, zeroed at first; not at the same address in each rank */
    uint64_t bytes;
    int file; /* the memfd, of this rank's own; -1 where the node has one rank */
} gcr_shared;

/* Collective; ranks of one node ask for the same size, which may be another on other nodes, and 0:
 * then base is NULL. Memory is taken page by page when it is first written (`is_reserved`: it is
 * found out now whether there is enough of it). `what` names it in sentences: "no memory for WHAT".
 * On failure of one rank all of the comm fail. GCR_ENOMEM; GCR_EUNSUPPORTED: this system does not
 * let processes see each other's memory. */
GCR_MUST_CHECK gcr_status gcr_comm_share(gcr_shared *out, gcr_comm *comm, uint64_t bytes,
                                         int is_reserved, const char *what);

/* Finds out whether there is enough memory for a part of it, which nobody has written yet. Not
 * collective: for one who gives memory back as he writes. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_shared_reserve(const gcr_shared *shared, uint64_t first,
                                             uint64_t bytes, const char *what);

/* Unmaps it here. Not collective. A zeroed struct is allowed. */
void gcr_shared_clear(gcr_shared *shared);

/* ---- messages -------------------------------------------------------------------------------- */

typedef struct gcr_send gcr_send;

/* Tags from GCR_TAG_SPAWN on are of this room (spawn.c), those before it of whoever uses the comm:
 * all of a run in exec/tags.h. */
enum {
    GCR_TAG_SPAWN = 996,
    GCR_TAG_MAX = 1000,
    GCR_MESSAGE_COPIED_BYTES = 16 << 10,
    GCR_MESSAGE_MAX_BYTES = 1 << 30,
};

/* Sends without waiting, to itself too. At most GCR_MESSAGE_COPIED_BYTES are copied; of more,
 * `bytes` stay unchanged until gcr_comm_is_sent(), or until the comm is closed. Messages of one
 * rank to another arrive in the order in which they were sent. `tag`: 0 .. GCR_TAG_MAX, for the
 * receiver to know what it is. It gets on while any operation of the comm is called.
 * GCR_EDEVICE, as of all that passes between ranks: one is lost, or the transport fails. */
GCR_MUST_CHECK gcr_status gcr_comm_send(gcr_send **out, gcr_comm *comm, int to, int tag,
                                        const void *bytes, uint64_t count);

/* *is_sent: the receiver has looked for it, the buffer may be written again, and `*send` is NULL
 * from now on. So what has not been looked for is bounded by what its senders let be under way. A
 * `*send` that is NULL is sent. */
GCR_MUST_CHECK gcr_status gcr_comm_is_sent(int *is_sent, gcr_comm *comm, gcr_send **send);

/* Nobody asks any more what becomes of it: `*send` is NULL from now on, and `bytes`, which may
 * still be read, go by give_back(bytes) when they are not, as the comm is closed at the latest; or
 * never, where it is broken. A `*send` that is NULL is sent. */
void gcr_comm_leave_send(gcr_comm *comm, gcr_send **send, void *bytes, void (*give_back)(void *));

/* Waits for that, and looks for no message meanwhile: for one whose receiver looks in any case. */
GCR_MUST_CHECK gcr_status gcr_comm_finish_send(gcr_comm *comm, gcr_send **send);

/* One that has arrived, from any rank. */
typedef struct gcr_message {
    int from, tag;
    uint64_t count;
    const void *bytes; /* the comm's, until the next look */
} gcr_message;

/* Looks for a message, does not wait. False in *found: there is none now. */
GCR_MUST_CHECK gcr_status gcr_comm_look(gcr_message *out, int *found, gcr_comm *comm);

#endif /* GCR_COMM_COMM_H */
