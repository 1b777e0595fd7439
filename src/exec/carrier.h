/*
 * exec/carrier.h -- the way of a run's results from other ranks' GPUs to rank 0's
 * (gather_device.h), from the first batch to the last.
 *
 * It stands beside gather.h, which has the way by the hosts: where the run has a bridge, what those
 * GPUs compute goes by it whose ranks gcr_gather_is_carried() names, and all else as ever. On other
 * ranks the worker that drives the device has the bridge, on rank 0 the thread that watches, which
 * also announces: it alone sends messages.
 *
 * Each rank tells its node when it will send no more, whatever became of its messages; a leader
 * ends after the ranks of its node (ending.h), and so rank 0 after all of them.
 */
#ifndef GCR_EXEC_CARRIER_H
#define GCR_EXEC_CARRIER_H

#include "exec/flight.h"
#include "exec/gather.h"
#include "exec/gather_device.h"

#include <stdatomic.h>

typedef struct gcr_carrier {
    gcr_bridge *bridge; /* NULL: there is none, and nothing below does anything */
    gcr_comm *comm;
    gcr_parcel_outbox outbox; /* of other ranks than 0 */
    gcr_receiver *receiver;   /* of rank 0             */
    int is_under_way;         /* of either             */
    gcr_shared board;         /* of the node           */
    int has_ended;            /* that stands there     */
    double end;               /* when it gives up, if it is hurried */
    atomic_int is_hurried, has_given_up;
} gcr_carrier;

enum {
    GCR_CARRIER_OPEN_SECONDS = 20,  /* for which a rank waits for others to be there ...        */
    GCR_CARRIER_PASS_SECONDS = 300, /* ... for what has begun, as a GPU may be in a long cell ... */
    GCR_CARRIER_STOP_SECONDS = 5,   /* ... and for all of it, where the run has failed            */
};

/* `bridge`: NULL is allowed. All of it is borrowed until close. *Collective*; the caller agrees on
 * the status. GCR_ENOMEM, GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_carrier_open(gcr_carrier *out, gcr_bridge *bridge, gcr_comm *comm,
                                           gcr_gather *gather, gcr_slots *slots,
                                           const gcr_points *points);
void gcr_carrier_close(gcr_carrier *carrier);

/* True where this rank's looks keep results waiting: it sends them, or is rank 0. */
int gcr_carrier_carries(const gcr_carrier *carrier);

/* The most cells that a batch may have which goes by it. */
uint64_t gcr_carrier_batch_most(const gcr_slots *slots);

/* From the worker that drives the device: sends what a batch that has been computed has left there.
 * The flight is leaving then, until it was waited for: its memory is not to be written before.
 * GCR_EDEVICE, GCR_ETIMEOUT. GCR_ECLOSED: the bridge is broken, as this rank has given up or
 * the run has failed before. */
GCR_MUST_CHECK gcr_status gcr_carrier_send(gcr_carrier *carrier, gcr_queue *queue,
                                           gcr_flight *flight, const gcr_slots *slots,
                                           uint8_t kind);

/* Does nothing with a flight that is not leaving; then `carrier` may be NULL. */
GCR_MUST_CHECK gcr_status gcr_carrier_wait(gcr_carrier *carrier, gcr_flight *flight);

/* From the thread that watches: announces, or receives; `have_ended`: the workers of this rank. */
GCR_MUST_CHECK gcr_status gcr_carrier_look(gcr_carrier *carrier, int have_ended);

/* Rank 0's: a message of another rank. */
GCR_MUST_CHECK gcr_status gcr_carrier_take(gcr_carrier *carrier, const gcr_message *message);

/* For the thread that watches and has failed: nothing is received, or announced, any more, and what
 * is under way ends. Others find out by themselves. */
void gcr_carrier_give_up(gcr_carrier *carrier);

/* Of records that rank 0 has received. */
uint64_t gcr_carrier_bytes(const gcr_carrier *carrier);
double gcr_carrier_seconds(const gcr_carrier *carrier);

/* For the thread that watches, where the run has failed somewhere: gives up after so many seconds,
 * as nobody knows whether the other ends are still there. The first time counts. */
void gcr_carrier_hurry(gcr_carrier *carrier, double seconds);

/* True when nothing of this rank is under way, and on rank 0 nothing of its node. */
int gcr_carrier_is_over(const gcr_carrier *carrier);

/* A leader's: true when no rank of its node will send any more. */
int gcr_carrier_node_has_ended(const gcr_carrier *carrier);

#endif /* GCR_EXEC_CARRIER_H */
