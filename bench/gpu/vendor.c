/* bench/gpu/vendor.c -- see vendor.h. */
#include "gpu/vendor.h"

#include "cuda/cuda_library.h"

static vendor_blas blas;
static vendor_solver solver;

/* The functions of the tables, in their order. */
static const char *const blas_names[] = { "cublasCreate_v2",    "cublasDestroy_v2",
                                          "cublasSetStream_v2", "cublasDgemm_v2",
                                          "cublasSgemm_v2",     "cublasDgemmStridedBatched",
                                          "cublasDtrsmBatched" };
static const char *const solver_names[] = {
    "cusolverDnCreate",        "cusolverDnDestroy",           "cusolverDnSetStream",
    "cusolverDnDpotrfBatched", "cusolverDnSpotrfBatched",     "cusolverDnCreateParams",
    "cusolverDnDestroyParams", "cusolverDnXpotrf_bufferSize", "cusolverDnXpotrf",
};

enum {
    BLAS_NAMES = sizeof blas_names / sizeof *blas_names,
    SOLVER_NAMES = sizeof solver_names / sizeof *solver_names,
};

_Static_assert(sizeof blas == BLAS_NAMES * sizeof(void *), "a name for each function");
_Static_assert(sizeof solver == SOLVER_NAMES * sizeof(void *), "a name for each function");

static cuda_library blas_library = {
    .file = "libcublas.so.13",
    .lacking = "matrices cannot be multiplied by cuBLAS, because it",
    .package = "the CUDA 13 toolkit",
    .names = blas_names,
    .count = BLAS_NAMES,
    .table = &blas,
    .lock = PTHREAD_MUTEX_INITIALIZER,
};
static cuda_library solver_library = {
    .file = "libcusolver.so.12",
    .lacking = "matrices cannot be factored by cuSOLVER, because it",
    .package = "the CUDA 13 toolkit",
    .names = solver_names,
    .count = SOLVER_NAMES,
    .table = &solver,
    .lock = PTHREAD_MUTEX_INITIALIZER,
};

gcr_status vendor_blas_open(const vendor_blas **out)
{
    *out = &blas;
    return gcr_cuda_library_open(&blas_library);
}

gcr_status vendor_solver_open(const vendor_solver **out)
{
    *out = &solver;
    return gcr_cuda_library_open(&solver_library);
}
