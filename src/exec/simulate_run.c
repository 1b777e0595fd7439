/* exec/simulate_run.c -- what a run's plan says, as the simulator wants it. See
 * exec/simulate_run.h. */
#include "exec/simulate_run.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/csv.h"
#include "exec/run_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Assumed, and told in docs/cluster.md: most networks of clusters are faster. */
static const double take_seconds = 100e-9, message_seconds = 50e-6, answer_seconds = 5e-6;

/* ---- what a cell of each dataset takes ------------------------------------------------------- */

/* Seconds by the kernel's cost, in the order of the plan. */
static void predict_cells(double *out, const gcr_run *run, double cell_seconds)
{
    const gcr_datasets *datasets = run->spec.datasets;
    const double rate = gcr_run_device_rate(run, 0) / run->devices[0].workers;
    double sum = 0.0;

    for (uint64_t place = 0; place < datasets->count; place++) {
        const gcr_dataset *dataset = &datasets->items[gcr_plan_dataset_at(run->plan, place)];
        const gcr_shape shape = gcr_binding_shape(run->binding, dataset);

        out[place] = gcr_binding_cost(run->binding, &shape) / rate;
        sum += out[place];
    }
    for (uint64_t place = 0; place < datasets->count && cell_seconds > 0.0; place++)
        out[place] *= cell_seconds * (double)datasets->count / sum;
}

typedef struct keyed_place {
    const char *key;
    uint64_t place;
} keyed_place;

static int by_key(const void *a, const void *b)
{
    return strcmp(((const keyed_place *)a)->key, ((const keyed_place *)b)->key);
}

/* One line of the file: seconds for the dataset with that key. Keys that the job does not have are
 * passed over: it may be about more than this job. */
static gcr_status put_record(double *out, const gcr_csv_record *record, const char *path,
                             const keyed_place *sorted, uint64_t count)
{
    gcr_status status = GCR_OK;
    keyed_place wanted = { 0 }, *found = NULL;
    char *key = NULL;
    double seconds;

    if (record->count != 2 ||
        !gcr_parse_number(&seconds, record->fields[1].text, record->fields[1].bytes) ||
        !(seconds > 0.0) || !isfinite(seconds))
        GCR_FAIL(GCR_EFORMAT,
                 "%s:%" PRIu64
                 ": not the key of a dataset and the seconds of one of its cells, > 0",
                 path, record->line);
    GCR_TRY(gcr_text_copy(&key, record->fields[0].text, record->fields[0].bytes));
    wanted.key = key;
    found = bsearch(&wanted, sorted, count, sizeof *sorted, by_key);
    if (found != NULL)
        out[found->place] = seconds;
out:
    free(key);
    return status;
}

static gcr_status check_complete(const double *out, const gcr_run *run, const char *path)
{
    gcr_status status = GCR_OK;

    for (uint64_t place = 0; place < run->spec.datasets->count; place++) {
        if (out[place] < 0.0)
            GCR_FAIL(GCR_EFORMAT, "%s: nothing about dataset '%s'", path,
                     run->spec.datasets->items[gcr_plan_dataset_at(run->plan, place)].key);
    }
out:
    return status;
}

static gcr_status read_cells(double *out, const gcr_run *run, const char *path)
{
    gcr_status status = GCR_OK;
    const uint64_t count = run->spec.datasets->count;
    keyed_place *sorted = NULL;
    gcr_csv *csv = NULL;
    gcr_csv_record record;

    GCR_TRY(gcr_memory_create((void **)&sorted, count, sizeof *sorted, "costs"));
    for (uint64_t place = 0; place < count; place++) {
        out[place] = -1.0;
        sorted[place] =
            (keyed_place){ run->spec.datasets->items[gcr_plan_dataset_at(run->plan, place)].key,
                           place };
    }
    if (count > 0)
        qsort(sorted, count, sizeof *sorted, by_key);
    GCR_TRY(gcr_csv_open(&csv, path, 0));
    GCR_TRY(gcr_csv_next(&record, csv)); /* the header */
    do {
        GCR_TRY(gcr_csv_next(&record, csv));
        if (record.count > 0)
            GCR_TRY(put_record(out, &record, path, sorted, count));
    } while (record.count > 0);
    GCR_TRY(check_complete(out, run, path));
out:
    gcr_csv_close(csv);
    gcr_memory_destroy(sorted);
    return status;
}

static int is_file(const char *costs)
{
    const size_t bytes = strlen(costs);

    return bytes > 4 && strcmp(costs + bytes - 4, ".csv") == 0;
}

