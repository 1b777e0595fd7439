/* exec/gather.c -- see exec/gather.h. */
#include "exec/gather.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/outbox.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    PACKET_BYTES = 1 << 19, /* several of them, and the rings of a few workers, fit in a cache */
    RECORD_BYTES = 1 << 15, /* of cells, as far as one is not more                     */
    RECORDS_PER_LOOK = 256, /* of one worker, so that messages do not wait for long */
};

/* A packet that does not become full is sent after so many seconds. */
static const double longest_wait = 0.05;

struct gcr_gather {
    gcr_gather_spec spec;
    gcr_shared memory;         /* of the node: a ring for each of its workers */
    gcr_landing_ring *rings;   /* [spec.workers]; NULL on rank 0              */
    gcr_landing_ring *sources; /* [source_count] that a leader reads          */
    int source_count;
    int turn;       /* the source that is read next         */
    uint64_t tally; /* bytes of one, by blocks; else 0      */
    uint64_t most;  /* bytes behind a record of this node   */
    gcr_outbox outbox;
    int has_given_up;
    gcr_gather_totals totals;
};

static const gcr_comm_info *ranks_of(const gcr_gather *gather)
{
    return gcr_comm_info_of(gather->spec.comm);
}

static int is_root(const gcr_gather *gather)
{
    return ranks_of(gather)->rank == 0;
}

/* ---- create ---------------------------------------------------------------------------------- */

static uint64_t packet_bytes(const gcr_gather *gather)
{
    return gather->spec.packet_bytes > 0 ? gather->spec.packet_bytes : PACKET_BYTES;
}

/* On node 0 cells stand in their slots; elsewhere a record has room for one at least. */
static uint64_t most_of(const gcr_comm_info *ranks, int by_blocks, uint64_t one, uint64_t packet)
{
    const uint64_t usual = packet < RECORD_BYTES ? packet : RECORD_BYTES;

    if (by_blocks)
        return one;
    if (!gcr_gather_sends_cells(ranks, by_blocks))
        return 0;
    return one > usual ? one : usual;
}

static uint64_t packet_room(uint64_t most, uint64_t usual)
{
    const uint64_t least = sizeof(gcr_landing) + most;

    return least > usual ? least : usual;
}

uint64_t gcr_gather_bytes(const gcr_comm_info *ranks, int workers, int by_blocks, uint64_t one)
{
    const uint64_t most = most_of(ranks, by_blocks, one, PACKET_BYTES);
    uint64_t bytes = 0;

    if (ranks->size > 1)
        bytes += gcr_landing_bytes(workers, most);
    if (ranks->rank > 0 && ranks->node_rank == 0)
        bytes += GCR_OUTBOX_PACKETS * packet_room(most, PACKET_BYTES);
    return bytes;
}

static gcr_status open_rings(gcr_gather *gather)
{
    gcr_status status = GCR_OK;
    const gcr_gather_spec *spec = &gather->spec;

    if (is_root(gather))
        goto out;
    GCR_TRY(gcr_memory_create((void **)&gather->rings, (uint64_t)spec->workers,
                              sizeof *gather->rings, "what workers tell"));
    for (int w = 0; w < spec->workers; w++)
        gcr_landing_attach(&gather->rings[w], gather->memory.base, spec->first_worker + w,
                           gather->most);
out:
    return status;
}

/* Rank 0 reads what the other ranks of its node tell, whose workers come behind its own. */
static gcr_status open_sources(gcr_gather *gather)
{
    gcr_status status = GCR_OK;
    const gcr_gather_spec *spec = &gather->spec;
    const int first = is_root(gather) ? spec->workers : 0;

    GCR_TRY(gcr_memory_create((void **)&gather->sources, (uint64_t)(spec->node_workers - first),
                              sizeof *gather->sources, "what workers tell"));
    gather->source_count = spec->node_workers - first;
    for (int s = 0; s < gather->source_count; s++)
        gcr_landing_attach(&gather->sources[s], gather->memory.base, first + s, gather->most);
out:
    return status;
}

