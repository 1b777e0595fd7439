/* exec/run.c -- the life of a run, and what others ask of it. See gridcrunch/run.h. */
#include "exec/run_private.h"

#include "base/check.h"
#include "base/cpus.h"
#include "base/memory.h"
#include "base/text.h"
#include "exec/carrier.h"
#include "exec/flight.h"
#include "exec/hearing.h"
#include "exec/job_check.h"
#include "exec/nesting.h"
#include "exec/share_data.h"
#include "grid/plan_create.h"

#include "gridcrunch/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Less is uploaded within the time that it takes to try another way: 40 ms at 25 GB/s, as much as
 * memory for a trial takes to be written the first time. Derived; to be measured on GPUs. */
static const uint64_t spread_bytes_least = (uint64_t)1 << 30;

static gcr_status check_kernel(const gcr_run_spec *spec)
{
    gcr_status status = GCR_OK;
    const gcr_job *job = spec->job;
    char at[GCR_MARK_BYTES];

    if (spec->refuses_kernel_files && gcr_own_is_path(job->kernel))
        GCR_FAIL(GCR_EINVAL,
                 "%skernel '%s' is a file, and this program runs the built-in kernels alone",
                 gcr_format_mark(at, job->kernel_mark), job->kernel);
out:
    return status;
}

/* The run as its spec says. */
static gcr_status open_run(gcr_run **out, const gcr_run_spec *spec)
{
    gcr_status status = GCR_OK;
    const gcr_job *job;
    gcr_run *run = NULL;

    GCR_TRY(gcr_run_spec_check(spec));
    GCR_TRY(check_kernel(spec));
    job = spec->job;
    run = calloc(1, sizeof *run);
    if (run == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a run");
    run->spec = *spec;
    atomic_init(&run->is_cancelled, 0);
    atomic_init(&run->phase, GCR_PHASE_PLANNED);
    run->lost_node = -1;
    GCR_TRY(gcr_hearing_read_limit(&run->silence));
    GCR_TRY(gcr_points_create(&run->points, job));
    run->threads = job->threads > 0 ? job->threads : gcr_cpu_count();
    *out = run;
    run = NULL;
out:
    gcr_run_destroy(run);
    return status;
}

/* What this rank has: its devices, and the kernel bound to them. */
static gcr_status open_devices(gcr_run *run, const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_run_open_devices(run, backends));
    GCR_TRY(gcr_results_check_names(run->spec.job, run->binding->unit->kernel));
out:
    return status;
}

/* What follows from what all ranks have. */
static gcr_status decide(gcr_run *run)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_run_decide_plan(run));
    GCR_TRY(gcr_memory_create((void **)&run->worker_progress, (uint64_t)run->workers,
                              sizeof *run->worker_progress, "the progress of threads"));
    GCR_TRY(gcr_gate_create(&run->gate, run->spec.datasets->count));
out:
    return status;
}

/* Why no parcel could carry the results of this run, or NULL. The same on all ranks. */
static const char *find_obstacle(const gcr_run *run)
{
    if (run->by_blocks)
        return "only summaries are passed on";
    return gcr_flight_points(1, 0) * run->cell_bytes > GCR_PARCEL_BYTES_MOST
               ? "cells have too many outputs to be passed on many at a time"
               : NULL;
}

/* About: of what is kept, as many ranks' shares as other nodes have. */
static uint64_t count_bytes_of_others(const gcr_run *run)
{
    const gcr_comm_info *comm = run->crew.comm;
    const uint64_t bytes = run->by_blocks ? 0 : gcr_plan_live_count(run->plan) * run->cell_bytes;

    return bytes / (uint64_t)comm->size * (uint64_t)gcr_gather_carried_count(comm);
}

/* Collective. */
static gcr_status choose_gather(gcr_run *run)
{
    gcr_device *devices[GCR_RUN_DEVICES_MAX];
    const gcr_gather_way_spec spec = { .asked = run->spec.job->gather,
                                       .obstacle = find_obstacle(run),
                                       .devices = devices,
                                       .device_count = run->device_count,
                                       .bytes = count_bytes_of_others(run),
                                       .seconds = GCR_CARRIER_OPEN_SECONDS };

    for (int d = 0; d < run->device_count; d++)
        devices[d] = run->devices[d].device;
    return gcr_gather_choose(&run->gather, &run->bridge, run->comm, &spec);
}

