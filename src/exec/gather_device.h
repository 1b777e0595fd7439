/*
 * exec/gather_device.h -- results that go from a rank's GPU to rank 0's, over a bridge.
 *
 * What a batch leaves on its device, the records of its cells (records.h), is a *parcel*. A rank
 * announces it by a message that says whose cells are in it, and sends it; rank 0 receives it
 * into one of a few blocks of its device when one is free, takes it from there to the host in one
 * piece, and gives its cells the places that their keys say. Nothing else of a run is changed: the
 * cells and their bits are those that the hosts would have passed.
 *
 * The k-th parcel that a rank announces is the k-th that it sends. A rank has a few under way, and
 * waits with more until one has been taken: so rank 0 needs memory for its blocks, and some
 * kilobytes for each rank. Sender and receiver never wait inside a call, but for NCCL to take what
 * it is given. One thread at a time has the bridge: the one that drives the device, and on rank 0
 * the one that receives, which has a queue of its own.
 */
#ifndef GCR_EXEC_GATHER_DEVICE_H
#define GCR_EXEC_GATHER_DEVICE_H

#include "backend/backend.h"
#include "comm/comm.h"
#include "exec/landing.h"
#include "exec/records.h"
#include "grid/points.h"

#include <pthread.h>

enum {
    GCR_PARCEL_PARTS_MAX = 256, /* runs of points: those of a batch (flight.h)  */
    GCR_PARCELS_UNDER_WAY = 4,  /* of one rank: the flights of a queue          */
    GCR_PARCELS_COMING = 3,     /* on rank 0: one arrives, one comes down, one lands */
    GCR_PARCEL_BYTES_MOST = 8 << 20,
};

/* The points first .. first + count - 1 of a dataset. */
typedef struct gcr_parcel_part {
    uint64_t dataset, first, count;
    double cost; /* their share of the plan's */
} gcr_parcel_part;

/* What is said of a parcel: the message, of which only the parts that there are travel. */
typedef struct gcr_parcel {
    uint64_t bytes;  /* of its records   */
    uint64_t points; /* of all its parts */
    uint32_t part_count;
    uint8_t kind; /* of the device, as slots have it */
    gcr_parcel_part parts[GCR_PARCEL_PARTS_MAX];
} gcr_parcel;

/* Bytes of the message. */
uint64_t gcr_parcel_message_bytes(const gcr_parcel *parcel);

/* ---- a rank that sends ----------------------------------------------------------------------- */

/* Parcels that the device has been given to send, and what has become of their announcements. */
typedef struct gcr_parcel_outbox {
    gcr_comm *comm;
    int tag;
    pthread_mutex_t lock;
    gcr_parcel parcels[GCR_PARCELS_UNDER_WAY];
    gcr_send *sends[GCR_PARCELS_UNDER_WAY]; /* NULL: not announced, or arrived */
    uint64_t put, announced, arrived;       /* counts since the beginning */
} gcr_parcel_outbox;

/* `tag` is that of the messages. */
void gcr_parcel_outbox_open(gcr_parcel_outbox *out, gcr_comm *comm, int tag);
void gcr_parcel_outbox_close(gcr_parcel_outbox *outbox);

/* From the thread that drives the device: sends the first parcel->bytes of `records`, which what
 * the queue was given before has written, and records `sent` behind it. False in *is_taken: too
 * many are under way, look again later. The records may be written again when gcr_bridge_wait() has
 * seen `sent`. GCR_EDEVICE, GCR_ETIMEOUT: as of gcr_bridge_pass(). */
GCR_MUST_CHECK gcr_status gcr_parcel_send(int *is_taken, gcr_parcel_outbox *outbox,
                                          gcr_bridge *bridge, gcr_queue *queue, gcr_buf *records,
                                          const gcr_parcel *parcel, gcr_event *sent);

/* From the thread that has the comm: announces what is being sent, at any moment after
 * gcr_parcel_send() has begun; a bridge may take the first piece of a way only when rank 0, which
 * hears of it by this, is there. */
GCR_MUST_CHECK gcr_status gcr_parcel_announce(gcr_parcel_outbox *outbox);

/* From the same. False in *is_under_way: rank 0 has been told of all that was announced. */
GCR_MUST_CHECK gcr_status gcr_parcel_look(int *is_under_way, gcr_parcel_outbox *outbox);

/* ---- rank 0 ---------------------------------------------------------------------------------- */

typedef struct gcr_receiver gcr_receiver;

typedef struct gcr_receiver_spec {
    gcr_bridge *bridge; /* this is its rank 0 */
    uint64_t bytes;     /* of the largest parcel of any rank: at most GCR_PARCEL_BYTES_MOST */
    double seconds;     /* for which a parcel that was announced may take to come       */
    gcr_slots *slots;
    const gcr_points *points;

    /* Cells have been given their places. */
    gcr_status (*on_landed)(void *arg, const gcr_landing *landing);
    void *arg;
} gcr_receiver_spec;

/* All of it is borrowed until destroy. GCR_ENOMEM, GCR_EDEVICE. GCR_EINVAL: parcels are too
 * large. */
GCR_MUST_CHECK gcr_status gcr_receiver_create(gcr_receiver **out, const gcr_receiver_spec *spec);
void gcr_receiver_destroy(gcr_receiver *receiver);

/* Takes an announcement of rank `from`. GCR_EIO: it is none, or of cells that are not there, or
 * that rank has announced more than it may. */
GCR_MUST_CHECK gcr_status gcr_receiver_take(gcr_receiver *receiver, int from, const void *bytes,
                                            uint64_t count);

/* Lets what has been announced come, and what has come land. *is_under_way: there is more to come
 * of it. GCR_ETIMEOUT, GCR_EDEVICE: the bridge is broken. */
GCR_MUST_CHECK gcr_status gcr_receiver_look(int *is_under_way, gcr_receiver *receiver);

/* Records that have landed, and for how long some were coming: from when one was given room until
 * it was found at the host. */
uint64_t gcr_receiver_bytes(const gcr_receiver *receiver);
double gcr_receiver_seconds(const gcr_receiver *receiver);

#endif /* GCR_EXEC_GATHER_DEVICE_H */
