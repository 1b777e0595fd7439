/*
 * exec/run.c -- the life of a run. See exec/run.h.
 *
 * create decides everything that can be decided from sizes; execute is then a straight line: open,
 * start the workers, sleep and look until they are done, seal. The thread that calls execute never
 * computes, so that it can show progress and notice a wish to stop while all cores are busy.
 */
#include "exec/run.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/pool.h"
#include "exec/binding.h"
#include "exec/facts.h"
#include "exec/pipeline.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A batch should last about this long, so that taking one costs nothing and stopping is prompt. */
static const double batch_seconds = 200e-6;

enum {
    BATCH_MOST = 4096,
    BATCHES_PER_WORKER = 8, /* at least, so that the end is ragged by an eighth at most */
};

/* How often the thread that waits looks whether somebody wants the run to stop. */
static const double look_seconds = 0.05;

struct gcr_run {
    gcr_run_spec spec;
    gcr_points *points;
    gcr_binding binding;
    gcr_plan *plan;
    gcr_device *device;
    int threads, workers;
    gcr_schedule_form schedule_form;
    uint64_t batch_least, batch_most;
    uint64_t cell_bytes; /* of the outputs and states of one cell */

    gcr_slots *slots;
    gcr_summaries *summaries;
    gcr_progress progress;
    gcr_run_ending ending;
    gcr_facts facts;
    gcr_results results;

    double *trial_values; /* of gcr_run_try() */
};

/* What exists only while execute runs. */
typedef struct execution {
    gcr_run *run;
    gcr_program *program;
    gcr_residency *residency;
    gcr_schedule *schedule;
    gcr_pool *pool;
    gcr_pipeline_progress *progress; /* [workers] */
    gcr_pipeline_shared shared;
    atomic_int stop;
    double begin;

    pthread_mutex_t failure_lock;
    gcr_status failure; /* the first, with its sentence */
    char sentence[1024];
} execution;

/* ---- before anything runs -------------------------------------------------------------------- */

static gcr_summaries_spec summaries_spec(const gcr_run *run)
{
    const gcr_job *job = run->spec.job;

    return (gcr_summaries_spec){ .summaries = job->summaries,
                                 .output = run->binding.summary_output,
                                 .summary_count = job->summary_count,
                                 .top = job->top,
                                 .nan_propagates = job->nan_propagates,
                                 .slots = run->slots,
                                 .points = gcr_points_table(run->points) };
}

static uint64_t prepared_bytes(const gcr_unit *unit, const gcr_shape *shape)
{
    if (unit->prepare == NULL || unit->kernel->prepared_count == NULL)
        return 0;
    return (uint64_t)unit->kernel->prepared_count(shape) * sizeof(gcr_real) + sizeof(int32_t);
}

/* What the plan must know of each dataset. */
static void measure_datasets(const gcr_run *run, gcr_plan_dataset *out)
{
    const gcr_datasets *datasets = run->spec.datasets;
    const uint64_t pipeline =
        gcr_pipeline_bytes(&run->device->info, run->cell_bytes, run->batch_most);

    for (uint64_t d = 0; d < datasets->count; d++) {
        const gcr_dataset *dataset = &datasets->items[d];
        const gcr_shape shape = gcr_binding_shape(&run->binding, dataset);

        out[d] = (gcr_plan_dataset){
            .data_bytes = gcr_dataset_bytes(dataset),
            .prepared_bytes = prepared_bytes(run->binding.unit, &shape),
            .scratch_bytes = run->binding.unit->scratch_bytes(&run->binding.largest) + pipeline,
            .cell_cost = gcr_binding_cost(&run->binding, &shape),
        };
    }
}

/* How many cells a batch may have. How long a cell takes is found out while it runs: workers start
 * with the least and double it while a batch is over too soon. */
static void choose_batch(gcr_run *run)
{
    const uint64_t live = gcr_points_table(run->points)->live_count;
    const uint64_t cells = run->spec.datasets->count * live; /* the plan checks the product */
    const uint64_t share = cells / ((uint64_t)run->workers * BATCHES_PER_WORKER);
    const uint64_t asked = run->spec.job->batch;

    run->batch_least = asked > 0 ? asked : 1;
    run->batch_most = asked > 0 ? asked : share < BATCH_MOST ? share : BATCH_MOST;
    if (run->batch_most > cells)
        run->batch_most = cells;
    if (run->batch_most < 1)
        run->batch_most = 1;
    if (run->batch_least > run->batch_most)
        run->batch_least = run->batch_most;
}

