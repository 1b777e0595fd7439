/*
 * gridcrunch/ledger.h -- what crossed the seam between the host and its devices, in bytes and
 * calls.
 *
 * Inside, only the front of the backends writes it. Each queue has its own, so that counting costs
 * nothing between threads; a device, and so a run, has the sum of its closed queues.
 */
#ifndef GCR_LEDGER_H
#define GCR_LEDGER_H

#include <stdint.h>

typedef struct gcr_ledger {
    uint64_t up_bytes, up_calls;             /* copied to the device                        */
    uint64_t down_bytes, down_calls;         /* copied from it                              */
    uint64_t shared_bytes, shared_calls;     /* made reachable without a copy               */
    uint64_t sent_bytes, sent_calls;         /* to devices of other processes, and ... */
    uint64_t received_bytes, received_calls; /* ... from them, without a way through the host */
    uint64_t spread_bytes, spread_calls;     /* of datasets, from them, to all at once      */
    uint64_t prepare_calls;                  /* datasets prepared                           */
    uint64_t crunch_calls, tiles;            /* launches; runs of points of one dataset     */
    uint64_t points;                         /* in those tiles, live or not                 */
    uint64_t factor_calls, matrices;         /* launches; factored in them, or found to be bad */
    uint64_t peak_bytes;                     /* most device memory in buffers; device only  */
} gcr_ledger;

#endif /* GCR_LEDGER_H */
