/* exec/launcher.c -- see launcher.h. */
#include "exec/launcher.h"

#include "base/check.h"
#include "base/clock.h"
#include "exec/batch.h"

#include "gridcrunch/cell.h"

#include <string.h>

static int shares_memory(const gcr_launcher *launcher)
{
    return launcher->shared->device->info.shares_memory;
}

static int is_stopped(const gcr_launcher *launcher)
{
    return atomic_load_explicit(launcher->shared->stop, memory_order_relaxed) != 0;
}

gcr_status gcr_launcher_open(gcr_launcher *out, const gcr_pipeline_shared *shared)
{
    *out = (gcr_launcher){ .shared = shared };
    out->batch = shares_memory(out) ? shared->batch_least : shared->batch_most;
    return gcr_queue_open(&out->queue, shared->device);
}

void gcr_launcher_close(gcr_launcher *launcher)
{
    gcr_queue_close(launcher->queue);
    launcher->queue = NULL;
}

/* ---- how long, and the wait ------------------------------------------------------------------ */

void gcr_launcher_begin(gcr_launcher *launcher)
{
    launcher->batch_begin = gcr_clock_seconds();
}

void gcr_launcher_adapt(gcr_launcher *launcher)
{
    const gcr_pipeline_shared *shared = launcher->shared;
    const gcr_batch_limits limits = { shared->batch_least, shared->batch_most,
                                      shared->batch_seconds };
    double now;

    if (!shares_memory(launcher) || limits.least == limits.most)
        return;
    now = gcr_clock_seconds();
    launcher->batch = gcr_batch_adapt(launcher->batch, &limits, now - launcher->batch_begin);
    launcher->batch_begin = now;
}

int gcr_launcher_halve(gcr_launcher *launcher, uint64_t cells)
{
    if (launcher->batch > cells)
        launcher->batch = cells;
    if (launcher->batch < 2)
        return 0;
    launcher->batch /= 2;
    return 1;
}

gcr_status gcr_launcher_await(const gcr_launcher *launcher, const gcr_flight *flight)
{
    gcr_status status = GCR_OK;
    const double limit = launcher->shared->kernel_seconds;

    if (!shares_memory(launcher))
        status = gcr_event_sync(flight->done, limit > 0 ? limit : -1);
    if (status == GCR_ETIMEOUT)
        GCR_FAIL(GCR_EDEVICE,
                 "%s has not ended a batch in %g s, the job's kernel_time; only a new process can "
                 "use it again",
                 launcher->shared->device->info.name, limit);
out:
    return status;
}

/* ---- slices ---------------------------------------------------------------------------------- */

/* The part of `tile` from its point number `from` on, `count` of them. */
static gcr_unit_tile slice(const gcr_unit_tile *tile, uint64_t from, uint64_t count)
{
    gcr_unit_tile piece = *tile;

    for (int o = 0; o < GCR_OUTPUTS_MAX && piece.outputs[o] != NULL; o++)
        piece.outputs[o] += from * (uint64_t)piece.width[o];
    piece.state += from;
    piece.first += from;
    piece.count = count;
    return piece;
}

/* Lets the device end what there is of a batch so far. */
static gcr_status end_slice(gcr_launcher *launcher, const gcr_flight *f)
{
    gcr_status status = GCR_OK;

    if (!shares_memory(launcher))
        GCR_TRY(gcr_event_record(f->done, launcher->queue));
    GCR_TRY(gcr_launcher_await(launcher, f));
out:
    return status;
}

/* Computes one tile a batch at a time as long as nobody wants the run to stop: in the host's memory
 * what is not computed stays empty, else the flight is cut short. */
