/*
 * exec/outbox.h -- packets on their way to another rank: a few buffers, one of them being filled.
 *
 * When all are on their way there is none to fill, and whoever fills them waits: what is in flight
 * is bounded by the buffers, however slow the network or the receiver is.
 */
#ifndef GCR_EXEC_OUTBOX_H
#define GCR_EXEC_OUTBOX_H

#include "comm/comm.h"
#include "exec/packets.h"

enum { GCR_OUTBOX_PACKETS = 4 };

typedef struct gcr_outbox {
    gcr_comm *comm;
    int to, tag;
    gcr_packet packets[GCR_OUTBOX_PACKETS];
    gcr_send *sends[GCR_OUTBOX_PACKETS]; /* NULL: that packet is here     */
    int turn;                            /* the one that is filled next */
    double begun;                        /* when its first landing came */
    uint64_t messages, bytes;            /* that were sent              */
    double since, seconds; /* private: since when some are on their way, 0: none is; and before */
} gcr_outbox;

/* Packets of `room` bytes, for rank `to`, which knows them by `tag`. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_outbox_open(gcr_outbox *out, gcr_comm *comm, int to, int tag,
                                          uint64_t room);

/* A packet that is still on its way is the comm's from now on, as what carries it may read it. That
 * happens where ranks do not come to an end together. Zeroed is allowed. */
void gcr_outbox_close(gcr_outbox *outbox);

/* The one to fill; NULL: all are on their way. */
gcr_packet *gcr_outbox_packet(gcr_outbox *outbox);

/* True when a packet has something in it and was not sent. */
int gcr_outbox_has_unsent(const gcr_outbox *outbox);

/* Sends what has been filled, if there is any. */
GCR_MUST_CHECK gcr_status gcr_outbox_send(gcr_outbox *outbox);

/* The same where it has been there for so many seconds. */
GCR_MUST_CHECK gcr_status gcr_outbox_send_old(gcr_outbox *outbox, double seconds);

/* Finds out which have arrived. */
GCR_MUST_CHECK gcr_status gcr_outbox_look(gcr_outbox *outbox);

/* For how long some were on their way, as far as looks have found out: from when one was sent until
 * its receiver had looked for it. */
double gcr_outbox_seconds(const gcr_outbox *outbox);

#endif /* GCR_EXEC_OUTBOX_H */
