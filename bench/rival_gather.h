/*
 * bench/rival_gather.h -- how results come together where MPI is used by hand.
 *
 * Results that one rank has, each with its key, go to rank 0, which puts them into a table. All are
 * between two ranks of MPI_COMM_WORLD, 0 and `other`; only these call.
 */
#ifndef GCR_RIVAL_GATHER_H
#define GCR_RIVAL_GATHER_H

#include "gridcrunch/status.h"

#include <stdint.h>

typedef struct rival_pair {
    uint64_t key;
    double value;
} rival_pair;

/* Where rank 0 puts them. */
typedef struct rival_table {
    double *values;
    uint8_t *states;
} rival_table;

/* All at once: MPI_Gatherv of pairs. `all` has room for those of both ranks, on rank 0. GCR_EIO. */
GCR_MUST_CHECK gcr_status rival_gather_pairs(int other, const rival_pair *mine, int count,
                                             rival_pair *all, const rival_table *table);

/* Each by itself: a message for each of `mine` of `other`; rank 0 receives `count`. GCR_EIO. */
GCR_MUST_CHECK gcr_status rival_gather_messages(int other, const rival_pair *mine, int count,
                                                const rival_table *table);

#endif /* GCR_RIVAL_GATHER_H */
