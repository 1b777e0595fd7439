/*
 * cuda/cuda_timing.c -- see cuda_timing.h.
 *
 * Events stand around BATCHES batches in a row, so that what the host does in between is hidden; what
 * counts is the median of ROUNDS.
 */
#include "cuda/cuda_timing.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCHES = 4,
    ROUNDS = 5,
    CELLS_LEAST = 1 << 13, /* some for each team of the largest GPU ... */
    LARGE_CELLS = 1 << 11, /* ... of large matrices some for each multiprocessor ... */
    LARGE_ROWS = 256,
    CELLS_MOST = 1 << 20,
};

static const double work = 4e9; /* ... and rows^3 times cells about this, for milliseconds */

/* ---- one precision --------------------------------------------------------------------------- */

gcr_status gcr_cuda_bench_open(cuda_bench *out, cuda_device *device,
                               const gcr_calibration_spec *spec, gcr_scalar scalar)
{
    gcr_status status = GCR_OK;

    *out = (cuda_bench){ .device = device, .spec = spec, .scalar = scalar };
    GCR_TRY(gcr_cuda_queue_open(&out->queue, &device->base));
    GCR_TRY(gcr_cuda_program_open(&out->matrix, &device->base, &spec->matrix[scalar]));
    GCR_TRY(gcr_cuda_program_open(&out->cell, &device->base, &spec->cell[scalar]));
    GCR_CUDA("open an event", cudaEventCreateWithFlags(&out->begin, cudaEventDefault));
    GCR_CUDA("open an event", cudaEventCreateWithFlags(&out->end, cudaEventDefault));
out:
    return status;
}

void gcr_cuda_bench_close(cuda_bench *b)
{
    if (b->begin != NULL)
        GCR_CUDA_CLOSE(cudaEventDestroy(b->begin));
    if (b->end != NULL)
        GCR_CUDA_CLOSE(cudaEventDestroy(b->end));
    if (b->cell != NULL)
        gcr_cuda_program_close(b->cell);
    if (b->matrix != NULL)
        gcr_cuda_program_close(b->matrix);
    if (b->queue != NULL)
        gcr_cuda_queue_close(b->queue);
    *b = (cuda_bench){ 0 };
}

gcr_crossovers *gcr_cuda_bench_table(const cuda_bench *b)
{
    return &b->device->crossovers[b->scalar];
}

void gcr_cuda_bench_tell(const cuda_bench *b, const char *format, ...)
{
    char text[160];
    va_list args;

    if (b->spec->note == NULL)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    b->spec->note(b->spec->context, text);
}

/* ---- one measurement ------------------------------------------------------------------------- */

/* A made dataset of so many rows, prepared, and records of all cells. */
typedef struct subject {
    gcr_program *program;
    gcr_buf *data, *prepared, *records;
    gcr_unit_tile tile;
} subject;

/* x between 0 and 1, y of 0 and 1. */
static void make_number(void *to, gcr_scalar scalar, int64_t rows, int64_t k)
{
    const double value = k < rows ? fmod(0.6180339887498949 * (double)(k + 1), 1) : (double)(k % 2);

    if (scalar == GCR_F32)
        ((float *)to)[k] = (float)value;
    else
        ((double *)to)[k] = value;
}

static gcr_status bring_data(subject *s, const cuda_bench *b, int64_t rows)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = 2 * (uint64_t)rows * gcr_scalar_bytes(b->scalar);
    void *numbers = malloc(bytes);

    if (numbers == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the data of a calibration");
    for (int64_t k = 0; k < 2 * rows; k++)
        make_number(numbers, b->scalar, rows, k);
    GCR_TRY(gcr_cuda_buf_open(&s->data, &b->device->base, GCR_PLACE_DEVICE, bytes));
    GCR_TRY(
        gcr_cuda_copy(b->queue, s->data->base, GCR_PLACE_DEVICE, numbers, GCR_PLACE_HOST, bytes));
    s->tile.data = (gcr_view){ .rows = rows,
                               .features = 1,
                               .x = s->data->base,
                               .y = (const char *)s->data->base + bytes / 2 };
out:
    free(numbers);
    return status;
}

static gcr_status bring_prepared(subject *s, const cuda_bench *b, const gcr_shape *shape)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = s->program->unit->kernel;
    uint64_t bytes;
    gcr_prepare_args args;

    if (s->program->unit->prepare == NULL)
        goto out;
    bytes = ((uint64_t)kernel->prepared_count(shape) * gcr_scalar_bytes(b->scalar) + 7) / 8 * 8;
    GCR_TRY(gcr_cuda_buf_open(&s->prepared, &b->device->base, GCR_PLACE_DEVICE,
                              bytes + sizeof(int32_t)));
    args = (gcr_prepare_args){ .data = s->tile.data,
                               .prepared = s->prepared->base,
                               .fault = (int32_t *)((char *)s->prepared->base + bytes) };
    GCR_TRY(gcr_cuda_prepare(b->queue, s->program, &args));
    s->tile.prepared = args.prepared;
    s->tile.fault = args.fault;
out:
    return status;
}

/* One value of each output: what is wider is cut off, and costs nothing. */
static gcr_status bring_records(subject *s, const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = s->program->unit->kernel;
    int outputs = 0;

    while (kernel->outputs[outputs].name != NULL)
        outputs++;
    GCR_TRY(gcr_cuda_buf_open(&s->records, &b->device->base, GCR_PLACE_DEVICE,
                              s->tile.count * ((uint64_t)outputs * sizeof(double) + 1)));
    for (int o = 0; o < outputs; o++) {
        s->tile.outputs[o] = (double *)s->records->base + (uint64_t)o * s->tile.count;
        s->tile.width[o] = 1;
    }
    s->tile.state = (uint8_t *)((double *)s->records->base + (uint64_t)outputs * s->tile.count);
out:
    return status;
}

