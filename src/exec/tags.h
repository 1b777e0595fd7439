/* exec/tags.h -- what messages between the ranks of a run are about: one number each. */
#ifndef GCR_EXEC_TAGS_H
#define GCR_EXEC_TAGS_H

typedef enum gcr_tag {
    GCR_TAG_ASK,    /* dealing.h: a leader asks for positions          */
    GCR_TAG_ANSWER, /* dealing.h: the desk grants them                 */
    GCR_TAG_TILE,   /* gather.h: what has landed on a node             */
    GCR_TAG_PARCEL, /* carrier.h: what a GPU sends; no bytes: no more  */
    GCR_TAG_STOP,   /* watch.c: a rank wants all to stop, and why      */
    GCR_TAG_ENDED,  /* watch.c: nothing will come from a node any more */
    GCR_TAG_OVER,   /* watch.c: nothing will come from rank 0 any more */
} gcr_tag;

#endif /* GCR_EXEC_TAGS_H */
