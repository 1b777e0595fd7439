/* exec/gather_device.c -- see gather_device.h. */
#include "exec/gather_device.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include "gridcrunch/cell.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

uint64_t gcr_parcel_message_bytes(const gcr_parcel *parcel)
{
    return offsetof(gcr_parcel, parts) + parcel->part_count * sizeof parcel->parts[0];
}

/* ---- a rank that sends ----------------------------------------------------------------------- */

_Static_assert(sizeof(gcr_parcel) <= (size_t)GCR_MESSAGE_COPIED_BYTES,
               "an outbox may be closed while what it announced is on its way");

void gcr_parcel_outbox_open(gcr_parcel_outbox *out, gcr_comm *comm, int tag)
{
    memset(out, 0, sizeof *out);
    out->comm = comm;
    out->tag = tag;
    pthread_mutex_init(&out->lock, NULL);
}

void gcr_parcel_outbox_close(gcr_parcel_outbox *outbox)
{
    if (outbox->comm != NULL)
        pthread_mutex_destroy(&outbox->lock);
    outbox->comm = NULL;
}

/* The place for one more, which is the caller's until it is put; NULL: there is none now. */
static gcr_parcel *find_room(gcr_parcel_outbox *outbox)
{
    gcr_parcel *room;

    pthread_mutex_lock(&outbox->lock);
    room = outbox->put - outbox->arrived < GCR_PARCELS_UNDER_WAY
               ? &outbox->parcels[outbox->put % GCR_PARCELS_UNDER_WAY]
               : NULL;
    pthread_mutex_unlock(&outbox->lock);
    return room;
}

/* Told first and sent then: rank 0 has to be there for the first piece of a way that is new. */
static void put(gcr_parcel_outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->put++;
    pthread_mutex_unlock(&outbox->lock);
}

gcr_status gcr_parcel_send(int *is_taken, gcr_parcel_outbox *outbox, gcr_bridge *bridge,
                           gcr_queue *queue, gcr_buf *records, const gcr_parcel *parcel,
                           gcr_event *sent)
{
    gcr_status status = GCR_OK;
    const gcr_bridge_part part = { .buf = records, .bytes = parcel->bytes, .peer = 0 };
    gcr_parcel *room = find_room(outbox);

    *is_taken = room != NULL;
    if (room == NULL)
        goto out;
    memcpy(room, parcel, gcr_parcel_message_bytes(parcel));
    put(outbox);
    GCR_TRY(gcr_bridge_pass(queue, bridge, &part, 1));
    GCR_TRY(gcr_event_record(sent, queue));
out:
    return status;
}

static gcr_status announce_next(gcr_parcel_outbox *outbox)
{
    gcr_status status = GCR_OK;
    const uint64_t at = outbox->announced % GCR_PARCELS_UNDER_WAY;
    const gcr_parcel *parcel = &outbox->parcels[at];

    GCR_TRY(gcr_comm_send(&outbox->sends[at], outbox->comm, 0, outbox->tag, parcel,
                          gcr_parcel_message_bytes(parcel)));
    outbox->announced++;
out:
    return status;
}

gcr_status gcr_parcel_announce(gcr_parcel_outbox *outbox)
{
    gcr_status status = GCR_OK;
    uint64_t put_so_far;

    pthread_mutex_lock(&outbox->lock);
    put_so_far = outbox->put;
    pthread_mutex_unlock(&outbox->lock);
    while (outbox->announced < put_so_far)
        GCR_TRY(announce_next(outbox));
out:
    return status;
}

/* In their order: one that is behind another has not arrived before it. */
gcr_status gcr_parcel_look(int *is_under_way, gcr_parcel_outbox *outbox)
{
    gcr_status status = GCR_OK;
    int is_sent = 1;

    while (is_sent && outbox->arrived < outbox->announced) {
        gcr_send **send = &outbox->sends[outbox->arrived % GCR_PARCELS_UNDER_WAY];

        GCR_TRY(gcr_comm_is_sent(&is_sent, outbox->comm, send));
        pthread_mutex_lock(&outbox->lock);
        outbox->arrived += (uint64_t)is_sent;
        pthread_mutex_unlock(&outbox->lock);
    }
    *is_under_way = outbox->arrived < outbox->announced;
out:
    return status;
}

/* ---- rank 0 ---------------------------------------------------------------------------------- */

/* What a rank has announced, and there has been no room for. */
typedef struct backlog {
    gcr_parcel parcels[GCR_PARCELS_UNDER_WAY]; /* used in turn */
    int first, count;
} backlog;

/* A parcel that is coming, or room for one. */
typedef struct arrival {
    gcr_buf *block, *staging;
    gcr_event *done;
    gcr_parcel parcel;
    int from;
    double begin;
} arrival;

struct gcr_receiver {
    gcr_receiver_spec spec;
    gcr_queue *queue;
    arrival arrivals[GCR_PARCELS_COMING];
    int turn; /* the one that lands next: they do so in the order in which they have begun */
    int coming;
    backlog *backlogs;  /* [size] of ranks */
    int next;           /* the rank whose turn is next */
    uint64_t announced; /* parcels that stand in backlogs */
    uint64_t bytes;
    double since, seconds; /* since when some are coming; and before */
};

