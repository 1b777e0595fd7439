/* tests/support/fake_backend.c -- see the header. */
#include "support/fake_backend.h"

#include "base/check.h"

#include "gridcrunch/cell.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

fake_state fake;

enum { POISON = 0xA5, OPS_MAX = 4096 };

/* One thing that the queue was asked to do and has not done. */
typedef struct op {
    void *to;
    const void *from;
    void *copied; /* what `from` is then */
    uint64_t bytes;
    gcr_unit_tile *tiles; /* a crunch, or a reduction, if not NULL */
    uint64_t tile_count;
    int output_count;
    gcr_reduction reduction;
    char *records;
    const gcr_point_table *points;
    gcr_generate_args generate; /* with rows: a dataset that is made */
} op;

typedef struct fake_queue {
    gcr_queue base;
    op ops[OPS_MAX];
    int op_count, done;
} fake_queue;

typedef struct fake_program {
    gcr_program base;
    const gcr_point_table *points;
} fake_program;

typedef struct fake_event {
    gcr_event base;
    fake_queue *queue;
    int upto; /* operations of the queue that came before */
} fake_event;

void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
}

typedef struct fake_device {
    gcr_device base;
    int index;
    _Atomic uint64_t bytes; /* in buffers of its memory */
} fake_device;

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void note(fake_call call, const gcr_device *device)
{
    pthread_mutex_lock(&log_lock);
    if (fake.log_count < FAKE_LOG_MAX) {
        fake.log_device[fake.log_count] = ((const fake_device *)device)->index;
        fake.log[fake.log_count++] = call;
    }
    pthread_mutex_unlock(&log_lock);
}

int fake_count_on(fake_call call, int device)
{
    int count = 0;

    for (int i = 0; i < fake.log_count; i++)
        count += fake.log[i] == call && fake.log_device[i] == device;
    return count;
}

int fake_count(fake_call call)
{
    int count = 0;

    for (int i = 0; i < fake.log_count; i++)
        count += fake.log[i] == call;
    return count;
}

int fake_find(fake_call call, int nth)
{
    for (int i = 0; i < fake.log_count; i++)
        if (fake.log[i] == call && --nth == 0)
            return i;
    return -1;
}

/* Of points that are not live nothing is written, not even a state. */
static void run_crunch(const op *o)
{
    for (uint64_t t = 0; t < o->tile_count; t++) {
        const gcr_unit_tile *tile = &o->tiles[t];

        for (uint64_t i = 0; i < tile->count; i++) {
            if (!gcr_point_is_live(o->points, tile->first + i))
                continue;
            tile->state[i] = GCR_CELL_OK;
            if (tile->jitter_step != NULL)
                tile->jitter_step[i] = 0;
            for (int out = 0; out < o->output_count; out++)
                for (int64_t w = 0; w < tile->width[out]; w++)
                    tile->outputs[out][(int64_t)i * tile->width[out] + w] =
                        (double)(tile->first + i) + 1000.0 * out;
        }
    }
    free(o->tiles);
}

/* Through the text that all devices share. */
static void run_reduce(const op *o)
{
    const uint64_t bytes = gcr_partial_bytes(&o->reduction);
    const int lies = ++fake.reductions == fake.reduce_that_lies;
    char *record = o->records;

    for (uint64_t t = 0; t < o->tile_count; t++) {
        const gcr_unit_tile *tile = &o->tiles[t];

        for (uint64_t i = 0; i < tile->count; i += GCR_PARTIAL_POINTS, record += bytes) {
            const uint64_t left = tile->count - i;
            const uint32_t count = left < GCR_PARTIAL_POINTS ? (uint32_t)left : GCR_PARTIAL_POINTS;
            gcr_partial_states *states = (void *)record;
            gcr_partial *partials = (void *)(states + 1);

            for (uint64_t p = i; p < i + count; p++)
                if (!gcr_point_is_live(o->points, tile->first + p))
                    tile->state[p] = GCR_CELL_EXCLUDED;
            gcr_partial_count(states, tile->state + i, count,
                              tile->outputs[0] + (int64_t)i * tile->width[0], tile->width[0]);
            for (int c = 0; c < o->reduction.count; c++)
                gcr_partial_reduce(&partials[c], tile->state + i, count,
                                   tile->outputs[o->reduction.reduced[c].output] + i,
                                   o->reduction.reduced[c].op);
            if (o->reduction.top_of >= 0)
                gcr_partial_find_top(
                    (void *)(partials + o->reduction.count), tile->state + i, count,
                    tile->outputs[o->reduction.reduced[o->reduction.top_of].output] + i,
                    &o->reduction);
            if (lies && t + 1 == o->tile_count && i + count == tile->count) /* one cell too many */
                states->counts[GCR_CELL_OK] += 1 + states->counts[GCR_CELL_EXCLUDED];
        }
    }
    free(o->tiles);
}

