/*
 * exec/spread_line.h -- buffers that stand on the devices of all ranks of a bridge, laid one behind
 * the other and cut into as many parts as there are ranks: each rank fills its part, and then all
 * have all.
 *
 * Why in parts and not from one rank: a device has a bus of its own to its host. From one rank B
 * bytes take B / up and then B / across, which is never faster than B / up, which each takes by
 * itself. In parts, all buses at work, they take B / (ranks x up) + B / across.
 */
#ifndef GCR_EXEC_SPREAD_LINE_H
#define GCR_EXEC_SPREAD_LINE_H

#include "backend/backend.h"

/* The first bytes of a buffer, as many on each rank. */
typedef struct gcr_line_block {
    gcr_buf *buf;
    uint64_t bytes;
} gcr_line_block;

typedef struct gcr_line {
    const gcr_line_block *blocks; /* [count] */
    uint64_t count;
    int ranks;
} gcr_line;

/* Fills a piece of block `index`, as an upload does. */
typedef gcr_status gcr_line_fill(void *arg, uint64_t index, uint64_t offset, uint64_t bytes);

/* Fills the part of `rank`. What `fill` fails with. */
GCR_MUST_CHECK gcr_status gcr_line_fill_part(const gcr_line *line, int rank, gcr_line_fill *fill,
                                             void *arg);

/* *Collective* over the ranks of the bridge, whose parts have been filled on this queue. Waits
 * until all have all, and records `event`. GCR_ETIMEOUT, GCR_EDEVICE: the bridge is broken. */
GCR_MUST_CHECK gcr_status gcr_line_share(const gcr_line *line, gcr_queue *queue, gcr_bridge *bridge,
                                         gcr_event *event);

#endif /* GCR_EXEC_SPREAD_LINE_H */