/* Collective. */
static gcr_status choose_spread(gcr_run *run)
{
    gcr_status status = GCR_OK;
    gcr_verdict bridge;

    if (run->bridge == NULL)
        goto out;
    GCR_TRY(gcr_spread_decide(&bridge, run, spread_bytes_least));
    if (bridge.status != GCR_OK)
        gcr_run_lose_bridge(run, bridge.why);
    gcr_run_plan_spread(run);
out:
    return status;
}

int gcr_run_bridge_device(const gcr_run *run)
{
    int d = 0;

    while (run->devices[d].device != run->bridge->device)
        d++;
    return d;
}

void gcr_run_lose_bridge(gcr_run *run, const char *why)
{
    gcr_bridge_give_up(run->bridge);
    gcr_bridge_close(run->bridge);
    run->bridge = NULL;
    run->gather.way = GCR_GATHER_MPI;
    run->gather.bytes_per_second = 0;
    snprintf(run->gather.text, sizeof run->gather.text, "mpi; nccl: off (%s)", why);
}

/* Where all ranks came to the end of the run they close it together; else nobody waits for
 * others. */
static void close_bridge(gcr_run *run)
{
    const int is_complete =
        atomic_load(&run->phase) == GCR_PHASE_ENDED && run->ending == GCR_RUN_COMPLETE;

    if (run->bridge != NULL && !is_complete)
        gcr_bridge_give_up(run->bridge);
    gcr_bridge_close(run->bridge);
}

gcr_status gcr_run_create_on(gcr_run **out, const gcr_run_spec *spec,
                             const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;
    gcr_comm *comm = spec != NULL ? spec->comm : NULL, *alone = NULL;
    gcr_run *run = NULL;

    *out = NULL;
    if (comm == NULL) {
        GCR_TRY(gcr_comm_open_alone(&alone));
        comm = alone;
    }
    GCR_TRY(gcr_comm_agree(comm, open_run(&run, spec)));
    run->comm = comm;
    if (!spec->has_same_datasets)
        GCR_TRY(gcr_datasets_compare(comm, spec->datasets));
    GCR_TRY(gcr_run_deal_devices(run, backends));
    GCR_TRY(gcr_comm_agree(comm, open_devices(run, backends)));
    GCR_TRY(gcr_run_join_crew(run));
    GCR_TRY(gcr_run_leave_out_slow(run));
    gcr_run_decide_batches(run);
    GCR_TRY(gcr_run_agree_on_batches(run));
    GCR_TRY(gcr_comm_agree(comm, decide(run)));
    GCR_TRY(choose_gather(run));
    GCR_TRY(choose_spread(run));
    run->alone = alone;
    alone = NULL;
    *out = run;
    run = NULL;
out:
    gcr_run_destroy(run);
    gcr_comm_close(alone);
    return status;
}

gcr_status gcr_run_create(gcr_run **out, const gcr_run_spec *spec)
{
    return gcr_run_create_on(out, spec, gcr_backends);
}

/* Ends the thread that was started, and lets those go who wait for a dataset. */
static void leave_alone(gcr_run *run)
{
    if (run->starter != NULL)
        gcr_run_cancel(run);
    gcr_pool_destroy(run->starter);
    if (run->gate == NULL)
        return;
    gcr_gate_close(run->gate, "the run was destroyed");
    gcr_gate_clear(run->gate);
}

void gcr_run_destroy(gcr_run *run)
{
    if (run == NULL)
        return;
    if (gcr_nesting_is_inside_of(run)) {
        gcr_run_cancel(run); /* it would wait for its own thread, which still needs it */
        return;
    }
    leave_alone(run);
    gcr_memory_destroy(run->trial_values);
    gcr_summaries_destroy(run->summaries);
    gcr_slots_destroy(run->slots);
    gcr_shared_clear(&run->node_slots);
    gcr_gate_destroy(run->gate);
    gcr_memory_destroy(run->worker_progress);
    gcr_memory_destroy(run->work);
    close_bridge(run);
    gcr_spread_clear(&run->spread);
    gcr_run_close_devices(run);
    gcr_crew_clear(&run->crew);
    gcr_map_destroy(run->map);
    gcr_comm_close(run->alone);
    gcr_costs_destroy(run->costs);
    gcr_plan_destroy(run->plan);
    gcr_points_destroy(run->points);
    free(run);
}

