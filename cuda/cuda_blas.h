/*
 * cuda/cuda_blas.h -- cuBLAS and cuSOLVER, opened when the first matrix comes that is theirs.
 *
 * Only what is called is here, for one queue: a handle of each on its stream `work`, with memory that
 * is allocated once. What is computed with them depends on the shapes alone: no atomics, which add in
 * any order; nothing that rounds numbers before it multiplies them.
 */
#ifndef GCR_CUDA_BLAS_H
#define GCR_CUDA_BLAS_H

#include "cuda/cuda_backend.h"

#include <cublas_v2.h>
#include <cusolverDn.h>

/* The functions that are called, by their names. */
typedef struct cuda_blas {
    cublasStatus_t (*get_property)(libraryPropertyType type, int *value);
    cublasStatus_t (*create)(cublasHandle_t *handle);
    cublasStatus_t (*destroy)(cublasHandle_t handle);
    cublasStatus_t (*set_stream)(cublasHandle_t handle, cudaStream_t stream);
    cublasStatus_t (*set_workspace)(cublasHandle_t handle, void *block, size_t bytes);
    cublasStatus_t (*set_atomics)(cublasHandle_t handle, cublasAtomicsMode_t mode);
    const char *(*status_string)(cublasStatus_t status);
    cublasStatus_t (*multiply)(cublasHandle_t handle, cublasOperation_t of_a,
                               cublasOperation_t of_b, int m, int n, int k, const void *alpha,
                               const void *a, cudaDataType a_type, int lda, long long a_stride,
                               const void *b, cudaDataType b_type, int ldb, long long b_stride,
                               const void *beta, void *c, cudaDataType c_type, int ldc,
                               long long c_stride, int count, cublasComputeType_t compute,
                               cublasGemmAlgo_t algorithm);
} cuda_blas;

typedef struct cuda_solver {
    cusolverStatus_t (*get_property)(libraryPropertyType type, int *value);
    cusolverStatus_t (*create)(cusolverDnHandle_t *handle);
    cusolverStatus_t (*destroy)(cusolverDnHandle_t handle);
    cusolverStatus_t (*set_stream)(cusolverDnHandle_t handle, cudaStream_t stream);
    cusolverStatus_t (*set_deterministic)(cusolverDnHandle_t handle,
                                          cusolverDeterministicMode_t mode);
    cusolverStatus_t (*create_parameters)(cusolverDnParams_t *parameters);
    cusolverStatus_t (*destroy_parameters)(cusolverDnParams_t parameters);
    cusolverStatus_t (*factor_bytes)(cusolverDnHandle_t handle, cusolverDnParams_t parameters,
                                     cublasFillMode_t half, int64_t n, cudaDataType type,
                                     const void *a, int64_t lda, cudaDataType compute,
                                     size_t *device_bytes, size_t *host_bytes);
    cusolverStatus_t (*factor)(cusolverDnHandle_t handle, cusolverDnParams_t parameters,
                               cublasFillMode_t half, int64_t n, cudaDataType type, void *a,
                               int64_t lda, cudaDataType compute, void *device_block,
                               size_t device_bytes, void *host_block, size_t host_bytes, int *info);
} cuda_solver;

/* Belong to the process. GCR_EUNSUPPORTED: the library is not on this machine. Tests have others in
 * their place. */
GCR_MUST_CHECK gcr_status gcr_cuda_blas(const cuda_blas **out);
GCR_MUST_CHECK gcr_status gcr_cuda_solver(const cuda_solver **out);

/* ", cuBLAS 13.1.0, cuSOLVER 12.0.4": of those that matrices of so many rows are for by the table, or "".
 * Each is opened, and left out where it is not there: no cell will come of that. */
void gcr_cuda_library_versions(char *out, size_t bytes, const gcr_crossovers *crossovers,
                               int64_t matrix_rows);

#endif /* GCR_CUDA_BLAS_H */