/* How many datasets a batch may touch. */
static uint64_t datasets_per_batch(const gcr_run *run)
{
    const uint64_t live = gcr_points_table(run->points)->live_count;

    return run->batch_most < 2 ? 1 : (run->batch_most - 2) / live + 2;
}

/* How many datasets may be in work at once. A worker is at those of one batch; a static block may
 * also share its last dataset with the next worker, who was there first; cyclic batches run ahead
 * of each other. */
static uint64_t count_prepared_at_once(const gcr_run *run)
{
    const uint64_t workers = (uint64_t)run->workers, datasets = run->spec.datasets->count;
    const uint64_t in_batches = workers * datasets_per_batch(run);

    if (run->schedule_form == GCR_SCHEDULE_CYCLIC || in_batches > datasets)
        return datasets;
    return run->schedule_form == GCR_SCHEDULE_STATIC ? in_batches + workers - 1 : in_batches;
}

static gcr_status plan_run(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_point_table *table = gcr_points_table(run->points);
    const gcr_job *job = run->spec.job;
    const gcr_slots future = { .dataset_count = run->spec.datasets->count,
                               .point_count = table->point_count,
                               .live_count = table->live_count };
    gcr_summaries_spec summaries = summaries_spec(run);
    gcr_plan_dataset *sizes = NULL;
    gcr_plan_spec spec = {
        .dataset_count = run->spec.datasets->count,
        .point_count = table->point_count,
        .live_count = table->live_count,
        .state_bytes = job->jitter_count > 0 ? 2 : 1,
        .points_bytes = gcr_points_bytes(run->points),
        .threads = run->workers,
        .keeps_order =
            run->schedule_form == GCR_SCHEDULE_STATIC || run->schedule_form == GCR_SCHEDULE_CYCLIC,
        .prepared_at_once = count_prepared_at_once(run),
    };

    summaries.slots = &future; /* sizes are all that is asked of it */
    spec.points_bytes += gcr_summaries_bytes(&summaries, run->workers) +
                         gcr_residency_bytes(spec.dataset_count) +
                         spec.dataset_count * sizeof *future.missing;
    for (int o = 0; o < run->binding.output_count; o++)
        spec.output_bytes += (uint64_t)run->binding.width[o] * sizeof(gcr_real);
    run->cell_bytes = spec.output_bytes + spec.state_bytes;
    GCR_TRY(gcr_memory_create((void **)&sizes, spec.dataset_count, sizeof *sizes, "the plan"));
    measure_datasets(run, sizes);
    spec.datasets = sizes;
    GCR_TRY(gcr_plan_create(&run->plan, &spec));
out:
    gcr_memory_destroy(sizes);
    return status;
}

/* How many threads there are, and how many of them drive a queue. */
static gcr_status choose_workers(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = run->binding.unit->kernel;
    const gcr_device_info *info = &run->device->info;
    const int asked = run->spec.job->threads;

    run->threads = asked > 0 ? asked : gcr_cpu_count();
    run->workers = info->shares_memory ? run->threads : 1;
    if (run->workers > 1 && kernel->form == GCR_FORM_SPD && info->lone_thread_reason != NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "kernel '%s' cannot run on %d threads here: %s", kernel->name,
                 run->workers, info->lone_thread_reason);
out:
    return status;
}

