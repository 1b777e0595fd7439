/* cuda/cuda_memory.c -- device memory from a pool in the order of a stream, pinned memory,
 * copies. */
#include "cuda/cuda_backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
    if (gcr_cuda_enter_to_close(&device->base) && gcr_cuda_queues_finish(device) == GCR_OK)
        free_now(device, block);
    pthread_mutex_unlock(&device->lock);
}

void gcr_cuda_free_idle(cuda_device *device, void *block)
{
    pthread_mutex_lock(&device->lock);
    if (gcr_cuda_enter_to_close(&device->base))
        free_now(device, block);
    pthread_mutex_unlock(&device->lock);
}

gcr_status gcr_cuda_give_back(cuda_device *device)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("wait for memory that was freed", cudaStreamSynchronize(device->memory.stream));
    GCR_CUDA("give memory back", cudaMemPoolTrimTo(device->pool, 0));
out:
    return status;
}

gcr_status gcr_cuda_reserve(void **block, uint64_t *have, cuda_device *device, uint64_t bytes,
                            const char *doing)
{
    gcr_status status = GCR_OK;

    if (*have >= bytes)
        goto out;
    gcr_cuda_free(device, *block);
    *block = NULL;
    *have = 0;
    GCR_TRY(gcr_cuda_allocate(block, device, bytes, doing));
    *have = bytes;
out:
    return status;
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
    gcr_status status;

    if (!gcr_cuda_enter_to_close(buf->device))
        return;
    pthread_mutex_lock(&device->lock);
    status = gcr_cuda_queues_finish(device);
    pthread_mutex_unlock(&device->lock);
    if (status != GCR_OK)
        return; /* better kept than taken from under a copy */
    GCR_CUDA_CLOSE(cudaStreamSynchronize(device->memory.stream));
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
    else if (gcr_cuda_enter_to_close(buf->device))
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

gcr_status gcr_cuda_upload_pinned(cuda_queue *queue, void *to, const void *from, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_cuda_queue_turn_up(queue));
    GCR_TRY(copy_on(&queue->up, to, from, bytes, cudaMemcpyHostToDevice));
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

    GCR_TRY(gcr_cuda_enter(base->device));
    if (to_place == GCR_PLACE_DEVICE && from_place == GCR_PLACE_HOST) {
        GCR_TRY(gcr_cuda_upload_staged(queue, to, from, bytes));
        goto out;
    }
    pthread_mutex_lock(&device->lock);
    status = to_place == GCR_PLACE_DEVICE ? gcr_cuda_upload_pinned(queue, to, from, bytes)
                                          : download(queue, to, from, bytes);
    pthread_mutex_unlock(&device->lock);
out:
    return status;
}
