/*
 * backend/backend.c -- the only callers of a gcr_backend table.
 *
 * Each function here does four things in this order: check what the caller promised, call the
 * table, write the ledger, return. Nothing else belongs in this file.
 */
#include "backend/backend.h"

#include "base/check.h"

#include <inttypes.h>
#include <string.h>

const gcr_backend *gcr_backend_find(const char *name)
{
    for (const gcr_backend *const *b = gcr_backends; *b != NULL; b++)
        if (strcmp((*b)->name, name) == 0)
            return *b;
    return NULL;
}

static gcr_status check_index(const gcr_backend *backend, int index)
{
    gcr_status status = GCR_OK;
    char why[512] = "";
    int count = 0;

    GCR_TRY(backend->device_count(&count, why, sizeof why));
    if (count == 0)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s", why);
    if (index < 0 || index >= count)
        GCR_FAIL(GCR_EINVAL, "there is no device %s:%d: this machine has %d", backend->name, index,
                 count);
out:
    return status;
}

gcr_status gcr_device_identify(gcr_device_identity *out, const gcr_backend *backend, int index)
{
    gcr_status status = GCR_OK;

    *out = (gcr_device_identity){ 0 };
    GCR_TRY(check_index(backend, index));
    if (backend->device_identify != NULL)
        GCR_TRY(backend->device_identify(out, index));
out:
    return status;
}

gcr_status gcr_device_open(gcr_device **out, const gcr_backend *backend, int index)
{
    gcr_status status = GCR_OK;

    *out = NULL;
    GCR_TRY(check_index(backend, index));
    GCR_TRY(backend->device_open(out, index));
    atomic_flag_clear(&(*out)->ledger_busy);
out:
    return status;
}

void gcr_device_close(gcr_device *device)
{
    if (device != NULL)
        device->backend->device_close(device);
}

void gcr_device_kind(char *out, size_t bytes, const gcr_device *device, gcr_code_path path,
                     gcr_scalar scalar, gcr_algorithm algorithm, int64_t matrix_rows)
{
    device->backend->device_kind(out, bytes, device, path, scalar, algorithm, matrix_rows);
}

gcr_status gcr_device_calibrate(gcr_device *device, const gcr_calibration_spec *spec)
{
    gcr_status status = GCR_OK;

    if (device->backend->calibrate == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "the backend '%s' has nothing to calibrate",
                 device->backend->name);
    GCR_TRY(device->backend->calibrate(device, spec));
out:
    return status;
}

/* Raises `peak` to `value` if it is lower. */
static void raise_to(_Atomic uint64_t *peak, uint64_t value)
{
    uint64_t seen = atomic_load(peak);

    while (seen < value && !atomic_compare_exchange_weak(peak, &seen, value))
        ;
}

gcr_status gcr_buf_open(gcr_buf **out, gcr_device *device, gcr_place place, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    *out = NULL;
    if (bytes == 0 || place == GCR_PLACE_HOST)
        GCR_FAIL(GCR_EINVAL, "a buffer has a size and lives in staging or device memory");
    GCR_TRY(device->backend->buf_open(out, device, place, bytes));
    if (place == GCR_PLACE_DEVICE)
        raise_to(&device->buf_bytes_peak, atomic_fetch_add(&device->buf_bytes, bytes) + bytes);
out:
    return status;
}

static void close_with(void (*operation)(gcr_buf *buf), gcr_buf *buf)
{
    if (buf->place == GCR_PLACE_DEVICE)
        atomic_fetch_sub(&buf->device->buf_bytes, buf->bytes);
    operation(buf);
}

void gcr_buf_close(gcr_buf *buf)
{
    if (buf != NULL)
        close_with(buf->device->backend->buf_close, buf);
}

void gcr_buf_close_idle(gcr_buf *buf)
{
    const gcr_backend *backend;

    if (buf == NULL)
        return;
    backend = buf->device->backend;
    close_with(backend->buf_close_idle != NULL ? backend->buf_close_idle : backend->buf_close, buf);
}

gcr_status gcr_queue_open(gcr_queue **out, gcr_device *device)
{
    *out = NULL;
    return device->backend->queue_open(out, device);
}

void gcr_ledger_add(gcr_ledger *sum, const gcr_ledger *part)
{
    sum->up_bytes += part->up_bytes;
    sum->up_calls += part->up_calls;
    sum->down_bytes += part->down_bytes;
    sum->down_calls += part->down_calls;
    sum->shared_bytes += part->shared_bytes;
    sum->shared_calls += part->shared_calls;
    sum->sent_bytes += part->sent_bytes;
    sum->sent_calls += part->sent_calls;
    sum->received_bytes += part->received_bytes;
    sum->received_calls += part->received_calls;
    sum->spread_bytes += part->spread_bytes;
    sum->spread_calls += part->spread_calls;
    sum->prepare_calls += part->prepare_calls;
    sum->crunch_calls += part->crunch_calls;
    sum->tiles += part->tiles;
    sum->points += part->points;
    sum->factor_calls += part->factor_calls;
    sum->matrices += part->matrices;
}

