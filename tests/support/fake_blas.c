/*
 * tests/support/fake_blas.c -- cuBLAS and cuSOLVER over the stand-in for CUDA: what they are asked
 * for is done late, in its stream, by the BLAS and LAPACK of the host, where kernels are run, too.
 * Where they are not, nothing is computed. Each call can be told to fail as those of CUDA can.
 */
#include "support/fake_cuda.h"

#include "cuda/cuda_blas.h"

#include <math.h>
#include <string.h>

void dgemm_(const char *of_a, const char *of_b, const int *m, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
            const double *beta, double *c, const int *ldc, size_t of_a_bytes, size_t of_b_bytes);
void sgemm_(const char *of_a, const char *of_b, const int *m, const int *n, const int *k,
            const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
            const float *beta, float *c, const int *ldc, size_t of_a_bytes, size_t of_b_bytes);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_bytes);
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info,
             size_t uplo_bytes);

enum { SOLVER_BYTES = 512 }; /* for each row, on either side */

struct cublasContext {
    cudaStream_t stream;
    void *workspace;
    int has_no_atomics;
};

struct cusolverDnContext {
    cudaStream_t stream;
    int is_deterministic;
};

struct cusolverDnParams {
    int unused;
};

static cublasStatus_t answer_blas(const char *call)
{
    switch (fake_cuda_answer(call)) {
    case cudaSuccess: return CUBLAS_STATUS_SUCCESS;
    case cudaErrorMemoryAllocation: return CUBLAS_STATUS_ALLOC_FAILED;
    case cudaErrorInitializationError: return CUBLAS_STATUS_NOT_INITIALIZED;
    default: return CUBLAS_STATUS_EXECUTION_FAILED;
    }
}

static cusolverStatus_t answer_solver(const char *call)
{
    switch (fake_cuda_answer(call)) {
    case cudaSuccess: return CUSOLVER_STATUS_SUCCESS;
    case cudaErrorMemoryAllocation: return CUSOLVER_STATUS_ALLOC_FAILED;
    case cudaErrorInitializationError: return CUSOLVER_STATUS_INTERNAL_ERROR;
    default: return CUSOLVER_STATUS_EXECUTION_FAILED;
    }
}

#define BLAS_ANSWER(call)                                                                          \
    do {                                                                                           \
        const cublasStatus_t answer_ = answer_blas(call);                                          \
        if (answer_ != CUBLAS_STATUS_SUCCESS)                                                      \
            return answer_;                                                                        \
    } while (0)

#define SOLVER_ANSWER(call)                                                                        \
    do {                                                                                           \
        const cusolverStatus_t answer_ = answer_solver(call);                                      \
        if (answer_ != CUSOLVER_STATUS_SUCCESS)                                                    \
            return answer_;                                                                        \
    } while (0)

/* ---- cuBLAS ---------------------------------------------------------------------------------- */

