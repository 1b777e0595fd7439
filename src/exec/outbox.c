/* exec/outbox.c -- see exec/outbox.h. */
#include "exec/outbox.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

gcr_status gcr_outbox_open(gcr_outbox *out, gcr_comm *comm, int to, int tag, uint64_t room)
{
    gcr_status status = GCR_OK;

    *out = (gcr_outbox){ .comm = comm, .to = to, .tag = tag };
    for (int i = 0; i < GCR_OUTBOX_PACKETS; i++) {
        GCR_TRY(
            gcr_memory_create((void **)&out->packets[i].bytes, room, 1, "results on their way"));
        out->packets[i].room = room;
    }
out:
    if (status != GCR_OK)
        gcr_outbox_close(out);
    return status;
}

void gcr_outbox_close(gcr_outbox *outbox)
{
    for (int i = 0; i < GCR_OUTBOX_PACKETS; i++)
        gcr_comm_leave_send(outbox->comm, &outbox->sends[i], outbox->packets[i].bytes,
                            gcr_memory_destroy);
    *outbox = (gcr_outbox){ 0 };
}

gcr_packet *gcr_outbox_packet(gcr_outbox *outbox)
{
    gcr_packet *packet = &outbox->packets[outbox->turn];

    if (outbox->sends[outbox->turn] != NULL)
        return NULL;
    if (packet->used == 0)
        outbox->begun = gcr_clock_seconds();
    return packet;
}

int gcr_outbox_has_unsent(const gcr_outbox *outbox)
{
    return outbox->sends[outbox->turn] == NULL && outbox->packets[outbox->turn].used > 0;
}

gcr_status gcr_outbox_send(gcr_outbox *outbox)
{
    gcr_status status = GCR_OK;
    gcr_packet *packet = &outbox->packets[outbox->turn];

    if (!gcr_outbox_has_unsent(outbox))
        goto out;
    GCR_TRY(gcr_comm_send(&outbox->sends[outbox->turn], outbox->comm, outbox->to, outbox->tag,
                          packet->bytes, packet->used));
    if (outbox->since <= 0.0)
        outbox->since = gcr_clock_seconds();
    outbox->messages++;
    outbox->bytes += packet->used;
    outbox->turn = (outbox->turn + 1) % GCR_OUTBOX_PACKETS;
out:
    return status;
}

gcr_status gcr_outbox_send_old(gcr_outbox *outbox, double seconds)
{
    gcr_status status = GCR_OK;

    if (gcr_outbox_has_unsent(outbox) && gcr_clock_seconds() - outbox->begun >= seconds)
        GCR_TRY(gcr_outbox_send(outbox));
out:
    return status;
}

gcr_status gcr_outbox_look(gcr_outbox *outbox)
{
    gcr_status status = GCR_OK;
    int is_under_way = 0;

    for (int i = 0; i < GCR_OUTBOX_PACKETS; i++) {
        int is_sent = 1;

        if (outbox->sends[i] == NULL)
            continue;
        GCR_TRY(gcr_comm_is_sent(&is_sent, outbox->comm, &outbox->sends[i]));
        if (is_sent)
            outbox->packets[i].used = 0;
        is_under_way |= !is_sent;
    }
    if (!is_under_way) {
        outbox->seconds = gcr_outbox_seconds(outbox);
        outbox->since = 0.0;
    }
out:
    return status;
}

double gcr_outbox_seconds(const gcr_outbox *outbox)
{
    return outbox->seconds + (outbox->since > 0.0 ? gcr_clock_seconds() - outbox->since : 0.0);
}
