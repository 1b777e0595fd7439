/*
 * exec/pipeline.c -- the loop of a worker, run_batches() near the end of the file. See
 * exec/pipeline.h.
 *
 * A batch is a flight (flight.h), used again and again. The schedule gives the worker a span of
 * positions (schedule.h), of which the cutter fills the flight with parts (cutter.h); their
 * datasets stand ready (residency.h); it is launched (launcher.h); and when the next one is under
 * way, it lands (lander.h). What else stands here is for devices that are short of memory.
 */
#include "exec/pipeline.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "exec/cutter.h"
#include "exec/flight.h"
#include "exec/lander.h"
#include "exec/launcher.h"

#include <unistd.h>

typedef gcr_flight flight;
typedef gcr_flight_part part;

typedef struct worker {
    const gcr_pipeline_shared *shared;
    gcr_pipeline_progress *progress;
    int index;       /* of all workers of the run */
    flight *flights; /* [flight_count] used in turn */
    int flight_count;
    int turn;          /* the flight that is built and launched now */
    gcr_cutter cutter; /* has what the schedule gave last           */

    gcr_launcher launcher;
    gcr_lander lander;

    int is_short;   /* the device had no memory for what was asked for last, and may have later */
    int is_waiting; /* the node has nothing to compute, but may be granted more */

    double busy_since; /* when a batch came in work; 0: none is */

    gcr_resident resident; /* of resident_dataset */
    uint64_t resident_dataset;
    int has_resident;
} worker;

static int shares_memory(const worker *w)
{
    return w->shared->device->info.shares_memory;
}

static int is_stopped(const worker *w)
{
    return atomic_load_explicit(w->shared->stop, memory_order_relaxed) != 0;
}

/* ---- the dataset in work --------------------------------------------------------------------- */

/* The worker is at no dataset now. */
static void turn_away(worker *w)
{
    if (w->has_resident)
        gcr_residency_turn(w->shared->residency, w->resident_dataset);
    w->has_resident = 0;
}

/* Says what will be computed, for whoever wants to know what crashed. */
static void tell(gcr_pipeline_progress *progress, uint64_t dataset, uint64_t first, uint64_t count)
{
    atomic_store_explicit(&progress->dataset, dataset, memory_order_relaxed);
    atomic_store_explicit(&progress->first, first, memory_order_relaxed);
    atomic_store_explicit(&progress->count, count, memory_order_relaxed);
}

/* A device that computes beside the host says of a fault when it is called next, whatever for: it
 * may be that of any batch that has been launched and has not landed. The oldest comes first, with
 * all cells behind it. */
static void tell_in_flight(worker *w)
{
    const part *first = NULL;
    uint64_t count = 0;

    for (int i = 1; i <= w->flight_count; i++) {
        const flight *f = &w->flights[(w->turn + i) % w->flight_count];

        if (!f->is_flying)
            continue;
        if (first == NULL)
            first = f->parts;
        count += f->live;
    }
    if (first != NULL)
        tell(w->progress, first->at.dataset, first->at.first, count);
}

/* Lets dataset `dataset` stand ready, remembering the last one. */
static gcr_status acquire(worker *w, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    const int is_same = w->has_resident && w->resident_dataset == dataset;

    if (is_same && shares_memory(w) && w->shared->rings == NULL)
        goto out; /* else each tile is counted: it may not leave */
    if (!is_same) {
        GCR_TRY(gcr_lander_flush(&w->lander)); /* what is left may make room for this */
        turn_away(w);
        tell(w->progress, dataset, 0, 0);
    }
    status = gcr_residency_acquire(w->shared->residency, w->launcher.queue, dataset, &w->resident);
    w->is_short = status == GCR_ENOMEM && !shares_memory(w);
    GCR_TRY(status);
    if (!w->has_resident)
        gcr_residency_stay(w->shared->residency, dataset);
    w->resident_dataset = dataset;
    w->has_resident = 1;
out:
    return status;
}

static void leave_datasets(worker *w, flight *f, int has_landed)
{
    for (uint64_t t = 0; t < f->held; t++)
        gcr_residency_leave(w->shared->residency, f->parts[t].at.dataset, has_landed);
    f->held = 0;
}