static gcr_status open_outbox(gcr_gather *gather)
{
    gcr_status status = GCR_OK;

    if (!is_root(gather))
        GCR_TRY(gcr_outbox_open(&gather->outbox, gather->spec.comm, 0, gather->spec.tag,
                                packet_room(gather->most, packet_bytes(gather))));
out:
    return status;
}

gcr_status gcr_gather_create(gcr_gather **out, const gcr_gather_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_gather mine = { .spec = *spec }, *gather = calloc(1, sizeof *gather);

    *out = NULL;
    if (spec->by_blocks)
        mine.tally = gcr_summaries_packed_bytes(spec->summaries);
    mine.most = most_of(gcr_comm_info_of(spec->comm), spec->by_blocks,
                        spec->by_blocks ? mine.tally : gcr_packet_cell_bytes(spec->slots),
                        packet_bytes(&mine));
    GCR_TRY(gcr_comm_share(&mine.memory, spec->comm,
                           gcr_landing_bytes(spec->node_workers, mine.most), 1,
                           "what the workers of a node tell"));
    if (gather == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the gathering of results");
    *gather = mine;
    mine.memory = (gcr_shared){ 0 };
    GCR_TRY(open_rings(gather));
    if (ranks_of(gather)->node_rank == 0) {
        GCR_TRY(open_sources(gather));
        GCR_TRY(open_outbox(gather));
    }
    *out = gather;
    gather = NULL;
out:
    gcr_shared_clear(&mine.memory);
    gcr_gather_destroy(gather);
    return status;
}

void gcr_gather_destroy(gcr_gather *gather)
{
    if (gather == NULL)
        return;
    gcr_outbox_close(&gather->outbox);
    gcr_memory_destroy(gather->sources);
    gcr_memory_destroy(gather->rings);
    gcr_shared_clear(&gather->memory);
    free(gather);
}

int gcr_gather_sends_cells(const gcr_comm_info *ranks, int by_blocks)
{
    return ranks->node > 0 && !by_blocks;
}

gcr_landing_ring *gcr_gather_rings(gcr_gather *gather)
{
    return gather->rings;
}

/* ---- at rank 0 ------------------------------------------------------------------------------- */

/* Before anything of it is believed. */
static gcr_status check_missing(const gcr_gather *gather, uint64_t dataset, uint64_t live)
{
    gcr_status status = GCR_OK;

    if (live > atomic_load_explicit(&gather->spec.slots->missing[dataset], memory_order_relaxed))
        GCR_FAIL(GCR_EIO, "more cells of dataset %" PRIu64 " are said to have landed than it has",
                 dataset);
out:
    return status;
}

static void count_down(gcr_gather *gather, const gcr_landing *landing, uint64_t live,
                       uint64_t failed)
{
    gather->totals.landed += live;
    gather->totals.failed += failed;
    gather->totals.cost += landing->cost;
    if (live == 0 || !gcr_slots_land(gather->spec.slots, landing->dataset, live))
        return;
    gather->totals.datasets++;
    gather->spec.on_complete(gather->spec.arg, landing->dataset);
}

/* Cells that stand in their slots, or whose tally is there. */
static gcr_status take_landing(gcr_gather *gather, const gcr_landing *landing, const void *tally)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_landing_check(landing, gather->spec.slots, gather->spec.points, gather->tally));
    GCR_TRY(check_missing(gather, landing->dataset, landing->live));
    if (gather->spec.by_blocks)
        GCR_TRY(gcr_summaries_add_packed(gather->spec.summaries, landing->dataset, landing->live,
                                         tally));
    count_down(gather, landing, landing->live, landing->failed);
out:
    return status;
}

static gcr_status take_cells(gcr_gather *gather, const gcr_landing *landing, const void *payload)
{
    gcr_status status = GCR_OK;
    gcr_packet_fresh fresh;

    GCR_TRY(gcr_packet_unpack(&fresh, gather->spec.slots, gather->spec.points, landing, payload));
    GCR_TRY(check_missing(gather, landing->dataset, fresh.live));
    gather->totals.duplicates += landing->live - fresh.live;
    count_down(gather, landing, fresh.live, fresh.failed);
out:
    return status;
}

