/*
 * exec/plan_run.c -- what is decided before anything runs, from sizes alone. See run_private.h.
 */
#include "exec/run_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/batch.h"
#include "exec/flight.h"
#include "exec/gather.h"
#include "exec/residency.h"
#include "grid/plan_create.h"
#include "results/tally.h"

enum {
    BATCH_MOST = 4096,
    FAR_BATCH_MOST = 1 << 18,    /* of a device with memory of its own ... */
    FAR_RECORD_BYTES = 64 << 20, /* ... and of the outputs of such a batch */
    FAR_RECORD_SHARE = 16,       /* ... but no more than this part of its memory */
    FAR_BATCH_LEAST = 64,        /* unless these are fewer cells           */
    FAR_BATCH_MS = 50, /* or longer than about this: a wish to stop waits for those in flight */
};

gcr_summaries_spec gcr_run_summaries_spec(const gcr_run *run)
{
    const gcr_job *job = run->spec.job;

    return (gcr_summaries_spec){ .summaries = job->summaries,
                                 .output = run->binding->summary_output,
                                 .summary_count = job->summary_count,
                                 .top = job->top,
                                 .nan_propagates = job->nan_propagates,
                                 .slots = run->slots,
                                 .points = gcr_points_table(run->points),
                                 .keep = job->keep,
                                 .by_blocks = run->by_blocks };
}

/* What the workers of all devices need of the host's memory. */
static gcr_status measure_scratch(uint64_t *out, const gcr_run *run)
{
    gcr_status status = GCR_OK;

    *out = 0;
    for (int i = 0; i < run->device_count; i++) {
        const gcr_run_device *d = &run->devices[i];
        const gcr_binding *binding = &run->kinds[d->kind]->binding;
        const uint64_t pipeline =
            gcr_flight_bytes(&d->device->info, run->cell_bytes, d->batch_most, run->by_blocks,
                             gcr_gather_sends_cells(run->crew.comm, run->by_blocks));
        uint64_t one;

        if (!gcr_add(&one, binding->unit->scratch_bytes(&binding->largest), pipeline) ||
            !gcr_multiply(&one, one, (uint64_t)d->workers) || !gcr_add(out, *out, one))
            GCR_FAIL(GCR_EOVERFLOW,
                     "kernel '%s' needs more bytes of scratch than 64 bits can count",
                     binding->unit->kernel->name);
    }
out:
    return status;
}

/* What the plan must know of each dataset. */
static void measure_datasets(const gcr_run *run, gcr_plan_dataset *out)
{
    const gcr_datasets *datasets = run->spec.datasets;

    for (uint64_t d = 0; d < datasets->count; d++) {
        const gcr_dataset *dataset = &datasets->items[d];
        const gcr_shape shape = gcr_binding_shape(run->binding, dataset);

        out[d] = (gcr_plan_dataset){
            .data_bytes = gcr_dataset_bytes(dataset),
            .prepared_bytes = gcr_prepared_bytes(run->binding->unit, &shape) +
                              gcr_residency_narrow_bytes(run->binding->unit, dataset),
            .cell_cost = gcr_binding_cost(run->binding, &shape),
        };
    }
}

/* Cells that share a base lie within this many neighbouring points: what follows the axes of the
 * base that stand outermost. *bases_out: how many bases lie there. */
static uint64_t count_block(const gcr_run *run, uint64_t *bases_out)
{
    const gcr_point_table *table = gcr_points_table(run->points);
    const gcr_kernel_parameter *parameters = run->binding->unit->kernel->parameters;
    uint64_t block = 1;

    *bases_out = 1;
    for (int a = table->axis_count - 1; a >= 0; a--) {
        const int is_base = parameters[run->binding->setup.parameter_of_axis[a]].is_base;

        block *= table->axes[a].count;
        *bases_out *= is_base ? table->axes[a].count : 1;
    }
    for (int a = 0; a < table->axis_count; a++) {
        if (!parameters[run->binding->setup.parameter_of_axis[a]].is_base)
            break;
        block /= table->axes[a].count;
        *bases_out /= table->axes[a].count;
    }
    return block;
}

/* How many cells a batch should have, so that what they can share is made once: as many as are
 * computed together, or all cells of as many bases as are reduced together. Not at the price of a
 * worker without work. */
