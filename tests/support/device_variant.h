/* tests/support/device_variant.h -- a variant of a kernel, for twin_run(). */
#ifndef GCR_DEVICE_VARIANT_H
#define GCR_DEVICE_VARIANT_H

#include "gridcrunch/kernel_description.h"
#include "gridcrunch/kind.h"

typedef struct device_variant {
    const gcr_kernel *kernel;
    gcr_scalar scalar;
    int team, bound, is_single, threads;
    void (*crunch)(const void *launch);  /* gcr_launch         */
    void (*retry)(const void *launch);   /* gcr_launch         */
    void (*prepare)(const void *launch); /* gcr_prepare_launch */

    /* Of GCR_TEAM_GRID; gcr_grid_launch, but for two. */
    void (*list)(const void *launch); /* gcr_launch */
    void (*fill)(const void *launch);
    void (*diagonal)(const void *launch); /* gcr_diagonal_launch */
    void (*answer)(const void *launch);
    void (*invert)(const void *launch);
    void (*finish)(const void *launch);
} device_variant;

#endif /* GCR_DEVICE_VARIANT_H */
