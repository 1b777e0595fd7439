/*
 * bench/gpu/gpu.h -- a GPU for the benchmarks that speak to CUDA themselves: what it can do at
 * most, and what the libraries of its vendor do. Everything that measures gridcrunch goes through
 * the seam instead.
 *
 * One stream, two events; code is compiled as that of the module is.
 */
#ifndef GCR_BENCH_GPU_H
#define GCR_BENCH_GPU_H

#include "bench.h"
#include "cuda/cuda_check.h"

#include <stdint.h>

enum { BENCH_GPU_NONE = 77 }; /* the exit code where there is no GPU */

typedef struct bench_gpu {
    char name[128];
    int capability, units; /* 90 for 9.0; multiprocessors */
    uint64_t free_bytes;   /* when it was opened          */
    cudaStream_t stream;
    cudaEvent_t begin, end;
} bench_gpu;

/* The first GPU. GCR_EUNSUPPORTED: there is none, and the sentence says why. */
GCR_MUST_CHECK gcr_status bench_gpu_open(bench_gpu *out);

void bench_gpu_close(bench_gpu *gpu);

/* Closes it, and is bench_end(), but for a machine without a GPU: its exit code is
 * BENCH_GPU_NONE. */
int bench_gpu_end(bench_gpu *gpu, bench *b, gcr_status status);

/* Says what failed, and lets a bench go on with what it measures next; but not where the GPU was
 * lost. *failed_out keeps what it is. */
GCR_MUST_CHECK gcr_status bench_gpu_go_on(gcr_status *failed_out, gcr_status status);

/* Plain memory of the device. The caller calls cudaFree(). GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status bench_gpu_allocate(void **out_dev, uint64_t bytes);

/* The stream has nothing left to do. */
GCR_MUST_CHECK gcr_status bench_gpu_sync(const bench_gpu *gpu);

/* Copies, enqueued behind all else and waited for. */
GCR_MUST_CHECK gcr_status bench_gpu_upload(const bench_gpu *gpu, void *to_dev, const void *from,
                                           uint64_t bytes);
GCR_MUST_CHECK gcr_status bench_gpu_download(const bench_gpu *gpu, void *to, const void *from_dev,
                                             uint64_t bytes);

/* Each byte is `value` once the stream comes to it. */
GCR_MUST_CHECK gcr_status bench_gpu_set(const bench_gpu *gpu, void *block_dev, int value,
                                        uint64_t bytes);

/* What is enqueued between the two, in seconds of the GPU; the second one waits for it. */
GCR_MUST_CHECK gcr_status bench_gpu_start(const bench_gpu *gpu);
GCR_MUST_CHECK gcr_status bench_gpu_stop(double *seconds_out, const bench_gpu *gpu);

#endif /* GCR_BENCH_GPU_H */
