/*
 * cuda/cuda_calibrate.c -- which algorithm is the fastest for which size on this GPU.
 *
 * Each candidate computes the same cells on the road that batches take, made to by a table in which it
 * comes first; events around BATCHES batches in a row, so that what the host does in between is
 * hidden, and the median of ROUNDS. Thread, warp and block meet at the sizes that the text of a team
 * is compiled for, as its time is nearly that of the largest of them: the smaller team keeps what it
 * wins up to the first size that it loses. Blocks of several shapes are measured at all of `sizes`, and
 * the classes are those of the least time together, where a further class must be worth CLASS_COST.
 */
#include "cuda/cuda_blas.h"
#include "cuda/cuda_calibration.h"
#include "cuda/cuda_kernel.h"
#include "cuda/cuda_program.h"

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
    CELL_ROWS_LEAST = 8, /* of a cell kernel */
    CELL_ROWS_MOST = 2048,
    SHAPES = 6,
    SIZES = 10,
};

static const double work = 4e9;        /* ... and rows^3 times cells about this, for milliseconds */
static const double class_cost = 0.02; /* of the time of a size */

/* How blocks may be made: threads, and how many of them registers are limited for. */
static const gcr_block_class shapes[SHAPES] = { { 1, 128, 5 }, { 1, 128, 4 }, { 1, 192, 3 },
                                                { 1, 256, 2 }, { 1, 384, 1 }, { 1, 512, 1 } };
static const int sizes[SIZES] = { 48, 64, 96, 128, 160, 192, 224, 256, 288, 320 };

/* One precision, under measurement. */
typedef struct bench {
    cuda_device *device;
    const gcr_calibration_spec *spec;
    gcr_scalar scalar;
    gcr_queue *queue;
    gcr_program *matrix, *cell;
    cudaEvent_t begin, end;
} bench;

static void note(const bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(const bench *b, const char *format, ...)
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

static gcr_status bring_data(subject *s, const bench *b, int64_t rows)
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

static gcr_status bring_prepared(subject *s, const bench *b, const gcr_shape *shape)
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
static gcr_status bring_records(subject *s, const bench *b)
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

static gcr_status subject_open(subject *s, const bench *b, gcr_program *program, int64_t rows)
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

static gcr_status record(cudaEvent_t event, const bench *b)
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

static gcr_status crunch_batches(const bench *b, const subject *s, int count)
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
static gcr_status time_cells(double *out, const bench *b, const subject *s)
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

static gcr_crossovers *table_of(const bench *b)
{
    return &b->device->crossovers[b->scalar];
}

/* The same by a table of one's own, which the device has for so long. */
static gcr_status time_by(double *out, const bench *b, gcr_program *program, int64_t rows,
                          const gcr_crossovers *table)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers kept = *table_of(b);
    subject s = { 0 };

    *table_of(b) = *table;
    GCR_TRY(subject_open(&s, b, program, rows));
    GCR_TRY(time_cells(out, b, &s));
out:
    *table_of(b) = kept;
    subject_close(&s);
    return status;
}

/* ---- tables in which one comes first ---------------------------------------------------------- */

static gcr_crossovers prefer_thread(const bench *b)
{
    gcr_crossovers table = *table_of(b);

    table.thread_rows = gcr_thread_rows_max(b->scalar);
    table.cell_thread_flops = INFINITY;
    return table;
}

static gcr_crossovers prefer_warp(const bench *b)
{
    gcr_crossovers table = *table_of(b);

    table.thread_rows = 0;
    table.warp_rows = gcr_warp_rows_max(b->scalar);
    return table;
}

static gcr_crossovers prefer_block(const bench *b, const gcr_block_class *shape)
{
    gcr_crossovers table = *table_of(b);

    table.thread_rows = table.warp_rows = 0;
    table.blocked_rows = 0; /* not all blocks together */
    table.cell_thread_flops = -1;
    if (shape != NULL) {
        memset(table.block, 0, sizeof table.block);
        table.block[0] = *shape;
    }
    return table;
}

static gcr_crossovers prefer_memory(const bench *b, int threads)
{
    gcr_crossovers table = prefer_block(b, NULL);

    table.shared_bytes = 0;
    table.memory_threads = threads;
    return table;
}

