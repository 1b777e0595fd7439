/*
 * exec/execute.c -- a straight line: open, start the workers, sleep and look until they are done,
 * seal.
 *
 * The thread that calls gcr_run_execute() never computes, so that it can show progress and notice a
 * wish to stop while all cores are busy.
 */
#include "exec/run_private.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/pool.h"
#include "exec/batch.h"
#include "exec/carrier.h"
#include "exec/dealing.h"
#include "exec/gather.h"
#include "exec/nesting.h"
#include "exec/pipeline.h"
#include "exec/tags.h"
#include "exec/watch.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* What a device has only while execute runs. */
typedef struct execution_device {
    gcr_program *program;
    gcr_residency *residency;
    gcr_pipeline_shared shared;
} execution_device;

/* What exists only while execute runs. */
typedef struct execution {
    gcr_run *run;
    execution_device devices[GCR_RUN_DEVICES_MAX];
    uint64_t *places; /* [datasets] where each stands in the plan */
    gcr_dealing dealing;
    gcr_gather *gather; /* NULL: there is one rank */
    gcr_carrier carrier;
    gcr_watch watch;
    gcr_pool *pool;
    int is_started; /* workers may have written results */
    atomic_int stop;

    pthread_mutex_t failure_lock;
    gcr_status failure; /* the first, with its sentence */
    char sentence[1024];
    atomic_int has_failed; /* here; a node that is lost is none of that */
} execution;

/* Keeps the sentence of the worker that failed first; -1: of the thread that watches. */
static void keep_failure(execution *x, int worker, gcr_status status)
{
    pthread_mutex_lock(&x->failure_lock);
    if (x->failure == GCR_OK) { /* a device that is silent for too long is lost like another */
        x->failure = status == GCR_ETIMEOUT ? GCR_EDEVICE : status;
        (void)gcr_run_in_flight(&x->run->failed_at, x->run, worker);
        strncpy(x->sentence, gcr_last_error(), sizeof x->sentence - 1);
    }
    pthread_mutex_unlock(&x->failure_lock);
}

/* And stops the others. */
static void note_failure(void *arg, int worker, gcr_status status)
{
    execution *x = arg;

    atomic_store(&x->has_failed, 1);
    atomic_store(&x->stop, 1);
    gcr_watch_note_failure(&x->watch);
    keep_failure(x, worker, status);
}

static void note_loss(void *arg, gcr_status status)
{
    keep_failure(arg, -1, status);
}

/* Runs on each thread of the pool. */
static void work(void *arg, int worker)
{
    execution *x = arg;
    int d = 0;

    while (worker >= x->run->devices[d].first_worker + x->run->devices[d].workers)
        d++;
    gcr_nesting_enter(x->run);
    gcr_pipeline_drive(&x->devices[d].shared, worker, &x->run->worker_progress[worker]);
    gcr_nesting_leave();
}

/* Lets the dataset leave all devices, those who wait for it have it, then tells who wants to be
 * told. */
static void announce(void *arg, uint64_t dataset)
{
    execution *x = arg;
    gcr_run *run = x->run;

    for (int d = 0; d < run->device_count; d++)
        gcr_residency_release(x->devices[d].residency, dataset);
    gcr_gate_open(run->gate, dataset);
    if (run->spec.on_dataset != NULL)
        run->spec.on_dataset(run->spec.arg, run, dataset);
}

/* The last cell of a dataset was told by another rank, to the thread that watches. */
static void complete(void *arg, uint64_t dataset)
{
    execution *x = arg;

    gcr_summaries_fire(x->run->summaries, dataset, x->run->workers);
    announce(x, dataset);
}

/* ---- opening --------------------------------------------------------------------------------- */

static gcr_slots_spec describe_slots(const gcr_run *run)
{
    return (gcr_slots_spec){ .points = gcr_points_table(run->points),
                             .dataset_count = run->spec.datasets->count,
                             .output_count = run->binding->output_count,
                             .width = run->binding->width,
                             .has_jitter = run->spec.job->jitter_count > 0,
                             .has_kinds = run->crew.kind_count > 1 && !run->by_blocks,
                             .has_no_cells = run->by_blocks,
                             .leaves_excluded = run->crew.comm->rank > 0 };
}