static gcr_status crunch_slices(gcr_launcher *launcher, gcr_flight *f, const gcr_unit_tile *tile)
{
    gcr_status status = GCR_OK;
    uint64_t count;

    for (uint64_t from = 0; from < tile->count; from += count) {
        const uint64_t left = tile->count - from;

        count = left < launcher->batch ? left : launcher->batch;
        const gcr_unit_tile piece = slice(tile, from, count);
        const gcr_crunch_args args = { .tiles = &piece, .tile_count = 1 };

        f->is_cut_short = is_stopped(launcher);
        if (f->is_cut_short)
            break;
        GCR_TRY(gcr_crunch(launcher->queue, launcher->shared->program, &args));
        gcr_launcher_adapt(launcher);
        if (count < left)
            GCR_TRY(end_slice(launcher, f));
    }
out:
    return status;
}

/* Tiles that are together no more cells than a batch are computed at once. */
static gcr_status crunch_blocks(gcr_launcher *launcher, gcr_flight *f)
{
    gcr_status status = GCR_OK;
    uint64_t points;

    memset(gcr_records_states(&f->to, launcher->shared->slots, &f->parts[0].at), GCR_CELL_EMPTY,
           f->points);
    for (uint64_t t = 0, next; t < f->tile_count; t = next) {
        points = f->tiles[t].count;
        for (next = t + 1;
             next < f->tile_count && points + f->tiles[next].count <= launcher->batch;)
            points += f->tiles[next++].count;
        const gcr_crunch_args args = { .tiles = f->tiles + t, .tile_count = next - t };

        if (points > launcher->batch) {
            GCR_TRY(crunch_slices(launcher, f, &f->tiles[t]));
        } else if (!is_stopped(launcher)) {
            GCR_TRY(gcr_crunch(launcher->queue, launcher->shared->program, &args));
            gcr_launcher_adapt(launcher);
        }
    }
out:
    return status;
}

/* ---- a batch --------------------------------------------------------------------------------- */

/* In place of cells. */
static gcr_status fetch_partials(gcr_launcher *launcher, const gcr_flight *f)
{
    gcr_status status = GCR_OK;
    const gcr_reduction reduction = gcr_summaries_reduction_of(launcher->shared->summaries);
    const gcr_reduce_args args = { .tiles = f->tiles,
                                   .tile_count = f->tile_count,
                                   .reduction = &reduction,
                                   .records = f->partials_dev->base };

    GCR_TRY(gcr_reduce(launcher->queue, launcher->shared->program, &args));
    GCR_TRY(gcr_download(launcher->queue, f->partials->base, GCR_PLACE_STAGING, f->partials_dev, 0,
                         f->blocks * gcr_partial_bytes(&reduction)));
out:
    return status;
}

static gcr_status crunch(gcr_launcher *launcher, gcr_flight *f)
{
    const gcr_pipeline_shared *shared = launcher->shared;
    const gcr_crunch_args args = { .tiles = f->tiles, .tile_count = f->tile_count };

    if (shared->by_blocks && f->block != NULL)
        return crunch_blocks(launcher, f);
    if (shared->by_blocks && f->tile_count == 1)
        return crunch_slices(launcher, f, f->tiles); /* one, unless memory is short */
    return gcr_crunch(launcher->queue, shared->program, &args);
}

gcr_status gcr_launcher_launch(gcr_launcher *launcher, gcr_flight *flight)
{
    gcr_status status = GCR_OK;
    const gcr_pipeline_shared *shared = launcher->shared;

    GCR_TRY(crunch(launcher, flight));
    if (flight->is_cut_short && flight->block == NULL)
        goto out;
    if (flight->partials != NULL)
        GCR_TRY(fetch_partials(launcher, flight));
    else if (!shares_memory(launcher) && shared->carrier == NULL)
        GCR_TRY(gcr_download(launcher->queue, flight->records->base, GCR_PLACE_STAGING,
                             flight->records_dev, 0, flight->points * shared->cell_bytes));
    if (!shares_memory(launcher))
        GCR_TRY(gcr_event_record(flight->done, launcher->queue));
out:
    return status;
}