static gcr_crossovers prefer_grid(const bench *b)
{
    gcr_crossovers table = prefer_memory(b, table_of(b)->memory_threads);

    table.blocked_rows = 1;
    return table;
}

static int team_by(const bench *b, const gcr_crossovers *table, int64_t rows)
{
    const gcr_unit_setup *setup = ((const cuda_program *)b->matrix)->spec.setup;
    const gcr_shape shape = { .rows = rows, .features = 1, .option = setup->option };

    return gcr_cuda_variant_of(table, b->matrix->unit->kernel, &shape).team;
}

/* ---- thread, warp, block ----------------------------------------------------------------------- */

static gcr_status find_thread_rows(const bench *b)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers thread = prefer_thread(b), warp = prefer_warp(b);
    const char *scalar = gcr_scalar_name(b->scalar);

    table_of(b)->thread_rows = 0;
    for (int rows = 4; rows <= gcr_thread_rows_max(b->scalar); rows += 4) {
        double by_thread, by_warp;

        GCR_TRY(time_by(&by_thread, b, b->matrix, rows, &thread));
        GCR_TRY(time_by(&by_warp, b, b->matrix, rows, &warp));
        note(b, "%s, %d rows: thread %.4g ns, warp %.4g ns", scalar, rows, by_thread, by_warp);
        if (!(by_thread < by_warp))
            break;
        table_of(b)->thread_rows = rows;
    }
out:
    return status;
}

/* The fastest of all shapes of a block. */
static gcr_status time_best_block(double *out, const bench *b, int64_t rows)
{
    gcr_status status = GCR_OK;

    *out = INFINITY;
    for (int k = 0; k < SHAPES; k++) {
        const gcr_crossovers table = prefer_block(b, &shapes[k]);
        double ns;

        GCR_TRY(time_by(&ns, b, b->matrix, rows, &table));
        *out = ns < *out ? ns : *out;
    }
out:
    return status;
}

static gcr_status find_warp_rows(const bench *b)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers warp = prefer_warp(b);
    const int first = table_of(b)->thread_rows / 8 * 8 + 8;

    table_of(b)->warp_rows = 0;
    for (int rows = first; rows <= gcr_warp_rows_max(b->scalar); rows += 8) {
        double by_warp, by_block;

        GCR_TRY(time_by(&by_warp, b, b->matrix, rows, &warp));
        GCR_TRY(time_best_block(&by_block, b, rows));
        note(b, "%s, %d rows: warp %.4g ns, block %.4g ns", gcr_scalar_name(b->scalar), rows,
             by_warp, by_block);
        if (!(by_warp < by_block))
            break;
        table_of(b)->warp_rows = rows;
    }
out:
    return status;
}

/* ---- shapes of blocks -------------------------------------------------------------------------- */

/* What each shape takes for each size, as a part of what the best takes. */
typedef struct field {
    int count; /* of sizes */
    int rows[SIZES];
    double ratio[SIZES][SHAPES];
} field;

static gcr_status measure_shapes(field *out, const bench *b)
{
    gcr_status status = GCR_OK;

    out->count = 0;
    for (int s = 0; s < SIZES; s++) {
        double *const ratio = out->ratio[out->count], best = INFINITY;

        if (sizes[s] <= table_of(b)->warp_rows)
            continue;
        for (int k = 0; k < SHAPES; k++) {
            const gcr_crossovers table = prefer_block(b, &shapes[k]);

            if (team_by(b, &table, sizes[s]) != GCR_TEAM_BLOCK)
                goto out; /* nor are larger ones on the chip */
            GCR_TRY(time_by(&ratio[k], b, b->matrix, sizes[s], &table));
            note(b, "%s, %d rows: %d threads for %d at once %.4g ns", gcr_scalar_name(b->scalar),
                 sizes[s], (int)shapes[k].threads, (int)shapes[k].min_blocks, ratio[k]);
            best = ratio[k] < best ? ratio[k] : best;
        }
        for (int k = 0; k < SHAPES; k++)
            ratio[k] /= best;
        out->rows[out->count++] = sizes[s];
    }
out:
    return status;
}

