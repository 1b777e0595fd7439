/*
 * exec/gather_way.h -- which way results come from other ranks to the first: by the hosts, or from
 * one GPU to the other by NCCL.
 *
 * What there is decides first: a bridge joins one GPU of each rank, and no two ranks that have the
 * same. Then what it is for: on one node every rank writes its results where they belong, and
 * little is as soon passed by the hosts. Then a clock: both ways are tried with some megabytes. All
 * ranks know the same of all, so all decide alike; the results have the same bits by either way.
 */
#ifndef GCR_EXEC_GATHER_WAY_H
#define GCR_EXEC_GATHER_WAY_H

#include "backend/backend.h"
#include "comm/comm.h"
#include "exec/attempt.h"

#include "gridcrunch/job.h"

enum { GCR_GATHER_TEXT_BYTES = 384, GCR_GATHER_WHY_BYTES = GCR_ATTEMPT_WHY_BYTES };

/* What a rank says of itself. */
typedef struct gcr_gather_rank {
    int device_count;                 /* with memory of their own */
    char uuid[GCR_UUID_BYTES];        /* of the first of them     */
    char name[GCR_BRIDGE_NAME_BYTES]; /* what its bridges are made of; "": it has none, ... */
    char why[GCR_GATHER_WHY_BYTES];   /* ... and why                                        */
} gcr_gather_rank;

typedef struct gcr_gather_facts {
    gcr_gather_form asked;
    const char *obstacle; /* NULL, or why no results of this run can go by a bridge */
    const gcr_comm_info *comm;
    const gcr_gather_rank *ranks; /* [comm->size], where a bridge is wanted */
    uint64_t bytes;               /* of results that come from other nodes than rank 0's, about */
} gcr_gather_facts;

/* What came of trying. Bytes per second into rank 0, of ranks of other nodes; 0: not measured. */
typedef struct gcr_gather_trial {
    int has_bridge;
    char why[GCR_GATHER_WHY_BYTES]; /* there is none */
    double by_bridge, by_hosts;
} gcr_gather_trial;

typedef struct gcr_gather_way {
    gcr_gather_form way;              /* GCR_GATHER_MPI or GCR_GATHER_NCCL */
    int was_tried;                    /* a bridge was wanted */
    double bytes_per_second;          /* 0: not measured */
    char text[GCR_GATHER_TEXT_BYTES]; /* for the head of a run: which, why, how fast */
} gcr_gather_way;

/* Whether a bridge is wanted at all, whatever ranks have: `facts->ranks` is not looked at. If not,
 * `why` says why. */
int gcr_gather_wants_bridge(char why[GCR_GATHER_WHY_BYTES], const gcr_gather_facts *facts);

/* Whether a bridge is wanted and may be tried; if not, `why` says what is in the way. */
int gcr_gather_may_bridge(char why[GCR_GATHER_WHY_BYTES], const gcr_gather_facts *facts);

/* Whether the results of `rank` go by the bridge, where there is one: those of other nodes than
 * rank 0's do, and on a single node, where a job may ask for it, those of all other ranks. */
int gcr_gather_is_carried(const gcr_comm_info *comm, int rank);
int gcr_gather_carried_count(const gcr_comm_info *comm);

/* Whether messages are worth timing: there are several nodes, and more than little to pass. */
int gcr_gather_may_time(const gcr_gather_facts *facts);

/* A trial of nothing where gcr_gather_may_bridge() said no. */
void gcr_gather_decide(gcr_gather_way *out, const gcr_gather_facts *facts,
                       const gcr_gather_trial *trial);

typedef struct gcr_gather_way_spec {
    gcr_gather_form asked;
    const char *obstacle;       /* as of gcr_gather_facts, the same on all ranks */
    gcr_device *const *devices; /* [device_count] of this rank */
    int device_count;
    uint64_t bytes; /* as of gcr_gather_facts, the same on all ranks */
    double seconds; /* for which a bridge waits for other ranks      */
} gcr_gather_way_spec;

/* *Collective*. Finds out what there is and tries it; *bridge is NULL unless NCCL it is, and the
 * caller's to close. Nothing is under way on the devices. What is wrong with NCCL is a reason, and
 * no failure. GCR_ENOMEM, and what messages between ranks fail with. */
GCR_MUST_CHECK gcr_status gcr_gather_choose(gcr_gather_way *out, gcr_bridge **bridge,
                                            gcr_comm *comm, const gcr_gather_way_spec *spec);

#endif /* GCR_EXEC_GATHER_WAY_H */
