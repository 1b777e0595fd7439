/*
 * comm/transport.h -- what carries bytes between ranks: nothing (alone.c), or MPI (a module, mpi/).
 *
 * comm.c is above the seam and knows what a rank, a node and a message are for; a transport moves
 * bytes within one group of processes. The rules of comm.h hold: one thread at a time, collective
 * operations in the same order everywhere, and its words for operations of the same name.
 */
#ifndef GCR_COMM_TRANSPORT_H
#define GCR_COMM_TRANSPORT_H

#include "comm/comm.h"

typedef struct gcr_transport gcr_transport;

/* A group of processes. The first member of what each transport keeps of it. */
typedef struct gcr_link {
    const gcr_transport *transport;
    int rank, size;
    double limit;           /* seconds of waiting for others to come; may be infinite         */
    int is_late;            /* somebody has not come within it: the link is to be left, later */
    const uint8_t *is_lost; /* [size] ranks that nothing comes from any more; NULL: none         */
} gcr_link;

struct gcr_transport {
    /* All processes that were started together. Collective. */
    gcr_status (*open)(gcr_link **out);

    /* Those that say is_in, ordered by `key`; NULL for the others, and for one that fails: it is
     * not waited for. Collective. */
    gcr_status (*split)(gcr_link **out, gcr_link *link, int is_in, int key);

    /* Collective. Messages that nobody has looked for are dropped. */
    void (*close)(gcr_link *link);

    /* Not collective: nothing waits for `rank` any more. What is under way to it counts as sent,
     * what has begun to come from it will not come, and the comm has said so in is_lost: what it
     * says later is not listened to. The link is left then, and not closed: what carries messages
     * has other ranks yet, and cannot be brought to an end in order. What may still be read or
     * written stays until the process ends. */
    void (*lose)(gcr_link *link, int rank);
    void (*leave)(gcr_link *link);

    gcr_status (*broadcast)(gcr_link *link, void *buffer, uint64_t bytes, int root);
    gcr_status (*gather_all)(gcr_link *link, const void *mine, uint64_t bytes, void *all);

    gcr_status (*send)(gcr_send **out, gcr_link *link, int to, int tag, const void *bytes,
                       uint64_t count);
    gcr_status (*is_sent)(int *is_sent, gcr_link *link, gcr_send **send);
    void (*leave_send)(gcr_link *link, gcr_send *send, void *bytes, void (*give_back)(void *));
    gcr_status (*look)(gcr_message *out, int *found, gcr_link *link);

    const char *(*library)(void); /* "Open MPI 4.1.4"; NULL: none was loaded */
};

extern const gcr_transport gcr_transport_alone;

#endif /* GCR_COMM_TRANSPORT_H */