/* Version 13.1.2. */
static cublasStatus_t blas_get_property(libraryPropertyType type, int *value)
{
    *value = type == MAJOR_VERSION ? 13 : type == MINOR_VERSION ? 1 : 2;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_create(cublasHandle_t *out)
{
    BLAS_ANSWER("cublasCreate");
    *out = fake_cuda_make(sizeof **out);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_destroy(cublasHandle_t handle)
{
    BLAS_ANSWER("cublasDestroy");
    fake_cuda_drop(handle);
    return CUBLAS_STATUS_SUCCESS;
}

/* As the library has it, a new stream has the workspace of the library. */
static cublasStatus_t blas_set_stream(cublasHandle_t handle, cudaStream_t stream)
{
    BLAS_ANSWER("cublasSetStream");
    handle->stream = stream;
    handle->workspace = NULL;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_set_workspace(cublasHandle_t handle, void *block, size_t bytes)
{
    BLAS_ANSWER("cublasSetWorkspace");
    (void)bytes;
    handle->workspace = block;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_set_atomics(cublasHandle_t handle, cublasAtomicsMode_t mode)
{
    BLAS_ANSWER("cublasSetAtomicsMode");
    handle->has_no_atomics = mode == CUBLAS_ATOMICS_NOT_ALLOWED;
    return CUBLAS_STATUS_SUCCESS;
}

static const char *blas_status_string(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_ALLOC_FAILED ? "out of memory" : "a scripted failure";
}

typedef struct product {
    char of_a, of_b;
    int is_double, m, n, k, lda, ldb, ldc, count;
    long long a_stride, b_stride, c_stride; /* bytes */
    const char *a, *b;
    char *c;
    double alpha, beta;
} product;

static size_t bytes_of(int is_double)
{
    return is_double ? sizeof(double) : sizeof(float);
}

static void check_matrix(const void *a, int rows, int columns, int ld, int is_double)
{
    fake_cuda_check(a, ((size_t)ld * (size_t)(columns - 1) + (size_t)rows) * bytes_of(is_double));
}

static void run_product(const void *argument)
{
    const product *p = argument;

    const float alpha = (float)p->alpha, beta = (float)p->beta;

    for (int i = 0; i < p->count; i++) {
        const void *a = p->a + i * p->a_stride, *b = p->b + i * p->b_stride;
        void *c = p->c + i * p->c_stride;

        check_matrix(a, p->of_a == 'N' ? p->m : p->k, p->of_a == 'N' ? p->k : p->m, p->lda,
                     p->is_double);
        check_matrix(b, p->of_b == 'N' ? p->k : p->n, p->of_b == 'N' ? p->n : p->k, p->ldb,
                     p->is_double);
        check_matrix(c, p->m, p->n, p->ldc, p->is_double);
        if (p->is_double)
            dgemm_(&p->of_a, &p->of_b, &p->m, &p->n, &p->k, &p->alpha, a, &p->lda, b, &p->ldb,
                   &p->beta, c, &p->ldc, 1, 1);
        else
            sgemm_(&p->of_a, &p->of_b, &p->m, &p->n, &p->k, &alpha, a, &p->lda, b, &p->ldb, &beta,
                   c, &p->ldc, 1, 1);
    }
}

static cublasStatus_t blas_multiply(cublasHandle_t handle, cublasOperation_t of_a,
                                    cublasOperation_t of_b, int m, int n, int k, const void *alpha,
                                    const void *a, cudaDataType a_type, int lda, long long a_stride,
                                    const void *b, cudaDataType b_type, int ldb, long long b_stride,
                                    const void *beta, void *c, cudaDataType c_type, int ldc,
                                    long long c_stride, int count, cublasComputeType_t compute,
                                    cublasGemmAlgo_t algorithm)
{
    const int is_double = a_type == CUDA_R_64F;
    const long long bytes = (long long)bytes_of(is_double);
    const product p = { .is_double = is_double,
                        .of_a = of_a == CUBLAS_OP_N ? 'N' : 'T',
                        .of_b = of_b == CUBLAS_OP_N ? 'N' : 'T',
                        .m = m,
                        .n = n,
                        .k = k,
                        .lda = lda,
                        .ldb = ldb,
                        .ldc = ldc,
                        .count = count,
                        .a_stride = a_stride * bytes,
                        .b_stride = b_stride * bytes,
                        .c_stride = c_stride * bytes,
                        .a = a,
                        .b = b,
                        .c = c,
                        .alpha = is_double ? *(const double *)alpha : *(const float *)alpha,
                        .beta = is_double ? *(const double *)beta : *(const float *)beta };

    BLAS_ANSWER("cublasGemmStridedBatchedEx");
    if (handle->workspace == NULL || !handle->has_no_atomics)
        fake_cuda_break("bits of cuBLAS depend on more than its arguments");
    if ((!is_double && a_type != CUDA_R_32F) || b_type != a_type || c_type != a_type ||
        compute != (is_double ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F_PEDANTIC) ||
        algorithm != CUBLAS_GEMM_DEFAULT)
        fake_cuda_break("cuBLAS is to round before it multiplies");
    if (m < 1 || n < 1 || k < 1 || count < 1)
        fake_cuda_break("an empty product");
    if (fake_cuda.run != NULL)
        fake_cuda_enqueue(handle->stream, run_product, &p, sizeof p);
    return CUBLAS_STATUS_SUCCESS;
}

gcr_status gcr_cuda_blas(const cuda_blas **out)
{
    static const cuda_blas table = {
        .get_property = blas_get_property,
        .create = blas_create,
        .destroy = blas_destroy,
        .set_stream = blas_set_stream,
        .set_workspace = blas_set_workspace,
        .set_atomics = blas_set_atomics,
        .status_string = blas_status_string,
        .multiply = blas_multiply,
    };

    *out = &table;
    if (fake_cuda.has_no_blas)
        return gcr_fail_at(__FILE__, __LINE__, GCR_EUNSUPPORTED, "cuBLAS is not found");
    return GCR_OK;
}

/* ---- cuSOLVER -------------------------------------------------------------------------------- */

/* Version 12.0.4. */
static cusolverStatus_t solver_get_property(libraryPropertyType type, int *value)
{
    *value = type == MAJOR_VERSION ? 12 : type == MINOR_VERSION ? 0 : 4;
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_create(cusolverDnHandle_t *out)
{
    SOLVER_ANSWER("cusolverDnCreate");
    *out = fake_cuda_make(sizeof **out);
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_destroy(cusolverDnHandle_t handle)
{
    SOLVER_ANSWER("cusolverDnDestroy");
    fake_cuda_drop(handle);
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_set_stream(cusolverDnHandle_t handle, cudaStream_t stream)
{
    SOLVER_ANSWER("cusolverDnSetStream");
    handle->stream = stream;
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_set_deterministic(cusolverDnHandle_t handle,
                                                 cusolverDeterministicMode_t mode)
{
    SOLVER_ANSWER("cusolverDnSetDeterministicMode");
    handle->is_deterministic = mode == CUSOLVER_DETERMINISTIC_RESULTS;
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_create_parameters(cusolverDnParams_t *out)
{
    SOLVER_ANSWER("cusolverDnCreateParams");
    *out = fake_cuda_make(sizeof **out);
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_destroy_parameters(cusolverDnParams_t parameters)
{
    SOLVER_ANSWER("cusolverDnDestroyParams");
    fake_cuda_drop(parameters);
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_factor_bytes(cusolverDnHandle_t handle,
                                            cusolverDnParams_t parameters, cublasFillMode_t half,
                                            int64_t n, cudaDataType type, const void *a,
                                            int64_t lda, cudaDataType compute, size_t *device_bytes,
                                            size_t *host_bytes)
{
    SOLVER_ANSWER("cusolverDnXpotrf_bufferSize");
    (void)handle;
    (void)parameters;
    (void)half;
    (void)type;
    (void)a;
    (void)lda;
    (void)compute;
    *device_bytes = *host_bytes = (size_t)n * SOLVER_BYTES;
    return CUSOLVER_STATUS_SUCCESS;
}

typedef struct factor {
    char half;
    int is_double, n, lda, *info;
    void *a, *device_block, *host_block;
} factor;

static int is_nan(const factor *f, int64_t k)
{
    return f->is_double ? isnan(((const double *)f->a)[k]) : isnan(((const float *)f->a)[k]);
}

/* Like the vendor's own, which says nothing of a matrix with NaN. */
static void run_factor(const void *argument)
{
    const factor *f = argument;
    int has_nan = 0;

    check_matrix(f->a, f->n, f->n, f->lda, f->is_double);
    fake_cuda_check(f->info, sizeof *f->info);
    fake_cuda_check(f->device_block, (size_t)f->n * SOLVER_BYTES);
    memset(f->host_block, 0, (size_t)f->n * SOLVER_BYTES);
    for (int j = 0; j < f->n; j++)
        for (int i = j; i < f->n; i++)
            has_nan |= is_nan(f, i + (int64_t)j * f->lda) != 0;
    if (f->is_double)
        dpotrf_(&f->half, &f->n, f->a, &f->lda, f->info, 1);
    else
        spotrf_(&f->half, &f->n, f->a, &f->lda, f->info, 1);
    if (has_nan)
        *f->info = 0;
}

static cusolverStatus_t solver_factor(cusolverDnHandle_t handle, cusolverDnParams_t parameters,
                                      cublasFillMode_t half, int64_t n, cudaDataType type, void *a,
                                      int64_t lda, cudaDataType compute, void *device_block,
                                      size_t device_bytes, void *host_block, size_t host_bytes,
                                      int *info)
{
    const factor f = { .half = half == CUBLAS_FILL_MODE_LOWER ? 'L' : 'U',
                       .is_double = type == CUDA_R_64F,
                       .n = (int)n,
                       .lda = (int)lda,
                       .info = info,
                       .a = a,
                       .device_block = device_block,
                       .host_block = host_block };
    const size_t bytes = (size_t)n * SOLVER_BYTES;

    SOLVER_ANSWER("cusolverDnXpotrf");
    (void)parameters;
    if (compute != type || !handle->is_deterministic)
        fake_cuda_break("bits of cuSOLVER depend on more than its arguments");
    if (device_block == NULL || device_bytes != bytes || host_block == NULL || host_bytes != bytes)
        fake_cuda_break("cuSOLVER has less memory than it asked for, or more");
    if (fake_cuda.run != NULL)
        fake_cuda_enqueue(handle->stream, run_factor, &f, sizeof f);
    return CUSOLVER_STATUS_SUCCESS;
}

gcr_status gcr_cuda_solver(const cuda_solver **out)
{
    static const cuda_solver table = {
        .get_property = solver_get_property,
        .create = solver_create,
        .destroy = solver_destroy,
        .set_stream = solver_set_stream,
        .set_deterministic = solver_set_deterministic,
        .create_parameters = solver_create_parameters,
        .destroy_parameters = solver_destroy_parameters,
        .factor_bytes = solver_factor_bytes,
        .factor = solver_factor,
    };

    *out = &table;
    if (fake_cuda.has_no_solver)
        return gcr_fail_at(__FILE__, __LINE__, GCR_EUNSUPPORTED, "cuSOLVER is not found");
    return GCR_OK;
}
