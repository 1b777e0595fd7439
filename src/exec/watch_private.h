/*
 * exec/watch_private.h -- what watch.c and watch_loss.c share, and nobody else sees.
 */
#ifndef GCR_EXEC_WATCH_PRIVATE_H
#define GCR_EXEC_WATCH_PRIVATE_H

#include "exec/watch.h"

/* Of a node, which all its ranks see. */
typedef struct gcr_watch_board {
    atomic_int stop;    /* 1 + a gcr_run_ending: all are to stop; 0          */
    atomic_int broken;  /* from the leader: 1 + the first node that is lost, -1: its messages
                         * fail; 0 */
    atomic_int is_over; /* from it, too: it leaves                           */
} gcr_watch_board;

static inline gcr_watch_board *gcr_watch_board_of(const gcr_watch *watch)
{
    return watch->board.base;
}

static inline const gcr_comm_info *gcr_watch_ranks(const gcr_watch *watch)
{
    return watch->run->crew.comm;
}

/* ---- watch.c --------------------------------------------------------------------------------- */

/* All are to stop. */
void gcr_watch_stop(const gcr_watch *watch, gcr_run_ending ending);

/* This thread has failed, and says so in gcr_last_error(). */
void gcr_watch_fail(gcr_watch *watch, gcr_status status);

/* ---- watch_loss.c ---------------------------------------------------------------------------- */

/* To the leader of another node, whom this rank hears when that has taken it. */
GCR_MUST_CHECK gcr_status gcr_watch_send_heard(gcr_send **out, gcr_watch *watch, int node, int tag,
                                               const void *bytes, uint64_t count);

/* Hears the nodes that have taken what was sent, on rank 0 beats, and loses one that is silent. */
GCR_MUST_CHECK gcr_status gcr_watch_listen(gcr_watch *watch);

/* Messages of rank 0 to a node that fail are that node's fault, which is lost then: GCR_OK. What
 * else a status says stays this rank's. */
GCR_MUST_CHECK gcr_status gcr_watch_blame(gcr_watch *watch, int node, gcr_status status);

/* This rank was told that a node is lost; by the board of its node, whose leader has left. */
void gcr_watch_learn_of_loss(gcr_watch *watch, int node);
void gcr_watch_learn_from_board(gcr_watch *watch);

/* Others miss this leader, whose messages fail, and do not come where all ranks meet. */
void gcr_watch_cut_off(gcr_watch *watch);

#endif /* GCR_EXEC_WATCH_PRIVATE_H */