void gcr_run_cancel(gcr_run *run)
{
    atomic_store(&run->is_cancelled, 1);
}

/* ---- what there is to know ------------------------------------------------------------------- */

const gcr_plan *gcr_run_plan(const gcr_run *run)
{
    return run->plan;
}

const gcr_point_table *gcr_run_points(const gcr_run *run)
{
    return gcr_points_table(run->points);
}

const gcr_kernel *gcr_run_kernel(const gcr_run *run)
{
    return run->binding->unit->kernel;
}

const int64_t *gcr_run_options(const gcr_run *run)
{
    return run->binding->setup.option;
}

uint64_t gcr_run_seed(const gcr_run *run)
{
    return run->binding->setup.seed;
}

int gcr_run_thread_count(const gcr_run *run)
{
    int is_asked = 0;

    for (int d = 0; d < run->device_count; d++)
        is_asked |= run->devices[d].device->info.shares_memory;
    return is_asked ? run->threads : 0;
}

int gcr_run_rank_count(const gcr_run *run)
{
    return run->crew.comm->size;
}

const char *gcr_run_describe_rank(char *out, size_t bytes, const gcr_run *run, int rank)
{
    if (run->map != NULL)
        gcr_map_line(out, bytes, run->map, rank);
    else
        snprintf(out, bytes, "one process");
    return out;
}

const char *gcr_run_host(const gcr_run *run, int rank)
{
    return run->crew.comm->ranks[rank].host;
}

const gcr_rank_work *gcr_run_rank_work(const gcr_run *run)
{
    return run->work;
}

gcr_busy gcr_run_busy(const gcr_run *run)
{
    return run->busy;
}

int gcr_run_warning_count(const gcr_run *run)
{
    return run->map != NULL ? gcr_map_warning_count(run->map) : 0;
}

const char *gcr_run_warning(const gcr_run *run, int index)
{
    return gcr_map_warning(run->map, index);
}

int gcr_run_worker_count(const gcr_run *run)
{
    return run->workers;
}

int gcr_run_failed_at(gcr_in_flight *out, const gcr_run *run)
{
    *out = run->failed_at;
    return out->thread != 0;
}

int gcr_run_device_count(const gcr_run *run)
{
    return run->device_count;
}

const char *gcr_run_device_name(const gcr_run *run, int device)
{
    return run->devices[device].device->info.name;
}

const char *gcr_run_device_word(const gcr_run *run, int device)
{
    return run->devices[device].word;
}

double gcr_run_kind_share(const gcr_run *run, int kind)
{
    const uint64_t positions = run->positions;
    const gcr_span span = run->groups[kind].span;
    const uint64_t end = span.first + span.count;
    double share = 0.0;

    if (run->group_count < run->crew.kind_count)
        return -1.0;
    for (uint64_t at = span.first, count; at < end; at += count) {
        const uint64_t left = positions - at % positions;

        count = left < end - at ? left : end - at;
        share += gcr_plan_cost_share(run->plan, at / positions) * (double)count / (double)positions;
    }
    return share;
}

const char *gcr_run_left_out(const gcr_run *run)
{
    return run->left_out;
}

double gcr_run_silence(const gcr_run *run)
{
    return run->silence;
}

int gcr_run_lost_node(const gcr_run *run)
{
    return run->lost_node;
}

const gcr_device_plan *gcr_run_device_plan(const gcr_run *run, int device)
{
    return &run->devices[device].plan;
}

int gcr_run_device_kind(const gcr_run *run, int device)
{
    return run->kinds[run->devices[device].kind]->number;
}

const gcr_ledger *gcr_run_device_ledger(const gcr_run *run, int device)
{
    return &run->devices[device].device->ledger;
}

