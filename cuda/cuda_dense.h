/*
 * cuda/cuda_dense.h -- products and factors of matrices that stand on the GPU, by cuBLAS and
 * cuSOLVER.
 *
 * Which are made, and of what, others say: cells (cuda_large.h) and groups of matrices
 * (cuda_factor_large.c). Here a queue has what the two libraries want to be called with: a handle
 * of each on its stream `work`, with memory of their own that is allocated before anything is
 * enqueued.
 */
#ifndef GCR_CUDA_DENSE_H
#define GCR_CUDA_DENSE_H

#include "cuda/blocked.h"
#include "cuda/cuda_program.h"

/* What a queue has for them, opened with the first of them. NULL is none. */
typedef struct cuda_dense cuda_dense;

/* Opens the libraries that matrices of `grid` want. The device's lock is not held. GCR_ENOMEM;
 * GCR_EUNSUPPORTED: a library is not there. */
GCR_MUST_CHECK gcr_status gcr_cuda_dense_open(cuda_queue *queue, gcr_scalar scalar,
                                              const gcr_grid *grid);

/* The lock is held. A product in all slots of the grid; the factor of slot 0, in place of its lower
 * triangle, by cuSOLVER, which writes what it says to grid->minors. */
GCR_MUST_CHECK gcr_status gcr_cuda_dense_multiply(cuda_queue *queue, gcr_scalar scalar,
                                                  const gcr_grid *grid, const gcr_product *p);
GCR_MUST_CHECK gcr_status gcr_cuda_dense_factor(cuda_queue *queue, gcr_scalar scalar,
                                                const gcr_grid *grid);

/* After what was enqueued has ended. */
void gcr_cuda_dense_close(cuda_queue *queue);

#endif /* GCR_CUDA_DENSE_H */
