/*
 * cuda/cuda_timing.c -- see cuda_timing.h.
 *
 * Events stand around BATCHES batches in a row, so that what the host does in between is hidden,
 * and the median of ROUNDS counts; what takes long is measured once. Batches are of cells for some
 * milliseconds, and of a few for each team that the GPU has at a time, or of one where cells are
 * dear.
 */
#include "cuda/cuda_timing.h"

#include "cuda/cuda_kernel.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCHES = 4,
    ROUNDS = 5,
    FEW = 8, /* cells for each team */
    CELLS_MOST = 1 << 20,
    DATASETS = 256,   /* that one launch prepares, at most ... */
    SMALL_ROWS = 256, /* ... of datasets up to this */
};

static const double work = 4e9, dear = 5e7; /* operations of a batch at least; of a cell     */
static const double long_ms = 100;          /* a batch */

/* ---- one precision --------------------------------------------------------------------------- */

gcr_status gcr_cuda_bench_open(cuda_bench *out, cuda_device *device,
                               const gcr_calibration_spec *spec, gcr_scalar scalar)
{
    gcr_status status = GCR_OK;

    *out = (cuda_bench){ .device = device, .spec = spec, .scalar = scalar };
    GCR_TRY(gcr_cuda_queue_open(&out->queue, &device->base));
    GCR_TRY(gcr_cuda_program_open(&out->matrix, &device->base, &spec->matrix[scalar]));
    GCR_TRY(gcr_cuda_program_open(&out->cell, &device->base, &spec->cell[scalar]));
    for (int k = 0; k < GCR_CALIBRATION_WHOLE; k++)
        GCR_TRY(gcr_cuda_program_open(&out->whole[k], &device->base, &spec->whole[scalar][k]));
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
    for (int k = 0; k < GCR_CALIBRATION_WHOLE; k++)
        if (b->whole[k] != NULL)
            gcr_cuda_program_close(b->whole[k]);
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

/* ---- what is measured ------------------------------------------------------------------------ */

/* A made dataset of so many rows, prepared, and records of all cells. */
typedef struct subject {
    gcr_program *program;
    gcr_buf *data, *prepared, *records;
    uint64_t prepared_bytes; /* of a dataset; its fault is behind them */
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

/* Room for the prepared blocks of so many datasets, which all have the same data. */
static gcr_status bring_prepared(subject *s, const cuda_bench *b, const gcr_shape *shape,
                                 int datasets)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = s->program->unit->kernel;

    s->prepared_bytes =
        ((uint64_t)kernel->prepared_count(shape) * gcr_scalar_bytes(b->scalar) + 7) / 8 * 8;
    GCR_TRY(gcr_cuda_buf_open(&s->prepared, &b->device->base, GCR_PLACE_DEVICE,
                              (uint64_t)datasets * (s->prepared_bytes + sizeof(uint64_t))));
out:
    return status;
}

/* The first of them is what cells read. */
static gcr_status prepare(subject *s, const cuda_bench *b, int datasets)
{
    gcr_status status = GCR_OK;
    char *block = s->prepared->base;

    s->tile.prepared = block;
    s->tile.fault = (int32_t *)(block + s->prepared_bytes);
    for (int d = 0; d < datasets; d++, block += s->prepared_bytes + sizeof(uint64_t)) {
        const gcr_prepare_args args = { .data = s->tile.data,
                                        .prepared = block,
                                        .fault = (int32_t *)(block + s->prepared_bytes) };

        GCR_TRY(gcr_cuda_prepare(b->queue, s->program, &args));
    }
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

/* What is computed in sub-batches gets whole ones. */
static uint64_t count_cells(const cuda_bench *b, const gcr_program *program, const gcr_shape *shape)
{
    const uint64_t points = ((const cuda_program *)program)->spec.setup->points->point_count;
    const uint64_t most = points < CELLS_MOST ? points : CELLS_MOST;
    const double cost = gcr_cuda_flops_of(program->unit->kernel, shape);
    uint64_t cells = gcr_cuda_cells_at_once(&b->device->base, program->unit, shape);

    if (cost < dear)
        cells *= FEW;
    while (cells < most && (double)cells * cost < work)
        cells *= 2;
    return cells < most ? cells : most;
}

gcr_shape gcr_cuda_bench_shape(const gcr_program *program, int64_t rows)
{
    const gcr_unit_setup *setup = ((const cuda_program *)program)->spec.setup;

    return (gcr_shape){ .rows = rows, .features = 1, .option = setup->option };
}

static gcr_status subject_open(subject *s, const cuda_bench *b, gcr_program *program, int64_t rows)
{
    gcr_status status = GCR_OK;
    const gcr_shape shape = gcr_cuda_bench_shape(program, rows);

    *s = (subject){ .program = program };
    s->tile.count = count_cells(b, program, &shape);
    GCR_TRY(bring_data(s, b, rows));
    if (program->unit->prepare != NULL) {
        GCR_TRY(bring_prepared(s, b, &shape, 1));
        GCR_TRY(prepare(s, b, 1));
    }
    GCR_TRY(bring_records(s, b));
out:
    return status;
}

/* ---- one measurement ------------------------------------------------------------------------- */

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

static double median(double *of, int count)
{
    qsort(of, (size_t)count, sizeof *of, compare);
    return of[count / 2];
}

/* Milliseconds between the two events. */
static gcr_status read_events(double *out, const cuda_bench *b)
{
    gcr_status status = GCR_OK;
    float ms = 0;

    GCR_CUDA("measure a batch", cudaEventSynchronize(b->end));
    GCR_CUDA("measure a batch", cudaEventElapsedTime(&ms, b->begin, b->end));
    *out = (double)ms;
out:
    return status;
}

/* Of one of so many batches. */
static gcr_status time_batches(double *ms_out, const cuda_bench *b, const subject *s, int count)
{
    gcr_status status = GCR_OK;

    GCR_TRY(record(b->begin, b));
    GCR_TRY(crunch_batches(b, s, count));
    GCR_TRY(record(b->end, b));
    GCR_TRY(read_events(ms_out, b));
    *ms_out /= count;
out:
    return status;
}

/* The first batch is warm-up, and where the code is compiled. */
static gcr_status time_subject(double *ms_out, const cuda_bench *b, const subject *s)
{
    gcr_status status = GCR_OK;
    double ms[ROUNDS];

    GCR_TRY(crunch_batches(b, s, 1));
    GCR_TRY(gcr_cuda_queue_sync(b->queue));
    GCR_TRY(time_batches(ms_out, b, s, 1));
    if (*ms_out >= long_ms)
        goto out;
    for (int r = 0; r < ROUNDS; r++)
        GCR_TRY(time_batches(&ms[r], b, s, BATCHES));
    *ms_out = median(ms, ROUNDS);
out:
    return status;
}

gcr_status gcr_cuda_time_cells(double *out, const cuda_bench *b, gcr_program *program, int64_t rows,
                               const gcr_crossovers *table)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers kept = *gcr_cuda_bench_table(b);
    subject s = { 0 };
    double ms;

    *gcr_cuda_bench_table(b) = *table;
    GCR_TRY(subject_open(&s, b, program, rows));
    GCR_TRY(time_subject(&ms, b, &s));
    *out = 1e6 * ms / (double)s.tile.count;
out:
    *gcr_cuda_bench_table(b) = kept;
    subject_close(&s);
    return status;
}

/* What was collected of a launch, between the events. */
static gcr_status time_launch(double *ms_out, const cuda_bench *b)
{
    gcr_status status = GCR_OK;

    GCR_TRY(record(b->begin, b));
    pthread_mutex_lock(&b->device->lock);
    status = gcr_cuda_prepare_collected((cuda_queue *)b->queue);
    pthread_mutex_unlock(&b->device->lock);
    GCR_TRY(status);
    GCR_TRY(record(b->end, b));
    GCR_TRY(read_events(ms_out, b));
out:
    return status;
}

/* A launch of them; of large ones, whose blocks take memory, as many as a block each can be
 * prepared of. */
static int count_datasets(const cuda_bench *b, int64_t rows)
{
    const int units = b->device->base.info.units;

    return rows <= SMALL_ROWS || units > DATASETS ? DATASETS : units;
}

/* The first launch is warm-up. */
gcr_status gcr_cuda_time_prepare(double *out, const cuda_bench *b, gcr_program *program,
                                 int64_t rows, const gcr_crossovers *table)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers kept = *gcr_cuda_bench_table(b);
    const gcr_shape shape = gcr_cuda_bench_shape(program, rows);
    const int datasets = count_datasets(b, rows);
    subject s = { .program = program };
    double ms[ROUNDS];

    *gcr_cuda_bench_table(b) = *table;
    GCR_TRY(bring_data(&s, b, rows));
    GCR_TRY(bring_prepared(&s, b, &shape, datasets));
    for (int r = -1; r < ROUNDS; r++) {
        GCR_TRY(prepare(&s, b, datasets));
        GCR_TRY(time_launch(&ms[r < 0 ? 0 : r], b));
    }
    *out = 1e6 * median(ms, ROUNDS) / datasets;
out:
    *gcr_cuda_bench_table(b) = kept;
    subject_close(&s);
    return status;
}

