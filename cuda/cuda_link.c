/*
 * cuda/cuda_link.c -- see cuda_link.h.
 *
 * An error of another rank, or of the way to it, is seen by asking the communicator; the stream would
 * wait for ever. A communicator that has failed is aborted at once, which ends what it has in streams:
 * the GPU itself is not lost.
 */
#include "cuda/cuda_link.h"

#include "cuda/cuda_backend.h"
#include "cuda/cuda_nccl.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAUSE_LEAST_US = 10, PAUSE_MOST_US = 1000 }; /* between two looks */

typedef struct cuda_link {
    gcr_link base;
    const cuda_nccl *nccl;
    ncclComm_t comm; /* NULL: it is broken */
    double seconds;
} cuda_link;

static cuda_device *device_of(const cuda_link *link)
{
    return cuda_device_of(link->base.device);
}

/* ---- what NCCL says -------------------------------------------------------------------------- */

/* What is under way in streams ends. */
static void break_link(cuda_link *link)
{
    if (link->comm != NULL && gcr_cuda_enter(link->base.device) == GCR_OK)
        (void)link->nccl->abort(link->comm);
    link->comm = NULL;
}

/* A GPU that was lost is CUDA's to tell, of the stream: NCCL has a runtime of its own, whose last error
 * is not this one's. */
static gcr_status find_loss(const cuda_link *link)
{
    gcr_cuda_note(cudaStreamQuery(device_of(link)->memory.stream));
    return gcr_cuda_usable();
}

/* Why NCCL cannot do something, and the link is broken. */
static gcr_status fail(cuda_link *link, const char *doing, ncclResult_t result)
{
    gcr_status status = GCR_OK;
    const cuda_device *device = device_of(link);
    char why[256];

    GCR_TRY(find_loss(link));
    snprintf(why, sizeof why, "%s", link->nccl->last_error(link->comm)); /* NCCL's, until ... */
    break_link(link);                                                    /* ... this */
    GCR_FAIL(GCR_EDEVICE,
             "rank %d of %d (cuda:%d, %s): NCCL cannot %s: %s%s%s; NCCL_DEBUG=INFO in the "
             "environment lets NCCL say more",
             link->base.rank, link->base.size, device->index, device->base.info.name, doing,
             link->nccl->error_string(result), why[0] != '\0' ? ": " : "", why);
out:
    return status;
}

