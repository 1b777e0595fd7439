/* exec/carrier.c -- see carrier.h. */
#include "exec/carrier.h"

#include "base/check.h"
#include "exec/tags.h"

#include <unistd.h>

enum { LOOK_US = 50 }; /* until one more may be under way */

static int is_root(const gcr_carrier *carrier)
{
    return carrier->bridge->rank == 0;
}

static gcr_status count_landing(void *arg, const gcr_landing *landing)
{
    return gcr_gather_count(arg, landing);
}

gcr_status gcr_carrier_open(gcr_carrier *out, gcr_bridge *bridge, gcr_comm *comm,
                            gcr_gather *gather, gcr_slots *slots, const gcr_points *points)
{
    gcr_status status = GCR_OK;
    const gcr_receiver_spec spec = { .bridge = bridge,
                                     .bytes = GCR_PARCEL_BYTES_MOST,
                                     .seconds = GCR_CARRIER_PASS_SECONDS,
                                     .slots = slots,
                                     .points = points,
                                     .on_landed = count_landing,
                                     .arg = gather };

    *out = (gcr_carrier){ .bridge = bridge, .comm = comm };
    if (bridge == NULL)
        goto out;
    if (is_root(out))
        GCR_TRY(gcr_receiver_create(&out->receiver, &spec));
    else
        gcr_parcel_outbox_open(&out->outbox, comm, GCR_TAG_PARCEL);
out:
    return status;
}

void gcr_carrier_close(gcr_carrier *carrier)
{
    gcr_receiver_destroy(carrier->receiver);
    gcr_parcel_outbox_close(&carrier->outbox);
    *carrier = (gcr_carrier){ 0 };
}

uint64_t gcr_carrier_batch_most(const gcr_slots *slots)
{
    return GCR_PARCEL_BYTES_MOST / gcr_records_cell_bytes(slots);
}

/* ---- another rank than 0 --------------------------------------------------------------------- */

static void describe(gcr_parcel *out, const gcr_flight *flight, const gcr_slots *slots,
                     uint8_t kind)
{
    out->points = flight->points;
    out->bytes = flight->points * gcr_records_cell_bytes(slots);
    out->part_count = (uint32_t)flight->tile_count;
    out->kind = kind;
    for (uint64_t t = 0; t < flight->tile_count; t++) {
        const gcr_flight_part *p = &flight->parts[t];

        out->parts[t] = (gcr_parcel_part){ .dataset = p->at.dataset,
                                           .first = p->at.first,
                                           .count = p->at.count,
                                           .cost = p->cell_cost * (double)p->live };
    }
}

_Static_assert((int)GCR_FLIGHT_TILES <= (int)GCR_PARCEL_PARTS_MAX, "a batch is a parcel");

gcr_status gcr_carrier_send(gcr_carrier *carrier, gcr_queue *queue, gcr_flight *flight,
                            const gcr_slots *slots, uint8_t kind)
{
    gcr_status status = GCR_OK;
    gcr_parcel parcel = { 0 };
    int is_taken = 0;

    describe(&parcel, flight, slots, kind);
    while (!is_taken) {
        GCR_TRY(gcr_bridge_check(carrier->bridge));
        GCR_TRY(gcr_parcel_send(&is_taken, &carrier->outbox, carrier->bridge, queue,
                                flight->records_dev, &parcel, flight->done));
        if (!is_taken)
            usleep(LOOK_US);
    }
    flight->is_leaving = 1;
out:
    return status;
}

gcr_status gcr_carrier_wait(gcr_carrier *carrier, gcr_flight *flight)
{
    gcr_status status = GCR_OK;

    if (flight->is_leaving)
        GCR_TRY(gcr_bridge_wait(carrier->bridge, flight->done, GCR_CARRIER_PASS_SECONDS));
    flight->is_leaving = 0;
out:
    return status;
}

/* A message without a word: behind it comes nothing. */
static gcr_status say_end(gcr_carrier *carrier)
{
    gcr_status status = GCR_OK;

    if (carrier->ended)
        goto out;
    GCR_TRY(gcr_comm_send(&carrier->end, carrier->comm, 0, GCR_TAG_PARCEL, NULL, 0));
    carrier->ended = 1;
out:
    return status;
}

static gcr_status announce(gcr_carrier *carrier, int have_ended)
{
    gcr_status status = GCR_OK;
    int is_sent;

    GCR_TRY(gcr_parcel_announce(&carrier->is_under_way, &carrier->outbox));
    if (have_ended && !carrier->is_under_way)
        GCR_TRY(say_end(carrier));
    if (carrier->end != NULL)
        GCR_TRY(gcr_comm_is_sent(&is_sent, carrier->comm, &carrier->end));
out:
    return status;
}

/* ---- all of them ----------------------------------------------------------------------------- */

gcr_status gcr_carrier_look(gcr_carrier *carrier, int have_ended)
{
    if (carrier->bridge == NULL || carrier->has_given_up)
        return GCR_OK;
    return is_root(carrier) ? gcr_receiver_look(&carrier->is_under_way, carrier->receiver)
                            : announce(carrier, have_ended);
}

gcr_status gcr_carrier_take(gcr_carrier *carrier, const gcr_message *message)
{
    gcr_status status = GCR_OK;

    if (carrier->bridge == NULL || !is_root(carrier))
        GCR_FAIL(GCR_EIO, "rank %d announces results to a rank that receives none", message->from);
    if (message->count == 0)
        carrier->ended++;
    else if (!carrier->has_given_up)
        GCR_TRY(
            gcr_receiver_take(carrier->receiver, message->from, message->bytes, message->count));
out:
    return status;
}

void gcr_carrier_give_up(gcr_carrier *carrier)
{
    if (carrier->bridge == NULL || !is_root(carrier))
        return;
    carrier->has_given_up = 1;
    carrier->is_under_way = 0;
    gcr_bridge_abort(carrier->bridge);
}

int gcr_carrier_is_over(const gcr_carrier *carrier)
{
    if (carrier->bridge == NULL)
        return 1;
    if (is_root(carrier))
        return carrier->ended == carrier->bridge->size - 1 && !carrier->is_under_way;
    return carrier->ended && carrier->end == NULL;
}