/* Only y of one feature, which tests look at. */
static void run_generate(const gcr_generate_args *args)
{
    const gcr_synthetic_stream stream = gcr_synthetic_open(&args->recipe);
    double phases[GCR_SYNTHETIC_SINES];

    for (int k = 0; k < GCR_SYNTHETIC_SINES; k++)
        phases[k] = gcr_synthetic_phase(&stream, 0, k);
    for (int64_t row = 0; row < args->recipe.rows; row++) {
        const double x = gcr_synthetic_x(&stream, &args->recipe, 0, row);
        const double made = gcr_synthetic_add(0, &args->recipe, x, phases) +
                            gcr_synthetic_noise(&stream, &args->recipe, row);
        const double y = gcr_standard_y(&args->standard, made);

        if (args->scalar == GCR_F32)
            ((float *)args->y)[row] = (float)y;
        else
            ((double *)args->y)[row] = y;
    }
}

static void run_ops(fake_queue *queue, int upto)
{
    for (; queue->done < upto; queue->done++) {
        const op *o = &queue->ops[queue->done];

        if (o->generate.recipe.rows > 0)
            run_generate(&o->generate);
        else if (o->records != NULL)
            run_reduce(o);
        else if (o->tiles != NULL)
            run_crunch(o);
        else
            memcpy(o->to, o->from, o->bytes);
        free(o->copied);
    }
    if (queue->done == queue->op_count && queue->op_count > OPS_MAX / 2)
        queue->done = queue->op_count = 0;
}

static gcr_status fake_device_count(int *out, char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "there is no fake here");
    *out = fake.device_count == 0 ? 1 : fake.device_count > 0 ? fake.device_count : 0;
    return GCR_OK;
}

static gcr_status fake_device_open(gcr_device **out, int index)
{
    fake_device *device = calloc(1, sizeof *device);
    gcr_device_info *info = &device->base.info;

    device->index = index;
    device->base.backend = &fake_backend;
    strcpy(info->name, "fake");
    strcpy(info->tuning, "never calibrated");
    info->alignment = 64;
    info->code_path = GCR_PATH_PLAIN;
    info->units = 4;
    info->batches_in_flight = 2;
    info->total_bytes = fake.total_bytes;
    info->free_bytes = fake.free_bytes > 0 ? fake.free_bytes : fake.total_bytes;
    info->unit_flops[GCR_F64] = info->unit_flops[GCR_F32] = fake.flops[index];
    fake.open_handles++;
    *out = &device->base;
    return GCR_OK;
}

/* Those of all processes are the same. */
static gcr_status fake_device_identify(gcr_device_identity *out, int index)
{
    const int number = fake.first_device + index;

    *out = (gcr_device_identity){ .name = "fake", .pci = { .bus = 0x10 + number } };
    snprintf(out->uuid, sizeof out->uuid, "GPU-%d", number);
    return GCR_OK;
}

static void fake_device_close(gcr_device *device)
{
    fake.open_handles--;
    free(device);
}