static gcr_status fail_late(cuda_link *link, const char *doing, double seconds)
{
    gcr_status status = GCR_OK;
    const cuda_device *device = device_of(link);

    break_link(link);
    GCR_FAIL(GCR_ETIMEOUT,
             "rank %d of %d (cuda:%d, %s): NCCL could not %s in %g s: another rank has not come so "
             "far, or cannot be reached; NCCL_DEBUG=INFO in the environment lets NCCL say more",
             link->base.rank, link->base.size, device->index, device->base.info.name, doing,
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

/* Waits until what the last call asked for is done as far as the host is concerned; `answer` is what it
 * returned. One that says success is asked, too: the communicator may still be at it. */
static gcr_status settle(cuda_link *link, const char *doing, ncclResult_t answer)
{
    gcr_status status = GCR_OK;
    const double begin = gcr_clock_seconds();
    useconds_t pause = PAUSE_LEAST_US;
    ncclResult_t state = ncclInProgress;

    if (answer != ncclSuccess && answer != ncclInProgress)
        GCR_TRY(fail(link, doing, answer));
    for (;;) {
        const ncclResult_t asked = link->nccl->get_async_error(link->comm, &state);

        state = asked != ncclSuccess ? asked : state;
        if (state != ncclInProgress)
            break;
        if (gcr_clock_seconds() - begin >= link->seconds)
            GCR_TRY(fail_late(link, doing, link->seconds));
        sleep_for(&pause);
    }
    if (state != ncclSuccess)
        GCR_TRY(fail(link, doing, state));
out:
    return status;
}

static gcr_status check(gcr_link *base)
{
    gcr_status status = GCR_OK;
    cuda_link *link = (cuda_link *)base;
    ncclResult_t asked, state = ncclSuccess;

    GCR_TRY(gcr_cuda_enter(base->device));
    if (link->comm == NULL)
        GCR_FAIL(GCR_EDEVICE, "rank %d of %d: its link of GPUs is broken", base->rank, base->size);
    asked = link->nccl->get_async_error(link->comm, &state);
    if (asked != ncclSuccess || (state != ncclSuccess && state != ncclInProgress))
        GCR_TRY(fail(link, "go on", asked != ncclSuccess ? asked : state));
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
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "libnccl.so.2 is NCCL %d.%d.%d, and links of GPUs need 2.18 or a later 2: install "
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

_Static_assert(GCR_LINK_ID_BYTES == NCCL_UNIQUE_ID_BYTES, "an id of NCCL is one of a link");

static gcr_status make_id(gcr_link_id *out, gcr_device *device)
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

/* Where NCCL fails at once it may leave nothing to be aborted. */
static gcr_status init(cuda_link *link, const gcr_link_spec *spec)
{
    gcr_status status = GCR_OK;
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    ncclUniqueId id;
    ncclResult_t answer;

    memcpy(id.internal, spec->id.bytes, sizeof id.internal);
    config.blocking = 0;
    answer = link->nccl->init(&link->comm, spec->size, id, spec->rank, &config);
    if (link->comm == NULL && (answer == ncclSuccess || answer == ncclInProgress))
        answer = ncclInternalError;
    GCR_TRY(settle(link, "link the GPUs of all ranks", answer));
out:
    return status;
}

static gcr_status open_link(gcr_link **out, gcr_device *device, const gcr_link_spec *spec)
{
    gcr_status status = GCR_OK;
    cuda_link *link = NULL;
    int version;

    GCR_TRY(gcr_cuda_turn(device));
    link = calloc(1, sizeof *link);
    if (link == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a link of GPUs");
    link->base = (gcr_link){ .device = device, .rank = spec->rank, .size = spec->size };
    link->seconds = spec->seconds;
    GCR_TRY(get_version(&version, &link->nccl));
    GCR_TRY(init(link, spec));
    *out = &link->base;
    link = NULL;
out:
    if (link != NULL) {
        break_link(link);
        free(link);
    }
    return status;
}

/* Destroying waits for nobody after what is under way between other ranks has come through here. */
static void close_link(gcr_link *base)
{
    cuda_link *link = (cuda_link *)base;

    if (link->comm != NULL && gcr_cuda_enter(base->device) == GCR_OK &&
        settle(link, "end", link->nccl->finalize(link->comm)) == GCR_OK)
        (void)link->nccl->destroy(link->comm);
    free(link);
}

static void abort_link(gcr_link *base)
{
    break_link((cuda_link *)base);
}

/* ---- passing --------------------------------------------------------------------------------- */

static ncclResult_t enqueue_part(const cuda_link *link, const gcr_link_part *part,
                                 cudaStream_t stream)
{
    char *const at = (char *)part->buf->base + part->offset;

    return part->is_received
               ? link->nccl->receive(at, part->bytes, ncclUint8, part->peer, link->comm, stream)
               : link->nccl->send(at, part->bytes, ncclUint8, part->peer, link->comm, stream);
}

/* The first answer that is neither of the two good ones. */
static ncclResult_t worse(ncclResult_t one, ncclResult_t other)
{
    return one != ncclSuccess && one != ncclInProgress ? one : other;
}

/* A group that was begun is ended, whatever happens inside it: NCCL counts. */
static ncclResult_t enqueue_parts(const cuda_link *link, const gcr_link_part *parts, int count,
                                  cudaStream_t stream)
{
    ncclResult_t result = link->nccl->group_start();

    if (result != ncclSuccess)
        return result;
    for (int i = 0; i < count && worse(result, ncclSuccess) == ncclSuccess; i++)
        result = enqueue_part(link, &parts[i], stream);
    return worse(result, link->nccl->group_end());
}

/* Whoever frees memory looks at how much a lane was given: it has it only now. */
static void note_issued(cuda_device *device, cuda_lane *lane)
{
    pthread_mutex_lock(&device->lock);
    lane->issued++;
    pthread_mutex_unlock(&device->lock);
}

static gcr_status pass(gcr_queue *base, gcr_link *base_link, const gcr_link_part *parts, int count)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;
    cuda_link *link = (cuda_link *)base_link;
    cuda_device *device = device_of(link);

    GCR_TRY(check(base_link));
    pthread_mutex_lock(&device->lock);
    status = gcr_cuda_queue_turn_down(queue);
    pthread_mutex_unlock(&device->lock);
    GCR_TRY(status);
    GCR_TRY(settle(link, "pass results between GPUs",
                   enqueue_parts(link, parts, count, queue->down.stream)));
    note_issued(device, &queue->down);
out:
    return status;
}

static gcr_status broadcast(gcr_queue *base, gcr_link *base_link, void *block, uint64_t bytes,
                            int root)
{
    gcr_status status = GCR_OK;
    cuda_queue *queue = (cuda_queue *)base;
    cuda_link *link = (cuda_link *)base_link;
    cuda_device *device = device_of(link);

    GCR_TRY(check(base_link));
    pthread_mutex_lock(&device->lock);
    status = gcr_cuda_queue_turn_up(queue);
    pthread_mutex_unlock(&device->lock);
    GCR_TRY(status);
    GCR_TRY(settle(
        link, "send a dataset to all GPUs",
        link->nccl->broadcast(block, block, bytes, ncclUint8, root, link->comm, queue->up.stream)));
    note_issued(device, &queue->up);
out:
    return status;
}

static gcr_status wait_for(gcr_link *base, gcr_event *event, double seconds)
{
    gcr_status status = GCR_OK;
    const double begin = gcr_clock_seconds();
    useconds_t pause = PAUSE_LEAST_US;
    int is_over = 0;

    for (;;) {
        GCR_TRY(check(base));
        GCR_TRY(gcr_cuda_event_look(&is_over, event));
        if (is_over)
            break;
        if (seconds >= 0 && gcr_clock_seconds() - begin >= seconds)
            GCR_TRY(fail_late((cuda_link *)base, "pass what was asked for", seconds));
        sleep_for(&pause);
    }
out:
    return status;
}

const gcr_link_ops gcr_cuda_link = {
    .name = name,
    .make_id = make_id,
    .open = open_link,
    .close = close_link,
    .pass = pass,
    .broadcast = broadcast,
    .wait = wait_for,
    .check = check,
    .abort = abort_link,
};
