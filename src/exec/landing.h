/*
 * exec/landing.h -- how a worker of another process tells what has landed.
 *
 * Slots count down in one process, that of rank 0. What the workers of other ranks of its node
 * have computed stands in slots already; that of other nodes comes behind the record of it, cell by
 * cell, or as a tally where cells are not kept. Each worker has a ring of its own in node-shared
 * memory for its records: one thread of one process writes it, one thread of another reads it, and
 * neither takes a lock. Rings hold no pointers, and zeroed memory is rings without records, so that
 * nobody has to be first.
 *
 * A ring is short: a worker that is far ahead of the thread that takes records waits, and so there
 * is never much memory that is filled and not sent on. It is also always the same memory: pages of
 * their own for results that leave at once would cost more than all else that is done with them.
 */
#ifndef GCR_EXEC_LANDING_H
#define GCR_EXEC_LANDING_H

#include "grid/points.h"
#include "results/slots.h"

/* Cells of one dataset have landed. */
typedef struct gcr_landing {
    uint64_t dataset;
    uint64_t first, count; /* the live ones of these points; not known, 0, where there is a tally */
    uint64_t live, failed; /* how many landed, and how many of those failed                       */
    double cost;           /* their share of the plan's                                           */
    uint64_t bytes;        /* of the tally, or the cells, behind it; 0: they stand in slots       */
} gcr_landing;

/* Takes `next` into `to` where both are one run of live points of one dataset; else false. */
int gcr_landing_join(gcr_landing *to, const gcr_landing *next, const gcr_points *points);

/* Takes the first `live` cells off a landing, or all where it has no more. Of two parts nobody
 * knows how many failed. */
gcr_landing gcr_landing_split(gcr_landing *landing, uint64_t live, const gcr_points *points);

/* What arrives is looked at before it is believed: of a run with these slots, with `bytes` behind
 * it. GCR_EIO: it cannot be. */
GCR_MUST_CHECK gcr_status gcr_landing_check(const gcr_landing *landing, const gcr_slots *slots,
                                            const gcr_points *points, uint64_t bytes);

/* One end of a ring, private to the thread that has it. */
typedef struct gcr_landing_ring {
    struct gcr_landing_shared *shared;
    uint64_t room; /* of the ring, bytes                */
    uint64_t most; /* bytes behind a record             */
    uint64_t at;   /* of all bytes put, or taken so far */
} gcr_landing_ring;

/* Bytes of shared memory for `count` rings, with at most `most` bytes behind a record. */
uint64_t gcr_landing_bytes(int count, uint64_t most);

/* An end of ring number `index` in `memory`, which was zeroed before the first end was attached. */
void gcr_landing_attach(gcr_landing_ring *out, void *memory, int index, uint64_t most);

/* *behind_out is where the bytes behind the next record go, at most so many of them. Waits while
 * the ring is full, sleeping. GCR_ECLOSED: nobody takes records any more. */
GCR_MUST_CHECK gcr_status gcr_landing_reserve(void **behind_out, gcr_landing_ring *ring,
                                              uint64_t bytes);

/* Tells, with landing->bytes behind it, for which there is room. */
void gcr_landing_put(gcr_landing_ring *ring, const gcr_landing *landing);

/* From the writer: true when all that was put is taken. */
int gcr_landing_is_taken(const gcr_landing_ring *ring);

/* There will be no more: from the writer, after its last. */
void gcr_landing_end(gcr_landing_ring *ring);

/* The next one, with *behind[out->bytes], which stand there until it is dropped; does not wait.
 * False in *found: there is none now. GCR_EIO: what stands there is no record. */
GCR_MUST_CHECK gcr_status gcr_landing_get(gcr_landing *out, const void **behind, int *found,
                                          const gcr_landing_ring *ring);
void gcr_landing_drop(gcr_landing_ring *ring, const gcr_landing *got);

/* True when a quarter of the ring or more is to be taken: of one that is taken from too seldom the
 * writer will wait. */
int gcr_landing_is_crowded(const gcr_landing_ring *ring);

/* True when the writer has ended and all was dropped. */
int gcr_landing_is_over(const gcr_landing_ring *ring);

/* From the reader: who writes, or waits to, is told that it is in vain. */
void gcr_landing_close(gcr_landing_ring *ring);

#endif /* GCR_EXEC_LANDING_H */
