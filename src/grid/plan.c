/*
 * grid/plan.c -- counts bytes and sorts datasets by cost.
 *
 * Every sum is checked: a plan is what stands between a person's typing error and an allocation
 * of the whole machine.
 */
#include "grid/plan_create.h"

#include "base/check.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct turn {
    double cost; /* of one cell */
    uint64_t dataset;
} turn;

struct gcr_plan {
    turn *turns; /* [dataset_count] in the order of work */
    double cost; /* of one cell of each dataset, summed  */
    uint64_t cell_count, live_count;
    gcr_plan_bytes bytes;
};

/* Longest first; among equals the order of the source. */
static int by_cost(const void *a, const void *b)
{
    const turn *x = a, *y = b;

    if (x->cost != y->cost)
        return x->cost > y->cost ? -1 : 1;
    return (x->dataset > y->dataset) - (x->dataset < y->dataset);
}

static int by_bytes_descending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x < y) - (x > y);
}

static gcr_status order_datasets(gcr_plan *plan, const gcr_plan_spec *spec)
{
    gcr_status status = GCR_OK;
    void *turns;

    GCR_TRY(gcr_memory_create(&turns, spec->dataset_count, sizeof *plan->turns, "a plan"));
    plan->turns = turns;
    for (uint64_t i = 0; i < spec->dataset_count; i++) {
        plan->turns[i] = (turn){ spec->datasets[i].cell_cost, i };
        plan->cost += spec->datasets[i].cell_cost;
    }
    if (!spec->keeps_order && spec->dataset_count > 0)
        qsort(plan->turns, spec->dataset_count, sizeof *plan->turns, by_cost);
out:
    return status;
}

/* *sum += a * b; false where 63 bits do not hold it. */
static int add_product(uint64_t *sum, uint64_t a, uint64_t b)
{
    uint64_t product;

    return gcr_multiply(&product, a, b) && gcr_add(sum, *sum, product) && *sum <= INT64_MAX;
}

static gcr_status count_cells(gcr_plan *plan, const gcr_plan_spec *spec)
{
    gcr_status status = GCR_OK;

    if (!add_product(&plan->cell_count, spec->dataset_count, spec->point_count))
        GCR_FAIL(GCR_EOVERFLOW,
                 "%" PRIu64 " datasets times %" PRIu64 " points are more cells than 63 bits can "
                 "count: make the grid smaller",
                 spec->dataset_count, spec->point_count);
    plan->live_count = spec->dataset_count * spec->live_count;
out:
    return status;
}

/* The most bytes of prepared blocks that live at once; false if there are too many. */
static int sum_prepared(uint64_t *out, uint64_t *sizes, const gcr_plan_spec *spec)
{
    const uint64_t all = spec->dataset_count;
    const uint64_t at_once = spec->prepared_at_once < all ? spec->prepared_at_once : all;

    for (uint64_t i = 0; i < all; i++)
        sizes[i] = spec->datasets[i].prepared_bytes;
    if (all > 0)
        qsort(sizes, all, sizeof *sizes, by_bytes_descending);
    for (uint64_t i = 0; i < at_once; i++)
        if (!add_product(out, sizes[i], 1))
            return 0;
    return 1;
}

static int sum_data(uint64_t *out, const gcr_plan_spec *spec)
{
    for (uint64_t i = 0; i < spec->dataset_count; i++)
        if (!add_product(out, spec->datasets[i].data_bytes, 1))
            return 0;
    return 1;
}

static int sum_total(gcr_plan_bytes *bytes)
{
    const uint64_t parts[] = { bytes->data,     bytes->outputs, bytes->states,
                               bytes->prepared, bytes->scratch, bytes->points };

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!add_product(&bytes->total, parts[i], 1))
            return 0;
    return 1;
}

static gcr_status count_bytes(gcr_plan *plan, const gcr_plan_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_plan_bytes *bytes = &plan->bytes;
    void *sizes = NULL;

    GCR_TRY(gcr_memory_create(&sizes, spec->dataset_count, sizeof(uint64_t), "a plan"));
    bytes->points = spec->points_bytes;
    bytes->scratch = spec->scratch_bytes;
    if (!add_product(&bytes->points, spec->dataset_count, sizeof(turn)) ||
        !add_product(&bytes->outputs, plan->cell_count, spec->output_bytes) ||
        !add_product(&bytes->states, plan->cell_count, spec->state_bytes) ||
        !sum_data(&bytes->data, spec) || !sum_prepared(&bytes->prepared, sizes, spec) ||
        !sum_total(bytes))
        GCR_FAIL(GCR_EOVERFLOW,
                 "%" PRIu64 " datasets times %" PRIu64 " points take more bytes than 63 bits can "
                 "count: make the grid smaller",
                 spec->dataset_count, spec->point_count);
out:
    gcr_memory_destroy(sizes);
    return status;
}

gcr_status gcr_plan_create(gcr_plan **out, const gcr_plan_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_plan *plan = NULL;

    *out = NULL;
    plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a plan");
    GCR_TRY(count_cells(plan, spec));
    GCR_TRY(count_bytes(plan, spec));
    GCR_TRY(order_datasets(plan, spec));
    *out = plan;
    plan = NULL;
out:
    gcr_plan_destroy(plan);
    return status;
}

void gcr_plan_destroy(gcr_plan *plan)
{
    if (plan == NULL)
        return;
    gcr_memory_destroy(plan->turns);
    free(plan);
}

uint64_t gcr_plan_cell_count(const gcr_plan *plan)
{
    return plan->cell_count;
}

uint64_t gcr_plan_live_count(const gcr_plan *plan)
{
    return plan->live_count;
}

uint64_t gcr_plan_dataset_at(const gcr_plan *plan, uint64_t place)
{
    return plan->turns[place].dataset;
}

double gcr_plan_cost_share(const gcr_plan *plan, uint64_t place)
{
    return plan->turns[place].cost / plan->cost;
}

const gcr_plan_bytes *gcr_plan_memory(const gcr_plan *plan)
{
    return &plan->bytes;
}
