/*
 * cuda/cuda_transfer.c -- copies between kinds of memory, timed by the GPU (backend/measure.h).
 *
 * A gate (a kernel of one thread) holds the stream until all copies are enqueued; events stand
 * around them, so that the time is the copies' own. Memory that is not pinned cannot wait like
 * this, because the driver's part of such a copy is done on the host, which would wait for itself;
 * and pages that move are moved by it, too. Those two have the clock of the host, and so has
 * everything where a launch returns no earlier than it ends, as it does under a debugger.
 *
 * Streams, events and blocks are the transfer's own. Blocks do not come from the device's pool:
 * what is measured is what cudaMalloc() gives, and a pool would have to be opened to a peer.
 */
#include "cuda/cuda_measure.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 2 };

/* Nanoseconds that a gate waits: enqueuing takes some microseconds. The first is to find out. */
static const uint64_t gate_trial = 100000000, gate_limit = 2000000000;

/* A way: where it begins and ends on the near side, in the device's view of it too, and on the
 * far. */
typedef struct pair {
    void *near, *near_dev, *far;
    cuda_lane lane;
} pair;

typedef struct cuda_transfer {
    gcr_transfer base;
    pair pairs[WAYS]; /* up, down */
    cudaEvent_t begin, end;
    gcr_gate_words *gate, *gate_dev;
} cuda_transfer;

static cuda_device *device_of(const cuda_transfer *transfer)
{
    return cuda_device_of(transfer->base.queue->device);
}

/* ---- kernels --------------------------------------------------------------------------------- */

static gcr_status launch_gate(cuda_transfer *transfer, uint64_t limit)
{
    gcr_gate_launch gate = { .gate = transfer->gate_dev, .limit_ticks = limit };

    return gcr_cuda_measure_launch(device_of(transfer), CUDA_MEASURE_GATE, 1, 1, &gate,
                                   &transfer->pairs[0].lane);
}

