/*
 * backend/bridge.h -- the part of the seam that joins devices of several processes.
 *
 * A bridge is opened by all its ranks at once, each with one device, and no two with the same: then
 * buffers of one device are sent to another without a way through the host. A backend without
 * bridges has a NULL in its table; whoever has none of them passes bytes through the host.
 *
 * What is passed is matched by order: the k-th that one rank sends to another by the k-th that this
 * one receives from it, of as many bytes. Parts of one call move side by side, so a rank that sends
 * and receives in one call waits for nobody who does the same. A bridge is used by one thread at a
 * time.
 *
 * A bridge that has failed, or whose time was up, is broken for good: what was being received is
 * not defined, nothing of it is under way any more, and the device can be used on. As elsewhere the
 * front (bridge.c) checks arguments and counts in the ledger.
 */
#ifndef GCR_BACKEND_BRIDGE_H
#define GCR_BACKEND_BRIDGE_H

#include "gridcrunch/status.h"

#include <stdint.h>

struct gcr_buf;
struct gcr_device;
struct gcr_event;
struct gcr_queue;

enum { GCR_BRIDGE_ID_BYTES = 128, GCR_BRIDGE_NAME_BYTES = 64, GCR_BRIDGE_PARTS_MAX = 1024 };

/* One rank makes it and passes it on to all others: they meet by it. */
typedef struct gcr_bridge_id {
    unsigned char bytes[GCR_BRIDGE_ID_BYTES];
} gcr_bridge_id;

typedef struct gcr_bridge_spec {
    gcr_bridge_id id; /* the same for all */
    int rank, size;
    double seconds; /* for which other ranks are waited for, now and at each use */
} gcr_bridge_spec;

/* A backend embeds it as the first member of its own struct. */
typedef struct gcr_bridge {
    struct gcr_device *device;
    int rank, size;
} gcr_bridge;

/* What is sent to a rank, or received from it; it may be the caller's own. */
typedef struct gcr_bridge_part {
    struct gcr_buf *buf; /* of the device's memory */
    uint64_t offset, bytes;
    int peer;
    int is_received;
} gcr_bridge_part;

typedef struct gcr_bridge_ops {
    gcr_status (*name)(char *out, uint64_t bytes);
    gcr_status (*make_id)(gcr_bridge_id *out, struct gcr_device *device);
    gcr_status (*open)(gcr_bridge **out, struct gcr_device *device, const gcr_bridge_spec *spec);
    void (*close)(gcr_bridge *bridge);
    gcr_status (*pass)(struct gcr_queue *queue, gcr_bridge *bridge, const gcr_bridge_part *parts,
                       int count);
    gcr_status (*broadcast)(struct gcr_queue *queue, gcr_bridge *bridge, void *block,
                            uint64_t bytes, int root);
    gcr_status (*look)(int *is_over, gcr_bridge *bridge, struct gcr_event *event);
    gcr_status (*wait)(gcr_bridge *bridge, struct gcr_event *event, double seconds);
    gcr_status (*check)(gcr_bridge *bridge);
    void (*give_up)(gcr_bridge *bridge);
} gcr_bridge_ops;

/* ---- the callers of the table (bridge.c) ----------------------------------------------------- */

/* Whether devices of this backend have bridges; if not, nothing below is for it. */
int gcr_can_bridge(const struct gcr_device *device);

/* What bridges are made of, "NCCL 2.28.9". GCR_EUNSUPPORTED: it is not on this machine. */
GCR_MUST_CHECK gcr_status gcr_bridge_name(char out[GCR_BRIDGE_NAME_BYTES],
                                          const struct gcr_device *device);

/* For one rank of a bridge. GCR_EUNSUPPORTED, GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_bridge_make_id(gcr_bridge_id *out, struct gcr_device *device);

/* *Collective* over the ranks of the bridge: waits for all others. GCR_ETIMEOUT: they have not
 * come. GCR_EDEVICE: there is no bridge between these devices. GCR_EUNSUPPORTED. */
GCR_MUST_CHECK gcr_status gcr_bridge_open(gcr_bridge **out, struct gcr_device *device,
                                          const gcr_bridge_spec *spec);

/* *Collective*, unless it is broken. Nothing of it is under way. NULL is allowed. */
void gcr_bridge_close(gcr_bridge *bridge);

/* Enqueues all parts: sends after all that the queue was given before; what is downloaded later
 * comes after all of them. Returns when the bridge has taken them, which may be when the peers have
 * called, too. GCR_ETIMEOUT, GCR_EDEVICE: the bridge is broken. */
GCR_MUST_CHECK gcr_status gcr_bridge_pass(struct gcr_queue *queue, gcr_bridge *bridge,
                                          const gcr_bridge_part *parts, int count);

/* *Collective*. What `root` has uploaded to `bytes` at `offset` of its buffer stands there in the
 * buffers of all: enqueued, as an upload is. The host waits for peers where it uploads more on this
 * queue before an event has come. */
GCR_MUST_CHECK gcr_status gcr_bridge_broadcast(struct gcr_queue *queue, gcr_bridge *bridge,
                                               struct gcr_buf *buf, uint64_t offset, uint64_t bytes,
                                               int root);

/* Whether what came before an event is over; does not wait. GCR_EDEVICE: the bridge has broken. */
GCR_MUST_CHECK gcr_status gcr_bridge_look(int *is_over, gcr_bridge *bridge,
                                          struct gcr_event *event);

/* As gcr_event_sync(), looking whether the bridge breaks. GCR_ETIMEOUT: the event did not come in
 * `seconds` (< 0: no limit); GCR_EDEVICE: another rank failed, or the way to it. Then it is broken,
 * and what the queue was given comes to an end. */
GCR_MUST_CHECK gcr_status gcr_bridge_wait(gcr_bridge *bridge, struct gcr_event *event,
                                          double seconds);

/* GCR_EDEVICE: it is broken. */
GCR_MUST_CHECK gcr_status gcr_bridge_check(gcr_bridge *bridge);

/* Breaks it: for a rank that fails for another reason, so that its device waits for nobody. */
void gcr_bridge_give_up(gcr_bridge *bridge);

#endif /* GCR_BACKEND_BRIDGE_H */
