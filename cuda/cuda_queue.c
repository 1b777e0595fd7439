/* cuda/cuda_queue.c -- queues of three streams, and events that cover them. See cuda_backend.h. */
#include "cuda/cuda_backend.h"
#include "cuda/cuda_dense.h"
#include "cuda/cuda_factor.h"
#include "cuda/cuda_large.h"
#include "cuda/cuda_unit.h"

#include "base/clock.h"

#include <stdlib.h>
#include <unistd.h>

enum { PAUSE_LEAST_US = 20, PAUSE_MOST_US = 2000 }; /* between two looks at an event */

typedef struct cuda_event {
    gcr_event base;
    cudaEvent_t event;
    int is_recorded;
} cuda_event;

/* ---- what comes after what ------------------------------------------------------------------- */

gcr_status gcr_cuda_queue_turn_up(cuda_queue *queue)
{
    return gcr_cuda_lane_follow(&queue->up, &cuda_device_of(queue->base.device)->memory,
                                &queue->up_of_memory);
}

gcr_status gcr_cuda_queue_turn_work(cuda_queue *queue)
{
    gcr_status status = GCR_OK;
    cuda_lane *memory = &cuda_device_of(queue->base.device)->memory;

    GCR_TRY(gcr_cuda_prepare_collected(queue));
    GCR_TRY(gcr_cuda_lane_follow(&queue->work, memory, &queue->work_of_memory));
    GCR_TRY(gcr_cuda_lane_follow(&queue->work, &queue->up, &queue->work_of_up));
out:
    return status;
}

gcr_status gcr_cuda_queue_turn_down(cuda_queue *queue)
{
    gcr_status status = GCR_OK;
    cuda_lane *memory = &cuda_device_of(queue->base.device)->memory;

    GCR_TRY(gcr_cuda_prepare_collected(queue));
    GCR_TRY(gcr_cuda_lane_follow(&queue->down, memory, &queue->down_of_memory));
    GCR_TRY(gcr_cuda_lane_follow(&queue->down, &queue->up, &queue->down_of_up));
    GCR_TRY(gcr_cuda_lane_follow(&queue->down, &queue->work, &queue->down_of_work));
out:
    return status;
}

gcr_status gcr_cuda_queues_finish(cuda_device *device)
{
    gcr_status status = GCR_OK;

    for (cuda_queue *q = device->queues; q != NULL; q = q->next) {
        GCR_TRY(gcr_cuda_prepare_collected(q));
        GCR_TRY(gcr_cuda_lane_follow(&device->memory, &q->up, &q->memory_of_up));
        GCR_TRY(gcr_cuda_lane_follow(&device->memory, &q->work, &q->memory_of_work));
        GCR_TRY(gcr_cuda_lane_follow(&device->memory, &q->down, &q->memory_of_down));
    }
out:
    return status;
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void list_queue(cuda_device *device, cuda_queue *queue)
{
    pthread_mutex_lock(&device->lock);
    queue->next = device->queues;
    device->queues = queue;
    pthread_mutex_unlock(&device->lock);
}

/* Where it is not listed, it was never opened to its end. */
static void unlist_queue(cuda_device *device, const cuda_queue *queue)
{
    cuda_queue **link = &device->queues;

    pthread_mutex_lock(&device->lock);
    while (*link != NULL && *link != queue)
        link = &(*link)->next;
    if (*link != NULL)
        *link = queue->next;
    pthread_mutex_unlock(&device->lock);
}

gcr_status gcr_cuda_queue_open(gcr_queue **out, gcr_device *device)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = NULL;

    GCR_TRY(gcr_cuda_turn(device));
    queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a queue");
    queue->base.device = device;
    GCR_TRY(gcr_cuda_lane_open(&queue->up));
    GCR_TRY(gcr_cuda_lane_open(&queue->work));
    GCR_TRY(gcr_cuda_lane_open(&queue->down));
    GCR_TRY(gcr_cuda_stages_open(queue));
    GCR_TRY(gcr_cuda_launcher_open(queue));
    GCR_TRY(gcr_cuda_preparer_open(queue));
    list_queue(cuda_device_of(device), queue);
    *out = &queue->base;
    queue = NULL;
out:
    if (queue != NULL)
        gcr_cuda_queue_close(&queue->base);
    return status;
}

/* What is still under way is waited for: its memory is about to go. */
static void drain(cuda_lane *lane)
{
    if (lane->stream != NULL)
        GCR_CUDA_CLOSE(cudaStreamSynchronize(lane->stream));
}

void gcr_cuda_queue_close(gcr_queue *base)
{
    cuda_queue *queue = (cuda_queue *)base;
    cuda_device *device = cuda_device_of(base->device);

    pthread_mutex_lock(&device->lock);
    gcr_cuda_prepare_forget(queue, NULL);
    pthread_mutex_unlock(&device->lock);
    if (gcr_cuda_enter_to_close(base->device)) {
        drain(&queue->up);
        drain(&queue->work);
        drain(&queue->down);
    }
    gcr_cuda_factors_close(queue);
    unlist_queue(device, queue); /* first: whoever frees memory looks at those on the list */
    gcr_cuda_preparer_close(queue);
    gcr_cuda_large_close(queue);
    gcr_cuda_dense_close(queue);
    gcr_cuda_launcher_close(queue);
    gcr_cuda_unit_close(&queue->generate);
    gcr_cuda_stages_close(queue);
    gcr_cuda_lane_close(&queue->down);
    gcr_cuda_lane_close(&queue->work);
    gcr_cuda_lane_close(&queue->up);
    free(queue);
}

