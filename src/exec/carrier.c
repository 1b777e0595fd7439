/* exec/carrier.c -- see carrier.h. */
#include "exec/carrier.h"

#include "base/check.h"
#include "base/clock.h"
#include "exec/gather_way.h"
#include "exec/tags.h"

#include <unistd.h>

enum { LOOK_US = 50 }; /* until one more may be under way, or one is not any more */

/* What all ranks of a node see. */
typedef struct board {
    atomic_int ended; /* ranks that will send no more, rank 0 aside */
} board;

static board *board_of(const gcr_carrier *carrier)
{
    return carrier->board.base;
}

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
    GCR_TRY(gcr_comm_share(&out->board, comm, sizeof(board), 1, "what ranks say of their GPUs"));
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
    gcr_shared_clear(&carrier->board);
    carrier->receiver = NULL;
    carrier->bridge = NULL;
}

int gcr_carrier_carries(const gcr_carrier *carrier)
{
    const gcr_comm_info *ranks;

    if (carrier->bridge == NULL)
        return 0;
    ranks = gcr_comm_info_of(carrier->comm);
    return is_root(carrier) || gcr_gather_is_carried(ranks, ranks->rank);
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

/* Whether there is anybody who tells rank 0 of what is sent. */
static gcr_status check(gcr_carrier *carrier)
{
    gcr_status status = GCR_OK;

    if (atomic_load(&carrier->has_given_up)) {
        gcr_bridge_give_up(carrier->bridge);
        GCR_FAIL(GCR_ECLOSED, "the run has ended without what a GPU has computed last");
    }
    GCR_TRY(gcr_bridge_check(carrier->bridge));
out:
    return status;
}

/* Where the run has failed, that a bridge breaks is no news: others have given up. */
static gcr_status judge(const gcr_carrier *carrier, gcr_status status)
{
    return status != GCR_OK && atomic_load(&carrier->is_hurried) ? GCR_ECLOSED : status;
}

gcr_status gcr_carrier_send(gcr_carrier *carrier, gcr_queue *queue, gcr_flight *flight,
                            const gcr_slots *slots, uint8_t kind)
{
    gcr_status status = GCR_OK;
    gcr_parcel parcel = { 0 };
    int is_taken = 0;

    describe(&parcel, flight, slots, kind);
    while (!is_taken) {
        GCR_TRY(check(carrier));
        GCR_TRY(gcr_parcel_send(&is_taken, &carrier->outbox, carrier->bridge, queue,
                                flight->records_dev, &parcel, flight->done));
        if (!is_taken)
            usleep(LOOK_US);
    }
    flight->is_leaving = 1;
out:
    return judge(carrier, status);
}

/* What is still not over then is the bridge's to name, and breaks it. */
static gcr_status wait_for(gcr_carrier *carrier, gcr_event *done)
{
    gcr_status status = GCR_OK;
    const double end = gcr_clock_seconds() + GCR_CARRIER_PASS_SECONDS;
    int is_over = 0;

    while (!is_over && gcr_clock_seconds() < end) {
        GCR_TRY(check(carrier));
        GCR_TRY(gcr_bridge_look(&is_over, carrier->bridge, done));
        if (!is_over)
            usleep(LOOK_US);
    }
    if (!is_over)
        GCR_TRY(gcr_bridge_wait(carrier->bridge, done, 0));
out:
    return status;
}

gcr_status gcr_carrier_wait(gcr_carrier *carrier, gcr_flight *flight)
{
    gcr_status status = GCR_OK;

    if (flight->is_leaving)
        GCR_TRY(judge(carrier, wait_for(carrier, flight->done)));
    flight->is_leaving = 0;
out:
    return status;
}

static void tell_node(gcr_carrier *carrier)
{
    if (!carrier->has_ended)
        atomic_fetch_add(&board_of(carrier)->ended, 1);
    carrier->has_ended = 1;
}

static gcr_status announce(gcr_carrier *carrier)
{
    gcr_status status = GCR_OK;

    if (!atomic_load(&carrier->has_given_up))
        GCR_TRY(gcr_parcel_announce(&carrier->outbox));
    GCR_TRY(gcr_parcel_look(&carrier->is_under_way, &carrier->outbox));
out:
    return status;
}

/* ---- rank 0 ---------------------------------------------------------------------------------- */

static gcr_status receive(gcr_carrier *carrier)
{
    gcr_status status = gcr_receiver_look(&carrier->is_under_way, carrier->receiver);

    status = judge(carrier, status);
    if (status != GCR_ECLOSED)
        return status;
    gcr_carrier_give_up(carrier);
    return GCR_OK;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* One that has given up, and can find out no more what has arrived, ends all the same. */
gcr_status gcr_carrier_look(gcr_carrier *carrier, int have_ended)
{
    gcr_status status = GCR_OK;
    int has_given_up;

    if (atomic_load(&carrier->is_hurried) && gcr_clock_seconds() >= carrier->end)
        gcr_carrier_give_up(carrier);
    has_given_up = atomic_load(&carrier->has_given_up);
    if (carrier->bridge == NULL || (has_given_up && is_root(carrier)))
        return GCR_OK;
    if (is_root(carrier))
        return receive(carrier);
    status = announce(carrier);
    if (have_ended && (status == GCR_OK ? !carrier->is_under_way : has_given_up))
        tell_node(carrier);
    return has_given_up ? GCR_OK : status;
}

gcr_status gcr_carrier_take(gcr_carrier *carrier, const gcr_message *message)
{
    gcr_status status = GCR_OK;

    if (carrier->bridge == NULL || !is_root(carrier))
        GCR_FAIL(GCR_EIO, "rank %d announces results to a rank that receives none", message->from);
    if (!atomic_load(&carrier->has_given_up))
        GCR_TRY(
            gcr_receiver_take(carrier->receiver, message->from, message->bytes, message->count));
out:
    return status;
}

/* On other ranks than 0 the worker has the bridge, and breaks it when it looks. */
void gcr_carrier_give_up(gcr_carrier *carrier)
{
    if (carrier->bridge == NULL || atomic_exchange(&carrier->has_given_up, 1))
        return;
    if (!is_root(carrier))
        return;
    carrier->is_under_way = 0;
    gcr_bridge_give_up(carrier->bridge);
}

void gcr_carrier_hurry(gcr_carrier *carrier, double seconds)
{
    if (atomic_load(&carrier->is_hurried))
        return;
    carrier->end = gcr_clock_seconds() + seconds;
    atomic_store(&carrier->is_hurried, 1);
}

int gcr_carrier_node_has_ended(const gcr_carrier *carrier)
{
    const int is_rank_0_here = gcr_comm_info_of(carrier->comm)->node == 0;

    return carrier->bridge == NULL ||
           atomic_load(&board_of(carrier)->ended) ==
               gcr_comm_info_of(carrier->comm)->node_size - is_rank_0_here;
}

int gcr_carrier_is_over(const gcr_carrier *carrier)
{
    if (carrier->bridge == NULL)
        return 1;
    if (is_root(carrier))
        return gcr_carrier_node_has_ended(carrier) && !carrier->is_under_way;
    return carrier->has_ended;
}

uint64_t gcr_carrier_bytes(const gcr_carrier *carrier)
{
    return carrier->receiver != NULL ? gcr_receiver_bytes(carrier->receiver) : 0;
}

double gcr_carrier_seconds(const gcr_carrier *carrier)
{
    return carrier->receiver != NULL ? gcr_receiver_seconds(carrier->receiver) : 0.0;
}