/* Ranks of rank 0's node write into the same slots, which the run keeps. Those of other nodes are
 * never written and take no memory: what is known there is how wide cells are. */
static gcr_status open_slots(gcr_run *run)
{
    gcr_status status = GCR_OK;
    gcr_slots_spec spec = describe_slots(run);
    gcr_summaries_spec summaries;
    uint64_t bytes = 0;

    GCR_TRY(gcr_comm_agree(run->comm, gcr_slots_bytes(&bytes, &spec)));
    if (run->crew.comm->size > 1) {
        GCR_TRY(gcr_comm_share(&run->node_slots, run->comm, bytes, 0, "the results of a node"));
        spec.block = run->node_slots.base;
    }
    status = gcr_slots_create(&run->slots, &spec);
    if (status == GCR_OK) {
        summaries = gcr_run_summaries_spec(run);
        status = gcr_summaries_create(&run->summaries, &summaries, run->workers + 1);
    }
    GCR_TRY(gcr_comm_agree(run->comm, status));
out:
    return status;
}

/* Where the results of a device go: NULL: to its host. */
static gcr_carrier *carrier_of(execution *x, const gcr_run_device *d)
{
    const gcr_comm_info *comm = x->run->crew.comm;
    const int is_bridged = x->carrier.bridge != NULL && d->device == x->carrier.bridge->device;

    return is_bridged && gcr_gather_is_carried(comm, comm->rank) ? &x->carrier : NULL;
}

static uint64_t limit_batch(uint64_t batch, const gcr_carrier *carrier, const gcr_slots *slots)
{
    const uint64_t most = carrier != NULL ? gcr_carrier_batch_most(slots) : batch;

    return batch < most ? batch : most;
}

static gcr_status open_device(execution *x, execution_device *out, const gcr_run_device *d)
{
    gcr_status status = GCR_OK;
    const gcr_run *run = x->run;
    const gcr_binding *binding = &run->kinds[d->kind]->binding;
    gcr_residency_spec residency = { .option = binding->setup.option,
                                     .datasets = run->spec.datasets,
                                     .places = x->places,
                                     .budget_bytes = d->plan.budget_bytes,
                                     .lets_go = run->crew.comm->rank > 0 };

    GCR_TRY(gcr_binding_open_program(&out->program, binding, d->device));
    residency.program = out->program;
    GCR_TRY(gcr_residency_create(&out->residency, &residency));
out:
    return status;
}

/* What its workers are given, when it is known how results leave. */
static void describe_pipeline(execution *x, execution_device *out, const gcr_run_device *d)
{
    const gcr_run *run = x->run;
    const gcr_group *group = &run->groups[d->group];
    gcr_carrier *carrier = carrier_of(x, d);

    out->shared =
        (gcr_pipeline_shared){ .device = d->device,
                               .program = out->program,
                               .residency = out->residency,
                               .schedule = x->dealing.groups[d->group].schedule,
                               .plan = run->plan,
                               .points = run->points,
                               .slots = run->slots,
                               .summaries = run->summaries,
                               .batch_least = limit_batch(d->batch_least, carrier, run->slots),
                               .batch_most = limit_batch(d->batch_most, carrier, run->slots),
                               .batch_seconds = GCR_BATCH_SECONDS,
                               .cell_bytes = run->cell_bytes,
                               .positions = run->positions,
                               .by_blocks = run->by_blocks,
                               .sends_cells =
                                   gcr_gather_sends_cells(run->crew.comm, run->by_blocks),
                               .kernel_seconds = run->spec.job->kernel_seconds,
                               .stop = &x->stop,
                               .first_worker = group->first_worker - group->crew.before_in_node,
                               .kind_mark = (uint8_t)(run->kinds[d->kind]->number + 1),
                               .rings = x->gather != NULL ? gcr_gather_rings(x->gather) : NULL,
                               .carrier = carrier,
                               .on_dataset = announce,
                               .on_failure = note_failure,
                               .arg = x };
}

