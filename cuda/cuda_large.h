/*
 * cuda/cuda_large.h -- cells whose matrices the whole GPU factors, with cuBLAS and cuSOLVER.
 *
 * What is done to a matrix is cuda/blocked.h's to say and cuda/device/spd_grid.h's and the
 * libraries' to do; here sub-batches of cells come one after the other. The products of a sub-batch
 * are one graph, which is recorded when the first of its shape comes and is launched for each.
 *
 * Unlike elsewhere, where the job has a ladder of jitter the host waits between its rungs: how many
 * sub-batches follow is to be known, and each takes milliseconds.
 */
#ifndef GCR_CUDA_LARGE_H
#define GCR_CUDA_LARGE_H

#include "cuda/blocked.h"
#include "cuda/cuda_program.h"

/* Cells of one shape, in tiles that are on the device. */
typedef struct cuda_large_args {
    const cuda_program *program;
    const cuda_code *code;
    gcr_launch launch; /* tiles, lists and counters; no scratch */
    uint64_t live_count;
    int32_t n, systems, right_sides;
    uint64_t answer_bytes; /* of a cell: variant.scratch_bytes */
} cuda_large_args;

/* What a queue has for them, opened with the first of them. NULL is none. */
typedef struct cuda_large cuda_large;

/* Bytes of the GPU that a sub-batch takes, as many cells as it has; UINT64_MAX: more than can be
 * counted. */
uint64_t gcr_cuda_large_bytes(const cuda_large_args *args);

/* Makes room for such cells, before anything of their batch is enqueued. The device's lock is not
 * held. GCR_ENOMEM: one of them is too large for the GPU. GCR_EUNSUPPORTED: a library is not
 * there. */
GCR_MUST_CHECK gcr_status gcr_cuda_large_reserve(cuda_queue *queue, const cuda_large_args *args);

/* The lock is held, and `work` has waited for what must be before it. */
GCR_MUST_CHECK gcr_status gcr_cuda_large_crunch(cuda_queue *queue, const cuda_large_args *args);

/* Before the code of a program goes. */
void gcr_cuda_large_forget(const cuda_program *program);

/* After what was enqueued has ended. */
void gcr_cuda_large_close(cuda_queue *queue);

#endif /* GCR_CUDA_LARGE_H */
