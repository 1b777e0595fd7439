/* exec/simulate.c -- events in a heap, the real schedules between them. See exec/simulate.h. */
#include "exec/simulate.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/desk.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

typedef enum event_kind {
    EVENT_WORKER_FREE, /* a batch has ended, or a nap           */
    EVENT_LOOK,        /* of a leader                           */
    EVENT_REQUEST,     /* a node's has reached the desk         */
    EVENT_GRANT,       /* the desk's answer has reached a node  */
} event_kind;

typedef struct event {
    double at;
    uint64_t
        number; /* of all events: among those of one moment the first that was known goes first */
    event_kind kind;
    int who; /* a worker of all, or a node */
} event;

typedef struct heap {
    event *events; /* [capacity] */
    uint64_t count, capacity, number;
} heap;

typedef struct worker {
    gcr_span span; /* what is left of what it has taken */
    uint64_t batch;
    double batch_began, busy;
    int is_napping;
} worker;

typedef struct node {
    gcr_schedule *schedule;
    gcr_supply supply;
    double look_at; /* of the only event of its leader that counts; < 0: none */
    gcr_desk_request request;
    gcr_desk_grant grant;
} node;

typedef struct simulator {
    const gcr_simulation_spec *spec;
    int node_workers, all_workers;
    worker *workers; /* [all_workers] */
    node *nodes;     /* [spec->nodes] */
    gcr_desk *desk;  /* NULL: nobody is fed */
    double desk_free;
    heap heap;
    gcr_simulation *out;
} simulator;

/* ---- the heap -------------------------------------------------------------------------------- */

static int is_before(const event *a, const event *b)
{
    return a->at < b->at || (a->at == b->at && a->number < b->number);
}

