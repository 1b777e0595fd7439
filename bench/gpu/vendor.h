/*
 * bench/gpu/vendor.h -- the vendor's libraries of linear algebra, as far as the benchmarks compare
 * with them. They are opened when they are asked for, as the module does.
 */
#ifndef GCR_BENCH_VENDOR_H
#define GCR_BENCH_VENDOR_H

#include "base/check.h"

#include <cublas_v2.h>
#include <cusolverDn.h>

/* cuBLAS: the functions that are called, by their names. */
typedef struct vendor_blas {
    __typeof__(cublasCreate_v2) *create;
    __typeof__(cublasDestroy_v2) *destroy;
    __typeof__(cublasSetStream_v2) *set_stream;
    __typeof__(cublasDgemm_v2) *dgemm;
    __typeof__(cublasSgemm_v2) *sgemm;
    __typeof__(cublasDgemmStridedBatched) *dgemm_batched;
    __typeof__(cublasDtrsmBatched) *dtrsm_batched;
} vendor_blas;

/* cuSOLVER: factors of one matrix and of many. */
typedef struct vendor_solver {
    __typeof__(cusolverDnCreate) *create;
    __typeof__(cusolverDnDestroy) *destroy;
    __typeof__(cusolverDnSetStream) *set_stream;
    __typeof__(cusolverDnDpotrfBatched) *dpotrf_batched;
    __typeof__(cusolverDnSpotrfBatched) *spotrf_batched;
    __typeof__(cusolverDnCreateParams) *create_params;
    __typeof__(cusolverDnDestroyParams) *destroy_params;
    __typeof__(cusolverDnXpotrf_bufferSize) *potrf_bytes;
    __typeof__(cusolverDnXpotrf) *potrf;
} vendor_solver;

/* They belong to the process. GCR_EUNSUPPORTED: they are not on this machine. */
GCR_MUST_CHECK gcr_status vendor_blas_open(const vendor_blas **out);
GCR_MUST_CHECK gcr_status vendor_solver_open(const vendor_solver **out);

/* Like GCR_TRY, for their calls. `doing` completes "cannot ...". */
#define VENDOR_TRY(library, doing, call)                                                           \
    do {                                                                                           \
        const int error_ = (int)(call);                                                            \
        if (error_ != 0)                                                                           \
            GCR_FAIL(GCR_EDEVICE, "%s cannot %s: its status is %d", (library), (doing), error_);   \
    } while (0)
#define VENDOR_BLAS(doing, call) VENDOR_TRY("cuBLAS", doing, call)
#define VENDOR_SOLVER(doing, call) VENDOR_TRY("cuSOLVER", doing, call)

#endif /* GCR_BENCH_VENDOR_H */