gcr_status gcr_run_create(gcr_run **out, const gcr_run_spec *spec)
{
    gcr_status status = GCR_OK;
    const gcr_job *job = spec->job;
    gcr_run *run = NULL;

    *out = NULL;
    run = calloc(1, sizeof *run);
    if (run == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a run");
    run->spec = *spec;
    GCR_TRY(gcr_points_create(&run->points, job));
    GCR_TRY(gcr_binding_create(&run->binding, job, run->points, spec->datasets, spec->backend));
    GCR_TRY(gcr_results_check_names(job, run->binding.unit->kernel));
    GCR_TRY(gcr_device_open(&run->device, run->binding.backend, run->binding.device_index));
    GCR_TRY(choose_workers(run));
    run->schedule_form = job->schedule == GCR_SCHEDULE_AUTO ? GCR_SCHEDULE_DYNAMIC : job->schedule;
    choose_batch(run);
    GCR_TRY(plan_run(run));
    *out = run;
    run = NULL;
out:
    gcr_run_destroy(run);
    return status;
}

void gcr_run_destroy(gcr_run *run)
{
    if (run == NULL)
        return;
    gcr_memory_destroy(run->trial_values);
    gcr_summaries_destroy(run->summaries);
    gcr_slots_destroy(run->slots);
    gcr_device_close(run->device);
    gcr_plan_destroy(run->plan);
    gcr_binding_clear(&run->binding);
    gcr_points_destroy(run->points);
    free(run);
}

/* ---- execute --------------------------------------------------------------------------------- */

/* Runs on each thread of the pool. */
static void work(void *arg, int worker)
{
    execution *x = arg;
    const gcr_status status = gcr_pipeline_drive(&x->shared, worker, &x->progress[worker]);

    if (status == GCR_OK)
        return;
    atomic_store(&x->stop, 1);
    pthread_mutex_lock(&x->failure_lock);
    if (x->failure == GCR_OK) {
        x->failure = status;
        strncpy(x->sentence, gcr_last_error(), sizeof x->sentence - 1);
    }
    pthread_mutex_unlock(&x->failure_lock);
}

static gcr_status open_slots(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_slots_spec spec = { .points = gcr_points_table(run->points),
                                  .dataset_count = run->spec.datasets->count,
                                  .output_count = run->binding.output_count,
                                  .width = run->binding.width,
                                  .has_jitter = run->spec.job->jitter_count > 0 };
    gcr_summaries_spec summaries;

    GCR_TRY(gcr_slots_create(&run->slots, &spec));
    summaries = summaries_spec(run);
    GCR_TRY(gcr_summaries_create(&run->summaries, &summaries, run->workers));
out:
    return status;
}

static gcr_status open_execution(execution *x, gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_schedule_spec spec = { .form = run->schedule_form,
                                     .count = gcr_plan_live_count(run->plan),
                                     .live_count = gcr_points_table(run->points)->live_count,
                                     .batch = run->batch_most,
                                     .workers = run->workers };

    GCR_TRY(gcr_program_open(&x->program, run->device, run->binding.unit, &run->binding.setup,
                             &run->binding.largest));
    GCR_TRY(gcr_residency_create(&x->residency, x->program, run->binding.setup.option,
                                 run->spec.datasets));
    GCR_TRY(gcr_schedule_create(&x->schedule, &spec));
    GCR_TRY(gcr_pool_create(&x->pool, run->workers));
    GCR_TRY(gcr_memory_create((void **)&x->progress, (uint64_t)run->workers, sizeof *x->progress,
                              "the progress of threads"));
    x->shared = (gcr_pipeline_shared){ .device = run->device,
                                       .program = x->program,
                                       .residency = x->residency,
                                       .schedule = x->schedule,
                                       .plan = run->plan,
                                       .points = run->points,
                                       .slots = run->slots,
                                       .summaries = run->summaries,
                                       .batch_least = run->batch_least,
                                       .batch_most = run->batch_most,
                                       .batch_seconds = batch_seconds,
                                       .cell_bytes = run->cell_bytes,
                                       .stop = &x->stop };
out:
    return status;
}

static void close_execution(execution *x)
{
    gcr_pool_destroy(x->pool);
    gcr_memory_destroy(x->progress);
    gcr_schedule_destroy(x->schedule);
    gcr_residency_destroy(x->residency);
    gcr_program_close(x->program);
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
        const gcr_pipeline_progress *p = &x->progress[w];

        out->landed += atomic_load_explicit(&p->landed, memory_order_relaxed);
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
    if (run->spec.cancel != NULL && atomic_load(run->spec.cancel) != 0)
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

/* Reduces what a stopped run left unfinished, so that it has a best-so-far. */
static void finish_summaries(gcr_run *run)
{
    gcr_slots_seal(run->slots);
    for (uint64_t d = 0; d < run->spec.datasets->count; d++)
        if (!gcr_summaries_is_fired(run->summaries, d))
            gcr_summaries_fire(run->summaries, d, 0);
}

gcr_status gcr_run_execute(gcr_run *run)
{
    gcr_status status = GCR_OK;
    execution x = { .run = run, .failure_lock = PTHREAD_MUTEX_INITIALIZER };

    if (run->slots != NULL)
        GCR_FAIL(GCR_EINVAL, "this run has been executed already");
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
    finish_summaries(run);
out:
    close_execution(&x);
    return status;
}

/* ---- one cell -------------------------------------------------------------------------------- */

/* Room for the outputs of one cell. */
static gcr_status open_trial(gcr_run *run, gcr_unit_tile *tile, gcr_trial *out)
{
    gcr_status status = GCR_OK;
    uint64_t total = 0;

    for (int o = 0; o < run->binding.output_count; o++)
        total += (uint64_t)run->binding.width[o];
    if (run->trial_values == NULL)
        GCR_TRY(gcr_memory_create((void **)&run->trial_values, total, sizeof(gcr_real),
                                  "the outputs of a cell"));
    total = 0;
    for (int o = 0; o < run->binding.output_count; o++) {
        tile->width[o] = run->binding.width[o];
        tile->outputs[o] = out->values[o] = run->trial_values + total;
        total += (uint64_t)run->binding.width[o];
    }
    tile->state = &out->state;
    tile->jitter_step = run->spec.job->jitter_count > 0 ? &out->jitter_step : NULL;
out:
    return status;
}

gcr_status gcr_run_try(gcr_run *run, gcr_trial *out, uint64_t dataset, uint64_t point)
{
    gcr_status status = GCR_OK;
    gcr_program *program = NULL;
    gcr_residency *residency = NULL;
    gcr_queue *queue = NULL;
    gcr_resident resident;
    gcr_unit_tile tile = { .first = point, .count = 1 };
    const gcr_crunch_args args = { .tiles = &tile, .tile_count = 1 };
    double begin;

    *out = (gcr_trial){ 0 };
    if (!run->device->info.shares_memory)
        GCR_FAIL(GCR_EUNSUPPORTED, "a cell is tried on the CPU: use --device cpu");
    GCR_TRY(open_trial(run, &tile, out));
    GCR_TRY(gcr_program_open(&program, run->device, run->binding.unit, &run->binding.setup,
                             &run->binding.largest));
    GCR_TRY(
        gcr_residency_create(&residency, program, run->binding.setup.option, run->spec.datasets));
    GCR_TRY(gcr_queue_open(&queue, run->device));
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
    gcr_queue_close(queue);
    gcr_residency_destroy(residency);
    gcr_program_close(program);
    return status;
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
    return run->binding.unit->kernel;
}

const int64_t *gcr_run_options(const gcr_run *run)
{
    return run->binding.setup.option;
}

uint64_t gcr_run_seed(const gcr_run *run)
{
    return run->binding.setup.seed;
}

int gcr_run_thread_count(const gcr_run *run)
{
    return run->threads;
}

const char *gcr_run_device_name(const gcr_run *run)
{
    return run->device->info.name;
}

const char *gcr_run_kind(const gcr_run *run)
{
    return run->device->info.kind;
}

gcr_schedule_form gcr_run_schedule(const gcr_run *run)
{
    return run->schedule_form;
}

uint64_t gcr_run_batch(const gcr_run *run)
{
    return run->batch_most;
}

gcr_run_ending gcr_run_ending_of(const gcr_run *run)
{
    return run->ending;
}

const gcr_progress *gcr_run_progress(const gcr_run *run)
{
    return &run->progress;
}

const gcr_slots *gcr_run_slots(const gcr_run *run)
{
    return run->slots;
}

const gcr_summaries *gcr_run_summaries(const gcr_run *run)
{
    return run->summaries;
}

const gcr_ledger *gcr_run_ledger(const gcr_run *run)
{
    return &run->device->ledger;
}

const gcr_results *gcr_run_results(gcr_run *run)
{
    gcr_facts_gather(&run->facts, run);
    run->results = (gcr_results){ .job = run->spec.job,
                                  .datasets = run->spec.datasets,
                                  .kernel = run->binding.unit->kernel,
                                  .points = gcr_points_table(run->points),
                                  .slots = run->slots,
                                  .summaries = run->summaries,
                                  .facts = run->facts.items,
                                  .fact_count = run->facts.count,
                                  .syncs = 1 };
    return &run->results;
}
