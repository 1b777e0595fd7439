/*
 * exec/landing.c -- see landing.h.
 *
 * `put` and `taken` count bytes since the beginning and never go back; what is between them stands
 * in the ring at their remainders. No record is broken: one that begins below the end of the ring
 * may reach beyond it, and the next begins at the start, which both sides count as if the end had
 * been reached. The writer's release of `put` makes a record visible, and with it all that its
 * process wrote into slots before.
 */
#include "exec/landing.h"

#include "base/check.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* A ring has room for so many records: of many small datasets between two looks. */
enum {
    RECORDS = 256,        /* alone                                                 */
    LONG_RECORDS = 16,    /* with bytes behind them, if those are not more than ... */
    LONG_BYTES = 1 << 19, /* ... so many; two records in any case                  */
    WAIT_NS = 50000,
};

struct gcr_landing_shared {
    _Alignas(GCR_ALIGNMENT) _Atomic uint64_t put;   /* the writer's */
    _Alignas(GCR_ALIGNMENT) _Atomic uint64_t taken; /* the reader's */
    atomic_int has_ended;                           /* the writer's */
    atomic_int is_closed;                           /* the reader's */
    _Alignas(GCR_ALIGNMENT) unsigned char bytes[];
};

typedef struct gcr_landing_shared ring_memory;

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
               "a lock of one process is none for another");

/* ---- records --------------------------------------------------------------------------------- */

int gcr_landing_join(gcr_landing *to, const gcr_landing *next, const gcr_points *points)
{
    const uint64_t end = to->first + to->count;

    if (to->dataset != next->dataset || to->bytes > 0 || next->bytes > 0 || next->first < end ||
        gcr_points_count_before(points, next->first) != gcr_points_count_before(points, end))
        return 0;
    to->count = next->first + next->count - to->first;
    to->live += next->live;
    to->failed += next->failed;
    to->cost += next->cost;
    return 1;
}

gcr_landing gcr_landing_split(gcr_landing *landing, uint64_t live, const gcr_points *points)
{
    gcr_landing front = *landing;

    if (live < landing->live) {
        const uint64_t before = gcr_points_count_before(points, landing->first);

        front.live = live;
        front.count = gcr_points_select(points, before + live - 1) + 1 - landing->first;
        front.cost = landing->cost * ((double)live / (double)landing->live);
        front.failed = landing->failed = 0;
    }
    landing->first += front.count;
    landing->count -= front.count;
    landing->live -= front.live;
    landing->cost -= front.cost;
    if (landing->cost < 0.0)
        landing->cost = 0.0; /* rounded */
    return front;
}

/* Of which points cells have landed, a tally does not say. */
static int are_its_points_there(const gcr_landing *landing, const gcr_slots *slots,
                                const gcr_points *points)
{
    const uint64_t first = landing->first, count = landing->count;

    if (!gcr_slots_have(slots, landing->dataset, first, count))
        return 0;
    if (slots->state == NULL)
        return first == 0 && count == 0;
    return gcr_points_count_before(points, first + count) ==
           gcr_points_count_before(points, first) + landing->live;
}

gcr_status gcr_landing_check(const gcr_landing *landing, const gcr_slots *slots,
                             const gcr_points *points, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    if (!are_its_points_there(landing, slots, points) || landing->bytes != bytes ||
        landing->live > gcr_points_table(points)->live_count || landing->failed > landing->live ||
        !(landing->cost >= 0.0))
        GCR_FAIL(GCR_EIO,
                 "%" PRIu64 " results are said to have landed in dataset %" PRIu64
                 " from point %" PRIu64 " on, which are not cells of this run",
                 landing->live, landing->dataset, landing->first);
out:
    return status;
}

/* ---- rings ----------------------------------------------------------------------------------- */

static uint64_t record_bytes(uint64_t behind)
{
    return sizeof(gcr_landing) + behind;
}

static uint64_t larger_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Records begin below it. */
static uint64_t ring_bytes(uint64_t most)
{
    const uint64_t record = record_bytes(most);

    if (most == 0)
        return RECORDS * record;
    return LONG_RECORDS * record <= LONG_BYTES ? LONG_RECORDS * record
                                               : larger_of(2 * record, LONG_BYTES);
}

