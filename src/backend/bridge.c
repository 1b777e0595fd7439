/* backend/bridge.c -- the only callers of a gcr_bridge_ops: checks, the table, the ledger. */
#include "backend/backend.h"

#include "base/check.h"

int gcr_can_bridge(const gcr_device *device)
{
    return device->backend->bridge != NULL;
}

static gcr_status check_ops(const gcr_device *device)
{
    gcr_status status = GCR_OK;

    if (!gcr_can_bridge(device))
        GCR_FAIL(GCR_EUNSUPPORTED, "devices of '%s' have no bridges to those of other processes",
                 device->backend->name);
out:
    return status;
}

gcr_status gcr_bridge_name(char out[GCR_BRIDGE_NAME_BYTES], const gcr_device *device)
{
    gcr_status status = GCR_OK;

    out[0] = '\0';
    GCR_TRY(check_ops(device));
    GCR_TRY(device->backend->bridge->name(out, GCR_BRIDGE_NAME_BYTES));
out:
    return status;
}

gcr_status gcr_bridge_make_id(gcr_bridge_id *out, gcr_device *device)
{
    gcr_status status = GCR_OK;

    *out = (gcr_bridge_id){ { 0 } };
    GCR_TRY(check_ops(device));
    GCR_TRY(device->backend->bridge->make_id(out, device));
out:
    return status;
}

gcr_status gcr_bridge_open(gcr_bridge **out, gcr_device *device, const gcr_bridge_spec *spec)
{
    gcr_status status = GCR_OK;

    *out = NULL;
    GCR_TRY(check_ops(device));
    if (spec->size < 1 || spec->rank < 0 || spec->rank >= spec->size)
        GCR_FAIL(GCR_EINVAL, "a bridge of %d ranks has no rank %d", spec->size, spec->rank);
    if (!(spec->seconds > 0))
        GCR_FAIL(GCR_EINVAL, "a bridge has a limit of time, and %g s is none", spec->seconds);
    GCR_TRY(device->backend->bridge->open(out, device, spec));
out:
    return status;
}

void gcr_bridge_close(gcr_bridge *bridge)
{
    if (bridge != NULL)
        bridge->device->backend->bridge->close(bridge);
}

/* `queue` and `buf` are of the bridge's device, and the bytes inside the buffer. */
static gcr_status check_block(const gcr_bridge *bridge, const gcr_queue *queue, const gcr_buf *buf,
                              uint64_t offset, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    if (queue->device != bridge->device || buf->device != bridge->device ||
        buf->place != GCR_PLACE_DEVICE)
        GCR_FAIL(GCR_EINVAL, "what a bridge passes is in the memory of its own device");
    if (bytes == 0)
        GCR_FAIL(GCR_EINVAL, "a bridge passes one byte or more");
    GCR_TRY(gcr_buf_check_range(buf, offset, bytes));
out:
    return status;
}

static gcr_status check_peer(const gcr_bridge *bridge, int peer)
{
    gcr_status status = GCR_OK;

    if (peer < 0 || peer >= bridge->size)
        GCR_FAIL(GCR_EINVAL, "a bridge of %d ranks has no rank %d", bridge->size, peer);
out:
    return status;
}

static gcr_status check_parts(const gcr_queue *queue, const gcr_bridge *bridge,
                              const gcr_bridge_part *parts, int count)
{
    gcr_status status = GCR_OK;

    if (count < 0 || count > GCR_BRIDGE_PARTS_MAX)
        GCR_FAIL(GCR_EINVAL, "a bridge passes at most %d parts at once, not %d",
                 GCR_BRIDGE_PARTS_MAX, count);
    for (int i = 0; i < count; i++) {
        const gcr_bridge_part *p = &parts[i];

        GCR_TRY(check_peer(bridge, p->peer));
        GCR_TRY(check_block(bridge, queue, p->buf, p->offset, p->bytes));
    }
out:
    return status;
}

static void count(uint64_t *bytes_out, uint64_t *calls_out, uint64_t bytes)
{
    *bytes_out += bytes;
    ++*calls_out;
}

static void count_part(gcr_ledger *ledger, const gcr_bridge_part *part)
{
    if (part->is_received)
        count(&ledger->received_bytes, &ledger->received_calls, part->bytes);
    else
        count(&ledger->sent_bytes, &ledger->sent_calls, part->bytes);
}

gcr_status gcr_bridge_pass(gcr_queue *queue, gcr_bridge *bridge, const gcr_bridge_part *parts,
                           int count)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_parts(queue, bridge, parts, count));
    if (count == 0)
        goto out;
    GCR_TRY(bridge->device->backend->bridge->pass(queue, bridge, parts, count));
    for (int i = 0; i < count; i++)
        count_part(&queue->ledger, &parts[i]);
out:
    return status;
}

gcr_status gcr_bridge_broadcast(gcr_queue *queue, gcr_bridge *bridge, gcr_buf *buf, uint64_t offset,
                                uint64_t bytes, int root)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_peer(bridge, root));
    GCR_TRY(check_block(bridge, queue, buf, offset, bytes));
    GCR_TRY(bridge->device->backend->bridge->broadcast(queue, bridge, (char *)buf->base + offset,
                                                       bytes, root));
    if (bridge->rank != root)
        count(&queue->ledger.spread_bytes, &queue->ledger.spread_calls, bytes);
out:
    return status;
}

gcr_status gcr_bridge_look(int *is_over, gcr_bridge *bridge, gcr_event *event)
{
    *is_over = 0;
    return bridge->device->backend->bridge->look(is_over, bridge, event);
}

gcr_status gcr_bridge_wait(gcr_bridge *bridge, gcr_event *event, double seconds)
{
    return bridge->device->backend->bridge->wait(bridge, event, seconds);
}

gcr_status gcr_bridge_check(gcr_bridge *bridge)
{
    return bridge->device->backend->bridge->check(bridge);
}

void gcr_bridge_give_up(gcr_bridge *bridge)
{
    bridge->device->backend->bridge->give_up(bridge);
}
