/*
 * exec/attempt.h -- what all ranks try together, and go on without where one of them fails.
 *
 * A rank on which something fails says so where the others listen, and stays: nobody waits for one
 * that has left. What fails of the messages themselves is no reason to go on: all fail.
 */
#ifndef GCR_EXEC_ATTEMPT_H
#define GCR_EXEC_ATTEMPT_H

#include "comm/comm.h"

enum { GCR_ATTEMPT_WHY_BYTES = 256 };

/* How it went on all ranks: what the first of them says that failed, or of those who only waited
 * for others in vain if there is no other; GCR_OK and "": none failed. */
typedef struct gcr_verdict {
    gcr_status status;
    char why[GCR_ATTEMPT_WHY_BYTES];
} gcr_verdict;

/* *Collective*. `mine`: how it went on this rank; if not well, gcr_last_error() says why.
 * GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_attempt_hear(gcr_verdict *out, gcr_comm *comm, gcr_status mine);

/* *Collective*. Does it a few times, and nobody begins anew before all are done. *seconds_out: of
 * the slowest rank, when it was fastest; the first time does not count, as it opens what is only
 * opened when it is used. The same on all ranks; 0: one has failed. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_attempt_time(double *seconds_out, gcr_verdict *out, gcr_comm *comm,
                                           gcr_status (*attempt)(void *arg), void *arg);

#endif /* GCR_EXEC_ATTEMPT_H */