void gcr_ledger_forget(gcr_device *device)
{
    device->ledger = (gcr_ledger){ 0 };
    atomic_store(&device->buf_bytes_peak, atomic_load(&device->buf_bytes));
}

void gcr_queue_close(gcr_queue *queue)
{
    gcr_device *device;

    if (queue == NULL)
        return;
    device = queue->device;
    while (atomic_flag_test_and_set_explicit(&device->ledger_busy, memory_order_acquire))
        ;
    gcr_ledger_add(&device->ledger, &queue->ledger);
    device->ledger.peak_bytes = atomic_load(&device->buf_bytes_peak);
    atomic_flag_clear_explicit(&device->ledger_busy, memory_order_release);
    device->backend->queue_close(queue);
}

gcr_status gcr_queue_sync(gcr_queue *queue)
{
    return queue->device->backend->queue_sync(queue);
}

gcr_status gcr_event_open(gcr_event **out, gcr_device *device)
{
    *out = NULL;
    return device->backend->event_open(out, device);
}

void gcr_event_close(gcr_event *event)
{
    if (event != NULL)
        event->device->backend->event_close(event);
}

gcr_status gcr_event_record(gcr_event *event, gcr_queue *queue)
{
    return queue->device->backend->event_record(event, queue);
}

gcr_status gcr_event_sync(gcr_event *event, double seconds)
{
    return event->device->backend->event_sync(event, seconds);
}

gcr_status gcr_buf_check_range(const gcr_buf *buf, uint64_t offset, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    if (offset > buf->bytes || bytes > buf->bytes - offset)
        GCR_FAIL(GCR_EINVAL, "%" PRIu64 " bytes at %" PRIu64 " are outside a buffer of %" PRIu64,
                 bytes, offset, buf->bytes);
out:
    return status;
}

gcr_status gcr_upload(gcr_queue *queue, gcr_buf *to, uint64_t offset, const void *from,
                      gcr_place place, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_buf_check_range(to, offset, bytes));
    GCR_TRY(queue->device->backend->copy(queue, (char *)to->base + offset, to->place, from, place,
                                         bytes));
    queue->ledger.up_bytes += bytes;
    queue->ledger.up_calls++;
out:
    return status;
}

gcr_status gcr_download(gcr_queue *queue, void *to, gcr_place place, const gcr_buf *from,
                        uint64_t offset, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_buf_check_range(from, offset, bytes));
    GCR_TRY(queue->device->backend->copy(queue, to, place, (const char *)from->base + offset,
                                         from->place, bytes));
    queue->ledger.down_bytes += bytes;
    queue->ledger.down_calls++;
out:
    return status;
}

void gcr_share(gcr_queue *queue, uint64_t bytes)
{
    queue->ledger.shared_bytes += bytes;
    queue->ledger.shared_calls++;
}

gcr_status gcr_cell_bytes(uint64_t *out, const gcr_device *device, const gcr_program_spec *spec,
                          const gcr_shape *shape)
{
    *out = 0;
    return device->backend->cell_bytes != NULL
               ? device->backend->cell_bytes(out, device, spec, shape)
               : GCR_OK;
}

uint64_t gcr_cells_at_once(const gcr_device *device, const gcr_unit *unit, const gcr_shape *shape)
{
    return device->backend->cells_at_once != NULL
               ? device->backend->cells_at_once(device, unit, shape)
               : 1;
}

gcr_status gcr_program_open(gcr_program **out, gcr_device *device, const gcr_program_spec *spec)
{
    *out = NULL;
    return device->backend->program_open(out, device, spec);
}

void gcr_program_close(gcr_program *program)
{
    if (program != NULL)
        program->device->backend->program_close(program);
}

gcr_status gcr_prepare(gcr_queue *queue, gcr_program *program, const gcr_prepare_args *args)
{
    gcr_status status = GCR_OK;

    if (program->unit->prepare == NULL)
        GCR_FAIL(GCR_EINVAL, "kernel '%s' has nothing to prepare", program->unit->kernel->name);
    GCR_TRY(queue->device->backend->prepare(queue, program, args));
    queue->ledger.prepare_calls++;
out:
    return status;
}

