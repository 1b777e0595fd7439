/*
 * cuda/cuda_generate.c -- synthetic datasets, made by the GPU.
 *
 * On the stream of uploads, in place of one: whatever is enqueued as work after it waits for it,
 * and datasets that wait to be prepared together go on waiting.
 */
#include "cuda/cuda_unit.h"
#include "cuda/generate_launch.h"

gcr_status gcr_cuda_generate(gcr_queue *base, const gcr_generate_args *args)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;
    cuda_device *device = cuda_device_of(base->device);
    const uint64_t blocks =
        ((uint64_t)args->recipe.rows + GCR_GENERATE_THREADS - 1) / GCR_GENERATE_THREADS;
    gcr_generate_launch argument = { .recipe = args->recipe,
                                     .standard = args->standard,
                                     .x = args->x,
                                     .y = args->y,
                                     .is_single = args->scalar == GCR_F32 };

    GCR_TRY(gcr_cuda_turn(base->device));
    if (queue->generate.kernel == NULL) /* a queue belongs to one thread at a time */
        GCR_TRY(gcr_cuda_unit_open(&queue->generate, device, "generate", "gcr_generate"));
    pthread_mutex_lock(&device->lock);
    status = gcr_cuda_queue_turn_up(queue);
    if (status == GCR_OK)
        status = gcr_cuda_unit_launch(&queue->generate,
                                      gcr_cuda_blocks(base->device, blocks, GCR_CUDA_UNIT_BLOCKS),
                                      GCR_GENERATE_THREADS, &argument, &queue->up);
    pthread_mutex_unlock(&device->lock);
out:
    return status;
}
