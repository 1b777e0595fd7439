/* exec/desk.c -- see exec/desk.h. */
#include "exec/desk.h"

#include "base/check.h"
#include "base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 5,    /* that a rate is the median of                                      */
    PATIENCE = 100, /* batches that are longer than so many waits for an answer are long */
    CERTAINTY = 4,  /* a rate is measured where so much more is finished than is in hand */
};

/* Of what were fair to a node, so much at a time: enough for few messages, and so little that a
 * node of half the predicted rate is not late with its opening. Both found with the simulator. */
static const double grant_share = 0.5;

/* An answer is asked for this many round trips before it is needed. */
static const double trips_ahead = 2.0;

typedef struct node_rate {
    double weight;           /* predicted, in the unit of all nodes       */
    double samples[SAMPLES]; /* cost per second, the last ones            */
    double median;           /* of them                                   */
    int count;               /* of all samples so far; 0: not measured yet */
} node_rate;

struct gcr_desk {
    gcr_desk_spec spec; /* its arrays are not kept */
    gcr_span left;
    node_rate *rates; /* [nodes] */
    double weight;    /* of all nodes ...                                   */
    double measured;  /* ... of those that were measured, and their medians */
    double medians;
};

/* ---- openings -------------------------------------------------------------------------------- */

static double sum_weights(const gcr_desk_spec *spec)
{
    double sum = 0.0;

    for (int n = 0; n < spec->nodes; n++)
        sum += spec->weights[n];
    return sum;
}

/* Cuts the opening of `node` off the front of what is left; weights are those of all nodes. */
static gcr_span cut_opening(gcr_span *left, const gcr_desk_spec *spec, int node, double weights)
{
    const double all = gcr_costs_sum(spec->costs, spec->span);
    const double share = all * grant_share * spec->weights[node] / weights;
    gcr_span opening = { .first = left->first };

    if (spec->nodes == 1)
        opening.count = left->count;
    else if (spec->weights[node] > 0.0)
        opening.count = gcr_costs_cut(spec->costs, *left, share, (uint64_t)spec->workers[node],
                                      spec->live_count);
    left->first += opening.count;
    left->count -= opening.count;
    return opening;
}

gcr_span gcr_desk_opening(const gcr_desk_spec *spec, int node)
{
    const double weights = sum_weights(spec);
    gcr_span left = spec->span, opening = { 0 };

    for (int n = 0; n <= node; n++)
        opening = cut_opening(&left, spec, n, weights);
    return opening;
}

void gcr_desk_openings(gcr_span *out, const gcr_desk_spec *spec)
{
    const double weights = sum_weights(spec);
    gcr_span left = spec->span;

    for (int n = 0; n < spec->nodes; n++)
        out[n] = cut_opening(&left, spec, n, weights);
}

int gcr_desk_feeds(gcr_schedule_form form, int nodes)
{
    return nodes > 1 && (form == GCR_SCHEDULE_DYNAMIC || form == GCR_SCHEDULE_GUIDED);
}

gcr_schedule_spec gcr_desk_schedule(const gcr_desk_spec *spec, gcr_schedule_form form,
                                    const gcr_desk_node *node)
{
    const int is_fed = gcr_desk_feeds(form, spec->nodes);
    const gcr_span span = is_fed ? node->opening : spec->span;

    return (gcr_schedule_spec){ .form = form,
                                .first = span.first,
                                .count = span.count,
                                .live_count = spec->live_count,
                                .batch = node->batch,
                                .workers = node->workers,
                                .first_worker = node->first_worker,
                                .all_workers = node->all_workers,
                                .is_fed = is_fed,
                                .costs = node->ranks > 1 ? spec->costs : NULL };
}

/* ---- the desk -------------------------------------------------------------------------------- */

