/* backend/link.c -- the only callers of a gcr_link_ops: checks, the table, the ledger. */
#include "backend/backend.h"

#include "base/check.h"

int gcr_can_link(const gcr_device *device)
{
    return device->backend->link != NULL;
}

static gcr_status check_ops(const gcr_device *device)
{
    gcr_status status = GCR_OK;

    if (!gcr_can_link(device))
        GCR_FAIL(GCR_EUNSUPPORTED, "devices of '%s' have no links to those of other processes",
                 device->backend->name);
out:
    return status;
}

gcr_status gcr_link_name(char out[GCR_LINK_NAME_BYTES], const gcr_device *device)
{
    gcr_status status = GCR_OK;

    out[0] = '\0';
    GCR_TRY(check_ops(device));
    GCR_TRY(device->backend->link->name(out, GCR_LINK_NAME_BYTES));
out:
    return status;
}

gcr_status gcr_link_make_id(gcr_link_id *out, gcr_device *device)
{
    gcr_status status = GCR_OK;

    *out = (gcr_link_id){ { 0 } };
    GCR_TRY(check_ops(device));
    GCR_TRY(device->backend->link->make_id(out, device));
out:
    return status;
}

gcr_status gcr_link_open(gcr_link **out, gcr_device *device, const gcr_link_spec *spec)
{
    gcr_status status = GCR_OK;

    *out = NULL;
    GCR_TRY(check_ops(device));
    if (spec->size < 1 || spec->rank < 0 || spec->rank >= spec->size)
        GCR_FAIL(GCR_EINVAL, "a link of %d ranks has no rank %d", spec->size, spec->rank);
    if (!(spec->seconds > 0))
        GCR_FAIL(GCR_EINVAL, "a link has a limit of time, and %g s is none", spec->seconds);
    GCR_TRY(device->backend->link->open(out, device, spec));
out:
    return status;
}

void gcr_link_close(gcr_link *link)
{
    if (link != NULL)
        link->device->backend->link->close(link);
}

/* `queue` and `buf` are of the link's device, and the bytes inside the buffer. */
static gcr_status check_block(const gcr_link *link, const gcr_queue *queue, const gcr_buf *buf,
                              uint64_t offset, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    if (queue->device != link->device || buf->device != link->device ||
        buf->place != GCR_PLACE_DEVICE)
        GCR_FAIL(GCR_EINVAL, "what a link passes is in the memory of its own device");
    if (bytes == 0)
        GCR_FAIL(GCR_EINVAL, "a link passes one byte or more");
    GCR_TRY(gcr_buf_check_range(buf, offset, bytes));
out:
    return status;
}

static gcr_status check_peer(const gcr_link *link, int peer)
{
    gcr_status status = GCR_OK;

    if (peer < 0 || peer >= link->size)
        GCR_FAIL(GCR_EINVAL, "a link of %d ranks has no rank %d", link->size, peer);
out:
    return status;
}

static gcr_status check_parts(const gcr_queue *queue, const gcr_link *link,
                              const gcr_link_part *parts, int count)
{
    gcr_status status = GCR_OK;

    if (count < 0 || count > GCR_LINK_PARTS_MAX)
        GCR_FAIL(GCR_EINVAL, "a link passes at most %d parts at once, not %d", GCR_LINK_PARTS_MAX,
                 count);
    for (int i = 0; i < count; i++) {
        const gcr_link_part *p = &parts[i];

        GCR_TRY(check_peer(link, p->peer));
        GCR_TRY(check_block(link, queue, p->buf, p->offset, p->bytes));
    }
out:
    return status;
}

static void count_part(gcr_ledger *ledger, uint64_t bytes, int is_received)
{
    *(is_received ? &ledger->received_bytes : &ledger->sent_bytes) += bytes;
    *(is_received ? &ledger->received_calls : &ledger->sent_calls) += 1;
}

gcr_status gcr_link_pass(gcr_queue *queue, gcr_link *link, const gcr_link_part *parts, int count)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_parts(queue, link, parts, count));
    if (count == 0)
        goto out;
    GCR_TRY(link->device->backend->link->pass(queue, link, parts, count));
    for (int i = 0; i < count; i++)
        count_part(&queue->ledger, parts[i].bytes, parts[i].is_received);
out:
    return status;
}

gcr_status gcr_link_broadcast(gcr_queue *queue, gcr_link *link, gcr_buf *buf, uint64_t offset,
                              uint64_t bytes, int root)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_peer(link, root));
    GCR_TRY(check_block(link, queue, buf, offset, bytes));
    GCR_TRY(link->device->backend->link->broadcast(queue, link, (char *)buf->base + offset, bytes,
                                                   root));
    count_part(&queue->ledger, bytes, link->rank != root);
out:
    return status;
}

gcr_status gcr_link_wait(gcr_link *link, gcr_event *event, double seconds)
{
    return link->device->backend->link->wait(link, event, seconds);
}

gcr_status gcr_link_check(gcr_link *link)
{
    return link->device->backend->link->check(link);
}

void gcr_link_abort(gcr_link *link)
{
    link->device->backend->link->abort(link);
}
