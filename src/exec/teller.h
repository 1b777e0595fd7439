/*
 * exec/teller.h -- how a worker of another rank than 0 lets what has landed be known.
 *
 * Slots are counted down by rank 0. A worker of any other tells it what landed (landing.h): runs of
 * cells that touch in one record, behind it the cells themselves where their slots are on another
 * node; where cells are not kept the tally of all that it has added. It does so when it turns to
 * another dataset, and before that:
 *
 *     in any case                  with the first batch after 10 ms, or where what it told is not
 *                                  taken yet after 100 ms
 *     of cells that are in slots   after GCR_TELLER_BYTES of them
 *     of cells that are sent       when a record has no room for more
 *
 * The next cell may last for hours: what waits for it then is 10 ms of a worker's time, or nothing
 * where each cell lasts longer than that. Told at once each batch would be a record, and rank 0
 * hears of thousands of workers.
 */
#ifndef GCR_EXEC_TELLER_H
#define GCR_EXEC_TELLER_H

#include "exec/packets.h"
#include "results/summary.h"

enum { GCR_TELLER_BYTES = 128 << 10 };

/* Borrowed until close. */
typedef struct gcr_teller_spec {
    gcr_landing_ring *ring; /* NULL: it tells nobody */
    const gcr_points *points;
    gcr_summaries *summaries; /* where cells are not kept, else NULL ... */
    int thread;               /* ... and its number there                */
    const gcr_slots *slots;   /* of cells that are kept                  */
    int sends_cells;          /* their slots are on another node         */
} gcr_teller_spec;

typedef struct gcr_teller {
    gcr_teller_spec spec;
    gcr_landing untold;  /* live > 0: there is something    */
    gcr_packing packing; /* the cells of it that are sent   */
    double told;         /* when, last                      */
} gcr_teller;

void gcr_teller_open(gcr_teller *out, const gcr_teller_spec *spec);

/* `landing` is of the dataset of what is untold, or that has been flushed; `cells` is where those
 * are that it sends, else not used. GCR_ECLOSED: nobody wants to know any more. */
GCR_MUST_CHECK gcr_status gcr_teller_put(gcr_teller *teller, const gcr_landing *landing,
                                         const gcr_packing_source *cells);

/* The worker turns to another dataset. */
GCR_MUST_CHECK gcr_status gcr_teller_flush(gcr_teller *teller);

/* There will be no more. */
void gcr_teller_close(gcr_teller *teller);

#endif /* GCR_EXEC_TELLER_H */
