/*
 * cuda/measure_launch.h -- what host and device know of the launches that measure copies, and of
 * the work beside them.
 *
 *     gcr_gate   one thread, which ends when the host opens the gate: what was enqueued behind it
 *                starts when all of it is there
 *     gcr_copy   any number of blocks, which copy memory that they can address
 *
 *     gcr_multiply     a block for each square of GCR_MULTIPLY_TILE rows and columns of the product
 *     gcr_tan_f64, gcr_tan_f32, gcr_sum_parts    any number of blocks
 *     gcr_sum          one block, after gcr_sum_parts
 *     gcr_neighbours, gcr_apart    a thread for each column, or each row
 *
 * Plain C17 on the host; NVRTC takes it as C++.
 */
#ifndef GCR_CUDA_MEASURE_LAUNCH_H
#define GCR_CUDA_MEASURE_LAUNCH_H

#include "gridcrunch/kernel.h"

#define GCR_MEASURE_THREADS 512 /* of a block, but for the two below */
#define GCR_MULTIPLY_THREADS 256
#define GCR_MULTIPLY_TILE 64
#define GCR_MEASURE_PIECES 1024 /* GCR_SUM_PIECES of backend/measure.h, whose lanes are threads */
#define GCR_WALK_THREADS 128    /* of gcr_neighbours and gcr_apart */

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

/* As gcr_work_args of backend/measure.h; addresses are the device's. */
typedef struct gcr_work_launch {
    const void *a, *b;
    void *out;
    uint64_t n;
} gcr_work_launch;

#endif /* GCR_CUDA_MEASURE_LAUNCH_H */