static void fake_device_kind(char *out, size_t bytes, const gcr_device *device, gcr_code_path path,
                             gcr_scalar scalar, gcr_algorithm algorithm, int64_t matrix_rows)
{
    const int kind = fake.kind_of[((const fake_device *)device)->index];
    char number[16] = "";

    (void)matrix_rows;
    if (kind > 0)
        snprintf(number, sizeof number, " %d", kind);
    snprintf(out, bytes, "fake%s, %s, %s, %s", number, gcr_scalar_name(scalar),
             gcr_code_path_name(path), gcr_algorithm_name(algorithm));
}

/* Says the points of each program, which are what a device would measure. */
static gcr_status fake_calibrate(gcr_device *device, const gcr_calibration_spec *spec)
{
    char line[128];

    for (gcr_scalar scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++) {
        const gcr_program_spec *programs[] = { &spec->matrix[scalar], &spec->cell[scalar],
                                               &spec->whole[scalar][0] };

        for (int p = 0; p < 3; p++) {
            snprintf(line, sizeof line, "%s, %s: %d points", gcr_scalar_name(scalar),
                     programs[p]->unit->kernel->name, (int)programs[p]->setup->points->point_count);
            spec->note(spec->context, line);
        }
    }
    strcpy(device->info.tuning, "calibrated");
    return GCR_OK;
}

static gcr_status fake_buf_open(gcr_buf **out, gcr_device *device, gcr_place place, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    gcr_buf *buf;

    note(FAKE_BUF_OPEN, device);
    if (++fake.bufs == fake.buf_that_fails)
        GCR_FAIL(GCR_ENOMEM, "the fake has no memory");
    if (place == GCR_PLACE_DEVICE && fake.total_bytes > 0 &&
        ((fake_device *)device)->bytes + bytes > fake.total_bytes)
        GCR_FAIL(GCR_ENOMEM, "the memory of the fake is full");
    if (place == GCR_PLACE_DEVICE)
        ((fake_device *)device)->bytes += bytes;
    buf = calloc(1, sizeof *buf);
    *buf = (gcr_buf){ .device = device, .place = place, .bytes = bytes, .base = malloc(bytes) };
    memset(buf->base, POISON, bytes);
    fake.open_handles++;
    *out = buf;
out:
    return status;
}

static void fake_buf_close(gcr_buf *buf)
{
    note(FAKE_BUF_CLOSE, buf->device);
    if (buf->place == GCR_PLACE_DEVICE)
        ((fake_device *)buf->device)->bytes -= buf->bytes;
    fake.open_handles--;
    free(buf->base);
    free(buf);
}

static void fake_buf_close_idle(gcr_buf *buf)
{
    note(FAKE_BUF_CLOSE_IDLE, buf->device);
    fake_buf_close(buf);
}

static gcr_status fake_copy(gcr_queue *base, void *to, gcr_place to_place, const void *from,
                            gcr_place from_place, uint64_t bytes)
{
    fake_queue *queue = (fake_queue *)base;

    note(to_place == GCR_PLACE_DEVICE ? FAKE_UPLOAD : FAKE_DOWNLOAD, base->device);
    queue->ops[queue->op_count] = (op){ .to = to, .from = from, .bytes = bytes };
    if (from_place == GCR_PLACE_HOST) { /* has been read on return */
        queue->ops[queue->op_count].copied = malloc(bytes);
        queue->ops[queue->op_count].from = memcpy(queue->ops[queue->op_count].copied, from, bytes);
    }
    queue->op_count++;
    return GCR_OK;
}

static gcr_status fake_queue_open(gcr_queue **out, gcr_device *device)
{
    fake_queue *queue = calloc(1, sizeof *queue);

    queue->base.device = device;
    fake.open_handles++;
    *out = &queue->base;
    return GCR_OK;
}

static void fake_queue_close(gcr_queue *base)
{
    fake_queue *queue = (fake_queue *)base;

    note(FAKE_QUEUE_CLOSE, base->device);
    for (; queue->done < queue->op_count; queue->done++) {
        free(queue->ops[queue->done].tiles);
        free(queue->ops[queue->done].copied);
    }
    fake.open_handles--;
    free(queue);
}

