/*
 * backend/measure.h -- the part of the seam that measures: copies between kinds of memory, and
 * work.
 *
 * For benchmarks; no run needs it, and a backend without it says so by a NULL in its table. Copies
 * are timed by the device where it can hold them back until all are enqueued, so that the time is
 * the copies' own and not that of asking for them: a gate stands in front of them, marks stand
 * around them. Kinds of memory whose copies the host takes part in cannot be held; the clock of the
 * host has them, from the first call to the end of the last copy.
 *
 * A transfer is one kind of memory (the near side) and the device (the far side), with a block on
 * either side for the way up and two more for the way down. Whoever measures fills them and looks
 * at them: the backend moves bytes and knows no patterns. Work is a few loops that everybody knows,
 * each with one way to add up, so that its bits are those of every device. As elsewhere the front
 * (measure.c) checks arguments and counts in the ledger.
 */
#ifndef GCR_BACKEND_MEASURE_H
#define GCR_BACKEND_MEASURE_H

#include "gridcrunch/status.h"

#include <stdint.h>

struct gcr_buf;
struct gcr_queue;

/* The near side. */
typedef enum gcr_memory_kind {
    GCR_MEMORY_PAGEABLE, /* ordinary memory of the host: copied by way of a pinned block     */
    GCR_MEMORY_PINNED,   /* of the host, copied by the device's copy engine                  */
    GCR_MEMORY_MAPPED,   /* of the host, pinned; threads of the device read and write it     */
    GCR_MEMORY_MANAGED,  /* pages that move to the device, or back, and are read or written there */
    GCR_MEMORY_DEVICE,   /* a second block of the device                                     */
    GCR_MEMORY_PEER,     /* a block of another device of this backend                        */
    GCR_MEMORY_KIND_COUNT
} gcr_memory_kind;

typedef enum gcr_way { GCR_WAY_UP, GCR_WAY_DOWN, GCR_WAY_BOTH, GCR_WAY_COUNT } gcr_way;

/* Where a way begins and where it ends. */
typedef enum gcr_end {
    GCR_END_UP_FROM, /* near */
    GCR_END_UP_TO,   /* far  */
    GCR_END_DOWN_FROM,
    GCR_END_DOWN_TO,
    GCR_END_COUNT
} gcr_end;

/* What it costs to have memory. */
typedef enum gcr_memory_cost {
    GCR_COST_DEVICE,   /* memory of the device                              */
    GCR_COST_PINNED,   /* memory of the host that is pinned from the start  */
    GCR_COST_REGISTER, /* ordinary memory, in use already, that is pinned   */
    GCR_COST_COUNT
} gcr_memory_cost;

enum { GCR_TRANSFER_COPIES_MAX = 64 };

typedef struct gcr_transfer_spec {
    gcr_memory_kind kind;
    uint64_t bytes; /* of a block: the longest copy          */
    int peer;       /* the index of the other device of GCR_MEMORY_PEER */
} gcr_transfer_spec;

/* Whether the near side is memory of the host, so that copies cross between the two. */
static inline int gcr_memory_is_hosts(gcr_memory_kind kind)
{
    return kind != GCR_MEMORY_DEVICE && kind != GCR_MEMORY_PEER;
}

static inline int gcr_end_is_near(gcr_end end)
{
    return end == GCR_END_UP_FROM || end == GCR_END_DOWN_TO;
}

/* Whether copies of this kind go that way: only those that the host has no part in go both ways at
 * once, and inside a device there is one way. */
static inline int gcr_transfer_goes(gcr_memory_kind kind, gcr_way way)
{
    switch (kind) {
    case GCR_MEMORY_PAGEABLE:
    case GCR_MEMORY_MANAGED: return way != GCR_WAY_BOTH;
    case GCR_MEMORY_DEVICE: return way == GCR_WAY_UP;
    default: return 1;
    }
}

/* The most copies that are timed in one go: pages that have moved do not move again. */
static inline int gcr_transfer_copies_max(gcr_memory_kind kind)
{
    return kind == GCR_MEMORY_MANAGED ? 1 : GCR_TRANSFER_COPIES_MAX;
}

/* A backend embeds it as the first member of its own. */
typedef struct gcr_transfer {
    struct gcr_queue *queue; /* in whose ledger its copies are counted */
    gcr_transfer_spec spec;
    int has_clock_of_host; /* not the device's: times begin when copies are asked for */
} gcr_transfer;

/* Loops whose time is compared with that of the copies that they need. Matrices are n x n, by
 * rows. */
