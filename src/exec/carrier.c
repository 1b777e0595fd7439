/* exec/carrier.c -- see carrier.h. */
#include "exec/carrier.h"

#include "base/check.h"
#include "exec/tags.h"

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
        GCR_FAIL(GCR_EFORMAT, "rank %d announces results to a rank that receives none",
                 message->from);
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
