/*
 * exec/batch.h -- how many cells a worker takes at a time, found out while it runs.
 *
 * A batch should last so long that taking one costs nothing, and so short that stopping is prompt.
 */
#ifndef GCR_EXEC_BATCH_H
#define GCR_EXEC_BATCH_H

#include <stdint.h>

#define GCR_BATCH_SECONDS 200e-6

enum { GCR_BATCHES_PER_WORKER = 8 }; /* at least, so that the end is ragged by an eighth at most */

typedef struct gcr_batch_limits {
    uint64_t least, most; /* cells */
    double seconds;       /* that a batch should last, about */
} gcr_batch_limits;

/* The size of the next batch, after one of `batch` cells or of what was left that took so long. */
static inline uint64_t gcr_batch_adapt(uint64_t batch, const gcr_batch_limits *limits,
                                       double seconds)
{
    if (seconds < limits->seconds && batch <= limits->most / 2)
        return 2 * batch;
    if (seconds > 4 * limits->seconds && batch / 2 >= limits->least)
        return batch / 2;
    return batch;
}

#endif /* GCR_EXEC_BATCH_H */
