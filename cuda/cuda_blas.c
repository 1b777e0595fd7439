/* cuda/cuda_blas.c -- see cuda_blas.h. Tests have another file in its place. */
#include "cuda/cuda_blas.h"

#include "cuda/cuda_library.h"

#define LACKING "matrices of this size cannot be factored on a GPU, because "

static cuda_blas blas;
static cuda_solver solver;

/* The functions of each table, in its order. */
static const char *const blas_names[] = {
    "cublasGetProperty",     "cublasCreate_v2",
    "cublasDestroy_v2",      "cublasSetStream_v2",
    "cublasSetWorkspace_v2", "cublasSetAtomicsMode",
    "cublasGetStatusString", "cublasGemmStridedBatchedEx",
};

static const char *const solver_names[] = {
    "cusolverGetProperty",
    "cusolverDnCreate",
    "cusolverDnDestroy",
    "cusolverDnSetStream",
    "cusolverDnSetDeterministicMode",
    "cusolverDnCreateParams",
    "cusolverDnDestroyParams",
    "cusolverDnXpotrf_bufferSize",
    "cusolverDnXpotrf",
};

_Static_assert(sizeof blas == sizeof blas_names / sizeof blas_names[0] * sizeof(void *),
               "a name for each function");
_Static_assert(sizeof solver == sizeof solver_names / sizeof solver_names[0] * sizeof(void *),
               "a name for each function");

static cuda_library blas_library =
    CUDA_LIBRARY(blas_names, blas, .file = "libcublas.so.13", .lacking = LACKING "cuBLAS",
                 .package = "the CUDA 13 toolkit");

static cuda_library solver_library =
    CUDA_LIBRARY(solver_names, solver, .file = "libcusolver.so.12", .lacking = LACKING "cuSOLVER",
                 .package = "the CUDA 13 toolkit");

gcr_status gcr_cuda_blas(const cuda_blas **out)
{
    *out = &blas;
    return gcr_cuda_library_open(&blas_library);
}

gcr_status gcr_cuda_solver(const cuda_solver **out)
{
    *out = &solver;
    return gcr_cuda_library_open(&solver_library);
}
