/* exec/gather.c -- see exec/gather.h. */
#include "exec/gather.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/outbox.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    PACKET_BYTES = 1 << 20,
    RECORDS_PER_LOOK = 256, /* of one worker, so that messages do not wait for long */
};

/* A packet that does not become full is sent after so many seconds. */
static const double longest_wait = 0.05;

/* A ring that a leader reads. What was sent last are the cells first .. end - 1, those of all
 * datasets counted, and their memory has been given back. */
typedef struct source {
    gcr_landing_ring ring;
    uint64_t first, end;
} source;

struct gcr_gather {
    gcr_gather_spec spec;
    gcr_shared memory;       /* of the node: a ring for each of its workers */
    gcr_landing_ring *rings; /* [spec.workers]; NULL on rank 0             */
    source *sources;         /* [source_count] of leaders                   */
    int source_count;
    int turn;      /* the source that is read next */
    uint64_t most; /* bytes of a tally; 0: cells have slots */

    gcr_landing held; /* of sources[turn], not all of it sent; live 0: there is none */
    void *tally;      /* that belongs to it, [most]                                  */
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
        gcr_landing_attach(&gather->sources[s].ring, gather->memory.base, first + s, gather->most);
    GCR_TRY(gcr_memory_create(&gather->tally, gather->most, 1, "a tally on its way"));
out:
    return status;
}

static gcr_status open_outbox(gcr_gather *gather)
{
    gcr_status status = GCR_OK;
    const uint64_t least = gcr_packet_least(gather->spec.slots, gather->most);
    const uint64_t usual = gather->spec.packet_bytes > 0 ? gather->spec.packet_bytes : PACKET_BYTES;

    if (!is_root(gather))
        GCR_TRY(gcr_outbox_open(&gather->outbox, gather->spec.comm, 0, gather->spec.tag,
                                least > usual ? least : usual));
out:
    return status;
}

gcr_status gcr_gather_create(gcr_gather **out, const gcr_gather_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_gather *gather = calloc(1, sizeof *gather);
    const uint64_t most =
        spec->slots->state == NULL ? gcr_summaries_packed_bytes(spec->summaries) : 0;
    gcr_shared memory = { 0 };

    *out = NULL;
    GCR_TRY(gcr_comm_share(&memory, spec->comm, gcr_landing_bytes(spec->node_workers, most), 1,
                           "what the workers of a node tell"));
    if (gather == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the gathering of results");
    gather->spec = *spec;
    gather->most = most;
    gather->memory = memory;
    memory = (gcr_shared){ 0 };
    GCR_TRY(open_rings(gather));
    if (ranks_of(gather)->node_rank == 0) {
        GCR_TRY(open_sources(gather));
        GCR_TRY(open_outbox(gather));
    }
    *out = gather;
    gather = NULL;
out:
    gcr_shared_clear(&memory);
    gcr_gather_destroy(gather);
    return status;
}

void gcr_gather_destroy(gcr_gather *gather)
{
    if (gather == NULL)
        return;
    gcr_outbox_close(&gather->outbox);
    gcr_memory_destroy(gather->tally);
    gcr_memory_destroy(gather->sources);
    gcr_memory_destroy(gather->rings);
    gcr_shared_clear(&gather->memory);
    free(gather);
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

    GCR_TRY(gcr_landing_check(landing, gather->spec.slots, gather->spec.points, gather->most));
    GCR_TRY(check_missing(gather, landing->dataset, landing->live));
    if (gather->most > 0)
        GCR_TRY(gcr_summaries_add_packed(gather->spec.summaries, landing->dataset, tally));
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
        if (gather->most > 0)
            GCR_TRY(take_landing(gather, &landing, payload));
        else
            GCR_TRY(take_cells(gather, &landing, payload));
    }
out:
    return status;
}

/* ---- at a leader ----------------------------------------------------------------------------- */

/* True if no live point of the dataset lies between what the source sent last and point `first`. */
static int touches(const gcr_gather *gather, const source *from, uint64_t row, uint64_t first)
{
    const gcr_points *points = gather->spec.points;

    return from->end >= row && from->end <= row + first &&
           gcr_points_rank(points, from->end - row) == gcr_points_rank(points, first);
}