/* What this rank needs for itself. */
static gcr_status open_own(execution *x)
{
    gcr_status status = GCR_OK;
    const gcr_run *run = x->run;
    const uint64_t datasets = run->spec.datasets->count;

    GCR_TRY(gcr_memory_create((void **)&x->places, datasets, sizeof *x->places,
                              "the residency of datasets"));
    for (uint64_t place = 0; place < datasets; place++)
        x->places[gcr_plan_dataset_at(run->plan, place)] = place;
    GCR_TRY(gcr_pool_create(&x->pool, run->workers));
    for (int d = 0; d < run->device_count; d++)
        GCR_TRY(open_device(x, &x->devices[d], &run->devices[d]));
out:
    return status;
}

static gcr_status open_gather(execution *x)
{
    gcr_status status = GCR_OK;
    gcr_run *run = x->run;
    const gcr_crew_workers crew = gcr_crew_count_workers(&run->crew, -1);
    const gcr_gather_spec spec = { .comm = run->comm,
                                   .points = run->points,
                                   .slots = run->slots,
                                   .by_blocks = run->by_blocks,
                                   .summaries = run->summaries,
                                   .node_workers = crew.of_node,
                                   .first_worker = crew.before_in_node,
                                   .workers = run->workers,
                                   .tag = GCR_TAG_PACKET,
                                   .on_complete = complete,
                                   .arg = x };

    if (run->crew.comm->size > 1)
        GCR_TRY(gcr_comm_agree(run->comm, gcr_gather_create(&x->gather, &spec)));
out:
    return status;
}

/* Collective. The datasets that several GPUs begin with. */
static gcr_status spread_datasets(execution *x)
{
    gcr_status status = GCR_OK;
    gcr_run *run = x->run;
    gcr_verdict bridge;

    if (run->spread.count == 0)
        goto out;
    GCR_TRY(gcr_spread_run(&bridge, run, x->devices[gcr_run_bridge_device(run)].residency));
    if (bridge.status != GCR_OK)
        gcr_run_lose_bridge(run, bridge.why);
out:
    return status;
}

static gcr_status open_execution(execution *x)
{
    gcr_status status = GCR_OK;

    GCR_TRY(open_slots(x->run));
    GCR_TRY(gcr_comm_agree(x->run->comm, open_own(x)));
    GCR_TRY(spread_datasets(x));
    GCR_TRY(gcr_dealing_open(&x->dealing, x->run, gcr_clock_seconds()));
    GCR_TRY(open_gather(x));
    GCR_TRY(
        gcr_comm_agree(x->run->comm, gcr_carrier_open(&x->carrier, x->run->bridge, x->run->comm,
                                                      x->gather, x->run->slots, x->run->points)));
    for (int d = 0; d < x->run->device_count; d++)
        describe_pipeline(x, &x->devices[d], &x->run->devices[d]);
    x->watch = (gcr_watch){ .run = x->run,
                            .pool = x->pool,
                            .dealing = &x->dealing,
                            .gather = x->gather,
                            .carrier = &x->carrier,
                            .stop = &x->stop,
                            .begin = gcr_clock_seconds(),
                            .on_failure = note_failure,
                            .on_loss = note_loss,
                            .arg = x };
    GCR_TRY(gcr_watch_open(&x->watch));
out:
    return status;
}

static void close_execution(execution *x)
{
    gcr_pool_destroy(x->pool);
    gcr_watch_close(&x->watch);
    gcr_carrier_close(&x->carrier);
    gcr_gather_destroy(x->gather);
    gcr_dealing_close(&x->dealing);
    for (int d = 0; d < x->run->device_count; d++) {
        gcr_residency_destroy(x->devices[d].residency);
        gcr_program_close(x->devices[d].program);
    }
    gcr_memory_destroy(x->places);
    pthread_mutex_destroy(&x->failure_lock);
    gcr_memory_destroy(x);
}

/* ---- the line -------------------------------------------------------------------------------- */

/* Reduces what a run left unfinished that was stopped or failed, so that it has a best-so-far;
 * where cells are not kept, of what was left to a dataset. This thread's own tally is empty; that
 * of a worker may be of another dataset. */
static void finish_summaries(gcr_run *run)
{
    if (run->crew.comm->rank > 0)
        return; /* rank 0 has it */
    gcr_slots_seal(run->slots);
    for (uint64_t d = 0; d < run->spec.datasets->count; d++)
        if (!gcr_summaries_is_fired(run->summaries, d))
            gcr_summaries_fire(run->summaries, d, run->workers);
}

