/* exec/trial.c -- one cell by itself, as the run would compute it. */
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "exec/residency.h"
#include "exec/run_private.h"

#include <inttypes.h>

static gcr_status check_cell(const gcr_run *run, uint64_t dataset, uint64_t point)
{
    gcr_status status = GCR_OK;
    const gcr_point_table *points = gcr_run_points(run);

    GCR_TRY(gcr_run_check_dataset(run, dataset));
    if (point >= points->point_count)
        GCR_FAIL(GCR_EINVAL,
                 "there is no point %" PRIu64 ": the %" PRIu64 " of this run count from 0", point,
                 points->point_count);
    if (!gcr_point_is_live(points, point))
        GCR_FAIL(GCR_EINVAL, "point %" PRIu64 " is one that 'where' leaves out", point);
out:
    return status;
}

/* Room for the outputs of one cell. */
static gcr_status open_trial(gcr_run *run, gcr_unit_tile *tile, gcr_trial *out)
{
    gcr_status status = GCR_OK;
    uint64_t total = 0;

    for (int o = 0; o < run->binding->output_count; o++)
        total += (uint64_t)run->binding->width[o];
    if (run->trial_values == NULL)
        GCR_TRY(gcr_memory_create((void **)&run->trial_values, total, sizeof(double),
                                  "the outputs of a cell"));
    total = 0;
    for (int o = 0; o < run->binding->output_count; o++) {
        tile->width[o] = run->binding->width[o];
        tile->outputs[o] = out->values[o] = run->trial_values + total;
        total += (uint64_t)run->binding->width[o];
    }
    tile->state = &out->state;
    tile->jitter_step = run->spec.job->jitter_count > 0 ? &out->jitter_step : NULL;
out:
    return status;
}

/* The first device that computes in the host's memory; NULL: there is none. */
static const gcr_run_device *find_near(const gcr_run *run)
{
    for (int d = 0; d < run->device_count; d++)
        if (run->devices[d].device->info.shares_memory)
            return &run->devices[d];
    return NULL;
}

gcr_status gcr_run_try(gcr_run *run, gcr_trial *out, uint64_t dataset, uint64_t point)
{
    gcr_status status = GCR_OK;
    const gcr_run_device *near = find_near(run);
    const gcr_binding *binding;
    gcr_program *program = NULL;
    gcr_residency *residency = NULL;
    gcr_queue *queue = NULL;
    gcr_resident resident;
    gcr_unit_tile tile = { .first = point, .count = 1 };
    const gcr_crunch_args args = { .tiles = &tile, .tile_count = 1 };
    double begin;

    *out = (gcr_trial){ 0 };
    GCR_TRY(check_cell(run, dataset, point));
    if (near == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "a cell is tried on the CPU: use --device cpu");
    GCR_TRY(open_trial(run, &tile, out));
    binding = &run->kinds[near->kind]->binding;
    GCR_TRY(gcr_binding_open_program(&program, binding, near->device));
    GCR_TRY(
        gcr_residency_create(&residency, &(gcr_residency_spec){ .program = program,
                                                                .option = binding->setup.option,
                                                                .datasets = run->spec.datasets }));
    GCR_TRY(gcr_queue_open(&queue, near->device));
    begin = gcr_clock_seconds();
    GCR_TRY(gcr_residency_acquire(residency, queue, dataset, &resident));
    out->prepare_seconds = gcr_clock_seconds() - begin;
    tile.data = resident.data;
    tile.prepared = resident.prepared;
    tile.fault = resident.fault;
    begin = gcr_clock_seconds();
    GCR_TRY(gcr_crunch(queue, program, &args));
    GCR_TRY(gcr_queue_sync(queue));
    out->seconds = gcr_clock_seconds() - begin;
out:
    if (queue != NULL)
        queue->ledger = (gcr_ledger){ 0 }; /* what is tried is no part of what the run did */
    gcr_queue_close(queue);
    gcr_residency_destroy(residency);
    gcr_program_close(program);
    return status;
}
