/* exec/pipeline.c -- the loop of a worker. See exec/pipeline.h. */
#include "exec/pipeline.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include "gridcrunch/cell.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TILES_MAX = 256,       /* of a batch: bounds its descriptors, whatever the sizes are      */
    FLIGHTS_MAX = 4,       /* batches in flight on one queue                                  */
    POINTS_LEAST = 64,     /* of a batch's record buffers: room for what `where` leaves out   */
    POINTS_MOST = 1 << 20, /* a larger batch is cut                                       */
};

/* A run of points of one dataset, of which `live` are computed. */
typedef struct part {
    uint64_t dataset;
    uint64_t first, count, live;
    double cost; /* of the live ones, as a share of the plan's */
} part;

/* A batch: built, enqueued, landed, then built anew. */
typedef struct flight {
    part parts[TILES_MAX];
    gcr_unit_tile tiles[TILES_MAX];
    uint64_t tile_count;
    uint64_t points, live;          /* of all parts */
    gcr_buf *records_dev, *records; /* NULL where the device shares memory */
    gcr_event *done;
    int is_flying;
} flight;

typedef struct worker {
    const gcr_pipeline_shared *shared;
    gcr_pipeline_progress *progress;
    int index; /* of all workers of the run */
    gcr_queue *queue;
    flight *flights; /* [flight_count] used in turn */
    int flight_count;
    uint64_t point_capacity; /* of a flight's records; not a limit where memory is shared */
    gcr_span span;           /* what is left of the span that the schedule gave last */
    uint64_t batch;          /* how many live cells it takes at a time, now */

    /* The dataset at the front of the span, so that a part costs no division. */
    uint64_t dataset, dataset_first; /* dataset_first: its first position */
    double cell_cost;                /* of one of its live cells, as a share of the plan's */

    /* Cells land at their dataset when the worker turns to another one: a counter that all workers
     * share is then touched once per visit, not once per cell. */
    uint64_t landing_dataset, landing_count;

    gcr_resident resident; /* of resident_dataset */
    uint64_t resident_dataset;
    int has_resident;
} worker;

static int shares_memory(const worker *w)
{
    return w->shared->device->info.shares_memory;
}

/* Only its own worker writes a progress, so adding needs no atomic addition. */
static void add_progress(_Atomic uint64_t *to, uint64_t count)
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + count,
                          memory_order_relaxed);
}

/* ---- the dataset in work ---------------------------------------------------------------------- */

/* Tells the dataset worked on last how many of its cells have landed since; the last one of a
 * dataset makes its summary and frees its place on the device. */
static void flush_landing(worker *w)
{
    const gcr_pipeline_shared *shared = w->shared;
    gcr_pipeline_progress *progress = w->progress;
    const uint64_t dataset = w->landing_dataset;

    if (w->landing_count == 0)
        return;
    if (gcr_slots_land(shared->slots, dataset, w->landing_count)) {
        gcr_summaries_fire(shared->summaries, dataset, w->index);
        if (w->resident_dataset == dataset)
            w->has_resident = 0;
        add_progress(&progress->datasets, 1);
        shared->on_dataset(shared->arg, dataset);
    }
    w->landing_count = 0;
}

/* Says what will be computed, for whoever wants to know what crashed. */
static void tell(gcr_pipeline_progress *progress, uint64_t dataset, uint64_t first, uint64_t count)
{
    atomic_store_explicit(&progress->dataset, dataset, memory_order_relaxed);
    atomic_store_explicit(&progress->first, first, memory_order_relaxed);
    atomic_store_explicit(&progress->count, count, memory_order_relaxed);
}

/* Lets dataset `dataset` stand ready, remembering the last one. */
static gcr_status acquire(worker *w, uint64_t dataset)
{
    gcr_status status = GCR_OK;

    if (w->has_resident && w->resident_dataset == dataset)
        goto out;
    flush_landing(w); /* first: the dataset that is left may make room for this one */
    w->has_resident = 0;
    tell(w->progress, dataset, 0, 0);
    GCR_TRY(gcr_residency_acquire(w->shared->residency, w->queue, dataset, &w->resident));
    w->resident_dataset = dataset;
    w->has_resident = 1;
out:
    return status;
}

/* ---- building a batch ------------------------------------------------------------------------ */