/* ---- how busy it is -------------------------------------------------------------------------- */

/* From a batch's datasets on, which may be prepared for it. */
static void begin_busy(worker *w)
{
    if (w->busy_since <= 0.0)
        w->busy_since = gcr_clock_seconds();
}

/* What `done` has was computed, and is not landed yet: for that a worker may wait for others. NULL:
 * there was nothing. */
static void end_busy(worker *w, const flight *done)
{
    _Atomic double *busy = &w->progress->busy;

    for (int i = 0; i < w->flight_count; i++)
        if (w->flights[i].is_flying && &w->flights[i] != done)
            return;
    if (w->busy_since > 0.0)
        atomic_store_explicit(busy,
                              atomic_load_explicit(busy, memory_order_relaxed) +
                                  gcr_clock_seconds() - w->busy_since,
                              memory_order_relaxed);
    w->busy_since = 0.0;
}

/* ---- building a batch ------------------------------------------------------------------------ */

/* Lets the datasets of all parts stand ready. A device that has no room for all of them gets a
 * batch of those that it has room for. */
static gcr_status acquire_parts(worker *w, flight *f)
{
    gcr_status status = GCR_OK;

    for (; f->held < f->tile_count; f->held++) {
        gcr_unit_tile *tile = &f->tiles[f->held];

        status = acquire(w, f->parts[f->held].at.dataset);
        if (status != GCR_OK && w->is_short && f->held > 0) {
            gcr_cutter_put_back(&w->cutter, f, f->held);
            status = GCR_OK;
            break;
        }
        GCR_TRY(status);
        tile->data = w->resident.data;
        tile->prepared = w->resident.prepared;
        tile->fault = w->resident.fault;
    }
out:
    return status;
}

/* Asks for more where the span is used up; false where there is none now. */
static int has_span(worker *w)
{
    const gcr_pipeline_shared *shared = w->shared;
    gcr_schedule_answer answer = GCR_SCHEDULE_NOW;

    if (w->cutter.span.count == 0)
        answer =
            gcr_schedule_next(shared->schedule, w->index - shared->first_worker,
                              gcr_cutter_positions(&w->cutter, w->launcher.batch), &w->cutter.span);
    w->is_waiting = answer == GCR_SCHEDULE_LATER;
    return answer == GCR_SCHEDULE_NOW;
}

/* Fills `f` with the next batch; tile_count is 0 when there is none. */
static gcr_status build(worker *w, flight *f)
{
    gcr_status status = GCR_OK;
    const gcr_pipeline_shared *shared = w->shared;

    f->tile_count = 0;
    f->points = f->live = f->blocks = 0;
    while (f->tile_count == 0) {
        if (!has_span(w))
            goto out;
        f->before = w->cutter.span;
        gcr_cutter_cut(&w->cutter, f, w->launcher.batch);
    }
    begin_busy(w);
    GCR_TRY(acquire_parts(w, f));
    f->to.points = f->from.points = f->points;
    for (uint64_t t = 0; t < f->tile_count; t++) {
        const gcr_records_part *p = &f->parts[t].at;

        f->tiles[t].first = p->first;
        f->tiles[t].count = p->count;
        gcr_records_aim(&f->to, shared->slots, p, &f->tiles[t]);
    }
out:
    return status;
}

static gcr_status launch(worker *w, flight *f)
{
    gcr_status status = GCR_OK;

    tell(w->progress, f->parts[0].at.dataset, f->parts[0].at.first, f->live);
    f->is_flying = 1;
    GCR_TRY(gcr_launcher_launch(&w->launcher, f));
    if (f->is_cut_short && f->block == NULL) {
        f->is_flying = 0;
        leave_datasets(w, f, 0); /* its cells stay empty */
    }
out:
    return status;
}

/* ---- landing --------------------------------------------------------------------------------- */

static gcr_status land(worker *w, flight *f)
{
    gcr_status status = GCR_OK;

    if (!f->is_flying)
        goto out;
    GCR_TRY(gcr_launcher_await(&w->launcher, f));
    end_busy(w, f);
    GCR_TRY(gcr_lander_take(&w->lander, w->launcher.queue, f));
    f->is_flying = 0;
    leave_datasets(w, f, 1);
out:
    return status;
}

