/*
 * exec/gather_trial.c -- gcr_gather_choose(): what ranks tell each other, and both ways tried.
 *
 * Nobody waits for one that sends or takes nothing for longer than `seconds`. What fails of a
 * bridge is a reason not to have one; what fails of the messages themselves is a failure of all.
 */
#include "exec/gather_way.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "exec/tags.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TRIAL_BYTES_MOST = 8 << 20, /* that each rank sends ...                     */
    TRIAL_BYTES_ALL = 64 << 20, /* ... and all of them                          */
    LOOK_US = 50,
};

/* What a rank has while it tries. */
typedef struct trier {
    gcr_comm *comm;
    const gcr_comm_info *info;
    const gcr_gather_way_spec *spec;
    uint64_t bytes; /* that a rank sends                             */
    int senders;    /* by a bridge: the ranks whose results go by it */
    gcr_device *device;
    gcr_queue *queue;
    gcr_event *event;
    gcr_buf *block, *staging; /* on rank 0 those of all senders, elsewhere its own */
    void *inbox;              /* what a message is sent from, or copied to */
    gcr_send *send;
    gcr_bridge *bridge;
} trier;

/* ---- what there is --------------------------------------------------------------------------- */

static int has_memory(const gcr_device *device)
{
    return !device->info.shares_memory;
}

static gcr_device *find_device(const gcr_gather_way_spec *spec)
{
    for (int d = 0; d < spec->device_count; d++)
        if (has_memory(spec->devices[d]))
            return spec->devices[d];
    return NULL;
}

static void describe(gcr_gather_rank *out, const gcr_gather_way_spec *spec)
{
    const gcr_device *device = find_device(spec);

    *out = (gcr_gather_rank){ 0 };
    for (int d = 0; d < spec->device_count; d++)
        out->device_count += has_memory(spec->devices[d]);
    if (device == NULL)
        return;
    snprintf(out->uuid, sizeof out->uuid, "%s", device->info.uuid);
    if (gcr_bridge_name(out->name, device) != GCR_OK)
        snprintf(out->why, sizeof out->why, "%s", gcr_last_error());
}

/* ---- the bridge ------------------------------------------------------------------------------ */

static gcr_status open_blocks(trier *t)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = t->info->rank == 0 ? t->bytes * (uint64_t)t->senders : t->bytes;

    GCR_TRY(gcr_queue_open(&t->queue, t->device));
    GCR_TRY(gcr_event_open(&t->event, t->device));
    GCR_TRY(gcr_buf_open(&t->block, t->device, GCR_PLACE_DEVICE, bytes));
    GCR_TRY(gcr_buf_open(&t->staging, t->device, GCR_PLACE_STAGING, bytes));
    memset(t->staging->base, 0, bytes);
    GCR_TRY(gcr_upload(t->queue, t->block, 0, t->staging->base, GCR_PLACE_STAGING, bytes));
    GCR_TRY(gcr_queue_sync(t->queue));
out:
    return status;
}

static void close_blocks(trier *t)
{
    gcr_queue_close(t->queue);
    gcr_comm_leave_send(t->comm, &t->send, t->inbox, gcr_memory_destroy);
    gcr_buf_close(t->staging);
    gcr_buf_close(t->block);
    gcr_event_close(t->event);
    if (t->queue != NULL)
        gcr_ledger_forget(t->device);
}

static gcr_status open_bridge(trier *t, const gcr_bridge_id *id)
{
    const gcr_bridge_spec spec = {
        .id = *id, .rank = t->info->rank, .size = t->info->size, .seconds = t->spec->seconds
    };

    return gcr_bridge_open(&t->bridge, t->device, &spec);
}

/* *Collective*. Memory first: who has none for a trial says so before others wait for it. */
static gcr_status join_bridge(gcr_verdict *out, trier *t)
{
    gcr_status status = GCR_OK, mine;
    gcr_bridge_id id = { { 0 } };

    mine = open_blocks(t);
    if (mine == GCR_OK && t->info->rank == 0)
        mine = gcr_bridge_make_id(&id, t->device);
    GCR_TRY(gcr_attempt_hear(out, t->comm, mine));
    if (out->status != GCR_OK)
        goto out;
    GCR_TRY(gcr_comm_broadcast(t->comm, &id, sizeof id, 0));
    GCR_TRY(gcr_attempt_hear(out, t->comm, open_bridge(t, &id)));
out:
    return status;
}