/* The run of points that `live` live points from live number `first` on span. */
static void points_of(const gcr_points *points, uint64_t first, uint64_t live, part *out)
{
    out->first = gcr_points_select(points, first);
    out->count = live == 1 ? 1 : gcr_points_select(points, first + live - 1) + 1 - out->first;
    out->live = live;
}

/* Notes the dataset in `place` of the plan as the one in front. */
static void turn_to(worker *w, uint64_t place)
{
    const gcr_plan *plan = w->shared->plan;
    const uint64_t live_count = w->shared->slots->live_count;

    w->dataset = gcr_plan_dataset_at(plan, place);
    w->dataset_first = place * live_count;
    w->cell_cost = gcr_plan_cost_share(plan, place) / (double)live_count;
}

/* The front of the worker's span as a part: at most `most` live points, within one dataset, and
 * within the flight's records. */
static void next_part(worker *w, const flight *f, uint64_t most, part *out)
{
    const gcr_pipeline_shared *shared = w->shared;
    const uint64_t live_count = shared->slots->live_count;
    uint64_t index = w->span.first - w->dataset_first, live;

    if (index >= live_count) { /* also where the span went back, below dataset_first */
        turn_to(w, w->span.first / live_count);
        index = w->span.first - w->dataset_first;
    }
    live = live_count - index;
    out->dataset = w->dataset;
    if (live > most)
        live = most;
    points_of(shared->points, index, live, out);
    if (!shares_memory(w) && out->count > w->point_capacity - f->points) {
        out->count = w->point_capacity - f->points;
        out->live = gcr_points_rank(shared->points, out->first + out->count) - index;
    }
    out->cost = w->cell_cost * (double)out->live;
}

/* Where the results of a part go: into the slots, or to offset `at` of the flight's records. */
static void aim_tile(const worker *w, const flight *f, const part *p, uint64_t at,
                     gcr_unit_tile *tile)
{
    const gcr_slots *slots = w->shared->slots;
    const uint64_t cell = p->dataset * slots->point_count + p->first;
    char *base = f->records_dev != NULL ? f->records_dev->base : NULL;

    for (int o = 0; o < slots->output_count; o++) {
        const uint64_t width = (uint64_t)slots->width[o];

        tile->width[o] = slots->width[o];
        if (base == NULL) {
            tile->outputs[o] = slots->values[o] + cell * width;
        } else {
            tile->outputs[o] = (double *)base + at * width;
            base += f->points * width * sizeof(double);
        }
    }
    tile->state = base == NULL ? slots->state + cell : (uint8_t *)base + at;
    tile->jitter_step = NULL;
    if (slots->jitter_step != NULL)
        tile->jitter_step = base == NULL ? slots->jitter_step + cell : tile->state + f->points;
}

/* Fills `f` with the next batch; tile_count is 0 when there is none. */
static gcr_status build(worker *w, flight *f)
{
    gcr_status status = GCR_OK;
    uint64_t at = 0, left;

    f->tile_count = 0;
    f->points = f->live = 0;
    if (w->span.count == 0 &&
        !gcr_schedule_next(w->shared->schedule, w->index - w->shared->first_worker, w->batch,
                           &w->span))
        goto out;
    left = w->span.count < w->batch ? w->span.count : w->batch;
    while (left > 0 && f->tile_count < TILES_MAX) {
        part *p = &f->parts[f->tile_count];

        if (!shares_memory(w) && f->points == w->point_capacity)
            break;
        next_part(w, f, left, p);
        left -= p->live;
        w->span.first += p->live;
        w->span.count -= p->live;
        f->points += p->count;
        f->live += p->live;
        f->tile_count++;
    }
    for (uint64_t t = 0; t < f->tile_count; t++) {
        const part *p = &f->parts[t];
        gcr_unit_tile *tile = &f->tiles[t];

        GCR_TRY(acquire(w, p->dataset));
        tile->data = w->resident.data;
        tile->prepared = w->resident.prepared;
        tile->fault = w->resident.fault;
        tile->first = p->first;
        tile->count = p->count;
        aim_tile(w, f, p, at, tile);
        at += p->count;
    }
out:
    return status;
}

