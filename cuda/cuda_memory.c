/* cuda/cuda_memory.c -- device memory from a pool in the order of a stream, pinned memory, copies. */
#include "cuda/cuda_backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- device memory --------------------------------------------------------------------------- */

gcr_status gcr_cuda_allocate(void **out, cuda_device *device, uint64_t bytes, const char *doing)
{
    gcr_status status = GCR_OK;

    pthread_mutex_lock(&device->lock);
    GCR_TRY(gcr_cuda_enter(&device->base));
    GCR_CUDA(doing, cudaMallocFromPoolAsync(out, bytes, device->pool, device->memory.stream));
    device->memory.issued++;
out:
    pthread_mutex_unlock(&device->lock);
    return status;
}

/* The lock is held. */
static void free_now(cuda_device *device, void *block)
{
    GCR_CUDA_CLOSE(cudaFreeAsync(block, device->memory.stream));
    device->memory.issued++;
}

/* In its turn: whatever the queues were given before may still read or write the block. */
void gcr_cuda_free(cuda_device *device, void *block)
{
    if (block == NULL)
        return;
    pthread_mutex_lock(&device->lock);
    if (gcr_cuda_enter(&device->base) == GCR_OK && gcr_cuda_queues_finish(device) == GCR_OK)
        free_now(device, block);
    pthread_mutex_unlock(&device->lock);
}

void gcr_cuda_free_idle(cuda_device *device, void *block)
{
    pthread_mutex_lock(&device->lock);
    if (gcr_cuda_enter(&device->base) == GCR_OK)
        free_now(device, block);
    pthread_mutex_unlock(&device->lock);
}

/* ---- buffers --------------------------------------------------------------------------------- */

static gcr_status open_device_block(gcr_buf *buf)
{
    char doing[64];

    snprintf(doing, sizeof doing, "allocate %" PRIu64 " bytes on the GPU", buf->bytes);
    return gcr_cuda_allocate(&buf->base, cuda_device_of(buf->device), buf->bytes, doing);
}

static gcr_status open_pinned_block(gcr_buf *buf)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("allocate pinned memory", cudaHostAlloc(&buf->base, buf->bytes, cudaHostAllocDefault));
out:
    return status;
}