/* Of a run that failed before its first cell: to seal what may be many gigabytes would be all it
 * does. */
static void drop_results(gcr_run *run)
{
    gcr_summaries_destroy(run->summaries);
    run->summaries = NULL;
    gcr_slots_destroy(run->slots);
    run->slots = NULL;
}

static gcr_status repeat_failure(const execution *x)
{
    gcr_status status = GCR_OK;

    if (x->failure != GCR_OK)
        GCR_FAIL(x->failure, "%s", x->sentence);
out:
    return status;
}

/* Rank 0 knows how many cells have landed. Fewer than all, where nobody wanted the run to stop, are
 * a mistake of ours: it must not look like a run that is complete. */
static gcr_status name_ending(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_progress *progress = &run->progress;

    if (run->crew.comm->rank > 0)
        goto out;
    if (progress->landed == progress->cell_count)
        run->ending = GCR_RUN_COMPLETE;
    else if (run->ending == GCR_RUN_COMPLETE)
        GCR_FAIL(GCR_ECONFLICT,
                 "of %" PRIu64 " cells %" PRIu64 " have landed though nothing stopped the run: "
                 "this is a defect of gridcrunch, please report it with the job",
                 progress->cell_count, progress->landed);
out:
    return status;
}

/* All ranks end as rank 0 does, which has heard of every stop. They come at once, and nobody
 * listens any more: so there is a limit to waiting, until they have told each other all. */
static gcr_status agree_on_ending(gcr_run *run, gcr_status status)
{
    gcr_comm_limit(run->comm, run->silence);
    if (!gcr_comm_is_broken(run->comm))
        (void)!gcr_comm_meet(run->comm); /* what it says the agreement says, too */
    GCR_TRY(
        gcr_comm_agree(run->comm, status)); /* a rank that failed need not have told it before */
    GCR_TRY(gcr_comm_agree(run->comm, name_ending(run)));
    GCR_TRY(gcr_comm_broadcast(run->comm, &run->ending, sizeof run->ending, 0));
out:
    return status;
}

/* What was lost with a device is told by the rank that prints. */
static gcr_status learn_where_it_failed(gcr_run *run)
{
    gcr_status status = GCR_OK;
    gcr_in_flight *all = NULL;

    GCR_TRY(gcr_comm_gather_new((void **)&all, run->comm, &run->failed_at, sizeof run->failed_at,
                                "what ranks were at"));
    for (int r = run->crew.comm->size - 1; r >= 0; r--)
        if (all[r].thread != 0)
            run->failed_at = all[r];
out:
    gcr_memory_destroy(all);
    return status;
}

/* What has passed, before it is closed. */
static void note_gathered(gcr_run *run, const execution *x)
{
    gcr_gather_totals totals = { 0 };

    if (x->gather != NULL)
        totals = gcr_gather_totals_of(x->gather);
    run->gathered = (gcr_gather_ledger){ .way = run->gather.way,
                                         .bytes_per_second = run->gather.bytes_per_second,
                                         .messages = totals.messages,
                                         .bytes = totals.bytes,
                                         .device_bytes = gcr_carrier_bytes(&x->carrier),
                                         .under_way_seconds = run->gather.way == GCR_GATHER_NCCL
                                                                  ? gcr_carrier_seconds(&x->carrier)
                                                                  : totals.seconds,
                                         .duplicates = totals.duplicates };
}

static gcr_status compute_in(execution *x)
{
    gcr_status status = GCR_OK;
    gcr_status learned = GCR_OK;
    gcr_run *run = x->run;

    GCR_TRY(open_execution(x));
    x->is_started = 1;
    gcr_pool_start(x->pool, work, x);
    gcr_watch_run(&x->watch);
    status = agree_on_ending(run, repeat_failure(x));
    if (status == GCR_EDEVICE && !gcr_comm_is_broken(run->comm))
        learned = learn_where_it_failed(run);
    status = learned != GCR_OK ? learned : status;
out:
    return status;
}

