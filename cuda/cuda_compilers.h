/*
 * cuda/cuda_compilers.h -- many sources compiled side by side.
 *
 * What a run will need is mostly known before it begins, and a batch that waits for a compiler
 * leaves the whole GPU idle. So all of it is compiled at once, on threads of the host (NVRTC lets
 * its later phases run at once since CUDA 12.3). They touch no GPU: whoever asked loads what came
 * out.
 */
#ifndef GCR_CUDA_COMPILERS_H
#define GCR_CUDA_COMPILERS_H

#include "cuda/cuda_compile.h"

/* Zeroed, it owns nothing. */
typedef struct cuda_order {
    cuda_source source; /* its definitions go with the order */
    cuda_image image;
    gcr_status status;
    char *sentence, *details; /* of a failure; NULL where there was no memory for them */
} cuda_order;

/* Gives each order its image, from the cache where it is there. What does not compile is told of
 * the first such order: the same in each run. As gcr_cuda_compile_cached(); GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_cuda_compile_orders(cuda_order *orders, int count, int capability);

/* Also after a failure. */
void gcr_cuda_orders_close(cuda_order *orders, int count);

#endif /* GCR_CUDA_COMPILERS_H */