static void subject_close(subject *s)
{
    if (s->records != NULL)
        gcr_cuda_buf_close(s->records);
    if (s->prepared != NULL)
        gcr_cuda_buf_close(s->prepared);
    if (s->data != NULL)
        gcr_cuda_buf_close(s->data);
}

/* So many cells that they take some milliseconds, and no team has less than a few. */
static uint64_t count_cells(const gcr_point_table *points, double rows)
{
    const double count = work / (rows * rows * rows);
    const uint64_t most = points->point_count < CELLS_MOST ? points->point_count : CELLS_MOST;
    uint64_t cells = rows > LARGE_ROWS ? LARGE_CELLS : CELLS_LEAST;

    while (cells < most && (double)cells < count)
        cells *= 2;
    return cells < most ? cells : most;
}

static gcr_status subject_open(subject *s, const cuda_bench *b, gcr_program *program, int64_t rows)
{
    gcr_status status = GCR_OK;
    const gcr_unit_setup *setup = ((const cuda_program *)program)->spec.setup;
    const gcr_shape shape = { .rows = rows, .features = 1, .option = setup->option };

    *s = (subject){ .program = program };
    s->tile.count = count_cells(setup->points, (double)rows);
    GCR_TRY(bring_data(s, b, rows));
    GCR_TRY(bring_prepared(s, b, &shape));
    GCR_TRY(bring_records(s, b));
out:
    return status;
}

static gcr_status record(cudaEvent_t event, const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    cuda_lane *lane = &((cuda_queue *)b->queue)->work;

    pthread_mutex_lock(&b->device->lock);
    GCR_CUDA("record an event", cudaEventRecord(event, lane->stream));
    lane->issued++;
out:
    pthread_mutex_unlock(&b->device->lock);
    return status;
}

static gcr_status crunch_batches(const cuda_bench *b, const subject *s, int count)
{
    gcr_status status = GCR_OK;
    const gcr_crunch_args args = { .tiles = &s->tile, .tile_count = 1 };

    for (int k = 0; k < count; k++)
        GCR_TRY(gcr_cuda_crunch(b->queue, s->program, &args));
out:
    return status;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Nanoseconds for a cell: the first batch is warm-up, and where the code is compiled. */
static gcr_status time_subject(double *out, const cuda_bench *b, const subject *s)
{
    gcr_status status = GCR_OK;
    double ns[ROUNDS];

    GCR_TRY(crunch_batches(b, s, 1));
    GCR_TRY(gcr_cuda_queue_sync(b->queue));
    for (int r = 0; r < ROUNDS; r++) {
        float ms = 0;

        GCR_TRY(record(b->begin, b));
        GCR_TRY(crunch_batches(b, s, BATCHES));
        GCR_TRY(record(b->end, b));
        GCR_CUDA("measure a batch", cudaEventSynchronize(b->end));
        GCR_CUDA("measure a batch", cudaEventElapsedTime(&ms, b->begin, b->end));
        ns[r] = 1e6 * (double)ms / BATCHES / (double)s->tile.count;
    }
    qsort(ns, ROUNDS, sizeof *ns, compare);
    *out = ns[ROUNDS / 2];
out:
    return status;
}

gcr_status gcr_cuda_time_cells(double *out, const cuda_bench *b, gcr_program *program, int64_t rows,
                               const gcr_crossovers *table)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers kept = *gcr_cuda_bench_table(b);
    subject s = { 0 };

    *gcr_cuda_bench_table(b) = *table;
    GCR_TRY(subject_open(&s, b, program, rows));
    GCR_TRY(time_subject(out, b, &s));
out:
    *gcr_cuda_bench_table(b) = kept;
    subject_close(&s);
    return status;
}

/* ---- tables in which one comes first ---------------------------------------------------------- */

gcr_crossovers gcr_cuda_prefer_thread(const cuda_bench *b)
{
    gcr_crossovers table = *gcr_cuda_bench_table(b);

    table.thread_rows = gcr_thread_rows_max(b->scalar);
    table.cell_thread_flops = INFINITY;
    return table;
}

gcr_crossovers gcr_cuda_prefer_warp(const cuda_bench *b)
{
    gcr_crossovers table = *gcr_cuda_bench_table(b);

    table.thread_rows = 0;
    table.warp_rows = gcr_warp_rows_max(b->scalar);
    return table;
}

gcr_crossovers gcr_cuda_prefer_block(const cuda_bench *b, const gcr_block_class *shape)
{
    gcr_crossovers table = *gcr_cuda_bench_table(b);

    table.thread_rows = table.warp_rows = 0;
    table.blocked_rows = 0; /* not all blocks together */
    table.cell_thread_flops = -1;
    if (shape != NULL) {
        memset(table.block, 0, sizeof table.block);
        table.block[0] = *shape;
    }
    return table;
}

gcr_crossovers gcr_cuda_prefer_memory(const cuda_bench *b, int threads)
{
    gcr_crossovers table = gcr_cuda_prefer_block(b, NULL);

    table.shared_bytes = 0;
    table.memory_threads = threads;
    return table;
}

gcr_crossovers gcr_cuda_prefer_grid(const cuda_bench *b)
{
    gcr_crossovers table = gcr_cuda_prefer_memory(b, gcr_cuda_bench_table(b)->memory_threads);

    table.blocked_rows = 1;
    return table;
}