int gcr_run_kind_count(const gcr_run *run)
{
    return run->crew.kind_count;
}

const char *gcr_run_kind(const gcr_run *run, int kind)
{
    return run->crew.kinds[kind];
}

const char *gcr_run_gather(const gcr_run *run)
{
    const int is_news = run->spec.job->gather != GCR_GATHER_AUTO || run->gather.was_tried;

    return run->crew.comm->size > 1 && is_news ? run->gather.text : "";
}

const char *gcr_run_spread(const gcr_run *run)
{
    return run->spread.text;
}

int gcr_run_spread_has_failed(const gcr_run *run)
{
    return run->spread.has_failed;
}

gcr_schedule_form gcr_run_schedule(const gcr_run *run)
{
    return run->schedule_form;
}

uint64_t gcr_run_batch(const gcr_run *run)
{
    uint64_t most = 0;

    for (int d = 0; d < run->device_count; d++)
        if (run->devices[d].batch_most > most)
            most = run->devices[d].batch_most;
    return most;
}

const char *gcr_run_ending_name(gcr_run_ending ending)
{
    static const char *const names[] = {
        [GCR_RUN_COMPLETE] = "complete",
        [GCR_RUN_CANCELLED] = "cancelled",
        [GCR_RUN_OUT_OF_TIME] = "out of time",
        [GCR_RUN_FAILED] = "failed",
    };
    return (unsigned)ending < sizeof names / sizeof names[0] ? names[ending] : "unknown";
}

gcr_run_ending gcr_run_ending_of(const gcr_run *run)
{
    return run->ending;
}

const gcr_progress *gcr_run_progress(const gcr_run *run)
{
    return &run->progress;
}

int gcr_run_has_cells(const gcr_run *run)
{
    return atomic_load(&run->phase) == GCR_PHASE_ENDED && run->summaries != NULL &&
           run->crew.comm->rank == 0;
}

const gcr_slots *gcr_run_slots(const gcr_run *run)
{
    return run->slots;
}

/* Adds up what is known of each dataset. */
static void count_remains(const gcr_run *run, uint64_t counts[])
{
    uint64_t one[GCR_CELL_STATE_COUNT];

    memset(counts, 0, sizeof one);
    for (uint64_t d = 0; d < run->spec.datasets->count; d++) {
        gcr_summaries_count(run->summaries, d, one);
        for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
            counts[s] += one[s];
    }
}

void gcr_run_count(const gcr_run *run, uint64_t counts[])
{
    if (run->slots != NULL && !run->by_blocks) {
        gcr_slots_count(run->slots, counts);
        return;
    }
    if (run->summaries != NULL) {
        count_remains(run, counts);
        return;
    }
    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        counts[s] = 0;
    counts[GCR_CELL_EMPTY] = gcr_plan_live_count(run->plan);
    counts[GCR_CELL_EXCLUDED] = gcr_plan_cell_count(run->plan) - counts[GCR_CELL_EMPTY];
}

const gcr_summaries *gcr_run_summaries(const gcr_run *run)
{
    return run->summaries;
}

const gcr_ledger *gcr_run_ledger(const gcr_run *run)
{
    return &run->ledger;
}

const gcr_gather_ledger *gcr_run_gather_ledger(const gcr_run *run)
{
    return &run->gathered;
}

void gcr_run_tell_data(gcr_run *run, const gcr_data_ledger *ledger)
{
    run->data = *ledger;
}

const gcr_results *gcr_run_results(gcr_run *run)
{
    run->results = (gcr_results){ 0 };
    if (!gcr_run_has_cells(run))
        return &run->results;
    gcr_facts_gather(&run->facts, run);
    run->results = (gcr_results){ .job = run->spec.job,
                                  .datasets = run->spec.datasets,
                                  .kernel = run->binding->unit->kernel,
                                  .kernel_text = gcr_own_text(run->binding->own),
                                  .points = gcr_points_table(run->points),
                                  .slots = run->slots,
                                  .summaries = run->summaries,
                                  .gate = run->gate,
                                  .kind_count = run->crew.kind_count,
                                  .facts = run->facts.items,
                                  .fact_count = run->facts.count };
    return &run->results;
}