static gcr_status open_workload(gcr_workload **out, const gcr_run *run,
                                const gcr_simulate_options *options)
{
    gcr_status status = GCR_OK;
    const uint64_t datasets = run->spec.datasets->count;
    const int reads = is_file(options->costs);
    double *seconds = NULL;

    *out = NULL;
    GCR_TRY(gcr_memory_create((void **)&seconds, datasets, sizeof *seconds, "costs"));
    if (reads)
        GCR_TRY(read_cells(seconds, run, options->costs));
    else
        predict_cells(seconds, run, options->cell_seconds);
    GCR_TRY(gcr_workload_create(out, reads ? "declared" : options->costs, seconds, datasets,
                                gcr_points_table(run->points)->live_count));
out:
    gcr_memory_destroy(seconds);
    return status;
}

/* ---- who computes them ----------------------------------------------------------------------- */

/* As large as here, but no worker of so many should be without a few. */
static gcr_batch_limits choose_batch(const gcr_run *run, uint64_t workers)
{
    const gcr_run_device *d = &run->devices[0];
    const uint64_t share = gcr_plan_live_count(run->plan) / workers / GCR_BATCHES_PER_WORKER;
    gcr_batch_limits limits = { d->batch_least, d->batch_most, GCR_BATCH_SECONDS };

    if (run->spec.job->batch == 0 && limits.most > share)
        limits.most = share > 0 ? share : 1;
    if (limits.least > limits.most)
        limits.least = limits.most;
    return limits;
}

/* "split:A,B": A of the workers do nothing but to start B others. */
static gcr_status read_strategy(int *groups_out, int *inner_out, const char *strategy, int workers)
{
    gcr_status status = GCR_OK;
    char end;

    *groups_out = *inner_out = 0;
    if (strcmp(strategy, "linear") == 0)
        goto out;
    *groups_out = strcmp(strategy, "outer") == 0 ? workers : 1;
    *inner_out = strcmp(strategy, "outer") == 0 ? 1 : workers;
    if (strcmp(strategy, "outer") == 0 || strcmp(strategy, "inner") == 0)
        goto out;
    if (sscanf(strategy, "split:%d,%d%c", groups_out, inner_out, &end) != 2 || *groups_out < 1 ||
        *inner_out < *groups_out || *inner_out % *groups_out != 0)
        GCR_FAIL(GCR_EINVAL,
                 "strategy '%s': neither linear, outer nor inner, nor split:A,B with B a multiple "
                 "of A",
                 strategy);
    if (workers - *groups_out != *inner_out)
        GCR_FAIL(GCR_EINVAL, "strategy '%s' is for %d workers, and there are %d", strategy,
                 *groups_out + *inner_out, workers);
    *inner_out /= *groups_out;
out:
    return status;
}

static gcr_status simulate_nested(gcr_simulation *out, const gcr_workload *workload, int groups,
                                  int inner, int workers)
{
    gcr_status status = GCR_OK;

    *out = (gcr_simulation){ .total = gcr_workload_total(workload),
                             .longest = gcr_workload_longest(workload) };
    out->ideal = fmax(out->total / workers, out->longest);
    GCR_TRY(gcr_simulate_nested(&out->makespan, workload, groups, inner));
out:
    return status;
}

gcr_status gcr_run_simulate(gcr_simulation *out, const gcr_run *run,
                            const gcr_simulate_options *options)
{
    gcr_status status = GCR_OK;
    const uint64_t workers =
        (uint64_t)options->nodes * (uint64_t)options->ranks * (uint64_t)options->workers;
    gcr_simulation_spec spec = { .form = run->schedule_form,
                                 .nodes = options->nodes,
                                 .ranks = options->ranks,
                                 .workers = options->workers,
                                 .take_seconds = take_seconds,
                                 .message_seconds = message_seconds,
                                 .answer_seconds = answer_seconds };
    gcr_workload *workload = NULL;
    gcr_costs *costs = NULL;
    int groups, inner;

    if (workers > GCR_SIMULATION_WORKERS_MAX)
        GCR_FAIL(GCR_EINVAL, "%" PRIu64 " workers: %d are the most that are simulated", workers,
                 GCR_SIMULATION_WORKERS_MAX);
    GCR_TRY(read_strategy(&groups, &inner, options->strategy, (int)workers));
    GCR_TRY(open_workload(&workload, run, options));
    spec.workload = workload;
    if (groups > 0) {
        GCR_TRY(simulate_nested(out, workload, groups, inner, (int)workers));
        goto out;
    }
    GCR_TRY(gcr_costs_create(&costs, run->plan, run->spec.datasets->count,
                             gcr_points_table(run->points)->live_count));
    spec.costs = costs;
    spec.batch = choose_batch(run, workers);
    GCR_TRY(gcr_simulate(out, &spec));
out:
    gcr_costs_destroy(costs);
    gcr_workload_destroy(workload);
    return status;
}