static gcr_status launch(worker *w, flight *f)
{
    gcr_status status = GCR_OK;
    const gcr_crunch_args args = { .tiles = f->tiles, .tile_count = f->tile_count };

    tell(w->progress, f->parts[0].dataset, f->parts[0].first, f->live);
    GCR_TRY(gcr_crunch(w->queue, w->shared->program, &args));
    if (!shares_memory(w)) {
        GCR_TRY(gcr_download(w->queue, f->records->base, GCR_PLACE_STAGING, f->records_dev, 0,
                             f->points * w->shared->cell_bytes));
        GCR_TRY(gcr_event_record(f->done, w->queue));
    }
    f->is_flying = 1;
out:
    return status;
}

/* ---- landing --------------------------------------------------------------------------------- */

static void add_cost(_Atomic double *to, double share)
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + share,
                          memory_order_relaxed);
}

static void land_part(worker *w, const part *p)
{
    const gcr_slots *slots = w->shared->slots;
    const uint8_t *state = slots->state + p->dataset * slots->point_count + p->first;
    uint64_t failed = 0;

    for (uint64_t i = 0; i < p->count; i++)
        failed += gcr_cell_is_failed(state[i]) ? 1 : 0;
    if (failed > 0)
        add_progress(&w->progress->failed, failed);
    add_progress(&w->progress->landed, p->live);
    add_cost(&w->progress->cost, p->cost);
    if (w->landing_count > 0 && w->landing_dataset != p->dataset)
        flush_landing(w);
    w->landing_dataset = p->dataset;
    w->landing_count += p->live;
}

/* Copies a part from the records, where it stands at `at`, into the slots; only live points, the
 * others keep what the slots say of them. */
static void copy_part(worker *w, const flight *f, const part *p, uint64_t at)
{
    const gcr_slots *slots = w->shared->slots;
    const gcr_point_table *table = gcr_points_table(w->shared->points);
    const uint64_t cell = p->dataset * slots->point_count + p->first;
    const uint64_t step = p->live == p->count ? p->count : 1;

    for (uint64_t i = 0; i < p->count; i += step) {
        const char *base = f->records->base;

        if (step == 1 && !gcr_point_is_live(table, p->first + i))
            continue;
        for (int o = 0; o < slots->output_count; o++) {
            const uint64_t width = (uint64_t)slots->width[o];

            memcpy(slots->values[o] + (cell + i) * width, (const double *)base + (at + i) * width,
                   step * width * sizeof(double));
            base += f->points * width * sizeof(double);
        }
        memcpy(slots->state + cell + i, base + at + i, step);
        if (slots->jitter_step != NULL)
            memcpy(slots->jitter_step + cell + i, base + f->points + at + i, step);
    }
}

/* Waits for a batch. Where it was lost, whoever asks is told that it was this one. */
static gcr_status await(worker *w, const flight *f)
{
    gcr_status status = GCR_OK;

    if (!shares_memory(w))
        status = gcr_event_sync(f->done);
    if (status != GCR_OK)
        tell(w->progress, f->parts[0].dataset, f->parts[0].first, f->live);
    return status;
}

/* Waits for a batch and gives its results their slots. */
static gcr_status land(worker *w, flight *f)
{
    gcr_status status = GCR_OK;
    uint64_t at = 0;

    if (!f->is_flying)
        goto out;
    f->is_flying = 0;
    GCR_TRY(await(w, f));
    for (uint64_t t = 0; t < f->tile_count; t++) {
        if (!shares_memory(w))
            copy_part(w, f, &f->parts[t], at);
        land_part(w, &f->parts[t]);
        at += f->parts[t].count;
    }
out:
    return status;
}

/* ---- the worker ------------------------------------------------------------------------------ */

static gcr_status open_flight(worker *w, flight *f)
{
    gcr_status status = GCR_OK;
    gcr_device *device = w->shared->device;
    uint64_t bytes;

    if (shares_memory(w))
        goto out;
    if (!gcr_multiply(&bytes, w->shared->cell_bytes, w->point_capacity))
        GCR_FAIL(GCR_EOVERFLOW, "the outputs of a batch are more bytes than 64 bits can count");
    GCR_TRY(gcr_buf_open(&f->records_dev, device, GCR_PLACE_DEVICE, bytes));
    GCR_TRY(gcr_buf_open(&f->records, device, GCR_PLACE_STAGING, bytes));
    GCR_TRY(gcr_event_open(&f->done, device));
out:
    return status;
}

