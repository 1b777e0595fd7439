/* exec/costs.c -- see exec/costs.h. */
#include "exec/costs.h"

#include "base/check.h"

#include <stdlib.h>

enum {
    EDGE_SHARE = 4
}; /* a cut is moved to an edge that is no farther than this part of the share */

static const double even_most = 1.5; /* the dearest to the cheapest; half a cell is no imbalance */

/* Positions of one cost, up to where the next run begins. */
typedef struct run {
    uint64_t first;
    double before; /* of all positions before the first */
    double each;
} run;

struct gcr_costs {
    run *runs; /* [count] */
    uint64_t count;
};

static gcr_status gather_runs(gcr_costs *costs, const gcr_plan *plan, uint64_t dataset_count,
                              uint64_t positions)
{
    gcr_status status = GCR_OK;
    double before = 0.0;
    uint64_t capacity = 0;

    for (uint64_t place = 0; place < dataset_count; place++) {
        const double share = gcr_plan_cost_share(plan, place), each = share / (double)positions;
        run *grown;

        if (costs->count == 0 || costs->runs[costs->count - 1].each != each) {
            if (costs->count == capacity) {
                capacity = capacity == 0 ? 16 : 2 * capacity;
                grown = reallocarray(costs->runs, capacity, sizeof *grown);
                if (grown == NULL)
                    GCR_FAIL(GCR_ENOMEM, "no memory for the costs of %llu datasets",
                             (unsigned long long)dataset_count);
                costs->runs = grown;
            }
            costs->runs[costs->count++] =
                (run){ .first = place * positions, .before = before, .each = each };
        }
        before += share;
    }
out:
    return status;
}

gcr_status gcr_costs_create(gcr_costs **out, const gcr_plan *plan, uint64_t dataset_count,
                            uint64_t positions)
{
    gcr_status status = GCR_OK;
    gcr_costs *costs = NULL;

    *out = NULL;
    costs = calloc(1, sizeof *costs);
    if (costs == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the costs of a plan");
    GCR_TRY(gather_runs(costs, plan, dataset_count, positions));
    *out = costs;
    costs = NULL;
out:
    gcr_costs_destroy(costs);
    return status;
}

void gcr_costs_destroy(gcr_costs *costs)
{
    if (costs == NULL)
        return;
    free(costs->runs);
    free(costs);
}

/* True where a run begins at or before what is looked for. */
typedef int begins_fn(const run *r, const void *at);

static int begins_by_position(const run *r, const void *at)
{
    return r->first <= *(const uint64_t *)at;
}

static int begins_by_cost(const run *r, const void *at)
{
    return r->before <= *(const double *)at;
}

/* The last run that does; the first one, if none does. */
static const run *find_run(const gcr_costs *costs, begins_fn *begins, const void *at)
{
    uint64_t low = 0, high = costs->count;

    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;

        if (begins(&costs->runs[middle], at))
            low = middle;
        else
            high = middle;
    }
    return &costs->runs[low];
}

static double sum_before(const gcr_costs *costs, uint64_t position)
{
    const run *r = find_run(costs, begins_by_position, &position);

    return r->before + r->each * (double)(position - r->first);
}

double gcr_costs_of(const gcr_costs *costs, uint64_t position)
{
    return costs == NULL ? 1.0 : find_run(costs, begins_by_position, &position)->each;
}

double gcr_costs_sum(const gcr_costs *costs, gcr_span span)
{
    if (costs == NULL || span.count == 0)
        return (double)span.count;
    return sum_before(costs, span.first + span.count) - sum_before(costs, span.first);
}

uint64_t gcr_costs_fit(const gcr_costs *costs, gcr_span span, double most)
{
    const double end = (double)span.first + (double)span.count;
    double at = (double)span.first + most; /* where it ends, as a position */

    if (costs != NULL && span.count > 0) {
        const double sum = sum_before(costs, span.first) + most;
        const run *r = find_run(costs, begins_by_cost, &sum);

        at = r->each > 0.0 ? (double)r->first + (sum - r->before) / r->each : end;
    }
    if (at >= end)
        return span.count;
    return at > (double)span.first ? (uint64_t)at - span.first : 0;
}

uint64_t gcr_costs_cut(const gcr_costs *costs, gcr_span span, double share, uint64_t least,
                       uint64_t live_count)
{
    uint64_t count = gcr_costs_fit(costs, span, share), beyond, before, shift;

    if (count <= least) /* near the end an edge is worth nothing: each worker's batch is */
        return least < span.count ? least : span.count;
    if (count >= span.count)
        return span.count;
    beyond = (span.first + count) % live_count; /* of the edge before it ... */
    before = live_count - beyond;               /* ... and of the one after  */
    shift = beyond < before ? beyond : before;
    if (shift > count / EDGE_SHARE)
        return count;
    if (beyond < before)
        return count - beyond < least ? count : count - beyond;
    return before < span.count - count ? count + before : span.count;
}

int gcr_costs_are_even(const gcr_costs *costs, gcr_span span)
{
    double first, last;

    if (span.count < 2)
        return 1;
    first = gcr_costs_of(costs, span.first);
    last = gcr_costs_of(costs, span.first + span.count - 1);
    return first <= even_most * last && last <= even_most * first;
}
