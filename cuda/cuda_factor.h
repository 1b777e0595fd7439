/* cuda/cuda_factor.h -- factors of matrices as they stand on the GPU (backend/backend.h). */
#ifndef GCR_CUDA_FACTOR_H
#define GCR_CUDA_FACTOR_H

#include "cuda/cuda_backend.h"

/* The operations of gcr_backend. */
uint64_t gcr_cuda_factor_bytes(const gcr_device *device, gcr_scalar scalar, int32_t n,
                               uint64_t count);
gcr_status gcr_cuda_factor(gcr_queue *queue, const gcr_factor_args *args);

/* What a queue has kept for it; nothing of it runs any more. */
void gcr_cuda_factors_close(cuda_queue *queue);

#endif /* GCR_CUDA_FACTOR_H */
