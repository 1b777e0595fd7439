/*
 * backend/link.h -- the part of the seam that links devices of several processes.
 *
 * A link is opened by all its ranks at once, each with one device, and no two with the same: then
 * buffers of one device are sent to another without a way through the host. A backend without links
 * has a NULL in its table; whoever has none of them passes bytes through the host.
 *
 * What is passed is matched by order: the k-th that one rank sends to another by the k-th that this one
 * receives from it, of as many bytes. Parts of one call move side by side, so a rank that sends and
 * receives in one call waits for nobody who does the same. A link is used by one thread at a time.
 *
 * A link that has failed, or whose time was up, is broken for good: what was being received is not
 * defined, nothing of it is under way any more, and the device can be used on. As elsewhere the front
 * (link.c) checks arguments and counts in the ledger.
 */
#ifndef GCR_BACKEND_LINK_H
#define GCR_BACKEND_LINK_H

#include "gridcrunch/status.h"

#include <stdint.h>

struct gcr_buf;
struct gcr_device;
struct gcr_event;
struct gcr_queue;

enum { GCR_LINK_ID_BYTES = 128, GCR_LINK_NAME_BYTES = 64, GCR_LINK_PARTS_MAX = 1024 };

/* One rank makes it and passes it on to all others: they meet by it. */
typedef struct gcr_link_id {
    unsigned char bytes[GCR_LINK_ID_BYTES];
} gcr_link_id;

typedef struct gcr_link_spec {
    gcr_link_id id; /* the same for all */
    int rank, size;
    double
        seconds; /* for which it is waited for other ranks, when it is opened and whenever it is used */
} gcr_link_spec;

/* A backend embeds it as the first member of its own struct. */
typedef struct gcr_link {
    struct gcr_device *device;
    int rank, size;
} gcr_link;

/* What is sent to a rank, or received from it; it may be the caller's own. */
typedef struct gcr_link_part {
    struct gcr_buf *buf; /* of the device's memory */
    uint64_t offset, bytes;
    int peer;
    int is_received;
} gcr_link_part;

typedef struct gcr_link_ops {
    gcr_status (*name)(char *out, uint64_t bytes);
    gcr_status (*make_id)(gcr_link_id *out, struct gcr_device *device);
    gcr_status (*open)(gcr_link **out, struct gcr_device *device, const gcr_link_spec *spec);
    void (*close)(gcr_link *link);
    gcr_status (*pass)(struct gcr_queue *queue, gcr_link *link, const gcr_link_part *parts,
                       int count);
    gcr_status (*broadcast)(struct gcr_queue *queue, gcr_link *link, void *block, uint64_t bytes,
                            int root);
    gcr_status (*wait)(gcr_link *link, struct gcr_event *event, double seconds);
    gcr_status (*check)(gcr_link *link);
    void (*abort)(gcr_link *link);
} gcr_link_ops;

/* ---- the callers of the table (link.c) ------------------------------------------------------- */

/* Whether devices of this backend have links; if not, nothing below is for it. */
int gcr_can_link(const struct gcr_device *device);

/* What links are made of, "NCCL 2.28.9". GCR_EUNSUPPORTED: it is not on this machine. */
GCR_MUST_CHECK gcr_status gcr_link_name(char out[GCR_LINK_NAME_BYTES],
                                        const struct gcr_device *device);

/* For one rank of a link. GCR_EUNSUPPORTED, GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_link_make_id(gcr_link_id *out, struct gcr_device *device);

/* *Collective* over the ranks of the link: waits for all others. GCR_ETIMEOUT: they have not come.
 * GCR_EDEVICE: there is no link between these devices. GCR_EUNSUPPORTED. */
GCR_MUST_CHECK gcr_status gcr_link_open(gcr_link **out, struct gcr_device *device,
                                        const gcr_link_spec *spec);

/* *Collective*, unless it is broken. Nothing of it is under way. NULL is allowed. */
void gcr_link_close(gcr_link *link);

/* Enqueues all parts: sends after all that the queue was given before; what is downloaded later comes
 * after all of them. Returns when the link has taken them, which may be when the peers have called, too.
 * GCR_ETIMEOUT, GCR_EDEVICE: the link is broken. */
GCR_MUST_CHECK gcr_status gcr_link_pass(struct gcr_queue *queue, gcr_link *link,
                                        const gcr_link_part *parts, int count);

/* *Collective*. What `root` has uploaded to `bytes` at `offset` of its buffer stands there in the buffers
 * of all: enqueued, as an upload is. */
GCR_MUST_CHECK gcr_status gcr_link_broadcast(struct gcr_queue *queue, gcr_link *link,
                                             struct gcr_buf *buf, uint64_t offset, uint64_t bytes,
                                             int root);

/* As gcr_event_sync(), looking whether the link breaks. GCR_ETIMEOUT: the event did not come in
 * `seconds` (< 0: no limit); GCR_EDEVICE: another rank failed, or the way to it. Then it is broken, and
 * what the queue was given comes to an end. */
GCR_MUST_CHECK gcr_status gcr_link_wait(gcr_link *link, struct gcr_event *event, double seconds);

/* GCR_EDEVICE: it is broken. */
GCR_MUST_CHECK gcr_status gcr_link_check(gcr_link *link);

/* Breaks it: for a rank that fails for another reason, so that its device waits for nobody. */
void gcr_link_abort(gcr_link *link);

#endif /* GCR_BACKEND_LINK_H */
