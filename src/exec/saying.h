/*
 * exec/saying.h -- what each rank says of itself and all remember, in no more bytes than it takes:
 * it is what memory a rank costs all others. As structs with room for the most devices and CPUs
 * that there can be, the same would be a hundred times as much.
 *
 * Ranks are of one build, so what is put by one is got by another in the same order.
 */
#ifndef GCR_EXEC_SAYING_H
#define GCR_EXEC_SAYING_H

#include "comm/comm.h"

/* Grows as it is put together. Zeroed is empty. */
typedef struct gcr_saying {
    char *bytes;
    uint64_t count, room;
    int is_short; /* there was no memory for all of it */
} gcr_saying;

void gcr_saying_put(gcr_saying *saying, const void *bytes, uint64_t count);
void gcr_saying_put_text(gcr_saying *saying, const char *text);
void gcr_saying_clear(gcr_saying *saying);

/* What all ranks have said. */
typedef struct gcr_sayings {
    char *bytes;   /* [ranks][most] */
    uint64_t most; /* of any rank   */
} gcr_sayings;

/* Collective. `what` completes "no memory for ...". GCR_ENOMEM. The caller clears *out. */
GCR_MUST_CHECK gcr_status gcr_sayings_gather(gcr_sayings *out, gcr_comm *comm,
                                             const gcr_saying *mine, const char *what);
void gcr_sayings_clear(gcr_sayings *sayings);

/* Where that of a rank begins; get moves on from there. A text stays where it is. */
const char *gcr_sayings_of(const gcr_sayings *sayings, int rank);
void gcr_saying_get(void *out, const char **at, uint64_t count);
const char *gcr_saying_get_text(const char **at);

#endif /* GCR_EXEC_SAYING_H */
