/* exec/dealing.c -- see exec/dealing.h. */
#include "exec/dealing.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/tags.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The crew's kind of a group; -1: all kinds. */
static int kind_of(const gcr_run *run, int group)
{
    return run->steals_between_kinds ? -1 : group;
}

/* ---- what schedules are made from ------------------------------------------------------------ */

/* What nodes are to the desk of a group. */
typedef struct desk_weights {
    double *rate;
    int *workers;
} desk_weights;

static void clear_weights(desk_weights *weights)
{
    gcr_memory_destroy(weights->rate);
    gcr_memory_destroy(weights->workers);
}

static gcr_status describe_desk(gcr_desk_spec *out, desk_weights *weights, const gcr_run *run,
                                int group)
{
    gcr_status status = GCR_OK;
    const gcr_crew *crew = &run->crew;
    const uint64_t nodes = (uint64_t)crew->comm->node_count;
    const int kind = kind_of(run, group);

    *weights = (desk_weights){ 0 };
    GCR_TRY(gcr_memory_create((void **)&weights->rate, nodes, sizeof *weights->rate, "a desk"));
    GCR_TRY(
        gcr_memory_create((void **)&weights->workers, nodes, sizeof *weights->workers, "a desk"));
    for (int n = 0; n < crew->comm->node_count; n++) {
        weights->rate[n] = gcr_crew_rate(crew, kind, n);
        weights->workers[n] = gcr_crew_node_workers(crew, kind, n);
    }
    *out = (gcr_desk_spec){ .span = run->groups[group].span,
                            .live_count = run->positions,
                            .costs = run->costs,
                            .nodes = crew->comm->node_count,
                            .weights = weights->rate,
                            .workers = weights->workers };
out:
    return status;
}

gcr_status gcr_dealing_describe(gcr_schedule_spec *out, double **weights_out, const gcr_run *run,
                                int group)
{
    gcr_status status = GCR_OK;
    const gcr_group *t = &run->groups[group];
    const gcr_crew_workers *crew = &t->crew;
    gcr_desk_node node = { .batch = t->batch,
                           .workers = crew->of_node,
                           .first_worker = crew->before_node,
                           .all_workers = crew->all,
                           .ranks = run->crew.comm->size };
    gcr_desk_spec desk;
    desk_weights of_nodes = { 0 };
    double *weights = NULL;

    *weights_out = NULL;
    GCR_TRY(describe_desk(&desk, &of_nodes, run, group));
    node.opening = gcr_desk_opening(&desk, run->crew.comm->node);
    *out = gcr_desk_schedule(&desk, run->schedule_form, &node);
    if (!run->steals_between_kinds)
        goto out;
    GCR_TRY(
        gcr_memory_create((void **)&weights, (uint64_t)crew->all, sizeof *weights, "a schedule"));
    gcr_crew_weights(weights, &run->crew, -1);
    out->weights = out->is_fed ? weights + crew->before_node : weights;
    *weights_out = weights;
out:
    clear_weights(&of_nodes);
    return status;
}

/* ---- opening --------------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + GCR_ALIGNMENT - 1) / GCR_ALIGNMENT * GCR_ALIGNMENT;
}

/* Does something with the spec of each group, in the memory of its schedule. */
typedef gcr_status group_fn(gcr_dealing *dealing, int group, const gcr_schedule_spec *spec,
                            uint64_t at);

static gcr_status for_each_group(gcr_dealing *dealing, group_fn *fn, uint64_t *bytes_out)
{
    gcr_status status = GCR_OK;
    gcr_schedule_spec spec;
    double *weights = NULL;
    uint64_t at = 0;

    for (int t = 0; t < dealing->run->group_count; t++) {
        if (dealing->run->groups[t].crew.of_node == 0)
            continue;
        GCR_TRY(gcr_dealing_describe(&spec, &weights, dealing->run, t));
        if (fn != NULL)
            GCR_TRY(fn(dealing, t, &spec, at));
        at += round_up(gcr_schedule_bytes(&spec));
        gcr_memory_destroy(weights);
        weights = NULL;
    }
    if (bytes_out != NULL)
        *bytes_out = at;
out:
    gcr_memory_destroy(weights);
    return status;
}

static gcr_status place(gcr_dealing *dealing, int group, const gcr_schedule_spec *spec, uint64_t at)
{
    gcr_dealing_group *t = &dealing->groups[group];

    t->is_fed = spec->is_fed;
    return gcr_schedule_place(&t->schedule, spec, (char *)dealing->memory.base + at);
}

