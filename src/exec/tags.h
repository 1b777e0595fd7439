/* exec/tags.h -- what messages between the ranks of a run are about: one number each. */
#ifndef GCR_EXEC_TAGS_H
#define GCR_EXEC_TAGS_H

#include "comm/comm.h"

typedef enum gcr_tag {
    GCR_TAG_ASK,    /* dealing.h: a leader asks for positions          */
    GCR_TAG_ANSWER, /* dealing.h: the desk grants them                 */
    GCR_TAG_PACKET, /* gather.h: what has landed on a node             */
    GCR_TAG_PARCEL, /* carrier.h: what a GPU sends                     */
    GCR_TAG_STOP,   /* watch.c: a rank wants all to stop, and why      */
    GCR_TAG_LAST,   /* watch.c: nothing will come from a node any more */
    GCR_TAG_TRIAL,  /* gather_trial.c: how fast messages are           */
    GCR_TAG_BEAT,   /* watch_loss.c: rank 0 is there                   */
    GCR_TAG_CALL,   /* watch.c: all is at rank 0, who is still there   */
    GCR_TAG_COUNT
} gcr_tag;

_Static_assert((int)GCR_TAG_COUNT <= (int)GCR_TAG_SPAWN, "a tag is another room's");

#endif /* GCR_EXEC_TAGS_H */