gcr_status gcr_receiver_create(gcr_receiver **out, const gcr_receiver_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_device *device = spec->bridge->device;
    gcr_receiver *r = NULL;

    *out = NULL;
    if (spec->bytes == 0 || spec->bytes > GCR_PARCEL_BYTES_MOST)
        GCR_FAIL(GCR_EINVAL,
                 "a GPU passes results on in parcels of 1 to %d bytes, and not of %" PRIu64,
                 GCR_PARCEL_BYTES_MOST, spec->bytes);
    GCR_TRY(gcr_memory_create((void **)&r, 1, sizeof *r, "results of other ranks"));
    r->spec = *spec;
    GCR_TRY(gcr_memory_create((void **)&r->backlogs, (uint64_t)spec->bridge->size,
                              sizeof *r->backlogs, "what other ranks announce"));
    GCR_TRY(gcr_queue_open(&r->queue, device));
    for (int a = 0; a < GCR_PARCELS_COMING; a++) {
        GCR_TRY(gcr_buf_open(&r->arrivals[a].block, device, GCR_PLACE_DEVICE, spec->bytes));
        GCR_TRY(gcr_buf_open(&r->arrivals[a].staging, device, GCR_PLACE_STAGING, spec->bytes));
        GCR_TRY(gcr_event_open(&r->arrivals[a].done, device));
    }
    *out = r;
    r = NULL;
out:
    gcr_receiver_destroy(r);
    return status;
}

/* The queue first, which drains it. What never comes would keep it waiting. */
void gcr_receiver_destroy(gcr_receiver *r)
{
    if (r == NULL)
        return;
    if (r->coming > 0)
        gcr_bridge_give_up(r->spec.bridge);
    gcr_queue_close(r->queue);
    for (int a = 0; a < GCR_PARCELS_COMING; a++) {
        gcr_event_close(r->arrivals[a].done);
        gcr_buf_close(r->arrivals[a].staging);
        gcr_buf_close(r->arrivals[a].block);
    }
    gcr_memory_destroy(r->backlogs);
    gcr_memory_destroy(r);
}

/* ---- announcements --------------------------------------------------------------------------- */

/* What arrives is looked at before it is believed. */
static int is_sound(const gcr_receiver *r, const gcr_parcel *parcel)
{
    const gcr_slots *slots = r->spec.slots;
    const uint64_t cell_bytes = gcr_records_cell_bytes(slots);
    uint64_t points = 0;

    for (uint32_t p = 0; p < parcel->part_count; p++) {
        const gcr_parcel_part *part = &parcel->parts[p];

        if (!gcr_slots_have(slots, part->dataset, part->first, part->count) || part->count == 0 ||
            part->count > r->spec.bytes)
            return 0;
        points += part->count;
    }
    return points > 0 && points == parcel->points && points <= r->spec.bytes / cell_bytes &&
           parcel->bytes == points * cell_bytes;
}

/* A message as a parcel; its bytes need not be aligned. */
static int read_parcel(gcr_parcel *out, const void *bytes, uint64_t count)
{
    const uint64_t head = offsetof(gcr_parcel, parts);

    if (count < head || count > sizeof *out)
        return 0;
    memcpy(out, bytes, count);
    return out->part_count <= GCR_PARCEL_PARTS_MAX && count == gcr_parcel_message_bytes(out);
}

gcr_status gcr_receiver_take(gcr_receiver *r, int from, const void *bytes, uint64_t count)
{
    gcr_status status = GCR_OK;
    backlog *b;
    gcr_parcel *room;

    if (from < 1 || from >= r->spec.bridge->size)
        GCR_FAIL(GCR_EIO, "rank %d announces results and is not on the bridge", from);
    b = &r->backlogs[from];
    if (b->count == GCR_PARCELS_UNDER_WAY)
        GCR_FAIL(GCR_EIO, "rank %d announces more results than it may have under way", from);
    room = &b->parcels[(b->first + b->count) % GCR_PARCELS_UNDER_WAY];
    if (!read_parcel(room, bytes, count) || !is_sound(r, room))
        GCR_FAIL(GCR_EIO, "rank %d announces results of cells that this run does not have", from);
    b->count++;
    r->announced++;
out:
    return status;
}

/* ---- what comes ------------------------------------------------------------------------------ */

/* The next rank that has announced something, all in turn. */
static backlog *find_backlog(gcr_receiver *r, int *from)
{
    const int size = r->spec.bridge->size;

    for (int k = 0; k < size; k++) {
        const int rank = (r->next + k) % size;

        if (r->backlogs[rank].count == 0)
            continue;
        r->next = (rank + 1) % size;
        *from = rank;
        return &r->backlogs[rank];
    }
    return NULL;
}

/* The parcel whose turn it is. */
static void begin_arrival(gcr_receiver *r, arrival *a)
{
    backlog *b = find_backlog(r, &a->from);

    a->parcel = b->parcels[b->first];
    a->begin = gcr_clock_seconds();
    if (r->coming == 0)
        r->since = a->begin;
    b->first = (b->first + 1) % GCR_PARCELS_UNDER_WAY;
    b->count--;
    r->announced--;
    r->coming++;
}

