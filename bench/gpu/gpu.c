/* bench/gpu/gpu.c -- see gpu.h. */
#include "gpu/gpu.h"

#include "cuda/cuda_backend.h"

#include <stdio.h>

static gcr_status describe(bench_gpu *gpu)
{
    gcr_status status = GCR_OK;
    struct cudaDeviceProp properties;
    size_t free_bytes, total_bytes;

    GCR_CUDA("ask the GPU what it is", cudaGetDeviceProperties(&properties, 0));
    snprintf(gpu->name, sizeof gpu->name, "%.*s", (int)sizeof gpu->name - 1, properties.name);
    gpu->capability = properties.major * 10 + properties.minor;
    gpu->units = properties.multiProcessorCount;
    GCR_CUDA("ask the GPU for its memory", cudaMemGetInfo(&free_bytes, &total_bytes));
    gpu->free_bytes = free_bytes;
    bench_say("%s, compute capability %d.%d, %d multiprocessors, %d MB of L2, %.1f of %.1f GB free",
              gpu->name, properties.major, properties.minor, gpu->units,
              properties.l2CacheSize >> 20, 1e-9 * (double)free_bytes, 1e-9 * (double)total_bytes);
out:
    return status;
}

gcr_status bench_gpu_open(bench_gpu *out)
{
    gcr_status status = GCR_OK;
    char why[256];
    int count;

    *out = (bench_gpu){ 0 };
    GCR_TRY(gcr_cuda_device_count(&count, why, sizeof why));
    if (count == 0)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s", why);
    GCR_CUDA("turn to the GPU", cudaSetDevice(0));
    GCR_TRY(describe(out));
    GCR_CUDA("open a stream", cudaStreamCreateWithFlags(&out->stream, cudaStreamNonBlocking));
    GCR_CUDA("open an event", cudaEventCreate(&out->begin));
    GCR_CUDA("open an event", cudaEventCreate(&out->end));
out:
    return status;
}

void bench_gpu_close(bench_gpu *gpu)
{
    if (gpu->end != NULL)
        GCR_CUDA_CLOSE(cudaEventDestroy(gpu->end));
    if (gpu->begin != NULL)
        GCR_CUDA_CLOSE(cudaEventDestroy(gpu->begin));
    if (gpu->stream != NULL)
        GCR_CUDA_CLOSE(cudaStreamDestroy(gpu->stream));
    *gpu = (bench_gpu){ 0 };
}

int bench_gpu_end(bench_gpu *gpu, bench *b, gcr_status status)
{
    const int is_there = gpu->units > 0, code = bench_end(b, status);

    bench_gpu_close(gpu);
    return is_there || status != GCR_EUNSUPPORTED ? code : BENCH_GPU_NONE;
}

gcr_status bench_gpu_go_on(gcr_status *failed_out, gcr_status status)
{
    if (status == GCR_OK)
        return GCR_OK;
    bench_say("FAILED: %s", gcr_last_error());
    *failed_out = status;
    return gcr_cuda_usable();
}

gcr_status bench_gpu_allocate(void **out_dev, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    *out_dev = NULL;
    GCR_CUDA("allocate memory of the GPU", cudaMalloc(out_dev, bytes));
out:
    return status;
}

gcr_status bench_gpu_sync(const bench_gpu *gpu)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("wait for the GPU", cudaStreamSynchronize(gpu->stream));
out:
    return status;
}

gcr_status bench_gpu_upload(const bench_gpu *gpu, void *to_dev, const void *from, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("copy to the GPU",
             cudaMemcpyAsync(to_dev, from, bytes, cudaMemcpyHostToDevice, gpu->stream));
    GCR_TRY(bench_gpu_sync(gpu));
out:
    return status;
}

gcr_status bench_gpu_download(const bench_gpu *gpu, void *to, const void *from_dev, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("copy from the GPU",
             cudaMemcpyAsync(to, from_dev, bytes, cudaMemcpyDeviceToHost, gpu->stream));
    GCR_TRY(bench_gpu_sync(gpu));
out:
    return status;
}

gcr_status bench_gpu_set(const bench_gpu *gpu, void *block_dev, int value, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("set memory of the GPU", cudaMemsetAsync(block_dev, value, bytes, gpu->stream));
out:
    return status;
}

gcr_status bench_gpu_start(const bench_gpu *gpu)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("mark the beginning", cudaEventRecord(gpu->begin, gpu->stream));
out:
    return status;
}

gcr_status bench_gpu_stop(double *seconds_out, const bench_gpu *gpu)
{
    gcr_status status = GCR_OK;
    float milliseconds = 0;

    GCR_CUDA("mark the end", cudaEventRecord(gpu->end, gpu->stream));
    GCR_CUDA("wait for the GPU", cudaEventSynchronize(gpu->end));
    GCR_CUDA("read the time", cudaEventElapsedTime(&milliseconds, gpu->begin, gpu->end));
    *seconds_out = 1e-3 * (double)milliseconds;
out:
    return status;
}
