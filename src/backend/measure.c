/* backend/measure.c -- the only callers of a gcr_measure_ops: checks, the table, the ledger. */
#include "backend/backend.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <unistd.h>

const char *gcr_memory_kind_name(gcr_memory_kind kind)
{
    static const char *const names[GCR_MEMORY_KIND_COUNT] = {
        [GCR_MEMORY_PAGEABLE] = "pageable", [GCR_MEMORY_PINNED] = "pinned",
        [GCR_MEMORY_MAPPED] = "mapped",     [GCR_MEMORY_MANAGED] = "managed",
        [GCR_MEMORY_DEVICE] = "device",     [GCR_MEMORY_PEER] = "peer",
    };

    return names[kind];
}

const char *gcr_way_name(gcr_way way)
{
    static const char *const names[GCR_WAY_COUNT] = { "up", "down", "both" };

    return names[way];
}

/* ---- whether it fits ------------------------------------------------------------------------- */

/* Blocks of the device and of the host: one for each way, and inside a device two for the one
 * way. */
static gcr_status check_fit(const gcr_device *device, const gcr_transfer_spec *spec)
{
    gcr_status status = GCR_OK;
    const uint64_t host = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    char asked[32], there[32];

    if (spec->bytes > device->info.total_bytes / 2)
        GCR_FAIL(GCR_ENOMEM, "two blocks of %s do not fit %s, which has %s",
                 gcr_format_bytes(asked, spec->bytes), device->info.name,
                 gcr_format_bytes(there, device->info.total_bytes));
    if (gcr_memory_is_hosts(spec->kind) && spec->bytes > host / 2)
        GCR_FAIL(GCR_ENOMEM, "two blocks of %s do not fit the memory of this machine, %s",
                 gcr_format_bytes(asked, spec->bytes), gcr_format_bytes(there, host));
out:
    return status;
}

static gcr_status check_ops(const gcr_device *device)
{
    gcr_status status = GCR_OK;

    if (device->backend->measure == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "the backend '%s' has nothing to measure copies with",
                 device->backend->name);
out:
    return status;
}

gcr_status gcr_transfer_open(gcr_transfer **out, gcr_queue *queue, const gcr_transfer_spec *spec)
{
    gcr_status status = GCR_OK;

    *out = NULL;
    GCR_TRY(check_ops(queue->device));
    if (spec->bytes == 0)
        GCR_FAIL(GCR_EINVAL, "a transfer has a size");
    GCR_TRY(check_fit(queue->device, spec));
    GCR_TRY(queue->device->backend->measure->transfer_open(out, queue, spec));
out:
    return status;
}

static const gcr_measure_ops *ops_of(const gcr_transfer *transfer)
{
    return transfer->queue->device->backend->measure;
}

void gcr_transfer_close(gcr_transfer *transfer)
{
    if (transfer != NULL)
        ops_of(transfer)->transfer_close(transfer);
}

/* ---- what is moved --------------------------------------------------------------------------- */

static gcr_status check_part(const gcr_transfer *transfer, uint64_t offset, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    if (offset > transfer->spec.bytes || bytes > transfer->spec.bytes - offset)
        GCR_FAIL(GCR_EINVAL, "%" PRIu64 " bytes at %" PRIu64 " are outside a block of %" PRIu64,
                 bytes, offset, transfer->spec.bytes);
out:
    return status;
}

/* Adds what was copied up and down: all that crossed between the host and a device. */
static void count(gcr_queue *queue, uint64_t up_bytes, uint64_t up_calls, uint64_t down_bytes,
                  uint64_t down_calls)
{
    queue->ledger.up_bytes += up_bytes;
    queue->ledger.up_calls += up_calls;
    queue->ledger.down_bytes += down_bytes;
    queue->ledger.down_calls += down_calls;
}

gcr_status gcr_transfer_put(gcr_transfer *transfer, gcr_end end, uint64_t offset, const void *from,
                            uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_part(transfer, offset, bytes));
    GCR_TRY(ops_of(transfer)->transfer_put(transfer, end, offset, from, bytes));
    if (!(gcr_memory_is_hosts(transfer->spec.kind) && gcr_end_is_near(end)))
        count(transfer->queue, bytes, 1, 0, 0);
out:
    return status;
}

