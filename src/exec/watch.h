/*
 * exec/watch.h -- what the thread does that executes a run and does not compute: it looks.
 *
 * For a wish to stop, for progress to show, and where there are several ranks, for what they have
 * to say: it is the one thread of its rank that sends and receives. Between two looks it sleeps.
 *
 * A stop goes round. Whoever wants one (a signal, the time limit, a worker that failed) writes it
 * on the board of its node, which all ranks of the node see; leaders carry it to rank 0 and from
 * there to all other nodes. Workers finish what they are at, and what has landed is gathered. That
 * the run has failed goes round even behind another stop: nobody waits for long then.
 *
 * How all come to the end together is ending.h. Beats (hearing.h) go from rank 0 to leaders alone;
 * one that was told its last word gets none.
 *
 * A node that is lost is treated as one that has failed and ended: the others stop, what they have
 * landed is gathered, and rank 0's last message says that the comm is broken. One that had ended
 * before owes nothing, so that the others go on. Who does not hear rank 0 any more leaves by
 * itself, and so does who can pass no messages. A node that rank 0 can send nothing to is lost as
 * well (watch_loss.c).
 */
#ifndef GCR_EXEC_WATCH_H
#define GCR_EXEC_WATCH_H

#include "exec/carrier.h"
#include "exec/dealing.h"
#include "exec/ending.h"
#include "exec/gather.h"
#include "exec/hearing.h"
#include "exec/run_private.h"

#include <stdatomic.h>

/* Another node, as its leader is spoken to: by rank 0, or of node 0 by another leader. Of messages
 * NULL is one that is not under way. */
typedef struct gcr_watch_node {
    gcr_send *told, *told_failure, *last; /* the stop, that the run has failed, the last message */
    gcr_send *beat, *call; /* of rank 0: the last beat, and that before the last message */
} gcr_watch_node;

typedef enum gcr_watch_health {
    GCR_WATCH_WELL,
    GCR_WATCH_FAILED,  /* what comes is dropped: no other rank may wait for it          */
    GCR_WATCH_CUT_OFF, /* not even that is possible: rank 0 is lost, or messages fail */
} gcr_watch_health;

typedef struct gcr_watch {
    gcr_run *run;
    gcr_pool *pool; /* of the workers; its end is waited for                   */
    gcr_dealing *dealing;
    gcr_gather *gather;   /* NULL: there is one rank                                 */
    gcr_carrier *carrier; /* has no bridge where results go by the hosts            */
    atomic_int *stop;     /* of the workers of this rank                             */
    double begin;

    /* Keeps the first failure, of whichever thread, stops the workers of this rank, and notes it
     * here. */
    void (*on_failure)(void *arg, int worker, gcr_status status);

    /* Keeps it like a failure, and stops nobody: the comm is broken. */
    void (*on_loss)(void *arg, gcr_status status);
    void *arg;

    /* Private. */
    gcr_shared board; /* of the node: what all its ranks see */
    gcr_ending ending;
    gcr_ending_peer *peers; /* [node_count] */
    gcr_watch_node *nodes;  /* of the same  */
    gcr_hearing hearing;    /* of the same  */
    int unheard;            /* messages to them that are under way, but for stops */
    int stop_told;          /* the stop that they are told; 0: none   */
    int workers_ended;      /* of this rank */
    double pause;           /* the last one between two looks of a leader */
    uint64_t passed;        /* what had come or gone then, counted        */
    uint64_t taken;         /* messages that have come                    */
    int has_more;           /* others wait to be taken                    */
    gcr_watch_health health;
} gcr_watch;

/* Collective. *out has all that is not private. GCR_ENOMEM. The caller closes it. */
GCR_MUST_CHECK gcr_status gcr_watch_open(gcr_watch *out);
void gcr_watch_close(gcr_watch *watch);

/* From any thread, before what that has to tell ends: something has failed, and all are to stop. */
void gcr_watch_note_failure(const gcr_watch *watch);

/* Looks until the workers of this rank have ended and, on leaders, all that they wait for has come.
 * The run has its ending and progress then: rank 0's, of all ranks. */
void gcr_watch_run(gcr_watch *watch);

/* How far the run is: what this rank's workers say and, on rank 0, the other ranks. */
void gcr_watch_progress(const gcr_watch *watch, gcr_progress *out);

#endif /* GCR_EXEC_WATCH_H */