/* The best shape for the sizes first .. last together, and what it takes. */
static double best_shape(int *out, const field *of, int first, int last)
{
    double best = INFINITY;

    for (int k = 0; k < SHAPES; k++) {
        double sum = class_cost;

        for (int s = first; s <= last; s++)
            sum += of->ratio[s][k];
        if (sum < best) {
            best = sum;
            *out = k;
        }
    }
    return best;
}

/* The least that the sizes from `first` on take with `left` classes or fewer; where the first of
 * these ends, in *last_out, and its shape. */
static double cut(int *last_out, int *shape_out, const field *of, int first, int left)
{
    double best = INFINITY;

    for (int last = first; last < of->count; last++) {
        int shape = 0, unused_last, unused_shape;
        double sum = best_shape(&shape, of, first, last);

        if (last + 1 < of->count)
            sum += left > 1 ? cut(&unused_last, &unused_shape, of, last + 1, left - 1) : INFINITY;
        if (sum < best) {
            best = sum;
            *last_out = last;
            *shape_out = shape;
        }
    }
    return best;
}

static gcr_status find_blocks(const bench *b)
{
    gcr_status status = GCR_OK;
    gcr_block_class *const block = table_of(b)->block;
    field all;
    int first = 0;

    GCR_TRY(measure_shapes(&all, b));
    if (all.count == 0)
        goto out; /* no size that a block has on the chip: as it is */
    memset(block, 0, sizeof table_of(b)->block);
    for (int k = 0; k < GCR_BLOCK_CLASSES && first < all.count; k++) {
        int last = first, shape = 0;

        cut(&last, &shape, &all, first, GCR_BLOCK_CLASSES - k);
        block[k] = shapes[shape];
        block[k].rows = first == 0 ? 1 : all.rows[first - 1] + 1;
        first = last + 1;
    }
out:
    return status;
}

/* ---- what is not on the chip, and cells ---------------------------------------------------------- */

static gcr_status find_memory_threads(const bench *b)
{
    static const int threads[] = { 256, 384, 512 };
    gcr_status status = GCR_OK;
    double best = INFINITY;
    int chosen = table_of(b)->memory_threads;

    for (int k = 0; k < 3; k++) {
        const gcr_crossovers table = prefer_memory(b, threads[k]);
        double ns;

        GCR_TRY(time_by(&ns, b, b->matrix, 384, &table));
        note(b, "%s, 384 rows beside the chip: %d threads %.4g ns", gcr_scalar_name(b->scalar),
             threads[k], ns);
        if (ns < best) {
            best = ns;
            chosen = threads[k];
        }
    }
    table_of(b)->memory_threads = chosen;
out:
    return status;
}

/* All blocks together. What has no memory for so many matrices at once is not measured. */
static gcr_status time_grid(double *out, const bench *b, int64_t rows)
{
    const gcr_crossovers grid = prefer_grid(b);
    const gcr_status status = time_by(out, b, b->matrix, rows, &grid);

    if (status != GCR_ENOMEM)
        return status;
    *out = INFINITY;
    return GCR_OK;
}

static int lacks_blas(const bench *b)
{
    const cuda_blas *blas;

    if (gcr_cuda_blas(&blas) != GCR_EUNSUPPORTED)
        return 0;
    note(b, "%s: one block for each large matrix, as %s", gcr_scalar_name(b->scalar),
         gcr_last_error());
    return 1;
}

/* From which size on all blocks and a library factor a matrix faster than one block does. Where none
 * wins, that is behind those that have lost, and not before the built-in table has it: a block would be
 * at much larger ones for ever. Without the library it is never. */