gcr_status gcr_transfer_get(gcr_transfer *transfer, void *to, gcr_end end, uint64_t offset,
                            uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_part(transfer, offset, bytes));
    GCR_TRY(ops_of(transfer)->transfer_get(transfer, to, end, offset, bytes));
    if (!(gcr_memory_is_hosts(transfer->spec.kind) && gcr_end_is_near(end)))
        count(transfer->queue, 0, 0, bytes, 1);
out:
    return status;
}

/* ---- what is timed --------------------------------------------------------------------------- */

gcr_status gcr_transfer_time(double *seconds_out, gcr_transfer *transfer, gcr_way way,
                             uint64_t bytes, int copies)
{
    gcr_status status = GCR_OK;
    const gcr_memory_kind kind = transfer->spec.kind;
    const int most = gcr_transfer_copies_max(kind);
    const uint64_t moved = bytes * (uint64_t)copies;
    double seconds;

    GCR_TRY(check_part(transfer, 0, bytes));
    if (bytes == 0 || copies < 1 || copies > most)
        GCR_FAIL(GCR_EINVAL, "1 to %d copies of %s memory are timed in one go, of a byte or more",
                 most, gcr_memory_kind_name(kind));
    if (!gcr_transfer_goes(kind, way))
        GCR_FAIL(GCR_EUNSUPPORTED, "copies of %s memory do not go '%s'", gcr_memory_kind_name(kind),
                 gcr_way_name(way));
    GCR_TRY(ops_of(transfer)->transfer_time(&seconds, transfer, way, bytes, copies));
    *seconds_out = seconds > 0 ? seconds : 1e-9; /* less than its clock can tell */
    if (gcr_memory_is_hosts(kind) && way != GCR_WAY_DOWN)
        count(transfer->queue, moved, (uint64_t)copies, 0, 0);
    if (gcr_memory_is_hosts(kind) && way != GCR_WAY_UP)
        count(transfer->queue, 0, 0, moved, (uint64_t)copies);
out:
    return status;
}

gcr_status gcr_memory_cost_of(double *take_out, double *give_out, gcr_queue *queue,
                              gcr_memory_cost what, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_ops(queue->device));
    if (bytes == 0)
        GCR_FAIL(GCR_EINVAL, "memory has a size");
    GCR_TRY(queue->device->backend->measure->memory_cost(take_out, give_out, queue, what, bytes));
out:
    return status;
}

/* ---- work ------------------------------------------------------------------------------------ */

/* So many values of so many bytes. */
static uint64_t bytes_of(uint64_t count, uint64_t size)
{
    uint64_t bytes;

    return gcr_multiply(&bytes, count, size) ? bytes : UINT64_MAX;
}

static uint64_t square_of(uint64_t n)
{
    uint64_t square;

    return gcr_multiply(&square, n, n) ? square : UINT64_MAX;
}

uint64_t gcr_work_in_bytes(gcr_work_kind kind, uint64_t n)
{
    switch (kind) {
    case GCR_WORK_MULTIPLY: return bytes_of(square_of(n), sizeof(double));
    case GCR_WORK_TANGENT:
    case GCR_WORK_SUM: return bytes_of(n, sizeof(double));
    case GCR_WORK_TANGENT_F32: return bytes_of(n, sizeof(float));
    default: return bytes_of(square_of(n), sizeof(float));
    }
}

uint64_t gcr_work_out_bytes(gcr_work_kind kind, uint64_t n)
{
    return kind == GCR_WORK_SUM ? (1 + GCR_SUM_PIECES) * sizeof(double)
                                : gcr_work_in_bytes(kind, n);
}

gcr_status gcr_work(gcr_queue *queue, const gcr_work_args *args)
{
    gcr_status status = GCR_OK;
    const uint64_t in = gcr_work_in_bytes(args->kind, args->n);
    const int has_b = args->kind == GCR_WORK_MULTIPLY;

    GCR_TRY(check_ops(queue->device));
    if (args->n == 0 || args->n > UINT64_C(1) << 40)
        GCR_FAIL(GCR_EINVAL, "work has a size, of 2^40 at most");
    if (in > args->a->bytes || (has_b && in > args->b->bytes) ||
        gcr_work_out_bytes(args->kind, args->n) > args->out->bytes)
        GCR_FAIL(GCR_EINVAL, "work of size %" PRIu64 " is outside its buffers", args->n);
    GCR_TRY(queue->device->backend->measure->work(queue, args));
out:
    return status;
}
