/* exec/workload.c -- see exec/workload.h. */
#include "exec/workload.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct gcr_workload {
    double *cell_seconds; /* [datasets] in the order of the plan */
    uint64_t datasets, positions;
    double alpha; /* > 0: factors are drawn */
    uint64_t seed;
    double *before; /* [factor_count + 1] sums of the listed factors; NULL: not listed */
    uint64_t factor_count;
    double total, longest;
};

/* Well mixed bits of a number. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static double draw(const gcr_workload *workload, uint64_t position)
{
    const uint64_t bits = mix(mix(workload->seed) ^ position) >> 11;

    return pow(((double)bits + 0.5) * 0x1p-53, -1.0 / workload->alpha);
}

/* Sum of the listed factors of points 0 .. point - 1. */
static double listed_before(const gcr_workload *workload, uint64_t point)
{
    const uint64_t rounds = point / workload->factor_count, rest = point % workload->factor_count;

    return (double)rounds * workload->before[workload->factor_count] + workload->before[rest];
}

/* Of `count` points of one dataset from number `point` on. */
static double sum_factors(const gcr_workload *workload, uint64_t place, uint64_t point,
                          uint64_t count)
{
    const uint64_t first = place * workload->positions + point;
    double sum = 0.0;

    if (workload->before != NULL)
        return listed_before(workload, point + count) - listed_before(workload, point);
    if (workload->alpha <= 0.0)
        return (double)count;
    for (uint64_t p = first; p < first + count; p++)
        sum += draw(workload, p);
    return sum;
}

double gcr_workload_seconds(const gcr_workload *workload, gcr_span span)
{
    const uint64_t end = span.first + span.count;
    double seconds = 0.0;

    for (uint64_t p = span.first; p < end;) {
        const uint64_t place = p / workload->positions, point = p % workload->positions;
        const uint64_t inside = workload->positions - point;
        const uint64_t count = inside < end - p ? inside : end - p;

        seconds += workload->cell_seconds[place] * sum_factors(workload, place, point, count);
        p += count;
    }
    return seconds;
}

static double largest_factor(const gcr_workload *workload, uint64_t place)
{
    double largest = 1.0;

    if (workload->before != NULL) {
        largest = 0.0;
        for (uint64_t f = 0; f < workload->factor_count && f < workload->positions; f++)
            largest = fmax(largest, workload->before[f + 1] - workload->before[f]);
    }
    for (uint64_t p = 0; workload->alpha > 0.0 && p < workload->positions; p++)
        largest = fmax(largest, draw(workload, place * workload->positions + p));
    return largest;
}

/* Both in one pass over the places. */
static void add_up(gcr_workload *workload)
{
    for (uint64_t place = 0; place < workload->datasets; place++) {
        const double each = workload->cell_seconds[place];

        workload->total += each * sum_factors(workload, place, 0, workload->positions);
        workload->longest = fmax(workload->longest, each * largest_factor(workload, place));
    }
}

/* "ALPHA" or "ALPHA:SEED". */
static gcr_status read_pareto(gcr_workload *workload, const char *text)
{
    gcr_status status = GCR_OK;
    const char *colon = strchr(text, ':');
    const size_t bytes = colon == NULL ? strlen(text) : (size_t)(colon - text);
    const uint64_t cells = workload->datasets * workload->positions;
    double seed = 0.0;

    if (!gcr_parse_number(&workload->alpha, text, bytes) || !(workload->alpha > 0.0) ||
        !isfinite(workload->alpha) ||
        (colon != NULL && (!gcr_parse_number(&seed, colon + 1, strlen(colon + 1)) || seed < 0.0 ||
                           seed > 0x1p53 || seed != floor(seed))))
        GCR_FAIL(GCR_EINVAL,
                 "costs 'pareto:%s': pareto takes ALPHA > 0, and a whole number as its seed, as in "
                 "pareto:1.5:7",
                 text);
    workload->seed = (uint64_t)seed;
    if (cells > GCR_WORKLOAD_DRAWN_MAX)
        GCR_FAIL(GCR_EINVAL,
                 "costs 'pareto:%s' are drawn for each of %" PRIu64 " cells, and %d are the most: "
                 "simulate fewer cells, or costs that are declared or listed",
                 text, cells, GCR_WORKLOAD_DRAWN_MAX);
out:
    return status;
}

/* "1,1,1,10" */
static gcr_status read_list(gcr_workload *workload, const char *text)
{
    gcr_status status = GCR_OK;
    uint64_t count = 1;

    for (const char *c = text; *c != '\0'; c++)
        count += *c == ',';
    GCR_TRY(gcr_memory_create((void **)&workload->before, count + 1, sizeof(double), "costs"));
    for (const char *at = text; workload->factor_count < count;) {
        const size_t bytes = strcspn(at, ",");
        double factor;

        if (!gcr_parse_number(&factor, at, bytes) || !(factor > 0.0) || !isfinite(factor))
            GCR_FAIL(GCR_EINVAL,
                     "costs '%s': neither declared, nor pareto:ALPHA, nor numbers > 0 with commas "
                     "between them",
                     text);
        workload->factor_count++;
        workload->before[workload->factor_count] =
            workload->before[workload->factor_count - 1] + factor;
        at += bytes + (at[bytes] == ',');
    }
out:
    return status;
}

gcr_status gcr_workload_create(gcr_workload **out, const char *form, const double *cell_seconds,
                               uint64_t datasets, uint64_t positions)
{
    gcr_status status = GCR_OK;
    gcr_workload *workload = NULL;

    *out = NULL;
    workload = calloc(1, sizeof *workload);
    if (workload == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a workload");
    workload->datasets = datasets;
    workload->positions = positions;
    GCR_TRY(gcr_memory_create((void **)&workload->cell_seconds, datasets, sizeof(double), "costs"));
    if (datasets > 0)
        memcpy(workload->cell_seconds, cell_seconds, datasets * sizeof(double));
    if (strncmp(form, "pareto:", 7) == 0)
        GCR_TRY(read_pareto(workload, form + 7));
    else if (strcmp(form, "declared") != 0)
        GCR_TRY(read_list(workload, form));
    add_up(workload);
    *out = workload;
    workload = NULL;
out:
    gcr_workload_destroy(workload);
    return status;
}

void gcr_workload_destroy(gcr_workload *workload)
{
    if (workload == NULL)
        return;
    gcr_memory_destroy(workload->cell_seconds);
    gcr_memory_destroy(workload->before);
    free(workload);
}

double gcr_workload_total(const gcr_workload *workload)
{
    return workload->total;
}

double gcr_workload_longest(const gcr_workload *workload)
{
    return workload->longest;
}

uint64_t gcr_workload_datasets(const gcr_workload *workload)
{
    return workload->datasets;
}

uint64_t gcr_workload_positions(const gcr_workload *workload)
{
    return workload->positions;
}