static gcr_status launch_copy(cuda_transfer *transfer, void *to, const void *from, uint64_t bytes,
                              cuda_lane *lane)
{
    gcr_copy_launch copy = { .to = to, .from = from, .bytes = bytes };
    cuda_device *device = device_of(transfer);

    return gcr_cuda_measure_launch(device, CUDA_MEASURE_COPY, (uint64_t)device->base.info.units,
                                   GCR_MEASURE_THREADS, &copy, lane);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static gcr_status check_managed(const cuda_device *device)
{
    gcr_status status = GCR_OK;
    int can = 0;

    GCR_CUDA("ask for managed memory",
             cudaDeviceGetAttribute(&can, cudaDevAttrConcurrentManagedAccess, device->index));
    if (!can)
        GCR_FAIL(GCR_EUNSUPPORTED, "cuda:%d (%s) cannot be told to move managed memory",
                 device->index, device->base.info.name);
out:
    return status;
}

/* Lets this device reach the other where the machine has a way; where not, copies go through the
 * host, and that is measured. */
static gcr_status open_peer(const cuda_device *device, int peer)
{
    gcr_status status = GCR_OK;
    cudaError_t error = cudaSuccess;
    int count = 0, can = 0;

    GCR_CUDA("count the GPUs", cudaGetDeviceCount(&count));
    if (peer < 0 || peer >= count || peer == device->index)
        GCR_FAIL(GCR_EUNSUPPORTED, "cuda:%d has no peer cuda:%d: this machine has %d GPU%s",
                 device->index, peer, count, count == 1 ? "" : "s");
    GCR_CUDA("ask for a way between GPUs", cudaDeviceCanAccessPeer(&can, device->index, peer));
    if (can)
        error = cudaDeviceEnablePeerAccess(peer, 0);
    if (error == cudaErrorPeerAccessAlreadyEnabled) {
        gcr_cuda_note(error);
        error = cudaSuccess;
    }
    GCR_CUDA("open the way between GPUs", error);
out:
    return status;
}

static gcr_status open_on_peer(void **out, const cuda_device *device, int peer, uint64_t bytes)
{
    gcr_status status = GCR_OK, back;

    GCR_CUDA("turn to the GPU", cudaSetDevice(peer));
    GCR_CUDA("allocate memory of the other GPU", cudaMalloc(out, bytes));
out:
    back = gcr_cuda_turn(&device->base);
    return status != GCR_OK ? status : back;
}

static gcr_status open_near(cuda_transfer *transfer, pair *p)
{
    gcr_status status = GCR_OK;
    const gcr_transfer_spec *spec = &transfer->base.spec;

    switch (spec->kind) {
    case GCR_MEMORY_PAGEABLE:
        GCR_TRY(gcr_memory_create(&p->near, spec->bytes, 1, "what is copied to be measured"));
        break;
    case GCR_MEMORY_PINNED:
    case GCR_MEMORY_MAPPED:
        GCR_CUDA("allocate pinned memory",
                 cudaHostAlloc(&p->near, spec->bytes, cudaHostAllocMapped));
        break;
    case GCR_MEMORY_MANAGED:
        GCR_CUDA("allocate managed memory",
                 cudaMallocManaged(&p->near, spec->bytes, cudaMemAttachGlobal));
        break;
    case GCR_MEMORY_PEER:
        GCR_TRY(open_on_peer(&p->near, device_of(transfer), spec->peer, spec->bytes));
        break;
    default: GCR_CUDA("allocate memory of the GPU", cudaMalloc(&p->near, spec->bytes));
    }
    p->near_dev = p->near;
    if (spec->kind == GCR_MEMORY_MAPPED)
        GCR_CUDA("map pinned memory", cudaHostGetDevicePointer(&p->near_dev, p->near, 0));
out:
    return status;
}

static void close_near(const cuda_transfer *transfer, pair *p)
{
    if (p->near == NULL)
        return;
    switch (transfer->base.spec.kind) {
    case GCR_MEMORY_PAGEABLE: gcr_memory_destroy(p->near); break;
    case GCR_MEMORY_PINNED:
    case GCR_MEMORY_MAPPED: GCR_CUDA_CLOSE(cudaFreeHost(p->near)); break;
    default: GCR_CUDA_CLOSE(cudaFree(p->near));
    }
}

/* ---- one copy ------------------------------------------------------------------------------- */

/* One copy of a pair's blocks, from the near side to the far or back. */
static gcr_status enqueue(cuda_transfer *transfer, const pair *p, int is_up, uint64_t bytes,
                          cuda_lane *lane)
{
    gcr_status status = GCR_OK;
    const gcr_transfer_spec *spec = &transfer->base.spec;
    const int index = device_of(transfer)->index;
    void *to = is_up ? p->far : p->near;
    const void *from = is_up ? p->near : p->far;

    switch (spec->kind) {
    case GCR_MEMORY_MAPPED:
        GCR_TRY(launch_copy(transfer, is_up ? p->far : p->near_dev, is_up ? p->near_dev : p->far,
                            bytes, lane));
        break;
    case GCR_MEMORY_PEER:
        GCR_CUDA("copy between GPUs",
                 cudaMemcpyPeerAsync(to, is_up ? index : spec->peer, from,
                                     is_up ? spec->peer : index, bytes, lane->stream));
        break;
    case GCR_MEMORY_DEVICE:
        GCR_CUDA("copy on the GPU",
                 cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, lane->stream));
        break;
    default:
        GCR_CUDA(is_up ? "copy to the GPU" : "copy from the GPU",
                 cudaMemcpyAsync(to, from, bytes,
                                 is_up ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost,
                                 lane->stream));
    }
out:
    return status;
}

