/* exec/costs.c -- see exec/costs.h. */
#include "exec/costs.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>

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

/* The last run that begins at or before a position. */
static const run *find_run(const gcr_costs *costs, uint64_t position)
{
    uint64_t low = 0, high = costs->count;

    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;

        if (costs->runs[middle].first <= position)
            low = middle;
        else
            high = middle;
    }
    return &costs->runs[low];
}

static double sum_before(const gcr_costs *costs, uint64_t position)
{
    const run *r = find_run(costs, position);

    return r->before + r->each * (double)(position - r->first);
}

double gcr_costs_of(const gcr_costs *costs, uint64_t position)
{
    return find_run(costs, position)->each;
}

double gcr_costs_sum(const gcr_costs *costs, gcr_span span)
{
    if (span.count == 0)
        return 0.0;
    return sum_before(costs, span.first + span.count) - sum_before(costs, span.first);
}

uint64_t gcr_costs_fit(const gcr_costs *costs, gcr_span span, double most)
{
    const double end = span.count > 0 ? sum_before(costs, span.first) + most : 0.0;
    uint64_t low = 0, high = costs->count, fit;
    const run *r;

    if (span.count == 0)
        return 0;
    while (high - low > 1) { /* the last run that begins before that much is spent */
        const uint64_t middle = low + (high - low) / 2;

        if (costs->runs[middle].before <= end)
            low = middle;
        else
            high = middle;
    }
    r = &costs->runs[low];
    if (r->first > span.first + span.count)
        return span.count;
    if (r->each <= 0.0 || (end - r->before) / r->each >= (double)span.count + (double)span.first)
        return span.count;
    fit = r->first + (uint64_t)((end - r->before) / r->each);
    if (fit <= span.first)
        return 0;
    return fit - span.first < span.count ? fit - span.first : span.count;
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
