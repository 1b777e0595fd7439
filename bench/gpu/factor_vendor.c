/*
 * bench/gpu/factor_vendor.c -- cuSOLVER as the rival of bench_factor.c: potrfBatched, one call for
 * each size, and from 512 rows on Xpotrf, matrix after matrix on eight streams.
 */
#include "factor_rival.h"
#include "gpu/gpu.h"
#include "gpu/vendor.h"

#include <stdlib.h>

enum { WAY_LOWER, WAY_UPPER, WAY_STREAMS, WAYS, STREAMS = 8, ROWS_FOR_STREAMS = 512 };

/* One of the streams that Xpotrf runs on. */
typedef struct runner {
    cudaStream_t stream;
    cusolverDnHandle_t handle;
    cudaEvent_t done;
    void *work_dev, *work;
} runner;

struct factor_vendor {
    const factor_task *task;
    bench_gpu gpu;
    const vendor_solver *solver;
    cusolverDnHandle_t handle;
    cusolverDnParams_t params;
    size_t work_dev_bytes, work_bytes; /* of a runner */
    runner runners[STREAMS];
    int has_runners;
    char *work_dev;       /* [sets] of the task's squares           */
    void **at_dev, **at;  /* [sets][matrices] where each begins     */
    int *info_dev, *info; /* [sets][matrices]                      */
};

