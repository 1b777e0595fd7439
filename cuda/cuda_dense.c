/* cuda/cuda_dense.c -- see cuda_dense.h. */
#include "cuda/cuda_dense.h"

#include "cuda/cuda_blas.h"

#include <stdlib.h>

enum { WORKSPACE_BYTES = 32 << 20 }; /* what NVIDIA says cuBLAS wants on sm_90 */

struct cuda_dense {
    cudaStream_t stream; /* `work` of the queue */
    const cuda_blas *blas;
    cublasHandle_t blas_handle;
    void *workspace;
    int has_blas; /* all of that */

    const cuda_solver *solver; /* NULL until a matrix is for cuSOLVER */
    cusolverDnHandle_t solver_handle;
    cusolverDnParams_t solver_parameters;
    void *solver_block, *solver_host; /* the most that any matrix so far has asked for */
    uint64_t solver_block_bytes, solver_host_bytes;
};

/* ---- what the libraries say ------------------------------------------------------------------ */

/* A GPU that was lost is CUDA's to tell, of the stream: these libraries have a runtime of their
 * own, whose last error is not this one's. */
static gcr_status find_loss(const cuda_dense *dense)
{
    gcr_cuda_note(cudaStreamQuery(dense->stream));
    return gcr_cuda_usable();
}

static gcr_status fail_blas(const cuda_dense *dense, const char *doing, cublasStatus_t answer,
                            int is_short)
{
    gcr_status status = GCR_OK;

    GCR_TRY(find_loss(dense));
    GCR_FAIL(is_short ? GCR_ENOMEM : GCR_EDEVICE, "cuBLAS cannot %s: %s", doing,
             dense->blas->status_string(answer));
out:
    return status;
}

/* It has no sentences of its own. */
static gcr_status fail_solver(const cuda_dense *dense, const char *doing, cusolverStatus_t answer,
                              int is_short)
{
    gcr_status status = GCR_OK;

    GCR_TRY(find_loss(dense));
    GCR_FAIL(is_short ? GCR_ENOMEM : GCR_EDEVICE, "cuSOLVER cannot %s: status %d", doing,
             (int)answer);
out:
    return status;
}

#define BLAS(doing, call)                                                                          \
    do {                                                                                           \
        cublasStatus_t answer_;                                                                    \
                                                                                                   \
        GCR_TRY(gcr_cuda_usable());                                                                \
        answer_ = (call);                                                                          \
        if (answer_ != CUBLAS_STATUS_SUCCESS)                                                      \
            GCR_TRY(fail_blas(dense, (doing), answer_, answer_ == CUBLAS_STATUS_ALLOC_FAILED));    \
    } while (0)

#define SOLVER(doing, call)                                                                        \
    do {                                                                                           \
        cusolverStatus_t answer_;                                                                  \
                                                                                                   \
        GCR_TRY(gcr_cuda_usable());                                                                \
        answer_ = (call);                                                                          \
        if (answer_ != CUSOLVER_STATUS_SUCCESS)                                                    \
            GCR_TRY(                                                                               \
                fail_solver(dense, (doing), answer_, answer_ == CUSOLVER_STATUS_ALLOC_FAILED));    \
    } while (0)

/* ---- to start them --------------------------------------------------------------------------- */

/* A handle takes memory that is not from our pool. Where there is none, the libraries say that they
 * cannot start, or that something within them is wrong, rather than that. */
static gcr_status create_blas(cuda_dense *dense)
{
    const cublasStatus_t answer = dense->blas->create(&dense->blas_handle);

    if (answer == CUBLAS_STATUS_SUCCESS)
        return GCR_OK;
    dense->blas_handle = NULL;
    return fail_blas(dense, "start", answer,
                     answer == CUBLAS_STATUS_ALLOC_FAILED ||
                         answer == CUBLAS_STATUS_NOT_INITIALIZED ||
                         answer == CUBLAS_STATUS_INTERNAL_ERROR);
}

static gcr_status create_solver(cuda_dense *dense)
{
    const cusolverStatus_t answer = dense->solver->create(&dense->solver_handle);

    if (answer == CUSOLVER_STATUS_SUCCESS)
        return GCR_OK;
    dense->solver_handle = NULL;
    return fail_solver(dense, "start", answer,
                       answer == CUSOLVER_STATUS_ALLOC_FAILED ||
                           answer == CUSOLVER_STATUS_NOT_INITIALIZED ||
                           answer == CUSOLVER_STATUS_INTERNAL_ERROR);
}

