/*
 * cuda/cuda_bridge.c -- see cuda_bridge.h.
 *
 * An error of another rank, or of the way to it, is seen by asking the communicator; the stream
 * would wait for ever. A communicator that has failed is aborted at once, which ends what it has in
 * streams: the GPU itself is not lost.
 */
#include "cuda/cuda_bridge.h"

#include "cuda/cuda_backend.h"
#include "cuda/cuda_nccl.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAUSE_LEAST_US = 10, PAUSE_MOST_US = 1000 }; /* between two looks */

typedef struct cuda_bridge {
    gcr_bridge base;
    const cuda_nccl *nccl;
    ncclComm_t comm; /* NULL: it is broken */
    double seconds;
} cuda_bridge;

static cuda_device *device_of(const cuda_bridge *bridge)
{
    return cuda_device_of(bridge->base.device);
}

/* ---- what NCCL says -------------------------------------------------------------------------- */

/* What is under way in streams ends. */
static void break_bridge(cuda_bridge *bridge)
{
    if (bridge->comm != NULL && gcr_cuda_enter(bridge->base.device) == GCR_OK)
        (void)bridge->nccl->give_up(bridge->comm);
    bridge->comm = NULL;
}

/* A GPU that was lost is CUDA's to tell, of the stream: NCCL has a runtime of its own, whose last
 * error is not this one's. */
static gcr_status find_loss(const cuda_bridge *bridge)
{
    gcr_cuda_note(cudaStreamQuery(device_of(bridge)->memory.stream));
    return gcr_cuda_usable();
}

/* Why NCCL cannot do something, and the bridge is broken. */
static gcr_status fail(cuda_bridge *bridge, const char *doing, ncclResult_t result)
{
    gcr_status status = GCR_OK;
    const cuda_device *device = device_of(bridge);
    char why[256];

    GCR_TRY(find_loss(bridge));
    snprintf(why, sizeof why, "%s", bridge->nccl->last_error(bridge->comm)); /* NCCL's, until ... */
    break_bridge(bridge);                                                    /* ... this */
    GCR_FAIL(GCR_EDEVICE,
             "rank %d of %d (cuda:%d, %s): NCCL cannot %s: %s%s%s; NCCL_DEBUG=INFO in the "
             "environment lets NCCL say more",
             bridge->base.rank, bridge->base.size, device->index, device->base.info.name, doing,
             bridge->nccl->error_string(result), why[0] != '\0' ? ": " : "", why);
out:
    return status;
}

static gcr_status fail_late(cuda_bridge *bridge, const char *doing, double seconds)
{
    gcr_status status = GCR_OK;
    const cuda_device *device = device_of(bridge);

    break_bridge(bridge);
    GCR_FAIL(GCR_ETIMEOUT,
             "rank %d of %d (cuda:%d, %s): NCCL could not %s in %g s: another rank has not come so "
             "far, or cannot be reached; NCCL_DEBUG=INFO in the environment lets NCCL say more",
             bridge->base.rank, bridge->base.size, device->index, device->base.info.name, doing,
             seconds);
out:
    return status;
}

/* Sleeps, and next time longer. */
static void sleep_for(useconds_t *pause)
{
    usleep(*pause);
    *pause = *pause < PAUSE_MOST_US ? 2 * *pause : *pause;
}

/* Waits until what the last call asked for is done as far as the host is concerned; `answer` is
 * what it returned. One that says success is asked, too: the communicator may still be at it. */
static gcr_status settle(cuda_bridge *bridge, const char *doing, ncclResult_t answer)
{
    gcr_status status = GCR_OK;
    const double begin = gcr_clock_seconds();
    useconds_t pause = PAUSE_LEAST_US;
    ncclResult_t state = ncclInProgress;

    if (answer != ncclSuccess && answer != ncclInProgress)
        GCR_TRY(fail(bridge, doing, answer));
    for (;;) {
        const ncclResult_t asked = bridge->nccl->get_async_error(bridge->comm, &state);

        state = asked != ncclSuccess ? asked : state;
        if (state != ncclInProgress)
            break;
        if (gcr_clock_seconds() - begin >= bridge->seconds)
            GCR_TRY(fail_late(bridge, doing, bridge->seconds));
        sleep_for(&pause);
    }
    if (state != ncclSuccess)
        GCR_TRY(fail(bridge, doing, state));
out:
    return status;
}

