/*
 * cuda/cuda_check.h -- what a CUDA call answered, as a gcr_status.
 *
 * Three kinds of answers. Out of memory is GCR_ENOMEM, and the call may be tried again with less.
 * Some codes mean that the process must end before it can use a GPU again, or that the GPU itself
 * is gone: from then on no CUDA call is made in this process, not even to free something, because
 * what it does is undefined; every operation fails with GCR_EDEVICE and closing frees host memory
 * only. Everything else is GCR_EDEVICE for the one operation.
 */
#ifndef GCR_CUDA_CHECK_H
#define GCR_CUDA_CHECK_H

#include "base/check.h"

#include <cuda_runtime_api.h>

#include <stdatomic.h>

/* Not 0: a GPU of this process was lost. */
extern atomic_int gcr_cuda_lost;

static inline int gcr_cuda_is_lost(void)
{
    return atomic_load(&gcr_cuda_lost) != 0;
}

/* Fails, if a GPU was lost. Whoever closes asks gcr_cuda_is_lost(): the sentence that is there is
 * why. */
GCR_MUST_CHECK gcr_status gcr_cuda_usable(void);

/* What `error`, not success, is as a status. `doing` completes "cannot ...". Clears the error that
 * CUDA keeps for the thread. */
GCR_MUST_CHECK gcr_status gcr_cuda_fail(const char *file, int line, const char *doing,
                                        cudaError_t error);

/* Notes what a call answered where nothing can fail any more. */
void gcr_cuda_note(cudaError_t error);

/* Makes no more CUDA calls in this process, as after such an error. */
void gcr_cuda_abandon(cudaError_t error);

/* Like GCR_TRY, for a call that returns cudaError_t. */
#define GCR_CUDA(doing, call)                                                                      \
    do {                                                                                           \
        cudaError_t error_;                                                                        \
                                                                                                   \
        GCR_TRY(gcr_cuda_usable());                                                                \
        error_ = (call);                                                                           \
        if (error_ != cudaSuccess) {                                                               \
            status = gcr_cuda_fail(__FILE__, __LINE__, (doing), error_);                           \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

/* For closing: the call is left out where a GPU was lost. */
#define GCR_CUDA_CLOSE(call)                                                                       \
    do {                                                                                           \
        if (!gcr_cuda_is_lost())                                                                   \
            gcr_cuda_note(call);                                                                   \
    } while (0)

#endif /* GCR_CUDA_CHECK_H */