typedef enum gcr_work_kind {
    GCR_WORK_MULTIPLY,    /* out = a b                                                 */
    GCR_WORK_TANGENT,     /* out = tan(a) + 3 sin(a), n values in one pass             */
    GCR_WORK_TANGENT_F32, /* the same of floats                                        */
    GCR_WORK_SUM,         /* out[0] = the sum of n values, behind it those of its pieces */
    GCR_WORK_NEIGHBOURS,  /* out = 2 a, of floats: each thread a column, so that neighbouring
                              threads have neighbouring values                          */
    GCR_WORK_APART,       /* the same, each thread a row                               */
    GCR_WORK_KIND_COUNT
} gcr_work_kind;

/*
 * A sum is that of GCR_SUM_PIECES pieces, each of ceil(n / GCR_SUM_PIECES) values but for the last
 * ones. Value i of a piece, and then piece i of all, is added to the sum i % GCR_SUM_LANES, in
 * order; the lanes are added by halves: lane k + 256 to lane k, then k + 128 ...
 */
enum { GCR_SUM_PIECES = 1024, GCR_SUM_LANES = 512 };

typedef struct gcr_work_args {
    gcr_work_kind kind;
    const struct gcr_buf *a, *b; /* b: of a product alone */
    struct gcr_buf *out;
    uint64_t n;
} gcr_work_args;

/* Inputs have been checked. Each but `work` is done when it returns. */
typedef struct gcr_measure_ops {
    gcr_status (*transfer_open)(gcr_transfer **out, struct gcr_queue *queue,
                                const gcr_transfer_spec *spec);
    void (*transfer_close)(gcr_transfer *transfer);
    gcr_status (*transfer_put)(gcr_transfer *transfer, gcr_end end, uint64_t offset,
                               const void *from, uint64_t bytes);
    gcr_status (*transfer_get)(gcr_transfer *transfer, void *to, gcr_end end, uint64_t offset,
                               uint64_t bytes);
    gcr_status (*transfer_time)(double *seconds_out, gcr_transfer *transfer, gcr_way way,
                                uint64_t bytes, int copies);
    gcr_status (*memory_cost)(double *take_out, double *give_out, struct gcr_queue *queue,
                              gcr_memory_cost what, uint64_t bytes);
    gcr_status (*work)(struct gcr_queue *queue, const gcr_work_args *args);
} gcr_measure_ops;

/* ---- the callers of the table (measure.c) ---------------------------------------------------- */

/* "pageable", "pinned" ... and "up", "down", "both". */
const char *gcr_memory_kind_name(gcr_memory_kind kind);
const char *gcr_way_name(gcr_way way);

/* GCR_EUNSUPPORTED: the backend or the device cannot measure this. GCR_ENOMEM: the blocks do not
 * fit the device or the host. */
GCR_MUST_CHECK gcr_status gcr_transfer_open(gcr_transfer **out, struct gcr_queue *queue,
                                            const gcr_transfer_spec *spec);
void gcr_transfer_close(gcr_transfer *transfer);

/* Writes and reads a part of an end, not timed. */
GCR_MUST_CHECK gcr_status gcr_transfer_put(gcr_transfer *transfer, gcr_end end, uint64_t offset,
                                           const void *from, uint64_t bytes);
GCR_MUST_CHECK gcr_status gcr_transfer_get(gcr_transfer *transfer, void *to, gcr_end end,
                                           uint64_t offset, uint64_t bytes);

/* Seconds of `copies` copies, the first `bytes` of each block, one after the other; with
 * GCR_WAY_BOTH so many each way, side by side. > 0. */
GCR_MUST_CHECK gcr_status gcr_transfer_time(double *seconds_out, gcr_transfer *transfer,
                                            gcr_way way, uint64_t bytes, int copies);

/* Seconds to take so much memory and to give it back. */
GCR_MUST_CHECK gcr_status gcr_memory_cost_of(double *take_out, double *give_out,
                                             struct gcr_queue *queue, gcr_memory_cost what,
                                             uint64_t bytes);

/* Bytes of the arrays `a` (and `b`) and `out`; UINT64_MAX: more than can be counted. */
uint64_t gcr_work_in_bytes(gcr_work_kind kind, uint64_t n);
uint64_t gcr_work_out_bytes(gcr_work_kind kind, uint64_t n);

/* Enqueued, as crunch is: what was uploaded before is there, and what is downloaded later has
 * it. */
GCR_MUST_CHECK gcr_status gcr_work(struct gcr_queue *queue, const gcr_work_args *args);

#endif /* GCR_BACKEND_MEASURE_H */
