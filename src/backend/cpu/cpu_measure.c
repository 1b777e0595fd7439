/*
 * backend/cpu/cpu_measure.c -- copies of memory and work on a CPU, for whoever measures devices.
 *
 * All kinds of memory are the same here and a copy is a memcpy(): what the kinds have in common
 * (what is counted, what arrives) can be looked at on any machine, what tells them apart cannot.
 */
#include "backend/cpu/cpu.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <math.h>
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
    transfer->base = (gcr_transfer){ .queue = queue, .spec = *spec, .has_clock_of_host = 1 };
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

/* ---- work ------------------------------------------------------------------------------------ */

/* A row of out is a sum of rows of b. */
static void multiply(double *out, const double *a, const double *b, uint64_t n)
{
    memset(out, 0, n * n * sizeof *out);
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t k = 0; k < n; k++) {
            const double factor = a[i * n + k];

            for (uint64_t j = 0; j < n; j++)
                out[i * n + j] += factor * b[k * n + j];
        }
}

static void tangent(double *out, const double *a, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        out[i] = tan(a[i]) + 3 * sin(a[i]);
}

static void tangent_f32(float *out, const float *a, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        out[i] = tanf(a[i]) + 3 * sinf(a[i]);
}

/* In the order of measure.h. */
static double sum_lanes(const double *a, uint64_t count)
{
    double lane[GCR_SUM_LANES] = { 0 };
    uint64_t i = 0;

    for (; i + GCR_SUM_LANES <= count; i += GCR_SUM_LANES)
        for (int k = 0; k < GCR_SUM_LANES; k++)
            lane[k] += a[i + (uint64_t)k];
    for (uint64_t k = 0; i + k < count; k++)
        lane[k] += a[i + k];
    for (int half = GCR_SUM_LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            lane[k] += lane[k + half];
    return lane[0];
}

static void sum(double *out, const double *a, uint64_t n)
{
    const uint64_t piece = (n + GCR_SUM_PIECES - 1) / GCR_SUM_PIECES;

    for (uint64_t p = 0; p < GCR_SUM_PIECES; p++) {
        const uint64_t first = p * piece < n ? p * piece : n;

        out[1 + p] = sum_lanes(a + first, n - first < piece ? n - first : piece);
    }
    out[0] = sum_lanes(out + 1, GCR_SUM_PIECES);
}

static void walk(float *out, const float *a, uint64_t n, uint64_t outer, uint64_t inner)
{
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t j = 0; j < n; j++)
            out[i * outer + j * inner] = 2 * a[i * outer + j * inner];
}

static gcr_status work(gcr_queue *queue, const gcr_work_args *args)
{
    const void *a = args->a->base;
    void *out = args->out->base;
    const uint64_t n = args->n;

    (void)queue;
    switch (args->kind) {
    case GCR_WORK_MULTIPLY: multiply(out, a, args->b->base, n); break;
    case GCR_WORK_TANGENT: tangent(out, a, n); break;
    case GCR_WORK_TANGENT_F32: tangent_f32(out, a, n); break;
    case GCR_WORK_SUM: sum(out, a, n); break;
    case GCR_WORK_NEIGHBOURS: walk(out, a, n, n, 1); break;
    default: walk(out, a, n, 1, n);
    }
    return GCR_OK;
}

const gcr_measure_ops gcr_cpu_measure = {
    .transfer_open = transfer_open,
    .transfer_close = transfer_close,
    .transfer_put = transfer_put,
    .transfer_get = transfer_get,
    .transfer_time = transfer_time,
    .memory_cost = memory_cost,
    .work = work,
};