gcr_status gcr_cuda_buf_open(gcr_buf **out, gcr_device *device, gcr_place place, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    gcr_buf *buf = NULL;

    GCR_TRY(gcr_cuda_enter(device));
    buf = calloc(1, sizeof *buf);
    if (buf == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a buffer");
    *buf = (gcr_buf){ .device = device, .place = place, .bytes = bytes };
    GCR_TRY(place == GCR_PLACE_DEVICE ? open_device_block(buf) : open_pinned_block(buf));
    *out = buf;
    buf = NULL;
out:
    free(buf);
    return status;
}

/* cudaFreeHost() does not promise to wait for copies. */
static void close_pinned_block(const gcr_buf *buf)
{
    cuda_device *device = cuda_device_of(buf->device);

    if (gcr_cuda_enter(buf->device) != GCR_OK)
        return;
    pthread_mutex_lock(&device->lock);
    for (cuda_queue *q = device->queues; q != NULL; q = q->next) {
        GCR_CUDA_CLOSE(cudaStreamSynchronize(q->up.stream));
        GCR_CUDA_CLOSE(cudaStreamSynchronize(q->down.stream));
    }
    pthread_mutex_unlock(&device->lock);
    GCR_CUDA_CLOSE(cudaFreeHost(buf->base));
}

void gcr_cuda_buf_close(gcr_buf *buf)
{
    if (buf->place == GCR_PLACE_DEVICE)
        gcr_cuda_free(cuda_device_of(buf->device), buf->base);
    else
        close_pinned_block(buf);
    free(buf);
}

void gcr_cuda_buf_close_idle(gcr_buf *buf)
{
    if (buf->place == GCR_PLACE_DEVICE)
        gcr_cuda_free_idle(cuda_device_of(buf->device), buf->base);
    else if (gcr_cuda_enter(buf->device) == GCR_OK)
        GCR_CUDA_CLOSE(cudaFreeHost(buf->base));
    free(buf);
}

/* ---- copies ---------------------------------------------------------------------------------- */

static gcr_status copy_on(cuda_lane *lane, void *to, const void *from, uint64_t bytes,
                          enum cudaMemcpyKind direction)
{
    gcr_status status = GCR_OK;

    GCR_CUDA(direction == cudaMemcpyHostToDevice ? "copy to the GPU" : "copy from the GPU",
             cudaMemcpyAsync(to, from, bytes, direction, lane->stream));
    lane->issued++;
out:
    return status;
}

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

/* A whole stage is copied by several threads: one reads slower than a bus of today writes (a core
 * 26 to 34 GB/s, a bus 55; published and measured elsewhere). They start with the first. */
static gcr_status fill_stage(cuda_device *device, void *stage, const char *from, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const int cpus = gcr_cpu_count();
    shared_copy copy = { .to = stage, .from = from, .bytes = bytes };

    if (bytes < GCR_CUDA_STAGE_BYTES || cpus == 1) {
        memcpy(stage, from, bytes);
        goto out;
    }
    if (device->copiers == NULL)
        GCR_TRY(
            gcr_pool_create(&device->copiers, cpus < GCR_CUDA_COPIERS ? cpus : GCR_CUDA_COPIERS));
    copy.threads = gcr_pool_size(device->copiers);
    gcr_pool_start(device->copiers, copy_share, &copy);
    gcr_pool_wait(device->copiers, -1);
out:
    return status;
}

/* Through the next stage, which may still be read by the copy that had it last. */
static gcr_status copy_staged(cuda_queue *queue, char *to, const char *from, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    cuda_stage *stage = &queue->stages[queue->stage];

    if (stage->is_used)
        GCR_CUDA("copy to the GPU", cudaEventSynchronize(stage->free));
    GCR_TRY(fill_stage(cuda_device_of(queue->base.device), stage->block, from, bytes));
    GCR_TRY(copy_on(&queue->up, to, stage->block, bytes, cudaMemcpyHostToDevice));
    GCR_CUDA("record an event", cudaEventRecord(stage->free, queue->up.stream));
    stage->is_used = 1;
    queue->stage = (queue->stage + 1) % GCR_CUDA_STAGES;
out:
    return status;
}

static gcr_status upload(cuda_queue *queue, char *to, const char *from, gcr_place from_place,
                         uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_cuda_queue_turn_up(queue));
    if (from_place == GCR_PLACE_STAGING)
        GCR_TRY(copy_on(&queue->up, to, from, bytes, cudaMemcpyHostToDevice));
    for (uint64_t at = 0; from_place == GCR_PLACE_HOST && at < bytes; at += GCR_CUDA_STAGE_BYTES) {
        const uint64_t left = bytes - at;

        GCR_TRY(copy_staged(queue, to + at, from + at,
                            left < GCR_CUDA_STAGE_BYTES ? left : GCR_CUDA_STAGE_BYTES));
    }
out:
    return status;
}

/* To memory that is not pinned the driver copies in its own way; the pipeline never asks for it. */
static gcr_status download(cuda_queue *queue, void *to, const void *from, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_cuda_queue_turn_down(queue));
    GCR_TRY(copy_on(&queue->down, to, from, bytes, cudaMemcpyDeviceToHost));
out:
    return status;
}

gcr_status gcr_cuda_copy(gcr_queue *base, void *to, gcr_place to_place, const void *from,
                         gcr_place from_place, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;
    cuda_device *device = cuda_device_of(base->device);

    pthread_mutex_lock(&device->lock);
    GCR_TRY(gcr_cuda_enter(base->device));
    if (to_place == GCR_PLACE_DEVICE)
        GCR_TRY(upload(queue, to, from, from_place, bytes));
    else
        GCR_TRY(download(queue, to, from, bytes));
out:
    pthread_mutex_unlock(&device->lock);
    return status;
}
