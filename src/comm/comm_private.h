/* comm/comm_private.h -- what a gcr_comm is; for the files of this room. */
#ifndef GCR_COMM_COMM_PRIVATE_H
#define GCR_COMM_COMM_PRIVATE_H

#include "comm/comm.h"
#include "comm/transport.h"

struct gcr_comm {
    gcr_link *link;
    gcr_comm *parent; /* that it was selected of, or NULL */
    gcr_comm_info info;
    gcr_rank *ranks; /* what info shows */
    int *leaders;
    uint64_t broadcast_bytes; /* that others have had of this rank */
    int is_broken;            /* a node is lost ...                  */
    char loss[256];           /* ... as this says                    */
    uint8_t *is_lost;         /* [info.size] nothing waits for those */
};

/* Collective over `link`, which is the comm's then, or closed on failure. */
GCR_MUST_CHECK gcr_status gcr_comm_create(gcr_comm **out, gcr_link *link);

/* gcr_comm_agree() for those who have no gcr_comm yet. `ranks`: NULL where they are not known. */
GCR_MUST_CHECK gcr_status gcr_link_agree(gcr_link *link, const gcr_rank *ranks, gcr_status mine);

#endif /* GCR_COMM_COMM_PRIVATE_H */