/* With room behind the ring for the end of a record. */
uint64_t gcr_landing_bytes(int count, uint64_t most)
{
    const uint64_t bytes = sizeof(ring_memory) + ring_bytes(most) + record_bytes(most);

    return (uint64_t)count * ((bytes + GCR_ALIGNMENT - 1) / GCR_ALIGNMENT * GCR_ALIGNMENT);
}

void gcr_landing_attach(gcr_landing_ring *out, void *memory, int index, uint64_t most)
{
    *out = (gcr_landing_ring){ .room = ring_bytes(most), .most = most };
    out->shared = (void *)((char *)memory + gcr_landing_bytes(index, most));
}

static unsigned char *record_at(const gcr_landing_ring *ring)
{
    return ring->shared->bytes + ring->at % ring->room;
}

/* Where the record behind this end's begins, if that has `bytes` behind it. */
static uint64_t next_of(const gcr_landing_ring *ring, uint64_t bytes)
{
    const uint64_t begin = ring->at % ring->room, end = begin + record_bytes(bytes);

    return ring->at - begin + (end < ring->room ? end : ring->room);
}

static int has_room(const gcr_landing_ring *ring, uint64_t bytes)
{
    const uint64_t taken = atomic_load_explicit(&ring->shared->taken, memory_order_acquire);

    return next_of(ring, bytes) - taken <= ring->room; /* what no reader can say is no room */
}

gcr_status gcr_landing_reserve(void **behind_out, gcr_landing_ring *ring, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const struct timespec a_while = { .tv_nsec = WAIT_NS };

    for (;;) {
        if (atomic_load_explicit(&ring->shared->is_closed, memory_order_relaxed) != 0)
            GCR_FAIL(GCR_ECLOSED, "the run has ended without what a worker has computed last");
        if (has_room(ring, bytes))
            break;
        nanosleep(&a_while, NULL);
    }
    *behind_out = record_at(ring) + sizeof(gcr_landing);
out:
    return status;
}

void gcr_landing_put(gcr_landing_ring *ring, const gcr_landing *landing)
{
    memcpy(record_at(ring), landing, sizeof *landing);
    ring->at = next_of(ring, landing->bytes);
    atomic_store_explicit(&ring->shared->put, ring->at, memory_order_release);
}

int gcr_landing_is_taken(const gcr_landing_ring *ring)
{
    return atomic_load_explicit(&ring->shared->taken, memory_order_relaxed) == ring->at;
}

void gcr_landing_end(gcr_landing_ring *ring)
{
    atomic_store_explicit(&ring->shared->has_ended, 1, memory_order_release);
}

gcr_status gcr_landing_get(gcr_landing *out, const void **behind, int *found,
                           const gcr_landing_ring *ring)
{
    gcr_status status = GCR_OK;
    const uint64_t put = atomic_load_explicit(&ring->shared->put, memory_order_acquire);
    const uint64_t there = put - ring->at;

    *found = 0;
    if (there == 0)
        goto out;
    memcpy(out, record_at(ring), sizeof *out);
    if (there > ring->room || out->bytes > ring->most || next_of(ring, out->bytes) > put)
        GCR_FAIL(GCR_EIO, "a process of this machine says that cells have landed, in a record "
                          "that is none; was its memory written by another program?");
    *behind = record_at(ring) + sizeof *out;
    *found = 1;
out:
    return status;
}

int gcr_landing_is_crowded(const gcr_landing_ring *ring)
{
    return atomic_load_explicit(&ring->shared->put, memory_order_relaxed) - ring->at >=
           ring->room / 4;
}

void gcr_landing_drop(gcr_landing_ring *ring, const gcr_landing *got)
{
    ring->at = next_of(ring, got->bytes);
    atomic_store_explicit(&ring->shared->taken, ring->at, memory_order_release);
}

int gcr_landing_is_over(const gcr_landing_ring *ring)
{
    return atomic_load_explicit(&ring->shared->has_ended, memory_order_acquire) != 0 &&
           atomic_load_explicit(&ring->shared->put, memory_order_acquire) == ring->at;
}

void gcr_landing_close(gcr_landing_ring *ring)
{
    atomic_store_explicit(&ring->shared->is_closed, 1, memory_order_relaxed);
}
