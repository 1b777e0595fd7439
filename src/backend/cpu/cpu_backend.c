/*
 * backend/cpu/cpu_backend.c -- the CPU cores of this process as one device.
 *
 * The device has no threads of its own: each thread of the run's pool brings a queue, and the work
 * is done on that thread before an operation returns. So queues never wait, events are always
 * past, and the one thing that a queue owns is the scratch of its thread.
 */
#include "backend/cpu/cpu.h"
#include "backend/cpu/cpu_blas.h"
#include "backend/cpu/cpu_factor.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct cpu_queue {
    gcr_queue base;
    void *scratch; /* grows to what the program needs at the first use, then stays */
    uint64_t scratch_bytes;
} cpu_queue;

typedef struct cpu_program {
    gcr_program base;
    gcr_unit_setup setup;
    uint64_t scratch_bytes;
} cpu_program;

static gcr_status cpu_device_count(int *out, char *why, size_t why_bytes)
{
    (void)why;
    (void)why_bytes;
    *out = 1;
    return GCR_OK;
}

static gcr_status cpu_device_open(gcr_device **out, int index)
{
    gcr_status status = GCR_OK;
    gcr_device *device = calloc(1, sizeof *device);

    (void)index;
    if (device == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a device");
    device->backend = &gcr_cpu_backend;
    gcr_cpu_describe(&device->info);
    *out = device;
out:
    return status;
}

static void cpu_device_close(gcr_device *device)
{
    free(device);
}

static void cpu_buf_close(gcr_buf *buf)
{
    if (buf == NULL)
        return;
    gcr_memory_destroy(buf->base);
    free(buf);
}

static gcr_status cpu_buf_open(gcr_buf **out, gcr_device *device, gcr_place place, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    gcr_buf *buf = calloc(1, sizeof *buf);

    if (buf == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a buffer");
    GCR_TRY(gcr_memory_create(&buf->base, bytes, 1, "a buffer"));
    buf->device = device;
    buf->place = place;
    buf->bytes = bytes;
    *out = buf;
    buf = NULL;
out:
    cpu_buf_close(buf);
    return status;
}

static gcr_status cpu_copy(gcr_queue *queue, void *to, gcr_place to_place, const void *from,
                           gcr_place from_place, uint64_t bytes)
{
    (void)queue;
    (void)to_place;
    (void)from_place;
    memcpy(to, from, bytes);
    return GCR_OK;
}

static gcr_status cpu_queue_open(gcr_queue **out, gcr_device *device)
{
    gcr_status status = GCR_OK;
    cpu_queue *queue = NULL;

    /* a cache line of its own: the ledger inside is written for every batch */
    GCR_TRY(gcr_memory_create((void **)&queue, 1, sizeof *queue, "a queue"));
    queue->base.device = device;
    *out = &queue->base;
out:
    return status;
}

static void cpu_queue_close(gcr_queue *base)
{
    cpu_queue *queue = (cpu_queue *)base;

    gcr_memory_destroy(queue->scratch);
    gcr_memory_destroy(queue);
}

static gcr_status cpu_queue_sync(gcr_queue *queue)
{
    (void)queue;
    return GCR_OK;
}

static gcr_status cpu_event_open(gcr_event **out, gcr_device *device)
{
    gcr_status status = GCR_OK;
    gcr_event *event = calloc(1, sizeof *event);

    if (event == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for an event");
    event->device = device;
    *out = event;
out:
    return status;
}

static void cpu_event_close(gcr_event *event)
{
    free(event);
}

static gcr_status cpu_event_record(gcr_event *event, gcr_queue *queue)
{
    (void)event;
    (void)queue;
    return GCR_OK;
}

static gcr_status cpu_event_sync(gcr_event *event, double seconds)
{
    (void)seconds;
    (void)event;
    return GCR_OK;
}

static gcr_status cpu_program_open(gcr_program **out, gcr_device *device,
                                   const gcr_program_spec *spec)
{
    gcr_status status = GCR_OK;
    cpu_program *program = calloc(1, sizeof *program);

    if (program == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a program");
    program->base.device = device;
    program->base.unit = spec->unit;
    program->setup = *spec->setup;
    program->setup.ns_per_tick = gcr_clock_ns_per_tick();
    program->setup.lapack = &gcr_cpu_lapack;
    program->scratch_bytes = spec->unit->scratch_bytes(&spec->largest);
    gcr_cpu_blas_begin();
    *out = &program->base;
out:
    return status;
}

static void cpu_program_close(gcr_program *program)
{
    gcr_cpu_blas_end();
    free(program);
}

/* Gives the queue at least the scratch that the program needs. */
static gcr_status reserve_scratch(cpu_queue *queue, const cpu_program *program)
{
    gcr_status status = GCR_OK;

    if (queue->scratch_bytes >= program->scratch_bytes)
        goto out;
    gcr_memory_destroy(queue->scratch);
    queue->scratch_bytes = 0;
    GCR_TRY(gcr_memory_create(&queue->scratch, program->scratch_bytes, 1, "scratch of a thread"));
    queue->scratch_bytes = program->scratch_bytes;
out:
    return status;
}

static gcr_status cpu_prepare(gcr_queue *base, gcr_program *base_program,
                              const gcr_prepare_args *args)
{
    gcr_status status = GCR_OK;
    cpu_queue *queue = (cpu_queue *)base;
    const cpu_program *program = (const cpu_program *)base_program;

    GCR_TRY(reserve_scratch(queue, program));
    *args->fault =
        program->base.unit->prepare(&program->setup, &args->data, args->prepared, queue->scratch);
out:
    return status;
}

static gcr_status cpu_crunch(gcr_queue *base, gcr_program *base_program,
                             const gcr_crunch_args *args)
{
    gcr_status status = GCR_OK;
    cpu_queue *queue = (cpu_queue *)base;
    const cpu_program *program = (const cpu_program *)base_program;

    GCR_TRY(reserve_scratch(queue, program));
    program->base.unit->crunch(&program->setup, args->tiles, args->tile_count, queue->scratch);
out:
    return status;
}

const gcr_backend gcr_cpu_backend = {
    .name = "cpu",

    .device_count = cpu_device_count,
    .device_open = cpu_device_open,
    .device_identify = gcr_cpu_identify,
    .device_close = cpu_device_close,
    .device_kind = gcr_cpu_kind,

    .buf_open = cpu_buf_open,
    .buf_close = cpu_buf_close,
    .copy = cpu_copy,

    .queue_open = cpu_queue_open,
    .queue_close = cpu_queue_close,
    .queue_sync = cpu_queue_sync,
    .event_open = cpu_event_open,
    .event_close = cpu_event_close,
    .event_record = cpu_event_record,
    .event_sync = cpu_event_sync,

    .program_open = cpu_program_open,
    .program_close = cpu_program_close,
    .prepare = cpu_prepare,
    .crunch = cpu_crunch,

    .factor_bytes = gcr_cpu_factor_bytes,
    .factor = gcr_cpu_factor,

    .measure = &gcr_cpu_measure,
};