/* ---- where the device is short of memory ----------------------------------------------------- */

/* Lets batches have half as many cells from now on; false where they have one. */
static int halve_batch(worker *w, uint64_t cells)
{
    if (!gcr_launcher_halve(&w->launcher, cells))
        return 0;
    gcr_progress_add(&w->progress->halved, 1);
    return 1;
}

/* The batch whose turn it is could not be enqueued for want of memory: it is taken back. What is in
 * flight lands and datasets that nobody needs now leave; if there was none of either, batches
 * become smaller. GCR_ENOMEM, with the sentence that was there: that is not possible either, or
 * would not help, as not even one dataset had room. */
static gcr_status make_room(worker *w)
{
    gcr_status status = GCR_OK;
    flight *f = &w->flights[w->turn];
    const int has_datasets = f->held > 0;
    int is_freed = 0;

    f->is_flying = 0;
    w->cutter.span = f->before;
    turn_away(w);
    for (int i = 1; i < w->flight_count; i++) {
        flight *other = &w->flights[(w->turn + i) % w->flight_count];

        is_freed |= other->is_flying;
        GCR_TRY(land(w, other));
    }
    GCR_TRY(gcr_lander_flush(&w->lander));
    is_freed |= gcr_residency_evict(w->shared->residency) > 0;
    leave_datasets(w, f, 0); /* now: its own are no room for it */
    if (!is_freed && !(has_datasets && halve_batch(w, f->live)))
        status = GCR_ENOMEM;
out:
    return status;
}

/* ---- the worker ------------------------------------------------------------------------------ */

static gcr_status open_all_flights(worker *w)
{
    gcr_status status = GCR_OK;
    const gcr_flight_spec spec = { .device = w->shared->device,
                                   .summaries = w->shared->by_blocks ? w->shared->summaries : NULL,
                                   .sends_cells = w->shared->sends_cells,
                                   .cell_bytes = w->shared->cell_bytes,
                                   .points = w->cutter.room };

    for (int i = 0; i < w->flight_count; i++)
        GCR_TRY(gcr_flight_open(&w->flights[i], &spec));
out:
    return status;
}

/* Makes room for records half as large, and of batches that fit them; false where they are as small
 * as can be. */
static int halve_records(worker *w)
{
    const uint64_t least = w->shared->by_blocks ? GCR_PARTIAL_POINTS : 1;
    const uint64_t half = w->cutter.room / 2 / least * least;

    if (half < least)
        return 0;
    (void)halve_batch(w, w->cutter.room); /* one of one cell fits any */
    w->cutter.room = half;
    return 1;
}

/* A device that has no memory for records of that size gets smaller ones. */
static gcr_status open_flights(worker *w)
{
    gcr_status status;

    for (;;) {
        status = open_all_flights(w);
        if (status != GCR_ENOMEM || shares_memory(w) || !halve_records(w))
            return status;
        for (int i = 0; i < w->flight_count; i++)
            gcr_flight_close(&w->flights[i]);
    }
}

/* With a limit of time the host may wait for the device nowhere but where it looks at the clock, so
 * there is one batch at a time. */
static gcr_status open_worker(worker *w)
{
    gcr_status status = GCR_OK;
    const gcr_pipeline_shared *shared = w->shared;
    gcr_device *device = shared->device;

    w->flight_count = shared->kernel_seconds > 0 ? 1 : gcr_flight_count(&device->info);
    w->cutter =
        (gcr_cutter){ .plan = shared->plan,
                      .points = shared->points,
                      .positions = shared->positions,
                      .by_blocks = shared->by_blocks,
                      .is_bounded = !shares_memory(w) || shared->sends_cells,
                      .room = gcr_flight_room(&device->info, shared->cell_bytes, shared->batch_most,
                                              shared->by_blocks, shared->sends_cells) };
    gcr_cutter_begin(&w->cutter);
    gcr_lander_open(&w->lander, shared, w->progress, w->index);
    GCR_TRY(gcr_launcher_open(&w->launcher, shared));
    GCR_TRY(gcr_memory_create((void **)&w->flights, (uint64_t)w->flight_count, sizeof(flight),
                              "the batches in flight"));
    GCR_TRY(open_flights(w));
out:
    return status;
}

