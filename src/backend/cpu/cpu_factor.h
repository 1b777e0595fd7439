/*
 * backend/cpu/cpu_factor.h -- factors of matrices without a kernel: on the lanes of a vector, or by
 * LAPACK where they are large.
 */
#ifndef GCR_CPU_FACTOR_H
#define GCR_CPU_FACTOR_H

#include "backend/backend.h"

/* The operations of gcr_backend. */
uint64_t gcr_cpu_factor_bytes(const gcr_device *device, gcr_scalar scalar, int32_t n,
                              uint64_t count);
gcr_status gcr_cpu_factor(gcr_queue *queue, const gcr_factor_args *args);

#endif /* GCR_CPU_FACTOR_H */
