/*
 * cuda/device/measure_unit.h -- what is launched to measure copies (cuda/measure_launch.h), and the
 * work beside them.
 *
 * A unit of its own: no kernel is compiled with it.
 */
#include "cuda/measure_launch.h"

#define GCR_TEAM_THREADS GCR_MEASURE_THREADS
#define GCR_TEAM_MIN_BLOCKS 1
#include "cuda/device/intrinsics.h"

/* A host that has died must not leave a device that waits for ever. */
GCR_ENTRY(gcr_gate, gcr_gate_launch)
{
    const uint64_t begin = gcr_ticks();

    while (!launch.gate->is_open)
        if (gcr_ticks() - begin > launch.limit_ticks) {
            launch.gate->gave_up = 1;
            return;
        }
}

/* Sixteen bytes at a time, four of these under way in each thread: the bus is far. Neighbouring
 * threads copy neighbouring bytes. The last bytes are copied one by one. */
GCR_ENTRY(gcr_copy, gcr_copy_launch)
{
    enum { DEPTH = 4, PAIR_BYTES = 2 * sizeof(double) };
    const uint64_t stride = gcr_block_count() * GCR_TEAM_THREADS;
    const uint64_t self = gcr_block_index() * GCR_TEAM_THREADS + (uint64_t)gcr_thread_index();
    const uint64_t pairs = launch.bytes / PAIR_BYTES;
    const double *from = (const double *)launch.from;
    double *to = (double *)launch.to;
    uint64_t i = self;

    for (; i + (DEPTH - 1) * stride < pairs; i += DEPTH * stride) {
        double two[DEPTH][2];

        GCR_UNROLL
        for (int d = 0; d < DEPTH; d++)
            gcr_load_two(two[d], from + 2 * (i + (uint64_t)d * stride));
        GCR_UNROLL
        for (int d = 0; d < DEPTH; d++)
            gcr_store_two(to + 2 * (i + (uint64_t)d * stride), two[d]);
    }
    for (; i < pairs; i += stride) {
        double two[2];

        gcr_load_two(two, from + 2 * i);
        gcr_store_two(to + 2 * i, two);
    }
    for (i = pairs * PAIR_BYTES + self; i < launch.bytes; i += stride)
        ((unsigned char *)launch.to)[i] = ((const unsigned char *)launch.from)[i];
}

#include "cuda/device/measure_work.h"
