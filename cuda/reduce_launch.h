/*
 * cuda/reduce_launch.h -- what host and device know of the launch that leaves records in place of
 * cells.
 *
 *     gcr_reduce   any number of blocks of threads, each of which takes blocks of points
 *
 * Tiles travel in the argument: nothing has to go up first, or to stay until the launch is over. A
 * batch of more tiles is several launches. Plain C17 on the host; NVRTC takes it as C++.
 */
#ifndef GCR_CUDA_REDUCE_LAUNCH_H
#define GCR_CUDA_REDUCE_LAUNCH_H

#include "gridcrunch/kernel.h"

#include "gridcrunch/partial.h"

#define GCR_REDUCE_THREADS 128

enum {
    GCR_REDUCE_WARPS = GCR_REDUCE_THREADS / 32,
    GCR_REDUCE_TILES = 16,
    GCR_REDUCE_LAUNCH_BYTES = 4096, /* an argument may have so many */
};

/* Points of one dataset from the edge of a block on. Addresses are the device's. */
typedef struct gcr_reduce_tile {
    const double *outputs[GCR_OUTPUTS_MAX];
    int64_t first_width; /* of output 0; what is reduced has width 1 */
    const uint8_t *state;
    uint64_t first, count;
    uint64_t before; /* blocks of the tiles before this one */
} gcr_reduce_tile;

typedef struct gcr_reduce_launch {
    gcr_reduce_tile tiles[GCR_REDUCE_TILES];
    gcr_reduction reduction;
    const uint64_t *live; /* as in gcr_point_table */
    char *records;
    uint64_t record_bytes, block_count;
    int32_t tile_count;
} gcr_reduce_launch;

#endif /* GCR_CUDA_REDUCE_LAUNCH_H */