static uint64_t count_together(const gcr_run *run, const gcr_binding *binding, uint64_t share)
{
    const gcr_unit *unit = binding->unit;
    uint64_t bases, together, least;

    if (unit->bases_together == NULL)
        return (uint64_t)unit->cells_together;
    together = (uint64_t)unit->bases_together(&binding->largest);
    least = count_block(run, &bases);
    if (bases < together)
        least *= (together + bases - 1) / bases;
    if (least > BATCH_MOST)
        least = BATCH_MOST;
    return least < share ? least : share > 0 ? share : 1;
}

/* How many cells a batch may have, whatever their number. A device with memory of its own computes
 * tens of thousands at once; their outputs stand in its memory and in the host's for each batch in
 * flight. */
static uint64_t limit_batch(const gcr_run *run, const gcr_device *device)
{
    uint64_t fit;

    if (device->info.shares_memory)
        return BATCH_MOST;
    fit = FAR_RECORD_BYTES;
    if (device->info.free_bytes > 0 && device->info.free_bytes / FAR_RECORD_SHARE < fit)
        fit = device->info.free_bytes / FAR_RECORD_SHARE;
    fit /= run->cell_bytes;
    if (fit > FAR_BATCH_MOST)
        return FAR_BATCH_MOST;
    return fit > FAR_BATCH_LEAST ? fit : FAR_BATCH_LEAST;
}

/* Those that are dealt to a group: about, before there is a plan that knows where datasets end. */
static uint64_t count_cells_of(const gcr_run *run, int group)
{
    const uint64_t live = gcr_points_table(run->points)->live_count;
    const uint64_t cells = run->spec.datasets->count * live; /* the plan checks the product */

    if (run->group_count == 1)
        return cells;
    return (uint64_t)((double)cells * gcr_crew_rate(&run->crew, group, -1) /
                      gcr_crew_rate(&run->crew, -1, -1));
}

/* How many of the most costly cells a device computes in the time that a batch of its own may take;
 * no limit where nobody knows how fast it is. */
static uint64_t limit_by_time(const gcr_device_info *info, const gcr_binding *binding)
{
    const double cells = info->unit_flops[binding->unit->scalar] * info->units * 1e-3 *
                         FAR_BATCH_MS / gcr_binding_cost(binding, &binding->largest);

    return cells > 0.0 && cells < (double)FAR_BATCH_MOST ? (uint64_t)cells : FAR_BATCH_MOST;
}

/* A device with memory of its own computes so many cells side by side, and one batch after the
 * other: batches are multiples of that, unless their outputs take too much memory or others wait
 * for cells. */
static void choose_far_batch(const gcr_run *run, gcr_run_device *d, uint64_t of_worker)
{
    const gcr_binding *binding = &run->kinds[d->kind]->binding;
    const uint64_t wanted = gcr_cells_at_once(d->device, binding->unit, &binding->largest);
    const uint64_t timed = limit_by_time(&d->device->info, binding);
    uint64_t most = limit_batch(run, d->device), batch = of_worker / GCR_BATCHES_PER_WORKER;
    const uint64_t at_once = wanted < most ? wanted : most;

    if (most > timed)
        most = timed > at_once ? timed : at_once;
    batch = (batch / at_once + (batch % at_once > 0 || batch == 0)) * at_once;
    if (batch > most)
        batch = most - most % at_once;
    if (batch > of_worker)
        batch = of_worker > 0 ? of_worker : 1;
    d->batch_least = d->batch_most = batch;
}

/* How many cells a batch may have. How long a cell takes is found out while it runs: workers start
 * with the least and double it while a batch is over too soon. */
static void choose_batch(const gcr_run *run, gcr_run_device *d)
{
    const uint64_t cells = count_cells_of(run, d->group);
    const uint64_t of_worker = cells / (uint64_t)run->groups[d->group].crew.all;
    const uint64_t share = of_worker / GCR_BATCHES_PER_WORKER;
    const uint64_t asked = run->spec.job->batch, most = limit_batch(run, d->device);
    const gcr_binding *binding = &run->kinds[d->kind]->binding;

    if (asked > 0) {
        d->batch_least = d->batch_most = asked;
    } else if (!d->device->info.shares_memory) {
        choose_far_batch(run, d, of_worker);
    } else {
        d->batch_least = count_together(run, binding, of_worker);
        d->batch_most = share < most ? share : most;
    }
    if (d->batch_most < d->batch_least)
        d->batch_most = d->batch_least;
    if (d->batch_most > cells && cells > 0)
        d->batch_most = cells;
    if (d->batch_least > d->batch_most)
        d->batch_least = d->batch_most;
}

