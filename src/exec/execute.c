/*
 * exec/execute.c -- a straight line: open, start the workers, sleep and look until they are done, seal.
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
#include "exec/nesting.h"
#include "exec/pipeline.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/* How often the thread that waits looks whether somebody wants the run to stop. */
static const double look_seconds = 0.05;

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
    uint64_t *places;                           /* [datasets] where each stands in the plan */
    gcr_schedule *schedules[GCR_RUN_KINDS_MAX]; /* of the teams */
    gcr_pool *pool;
    atomic_int stop;
    double begin;

    pthread_mutex_t failure_lock;
    gcr_status failure; /* the first, with its sentence */
    char sentence[1024];
} execution;

/* Stops the others, and keeps the sentence of the worker that failed first. */
static void note_failure(void *arg, int worker, gcr_status status)
{
    execution *x = arg;

    atomic_store(&x->stop, 1);
    pthread_mutex_lock(&x->failure_lock);
    if (x->failure == GCR_OK) {
        x->failure = status;
        x->run->failed_worker = worker;
        strncpy(x->sentence, gcr_last_error(), sizeof x->sentence - 1);
    }
    pthread_mutex_unlock(&x->failure_lock);
}

/* Runs on each thread of the pool. */
static void work(void *arg, int worker)
{
    execution *x = arg;
    gcr_status status;
    int d = 0;

    while (worker >= x->run->devices[d].first_worker + x->run->devices[d].workers)
        d++;
    gcr_nesting_enter(x->run);
    gcr_pipeline_drive(&x->devices[d].shared, worker, &x->run->worker_progress[worker]);
    gcr_nesting_leave();
    status = gcr_summaries_check(x->run->summaries);
    if (status != GCR_OK)
        note_failure(x, worker, status);
}

/* Lets the dataset leave all devices, those who wait for it have it, then tells who wants to be
 * told; unless cells may be lacking, of this dataset or another: then the run ends. */
static void announce(void *arg, uint64_t dataset)
{
    execution *x = arg;
    gcr_run *run = x->run;

    for (int d = 0; d < run->device_count; d++)
        gcr_residency_release(x->devices[d].residency, dataset);
    if (gcr_summaries_check(run->summaries) != GCR_OK) {
        atomic_store(&x->stop, 1); /* each worker finds out why when it ends */
        return;
    }
    gcr_gate_open(run->gate, dataset);
    if (run->spec.on_dataset != NULL)
        run->spec.on_dataset(run->spec.arg, run, dataset);
}

static gcr_status open_slots(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_slots_spec spec = { .points = gcr_points_table(run->points),
                                  .dataset_count = run->spec.datasets->count,
                                  .output_count = run->binding->output_count,
                                  .width = run->binding->width,
                                  .has_jitter = run->spec.job->jitter_count > 0,
                                  .has_kinds = run->crew.kind_count > 1 && !run->by_blocks,
                                  .has_no_cells = run->by_blocks };
    gcr_summaries_spec summaries;

    GCR_TRY(gcr_slots_create(&run->slots, &spec));
    summaries = gcr_run_summaries_spec(run);
    GCR_TRY(gcr_summaries_create(&run->summaries, &summaries, run->workers));
out:
    return status;
}

static gcr_status open_device(execution *x, execution_device *out, const gcr_run_device *d)
{
    gcr_status status = GCR_OK;
    const gcr_run *run = x->run;
    const gcr_binding *binding = &run->kinds[d->kind]->binding;
    gcr_residency_spec residency = { .option = binding->setup.option,
                                     .datasets = run->spec.datasets,
                                     .places = x->places,
                                     .budget_bytes = d->plan.budget_bytes };

    GCR_TRY(gcr_binding_open_program(&out->program, binding, d->device));
    residency.program = out->program;
    GCR_TRY(gcr_residency_create(&out->residency, &residency));
    out->shared = (gcr_pipeline_shared){ .device = d->device,
                                         .program = out->program,
                                         .residency = out->residency,
                                         .schedule = x->schedules[d->team],
                                         .plan = run->plan,
                                         .points = run->points,
                                         .slots = run->slots,
                                         .summaries = run->summaries,
                                         .batch_least = d->batch_least,
                                         .batch_most = d->batch_most,
                                         .batch_seconds = GCR_BATCH_SECONDS,
                                         .cell_bytes = run->cell_bytes,
                                         .positions = run->positions,
                                         .by_blocks = run->by_blocks,
                                         .kernel_seconds = run->spec.job->kernel_seconds,
                                         .stop = &x->stop,
                                         .first_worker = run->teams[d->team].first_worker,
                                         .kind_mark = (uint8_t)(run->kinds[d->kind]->number + 1),
                                         .on_dataset = announce,
                                         .on_failure = note_failure,
                                         .arg = x };
out:
    return status;
}

static gcr_status open_schedule(gcr_schedule **out, const gcr_run *run, int team)
{
    gcr_status status = GCR_OK;
    gcr_schedule_spec spec;
    double *weights = NULL;

    GCR_TRY(gcr_run_describe_schedule(&spec, &weights, run, team));
    GCR_TRY(gcr_schedule_create(out, &spec));
out:
    gcr_memory_destroy(weights);
    return status;
}