/* Rank 0 has lost a node, and nothing is missing: what was computed there has landed. */
static int is_complete_without_node(const gcr_run *run)
{
    return run->crew.comm->rank == 0 && gcr_comm_is_broken(run->comm) &&
           run->progress.landed == run->progress.cell_count;
}

/* How far the computing came. */
typedef struct course {
    int is_started; /* workers may have written results              */
    int has_failed; /* here; a node that is lost is none of that     */
} course;

static gcr_status compute_cells(course *out, gcr_run *run)
{
    gcr_status status = GCR_OK;
    execution *x = NULL;

    *out = (course){ 0 };
    status = gcr_memory_create((void **)&x, 1, sizeof *x, "the course of a run");
    if (x != NULL)
        *x = (execution){ .run = run, .failure_lock = PTHREAD_MUTEX_INITIALIZER };
    GCR_TRY(gcr_comm_agree(run->comm, status));
    status = compute_in(x);
    *out = (course){ .is_started = x->is_started, .has_failed = atomic_load(&x->has_failed) };
out:
    if (x != NULL) {
        note_gathered(run, x);
        close_execution(x);
    }
    gcr_run_add_ledgers(run);
    return status;
}

/* What has landed is complete by now: where there is no memory to say what it took, that is not
 * known, and the run is none that failed. */
static gcr_status tell_each_other(gcr_run *run)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_comm_meet(run->comm)); /* closing takes different times: one may be gone by now */
    if (gcr_run_gather_ledgers(run) != GCR_OK)
        status = gcr_comm_check(run->comm);
out:
    return status;
}

static gcr_status decide_ending(gcr_run *run, const course *c, gcr_status status)
{
    if (c->is_started && !c->has_failed && is_complete_without_node(run)) {
        run->ending = GCR_RUN_COMPLETE;
        return GCR_OK;
    }
    if (status != GCR_OK)
        run->ending = GCR_RUN_FAILED;
    return status;
}

/* What takes long, as sealing does, comes when no rank waits any more. */
static gcr_status compute(gcr_run *run)
{
    course c;
    gcr_status status = compute_cells(&c, run);

    if (status == GCR_OK)
        status = tell_each_other(run);
    gcr_comm_limit(run->comm, INFINITY);
    status = decide_ending(run, &c, status);
    if (c.is_started)
        finish_summaries(run);
    else
        drop_results(run);
    return status;
}

/* What those are told who wait for a dataset that will not be complete. */
static const char *describe_end(const gcr_run *run, gcr_status status)
{
    static const char *const reasons[] = {
        [GCR_RUN_COMPLETE] = "the run has ended",
        [GCR_RUN_CANCELLED] = "the run was cancelled",
        [GCR_RUN_OUT_OF_TIME] = "the run was out of time",
        [GCR_RUN_FAILED] = "", /* its own sentence says why */
    };

    return status == GCR_OK ? reasons[run->ending] : gcr_last_error();
}

gcr_status gcr_run_execute(gcr_run *run)
{
    gcr_status status = GCR_OK;
    int planned = GCR_PHASE_PLANNED;

    if (gcr_nesting_is_inside())
        GCR_FAIL(GCR_ENESTED,
                 "a run cannot be executed from inside a run, in a cell or a callback: "
                 "use a thread of its own");
    if (!atomic_compare_exchange_strong(&run->phase, &planned, GCR_PHASE_EXECUTING))
        GCR_FAIL(GCR_EINVAL, "this run has been executed already");
    gcr_nesting_enter(run);
    status = compute(run);
    gcr_nesting_leave();
    atomic_store(&run->phase, GCR_PHASE_ENDED);
    gcr_gate_close(run->gate, describe_end(run, status));
out:
    return status;
}

int gcr_run_in_flight(gcr_in_flight *out, const gcr_run *run, int worker)
{
    const gcr_pipeline_progress *at = NULL;

    *out = (gcr_in_flight){ 0 };
    if (worker < 0 || worker >= run->workers)
        return 0;
    at = &run->worker_progress[worker];
    out->thread = atomic_load(&at->thread);
    out->dataset = atomic_load(&at->dataset);
    out->point = atomic_load(&at->first);
    out->cell_count = atomic_load(&at->count);
    return out->thread != 0;
}
