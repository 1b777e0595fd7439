/* bench/gpu/ceilings_copies.c -- copies of memory that no cache holds. See ceilings.h. */
#include "gpu/ceilings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct copy_arg {
    const ceilings *c;
    const ceilings_launch *launch; /* NULL: a copy of CUDA's */
    void *to_dev;
    const void *from_dev;
    uint64_t bytes;
} copy_arg;

static gcr_status run_copy(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const copy_arg *const a = arg;
    const bench_gpu *gpu = a->c->gpu;

    GCR_TRY(bench_gpu_start(gpu));
    if (a->launch != NULL)
        GCR_TRY(ceilings_launch_on(a->c, a->launch, gpu->stream));
    else
        GCR_CUDA("copy on the GPU", cudaMemcpyAsync(a->to_dev, a->from_dev, a->bytes,
                                                    cudaMemcpyDeviceToDevice, gpu->stream));
    GCR_TRY(bench_gpu_stop(seconds_out, gpu));
out:
    return status;
}

/* A megabyte at both ends and in the middle. */
static gcr_status compare(const copy_arg *a)
{
    enum { WINDOW = 1 << 20 };
    gcr_status status = GCR_OK;
    const uint64_t places[] = { 0, (a->bytes - WINDOW) / 2, a->bytes - WINDOW };
    char *windows = malloc(2 * WINDOW);

    if (windows == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to compare copies");
    for (int i = 0; i < 3; i++) {
        GCR_TRY(
            bench_gpu_download(a->c->gpu, windows, (const char *)a->from_dev + places[i], WINDOW));
        GCR_TRY(
            bench_gpu_download(a->c->gpu, windows + WINDOW, (char *)a->to_dev + places[i], WINDOW));
        if (memcmp(windows, windows + WINDOW, WINDOW) != 0)
            GCR_FAIL(GCR_EDEVICE, "a copy on the GPU is not what was copied");
    }
out:
    free(windows);
    return status;
}

gcr_status ceilings_measure_copies(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK;
    static bench_side sides[2];
    copy_arg copies[2];
    const uint64_t wanted = UINT64_C(4) << 30, least = c->gpu->free_bytes / 8;
    const uint64_t bytes = (wanted < least ? wanted : least) >> 20 << 20;
    ceilings_launch fill = { .entry = "fill", .blocks = 4096, .threads = 256 };
    ceilings_launch by_kernel = { .entry = "copy",
                                  .blocks = (unsigned)(16 * c->gpu->units),
                                  .threads = 256 };
    void *to_dev = NULL, *from_dev = NULL;

    GCR_TRY(bench_gpu_allocate(&from_dev, bytes));
    GCR_TRY(bench_gpu_allocate(&to_dev, bytes));
    fill.out_dev = from_dev;
    fill.count = bytes / sizeof(double);
    GCR_TRY(ceilings_launch_on(c, &fill, c->gpu->stream));
    by_kernel.out_dev = to_dev;
    by_kernel.in_dev = from_dev;
    by_kernel.count = bytes / 16;
    for (int i = 0; i < 2; i++) {
        copies[i] = (copy_arg){ .c = c,
                                .launch = i == 0 ? NULL : &by_kernel,
                                .to_dev = to_dev,
                                .from_dev = from_dev,
                                .bytes = bytes };
        sides[i] = (bench_side){ .what = i == 0 ? "cudaMemcpyAsync" : "a kernel",
                                 .run = run_copy,
                                 .arg = &copies[i] };
    }
    GCR_TRY(bench_alternate(b, "copy", sides, 2));
    for (int i = 0; i < 2; i++) {
        double seconds;

        GCR_TRY(bench_gpu_set(c->gpu, to_dev, 0xff, bytes));
        GCR_TRY(run_copy(&copies[i], &seconds));
        GCR_TRY(compare(&copies[i]));
        ceilings_say_rate(b, "copy", &sides[i], 2e-12 * (double)bytes, "TB/s");
    }
    bench_ratio(b, "copy_TBps",
                2e-12 * (double)bytes /
                    fmin(bench_spread_of(sides[0].seconds, b->rounds).median,
                         bench_spread_of(sides[1].seconds, b->rounds).median));
out:
    if (to_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(to_dev));
    if (from_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(from_dev));
    return status;
}