/* The pool keeps what was freed, and may be what the library lacks. */
static gcr_status start(cuda_dense *dense, cuda_device *device,
                        gcr_status (*create)(cuda_dense *dense))
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_cuda_usable());
    status = create(dense);
    if (status == GCR_ENOMEM) {
        GCR_TRY(gcr_cuda_give_back(device));
        status = create(dense);
    }
out:
    return status;
}

/* ---- cuBLAS ---------------------------------------------------------------------------------- */

static cudaDataType type_of(gcr_scalar scalar)
{
    return scalar == GCR_F64 ? CUDA_R_64F : CUDA_R_32F;
}

/* A stream takes the workspace away: it comes first. Additions in any order are refused. */
static gcr_status open_blas(cuda_dense *dense, cuda_queue *queue)
{
    gcr_status status = GCR_OK;

    dense->stream = queue->work.stream;
    GCR_TRY(gcr_cuda_blas(&dense->blas));
    GCR_TRY(start(dense, cuda_device_of(queue->base.device), create_blas));
    BLAS("take a stream", dense->blas->set_stream(dense->blas_handle, queue->work.stream));
    GCR_TRY(gcr_cuda_allocate(&dense->workspace, cuda_device_of(queue->base.device),
                              WORKSPACE_BYTES, "allocate the workspace of cuBLAS on the GPU"));
    BLAS("take its workspace",
         dense->blas->set_workspace(dense->blas_handle, dense->workspace, WORKSPACE_BYTES));
    BLAS("do without atomics",
         dense->blas->set_atomics(dense->blas_handle, CUBLAS_ATOMICS_NOT_ALLOWED));
    dense->has_blas = 1;
out:
    return status;
}

/* Doubles may go through the tensor cores, which round them as everybody does; floats may not. */
gcr_status gcr_cuda_dense_multiply(cuda_queue *queue, gcr_scalar scalar, const gcr_grid *grid,
                                   const gcr_product *p)
{
    gcr_status status = GCR_OK;
    cuda_dense *dense = queue->dense;
    const int is_double = scalar == GCR_F64;
    const float alpha = (float)p->alpha, beta = (float)p->beta;
    const cudaDataType type = type_of(scalar);
    const uint64_t bytes = gcr_scalar_bytes(scalar);
    const int ld = (int)grid->ld;
    char *values = grid->matrices;

    BLAS("multiply blocks of matrices",
         dense->blas->multiply(
             dense->blas_handle, p->a_is_across ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_OP_T, (int)p->m,
             (int)p->n, (int)p->k, is_double ? (const void *)&p->alpha : &alpha,
             values + (uint64_t)p->a * bytes, type, ld, grid->stride,
             values + (uint64_t)p->b * bytes, type, ld, grid->stride,
             is_double ? (const void *)&p->beta : &beta, values + (uint64_t)p->c * bytes, type, ld,
             grid->stride, grid->slots,
             is_double ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F_PEDANTIC, CUBLAS_GEMM_DEFAULT));
    queue->work.issued++;
out:
    return status;
}

/* ---- cuSOLVER -------------------------------------------------------------------------------- */

static gcr_status open_solver(cuda_dense *dense, const cuda_queue *queue)
{
    gcr_status status = GCR_OK;

    if (dense->solver_parameters != NULL)
        goto out;
    GCR_TRY(gcr_cuda_solver(&dense->solver));
    if (dense->solver_handle == NULL)
        GCR_TRY(start(dense, cuda_device_of(queue->base.device), create_solver));
    SOLVER("take a stream", dense->solver->set_stream(dense->solver_handle, queue->work.stream));
    SOLVER("be deterministic",
           dense->solver->set_deterministic(dense->solver_handle, CUSOLVER_DETERMINISTIC_RESULTS));
    SOLVER("take parameters", dense->solver->create_parameters(&dense->solver_parameters));
out:
    return status;
}

/* What cuSOLVER wants beside a matrix: it is given that and no more, as it may compute in another
 * way where there is more. No entry is looked at: any address of the GPU stands for the matrix. */
static gcr_status ask_solver(size_t *block_bytes_out, size_t *host_bytes_out,
                             const cuda_dense *dense, gcr_scalar scalar, const gcr_grid *grid)
{
    gcr_status status = GCR_OK;
    const cudaDataType type = type_of(scalar);

    SOLVER("say what memory it needs",
           dense->solver->factor_bytes(dense->solver_handle, dense->solver_parameters,
                                       CUBLAS_FILL_MODE_LOWER, grid->rows, type, dense->workspace,
                                       grid->ld, type, block_bytes_out, host_bytes_out));
out:
    return status;
}