static int count_flights(const gcr_device_info *info)
{
    return info->batches_in_flight < FLIGHTS_MAX ? info->batches_in_flight : FLIGHTS_MAX;
}

static uint64_t count_points(uint64_t batch_most)
{
    if (batch_most > POINTS_MOST)
        return POINTS_MOST;
    return batch_most > POINTS_LEAST ? batch_most : POINTS_LEAST;
}

uint64_t gcr_pipeline_bytes(const gcr_device_info *info, uint64_t cell_bytes, uint64_t batch_most)
{
    const uint64_t staging = info->shares_memory ? 0 : count_points(batch_most) * cell_bytes;

    return (uint64_t)count_flights(info) * (sizeof(flight) + staging);
}

static gcr_status open_worker(worker *w)
{
    gcr_status status = GCR_OK;
    gcr_device *device = w->shared->device;

    w->flight_count = count_flights(&device->info);
    w->point_capacity = count_points(w->shared->batch_most);
    turn_to(w, 0);
    w->batch = w->flight_count == 1 ? w->shared->batch_least : w->shared->batch_most;
    GCR_TRY(gcr_queue_open(&w->queue, device));
    GCR_TRY(gcr_memory_create((void **)&w->flights, (uint64_t)w->flight_count, sizeof(flight),
                              "the batches in flight"));
    for (int i = 0; i < w->flight_count; i++)
        GCR_TRY(open_flight(w, &w->flights[i]));
out:
    return status;
}

static void close_worker(worker *w)
{
    for (int i = 0; w->flights != NULL && i < w->flight_count; i++) {
        gcr_event_close(w->flights[i].done);
        gcr_buf_close(w->flights[i].records);
        gcr_buf_close(w->flights[i].records_dev);
    }
    gcr_memory_destroy(w->flights);
    gcr_queue_close(w->queue);
}

/* Lets the next batch be longer or shorter than one that took so many seconds. Where several are in
 * flight, the time of one cannot be seen, and they are as large as may be from the start. */
static void adapt_batch(worker *w, double seconds)
{
    const gcr_pipeline_shared *shared = w->shared;

    if (seconds < shared->batch_seconds && w->batch <= shared->batch_most / 2)
        w->batch *= 2;
    else if (seconds > 4 * shared->batch_seconds && w->batch / 2 >= shared->batch_least)
        w->batch /= 2;
}

/* Builds, launches, and lands the batch whose turn is next: with two flights that is the one
 * launched before this one. */
static gcr_status run_batches(worker *w)
{
    gcr_status status = GCR_OK;
    const int adapts = w->flight_count == 1 && w->shared->batch_least < w->shared->batch_most;
    double begin = adapts ? gcr_clock_seconds() : 0.0;

    for (int turn = 0;; turn = (turn + 1) % w->flight_count) {
        flight *f = &w->flights[turn];

        if (atomic_load_explicit(w->shared->stop, memory_order_relaxed) != 0)
            break;
        GCR_TRY(build(w, f));
        if (f->tile_count == 0)
            break;
        GCR_TRY(launch(w, f));
        GCR_TRY(land(w, &w->flights[(turn + 1) % w->flight_count]));
        if (adapts) {
            const double now = gcr_clock_seconds();

            adapt_batch(w, now - begin);
            begin = now;
        }
    }
    for (int i = 0; i < w->flight_count; i++)
        GCR_TRY(land(w, &w->flights[i]));
out:
    return status;
}

static gcr_status work(worker *w)
{
    gcr_status status = GCR_OK;

    GCR_TRY(open_worker(w));
    GCR_TRY(run_batches(w));
out:
    return status;
}

void gcr_pipeline_drive(const gcr_pipeline_shared *shared, int index,
                        gcr_pipeline_progress *progress)
{
    worker w = { .shared = shared, .progress = progress, .index = index };
    gcr_status status;

    atomic_store_explicit(&progress->thread, gettid(), memory_order_relaxed);
    status = work(&w);
    if (status != GCR_OK)
        shared->on_failure(shared->arg, index,
                           status); /* first: what follows may call what fails */
    flush_landing(&w);
    close_worker(&w);
    if (status == GCR_OK)
        atomic_store_explicit(&progress->thread, 0, memory_order_relaxed);
}