/* Whether a gate can be closed: it is, and opened at once. */
static gcr_status try_gate(cuda_transfer *transfer)
{
    gcr_status status = GCR_OK;
    const cudaStream_t stream = transfer->pairs[0].lane.stream;

    *transfer->gate = (gcr_gate_words){ .is_open = 1 };
    GCR_TRY(launch_gate(transfer, gate_trial)); /* the first launch loads its code */
    GCR_CUDA("copy what is measured", cudaStreamSynchronize(stream));
    *transfer->gate = (gcr_gate_words){ 0 };
    status = launch_gate(transfer, gate_trial);
    transfer->gate->is_open = 1;
    GCR_TRY(status);
    GCR_CUDA("copy what is measured", cudaStreamSynchronize(stream));
    if (transfer->gate->gave_up) /* whoever closes one waits for it himself */
        transfer->base.has_clock_of_host = 1;
out:
    return status;
}

/* Code is loaded, and ways between GPUs are found, when they are used for the first time, which
 * must not happen behind a gate that is closed. */
static gcr_status rehearse(cuda_transfer *transfer)
{
    gcr_status status = GCR_OK;
    pair *up = &transfer->pairs[0];

    GCR_TRY(try_gate(transfer));
    GCR_TRY(launch_copy(transfer, up->far, up->near_dev, 0, &up->lane));
    for (int s = 0; s < WAYS && !gcr_memory_is_hosts(transfer->base.spec.kind); s++)
        if (transfer->pairs[s].lane.stream != NULL)
            GCR_TRY(enqueue(transfer, &transfer->pairs[s], s == 0, 1, &up->lane));
    GCR_CUDA("copy what is measured", cudaStreamSynchronize(up->lane.stream));
out:
    return status;
}

/* ---- opening --------------------------------------------------------------------------------- */

static gcr_status open_pair(cuda_transfer *transfer, pair *p)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_cuda_lane_open(&p->lane));
    GCR_TRY(open_near(transfer, p));
    GCR_CUDA("allocate memory of the GPU", cudaMalloc(&p->far, transfer->base.spec.bytes));
out:
    return status;
}

static void close_pair(const cuda_transfer *transfer, pair *p)
{
    if (p->far != NULL)
        GCR_CUDA_CLOSE(cudaFree(p->far));
    close_near(transfer, p);
    gcr_cuda_lane_close(&p->lane);
}

static gcr_status open_gate(cuda_transfer *transfer)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("allocate pinned memory",
             cudaHostAlloc((void **)&transfer->gate, sizeof *transfer->gate, cudaHostAllocMapped));
    *transfer->gate = (gcr_gate_words){ 0 };
    GCR_CUDA("map pinned memory",
             cudaHostGetDevicePointer((void **)&transfer->gate_dev, transfer->gate, 0));
    GCR_CUDA("open an event", cudaEventCreateWithFlags(&transfer->begin, cudaEventDefault));
    GCR_CUDA("open an event", cudaEventCreateWithFlags(&transfer->end, cudaEventDefault));
out:
    return status;
}

static void close_event(cudaEvent_t event)
{
    if (event != NULL)
        GCR_CUDA_CLOSE(cudaEventDestroy(event));
}

/* What is still under way is waited for: its memory is about to go. */
static void drain(cuda_transfer *transfer)
{
    for (int s = 0; s < WAYS; s++)
        if (transfer->pairs[s].lane.stream != NULL)
            GCR_CUDA_CLOSE(cudaStreamSynchronize(transfer->pairs[s].lane.stream));
}

static void transfer_close(gcr_transfer *base)
{
    cuda_transfer *transfer = (cuda_transfer *)base;

    (void)gcr_cuda_enter_to_close(base->queue->device);
    drain(transfer);
    for (int s = 0; s < WAYS; s++)
        close_pair(transfer, &transfer->pairs[s]);
    close_event(transfer->end);
    close_event(transfer->begin);
    if (transfer->gate != NULL)
        GCR_CUDA_CLOSE(cudaFreeHost(transfer->gate));
    free(transfer);
}

