/*
 * cuda/cuda_blas.h -- cuBLAS and cuSOLVER, opened when the first matrix comes that is theirs.
 *
 * Only what is called is here, for one queue: a handle of each on its stream `work`, with memory
 * that is allocated once. What is computed with them depends on the shapes alone: no atomics, which
 * add in any order; nothing that rounds numbers before it multiplies them.
 */
#ifndef GCR_CUDA_BLAS_H
#define GCR_CUDA_BLAS_H

#include "cuda/cuda_backend.h"

#include <cublas_v2.h>
#include <cusolverDn.h>

/* The functions that are called, by their names. */
typedef struct cuda_blas {
    __typeof__(cublasGetProperty) *get_property;
    __typeof__(cublasCreate_v2) *create;
    __typeof__(cublasDestroy_v2) *destroy;
    __typeof__(cublasSetStream_v2) *set_stream;
    __typeof__(cublasSetWorkspace_v2) *set_workspace;
    __typeof__(cublasSetAtomicsMode) *set_atomics;
    __typeof__(cublasGetStatusString) *status_string;
    __typeof__(cublasGemmStridedBatchedEx) *multiply;
} cuda_blas;

typedef struct cuda_solver {
    __typeof__(cusolverGetProperty) *get_property;
    __typeof__(cusolverDnCreate) *create;
    __typeof__(cusolverDnDestroy) *destroy;
    __typeof__(cusolverDnSetStream) *set_stream;
    __typeof__(cusolverDnSetDeterministicMode) *set_deterministic;
    __typeof__(cusolverDnCreateParams) *create_parameters;
    __typeof__(cusolverDnDestroyParams) *destroy_parameters;
    __typeof__(cusolverDnXpotrf_bufferSize) *factor_bytes;
    __typeof__(cusolverDnXpotrf) *factor;
} cuda_solver;

/* Belong to the process. GCR_EUNSUPPORTED: the library is not on this machine. Tests have others in
 * their place. */
GCR_MUST_CHECK gcr_status gcr_cuda_blas(const cuda_blas **out);
GCR_MUST_CHECK gcr_status gcr_cuda_solver(const cuda_solver **out);

/* ", cuBLAS 13.1.0, cuSOLVER 12.0.4": of those that matrices of so many rows are for by the table,
 * or "". Each is opened, and left out where it is not there: no cell will come of that. */
void gcr_cuda_library_versions(char *out, size_t bytes, const gcr_crossovers *crossovers,
                               int64_t matrix_rows);

#endif /* GCR_CUDA_BLAS_H */