/* The queue first, which drains it: where the worker failed, batches may still be under way that
 * write their records. */
static void close_worker(worker *w)
{
    for (int i = 0; w->flights != NULL && i < w->flight_count; i++)
        if (w->flights[i].is_leaving) /* nobody may come for it any more */
            gcr_bridge_give_up(w->shared->carrier->bridge);
    turn_away(w);
    gcr_lander_close(&w->lander);
    gcr_launcher_close(&w->launcher);
    for (int i = 0; w->flights != NULL && i < w->flight_count; i++)
        gcr_flight_close(&w->flights[i]);
    gcr_memory_destroy(w->flights);
}

/* Builds a batch and enqueues it, smaller than wanted where memory is short; tile_count is 0 when
 * there is none. */
static gcr_status start_batch(worker *w)
{
    gcr_status status = GCR_OK;
    flight *f = &w->flights[w->turn];

    GCR_TRY(gcr_carrier_wait(w->shared->carrier, f));
    for (;;) {
        w->is_short = 0;
        status = build(w, f);
        if (status == GCR_OK && f->tile_count > 0) {
            status = launch(w, f);
            w->is_short = status == GCR_ENOMEM && !shares_memory(w);
        }
        if (status == GCR_OK || !w->is_short)
            break;
        GCR_TRY(make_room(w));
    }
out:
    return status;
}

static gcr_status land_all(worker *w)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < w->flight_count; i++)
        GCR_TRY(land(w, &w->flights[i]));
    for (int i = 0; i < w->flight_count; i++)
        GCR_TRY(gcr_carrier_wait(w->shared->carrier, &w->flights[i]));
out:
    return status;
}

/* Until the node may have been granted more. What is finished is told first: others may wait for
 * it. */
static gcr_status wait_for_more(worker *w)
{
    gcr_status status = GCR_OK;

    GCR_TRY(land_all(w));
    GCR_TRY(gcr_lander_flush(&w->lander));
    usleep((unsigned)(GCR_SCHEDULE_NAP_SECONDS * 1e6));
    gcr_launcher_begin(&w->launcher);
out:
    return status;
}

/* Starts a batch, and lands the one whose turn is next: with two flights that is the one started
 * before this one. */
static gcr_status run_batches(worker *w)
{
    gcr_status status = GCR_OK;

    gcr_launcher_begin(&w->launcher);
    for (w->turn = 0;; w->turn = (w->turn + 1) % w->flight_count) {
        flight *f = &w->flights[w->turn];

        if (is_stopped(w))
            break;
        GCR_TRY(start_batch(w));
        if (f->tile_count == 0 && w->is_waiting) {
            GCR_TRY(wait_for_more(w));
            continue;
        }
        if (f->tile_count == 0)
            break;
        GCR_TRY(land(w, &w->flights[(w->turn + 1) % w->flight_count]));
        if (!w->shared->by_blocks || f->block == NULL)
            gcr_launcher_adapt(&w->launcher);
    }
    GCR_TRY(land_all(w));
    end_busy(w, NULL); /* a batch that was cut short does not land */
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

/* Where nobody takes what has landed any more, the run ends already, and somebody else says why. */
static int has_failed(gcr_status status)
{
    return status != GCR_OK && status != GCR_ECLOSED;
}

void gcr_pipeline_drive(const gcr_pipeline_shared *shared, int index,
                        gcr_pipeline_progress *progress)
{
    worker w = { .shared = shared, .progress = progress, .index = index };
    gcr_status status, landed;

    atomic_store_explicit(&progress->thread, gettid(), memory_order_relaxed);
    status = work(&w);
    if (status == GCR_EDEVICE)
        tell_in_flight(&w);
    if (has_failed(status)) /* first: what follows may call what fails */
        shared->on_failure(shared->arg, index, status);
    landed = gcr_lander_flush(&w.lander);
    if (has_failed(landed) && status == GCR_OK)
        shared->on_failure(shared->arg, index, landed);
    close_worker(&w);
    if (status == GCR_OK)
        atomic_store_explicit(&progress->thread, 0, memory_order_relaxed);
}