/* ---- how fast -------------------------------------------------------------------------------- */

/* Those whose results would go by it send to rank 0, which takes it to its host. */
static gcr_status pass_by_bridge(void *arg)
{
    gcr_status status = GCR_OK;
    trier *t = arg;
    gcr_bridge_part parts[GCR_BRIDGE_PARTS_MAX];
    int count = 0;

    if (gcr_gather_is_carried(t->info, t->info->rank))
        parts[count++] = (gcr_bridge_part){ .buf = t->block, .bytes = t->bytes, .peer = 0 };
    for (int r = 1; r < t->info->size && t->info->rank == 0; r++) {
        if (!gcr_gather_is_carried(t->info, r))
            continue;
        parts[count] = (gcr_bridge_part){ .buf = t->block,
                                          .offset = (uint64_t)count * t->bytes,
                                          .bytes = t->bytes,
                                          .peer = r,
                                          .is_received = 1 };
        count++;
    }
    GCR_TRY(gcr_bridge_pass(t->queue, t->bridge, parts, count));
    if (t->info->rank == 0)
        GCR_TRY(gcr_download(t->queue, t->staging->base, GCR_PLACE_STAGING, t->block, 0,
                             t->block->bytes));
    GCR_TRY(gcr_event_record(t->event, t->queue));
    GCR_TRY(gcr_bridge_wait(t->bridge, t->event, t->spec->seconds));
out:
    return status;
}

/* What arrives is looked at before it is believed. */
static gcr_status take_message(trier *t, const gcr_message *message)
{
    gcr_status status = GCR_OK;

    if (message->tag != GCR_TAG_TRIAL || message->count != t->bytes)
        GCR_FAIL(GCR_EIO,
                 "rank %d sends a message %d of %" PRIu64 " bytes while messages of %" PRIu64
                 " bytes are timed",
                 message->from, message->tag, message->count, t->bytes);
    memcpy(t->inbox, message->bytes, message->count);
out:
    return status;
}

static gcr_status receive_messages(trier *t)
{
    gcr_status status = GCR_OK;
    const double end = gcr_clock_seconds() + t->spec->seconds;

    for (int left = t->info->node_count - 1; left > 0;) {
        gcr_message message;
        int found;

        GCR_TRY(gcr_comm_look(&message, &found, t->comm));
        if (found) {
            GCR_TRY(take_message(t, &message));
            left--;
        } else if (gcr_clock_seconds() > end) {
            GCR_FAIL(GCR_ETIMEOUT,
                     "of %d nodes %d have sent nothing in %g s while messages were timed",
                     t->info->node_count, left, t->spec->seconds);
        } else {
            usleep(LOOK_US);
        }
    }
out:
    return status;
}

static gcr_status send_message(trier *t)
{
    gcr_status status = GCR_OK;
    const double end = gcr_clock_seconds() + t->spec->seconds;
    int is_sent = 0;

    GCR_TRY(gcr_comm_send(&t->send, t->comm, 0, GCR_TAG_TRIAL, t->inbox, t->bytes));
    while (!is_sent) {
        GCR_TRY(gcr_comm_is_sent(&is_sent, t->comm, &t->send));
        if (is_sent)
            break;
        if (gcr_clock_seconds() > end)
            GCR_FAIL(GCR_ETIMEOUT, "rank 0 took nothing in %g s while messages were timed",
                     t->spec->seconds);
        usleep(LOOK_US);
    }
out:
    return status;
}

/* What one rank of each other node has goes to rank 0: those of a node share its memory. */
static gcr_status pass_by_hosts(void *arg)
{
    trier *t = arg;

    if (t->info->rank == 0)
        return receive_messages(t);
    return t->info->node_rank == 0 && t->info->node > 0 ? send_message(t) : GCR_OK;
}