/* Gives the memory of points first .. end - 1 of a dataset back: they are in a packet. */
static void forget(gcr_gather *gather, source *from, uint64_t dataset, uint64_t first, uint64_t end)
{
    const uint64_t row = dataset * gather->spec.slots->point_count;

    if (!touches(gather, from, row, first))
        from->first = from->end = row + first;
    gcr_slots_forget(gather->spec.slots, from->first, from->end, row + end);
    from->end = row + end;
}

/* Puts what is held, or the front of it, into the packet; false where there is not enough room. */
static int pack_held(gcr_gather *gather, gcr_packet *packet)
{
    gcr_landing *held = &gather->held;
    const uint64_t first = held->first, end = first + held->count;
    int is_all;

    if (gather->most > 0) {
        is_all = gcr_packet_put_tally(packet, held, gather->tally);
    } else {
        is_all = gcr_packet_put_cells(packet, held, gather->spec.slots, gather->spec.points);
        forget(gather, &gather->sources[gather->turn], held->dataset, first,
               is_all ? end : held->first);
    }
    if (is_all)
        held->live = 0;
    return is_all;
}

/* Sends what is held on; *is_held: some of it is, as all packets are on their way. */
static gcr_status send_held(int *is_held, gcr_gather *gather)
{
    gcr_status status = GCR_OK;

    *is_held = 0;
    while (gather->held.live > 0) {
        gcr_packet *packet = gcr_outbox_packet(&gather->outbox);

        *is_held = packet == NULL;
        if (packet == NULL)
            break;
        if (!pack_held(gather, packet))
            GCR_TRY(gcr_outbox_send(&gather->outbox));
    }
out:
    return status;
}

/* The next that the source has told; *found is false where there is none. */
static gcr_status take_record(int *found, gcr_gather *gather, source *from)
{
    gcr_status status = GCR_OK;
    gcr_landing landing;

    GCR_TRY(gcr_landing_get(&landing, gather->tally, found, &from->ring));
    if (!*found)
        goto out;
    if (is_root(gather)) {
        GCR_TRY(take_landing(gather, &landing, gather->tally));
    } else {
        GCR_TRY(gcr_landing_check(&landing, gather->spec.slots, gather->spec.points, gather->most));
        gather->held = landing;
    }
out:
    return status;
}

/* Source after source, from where it stopped. */
static gcr_status read_sources(gcr_gather *gather)
{
    gcr_status status = GCR_OK;
    int is_held, found;

    GCR_TRY(send_held(&is_held, gather));
    for (int s = 0; s < gather->source_count && !is_held; s++) {
        gather->totals.crowded +=
            (uint64_t)gcr_landing_is_crowded(&gather->sources[gather->turn].ring);
        for (int i = 0; i < RECORDS_PER_LOOK; i++) {
            GCR_TRY(take_record(&found, gather, &gather->sources[gather->turn]));
            if (!found)
                break;
            GCR_TRY(send_held(&is_held, gather));
            if (is_held)
                goto out;
        }
        gather->turn = (gather->turn + 1) % gather->source_count;
    }
out:
    return status;
}

static int has_read_all(const gcr_gather *gather)
{
    for (int s = 0; s < gather->source_count; s++)
        if (!gcr_landing_is_over(&gather->sources[s].ring))
            return 0;
    return gather->held.live == 0;
}

gcr_status gcr_gather_look(gcr_gather *gather)
{
    gcr_status status = GCR_OK;
    int is_under_way;

    if (gather->has_given_up)
        goto out;
    GCR_TRY(gcr_outbox_look(&is_under_way, &gather->outbox));
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
    gather->held.live = 0;
    for (int s = 0; s < gather->source_count; s++)
        gcr_landing_close(&gather->sources[s].ring);
}

int gcr_gather_has_sent(const gcr_gather *gather)
{
    const gcr_packet *filled = &gather->outbox.packets[gather->outbox.turn];

    return gather->has_given_up || (has_read_all(gather) && filled->used == 0);
}

int gcr_gather_is_over(gcr_gather *gather)
{
    int is_under_way = 0;

    if (gcr_outbox_look(&is_under_way, &gather->outbox) != GCR_OK)
        return gather->has_given_up; /* the next look fails, too, and says why */
    return !is_under_way && gcr_gather_has_sent(gather);
}

gcr_gather_totals gcr_gather_totals_of(const gcr_gather *gather)
{
    gcr_gather_totals totals = gather->totals;

    totals.messages += gather->outbox.messages;
    totals.bytes += gather->outbox.bytes;
    totals.seconds = gcr_outbox_seconds(&gather->outbox);
    return totals;
}