static gcr_status transfer_open(gcr_transfer **out, gcr_queue *queue, const gcr_transfer_spec *spec)
{
    gcr_status status = GCR_OK;
    cuda_transfer *transfer = NULL;

    GCR_TRY(gcr_cuda_turn(queue->device));
    transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a transfer");
    transfer->base = (gcr_transfer){ .queue = queue,
                                     .spec = *spec,
                                     .has_clock_of_host = spec->kind == GCR_MEMORY_PAGEABLE ||
                                                          spec->kind == GCR_MEMORY_MANAGED };
    if (spec->kind == GCR_MEMORY_MANAGED)
        GCR_TRY(check_managed(device_of(transfer)));
    if (spec->kind == GCR_MEMORY_PEER)
        GCR_TRY(open_peer(device_of(transfer), spec->peer));
    GCR_TRY(gcr_cuda_measure_load(device_of(transfer)));
    GCR_TRY(open_gate(transfer));
    for (int s = 0; s < (gcr_transfer_goes(spec->kind, GCR_WAY_DOWN) ? WAYS : 1); s++)
        GCR_TRY(open_pair(transfer, &transfer->pairs[s]));
    GCR_TRY(rehearse(transfer));
    *out = &transfer->base;
    transfer = NULL;
out:
    if (transfer != NULL)
        transfer_close(&transfer->base);
    return status;
}

/* ---- what is not timed ----------------------------------------------------------------------- */

static void *end_of(const cuda_transfer *transfer, gcr_end end)
{
    const pair *p = &transfer->pairs[end == GCR_END_DOWN_FROM || end == GCR_END_DOWN_TO];

    return gcr_end_is_near(end) ? p->near : p->far;
}

/* Whether the host reads and writes an end as its own memory. */
static int is_hosts(const cuda_transfer *transfer, gcr_end end)
{
    return gcr_memory_is_hosts(transfer->base.spec.kind) && gcr_end_is_near(end);
}

static gcr_status move(cuda_transfer *transfer, void *to, const void *from, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const cudaStream_t stream = transfer->pairs[0].lane.stream;

    GCR_TRY(gcr_cuda_enter(transfer->base.queue->device));
    GCR_CUDA("copy what is measured", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream));
    GCR_CUDA("copy what is measured", cudaStreamSynchronize(stream));
out:
    return status;
}

static gcr_status transfer_put(gcr_transfer *base, gcr_end end, uint64_t offset, const void *from,
                               uint64_t bytes)
{
    cuda_transfer *transfer = (cuda_transfer *)base;
    char *to = (char *)end_of(transfer, end) + offset;

    if (!is_hosts(transfer, end))
        return move(transfer, to, from, bytes);
    memcpy(to, from, bytes);
    return GCR_OK;
}

static gcr_status transfer_get(gcr_transfer *base, void *to, gcr_end end, uint64_t offset,
                               uint64_t bytes)
{
    cuda_transfer *transfer = (cuda_transfer *)base;
    const char *from = (const char *)end_of(transfer, end) + offset;

    if (!is_hosts(transfer, end))
        return move(transfer, to, from, bytes);
    memcpy(to, from, bytes);
    return GCR_OK;
}

/* ---- copies behind a gate -------------------------------------------------------------------- */

/* On the lane of the way up, but for copies down that go beside them. */
static gcr_status enqueue_copies(cuda_transfer *transfer, gcr_way way, uint64_t bytes, int copies,
                                 cuda_lane *beside)
{
    gcr_status status = GCR_OK;
    pair *up = &transfer->pairs[0], *down = &transfer->pairs[1];

    for (int k = 0; k < copies; k++) {
        if (way != GCR_WAY_DOWN)
            GCR_TRY(enqueue(transfer, up, 1, bytes, &up->lane));
        if (way != GCR_WAY_UP)
            GCR_TRY(enqueue(transfer, down, 0, bytes, beside));
    }
out:
    return status;
}