/* What is there may be read until the matrix before is factored. */
static gcr_status reserve_solver_host(cuda_queue *queue, size_t bytes)
{
    gcr_status status = GCR_OK;
    cuda_dense *dense = queue->dense;

    if (dense->solver_host_bytes >= bytes)
        goto out;
    if (dense->solver_host != NULL)
        GCR_CUDA("compute a batch", cudaStreamSynchronize(queue->work.stream));
    free(dense->solver_host);
    dense->solver_host_bytes = 0;
    dense->solver_host = malloc(bytes);
    if (dense->solver_host == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for cuSOLVER");
    dense->solver_host_bytes = bytes;
out:
    return status;
}

/* Other matrices of the batch may be larger, or smaller: what is there only grows. */
static gcr_status reserve_solver(cuda_queue *queue, gcr_scalar scalar, const gcr_grid *grid)
{
    gcr_status status = GCR_OK;
    cuda_dense *dense = queue->dense;
    size_t block_bytes = 0, host_bytes = 0;

    GCR_TRY(ask_solver(&block_bytes, &host_bytes, dense, scalar, grid));
    GCR_TRY(gcr_cuda_reserve(&dense->solver_block, &dense->solver_block_bytes,
                             cuda_device_of(queue->base.device), block_bytes,
                             "allocate the workspace of cuSOLVER on the GPU"));
    GCR_TRY(reserve_solver_host(queue, host_bytes));
out:
    return status;
}

gcr_status gcr_cuda_dense_factor(cuda_queue *queue, gcr_scalar scalar, const gcr_grid *grid)
{
    gcr_status status = GCR_OK;
    const cuda_dense *dense = queue->dense;
    const cudaDataType type = type_of(scalar);
    size_t block_bytes = 0, host_bytes = 0;

    GCR_TRY(ask_solver(&block_bytes, &host_bytes, dense, scalar, grid));
    if (host_bytes > 0)
        GCR_CUDA("compute a batch", cudaStreamSynchronize(queue->work.stream));
    SOLVER("factor a matrix",
           dense->solver->factor(dense->solver_handle, dense->solver_parameters,
                                 CUBLAS_FILL_MODE_LOWER, grid->rows, type, grid->matrices, grid->ld,
                                 type, dense->solver_block, block_bytes, dense->solver_host,
                                 host_bytes, grid->minors));
    queue->work.issued++;
out:
    return status;
}

/* ---- both ------------------------------------------------------------------------------------ */

static gcr_status open_dense(cuda_queue *queue)
{
    gcr_status status = GCR_OK;

    if (queue->dense == NULL)
        queue->dense = calloc(1, sizeof *queue->dense);
    if (queue->dense == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for large matrices");
    if (!queue->dense->has_blas)
        GCR_TRY(open_blas(queue->dense, queue));
out:
    if (status != GCR_OK)
        gcr_cuda_dense_close(queue);
    return status;
}

gcr_status gcr_cuda_dense_open(cuda_queue *queue, gcr_scalar scalar, const gcr_grid *grid)
{
    gcr_status status = GCR_OK;

    GCR_TRY(open_dense(queue));
    if (grid->is_lower) {
        GCR_TRY(open_solver(queue->dense, queue));
        GCR_TRY(reserve_solver(queue, scalar, grid));
    }
out:
    return status;
}

void gcr_cuda_dense_close(cuda_queue *queue)
{
    cuda_dense *dense = queue->dense;
    cuda_device *device = cuda_device_of(queue->base.device);

    if (dense == NULL)
        return;
    if (dense->solver_parameters != NULL && !gcr_cuda_is_lost())
        (void)dense->solver->destroy_parameters(dense->solver_parameters);
    if (dense->solver_handle != NULL && !gcr_cuda_is_lost())
        (void)dense->solver->destroy(dense->solver_handle);
    if (dense->blas_handle != NULL && !gcr_cuda_is_lost())
        (void)dense->blas->destroy(dense->blas_handle);
    gcr_cuda_free(device, dense->solver_block);
    gcr_cuda_free(device, dense->workspace);
    free(dense->solver_host);
    free(dense);
    queue->dense = NULL;
}