/* How many datasets a batch may touch. */
static uint64_t datasets_per_batch(const gcr_run *run, const gcr_run_device *d)
{
    const uint64_t live = gcr_points_table(run->points)->live_count;

    return d->batch_most < 2 ? 1 : (d->batch_most - 2) / live + 2;
}

/* How many datasets may be in work at once. A worker is at those of one batch; a static block may
 * also share its last dataset with the next worker, who was there first; cyclic batches run ahead
 * of each other. */
static uint64_t count_prepared_at_once(const gcr_run *run)
{
    const uint64_t workers = (uint64_t)run->workers, datasets = run->spec.datasets->count;
    uint64_t in_batches = 0;

    for (int d = 0; d < run->device_count; d++)
        in_batches += (uint64_t)run->devices[d].workers * datasets_per_batch(run, &run->devices[d]);
    if (run->schedule_form == GCR_SCHEDULE_CYCLIC || in_batches > datasets)
        return datasets;
    return run->schedule_form == GCR_SCHEDULE_STATIC ? in_batches + workers - 1 : in_batches;
}

/* The position nearest to a cut, of all live points, at which a block of points or a dataset
 * begins: the same cell, whether cells are kept or not. Fewer cells than are dealt by blocks are
 * cut anywhere. */
static uint64_t move_cut(const gcr_run *run, uint64_t cut)
{
    const gcr_point_table *points = gcr_points_table(run->points);
    const uint64_t dataset = cut / points->live_count, index = cut % points->live_count;
    uint64_t point, block;

    if (!run->has_blocks || index == 0)
        return dataset * run->positions + index;
    block = (gcr_points_select(run->points, index) + GCR_PARTIAL_POINTS / 2) / GCR_PARTIAL_POINTS;
    point = block * GCR_PARTIAL_POINTS;
    if (point > points->point_count)
        point = points->point_count;
    return dataset * run->positions +
           (run->by_blocks ? block : gcr_points_count_before(run->points, point));
}

/* A group of several kinds has all that there is, else each kind what its rate is worth. */
static void deal_to_groups(gcr_run *run)
{
    const uint64_t live = gcr_points_table(run->points)->live_count;
    double rates[GCR_CREW_KINDS_MAX] = { 1.0 };
    gcr_span spans[GCR_CREW_KINDS_MAX];

    for (int t = 0; t < run->group_count; t++)
        rates[t] = run->group_count > 1 ? gcr_crew_rate(&run->crew, t, -1) : 1.0;
    gcr_split_positions(spans, rates, run->group_count, run->plan, run->spec.datasets->count, live);
    for (int t = 0; t < run->group_count; t++) {
        const uint64_t first = move_cut(run, spans[t].first);
        const uint64_t end = move_cut(run, spans[t].first + spans[t].count);

        run->groups[t].span = (gcr_span){ .first = first, .count = end - first };
    }
}

/* Before it is known how results travel: as messages. */
static uint64_t measure_gather(const gcr_run *run, const gcr_summaries_spec *summaries,
                               uint64_t cell)
{
    const gcr_reduction reduction = gcr_summaries_reduction(summaries);

    return gcr_gather_bytes(run->crew.comm, run->workers, run->by_blocks,
                            run->by_blocks ? gcr_tally_packed_bytes(&reduction) : cell);
}