gcr_status gcr_desk_create(gcr_desk **out, const gcr_desk_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_desk *desk = NULL;

    *out = NULL;
    desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the desk of %d nodes", spec->nodes);
    desk->rates = calloc((size_t)spec->nodes, sizeof *desk->rates);
    if (desk->rates == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the desk of %d nodes", spec->nodes);
    desk->spec = *spec;
    desk->spec.weights = NULL;
    desk->spec.workers = NULL;
    desk->weight = sum_weights(spec);
    desk->left = spec->span;
    for (int n = 0; n < spec->nodes; n++) {
        desk->rates[n].weight = spec->weights[n];
        (void)cut_opening(&desk->left, spec, n, desk->weight);
    }
    *out = desk;
    desk = NULL;
out:
    gcr_desk_destroy(desk);
    return status;
}

void gcr_desk_destroy(gcr_desk *desk)
{
    if (desk == NULL)
        return;
    free(desk->rates);
    free(desk);
}

int gcr_desk_request_fits(const gcr_desk_request *request)
{
    return isfinite(request->cost) && isfinite(request->seconds) && request->cost >= 0.0 &&
           request->seconds >= 0.0;
}

static void note_rate(gcr_desk *desk, node_rate *rate, const gcr_desk_request *request)
{
    double sorted[SAMPLES];
    int count;

    if (!(request->seconds > 0.0) || !(request->cost > 0.0))
        return;
    desk->measured += rate->count == 0 ? rate->weight : 0.0;
    desk->medians -= rate->median;
    rate->samples[rate->count++ % SAMPLES] = request->cost / request->seconds;
    count = rate->count < SAMPLES ? rate->count : SAMPLES;
    memcpy(sorted, rate->samples, sizeof sorted);
    gcr_sort_numbers(sorted, (uint64_t)count);
    rate->median = sorted[(count - 1) / 2];
    desk->medians += rate->median;
}

/* The node's part of the rate of all: those that were not measured yet are thought to be to the
 * others as was predicted. */
static double share_of(const gcr_desk *desk, const node_rate *rate)
{
    const double scale = desk->measured > 0.0 ? desk->medians / desk->measured : 1.0;
    const double all = desk->medians + (desk->weight - desk->measured) * scale;
    const double own = rate->count > 0 ? rate->median : rate->weight * scale;

    return all > own ? own / all : 1.0;
}

gcr_desk_grant gcr_desk_take(gcr_desk *desk, int node, const gcr_desk_request *request)
{
    const gcr_desk_spec *spec = &desk->spec;
    gcr_desk_grant grant = { .span.first = desk->left.first };
    node_rate *rate = &desk->rates[node];
    double share;

    note_rate(desk, rate, request);
    share = gcr_costs_sum(spec->costs, desk->left) * grant_share * share_of(desk, rate);
    grant.span.count =
        gcr_costs_cut(spec->costs, desk->left, share, request->least, spec->live_count);
    desk->left.first += grant.span.count;
    desk->left.count -= grant.span.count;
    grant.is_last = desk->left.count == 0;
    return grant;
}

/* ---- the supply of a node -------------------------------------------------------------------- */

void gcr_supply_open(gcr_supply *out, const gcr_costs *costs, gcr_span opening, double now)
{
    *out = (gcr_supply){ .granted = gcr_costs_sum(costs, opening),
                         .since = now,
                         .next_look = now,
                         .round_trip = GCR_SUPPLY_LOOK_SECONDS };
}

/* Puts what could not be put so far; false where there is still no room. */
static int put_held(gcr_supply *supply, gcr_schedule *schedule)
{
    if (!gcr_schedule_grant(schedule, supply->held.span))
        return 0;
    supply->held.span.count = 0;
    if (supply->held.is_last) {
        supply->is_exhausted = 1;
        gcr_schedule_close(schedule);
    }
    return 1;
}

/* What the node should be granted at least, in positions; 0: there is time yet. Where batches are
 * short, their successors are asked for before they are needed. Long ones are waited for: what is
 * granted too early lies behind them, while other nodes may have nothing. */
static uint64_t find_need(const gcr_schedule_stand *stand, double rate, double margin)
{
    const int is_prompt = stand->in_hand <= rate * margin * PATIENCE;

    if (stand->left > rate * margin)
        return 0;
    return is_prompt ? stand->wants : stand->idle_wants;
}

int gcr_supply_look(gcr_supply *supply, gcr_schedule *schedule, double now, gcr_desk_request *out)
{
    const double margin = trips_ahead * (supply->round_trip + GCR_SUPPLY_LOOK_SECONDS);
    const double elapsed = now - supply->since;
    gcr_schedule_stand stand;
    double finished, rate, wait;

    if (supply->is_waiting || supply->is_exhausted)
        return 0;
    if (supply->held.span.count > 0 && !put_held(supply, schedule))
        return 0;
    if (now < supply->next_look && !gcr_schedule_is_low(schedule))
        return 0;
    stand = gcr_schedule_look(schedule);
    finished = supply->granted - stand.left - stand.in_hand - supply->finished;
    rate = elapsed > 0.0 && finished > 0.0 ? finished / elapsed : 0.0;
    *out = (gcr_desk_request){ .least = find_need(&stand, rate, margin) };
    if (out->least == 0) {
        /* half of the time that is left: what comes may be cheaper than what was; and a rate is low
         * as long as little has been finished since the last was told */
        rate = fmax(rate, supply->rate);
        wait = rate > 0.0 ? ((stand.left + stand.in_hand) / rate - margin) / 2 : elapsed;
        supply->next_look = now + (wait > GCR_SUPPLY_LOOK_SECONDS ? wait : GCR_SUPPLY_LOOK_SECONDS);
        return 0;
    }
    if (finished >= CERTAINTY * stand.in_hand) {
        out->cost = finished;
        out->seconds = elapsed;
        supply->rate = rate;
        supply->finished += finished;
        supply->since = now;
    }
    supply->asked = now;
    supply->is_waiting = 1;
    return 1;
}

double gcr_supply_rest(const gcr_supply *supply, double now)
{
    if (supply->is_exhausted || supply->held.span.count > 0)
        return INFINITY;
    return supply->is_waiting ? 0.0 : fmax(0.0, supply->next_look - now);
}

int gcr_supply_grant_fits(const gcr_supply *supply, gcr_span all, const gcr_desk_grant *grant)
{
    const gcr_span span = grant->span;

    return supply->is_waiting && span.first >= all.first && span.count <= all.count &&
           span.first - all.first <= all.count - span.count;
}

void gcr_supply_put(gcr_supply *supply, gcr_schedule *schedule, const gcr_costs *costs,
                    const gcr_desk_grant *grant, double now)
{
    const double took = now - supply->asked;

    supply->round_trip =
        took > supply->round_trip ? took : supply->round_trip + (took - supply->round_trip) / 8;
    supply->granted += gcr_costs_sum(costs, grant->span);
    supply->held = *grant;
    supply->is_waiting = 0;
    supply->next_look = now;
    (void)put_held(supply, schedule);
}
