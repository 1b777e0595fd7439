/*
 * exec/gather.h -- how results of all ranks come together at rank 0, while they are computed.
 *
 * Rank 0 counts cells down. Its own workers do so at once; those of other ranks tell in rings of
 * their node's memory (landing.h), which the leader of the node reads. On node 0 that is rank 0,
 * and cells stand in its slots already. On any other no cell has a slot: workers put cells behind
 * what they tell, and the leader passes them on in packets (packets.h), a few of them in flight
 * (outbox.h). What rank 0 needs beside its slots does not grow with the ranks: it receives eight
 * messages at a time, whoever has sent them.
 *
 * One thread of each leader does all this, the one that has the comm; it never waits here, and
 * nothing is allocated after create. What arrives is looked at before it is believed.
 */
#ifndef GCR_EXEC_GATHER_H
#define GCR_EXEC_GATHER_H

#include "comm/comm.h"
#include "exec/landing.h"
#include "results/slots.h"
#include "results/summary.h"

typedef struct gcr_gather gcr_gather;

typedef struct gcr_gather_spec {
    gcr_comm *comm;
    const gcr_points *points;
    gcr_slots *slots;         /* the node's                                           */
    int by_blocks;            /* cells have no slots: tallies are gathered ...        */
    gcr_summaries *summaries; /* ... for these                                        */
    int node_workers;         /* of all ranks of this node                            */
    int first_worker;         /* of these the first of this rank, rank by rank ...    */
    int workers;              /* ... and how many they are                            */
    int tag;                  /* of messages to rank 0                                */
    uint64_t packet_bytes;    /* of a message, about; 0: 512 KiB. The same on all ranks */

    /* On rank 0: the last cell of a dataset has landed; its summaries are to be made. */
    void (*on_complete)(void *arg, uint64_t dataset);
    void *arg;
} gcr_gather_spec;

/* All of it is borrowed until destroy. *Collective*; the caller agrees on the status.
 * GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_gather_create(gcr_gather **out, const gcr_gather_spec *spec);
void gcr_gather_destroy(gcr_gather *gather);

/* Bytes that create() would allocate for a rank, and its part of what the ranks of its node share,
 * for the plan. `one`: of a cell, or of a tally by blocks. */
uint64_t gcr_gather_bytes(const gcr_comm_info *ranks, int workers, int by_blocks, uint64_t one);

/* True if cells stand behind what workers of this rank tell, as their slots are on another node:
 * then those here are never written. */
int gcr_gather_sends_cells(const gcr_comm_info *ranks, int by_blocks);

/* [workers] where those of this rank tell what has landed; NULL on rank 0. */
gcr_landing_ring *gcr_gather_rings(gcr_gather *gather);

/* A leader's: takes what its node's workers have told, counts it down or sends it on. GCR_EIO. */
GCR_MUST_CHECK gcr_status gcr_gather_look(gcr_gather *gather);

/* Rank 0's: a message of another node. GCR_EIO: it is not what it should be. GCR_ECONFLICT: cells
 * came twice, with different results. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_gather_take(gcr_gather *gather, const gcr_message *message);

/* Rank 0's: cells of another rank have been given their slots by other means. GCR_EIO: there are no
 * such cells. */
GCR_MUST_CHECK gcr_status gcr_gather_count(gcr_gather *gather, const gcr_landing *landing);

/* Workers are not listened to any more, and what they have told and was not sent is dropped. */
void gcr_gather_give_up(gcr_gather *gather);

/* A leader's: true when the workers of the node have ended, those of rank 0 aside, and what they
 * told has been counted down, or sent: it may not have arrived. */
int gcr_gather_is_over(const gcr_gather *gather);

/* What has passed here. */
typedef struct gcr_gather_totals {
    uint64_t landed, failed, datasets; /* counted down: rank 0's                    */
    double cost;                       /* the share of the plan's, likewise         */
    uint64_t duplicates;               /* cells that came twice, and were the same  */
    uint64_t crowded;                  /* times that a worker had told much at a look */
    uint64_t messages, bytes;          /* taken by rank 0, or sent by another leader */
    double seconds;                    /* that some of what is sent was under way    */
} gcr_gather_totals;

gcr_gather_totals gcr_gather_totals_of(const gcr_gather *gather);

#endif /* GCR_EXEC_GATHER_H */