static uint64_t all_matrices(const factor_vendor *v)
{
    return factor_task_matrices(v->task) * (uint64_t)v->task->sets;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static char *squares_of(const factor_vendor *v, int set, int group)
{
    const gcr_factor_group *groups = v->task->groups;

    return v->work_dev + (uint64_t)set * v->task->square_bytes +
           ((const char *)groups[group].square - (const char *)groups[0].square);
}

static uint64_t matrix_bytes(const factor_vendor *v, int group)
{
    const uint64_t n = (uint64_t)v->task->groups[group].n;

    return n * n * gcr_scalar_bytes(v->task->scalar);
}

static gcr_status open_memory(factor_vendor *v)
{
    gcr_status status = GCR_OK;
    const uint64_t count = all_matrices(v);
    uint64_t k = 0;

    GCR_TRY(
        bench_gpu_allocate((void **)&v->work_dev, (uint64_t)v->task->sets * v->task->square_bytes));
    GCR_TRY(bench_gpu_allocate((void **)&v->at_dev, count * sizeof *v->at));
    GCR_TRY(bench_gpu_allocate((void **)&v->info_dev, count * sizeof *v->info));
    v->at = malloc(count * sizeof *v->at);
    v->info = malloc(count * sizeof *v->info);
    if (v->at == NULL || v->info == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the addresses of %llu matrices",
                 (unsigned long long)count);
    for (int s = 0; s < v->task->sets; s++)
        for (int g = 0; g < v->task->group_count; g++)
            for (uint64_t m = 0; m < v->task->groups[g].count; m++)
                v->at[k++] = squares_of(v, s, g) + m * matrix_bytes(v, g);
    GCR_TRY(bench_gpu_upload(&v->gpu, v->at_dev, v->at, count * sizeof *v->at));
out:
    return status;
}

/* The matrices as they were, and no verdicts. */
static gcr_status restore(const factor_vendor *v)
{
    gcr_status status = GCR_OK;

    for (int s = 0; s < v->task->sets; s++)
        GCR_CUDA("copy on the GPU",
                 cudaMemcpyAsync(squares_of(v, s, 0), v->task->groups[0].square,
                                 v->task->square_bytes, cudaMemcpyDeviceToDevice, v->gpu.stream));
    GCR_TRY(bench_gpu_set(&v->gpu, v->info_dev, 0xff, all_matrices(v) * sizeof *v->info));
    GCR_TRY(bench_gpu_sync(&v->gpu));
out:
    return status;
}

static gcr_status check_verdicts(const factor_vendor *v)
{
    gcr_status status = GCR_OK;
    const uint64_t count = all_matrices(v);

    GCR_TRY(bench_gpu_download(&v->gpu, v->info, v->info_dev, count * sizeof *v->info));
    for (uint64_t k = 0; k < count; k++)
        if (v->info[k] != 0)
            GCR_FAIL(GCR_EDEVICE, "cuSOLVER says %d of matrix %llu", v->info[k],
                     (unsigned long long)k);
out:
    return status;
}

/* ---- potrfBatched ---------------------------------------------------------------------------- */

static gcr_status factor_batch(const factor_vendor *v, const gcr_factor_group *group,
                               uint64_t first, cublasFillMode_t triangle)
{
    gcr_status status = GCR_OK;
    void **const at_dev = v->at_dev + first;
    int *const info_dev = v->info_dev + first;
    const int count = (int)group->count;

    if (v->task->scalar == GCR_F64)
        VENDOR_SOLVER("factor",
                      v->solver->dpotrf_batched(v->handle, triangle, group->n, (double **)at_dev,
                                                group->n, info_dev, count));
    else
        VENDOR_SOLVER("factor",
                      v->solver->spotrf_batched(v->handle, triangle, group->n, (float **)at_dev,
                                                group->n, info_dev, count));
out:
    return status;
}

static gcr_status factor_batches(const factor_vendor *v, cublasFillMode_t triangle)
{
    gcr_status status = GCR_OK;
    uint64_t first = 0;

    for (int s = 0; s < v->task->sets; s++)
        for (int g = 0; g < v->task->group_count; g++) {
            GCR_TRY(factor_batch(v, &v->task->groups[g], first, triangle));
            first += v->task->groups[g].count;
        }
out:
    return status;
}

/* ---- Xpotrf ---------------------------------------------------------------------------------- */

static cudaDataType type_of(const factor_vendor *v)
{
    return v->task->scalar == GCR_F64 ? CUDA_R_64F : CUDA_R_32F;
}

static gcr_status open_runner(factor_vendor *v, runner *r)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("open a stream", cudaStreamCreateWithFlags(&r->stream, cudaStreamNonBlocking));
    GCR_CUDA("open an event", cudaEventCreateWithFlags(&r->done, cudaEventDisableTiming));
    VENDOR_SOLVER("begin", v->solver->create(&r->handle));
    VENDOR_SOLVER("take a stream", v->solver->set_stream(r->handle, r->stream));
    if (v->work_dev_bytes > 0)
        GCR_TRY(bench_gpu_allocate(&r->work_dev, v->work_dev_bytes));
    r->work = malloc(v->work_bytes > 0 ? v->work_bytes : 1);
    if (r->work == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for what cuSOLVER works with");
out:
    return status;
}

static gcr_status open_runners(factor_vendor *v)
{
    gcr_status status = GCR_OK;
    const int64_t n = v->task->groups[0].n;

    VENDOR_SOLVER("begin", v->solver->create_params(&v->params));
    VENDOR_SOLVER("say what it works with",
                  v->solver->potrf_bytes(v->handle, v->params, CUBLAS_FILL_MODE_LOWER, n,
                                         type_of(v), v->work_dev, n, type_of(v), &v->work_dev_bytes,
                                         &v->work_bytes));
    for (int r = 0; r < STREAMS; r++)
        GCR_TRY(open_runner(v, &v->runners[r]));
    v->has_runners = 1;
out:
    return status;
}

/* All begin behind the first event of the main stream, which goes on when all have ended. */
static gcr_status factor_on_streams(const factor_vendor *v)
{
    gcr_status status = GCR_OK;
    const int64_t n = v->task->groups[0].n;
    const uint64_t count = all_matrices(v);

    for (int r = 0; r < STREAMS; r++)
        GCR_CUDA("wait for an event", cudaStreamWaitEvent(v->runners[r].stream, v->gpu.begin, 0));
    for (uint64_t k = 0; k < count; k++) {
        const runner *r = &v->runners[k % STREAMS];

        VENDOR_SOLVER("factor",
                      v->solver->potrf(r->handle, v->params, CUBLAS_FILL_MODE_LOWER, n, type_of(v),
                                       v->at[k], n, type_of(v), r->work_dev, v->work_dev_bytes,
                                       r->work, v->work_bytes, v->info_dev + k));
    }
    for (int r = 0; r < STREAMS; r++) {
        GCR_CUDA("record an event", cudaEventRecord(v->runners[r].done, v->runners[r].stream));
        GCR_CUDA("wait for an event", cudaStreamWaitEvent(v->gpu.stream, v->runners[r].done, 0));
    }
out:
    return status;
}

static void close_runner(factor_vendor *v, runner *r)
{
    free(r->work);
    if (r->work_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(r->work_dev));
    if (r->handle != NULL)
        v->solver->destroy(r->handle);
    if (r->done != NULL)
        GCR_CUDA_CLOSE(cudaEventDestroy(r->done));
    if (r->stream != NULL)
        GCR_CUDA_CLOSE(cudaStreamDestroy(r->stream));
}

/* ---- the rival ------------------------------------------------------------------------------- */

static gcr_status open_vendor(factor_vendor *v)
{
    gcr_status status = GCR_OK;

    GCR_TRY(vendor_solver_open(&v->solver));
    GCR_TRY(bench_gpu_open(&v->gpu));
    VENDOR_SOLVER("begin", v->solver->create(&v->handle));
    VENDOR_SOLVER("take a stream", v->solver->set_stream(v->handle, v->gpu.stream));
    GCR_TRY(open_memory(v));
    if (v->task->group_count == 1 && v->task->groups[0].n >= ROWS_FOR_STREAMS)
        GCR_TRY(open_runners(v));
out:
    return status;
}

gcr_status factor_vendor_open(factor_vendor **out, const bench_device *on, const factor_task *task)
{
    gcr_status status = GCR_OK;
    factor_vendor *v = NULL;

    *out = NULL;
    if (on->index != 0) {
        bench_say("%s: cuSOLVER is measured on the first GPU alone", on->label);
        goto out;
    }
    v = calloc(1, sizeof *v);
    if (v == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a rival");
    v->task = task;
    status = open_vendor(v);
    if (status == GCR_EUNSUPPORTED) {
        bench_say("no rival: %s", gcr_last_error());
        status = GCR_OK;
        goto out;
    }
    if (status != GCR_OK)
        goto out;
    *out = v;
    v = NULL;
out:
    factor_vendor_close(v);
    return status;
}

void factor_vendor_close(factor_vendor *v)
{
    if (v == NULL)
        return;
    for (int r = 0; r < STREAMS; r++)
        close_runner(v, &v->runners[r]);
    if (v->params != NULL)
        v->solver->destroy_params(v->params);
    if (v->handle != NULL)
        v->solver->destroy(v->handle);
    if (v->info_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(v->info_dev));
    if (v->at_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(v->at_dev));
    if (v->work_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(v->work_dev));
    free(v->info);
    free(v->at);
    bench_gpu_close(&v->gpu);
    free(v);
}

const char *factor_vendor_way(const factor_vendor *v, int way)
{
    static const char *const ways[WAYS] = { "potrfBatched L", "potrfBatched U",
                                            "Xpotrf on 8 streams" };

    return way < (v->has_runners ? WAYS : WAY_STREAMS) ? ways[way] : NULL;
}

gcr_status factor_vendor_run(factor_vendor *v, int way, double *seconds_out)
{
    gcr_status status = GCR_OK;
    double seconds;

    GCR_TRY(restore(v));
    GCR_TRY(bench_gpu_start(&v->gpu));
    if (way == WAY_STREAMS)
        GCR_TRY(factor_on_streams(v));
    else
        GCR_TRY(
            factor_batches(v, way == WAY_LOWER ? CUBLAS_FILL_MODE_LOWER : CUBLAS_FILL_MODE_UPPER));
    GCR_TRY(bench_gpu_stop(&seconds, &v->gpu));
    GCR_TRY(check_verdicts(v));
    *seconds_out = seconds / (double)all_matrices(v);
out:
    return status;
}