static gcr_status attach(gcr_dealing *dealing, int group, const gcr_schedule_spec *spec,
                         uint64_t at)
{
    gcr_dealing_group *t = &dealing->groups[group];

    t->is_fed = spec->is_fed;
    return gcr_schedule_attach(&t->schedule, spec, (char *)dealing->memory.base + at);
}

static gcr_status open_desk(gcr_dealing_group *t, const gcr_run *run, int group)
{
    gcr_status status = GCR_OK;
    const uint64_t nodes = (uint64_t)run->crew.comm->node_count;
    gcr_desk_spec spec;
    desk_weights weights = { 0 };

    GCR_TRY(describe_desk(&spec, &weights, run, group));
    GCR_TRY(gcr_desk_create(&t->desk, &spec));
    GCR_TRY(gcr_memory_create((void **)&t->answers_sent, nodes, sizeof *t->answers_sent, "a desk"));
out:
    clear_weights(&weights);
    return status;
}

/* Desks of rank 0, and supplies of leaders. */
static gcr_status open_supplies(gcr_dealing *dealing, double now)
{
    gcr_status status = GCR_OK;
    const gcr_run *run = dealing->run;
    const gcr_comm_info *comm = run->crew.comm;
    gcr_desk_spec spec;
    desk_weights weights = { 0 };

    for (int t = 0; t < run->group_count; t++) {
        gcr_dealing_group *group = &dealing->groups[t];

        if (!gcr_desk_feeds(run->schedule_form, comm->node_count))
            continue;
        if (comm->rank == 0)
            GCR_TRY(open_desk(group, run, t));
        if (comm->node_rank > 0 || group->schedule == NULL)
            continue;
        GCR_TRY(describe_desk(&spec, &weights, run, t));
        gcr_supply_open(&group->supply, run->costs, gcr_desk_opening(&spec, comm->node), now);
        clear_weights(&weights);
        weights = (desk_weights){ 0 };
    }
out:
    clear_weights(&weights);
    return status;
}

gcr_status gcr_dealing_open(gcr_dealing *out, const gcr_run *run, double now)
{
    gcr_status status = GCR_OK;
    const int leads = run->crew.comm->node_rank == 0;
    uint64_t bytes = 0;

    *out = (gcr_dealing){ .run = run, .memory = { .file = -1 } };
    GCR_TRY(gcr_comm_agree(run->comm, for_each_group(out, NULL, &bytes)));
    GCR_TRY(gcr_comm_share(&out->memory, run->comm, bytes, 1, "the schedules of a node"));
    GCR_TRY(gcr_comm_agree(run->comm, leads ? for_each_group(out, place, NULL) : GCR_OK));
    status = leads ? GCR_OK : for_each_group(out, attach, NULL);
    if (status == GCR_OK)
        status = open_supplies(out, now);
    GCR_TRY(gcr_comm_agree(run->comm, status));
out:
    return status;
}

void gcr_dealing_close(gcr_dealing *dealing)
{
    for (int t = 0; t < GCR_CREW_KINDS_MAX; t++) {
        gcr_dealing_group *group = &dealing->groups[t];

        gcr_schedule_destroy(group->schedule);
        gcr_desk_destroy(group->desk);
        gcr_memory_destroy(group->answers_sent);
    }
    gcr_shared_clear(&dealing->memory);
}

/* ---- asking and answering -------------------------------------------------------------------- */

static gcr_status ask(gcr_dealing *dealing, int group, const gcr_desk_request *request, double now)
{
    gcr_status status = GCR_OK;
    const gcr_run *run = dealing->run;
    gcr_dealing_group *t = &dealing->groups[group];
    const gcr_dealing_ask words = { .group = (uint64_t)group, .request = *request };

    dealing->asked++;
    if (t->desk != NULL) { /* it is this rank's own */
        const gcr_desk_grant grant = gcr_desk_take(t->desk, run->crew.comm->node, request);

        gcr_supply_put(&t->supply, t->schedule, run->costs, &grant, now);
        goto out;
    }
    GCR_TRY(gcr_comm_finish_send(run->comm, &t->ask_sent));
    GCR_TRY(gcr_comm_send(&t->ask_sent, run->comm, 0, GCR_TAG_ASK, &words, sizeof words));
out:
    return status;
}

gcr_status gcr_dealing_look(gcr_dealing *dealing, double now)
{
    gcr_status status = GCR_OK;
    gcr_desk_request request;

    for (int t = 0; t < dealing->run->group_count; t++) {
        gcr_dealing_group *group = &dealing->groups[t];

        if (group->is_fed && gcr_supply_look(&group->supply, group->schedule, now, &request))
            GCR_TRY(ask(dealing, t, &request, now));
    }
out:
    return status;
}

