/* exec/split.c -- see exec/split.h. */
#include "exec/split.h"

#include <assert.h>
#include <math.h>

static const double seconds_least = 2.0;    /* starting a GPU takes a good part of one         */
static const double share_least = 1.0 / 32; /* less is not worth results of two kinds          */
static const double shift_most = 0.1;       /* of the smaller share beside a cut that is moved */

double gcr_split_rate(const gcr_device_info *info, gcr_scalar scalar, int units)
{
    const double flops = info->unit_flops[scalar];

    return (units > 1 ? units : 1) * (flops > 0.0 ? flops : 1.0);
}

int gcr_split_is_small(double flops, double rate)
{
    return flops < seconds_least * rate;
}

int gcr_split_is_slow(double rate, double total)
{
    return rate < share_least * total;
}

/* The kinds from the fastest on; the first of equals first. */
static void sort_kinds(int *order, const double *rates, int count)
{
    for (int k = 0; k < count; k++) {
        int at = k;

        for (; at > 0 && rates[order[at - 1]] < rates[k]; at--)
            order[at] = order[at - 1];
        order[at] = k;
    }
}

/* The position before which a share `wanted` of the cost lies; `slack` is how much of the cost the
 * cut may be off so that it falls between two datasets. */
static uint64_t find_cut(const gcr_plan *plan, uint64_t places, uint64_t positions, double wanted,
                         double slack)
{
    double before = 0.0, share = 0.0, inside;
    uint64_t place = 0;

    for (; place < places; place++, before += share) {
        share = gcr_plan_cost_share(plan, place);
        if (before + share > wanted)
            break;
    }
    if (place == places)
        return places * positions;
    inside = (wanted - before) / share;
    if (inside * share <= slack && inside <= 0.5)
        return place * positions;
    if ((1.0 - inside) * share <= slack)
        return (place + 1) * positions;
    return place * positions + (uint64_t)llround(inside * (double)positions);
}

void gcr_split_positions(gcr_span *out, const double *rates, int count, const gcr_plan *plan,
                         uint64_t dataset_count, uint64_t positions)
{
    int order[GCR_CREW_KINDS_MAX];
    double total = 0.0, wanted = 0.0;
    uint64_t first = 0;

    assert(count <= GCR_CREW_KINDS_MAX);
    for (int k = 0; k < count; k++)
        total += rates[k];
    sort_kinds(order, rates, count);
    for (int i = 0; i < count; i++) {
        const double share = rates[order[i]] / total;
        uint64_t end = dataset_count * positions;

        wanted += share;
        if (i < count - 1) {
            const double next = rates[order[i + 1]] / total;

            end = find_cut(plan, dataset_count, positions, wanted, shift_most * fmin(share, next));
        }
        if (end < first)
            end = first;
        out[order[i]] = (gcr_span){ .first = first, .count = end - first };
        first = end;
    }
}
