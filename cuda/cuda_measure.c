/* cuda/cuda_measure.c -- see cuda_measure.h; and the work whose time is compared with copies. */
#include "cuda/cuda_measure.h"
#include "cuda/cuda_compile.h"

#include <stdlib.h>

/* Compiling takes a second, for which nobody shall wait who enqueues. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

struct cuda_measure {
    cudaLibrary_t library;
    cudaKernel_t kernels[CUDA_MEASURE_ENTRIES];
};

_Static_assert((int)GCR_MEASURE_PIECES == (int)GCR_SUM_PIECES &&
                   (int)GCR_MEASURE_THREADS == (int)GCR_SUM_LANES,
               "a sum has one order");

/* ---- code ------------------------------------------------------------------------------------ */

static gcr_status load(cuda_device *device, const cuda_image *image)
{
    static const char *const names[CUDA_MEASURE_ENTRIES] = {
        "gcr_gate",      "gcr_copy", "gcr_multiply",   "gcr_tan_f64", "gcr_tan_f32",
        "gcr_sum_parts", "gcr_sum",  "gcr_neighbours", "gcr_apart",
    };
    gcr_status status = GCR_OK;
    struct cuda_measure *measure = device->measure;

    GCR_CUDA("load the code of a kernel",
             cudaLibraryLoadData(&measure->library, image->bytes, NULL, NULL, 0, NULL, NULL, 0));
    for (int e = 0; e < CUDA_MEASURE_ENTRIES; e++)
        GCR_CUDA("find the code of a kernel",
                 cudaLibraryGetKernel(&measure->kernels[e], measure->library, names[e]));
out:
    return status;
}

void gcr_cuda_measure_unload(cuda_device *device)
{
    if (device->measure != NULL && device->measure->library != NULL)
        GCR_CUDA_CLOSE(cudaLibraryUnload(device->measure->library));
    free(device->measure);
    device->measure = NULL;
}

gcr_status gcr_cuda_measure_load(cuda_device *device)
{
    gcr_status status = GCR_OK;
    const cuda_source source = {
        .name = "measure", .path = "measure", .text = "", .unit = "cuda/device/measure_unit.h"
    };
    cuda_image image = { 0 };

    pthread_mutex_lock(&loading);
    if (device->measure != NULL)
        goto out;
    GCR_TRY(gcr_cuda_enter(&device->base));
    device->measure = calloc(1, sizeof *device->measure);
    if (device->measure == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for what is measured");
    GCR_TRY(gcr_cuda_compile_cached(&image, &source, device->capability));
    GCR_TRY(load(device, &image));
out:
    if (status != GCR_OK)
        gcr_cuda_measure_unload(device);
    free(image.log);
    free(image.bytes);
    pthread_mutex_unlock(&loading);
    return status;
}

gcr_status gcr_cuda_measure_launch(cuda_device *device, cuda_measure_entry entry, uint64_t blocks,
                                   int threads, void *argument, cudaStream_t stream)
{
    gcr_status status = GCR_OK;
    const cudaLaunchConfig_t config = { .gridDim = { (unsigned)blocks, 1, 1 },
                                        .blockDim = { (unsigned)threads, 1, 1 },
                                        .stream = stream };
    void *arguments[] = { argument };

    GCR_CUDA(
        "launch what is measured",
        cudaLaunchKernelExC(&config, (const void *)device->measure->kernels[entry], arguments));
out:
    return status;
}

/* ---- work ------------------------------------------------------------------------------------ */

static uint64_t pieces_of(uint64_t n, uint64_t size)
{
    return (n + size - 1) / size;
}

/* As many blocks as have work, and no more than fill the device four times. */
static uint64_t passing_blocks(const cuda_device *device, uint64_t n)
{
    const uint64_t most = 4 * (uint64_t)device->base.info.units;
    const uint64_t full = pieces_of(n, GCR_MEASURE_THREADS);

    return full < most ? full : most;
}

static gcr_status launch_work(cuda_queue *queue, const gcr_work_args *args)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);
    const cudaStream_t stream = queue->work.stream;
    const uint64_t n = args->n, squares = pieces_of(n, GCR_MULTIPLY_TILE);
    gcr_work_launch launch = { .a = args->a->base, .out = args->out->base, .n = n };

    switch (args->kind) {
    case GCR_WORK_MULTIPLY:
        launch.b = args->b->base;
        GCR_TRY(gcr_cuda_measure_launch(device, CUDA_MEASURE_MULTIPLY, squares * squares,
                                        GCR_MULTIPLY_THREADS, &launch, stream));
        break;
    case GCR_WORK_TANGENT:
    case GCR_WORK_TANGENT_F32:
        GCR_TRY(gcr_cuda_measure_launch(
            device,
            args->kind == GCR_WORK_TANGENT ? CUDA_MEASURE_TANGENT : CUDA_MEASURE_TANGENT_F32,
            passing_blocks(device, n), GCR_MEASURE_THREADS, &launch, stream));
        break;
    case GCR_WORK_SUM:
        GCR_TRY(gcr_cuda_measure_launch(device, CUDA_MEASURE_SUM_PARTS, GCR_MEASURE_PIECES,
                                        GCR_MEASURE_THREADS, &launch, stream));
        GCR_TRY(gcr_cuda_measure_launch(device, CUDA_MEASURE_SUM, 1, GCR_MEASURE_THREADS, &launch,
                                        stream));
        break;
    default:
        GCR_TRY(gcr_cuda_measure_launch(
            device, args->kind == GCR_WORK_APART ? CUDA_MEASURE_APART : CUDA_MEASURE_NEIGHBOURS,
            pieces_of(n, GCR_WALK_THREADS), GCR_WALK_THREADS, &launch, stream));
    }
    queue->work.issued++;
out:
    return status;
}

gcr_status gcr_cuda_work(gcr_queue *base, const gcr_work_args *args)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;
    cuda_device *device = cuda_device_of(base->device);

    GCR_TRY(gcr_cuda_measure_load(device));
    pthread_mutex_lock(&device->lock);
    status = gcr_cuda_turn(base->device);
    if (status == GCR_OK)
        status = gcr_cuda_queue_turn_work(queue);
    if (status == GCR_OK)
        status = launch_work(queue, args);
    pthread_mutex_unlock(&device->lock);
out:
    return status;
}
