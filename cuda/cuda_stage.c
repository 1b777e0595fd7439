/*
 * cuda/cuda_stage.c -- memory of the host that is not pinned goes up through stages that are.
 *
 * What is uploaded is laid one behind the other into a stage until it has no room for the next, so
 * that ten thousand small datasets take as many stages as their bytes do. The end of a stage is
 * marked when it is turned away from, and waited for when its turn comes again: by the thread whose
 * queue it is, which holds no lock then. Filling needs none either; the device's is held while a
 * copy is enqueued.
 */
#include "cuda/cuda_backend.h"

#include "base/cpus.h"

#include <string.h>

enum { BETWEEN = 256 }; /* what is uploaded begins on multiples */

gcr_status gcr_cuda_stages_open(cuda_queue *queue)
{
    gcr_status status = GCR_OK;

    for (int s = 0; s < GCR_CUDA_STAGES; s++) {
        cuda_stage *stage = &queue->stages[s];

        GCR_CUDA("allocate pinned memory",
                 cudaHostAlloc((void **)&stage->block, GCR_CUDA_STAGE_BYTES, cudaHostAllocDefault));
        GCR_TRY(gcr_cuda_host_event_open(&stage->free));
    }
out:
    return status;
}

void gcr_cuda_stages_close(cuda_queue *queue)
{
    for (int s = 0; s < GCR_CUDA_STAGES; s++) {
        if (queue->stages[s].free != NULL)
            GCR_CUDA_CLOSE(cudaEventDestroy(queue->stages[s].free));
        if (queue->stages[s].block != NULL)
            GCR_CUDA_CLOSE(cudaFreeHost(queue->stages[s].block));
    }
}

/* ---- filling --------------------------------------------------------------------------------- */

/* A block that several threads copy. */
typedef struct shared_copy {
    char *to;
    const char *from;
    uint64_t bytes;
    int threads;
} shared_copy;

static void copy_share(void *arg, int worker)
{
    const shared_copy *c = arg;
    const uint64_t share = (c->bytes / (uint64_t)c->threads + 63) / 64 * 64;
    const uint64_t first = share * (uint64_t)worker;

    if (first < c->bytes)
        memcpy(c->to + first, c->from + first, c->bytes - first < share ? c->bytes - first : share);
}

/* The threads of the device, which start with the first such copy. */
static gcr_status copy_by_all(cuda_device *device, shared_copy *copy, int threads)
{
    gcr_status status = GCR_OK;

    pthread_mutex_lock(&device->copiers_lock);
    if (device->copiers == NULL)
        GCR_TRY(gcr_pool_create(&device->copiers, threads));
    copy->threads = gcr_pool_size(device->copiers);
    gcr_pool_start(device->copiers, copy_share, copy);
    gcr_pool_wait(device->copiers, -1);
out:
    pthread_mutex_unlock(&device->copiers_lock);
    return status;
}

/* A whole stage is copied by several threads: one reads slower than a bus of today writes (a core
 * 26 to 34 GB/s, a bus 55; published and measured elsewhere). */
static gcr_status fill(cuda_device *device, char *to, const char *from, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const int cpus = gcr_cpu_count();
    shared_copy copy = { .to = to, .from = from, .bytes = bytes };

    if (bytes < GCR_CUDA_STAGE_BYTES || cpus == 1)
        memcpy(to, from, bytes);
    else
        GCR_TRY(copy_by_all(device, &copy, cpus < GCR_CUDA_COPIERS ? cpus : GCR_CUDA_COPIERS));
out:
    return status;
}

/* ---- in turn --------------------------------------------------------------------------------- */

/* Copies from the stage in hand may be under way; those from the next, the oldest, are waited
 * for. */
static gcr_status turn_to_next(cuda_queue *queue)
{
    gcr_status status = GCR_OK;
    cuda_stage *stage = &queue->stages[queue->stage];

    GCR_CUDA("record an event", cudaEventRecord(stage->free, queue->up.stream));
    stage->is_used = 1;
    queue->stage = (queue->stage + 1) % GCR_CUDA_STAGES;
    stage = &queue->stages[queue->stage];
    if (stage->is_used)
        GCR_CUDA("copy to the GPU", cudaEventSynchronize(stage->free));
    stage->is_used = 0;
    stage->filled = 0;
out:
    return status;
}

/* At most a stage full. */
static gcr_status take_room(char **out, cuda_queue *queue, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    cuda_stage *stage = &queue->stages[queue->stage];

    if (GCR_CUDA_STAGE_BYTES - stage->filled < bytes) {
        GCR_TRY(turn_to_next(queue));
        stage = &queue->stages[queue->stage];
    }
    *out = stage->block + stage->filled;
    stage->filled += (bytes + BETWEEN - 1) / BETWEEN * BETWEEN;
out:
    return status;
}

static gcr_status upload_piece(cuda_queue *queue, char *to, const char *from, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(queue->base.device);
    char *room = NULL;

    GCR_TRY(take_room(&room, queue, bytes));
    GCR_TRY(fill(device, room, from, bytes));
    pthread_mutex_lock(&device->lock);
    status = gcr_cuda_upload_pinned(queue, to, room, bytes);
    pthread_mutex_unlock(&device->lock);
out:
    return status;
}

gcr_status gcr_cuda_upload_staged(cuda_queue *queue, void *to, const void *from, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    for (uint64_t at = 0; at < bytes; at += GCR_CUDA_STAGE_BYTES) {
        const uint64_t left = bytes - at;

        GCR_TRY(upload_piece(queue, (char *)to + at, (const char *)from + at,
                             left < GCR_CUDA_STAGE_BYTES ? left : GCR_CUDA_STAGE_BYTES));
    }
out:
    return status;
}
