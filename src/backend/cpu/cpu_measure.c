/*
 * backend/cpu/cpu_measure.c -- copies of memory on a CPU, for whoever measures devices.
 *
 * All kinds of memory are the same here and a copy is a memcpy(): what the kinds have in common
 * (what is counted, what arrives) can be looked at on any machine, what tells them apart cannot.
 */
#include "backend/cpu/cpu.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct cpu_transfer {
    gcr_transfer base;
    char *end[GCR_END_COUNT];
} cpu_transfer;

static void transfer_close(gcr_transfer *base)
{
    cpu_transfer *transfer = (cpu_transfer *)base;

    for (int e = 0; e < GCR_END_COUNT; e++)
        gcr_memory_destroy(transfer->end[e]);
    free(transfer);
}

static gcr_status transfer_open(gcr_transfer **out, gcr_queue *queue, const gcr_transfer_spec *spec)
{
    gcr_status status = GCR_OK;
    cpu_transfer *transfer = NULL;

    if (spec->kind == GCR_MEMORY_PEER)
        GCR_FAIL(GCR_EUNSUPPORTED, "the CPUs of this process are one device, which has no peer");
    transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a transfer");
    transfer->base = (gcr_transfer){ .queue = queue, .spec = *spec };
    for (int e = 0; e < GCR_END_COUNT; e++)
        GCR_TRY(gcr_memory_create((void **)&transfer->end[e], spec->bytes, 1,
                                  "what is copied to be measured"));
    *out = &transfer->base;
    transfer = NULL;
out:
    if (transfer != NULL)
        transfer_close(&transfer->base);
    return status;
}

static gcr_status transfer_put(gcr_transfer *base, gcr_end end, uint64_t offset, const void *from,
                               uint64_t bytes)
{
    memcpy(((cpu_transfer *)base)->end[end] + offset, from, bytes);
    return GCR_OK;
}

static gcr_status transfer_get(gcr_transfer *base, void *to, gcr_end end, uint64_t offset,
                               uint64_t bytes)
{
    memcpy(to, ((cpu_transfer *)base)->end[end] + offset, bytes);
    return GCR_OK;
}

static gcr_status transfer_time(double *seconds_out, gcr_transfer *base, gcr_way way,
                                uint64_t bytes, int copies)
{
    cpu_transfer *transfer = (cpu_transfer *)base;
    const double begin = gcr_clock_seconds();

    for (int k = 0; k < copies; k++) {
        if (way != GCR_WAY_DOWN)
            memcpy(transfer->end[GCR_END_UP_TO], transfer->end[GCR_END_UP_FROM], bytes);
        if (way != GCR_WAY_UP)
            memcpy(transfer->end[GCR_END_DOWN_TO], transfer->end[GCR_END_DOWN_FROM], bytes);
    }
    *seconds_out = gcr_clock_seconds() - begin;
    return GCR_OK;
}

/* Pages that are touched are as near to pinned as ordinary memory gets. */
static gcr_status memory_cost(double *take_out, double *give_out, gcr_queue *queue,
                              gcr_memory_cost what, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    void *block;
    double begin, taken;

    (void)queue;
    (void)what;
    begin = gcr_clock_seconds();
    GCR_TRY(gcr_memory_create(&block, bytes, 1, "what is allocated to be measured"));
    memset(block, 1, bytes);
    taken = gcr_clock_seconds();
    gcr_memory_destroy(block);
    *take_out = taken - begin;
    *give_out = gcr_clock_seconds() - taken;
out:
    return status;
}

const gcr_measure_ops gcr_cpu_measure = {
    .transfer_open = transfer_open,
    .transfer_close = transfer_close,
    .transfer_put = transfer_put,
    .transfer_get = transfer_get,
    .transfer_time = transfer_time,
    .memory_cost = memory_cost,
};
