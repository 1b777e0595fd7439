/*
 * exec/watch.h -- what the thread does that executes a run and does not compute: it looks.
 *
 * For a wish to stop, for progress to show, and where there are several ranks, for what they have
 * to say: it is the one thread of its rank that sends and receives. Between two looks it sleeps.
 *
 * A stop goes round. Whoever wants one (a signal, the time limit, a worker that failed) writes it
 * on the board of its node, which all ranks of the node see; leaders carry it to rank 0 and from
 * there to all other nodes. Workers finish what they are at, and what has landed is gathered.
 *
 * The end is told in both directions, as messages keep their order: a leader's last one says that
 * its node has ended, and rank 0's last one to each leader that all have. So whoever leaves has
 * looked for all that was sent to it, and nothing is left over for the next run. Beats (hearing.h)
 * go from rank 0 to leaders alone, and so they come before its last message, too.
 *
 * A node that is lost is one that has failed and ended: the others stop, what they have landed is
 * gathered, and rank 0's last message says that the comm is broken. Who does not hear rank 0 any
 * more leaves by itself.
 */
#ifndef GCR_EXEC_WATCH_H
#define GCR_EXEC_WATCH_H

#include "exec/carrier.h"
#include "exec/dealing.h"
#include "exec/gather.h"
#include "exec/hearing.h"
#include "exec/run_private.h"

#include <stdatomic.h>

/* Another node, as its leader is spoken to: by rank 0, or of node 0 by another leader. */
typedef struct gcr_watch_node {
    gcr_send *told, *beat, *over; /* the stop, and of rank 0 the last beat and the last message */
    int has_ended, is_lost;
} gcr_watch_node;

typedef struct gcr_watch {
    gcr_run *run;
    gcr_pool *pool; /* of the workers; its end is waited for                   */
    gcr_dealing *dealing;
    gcr_gather *gather;   /* NULL: there is one rank                                 */
    gcr_carrier *carrier; /* has no bridge where results go by the hosts            */
    atomic_int *stop;     /* of the workers of this rank                             */
    double begin;

    /* Keeps the first failure, of whichever thread, and stops the workers of this rank. */
    void (*on_failure)(void *arg, int worker, gcr_status status);
    void *arg;

    /* Private. */
    gcr_shared board;      /* of the node: what all its ranks see */
    gcr_watch_node *nodes; /* [node_count] */
    gcr_hearing hearing;   /* of the same  */
    int stop_told;         /* the stop that they were told                         */
    gcr_send *ended;       /* of a leader that is not rank 0                           */
    int workers_ended;     /* of this rank */
    double pause;          /* the last one between two looks of a leader               */
    uint64_t passed;       /* messages that had come or gone then                      */
    uint64_t taken;        /* messages that have come                                  */
    int has_ended, nodes_ended;
    int is_over;    /* the last messages are on their way, or the one to this leader has come */
    int loss_told;  /* by them: what stands on the board                              */
    int is_failed;  /* what comes is dropped: no other rank may wait for it           */
    int is_cut_off; /* not even that is possible: rank 0 is lost, or messages fail   */
} gcr_watch;

/* Collective. *out has all that is not private. GCR_ENOMEM. The caller closes it. */
GCR_MUST_CHECK gcr_status gcr_watch_open(gcr_watch *out);
void gcr_watch_close(gcr_watch *watch);

/* Looks until the workers of this rank have ended and, on leaders, all that they wait for has come.
 * The run has its ending and progress then: rank 0's, of all ranks. */
void gcr_watch_run(gcr_watch *watch);

/* How far the run is: what this rank's workers say and, on rank 0, the other ranks. */
void gcr_watch_progress(const gcr_watch *watch, gcr_progress *out);

#endif /* GCR_EXEC_WATCH_H */
