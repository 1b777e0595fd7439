/*
 * exec/schedule.h -- who computes which cells next.
 *
 * A schedule deals the positions first .. first + count - 1 to workers: position p is live point p
 * % live_count of the dataset in place p / live_count of the plan. Each position is dealt exactly
 * once.
 *
 *   static    worker w gets block w of equal blocks, the first count % workers one longer
 *   cyclic    batches are dealt in turn: batch b goes to worker b % workers
 *   dynamic   every worker starts with a block of its own, takes from its front as much as it asks
 *             for and, when it has none left, steals the back half of the fullest block
 *   guided    the same, but takes at least an eighth of what is left of the block
 *
 * Why dynamic is not one shared counter: with a cell per batch, the counter's cache line and those
 * of neighbouring result slots would travel between cores for every cell. With a block per worker a
 * take touches nothing shared, neighbouring cells land from one core, and a worker stays with its
 * dataset. A block that spans several datasets is stolen at a dataset's edge, so the only datasets
 * in work are those of the batches in work.
 *
 * The workers of a schedule are those of one node, of however many processes: what changes stands
 * in memory that they share, and holds no address. Where other nodes compute, too, a worker's part
 * is a formula of its number among all workers for static and cyclic, and no two nodes ever talk.
 * For dynamic and guided a node begins with a span of its own and is granted more (exec/desk.h):
 * that goes to the stock, from which workers whose block is empty take a share before they steal.
 * Dear cells come first, so what is stolen last should be what was there first, and small.
 *
 * Where positions differ much in cost, all of them begin in the stock, and a share is a part of the
 * cost that is left there: the dearest cells then begin first, and none waits behind another in a
 * worker's block.
 */
#ifndef GCR_EXEC_SCHEDULE_H
#define GCR_EXEC_SCHEDULE_H

#include "exec/costs.h"

#include "gridcrunch/job.h"
#include "gridcrunch/status.h"

#include <stdint.h>

typedef struct gcr_schedule gcr_schedule;

typedef struct gcr_schedule_spec {
    gcr_schedule_form form; /* not AUTO                                              */
    uint64_t first, count;  /* positions: of all nodes, or what a fed one begins with */
    uint64_t live_count;    /* positions per dataset, > 0                            */
    uint64_t batch;         /* > 0; of cyclic                                        */
    int workers;            /* >= 1, of the node                                     */
    /* [all workers] blocks are as long as these weights say, borrowed for the call; NULL: equal.
     * Not of cyclic. Of a schedule that is fed: [workers]. */
    const double *weights;
    int first_worker, all_workers; /* the node's, of those of all nodes; 0, 0: there is one node */
    int is_fed;                    /* more may be granted; dynamic and guided alone              */
    const gcr_costs *costs;        /* borrowed until destroy; NULL: each position costs the same */
} gcr_schedule_spec;

/* How long a worker sleeps that is told LATER. */
#define GCR_SCHEDULE_NAP_SECONDS 50e-6

typedef enum gcr_schedule_answer {
    GCR_SCHEDULE_NEVER, /* there will be no more for this worker                   */
    GCR_SCHEDULE_NOW,
    GCR_SCHEDULE_LATER, /* the node has none, but may be granted some: ask again   */
} gcr_schedule_answer;

/* In memory of its own: for the workers of one process. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_schedule_create(gcr_schedule **out, const gcr_schedule_spec *spec);

/* In memory that processes share, gcr_schedule_bytes() long and aligned to a cache line: one of
 * them places it there, and when that has returned the others attach themselves, with the same
 * spec. Borrowed until each has destroyed its own. GCR_ENOMEM. */
uint64_t gcr_schedule_bytes(const gcr_schedule_spec *spec);
GCR_MUST_CHECK gcr_status gcr_schedule_place(gcr_schedule **out, const gcr_schedule_spec *spec,
                                             void *memory);
GCR_MUST_CHECK gcr_status gcr_schedule_attach(gcr_schedule **out, const gcr_schedule_spec *spec,
                                              void *memory);

void gcr_schedule_destroy(gcr_schedule *schedule);

/* Where a worker starts, about: what it computes if nobody steals, and all positions where those of
 * `cyclic` lie. */
gcr_span gcr_schedule_block(const gcr_schedule_spec *spec, int worker);

/* What `worker` of the node is to compute next, in *out. `want` > 0 is how much it would like;
 * static and dynamic give no more than that. Workers may call at once. */
gcr_schedule_answer gcr_schedule_next(gcr_schedule *schedule, int worker, uint64_t want,
                                      gcr_span *out);

/* ---- of a schedule that is fed, from one thread of the node ---------------------------------- */

/* Puts a span into the stock; false where so many are there that it has to be offered again
 * later. */
int gcr_schedule_grant(gcr_schedule *schedule, gcr_span span);

/* Nothing will be granted any more: workers who find nothing are told NEVER. */
void gcr_schedule_close(gcr_schedule *schedule);

/* Where the node stands. Costs are shares of the plan's, or positions where the spec has no
 * costs. */
typedef struct gcr_schedule_stand {
    double left;         /* that nobody has begun                                              */
    double in_hand;      /* that workers were given and have not come back from                */
    uint64_t wants;      /* positions: what each worker has asked for last, all together ...   */
    uint64_t idle_wants; /* ... and those who have nothing in hand                             */
} gcr_schedule_stand;

gcr_schedule_stand gcr_schedule_look(const gcr_schedule *schedule);

/* True where a worker has taken the last of the stock, stolen or found nothing since the last look:
 * one load, to be asked often. */
int gcr_schedule_is_low(const gcr_schedule *schedule);

/* Every worker of the node is told NEVER from now on; from any thread. */
void gcr_schedule_stop(gcr_schedule *schedule);

#endif /* GCR_EXEC_SCHEDULE_H */
