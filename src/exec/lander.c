/* exec/lander.c -- see lander.h. */
#include "exec/lander.h"

#include "base/check.h"

#include "gridcrunch/cell.h"

void gcr_lander_open(gcr_lander *out, const gcr_pipeline_shared *shared,
                     gcr_pipeline_progress *progress, int worker)
{
    const gcr_teller_spec teller = {
        .ring = shared->rings != NULL ? &shared->rings[worker] : NULL,
        .points = shared->points,
        .summaries = shared->by_blocks ? shared->summaries : NULL,
        .thread = worker,
        .slots = shared->slots,
        .sends_cells = shared->sends_cells,
    };

    *out = (gcr_lander){ .shared = shared, .progress = progress, .worker = worker };
    gcr_teller_open(&out->teller, &teller);
}

void gcr_lander_close(gcr_lander *lander)
{
    gcr_teller_close(&lander->teller);
}

/* ---- counting -------------------------------------------------------------------------------- */

gcr_status gcr_lander_flush(gcr_lander *lander)
{
    gcr_status status = GCR_OK;
    const gcr_pipeline_shared *shared = lander->shared;
    const uint64_t dataset = lander->dataset;

    GCR_TRY(gcr_teller_flush(&lander->teller));
    if (lander->count == 0 || shared->rings != NULL)
        goto out;
    if (shared->by_blocks && lander->count < shared->slots->live_count)
        GCR_TRY(gcr_summaries_leave(shared->summaries, dataset, lander->worker));
    if (gcr_slots_land(shared->slots, dataset, lander->count)) {
        gcr_summaries_fire(shared->summaries, dataset, lander->worker);
        gcr_progress_add(&lander->progress->datasets, 1);
        shared->on_dataset(shared->arg, dataset);
    }
out:
    lander->count = 0;
    return status;
}

static void add_to_progress(gcr_pipeline_progress *progress, const gcr_flight_part *p,
                            uint64_t landed)
{
    const double cost = atomic_load_explicit(&progress->cost, memory_order_relaxed);

    gcr_progress_add(&progress->landed, landed);
    atomic_store_explicit(&progress->cost, cost + p->cell_cost * (double)landed,
                          memory_order_relaxed);
}

/* `landed` cells of a part are where they will be looked for, or go there with what is told. */
static gcr_status count_landed(gcr_lander *lander, const gcr_flight *f, const gcr_flight_part *p,
                               uint64_t landed, uint64_t failed)
{
    const gcr_packing_source cells = { .records = &f->from,
                                       .part = &p->at,
                                       .kind = lander->shared->kind_mark };
    const gcr_landing landing = { .dataset = p->at.dataset,
                                  .first = p->at.first,
                                  .count = p->at.count,
                                  .live = landed,
                                  .failed = failed,
                                  .cost = p->cell_cost * (double)landed };

    if (failed > 0)
        gcr_progress_add(&lander->progress->failed, failed);
    add_to_progress(lander->progress, p, landed);
    lander->dataset = p->at.dataset;
    lander->count += landed;
    return gcr_teller_put(&lander->teller, &landing, &cells);
}

/* ---- results that stay ----------------------------------------------------------------------- */

/* Adds what the device has left of a part, from number `block` of its records on, to the
 * summaries. */
static gcr_status land_partials(gcr_lander *lander, const gcr_flight *f, const gcr_flight_part *p,
                                uint64_t block)
{
    gcr_summaries *summaries = lander->shared->summaries;
    const gcr_reduction reduction = gcr_summaries_reduction_of(summaries);
    const uint64_t bytes = gcr_partial_bytes(&reduction);
    gcr_status status = GCR_OK;
    const char *records = (const char *)f->partials->base + block * bytes;
    uint64_t failed = 0;

    GCR_TRY(
        gcr_summaries_add_records(summaries, lander->worker, p->at.first, records, p->positions));
    for (uint64_t b = 0; b < p->positions; b++)
        failed += gcr_partial_failed((const void *)(records + b * bytes));
    GCR_TRY(count_landed(lander, f, p, p->live, failed));
out:
    return status;
}

/* Gives the results of a part their slots, or adds them to the summaries of the dataset, or sends
 * them. Of a part that is reduced, cells may be empty: somebody wanted the run to stop. */
static gcr_status land_cells(gcr_lander *lander, const gcr_flight *f, const gcr_flight_part *p)
{
    const gcr_pipeline_shared *shared = lander->shared;
    const gcr_point_table *points = gcr_points_table(shared->points);
    const uint8_t *state;
    uint64_t failed = 0, landed = p->live;

    if (f->from.base != NULL) /* devices write no states of points that are not live */
        gcr_records_exclude(&f->from, shared->slots, points, &p->at);
    if (f->from.base != NULL && !shared->by_blocks && !shared->sends_cells)
        gcr_records_keep(&f->from, shared->slots, points, &p->at);
    state = gcr_records_states(&f->from, shared->slots, &p->at);
    for (uint64_t i = 0; i < p->at.count; i++)
        failed += gcr_cell_is_failed(state[i]) ? 1 : 0;
    for (uint64_t i = 0; shared->by_blocks && i < p->at.count; i++)
        landed -= state[i] == GCR_CELL_EMPTY;
    if (shared->by_blocks && landed > 0)
        gcr_records_reduce(&f->from, shared->slots, shared->summaries, lander->worker, &p->at);
    if (!shared->sends_cells)
        gcr_records_mark(shared->slots, &p->at, shared->kind_mark);
    return count_landed(lander, f, p, landed, failed);
}

static gcr_status land_parts(gcr_lander *lander, const gcr_flight *f)
{
    gcr_status status = GCR_OK;
    uint64_t block = 0;

    for (uint64_t t = 0; t < f->tile_count; t++) {
        const gcr_flight_part *p = &f->parts[t];

        if (lander->count > 0 && lander->dataset != p->at.dataset)
            GCR_TRY(gcr_lander_flush(lander));
        if (f->partials != NULL)
            GCR_TRY(land_partials(lander, f, p, block));
        else
            GCR_TRY(land_cells(lander, f, p));
        block += p->positions;
    }
out:
    return status;
}

/* ---- results that leave for another device --------------------------------------------------- */

/* How many of its cells have failed, the rank that receives them finds out. */
static gcr_status carry(gcr_lander *lander, gcr_queue *queue, gcr_flight *f)
{
    const gcr_pipeline_shared *shared = lander->shared;

    for (uint64_t t = 0; t < f->tile_count; t++)
        add_to_progress(lander->progress, &f->parts[t], f->parts[t].live);
    return gcr_carrier_send(shared->carrier, queue, f, shared->slots, shared->kind_mark);
}

gcr_status gcr_lander_take(gcr_lander *lander, gcr_queue *queue, gcr_flight *flight)
{
    return lander->shared->carrier != NULL ? carry(lander, queue, flight)
                                           : land_parts(lander, flight);
}
