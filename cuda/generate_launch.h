/*
 * cuda/generate_launch.h -- what host and device know of the launch that makes a dataset.
 *
 *     gcr_generate   any number of blocks, whose threads take rows
 *
 * Plain C17 on the host; NVRTC takes it as C++.
 */
#ifndef GCR_CUDA_GENERATE_LAUNCH_H
#define GCR_CUDA_GENERATE_LAUNCH_H

#include "gridcrunch/recipe.h"

#define GCR_GENERATE_THREADS 128

typedef struct gcr_generate_launch {
    gcr_recipe recipe;
    gcr_standard standard;
    void *x, *y;
    int32_t is_single; /* they are floats, not doubles */
} gcr_generate_launch;

#endif /* GCR_CUDA_GENERATE_LAUNCH_H */