/* As many as there is room for, side by side. */
static gcr_status begin_arrivals(gcr_receiver *r)
{
    gcr_status status = GCR_OK;
    gcr_bridge_part parts[GCR_PARCELS_COMING] = { 0 };
    arrival *begun[GCR_PARCELS_COMING];
    int count = 0;

    for (; r->announced > 0 && r->coming < GCR_PARCELS_COMING; count++) {
        arrival *a = &r->arrivals[(r->turn + r->coming) % GCR_PARCELS_COMING];

        begin_arrival(r, a);
        begun[count] = a;
        parts[count] = (gcr_bridge_part){
            .buf = a->block, .bytes = a->parcel.bytes, .peer = a->from, .is_received = 1
        };
    }
    GCR_TRY(gcr_bridge_pass(r->queue, r->spec.bridge, parts, count));
    for (int i = 0; i < count; i++) {
        GCR_TRY(gcr_download(r->queue, begun[i]->staging->base, GCR_PLACE_STAGING, begun[i]->block,
                             0, begun[i]->parcel.bytes));
        GCR_TRY(gcr_event_record(begun[i]->done, r->queue));
    }
out:
    return status;
}

/* ---- what has come --------------------------------------------------------------------------- */

/* Counts the live cells of a part by their states. GCR_EIO: none can have such a state. */
static gcr_status count_states(uint64_t *live_out, uint64_t *failed_out, const uint8_t *state,
                               uint64_t count, int from)
{
    gcr_status status = GCR_OK;

    *live_out = *failed_out = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (state[i] == GCR_CELL_EMPTY || state[i] >= GCR_CELL_STATE_COUNT)
            GCR_FAIL(GCR_EIO, "rank %d passes on results in a state %d that no cell has", from,
                     state[i]);
        *live_out += state[i] != GCR_CELL_EXCLUDED;
        *failed_out += gcr_cell_is_failed(state[i]) ? 1 : 0;
    }
out:
    return status;
}

static gcr_status land_part(gcr_receiver *r, const arrival *a, const gcr_records_part *at,
                            double cost)
{
    gcr_status status = GCR_OK;
    gcr_slots *slots = r->spec.slots;
    const gcr_records records = { .base = a->staging->base, .points = a->parcel.points };
    const gcr_point_table *points = gcr_points_table(r->spec.points);
    gcr_landing landing = {
        .dataset = at->dataset, .first = at->first, .count = at->count, .cost = cost
    };

    gcr_records_exclude(&records, slots, points, at);
    GCR_TRY(count_states(&landing.live, &landing.failed, gcr_records_states(&records, slots, at),
                         at->count, a->from));
    gcr_records_keep(&records, slots, points, at);
    gcr_records_mark(slots, at, a->parcel.kind);
    GCR_TRY(r->spec.on_landed(r->spec.arg, &landing));
out:
    return status;
}

static gcr_status land(gcr_receiver *r, arrival *a)
{
    gcr_status status = GCR_OK;
    uint64_t before = 0;

    r->coming--;
    if (r->coming == 0)
        r->seconds += gcr_clock_seconds() - r->since;
    r->turn = (r->turn + 1) % GCR_PARCELS_COMING;
    for (uint32_t p = 0; p < a->parcel.part_count; p++) {
        const gcr_parcel_part *part = &a->parcel.parts[p];
        const gcr_records_part at = {
            .dataset = part->dataset, .first = part->first, .count = part->count, .at = before
        };

        GCR_TRY(land_part(r, a, &at, part->cost));
        before += part->count;
    }
    r->bytes += a->parcel.bytes;
out:
    return status;
}

static gcr_status check_time(gcr_receiver *r, const arrival *a)
{
    gcr_status status = GCR_OK;

    if (gcr_clock_seconds() - a->begin < r->spec.seconds)
        goto out;
    gcr_bridge_give_up(r->spec.bridge);
    GCR_FAIL(GCR_ETIMEOUT,
             "rank %d has announced %" PRIu64
             " bytes of results, and its GPU has not sent them in %g s",
             a->from, a->parcel.bytes, r->spec.seconds);
out:
    return status;
}

gcr_status gcr_receiver_look(int *is_under_way, gcr_receiver *r)
{
    gcr_status status = GCR_OK;

    *is_under_way = 1;
    if (r->announced > 0 && r->coming < GCR_PARCELS_COMING)
        GCR_TRY(begin_arrivals(r));
    while (r->coming > 0) {
        arrival *a = &r->arrivals[r->turn];
        int is_over;

        GCR_TRY(gcr_bridge_look(&is_over, r->spec.bridge, a->done));
        if (!is_over) {
            GCR_TRY(check_time(r, a));
            break;
        }
        GCR_TRY(land(r, a));
    }
    *is_under_way = r->coming > 0 || r->announced > 0;
out:
    return status;
}

uint64_t gcr_receiver_bytes(const gcr_receiver *r)
{
    return r->bytes;
}

double gcr_receiver_seconds(const gcr_receiver *r)
{
    return r->seconds;
}