gcr_status gcr_gather_count(gcr_gather *gather, const gcr_landing *landing)
{
    return take_landing(gather, landing, NULL);
}

gcr_status gcr_gather_take(gcr_gather *gather, const gcr_message *message)
{
    gcr_status status = GCR_OK;
    const void *bytes = message->bytes, *payload;
    uint64_t count = message->count;
    gcr_landing landing;
    int found;

    gather->totals.messages++;
    gather->totals.bytes += count;
    for (;;) {
        GCR_TRY(gcr_packet_get(&landing, &payload, &found, &bytes, &count));
        if (!found)
            break;
        if (gather->spec.by_blocks)
            GCR_TRY(take_landing(gather, &landing, payload));
        else
            GCR_TRY(take_cells(gather, &landing, payload));
    }
out:
    return status;
}

/* ---- at a leader ----------------------------------------------------------------------------- */

/* Into a packet; *is_held: not yet, as all are on their way. */
static gcr_status send_on(int *is_held, gcr_gather *gather, const gcr_landing *landing,
                          const void *behind)
{
    gcr_status status = GCR_OK;
    gcr_packet *packet;

    while ((packet = gcr_outbox_packet(&gather->outbox)) != NULL) {
        if (gcr_packet_put(packet, landing, behind))
            break;
        GCR_TRY(gcr_outbox_send(&gather->outbox));
    }
    *is_held = packet == NULL;
out:
    return status;
}

/* What the source has told, as far as there is room for it: what is held stays in its ring. */
static gcr_status read_source(int *is_held, gcr_gather *gather, gcr_landing_ring *source)
{
    gcr_status status = GCR_OK;
    gcr_landing landing;
    const void *behind;
    int found;

    *is_held = 0;
    for (int i = 0; i < RECORDS_PER_LOOK; i++) {
        GCR_TRY(gcr_landing_get(&landing, &behind, &found, source));
        if (!found)
            break;
        if (is_root(gather))
            GCR_TRY(take_landing(gather, &landing, behind));
        else
            GCR_TRY(send_on(is_held, gather, &landing, behind));
        if (*is_held)
            break;
        gcr_landing_drop(source, &landing);
    }
out:
    return status;
}

/* Source after source, from where it stopped. */
static gcr_status read_sources(gcr_gather *gather)
{
    gcr_status status = GCR_OK;
    int is_held;

    for (int s = 0; s < gather->source_count; s++) {
        gather->totals.crowded += (uint64_t)gcr_landing_is_crowded(&gather->sources[gather->turn]);
        GCR_TRY(read_source(&is_held, gather, &gather->sources[gather->turn]));
        if (is_held)
            break;
        gather->turn = (gather->turn + 1) % gather->source_count;
    }
out:
    return status;
}

static int has_read_all(const gcr_gather *gather)
{
    for (int s = 0; s < gather->source_count; s++)
        if (!gcr_landing_is_over(&gather->sources[s]))
            return 0;
    return 1;
}

gcr_status gcr_gather_look(gcr_gather *gather)
{
    gcr_status status = GCR_OK;

    if (gather->has_given_up)
        goto out;
    GCR_TRY(gcr_outbox_look(&gather->outbox));
    GCR_TRY(read_sources(gather));
    if (has_read_all(gather))
        GCR_TRY(gcr_outbox_send(&gather->outbox));
    else
        GCR_TRY(gcr_outbox_send_old(&gather->outbox, longest_wait));
out:
    return status;
}

void gcr_gather_give_up(gcr_gather *gather)
{
    gather->has_given_up = 1;
    for (int s = 0; s < gather->source_count; s++)
        gcr_landing_close(&gather->sources[s]);
}

int gcr_gather_is_over(const gcr_gather *gather)
{
    return gather->has_given_up ||
           (has_read_all(gather) && !gcr_outbox_has_unsent(&gather->outbox));
}

gcr_gather_totals gcr_gather_totals_of(const gcr_gather *gather)
{
    gcr_gather_totals totals = gather->totals;

    totals.messages += gather->outbox.messages;
    totals.bytes += gather->outbox.bytes;
    totals.seconds = gcr_outbox_seconds(&gather->outbox);
    return totals;
}
