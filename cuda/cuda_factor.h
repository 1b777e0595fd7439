/*
 * cuda/cuda_factor.h -- factors of matrices as they stand on the GPU (backend/backend.h).
 *
 * cuda_factor.c has those that threads, warps and blocks have each for themselves, many groups in a
 * launch; cuda_factor_large.c those that the whole GPU and libraries have, a group at a time.
 */
#ifndef GCR_CUDA_FACTOR_H
#define GCR_CUDA_FACTOR_H

#include "cuda/cuda_backend.h"

/* The operations of gcr_backend. */
uint64_t gcr_cuda_factor_bytes(const gcr_device *device, gcr_scalar scalar, int32_t n,
                               uint64_t count);
gcr_status gcr_cuda_factor(gcr_queue *queue, const gcr_factor_args *args);

/* What a queue has kept for it; nothing of it runs any more. */
void gcr_cuda_factors_close(cuda_queue *queue);

/* ---- between the two files ------------------------------------------------------------------- */

/* Entries of device/factor_unit.h. The first three are those of the steps, by gcr_factor_step; the
 * others are for the whole GPU alone, which has none for GCR_FACTOR_IN_PLACE. */
enum { CUDA_FACTOR_LOOK = 3, CUDA_FACTOR_BLOCK, CUDA_FACTOR_END, CUDA_FACTOR_ENTRIES };

/* A variant that has been compiled and loaded. */
typedef struct cuda_factor_code {
    gcr_variant variant; /* with the most shared_bytes so far */
    gcr_scalar scalar;
    cudaLibrary_t library;
    cudaKernel_t entries[CUDA_FACTOR_ENTRIES];
    int blocks; /* of the factor on a multiprocessor with so much of shared memory; 0: unknown */
} cuda_factor_code;

/* One group. The lock is not held. */
GCR_MUST_CHECK gcr_status gcr_cuda_factor_large(cuda_queue *queue, const cuda_factor_code *code,
                                                gcr_factor_step step,
                                                const gcr_factor_group *group);

/* What `count` matrices of such a variant take; UINT64_MAX: more than can be counted. */
uint64_t gcr_cuda_factor_large_bytes(const gcr_crossovers *crossovers, int32_t n, uint64_t count);

#endif /* GCR_CUDA_FACTOR_H */