double gcr_dealing_rest(const gcr_dealing *dealing, double now)
{
    double rest = INFINITY;

    for (int t = 0; t < dealing->run->group_count; t++)
        if (dealing->groups[t].is_fed)
            rest = fmin(rest, gcr_supply_rest(&dealing->groups[t].supply, now));
    return rest;
}

static gcr_status answer(gcr_dealing *dealing, int rank, const gcr_dealing_ask *asked)
{
    gcr_status status = GCR_OK;
    const gcr_run *run = dealing->run;
    const int node = run->crew.comm->ranks[rank].node;
    gcr_dealing_group *t = &dealing->groups[asked->group];
    gcr_dealing_answer words;

    GCR_TRY(gcr_comm_finish_send(run->comm, &t->answers_sent[node]));
    words = (gcr_dealing_answer){ .group = asked->group,
                                  .grant = gcr_desk_take(t->desk, node, &asked->request) };
    GCR_TRY(gcr_comm_send(&t->answers_sent[node], run->comm, rank, GCR_TAG_ANSWER, &words,
                          sizeof words));
out:
    return status;
}

static gcr_status take_ask(gcr_dealing *dealing, const gcr_message *message)
{
    gcr_status status = GCR_OK;
    gcr_dealing_ask asked;

    if (message->count != sizeof asked)
        GCR_FAIL(GCR_EIO, "rank %d asks for cells in words that nobody knows", message->from);
    memcpy(&asked, message->bytes, sizeof asked);
    if (asked.group >= (uint64_t)dealing->run->group_count ||
        dealing->groups[asked.group].desk == NULL)
        GCR_FAIL(GCR_EIO, "rank %d asks for cells that are not dealt here", message->from);
    if (!gcr_desk_request_fits(&asked.request))
        GCR_FAIL(GCR_EIO, "rank %d asks for cells, and has finished what cannot be", message->from);
    GCR_TRY(answer(dealing, message->from, &asked));
out:
    return status;
}

static gcr_status take_answer(gcr_dealing *dealing, const gcr_message *message, double now)
{
    gcr_status status = GCR_OK;
    gcr_dealing_answer got;
    gcr_dealing_group *t;

    if (message->count != sizeof got)
        GCR_FAIL(GCR_EIO, "rank %d grants cells in words that nobody knows", message->from);
    memcpy(&got, message->bytes, sizeof got);
    if (got.group >= (uint64_t)dealing->run->group_count || !dealing->groups[got.group].is_fed)
        GCR_FAIL(GCR_EIO, "rank %d grants cells that nobody asked for", message->from);
    t = &dealing->groups[got.group];
    if (!gcr_supply_grant_fits(&t->supply, dealing->run->groups[got.group].span, &got.grant))
        GCR_FAIL(GCR_EIO,
                 "rank %d grants %" PRIu64 " cells from number %" PRIu64
                 " on, which nobody asked for or which there are not",
                 message->from, got.grant.span.count, got.grant.span.first);
    gcr_supply_put(&t->supply, t->schedule, dealing->run->costs, &got.grant, now);
out:
    return status;
}

gcr_status gcr_dealing_take(gcr_dealing *dealing, const gcr_message *message, double now)
{
    gcr_status status = GCR_OK;

    if (message->tag == GCR_TAG_ASK)
        GCR_TRY(take_ask(dealing, message));
    else if (message->tag == GCR_TAG_ANSWER)
        GCR_TRY(take_answer(dealing, message, now));
    else
        GCR_FAIL(GCR_EIO, "rank %d sends a message %d that nobody knows", message->from,
                 message->tag);
out:
    return status;
}

gcr_status gcr_dealing_settle(gcr_dealing *dealing)
{
    gcr_status status = GCR_OK;
    const gcr_run *run = dealing->run;

    for (int t = 0; t < run->group_count; t++) {
        gcr_dealing_group *group = &dealing->groups[t];

        GCR_TRY(gcr_comm_finish_send(run->comm, &group->ask_sent));
        for (int n = 0; group->answers_sent != NULL && n < run->crew.comm->node_count; n++)
            GCR_TRY(gcr_comm_finish_send(run->comm, &group->answers_sent[n]));
    }
out:
    return status;
}

void gcr_dealing_stop(gcr_dealing *dealing)
{
    for (int t = 0; t < dealing->run->group_count; t++)
        if (dealing->groups[t].schedule != NULL)
            gcr_schedule_stop(dealing->groups[t].schedule);
}