static gcr_status check(gcr_bridge *base)
{
    gcr_status status = GCR_OK;
    cuda_bridge *bridge = (cuda_bridge *)base;
    ncclResult_t asked, state = ncclSuccess;

    GCR_TRY(gcr_cuda_enter(base->device));
    if (bridge->comm == NULL)
        GCR_FAIL(GCR_EDEVICE, "rank %d of %d: its bridge of GPUs is broken", base->rank,
                 base->size);
    asked = bridge->nccl->get_async_error(bridge->comm, &state);
    if (asked != ncclSuccess || (state != ncclSuccess && state != ncclInProgress))
        GCR_TRY(fail(bridge, "go on", asked != ncclSuccess ? asked : state));
out:
    return status;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static gcr_status get_version(int *out, const cuda_nccl **nccl)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_cuda_nccl(nccl));
    if ((*nccl)->get_version(out) != ncclSuccess)
        GCR_FAIL(GCR_EUNSUPPORTED, "libnccl.so.2 does not say which version it is");
    if (*out < GCR_CUDA_NCCL_LEAST || *out >= NCCL_VERSION(3, 0, 0))
        GCR_FAIL(
            GCR_EUNSUPPORTED,
            "libnccl.so.2 is NCCL %d.%d.%d, and bridges of GPUs need 2.18 or a later 2: install "
            "a newer one",
            *out / 10000, *out / 100 % 100, *out % 100);
out:
    return status;
}

static gcr_status name(char *out, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const cuda_nccl *nccl;
    int version = 0;

    GCR_TRY(get_version(&version, &nccl));
    snprintf(out, bytes, "NCCL %d.%d.%d", version / 10000, version / 100 % 100, version % 100);
out:
    return status;
}

_Static_assert(GCR_BRIDGE_ID_BYTES == NCCL_UNIQUE_ID_BYTES, "an id of NCCL is one of a bridge");

static gcr_status make_id(gcr_bridge_id *out, gcr_device *device)
{
    gcr_status status = GCR_OK;
    const cuda_nccl *nccl;
    ncclUniqueId id;
    ncclResult_t result;
    int version;

    GCR_TRY(gcr_cuda_enter(device));
    GCR_TRY(get_version(&version, &nccl));
    result = nccl->get_unique_id(&id);
    if (result != ncclSuccess)
        GCR_FAIL(GCR_EDEVICE,
                 "NCCL finds no address that other ranks could reach: %s: %s; NCCL_SOCKET_IFNAME "
                 "names the network to use",
                 nccl->error_string(result), nccl->last_error(NULL));
    memcpy(out->bytes, id.internal, sizeof out->bytes);
out:
    return status;
}

/* NCCL's memory is not of our pool, which gives back what it keeps: a rank that finds none cannot
 * try again later, as the others are waiting. Where NCCL fails at once it may leave nothing to be
 * aborted. */
static gcr_status init(cuda_bridge *bridge, const gcr_bridge_spec *spec)
{
    gcr_status status = GCR_OK;
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    ncclUniqueId id;
    ncclResult_t answer;

    GCR_TRY(gcr_cuda_give_back(device_of(bridge)));
    memcpy(id.internal, spec->id.bytes, sizeof id.internal);
    config.blocking = 0;
    answer = bridge->nccl->init(&bridge->comm, spec->size, id, spec->rank, &config);
    if (bridge->comm == NULL && (answer == ncclSuccess || answer == ncclInProgress))
        answer = ncclInternalError;
    GCR_TRY(settle(bridge, "link the GPUs of all ranks", answer));
out:
    return status;
}