static cuda_lane *lane_beside(cuda_transfer *transfer, gcr_way way)
{
    return &transfer->pairs[way == GCR_WAY_BOTH].lane;
}

static gcr_status enqueue_all(cuda_transfer *transfer, gcr_way way, uint64_t bytes, int copies)
{
    gcr_status status = GCR_OK;
    cuda_lane *up = &transfer->pairs[0].lane, *beside = lane_beside(transfer, way);

    GCR_TRY(launch_gate(transfer, gate_limit));
    GCR_CUDA("record an event", cudaEventRecord(transfer->begin, up->stream));
    if (way == GCR_WAY_BOTH)
        GCR_CUDA("wait for an event", cudaStreamWaitEvent(beside->stream, transfer->begin, 0));
    GCR_TRY(enqueue_copies(transfer, way, bytes, copies, beside));
    if (way == GCR_WAY_BOTH) {
        GCR_CUDA("record an event", cudaEventRecord(beside->mark, beside->stream));
        GCR_CUDA("wait for an event", cudaStreamWaitEvent(up->stream, beside->mark, 0));
    }
    GCR_CUDA("record an event", cudaEventRecord(transfer->end, up->stream));
out:
    return status;
}

/* The gate is opened whatever has failed: nobody waits behind it then. */
static gcr_status pass_gate(cuda_transfer *transfer, gcr_way way, uint64_t bytes, int copies)
{
    gcr_status status = GCR_OK;
    gcr_status enqueued;

    *transfer->gate = (gcr_gate_words){ 0 };
    enqueued = enqueue_all(transfer, way, bytes, copies);
    transfer->gate->is_open = 1;
    GCR_TRY(enqueued);
    GCR_CUDA("copy what is measured", cudaEventSynchronize(transfer->end));
out:
    return status;
}

/* Twice, where the gate gave up: the first of its kind may have had to wait for all that runs. */
static gcr_status time_gated(double *seconds_out, cuda_transfer *transfer, gcr_way way,
                             uint64_t bytes, int copies)
{
    gcr_status status = GCR_OK;
    float ms = 0;

    GCR_TRY(pass_gate(transfer, way, bytes, copies));
    if (transfer->gate->gave_up)
        GCR_TRY(pass_gate(transfer, way, bytes, copies));
    if (transfer->gate->gave_up)
        GCR_FAIL(GCR_EDEVICE, "copies were not enqueued within two seconds, and not measured; try "
                              "again on a machine with less to do");
    GCR_CUDA("ask how long copies took", cudaEventElapsedTime(&ms, transfer->begin, transfer->end));
    *seconds_out = 1e-3 * (double)ms;
out:
    return status;
}

/* ---- copies that the host has a part in ------------------------------------------------------ */

static gcr_status time_ungated(double *seconds_out, cuda_transfer *transfer, gcr_way way,
                               uint64_t bytes, int copies)
{
    gcr_status status = GCR_OK;
    cuda_lane *beside = lane_beside(transfer, way);
    const double begin = gcr_clock_seconds();

    GCR_TRY(enqueue_copies(transfer, way, bytes, copies, beside));
    GCR_CUDA("copy what is measured", cudaStreamSynchronize(transfer->pairs[0].lane.stream));
    GCR_CUDA("copy what is measured", cudaStreamSynchronize(beside->stream));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    return status;
}

static gcr_status move_pages(cuda_transfer *transfer, const pair *p, int is_up, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const struct cudaMemLocation to = {
        .type = is_up ? cudaMemLocationTypeDevice : cudaMemLocationTypeHost,
        .id = is_up ? device_of(transfer)->index : 0,
    };

    GCR_CUDA("move managed memory", cudaMemPrefetchAsync(p->near, bytes, to, 0, p->lane.stream));
out:
    return status;
}