static gcr_status push(heap *h, double at, event_kind kind, int who)
{
    gcr_status status = GCR_OK;
    const event e = { .at = at, .number = h->number++, .kind = kind, .who = who };
    uint64_t i = h->count;

    if (h->count == h->capacity) {
        const uint64_t capacity = h->capacity == 0 ? 1024 : 2 * h->capacity;
        event *grown = reallocarray(h->events, capacity, sizeof *grown);

        if (grown == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for a simulation");
        h->events = grown;
        h->capacity = capacity;
    }
    h->count++;
    for (; i > 0 && is_before(&e, &h->events[(i - 1) / 2]); i = (i - 1) / 2)
        h->events[i] = h->events[(i - 1) / 2];
    h->events[i] = e;
out:
    return status;
}

static event pop(heap *h)
{
    const event first = h->events[0], last = h->events[--h->count];
    uint64_t i = 0, child = 1;

    for (; child < h->count; child = 2 * i + 1) {
        if (child + 1 < h->count && is_before(&h->events[child + 1], &h->events[child]))
            child++;
        if (!is_before(&h->events[child], &last))
            break;
        h->events[i] = h->events[child];
        i = child;
    }
    h->events[i] = last;
    return first;
}

/* ---- leaders and the desk -------------------------------------------------------------------- */

/* A leader looks again at `at` or, where it would look before, then. */
static gcr_status plan_look(simulator *s, int n, double at)
{
    gcr_status status = GCR_OK;
    node *nd = &s->nodes[n];

    if (nd->look_at >= 0.0 && nd->look_at <= at)
        goto out;
    nd->look_at = at;
    GCR_TRY(push(&s->heap, at, EVENT_LOOK, n));
out:
    return status;
}

/* What node 0 and rank 0 tell each other takes no time on a network, and is no message. */
static double message_seconds(const simulator *s, int n)
{
    return n > 0 ? s->spec->message_seconds : 0.0;
}

static void count_message(simulator *s, int n)
{
    s->out->messages += n > 0 ? 1 : 0;
}

static gcr_status look(simulator *s, int n, double now)
{
    gcr_status status = GCR_OK;
    node *nd = &s->nodes[n];

    if (nd->look_at != now) /* it has looked earlier */
        goto out;
    nd->look_at = -1.0;
    if (gcr_supply_look(&nd->supply, nd->schedule, now, &nd->request)) {
        count_message(s, n);
        GCR_TRY(push(&s->heap, now + message_seconds(s, n), EVENT_REQUEST, n));
    } else if (!nd->supply.is_waiting && !nd->supply.is_exhausted) {
        GCR_TRY(plan_look(s, n, fmax(nd->supply.next_look, now + GCR_SUPPLY_LOOK_SECONDS)));
    }
out:
    return status;
}

/* Rank 0 finds a request at its next look, and is busy with one at a time. */
static gcr_status answer(simulator *s, int n, double now)
{
    gcr_status status = GCR_OK;
    const double begins = fmax(now + GCR_SUPPLY_LOOK_SECONDS, s->desk_free);

    s->desk_free = begins + s->spec->answer_seconds;
    s->nodes[n].grant = gcr_desk_take(s->desk, n, &s->nodes[n].request);
    s->out->grants += s->nodes[n].grant.span.count > 0 ? 1 : 0;
    count_message(s, n);
    GCR_TRY(push(&s->heap, s->desk_free + message_seconds(s, n) + GCR_SUPPLY_LOOK_SECONDS,
                 EVENT_GRANT, n));
out:
    return status;
}

/* Those who sleep find out within a nap. */
static gcr_status take_grant(simulator *s, int n, double now)
{
    gcr_status status = GCR_OK;
    node *nd = &s->nodes[n];

    gcr_supply_put(&nd->supply, nd->schedule, s->spec->costs, &nd->grant, now);
    GCR_TRY(plan_look(s, n, now));
    for (int w = n * s->node_workers; w < (n + 1) * s->node_workers; w++) {
        if (!s->workers[w].is_napping)
            continue;
        s->workers[w].is_napping = 0;
        GCR_TRY(push(&s->heap, now + GCR_SCHEDULE_NAP_SECONDS, EVENT_WORKER_FREE, w));
    }
out:
    return status;
}

/* ---- workers --------------------------------------------------------------------------------- */

/* Computes the next batch of the worker's span. */
static gcr_status begin_batch(simulator *s, int w, double now)
{
    gcr_status status = GCR_OK;
    const gcr_simulation_spec *spec = s->spec;
    worker *wk = &s->workers[w];
    const double speed = spec->speed == NULL ? 1.0 : spec->speed[w / s->node_workers];
    const gcr_span batch = { wk->span.first,
                             wk->batch < wk->span.count ? wk->batch : wk->span.count };
    const double seconds = gcr_workload_seconds(spec->workload, batch) / speed;

    wk->span.first += batch.count;
    wk->span.count -= batch.count;
    wk->batch_began = now;
    wk->busy += seconds;
    s->out->batches++;
    GCR_TRY(push(&s->heap, now + spec->take_seconds + seconds, EVENT_WORKER_FREE, w));
    s->out->makespan = fmax(s->out->makespan, now + spec->take_seconds + seconds);
out:
    return status;
}

static gcr_status work(simulator *s, int w, double now)
{
    gcr_status status = GCR_OK;
    worker *wk = &s->workers[w];
    const int n = w / s->node_workers;
    node *nd = &s->nodes[n];
    gcr_schedule_answer got = GCR_SCHEDULE_NOW;

    if (wk->batch_began >= 0.0)
        wk->batch = gcr_batch_adapt(wk->batch, &s->spec->batch, now - wk->batch_began);
    wk->batch_began = -1.0;
    if (wk->span.count == 0)
        got = gcr_schedule_next(nd->schedule, w % s->node_workers, wk->batch, &wk->span);
    if (got == GCR_SCHEDULE_NOW)
        GCR_TRY(begin_batch(s, w, now));
    wk->is_napping = got == GCR_SCHEDULE_LATER;
    if (s->desk != NULL && gcr_schedule_is_low(nd->schedule) && !nd->supply.is_waiting &&
        !nd->supply.is_exhausted)
        GCR_TRY(plan_look(s, n, now + GCR_SUPPLY_LOOK_SECONDS));
out:
    return status;
}

static gcr_status act(simulator *s, const event *e)
{
    switch (e->kind) {
    case EVENT_WORKER_FREE: return work(s, e->who, e->at);
    case EVENT_LOOK: return look(s, e->who, e->at);
    case EVENT_REQUEST: return answer(s, e->who, e->at);
    default: return take_grant(s, e->who, e->at);
    }
}

/* ---- begin and end --------------------------------------------------------------------------- */

static gcr_status check(const gcr_simulation_spec *spec)
{
    gcr_status status = GCR_OK;
    const uint64_t cells =
        gcr_workload_datasets(spec->workload) * gcr_workload_positions(spec->workload);
    const uint64_t batches = cells / spec->batch.most;

    if (batches > GCR_SIMULATION_BATCHES_MAX)
        GCR_FAIL(GCR_EINVAL,
                 "%" PRIu64 " cells are %" PRIu64 " batches of %" PRIu64
                 ", and %d are the most that "
                 "are simulated: ask for larger ones with --batch",
                 cells, batches, spec->batch.most, GCR_SIMULATION_BATCHES_MAX);
out:
    return status;
}

static gcr_status open_node(simulator *s, const gcr_desk_spec *desk, int n, gcr_span opening)
{
    gcr_status status = GCR_OK;
    const gcr_simulation_spec *spec = s->spec;
    const gcr_desk_node own = { .opening = opening,
                                .batch = spec->batch.most,
                                .workers = s->node_workers,
                                .first_worker = n * s->node_workers,
                                .all_workers = s->all_workers,
                                .ranks = spec->nodes * spec->ranks };
    const gcr_schedule_spec schedule = gcr_desk_schedule(desk, spec->form, &own);

    GCR_TRY(gcr_schedule_create(&s->nodes[n].schedule, &schedule));
    s->nodes[n].look_at = -1.0;
    if (s->desk == NULL)
        goto out;
    gcr_supply_open(&s->nodes[n].supply, spec->costs, opening, 0.0);
    GCR_TRY(plan_look(s, n, GCR_SUPPLY_LOOK_SECONDS));
out:
    return status;
}

static gcr_status open_nodes(simulator *s)
{
    gcr_status status = GCR_OK;
    const gcr_simulation_spec *spec = s->spec;
    gcr_desk_spec desk = { .live_count = gcr_workload_positions(spec->workload),
                           .costs = spec->costs,
                           .nodes = spec->nodes };
    gcr_span *openings = NULL;
    double *weights = NULL;
    int *workers = NULL;

    desk.span.count = gcr_workload_datasets(spec->workload) * desk.live_count;
    GCR_TRY(gcr_memory_create((void **)&weights, (uint64_t)spec->nodes, sizeof *weights,
                              "a simulation"));
    GCR_TRY(gcr_memory_create((void **)&workers, (uint64_t)spec->nodes, sizeof *workers,
                              "a simulation"));
    GCR_TRY(gcr_memory_create((void **)&openings, (uint64_t)spec->nodes, sizeof *openings,
                              "a simulation"));
    for (int n = 0; n < spec->nodes; n++) {
        weights[n] = 1.0;
        workers[n] = s->node_workers;
    }
    desk.weights = weights;
    desk.workers = workers;
    if (gcr_desk_feeds(spec->form, spec->nodes)) {
        GCR_TRY(gcr_desk_create(&s->desk, &desk));
        gcr_desk_openings(openings, &desk);
    }
    for (int n = 0; n < spec->nodes; n++)
        GCR_TRY(open_node(s, &desk, n, openings[n]));
out:
    gcr_memory_destroy(openings);
    gcr_memory_destroy(weights);
    gcr_memory_destroy(workers);
    return status;
}

static gcr_status open_workers(simulator *s)
{
    gcr_status status = GCR_OK;

    for (int w = 0; w < s->all_workers; w++) {
        s->workers[w].batch = s->spec->batch.least;
        s->workers[w].batch_began = -1.0;
        GCR_TRY(push(&s->heap, 0.0, EVENT_WORKER_FREE, w));
    }
out:
    return status;
}

/* What ranks have done of what they could. */
static gcr_status add_up(simulator *s)
{
    gcr_status status = GCR_OK;
    const int ranks = s->spec->nodes * s->spec->ranks, workers = s->spec->workers;
    double *busy = NULL;

    GCR_TRY(gcr_memory_create((void **)&busy, (uint64_t)ranks, sizeof *busy, "a simulation"));
    for (int r = 0; r < ranks; r++) {
        for (int w = r * workers; w < (r + 1) * workers; w++)
            busy[r] += s->workers[w].busy / workers;
        busy[r] /= s->out->makespan > 0.0 ? s->out->makespan : 1.0;
    }
    s->out->busy = gcr_busy_of(busy, ranks);
out:
    gcr_memory_destroy(busy);
    return status;
}

static void close_simulator(simulator *s)
{
    for (int n = 0; s->nodes != NULL && n < s->spec->nodes; n++)
        gcr_schedule_destroy(s->nodes[n].schedule);
    gcr_desk_destroy(s->desk);
    gcr_memory_destroy(s->nodes);
    gcr_memory_destroy(s->workers);
    free(s->heap.events);
}

gcr_status gcr_simulate(gcr_simulation *out, const gcr_simulation_spec *spec)
{
    gcr_status status = GCR_OK;
    simulator s = { .spec = spec, .out = out };

    *out = (gcr_simulation){ .total = gcr_workload_total(spec->workload),
                             .longest = gcr_workload_longest(spec->workload) };
    GCR_TRY(check(spec));
    s.node_workers = spec->ranks * spec->workers;
    s.all_workers = spec->nodes * s.node_workers;
    out->ideal = fmax(out->total / s.all_workers, out->longest);
    GCR_TRY(gcr_memory_create((void **)&s.workers, (uint64_t)s.all_workers, sizeof *s.workers,
                              "a simulation"));
    GCR_TRY(gcr_memory_create((void **)&s.nodes, (uint64_t)spec->nodes, sizeof *s.nodes,
                              "a simulation"));
    GCR_TRY(open_nodes(&s));
    GCR_TRY(open_workers(&s));
    while (s.heap.count > 0) {
        const event next = pop(&s.heap);

        GCR_TRY(act(&s, &next));
    }
    GCR_TRY(add_up(&s));
out:
    close_simulator(&s);
    return status;
}