static gcr_status fake_queue_sync(gcr_queue *base)
{
    fake_queue *queue = (fake_queue *)base;

    run_ops(queue, queue->op_count);
    return GCR_OK;
}

static gcr_status fake_event_open(gcr_event **out, gcr_device *device)
{
    fake_event *event = calloc(1, sizeof *event);

    event->base.device = device;
    fake.open_handles++;
    *out = &event->base;
    return GCR_OK;
}

static void fake_event_close(gcr_event *event)
{
    fake.open_handles--;
    free(event);
}

static gcr_status fake_event_record(gcr_event *base, gcr_queue *queue)
{
    fake_event *event = (fake_event *)base;

    note(FAKE_RECORD, base->device);
    event->queue = (fake_queue *)queue;
    event->upto = event->queue->op_count;
    return GCR_OK;
}

static gcr_status fake_event_sync(gcr_event *base, double seconds)
{
    gcr_status status = GCR_OK;
    fake_event *event = (fake_event *)base;
    const int nth = ++fake.syncs;

    note(FAKE_SYNC, base->device);
    if (nth == fake.sync_that_fails)
        GCR_FAIL(GCR_EDEVICE, "the fake was lost");
    if (nth == fake.sync_that_hangs && seconds < 0)
        GCR_FAIL(GCR_EDEVICE, "the fake was waited for without a limit");
    if (nth == fake.sync_that_hangs)
        GCR_FAIL(GCR_ETIMEOUT, "the fake has not ended in %g s", seconds);
    run_ops(event->queue, event->upto);
out:
    return status;
}