/* Up: pages move to the GPU and are read there; down: they are written there and move back. Where
 * they must be at the beginning they are moved to before. */
static gcr_status time_managed(double *seconds_out, cuda_transfer *transfer, gcr_way way,
                               uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const int is_up = way == GCR_WAY_UP;
    pair *p = &transfer->pairs[!is_up];
    double begin;

    GCR_TRY(move_pages(transfer, p, !is_up, bytes));
    GCR_CUDA("move managed memory", cudaStreamSynchronize(p->lane.stream));
    begin = gcr_clock_seconds();
    if (is_up)
        GCR_TRY(move_pages(transfer, p, 1, bytes));
    GCR_TRY(
        launch_copy(transfer, is_up ? p->far : p->near, is_up ? p->near : p->far, bytes, &p->lane));
    if (!is_up)
        GCR_TRY(move_pages(transfer, p, 0, bytes));
    GCR_CUDA("copy what is measured", cudaStreamSynchronize(p->lane.stream));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    return status;
}

static gcr_status transfer_time(double *seconds_out, gcr_transfer *base, gcr_way way,
                                uint64_t bytes, int copies)
{
    gcr_status status = GCR_OK;
    cuda_transfer *transfer = (cuda_transfer *)base;

    GCR_TRY(gcr_cuda_turn(base->queue->device));
    if (base->spec.kind == GCR_MEMORY_MANAGED)
        GCR_TRY(time_managed(seconds_out, transfer, way, bytes)); /* once, says the front */
    else if (base->has_clock_of_host)
        GCR_TRY(time_ungated(seconds_out, transfer, way, bytes, copies));
    else
        GCR_TRY(time_gated(seconds_out, transfer, way, bytes, copies));
out:
    return status;
}

/* ---- what memory costs ----------------------------------------------------------------------- */

static gcr_status take(void **block, gcr_memory_cost what, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    switch (what) {
    case GCR_COST_DEVICE: GCR_CUDA("allocate memory of the GPU", cudaMalloc(block, bytes)); break;
    case GCR_COST_PINNED:
        GCR_CUDA("allocate pinned memory", cudaHostAlloc(block, bytes, cudaHostAllocDefault));
        break;
    default: GCR_CUDA("pin memory", cudaHostRegister(*block, bytes, cudaHostRegisterDefault));
    }
out:
    return status;
}

static gcr_status give(void *block, gcr_memory_cost what)
{
    gcr_status status = GCR_OK;

    switch (what) {
    case GCR_COST_DEVICE: GCR_CUDA("free memory of the GPU", cudaFree(block)); break;
    case GCR_COST_PINNED: GCR_CUDA("free pinned memory", cudaFreeHost(block)); break;
    default: GCR_CUDA("unpin memory", cudaHostUnregister(block));
    }
out:
    return status;
}

static gcr_status memory_cost(double *take_out, double *give_out, gcr_queue *queue,
                              gcr_memory_cost what, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    void *ordinary = NULL, *block;
    double begin, taken;

    GCR_TRY(gcr_cuda_enter(queue->device));
    if (what == GCR_COST_REGISTER) {
        GCR_TRY(gcr_memory_create(&ordinary, bytes, 1, "what is pinned to be measured"));
        memset(ordinary, 1, bytes);
    }
    block = ordinary;
    begin = gcr_clock_seconds();
    GCR_TRY(take(&block, what, bytes));
    taken = gcr_clock_seconds();
    GCR_TRY(give(block, what));
    *take_out = taken - begin;
    *give_out = gcr_clock_seconds() - taken;
out:
    gcr_memory_destroy(ordinary);
    return status;
}

const gcr_measure_ops gcr_cuda_measure = {
    .transfer_open = transfer_open,
    .transfer_close = transfer_close,
    .transfer_put = transfer_put,
    .transfer_get = transfer_get,
    .transfer_time = transfer_time,
    .memory_cost = memory_cost,
    .work = gcr_cuda_work,
};
