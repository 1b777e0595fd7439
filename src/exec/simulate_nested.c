/* exec/simulate_nested.c -- what parallel loops inside parallel loops would take. See
 * exec/simulate.h. */
#include "exec/simulate.h"

#include "base/check.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

/* The first of those that are free earliest. */
static int find_free(const double *free_at, int count)
{
    int first = 0;

    for (int i = 1; i < count; i++)
        if (free_at[i] < free_at[first])
            first = i;
    return first;
}

static double find_last(const double *free_at, int count)
{
    double last = 0.0;

    for (int i = 0; i < count; i++)
        last = fmax(last, free_at[i]);
    return last;
}

/* Seconds until `inner` workers, that begin together, are through with a dataset. */
static double crunch_dataset(const gcr_workload *workload, uint64_t place, double *free_at,
                             int inner)
{
    const uint64_t positions = gcr_workload_positions(workload);

    memset(free_at, 0, (size_t)inner * sizeof *free_at);
    for (uint64_t p = 0; p < positions; p++)
        free_at[find_free(free_at, inner)] +=
            gcr_workload_seconds(workload, (gcr_span){ place * positions + p, 1 });
    return find_last(free_at, inner);
}

gcr_status gcr_simulate_nested(double *makespan_out, const gcr_workload *workload, int groups,
                               int inner)
{
    gcr_status status = GCR_OK;
    const uint64_t datasets = gcr_workload_datasets(workload);
    const double cells = (double)datasets * (double)gcr_workload_positions(workload);
    double *group_free = NULL, *worker_free = NULL;

    if (cells * inner + (double)datasets * groups > GCR_SIMULATION_CHOICES_MAX)
        GCR_FAIL(GCR_EINVAL,
                 "%.3g cells on %d workers are too many to simulate nested loops: the strategy "
                 "linear takes more",
                 cells, groups * inner);
    GCR_TRY(gcr_memory_create((void **)&group_free, (uint64_t)groups, sizeof *group_free,
                              "a simulation"));
    GCR_TRY(gcr_memory_create((void **)&worker_free, (uint64_t)inner, sizeof *worker_free,
                              "a simulation"));
    for (uint64_t place = 0; place < datasets; place++)
        group_free[find_free(group_free, groups)] +=
            crunch_dataset(workload, place, worker_free, inner);
    *makespan_out = find_last(group_free, groups);
out:
    gcr_memory_destroy(group_free);
    gcr_memory_destroy(worker_free);
    return status;
}