static gcr_status make_plan(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_point_table *table = gcr_points_table(run->points);
    const gcr_job *job = run->spec.job;
    const gcr_slots future = { .dataset_count = run->spec.datasets->count,
                               .point_count = table->point_count,
                               .live_count = table->live_count };
    gcr_summaries_spec summaries = gcr_run_summaries_spec(run);
    gcr_plan_dataset *sizes = NULL;
    gcr_plan_spec spec = {
        .dataset_count = run->spec.datasets->count,
        .point_count = table->point_count,
        .live_count = table->live_count,
        .state_bytes = 1u + (job->jitter_count > 0) + (run->crew.kind_count > 1),
        .points_bytes = gcr_points_bytes(run->points),
        .keeps_order =
            run->schedule_form == GCR_SCHEDULE_STATIC || run->schedule_form == GCR_SCHEDULE_CYCLIC,
        .prepared_at_once = count_prepared_at_once(run),
    };

    summaries.slots = &future; /* sizes are all that is asked of it */
    spec.points_bytes +=
        gcr_summaries_bytes(&summaries, run->workers, spec.prepared_at_once) +
        (uint64_t)run->device_count * gcr_residency_bytes(spec.dataset_count) +
        spec.dataset_count * (sizeof *future.missing + sizeof *future.is_released) +
        gcr_gate_bytes(spec.dataset_count);
    for (int o = 0; o < run->binding->output_count; o++)
        spec.output_bytes += (uint64_t)run->binding->width[o] * sizeof(double);
    spec.points_bytes += measure_gather(run, &summaries, spec.output_bytes + spec.state_bytes);
    if (run->by_blocks)
        spec.output_bytes = spec.state_bytes = 0; /* but for batches in flight: scratch */
    GCR_TRY(gcr_memory_create((void **)&sizes, spec.dataset_count, sizeof *sizes, "the plan"));
    GCR_TRY(measure_scratch(&spec.scratch_bytes, run));
    measure_datasets(run, sizes);
    spec.datasets = sizes;
    GCR_TRY(gcr_plan_create(&run->plan, &spec));
out:
    gcr_memory_destroy(sizes);
    return status;
}

/* With whom workers share their cells. */
static void choose_groups(gcr_run *run)
{
    run->group_count = run->steals_between_kinds ? 1 : run->crew.kind_count;
    for (int i = 0; i < run->device_count; i++) {
        gcr_run_device *d = &run->devices[i];
        gcr_group *group;

        d->group = run->steals_between_kinds ? 0 : run->kinds[d->kind]->number;
        group = &run->groups[d->group];
        if (group->workers == 0)
            group->first_worker = d->first_worker;
        group->workers += d->workers;
    }
    for (int t = 0; t < run->group_count; t++)
        run->groups[t].crew =
            gcr_crew_count_workers(&run->crew, run->steals_between_kinds ? -1 : t);
}

/* Where cells are not kept, workers take whole blocks, if there are enough for all of all ranks.
 * Fewer cells than that have slots: they take no memory to speak of, and are dealt one by one. */
static void choose_positions(gcr_run *run)
{
    const gcr_point_table *points = gcr_points_table(run->points);
    const uint64_t blocks = (points->point_count - 1) / GCR_PARTIAL_POINTS + 1;
    const uint64_t enough =
        (uint64_t)gcr_crew_count_workers(&run->crew, -1).all * GCR_BATCHES_PER_WORKER;

    run->has_blocks = blocks >= enough || blocks * run->spec.datasets->count >= enough;
    run->by_blocks = run->has_blocks && run->spec.job->keep == GCR_KEEP_SUMMARY;
    run->positions = run->by_blocks ? blocks : points->live_count;
}

void gcr_run_decide_batches(gcr_run *run)
{
    const gcr_schedule_form asked = run->spec.job->schedule;
    uint64_t step;

    choose_groups(run);
    run->schedule_form = asked == GCR_SCHEDULE_AUTO ? GCR_SCHEDULE_DYNAMIC : asked;
    choose_positions(run);
    run->cell_bytes = gcr_records_bytes(run->binding->width, run->binding->output_count,
                                        run->spec.job->jitter_count > 0 && !run->by_blocks);
    step = run->by_blocks ? GCR_PARTIAL_POINTS : 1;
    for (int t = 0; t < run->group_count; t++)
        run->groups[t].batch = 1;
    for (int d = 0; d < run->device_count; d++) {
        gcr_group *group = &run->groups[run->devices[d].group];
        uint64_t batch;

        choose_batch(run, &run->devices[d]);
        batch = run->devices[d].batch_most / step;
        group->batch = batch > group->batch ? batch : group->batch;
    }
}

gcr_status gcr_run_decide_plan(gcr_run *run)
{
    gcr_status status = GCR_OK;

    GCR_TRY(make_plan(run));
    GCR_TRY(gcr_costs_create(&run->costs, run->plan, run->spec.datasets->count, run->positions));
    deal_to_groups(run);
    GCR_TRY(gcr_run_plan_devices(run));
out:
    return status;
}
