/* comm/mpi/mpi_private.h -- what the files of the module share. */
#ifndef GCR_COMM_MPI_MPI_PRIVATE_H
#define GCR_COMM_MPI_MPI_PRIVATE_H

#include "comm/transport.h"

#include "base/check.h"

#include <mpi.h>

/* Leave the function if a call of MPI failed, with what MPI says of it. */
#define GCR_MPI(call)                                                                              \
    do {                                                                                           \
        const int code_ = (call);                                                                  \
        if (code_ != MPI_SUCCESS) {                                                                \
            status = gcr_mpi_fail(__FILE__, __LINE__, code_, #call);                               \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

gcr_status gcr_mpi_fail(const char *file, int line, int code, const char *call);

/* How many messages may be on their way in at a time: a long one does not hold up short ones of
 * other ranks. */
enum { GCR_MPI_RECEIVES = 8, GCR_MPI_SHORT_BYTES = 128 };

typedef struct gcr_mpi_receive {
    int is_open, is_done;
    uint64_t turn; /* in which it was matched */
    MPI_Request request;
    int from, tag;
    uint64_t count, capacity;
    void *bytes; /* [count], in one of these:                                         */
    void *large; /* [capacity] grown when it is needed                                */
    void *small; /* [GCR_MPI_SHORT_BYTES] of the link: a short message finds room in
                     * any case; NULL where MPI may still write there                    */
} gcr_mpi_receive;

typedef struct gcr_mpi_link gcr_mpi_link;

struct gcr_mpi_link {
    gcr_link link;
    MPI_Comm comm;
    int is_world;                        /* of all processes that were started together */
    gcr_mpi_link *next;                  /* of those that were left                 */
    gcr_send *sends;                     /* on their way                            */
    gcr_send *lost;                      /* those that nobody takes: MPI keeps them */
    char (*shorts)[GCR_MPI_SHORT_BYTES]; /* [GCR_MPI_RECEIVES] */
    gcr_mpi_receive receives[GCR_MPI_RECEIVES];
    gcr_mpi_receive *looked_at; /* what the last look has given out */
    uint64_t turns;
};

static inline gcr_mpi_link *gcr_mpi_link_of(gcr_link *link)
{
    return (gcr_mpi_link *)link;
}

/* Between two looks at something that is not there: what comes soon does not wait for a timer, and
 * what takes long is slept for, a millisecond at the most. `*looks` starts at 0. */
void gcr_mpi_rest(int *looks);

/* ---- mpi_messages.c -------------------------------------------------------------------------- */

gcr_status gcr_mpi_send(gcr_send **out, gcr_link *link, int to, int tag, const void *bytes,
                        uint64_t count);
gcr_status gcr_mpi_is_sent(int *is_sent, gcr_link *link, gcr_send **send);
void gcr_mpi_leave_send(gcr_link *link, gcr_send *send, void *bytes, void (*give_back)(void *));
gcr_status gcr_mpi_look(gcr_message *out, int *found, gcr_link *link);

/* What is under way to or from `rank`, which is lost, is given up. */
void gcr_mpi_lose(gcr_link *link, int rank);

/* Collective. Drops what arrives until all that any rank has sent has arrived. */
void gcr_mpi_drain(gcr_mpi_link *self);

#endif /* GCR_COMM_MPI_MPI_PRIVATE_H */
