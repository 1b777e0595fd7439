/* cuda/cuda_measure.c -- see cuda_measure.h; and the work whose time is compared with copies. */
#include "cuda/cuda_measure.h"
#include "cuda/cuda_unit.h"

#include <stdlib.h>

/* Compiling takes a second, for which nobody shall wait who enqueues. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

/* One text with many entries: the library is the first one's. */
struct cuda_measure {
    cuda_unit units[CUDA_MEASURE_ENTRIES];
};

_Static_assert((int)GCR_MEASURE_PIECES == (int)GCR_SUM_PIECES &&
                   (int)GCR_MEASURE_THREADS == (int)GCR_SUM_LANES,
               "a sum has one order");

/* ---- code ------------------------------------------------------------------------------------ */

static gcr_status load(cuda_unit units[CUDA_MEASURE_ENTRIES], const cuda_device *device)
{
    static const char *const names[CUDA_MEASURE_ENTRIES] = {
        "gcr_gate",      "gcr_copy", "gcr_multiply",   "gcr_tan_f64", "gcr_tan_f32",
        "gcr_sum_parts", "gcr_sum",  "gcr_neighbours", "gcr_apart",
    };
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_cuda_unit_open(&units[0], device, "measure", names[0]));
    for (int e = 1; e < CUDA_MEASURE_ENTRIES; e++)
        GCR_CUDA("find the code of a kernel",
                 cudaLibraryGetKernel(&units[e].kernel, units[0].library, names[e]));
out:
    return status;
}

void gcr_cuda_measure_unload(cuda_device *device)
{
    if (device->measure != NULL)
        gcr_cuda_unit_close(&device->measure->units[0]);
    free(device->measure);
    device->measure = NULL;
}

gcr_status gcr_cuda_measure_load(cuda_device *device)
{
    gcr_status status = GCR_OK;

    pthread_mutex_lock(&loading);
    if (device->measure != NULL)
        goto out;
    GCR_TRY(gcr_cuda_enter(&device->base));
    device->measure = calloc(1, sizeof *device->measure);
    if (device->measure == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for what is measured");
    GCR_TRY(load(device->measure->units, device));
out:
    if (status != GCR_OK)
        gcr_cuda_measure_unload(device);
    pthread_mutex_unlock(&loading);
    return status;
}

gcr_status gcr_cuda_measure_launch(cuda_device *device, cuda_measure_entry entry, uint64_t blocks,
                                   int threads, void *argument, cuda_lane *lane)
{
    return gcr_cuda_unit_launch(&device->measure->units[entry], blocks, threads, argument, lane);
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
    cuda_lane *lane = &queue->work;
    const uint64_t n = args->n, squares = pieces_of(n, GCR_MULTIPLY_TILE);
    gcr_work_launch launch = { .a = args->a->base, .out = args->out->base, .n = n };

    switch (args->kind) {
    case GCR_WORK_MULTIPLY:
        launch.b = args->b->base;
        GCR_TRY(gcr_cuda_measure_launch(device, CUDA_MEASURE_MULTIPLY, squares * squares,
                                        GCR_MULTIPLY_THREADS, &launch, lane));
        break;
    case GCR_WORK_TANGENT:
    case GCR_WORK_TANGENT_F32:
        GCR_TRY(gcr_cuda_measure_launch(
            device,
            args->kind == GCR_WORK_TANGENT ? CUDA_MEASURE_TANGENT : CUDA_MEASURE_TANGENT_F32,
            passing_blocks(device, n), GCR_MEASURE_THREADS, &launch, lane));
        break;
    case GCR_WORK_SUM:
        GCR_TRY(gcr_cuda_measure_launch(device, CUDA_MEASURE_SUM_PARTS, GCR_MEASURE_PIECES,
                                        GCR_MEASURE_THREADS, &launch, lane));
        GCR_TRY(gcr_cuda_measure_launch(device, CUDA_MEASURE_SUM, 1, GCR_MEASURE_THREADS, &launch,
                                        lane));
        break;
    default:
        GCR_TRY(gcr_cuda_measure_launch(
            device, args->kind == GCR_WORK_APART ? CUDA_MEASURE_APART : CUDA_MEASURE_NEIGHBOURS,
            pieces_of(n, GCR_WALK_THREADS), GCR_WALK_THREADS, &launch, lane));
    }
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