static gcr_status fake_cell_bytes(uint64_t *out, const gcr_device *device,
                                  const gcr_program_spec *spec, const gcr_shape *shape)
{
    gcr_status status = GCR_OK;

    (void)device;
    (void)spec;
    (void)shape;
    if (fake.unsupported != NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s", fake.unsupported);
    *out = fake.cell_bytes;
out:
    return status;
}

static uint64_t fake_cells_at_once(const gcr_device *device, const gcr_unit *unit,
                                   const gcr_shape *shape)
{
    (void)device;
    (void)unit;
    (void)shape;
    return fake.cells_at_once > 0 ? fake.cells_at_once : 1;
}

static gcr_status fake_program_open(gcr_program **out, gcr_device *device,
                                    const gcr_program_spec *spec)
{
    gcr_status status = GCR_OK;
    fake_program *program = NULL;

    if (++fake.programs == fake.program_that_fails)
        GCR_FAIL(GCR_EDEVICE, "the fake takes no program");
    program = calloc(1, sizeof *program);
    program->base = (gcr_program){ .device = device, .unit = spec->unit };
    program->points = spec->setup->points;
    *out = &program->base;
    fake.open_handles++;
out:
    return status;
}

static void fake_program_close(gcr_program *program)
{
    fake.open_handles--;
    free(program);
}

static gcr_status fake_prepare(gcr_queue *queue, gcr_program *program, const gcr_prepare_args *args)
{
    (void)program;
    note(FAKE_PREPARE, queue->device);
    *args->fault = 0;
    return GCR_OK;
}

static int count_outputs(const gcr_kernel *kernel)
{
    int count = 0;

    while (kernel->outputs[count].name != NULL)
        count++;
    return count;
}

static uint64_t count_points(const gcr_crunch_args *args)
{
    uint64_t points = 0;

    for (uint64_t t = 0; t < args->tile_count; t++)
        points += args->tiles[t].count;
    return points;
}

static gcr_status fake_crunch(gcr_queue *base, gcr_program *program, const gcr_crunch_args *args)
{
    gcr_status status = GCR_OK;
    fake_queue *queue = (fake_queue *)base;
    op *o = &queue->ops[queue->op_count];

    note(FAKE_CRUNCH, base->device);
    if (fake.on_crunch != NULL)
        fake.on_crunch();
    if (fake.on_crunch_of != NULL)
        fake.on_crunch_of(((const fake_device *)base->device)->index);
    if (++fake.crunches == fake.crunch_that_fails)
        GCR_FAIL(GCR_EDEVICE, "the fake fell over");
    if (fake.crunch_has_no_memory ||
        (fake.crunch_points_most > 0 && count_points(args) > fake.crunch_points_most))
        GCR_FAIL(GCR_ENOMEM, "the fake has no memory for so many");
    *o = (op){ .tiles = malloc(args->tile_count * sizeof *o->tiles),
               .tile_count = args->tile_count,
               .output_count = count_outputs(program->unit->kernel),
               .points = ((const fake_program *)program)->points };
    memcpy(o->tiles, args->tiles, args->tile_count * sizeof *o->tiles);
    queue->op_count++;
out:
    return status;
}

static gcr_status fake_reduce(gcr_queue *base, gcr_program *program, const gcr_reduce_args *args)
{
    fake_queue *queue = (fake_queue *)base;
    op *o = &queue->ops[queue->op_count++];

    note(FAKE_REDUCE, base->device);
    *o = (op){ .tiles = malloc(args->tile_count * sizeof *o->tiles),
               .tile_count = args->tile_count,
               .reduction = *args->reduction,
               .records = args->records,
               .points = ((fake_program *)program)->points };
    memcpy(o->tiles, args->tiles, args->tile_count * sizeof *o->tiles);
    return GCR_OK;
}

const gcr_backend fake_backend = {
    .name = "fake",
    .device_count = fake_device_count,
    .device_open = fake_device_open,
    .device_identify = fake_device_identify,
    .device_close = fake_device_close,
    .device_kind = fake_device_kind,
    .buf_open = fake_buf_open,
    .buf_close = fake_buf_close,
    .buf_close_idle = fake_buf_close_idle,
    .copy = fake_copy,
    .queue_open = fake_queue_open,
    .queue_close = fake_queue_close,
    .queue_sync = fake_queue_sync,
    .event_open = fake_event_open,
    .event_close = fake_event_close,
    .event_record = fake_event_record,
    .event_sync = fake_event_sync,
    .cell_bytes = fake_cell_bytes,
    .cells_at_once = fake_cells_at_once,
    .program_open = fake_program_open,
    .program_close = fake_program_close,
    .prepare = fake_prepare,
    .crunch = fake_crunch,
    .calibrate = fake_calibrate,
};

const gcr_backend *const fake_backends[] = { &fake_backend, NULL };

static gcr_status fake_generate(gcr_queue *base, const gcr_generate_args *args)
{
    fake_queue *queue = (fake_queue *)base;

    note(FAKE_GENERATE, base->device);
    queue->ops[queue->op_count++] = (op){ .generate = *args };
    return GCR_OK;
}

static gcr_status fake_rich_device_open(gcr_device **out, int index)
{
    const gcr_status status = fake_device_open(out, index);

    (*out)->backend = &fake_rich_backend;
    return status;
}

const gcr_backend fake_rich_backend = {
    .name = "fake",
    .device_count = fake_device_count,
    .device_open = fake_rich_device_open,
    .device_close = fake_device_close,
    .device_kind = fake_device_kind,
    .buf_open = fake_buf_open,
    .buf_close = fake_buf_close,
    .buf_close_idle = fake_buf_close_idle,
    .copy = fake_copy,
    .queue_open = fake_queue_open,
    .queue_close = fake_queue_close,
    .queue_sync = fake_queue_sync,
    .event_open = fake_event_open,
    .event_close = fake_event_close,
    .event_record = fake_event_record,
    .event_sync = fake_event_sync,
    .cell_bytes = fake_cell_bytes,
    .cells_at_once = fake_cells_at_once,
    .program_open = fake_program_open,
    .program_close = fake_program_close,
    .prepare = fake_prepare,
    .crunch = fake_crunch,
    .reduce = fake_reduce,
    .generate = fake_generate,
};

const gcr_backend *const fake_rich_backends[] = { &fake_rich_backend, NULL };
