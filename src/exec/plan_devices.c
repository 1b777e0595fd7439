/*
 * exec/plan_devices.c -- what goes up to each device that has memory of its own, and in how many
 * waves.
 *
 * Workers walk through the plan dataset by dataset, so a dataset leaves with its last cell, and how
 * much memory a device has limits nothing but how many datasets are there at once: a wave. The
 * budget is what was free when the device was opened, less records and scratch, and a part for what
 * nobody counts.
 */
#include "exec/dealing.h"
#include "exec/flight.h"
#include "exec/run_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/residency.h"

enum { SPARE_SHARE = 16 };

/* For datasets, of the device's own memory; 0: no limit. One that is larger is there by itself. */
static uint64_t find_budget(const gcr_run *run, const gcr_run_device *d)
{
    const gcr_device_info *info = &d->device->info;
    const uint64_t free = info->free_bytes / (uint64_t)d->sharers;
    uint64_t taken = gcr_flight_device_bytes(info, run->cell_bytes, d->batch_most, run->by_blocks);

    if (info->shares_memory || free == 0)
        return 0;
    if (!gcr_add(&taken, taken, free / SPARE_SHARE) || !gcr_add(&taken, taken, d->scratch_bytes))
        return 1;
    return taken < free ? free - taken : 1;
}

/* Datasets of these places in turn. */
static void walk(gcr_device_plan *plan, const gcr_run *run, const gcr_run_device *d,
                 gcr_span places)
{
    const gcr_binding *binding = &run->kinds[d->kind]->binding;
    uint64_t wave = 0;

    plan->waves = 1;
    for (uint64_t place = places.first; place < places.first + places.count; place++) {
        const gcr_dataset *dataset =
            &run->spec.datasets->items[gcr_plan_dataset_at(run->plan, place)];
        const uint64_t bytes = gcr_residency_device_bytes(binding->unit, binding->setup.option,
                                                          dataset, d->device->info.alignment);

        if (plan->budget_bytes > 0 && wave > 0 && wave + bytes > plan->budget_bytes) {
            plan->waves++;
            wave = 0;
        }
        wave += bytes;
        plan->up_bytes += gcr_residency_up_bytes(d->device, binding->unit, dataset);
    }
}

static void plan_device(gcr_run_device *d, const gcr_run *run, const gcr_schedule_spec *spec)
{
    const gcr_group *group = &run->groups[d->group];
    const gcr_span span = gcr_schedule_block(spec, group->crew.before_in_node + d->first_worker -
                                                       group->first_worker);

    d->block = span;
    d->plan = (gcr_device_plan){ .budget_bytes = find_budget(run, d) };
    if (!d->device->info.shares_memory && span.count > 0)
        walk(&d->plan, run, d, gcr_run_places_of(run, d));
}

gcr_span gcr_run_places_of(const gcr_run *run, const gcr_run_device *device)
{
    const gcr_span block = device->block;
    gcr_span places = { 0 };

    if (block.count > 0) {
        places.first = block.first / run->positions;
        places.count = (block.first + block.count - 1) / run->positions - places.first + 1;
    }
    return places;
}

/* A part of all that is spread, in place of what of it the device begins with. */
void gcr_run_plan_spread(gcr_run *run)
{
    const gcr_spread *spread = &run->spread;
    gcr_run_device *d;
    gcr_span places;

    if (spread->count == 0)
        return;
    d = &run->devices[gcr_run_bridge_device(run)];
    places = gcr_run_places_of(run, d);
    for (uint64_t place = 0, found = 0; found < spread->count; place++) {
        const uint64_t dataset = gcr_plan_dataset_at(run->plan, place);

        if (dataset != spread->datasets[found])
            continue;
        found++;
        if (gcr_span_has(places, place))
            d->plan.up_bytes -= gcr_residency_up_bytes(d->device, run->kinds[d->kind]->binding.unit,
                                                       &run->spec.datasets->items[dataset]);
    }
    d->plan.up_bytes += spread->bytes / (uint64_t)run->crew.comm->size;
}

gcr_status gcr_run_plan_devices(gcr_run *run)
{
    gcr_status status = GCR_OK;
    gcr_schedule_spec spec;
    double *weights = NULL;

    for (int i = 0; i < run->device_count; i++) {
        GCR_TRY(gcr_dealing_describe(&spec, &weights, run, run->devices[i].group));
        plan_device(&run->devices[i], run, &spec);
        gcr_memory_destroy(weights);
        weights = NULL;
    }
out:
    gcr_memory_destroy(weights);
    return status;
}
