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
} device_variant;

#endif /* GCR_DEVICE_VARIANT_H */