gcr_status gcr_cuda_queue_sync(gcr_queue *base)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;
    cuda_device *device = cuda_device_of(base->device);

    GCR_TRY(gcr_cuda_enter(base->device));
    pthread_mutex_lock(&device->lock);
    status = gcr_cuda_prepare_collected(queue);
    pthread_mutex_unlock(&device->lock);
    GCR_TRY(status);
    GCR_CUDA("copy to the GPU", cudaStreamSynchronize(queue->up.stream));
    GCR_CUDA("compute a batch", cudaStreamSynchronize(queue->work.stream));
    GCR_CUDA("copy from the GPU", cudaStreamSynchronize(queue->down.stream));
out:
    return status;
}

/* ---- events ---------------------------------------------------------------------------------- */

gcr_status gcr_cuda_host_event_open(cudaEvent_t *out)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("open an event",
             cudaEventCreateWithFlags(out, cudaEventDisableTiming | cudaEventBlockingSync));
out:
    return status;
}

gcr_status gcr_cuda_event_open(gcr_event **out, gcr_device *device)
{
    gcr_status status = GCR_OK;
    cuda_event *event = NULL;

    GCR_TRY(gcr_cuda_turn(device));
    event = calloc(1, sizeof *event);
    if (event == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for an event");
    event->base.device = device;
    GCR_TRY(gcr_cuda_host_event_open(&event->event));
    *out = &event->base;
    event = NULL;
out:
    free(event);
    return status;
}

void gcr_cuda_event_close(gcr_event *base)
{
    cuda_event *event = (cuda_event *)base;

    (void)gcr_cuda_enter_to_close(base->device);
    GCR_CUDA_CLOSE(cudaEventDestroy(event->event));
    free(event);
}

/* Stands in `down`, which has waited for the two others. */
gcr_status gcr_cuda_event_record(gcr_event *base, gcr_queue *base_queue)
{
    gcr_status status = GCR_OK;
    cuda_event *event = (cuda_event *)base;
    cuda_queue *queue = (cuda_queue *)base_queue;
    cuda_device *device = cuda_device_of(base->device);

    pthread_mutex_lock(&device->lock);
    GCR_TRY(gcr_cuda_enter(base->device));
    GCR_TRY(gcr_cuda_queue_turn_down(queue));
    GCR_CUDA("record an event", cudaEventRecord(event->event, queue->down.stream));
    event->is_recorded = 1;
out:
    pthread_mutex_unlock(&device->lock);
    return status;
}

static gcr_status look(int *is_over, cudaEvent_t event)
{
    gcr_status status = GCR_OK;
    cudaError_t error;

    GCR_TRY(gcr_cuda_usable());
    error = cudaEventQuery(event);
    *is_over = error != cudaErrorNotReady;
    if (*is_over)
        GCR_CUDA("compute a batch", error);
    else
        gcr_cuda_note(error);
out:
    return status;
}

gcr_status gcr_cuda_event_look(int *is_over, gcr_event *base)
{
    gcr_status status = GCR_OK;
    const cuda_event *event = (const cuda_event *)base;

    *is_over = 1;
    GCR_TRY(gcr_cuda_enter(base->device));
    if (event->is_recorded)
        GCR_TRY(look(is_over, event->event));
out:
    return status;
}

/* Looks again and again, more and more seldom: CUDA has no wait that ends by itself. A kernel that
 * is still running would keep whatever closes or frees something waiting for ever, so no more CUDA
 * calls are made then. */
static gcr_status await(cudaEvent_t event, double seconds)
{
    gcr_status status = GCR_OK;
    const double begin = gcr_clock_seconds();
    useconds_t pause = PAUSE_LEAST_US;
    int is_over = 0;

    for (;;) {
        GCR_TRY(look(&is_over, event));
        if (is_over)
            break;
        if (gcr_clock_seconds() - begin >= seconds) {
            gcr_cuda_abandon(cudaErrorLaunchTimeout);
            GCR_FAIL(GCR_ETIMEOUT, "the GPU has not ended a batch in %g s", seconds);
        }
        usleep(pause);
        pause = pause < PAUSE_MOST_US ? 2 * pause : pause;
    }
out:
    return status;
}

gcr_status gcr_cuda_event_sync(gcr_event *base, double seconds)
{
    gcr_status status = GCR_OK;
    cuda_event *event = (cuda_event *)base;

    GCR_TRY(gcr_cuda_enter(base->device));
    if (!event->is_recorded)
        goto out;
    if (seconds < 0)
        GCR_CUDA("compute a batch", cudaEventSynchronize(event->event));
    else
        GCR_TRY(await(event->event, seconds));
out:
    return status;
}