gcr_status gcr_crunch(gcr_queue *queue, gcr_program *program, const gcr_crunch_args *args)
{
    gcr_status status = GCR_OK;

    if (args->tile_count == 0)
        goto out; /* nothing is a valid amount of work, but not a valid launch */
    GCR_TRY(queue->device->backend->crunch(queue, program, args));
    queue->ledger.crunch_calls++;
    queue->ledger.tiles += args->tile_count;
    for (uint64_t t = 0; t < args->tile_count; t++)
        queue->ledger.points += args->tiles[t].count;
out:
    return status;
}

/* ---- datasets that are made ------------------------------------------------------------------ */

int gcr_can_generate(const gcr_device *device)
{
    return device->backend->generate != NULL;
}

gcr_status gcr_generate(gcr_queue *queue, const gcr_generate_args *args)
{
    gcr_status status = GCR_OK;

    if (!gcr_can_generate(queue->device))
        GCR_FAIL(GCR_EUNSUPPORTED, "devices of '%s' make no datasets",
                 queue->device->backend->name);
    if (args->recipe.rows < 1 || args->recipe.features < 1)
        GCR_FAIL(GCR_EINVAL, "a dataset that is made has rows and features");
    GCR_TRY(queue->device->backend->generate(queue, args));
out:
    return status;
}

/* ---- records --------------------------------------------------------------------------------- */

int gcr_can_reduce(const gcr_device *device, const gcr_reduction *reduction)
{
    return device->backend->reduce != NULL &&
           (reduction->top_of < 0 || reduction->top <= GCR_REDUCED_TOP_MAX);
}

gcr_status gcr_reduce(gcr_queue *queue, gcr_program *program, const gcr_reduce_args *args)
{
    gcr_status status = GCR_OK;

    if (!gcr_can_reduce(queue->device, args->reduction))
        GCR_FAIL(GCR_EUNSUPPORTED, "devices of '%s' do not leave such records",
                 queue->device->backend->name);
    for (uint64_t t = 0; t < args->tile_count; t++)
        if (args->tiles[t].first % GCR_PARTIAL_POINTS != 0)
            GCR_FAIL(GCR_EINVAL,
                     "a tile that is reduced begins at the edge of a block, not at %" PRIu64,
                     args->tiles[t].first);
    if (args->tile_count > 0) /* as of gcr_crunch() */
        GCR_TRY(queue->device->backend->reduce(queue, program, args));
out:
    return status;
}

/* ---- factors --------------------------------------------------------------------------------- */

static gcr_status check_size(const gcr_device *device, int32_t n)
{
    gcr_status status = GCR_OK;

    if (device->backend->factor == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "devices of '%s' factor no matrices without a kernel",
                 device->backend->name);
    if (n < 1 || n > GCR_FACTOR_ROWS_MAX)
        GCR_FAIL(GCR_EINVAL, "a matrix that is factored has 1 to %d rows, not %" PRId32,
                 GCR_FACTOR_ROWS_MAX, n);
out:
    return status;
}

gcr_status gcr_factor_bytes(uint64_t *out, const gcr_device *device, gcr_scalar scalar, int32_t n,
                            uint64_t count)
{
    gcr_status status = GCR_OK;

    *out = 0;
    GCR_TRY(check_size(device, n));
    *out = device->backend->factor_bytes(device, scalar, n, count);
    if (*out == UINT64_MAX)
        GCR_FAIL(GCR_ENOMEM,
                 "%" PRIu64 " matrices of %" PRId32 " rows take more bytes than can be counted",
                 count, n);
out:
    return status;
}

static gcr_status check_group(const gcr_device *device, gcr_factor_step step,
                              const gcr_factor_group *group)
{
    gcr_status status = GCR_OK;
    const void *const other =
        step == GCR_FACTOR_IN_PLACE ? (const void *)group->minor : group->square;

    GCR_TRY(check_size(device, group->n));
    if (group->count == 0 || group->matrices == NULL || other == NULL)
        GCR_FAIL(GCR_EINVAL, "a group of matrices has a count and its addresses");
    if ((uintptr_t)group->matrices % device->info.alignment != 0)
        GCR_FAIL(GCR_EINVAL, "matrices begin on a multiple of %" PRIu64 " bytes",
                 device->info.alignment);
out:
    return status;
}

gcr_status gcr_factor(gcr_queue *queue, const gcr_factor_args *args)
{
    gcr_status status = GCR_OK;

    for (uint64_t g = 0; g < args->group_count; g++)
        GCR_TRY(check_group(queue->device, args->step, &args->groups[g]));
    if (args->group_count == 0)
        goto out; /* as of gcr_crunch() */
    GCR_TRY(queue->device->backend->factor(queue, args));
    if (args->step != GCR_FACTOR_IN_PLACE)
        goto out;
    queue->ledger.factor_calls++;
    for (uint64_t g = 0; g < args->group_count; g++)
        queue->ledger.matrices += args->groups[g].count;
out:
    return status;
}