gcr_status gcr_cuda_time_if_room(cuda_clocked *time, double *out, const cuda_bench *b,
                                 gcr_program *program, int64_t rows, const gcr_crossovers *table)
{
    const gcr_status status = time(out, b, program, rows, table);

    if (status != GCR_ENOMEM)
        return status;
    *out = INFINITY;
    return GCR_OK;
}

/* ---- what is expected ------------------------------------------------------------------------ */

void gcr_cuda_expect(cuda_expected *to, const gcr_program *program, int64_t rows,
                     const gcr_crossovers *table)
{
    const gcr_shape shape = gcr_cuda_bench_shape(program, rows);

    if (to->count < GCR_CUDA_CODES_MAX) /* any other is compiled when it comes */
        to->variants[to->count++] = gcr_cuda_variant_of(table, program->unit->kernel, &shape);
}

gcr_status gcr_cuda_expect_end(const cuda_expected *of, gcr_program *program)
{
    return gcr_cuda_codes_make((cuda_program *)program, of->variants, of->count);
}

/* ---- choices --------------------------------------------------------------------------------- */

static gcr_crossovers table_with(const cuda_choice *of, int v)
{
    gcr_crossovers table = of->table;

    memcpy((char *)&table + of->offset, &of->values[v], sizeof of->values[v]);
    return table;
}

