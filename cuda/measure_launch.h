/*
 * cuda/measure_launch.h -- what host and device know of the launches that measure copies.
 *
 *     gcr_gate   one thread, which ends when the host opens the gate: what was enqueued behind it
 *                starts when all of it is there
 *     gcr_copy   any number of blocks, which copy memory that they can address
 *
 * Plain C17 on the host; NVRTC takes it as C++.
 */
#ifndef GCR_CUDA_MEASURE_LAUNCH_H
#define GCR_CUDA_MEASURE_LAUNCH_H

#include "gridcrunch/kernel.h"

#define GCR_MEASURE_THREADS 512 /* of a block of gcr_copy */

/* In pinned memory that both sides see. */
typedef struct gcr_gate_words {
    volatile int32_t is_open; /* written by the host                            */
    volatile int32_t gave_up; /* by the device: it waited longer than it should */
} gcr_gate_words;

typedef struct gcr_gate_launch {
    gcr_gate_words *gate;
    uint64_t limit_ticks; /* of gcr_ticks(): nanoseconds on a device */
} gcr_gate_launch;

typedef struct gcr_copy_launch {
    void *to;
    const void *from; /* both on a multiple of 16 */
    uint64_t bytes;
} gcr_copy_launch;

#endif /* GCR_CUDA_MEASURE_LAUNCH_H */