static gcr_status find_blocked_rows(const bench *b)
{
    static const int rows[] = { 256, 320, 384, 512, 768, 1024 };
    gcr_status status = GCR_OK;
    const gcr_crossovers chip = prefer_block(b, NULL);
    const gcr_crossovers memory = prefer_memory(b, table_of(b)->memory_threads);
    int chosen = table_of(b)->blocked_rows, has_won = 0;

    if (lacks_blas(b)) {
        table_of(b)->blocked_rows = 0;
        goto out;
    }
    for (size_t k = 0; k < sizeof rows / sizeof *rows && !has_won; k++) {
        double by_block, by_all;

        if (team_by(b, &chip, rows[k]) == GCR_TEAM_BLOCK)
            continue;
        GCR_TRY(time_by(&by_block, b, b->matrix, rows[k], &memory));
        GCR_TRY(time_grid(&by_all, b, rows[k]));
        note(b, "%s, %d rows: block %.4g ns, all blocks together %.4g ns",
             gcr_scalar_name(b->scalar), rows[k], by_block, by_all);
        has_won = by_all < by_block;
        if (has_won)
            chosen = rows[k];
        else if (by_all < INFINITY && chosen <= rows[k])
            chosen = rows[k] + 1;
    }
    table_of(b)->blocked_rows = chosen;
out:
    return status;
}

static double cost_of(const bench *b, int64_t rows)
{
    const gcr_unit_setup *setup = ((const cuda_program *)b->cell)->spec.setup;
    const gcr_shape shape = { .rows = rows, .features = 1, .option = setup->option };

    return gcr_cuda_flops_of(b->cell->unit->kernel, &shape);
}

static gcr_status find_cell_flops(const bench *b)
{
    gcr_status status = GCR_OK;
    const gcr_crossovers thread = prefer_thread(b), block = prefer_block(b, NULL);
    double flops = 0;

    for (int rows = CELL_ROWS_LEAST; rows <= CELL_ROWS_MOST; rows *= 2) {
        double by_thread, by_block;

        GCR_TRY(time_by(&by_thread, b, b->cell, rows, &thread));
        GCR_TRY(time_by(&by_block, b, b->cell, rows, &block));
        note(b, "%s, cell of %.3g operations: thread %.4g ns, block %.4g ns",
             gcr_scalar_name(b->scalar), cost_of(b, rows), by_thread, by_block);
        if (!(by_thread < by_block))
            break;
        flops = cost_of(b, rows);
    }
    table_of(b)->cell_thread_flops = flops;
out:
    return status;
}

/* ---- a device ---------------------------------------------------------------------------------- */

static void bench_close(bench *b)
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
}

static gcr_status bench_open(bench *b)
{
    gcr_status status = GCR_OK;
    gcr_device *device = &b->device->base;

    GCR_TRY(gcr_cuda_queue_open(&b->queue, device));
    GCR_TRY(gcr_cuda_program_open(&b->matrix, device, &b->spec->matrix[b->scalar]));
    GCR_TRY(gcr_cuda_program_open(&b->cell, device, &b->spec->cell[b->scalar]));
    GCR_CUDA("open an event", cudaEventCreateWithFlags(&b->begin, cudaEventDefault));
    GCR_CUDA("open an event", cudaEventCreateWithFlags(&b->end, cudaEventDefault));
out:
    return status;
}

/* Each measures with what those before it have found. */
static gcr_status calibrate_scalar(cuda_device *device, const gcr_calibration_spec *spec,
                                   gcr_scalar scalar)
{
    gcr_status status = GCR_OK;
    bench b = { .device = device, .spec = spec, .scalar = scalar };

    *table_of(&b) = gcr_cuda_crossovers_built_in(device, scalar);
    GCR_TRY(bench_open(&b));
    GCR_TRY(find_thread_rows(&b));
    GCR_TRY(find_warp_rows(&b));
    GCR_TRY(find_blocks(&b));
    GCR_TRY(find_memory_threads(&b));
    GCR_TRY(find_blocked_rows(&b));
    GCR_TRY(find_cell_flops(&b));
out:
    bench_close(&b);
    return status;
}

/* Where something fails the device has the tables that it had. */
gcr_status gcr_cuda_calibrate(gcr_device *base, const gcr_calibration_spec *spec)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(base);
    gcr_crossovers kept[GCR_SCALAR_COUNT];

    memcpy(kept, device->crossovers, sizeof kept);
    GCR_TRY(gcr_cuda_enter(base));
    for (gcr_scalar scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++)
        GCR_TRY(calibrate_scalar(device, spec, scalar));
    GCR_TRY(gcr_cuda_calibration_write(device));
    gcr_cuda_calibration_read(device);
out:
    if (status != GCR_OK)
        memcpy(device->crossovers, kept, sizeof kept);
    return status;
}