static double rate_of(uint64_t bytes, int senders, double seconds)
{
    return seconds > 0 ? (double)bytes * senders / seconds : 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* *Collective*. */
static gcr_status try_bridge(gcr_gather_trial *out, trier *t)
{
    gcr_status status = GCR_OK;
    gcr_verdict said;
    double seconds = 0;

    GCR_TRY(join_bridge(&said, t));
    if (said.status == GCR_OK)
        GCR_TRY(gcr_attempt_time(&seconds, &said, t->comm, pass_by_bridge, t));
    out->has_bridge = said.status == GCR_OK;
    memcpy(out->why, said.why, sizeof out->why);
    out->by_bridge = rate_of(t->bytes, t->senders, seconds);
out:
    return status;
}

/* *Collective*. Ranks that have no way to each other's memory but messages. */
static gcr_status try_hosts(gcr_gather_trial *out, trier *t)
{
    gcr_status status = GCR_OK;
    gcr_verdict said;
    double seconds = 0;

    status = gcr_memory_create(&t->inbox, t->bytes, 1, "messages that are timed");
    GCR_TRY(gcr_comm_agree(t->comm, status));
    memset(t->inbox, 0, t->bytes);
    GCR_TRY(gcr_attempt_time(&seconds, &said, t->comm, pass_by_hosts, t));
    if (said.status != GCR_OK)
        GCR_FAIL(said.status, "%s", said.why);
    out->by_hosts = rate_of(t->bytes, t->info->node_count - 1, seconds);
out:
    return status;
}

static uint64_t count_trial_bytes(int size)
{
    const uint64_t share = (uint64_t)TRIAL_BYTES_ALL / (uint64_t)(size > 1 ? size - 1 : 1);

    return share < TRIAL_BYTES_MOST ? share : TRIAL_BYTES_MOST;
}

/* *Collective*. */
static gcr_status decide(gcr_gather_way *out, trier *t, const gcr_gather_facts *facts)
{
    gcr_status status = GCR_OK;
    gcr_gather_trial trial = { 0 };
    char why[GCR_GATHER_WHY_BYTES];

    if (gcr_gather_may_bridge(why, facts))
        GCR_TRY(try_bridge(&trial, t));
    if (gcr_gather_may_time(facts))
        GCR_TRY(try_hosts(&trial, t));
    gcr_gather_decide(out, facts, &trial);
out:
    return status;
}

/* *Collective*. What ranks say of themselves, each of which has opened the library for that. */
static gcr_status gather_ranks(gcr_gather_rank **out, gcr_comm *comm,
                               const gcr_gather_way_spec *spec)
{
    gcr_gather_rank mine;

    describe(&mine, spec);
    return gcr_comm_gather_new((void **)out, comm, &mine, sizeof mine, "what ranks compute on");
}

/* One that is not used has nothing under way, or has failed somewhere: nobody waits for its end. */
static void close_bridge(trier *t, const gcr_gather_way *way)
{
    if (t->bridge != NULL && way->way != GCR_GATHER_NCCL)
        gcr_bridge_give_up(t->bridge);
    gcr_bridge_close(t->bridge);
}

gcr_status gcr_gather_choose(gcr_gather_way *out, gcr_bridge **bridge, gcr_comm *comm,
                             const gcr_gather_way_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_gather_rank *ranks = NULL;
    char why[GCR_GATHER_WHY_BYTES];
    trier t = {
        .comm = comm, .info = gcr_comm_info_of(comm), .spec = spec, .device = find_device(spec)
    };
    gcr_gather_facts facts = {
        .asked = spec->asked, .obstacle = spec->obstacle, .comm = t.info, .bytes = spec->bytes
    };

    *bridge = NULL;
    *out = (gcr_gather_way){ .way = GCR_GATHER_MPI };
    t.bytes = count_trial_bytes(t.info->size);
    t.senders = gcr_gather_carried_count(t.info);
    if (gcr_gather_wants_bridge(why, &facts))
        GCR_TRY(gather_ranks(&ranks, comm, spec));
    facts.ranks = ranks;
    GCR_TRY(decide(out, &t, &facts));
    if (out->way == GCR_GATHER_NCCL) {
        *bridge = t.bridge;
        t.bridge = NULL;
    }
out:
    close_bridge(&t, out);
    close_blocks(&t);
    gcr_memory_destroy(ranks);
    return status;
}