/* What prepares datasets is small, and is compiled when it is measured. */
static gcr_status compile_choice(const cuda_choice *of)
{
    cuda_expected all = { .count = 0 };

    for (int v = 0; v < GCR_CUDA_CHOICES_MAX && of->values[v] > 0; v++) {
        const gcr_crossovers table = table_with(of, v);

        if (of->time == gcr_cuda_time_cells)
            gcr_cuda_expect(&all, of->program, of->rows[0], &table);
    }
    return gcr_cuda_expect_end(&all, of->program);
}

/* Adds to each sum what its value takes for the size, as a part of what the best takes. */
static gcr_status add_size(double sum[GCR_CUDA_CHOICES_MAX], const cuda_bench *b,
                           const cuda_choice *of, int64_t rows)
{
    gcr_status status = GCR_OK;
    double ns[GCR_CUDA_CHOICES_MAX], best = INFINITY;

    for (int v = 0; v < GCR_CUDA_CHOICES_MAX && of->values[v] > 0; v++) {
        const gcr_crossovers table = table_with(of, v);

        GCR_TRY(gcr_cuda_time_if_room(of->time, &ns[v], b, of->program, rows, &table));
        gcr_cuda_bench_tell(b, "%s, %s: %d, %d rows: %.4g ns", gcr_scalar_name(b->scalar), of->what,
                            (int)of->values[v], (int)rows, ns[v]);
        best = ns[v] < best ? ns[v] : best;
    }
    for (int v = 0; v < GCR_CUDA_CHOICES_MAX && of->values[v] > 0 && best < INFINITY; v++)
        sum[v] += ns[v] / best;
out:
    return status;
}

gcr_status gcr_cuda_choose(const cuda_bench *b, const cuda_choice *choice)
{
    gcr_status status = GCR_OK;
    char *const number = (char *)gcr_cuda_bench_table(b) + choice->offset;
    double sum[GCR_CUDA_CHOICES_MAX] = { 0 }, best = INFINITY;

    GCR_TRY(compile_choice(choice));
    for (int r = 0; r < GCR_CUDA_CHOICES_MAX && choice->rows[r] > 0; r++)
        GCR_TRY(add_size(sum, b, choice, choice->rows[r]));
    for (int v = 0; v < GCR_CUDA_CHOICES_MAX && choice->values[v] > 0; v++)
        if (sum[v] > 0 && sum[v] < best) {
            best = sum[v];
            memcpy(number, &choice->values[v], sizeof choice->values[v]);
        }
out:
    return status;
}

/* ---- tables in which one comes first --------------------------------------------------------- */

gcr_crossovers gcr_cuda_prefer_thread(const cuda_bench *b)
{
    gcr_crossovers table = *gcr_cuda_bench_table(b);

    table.thread_rows = gcr_thread_rows_max(b->scalar);
    table.cell_thread_flops = table.cell_whole_flops = INFINITY;
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
    table.cell_whole_flops = INFINITY;
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

gcr_crossovers gcr_cuda_prefer_whole(const cuda_bench *b)
{
    gcr_crossovers table = *gcr_cuda_bench_table(b);

    table.cell_whole_flops = 0;
    table.cell_whole_count = 0;
    return table;
}

gcr_crossovers gcr_cuda_prefer_prepare(const cuda_bench *b, int by_all_blocks)
{
    gcr_crossovers table = *gcr_cuda_bench_table(b);

    table.prepare_whole_flops = by_all_blocks ? 0 : INFINITY;
    return table;
}