static gcr_status open_bridge(gcr_bridge **out, gcr_device *device, const gcr_bridge_spec *spec)
{
    gcr_status status = GCR_OK;
    cuda_bridge *bridge = NULL;
    int version;

    GCR_TRY(gcr_cuda_turn(device));
    bridge = calloc(1, sizeof *bridge);
    if (bridge == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a bridge of GPUs");
    bridge->base = (gcr_bridge){ .device = device, .rank = spec->rank, .size = spec->size };
    bridge->seconds = spec->seconds;
    GCR_TRY(get_version(&version, &bridge->nccl));
    GCR_TRY(init(bridge, spec));
    *out = &bridge->base;
    bridge = NULL;
out:
    if (bridge != NULL) {
        break_bridge(bridge);
        free(bridge);
    }
    return status;
}

/* Destroying waits for nobody after what is under way between other ranks has come through here. */
static void close_bridge(gcr_bridge *base)
{
    cuda_bridge *bridge = (cuda_bridge *)base;

    if (bridge->comm != NULL && gcr_cuda_enter(base->device) == GCR_OK &&
        settle(bridge, "end", bridge->nccl->finalize(bridge->comm)) == GCR_OK)
        (void)bridge->nccl->destroy(bridge->comm);
    free(bridge);
}

static void give_up_bridge(gcr_bridge *base)
{
    break_bridge((cuda_bridge *)base);
}

/* ---- passing --------------------------------------------------------------------------------- */

static ncclResult_t enqueue_part(const cuda_bridge *bridge, const gcr_bridge_part *part,
                                 cudaStream_t stream)
{
    char *const at = (char *)part->buf->base + part->offset;

    return part->is_received
               ? bridge->nccl->receive(at, part->bytes, ncclUint8, part->peer, bridge->comm, stream)
               : bridge->nccl->send(at, part->bytes, ncclUint8, part->peer, bridge->comm, stream);
}

/* The first answer that is neither of the two good ones. */
static ncclResult_t worse(ncclResult_t one, ncclResult_t other)
{
    return one != ncclSuccess && one != ncclInProgress ? one : other;
}

/* A group that was begun is ended, whatever happens inside it: NCCL counts. */
static ncclResult_t enqueue_parts(const cuda_bridge *bridge, const gcr_bridge_part *parts,
                                  int count, cudaStream_t stream)
{
    ncclResult_t result = bridge->nccl->group_start();

    if (result != ncclSuccess)
        return result;
    for (int i = 0; i < count && worse(result, ncclSuccess) == ncclSuccess; i++)
        result = enqueue_part(bridge, &parts[i], stream);
    return worse(result, bridge->nccl->group_end());
}

/* Before NCCL is called: the lane that it is to work on comes after what `turn` says. */
static gcr_status turn_lane(gcr_bridge *bridge, cuda_queue *queue,
                            gcr_status (*turn)(cuda_queue *queue))
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(bridge->device);

    GCR_TRY(check(bridge));
    pthread_mutex_lock(&device->lock);
    status = turn(queue);
    pthread_mutex_unlock(&device->lock);
out:
    return status;
}

/* After NCCL was called: whoever frees memory looks at how much a lane was given, and it has it
 * only when the call has settled. */
static gcr_status settle_lane(cuda_bridge *bridge, cuda_lane *lane, const char *doing,
                              ncclResult_t answer)
{
    gcr_status status = GCR_OK;
    cuda_device *device = device_of(bridge);

    GCR_TRY(settle(bridge, doing, answer));
    pthread_mutex_lock(&device->lock);
    lane->issued++;
    pthread_mutex_unlock(&device->lock);
out:
    return status;
}

static gcr_status pass(gcr_queue *base, gcr_bridge *base_bridge, const gcr_bridge_part *parts,
                       int count)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;
    cuda_bridge *bridge = (cuda_bridge *)base_bridge;

    GCR_TRY(turn_lane(base_bridge, queue, gcr_cuda_queue_turn_down));
    GCR_TRY(settle_lane(bridge, &queue->down, "pass results between GPUs",
                        enqueue_parts(bridge, parts, count, queue->down.stream)));
out:
    return status;
}

static gcr_status broadcast(gcr_queue *base, gcr_bridge *base_bridge, void *block, uint64_t bytes,
                            int root)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;
    cuda_bridge *bridge = (cuda_bridge *)base_bridge;

    GCR_TRY(turn_lane(base_bridge, queue, gcr_cuda_queue_turn_up));
    GCR_TRY(settle_lane(bridge, &queue->up, "send a dataset to all GPUs",
                        bridge->nccl->broadcast(block, block, bytes, ncclUint8, root, bridge->comm,
                                                queue->up.stream)));
out:
    return status;
}

static gcr_status look(int *is_over, gcr_bridge *base, gcr_event *event)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check(base));
    GCR_TRY(gcr_cuda_event_look(is_over, event));
out:
    return status;
}

static gcr_status wait_for(gcr_bridge *base, gcr_event *event, double seconds)
{
    gcr_status status = GCR_OK;
    const double begin = gcr_clock_seconds();
    useconds_t pause = PAUSE_LEAST_US;
    int is_over = 0;

    for (;;) {
        GCR_TRY(look(&is_over, base, event));
        if (is_over)
            break;
        if (seconds >= 0 && gcr_clock_seconds() - begin >= seconds)
            GCR_TRY(fail_late((cuda_bridge *)base, "pass what was asked for", seconds));
        sleep_for(&pause);
    }
out:
    return status;
}

const gcr_bridge_ops gcr_cuda_bridge = {
    .name = name,
    .make_id = make_id,
    .open = open_bridge,
    .close = close_bridge,
    .pass = pass,
    .broadcast = broadcast,
    .look = look,
    .wait = wait_for,
    .check = check,
    .give_up = give_up_bridge,
};