static gcr_status open_execution(execution *x, gcr_run *run)
{
    gcr_status status = GCR_OK;
    const uint64_t datasets = run->spec.datasets->count;

    GCR_TRY(gcr_memory_create((void **)&x->places, datasets, sizeof *x->places,
                              "the residency of datasets"));
    for (uint64_t place = 0; place < datasets; place++)
        x->places[gcr_plan_dataset_at(run->plan, place)] = place;
    for (int t = 0; t < run->team_count; t++)
        GCR_TRY(open_schedule(&x->schedules[t], run, t));
    GCR_TRY(gcr_pool_create(&x->pool, run->workers));
    for (int d = 0; d < run->device_count; d++)
        GCR_TRY(open_device(x, &x->devices[d], &run->devices[d]));
out:
    return status;
}

static void close_execution(execution *x)
{
    gcr_pool_destroy(x->pool);
    for (int t = 0; t < x->run->team_count; t++)
        gcr_schedule_destroy(x->schedules[t]);
    for (int d = 0; d < x->run->device_count; d++) {
        gcr_residency_destroy(x->devices[d].residency);
        gcr_program_close(x->devices[d].program);
    }
    gcr_memory_destroy(x->places);
    pthread_mutex_destroy(&x->failure_lock);
}

/* Adds up what the workers say. */
static void collect_progress(const execution *x, gcr_progress *out)
{
    double cost = 0.0;

    *out = (gcr_progress){ .cell_count = gcr_plan_live_count(x->run->plan),
                           .datasets = x->run->spec.datasets->count,
                           .seconds = gcr_clock_seconds() - x->begin,
                           .seconds_left = -1.0 };
    for (int w = 0; w < x->run->workers; w++) {
        const gcr_pipeline_progress *p = &x->run->worker_progress[w];

        out->landed += atomic_load_explicit(&p->landed, memory_order_relaxed);
        out->halved += atomic_load_explicit(&p->halved, memory_order_relaxed);
        out->failed += atomic_load_explicit(&p->failed, memory_order_relaxed);
        out->datasets_done += atomic_load_explicit(&p->datasets, memory_order_relaxed);
        cost += atomic_load_explicit(&p->cost, memory_order_relaxed);
    }
    if (out->landed == out->cell_count)
        out->seconds_left = 0.0;
    else if (cost > 0.0 && out->seconds > 0.0)
        out->seconds_left = out->seconds * fmax(0.0, 1.0 - cost) / cost;
    if (out->seconds > 0.0)
        out->cells_per_second = (double)out->landed / out->seconds;
}

static void show_progress(const execution *x)
{
    gcr_progress progress;

    if (x->run->spec.on_progress == NULL)
        return;
    collect_progress(x, &progress);
    x->run->spec.on_progress(x->run->spec.arg, &progress);
}

/* Sets `stop` if somebody wishes so, and remembers who. */
static void look_for_a_wish_to_stop(execution *x)
{
    gcr_run *run = x->run;
    const double limit = run->spec.job->max_seconds;

    if (atomic_load(&x->stop) != 0)
        return;
    if (atomic_load(&run->is_cancelled) != 0)
        run->ending = GCR_RUN_CANCELLED;
    else if (limit > 0.0 && gcr_clock_seconds() - x->begin >= limit)
        run->ending = GCR_RUN_OUT_OF_TIME;
    else
        return;
    atomic_store(&x->stop, 1);
}

static void wait_for_workers(execution *x)
{
    const double interval =
        x->run->spec.progress_seconds > 0.0 ? x->run->spec.progress_seconds : 1.0;
    double next = x->begin + interval;

    while (!gcr_pool_wait(x->pool, fmin(look_seconds, interval))) {
        look_for_a_wish_to_stop(x);
        if (gcr_clock_seconds() >= next) {
            show_progress(x);
            next += interval;
        }
    }
    show_progress(x);
}

/* Reduces what a run left unfinished that was stopped or failed, so that it has a best-so-far. */
static void finish_summaries(gcr_run *run)
{
    if (run->summaries == NULL)
        return; /* it failed before there was anything to reduce */
    gcr_slots_seal(run->slots);
    for (uint64_t d = 0; d < run->spec.datasets->count; d++)
        if (!gcr_summaries_is_fired(run->summaries, d))
            gcr_summaries_fire(run->summaries, d, 0);
}

static gcr_status compute(gcr_run *run)
{
    gcr_status status = GCR_OK;
    execution x = { .run = run, .failure_lock = PTHREAD_MUTEX_INITIALIZER };

    GCR_TRY(open_slots(run));
    GCR_TRY(open_execution(&x, run));
    x.begin = gcr_clock_seconds();
    gcr_pool_start(x.pool, work, &x);
    wait_for_workers(&x);
    collect_progress(&x, &run->progress);
    if (x.failure != GCR_OK)
        GCR_FAIL(x.failure, "%s", x.sentence);
    if (run->progress.landed == run->progress.cell_count)
        run->ending = GCR_RUN_COMPLETE;
out:
    if (status != GCR_OK)
        run->ending = GCR_RUN_FAILED;
    finish_summaries(run);
    close_execution(&x);
    gcr_run_add_ledgers(run);
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
