/* comm/alone.c -- a group of one process. What it sends to itself waits in a list. */
#include "comm/transport.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

typedef struct letter {
    struct letter *next;
    int tag;
    uint64_t count;
    unsigned char bytes[];
} letter;

typedef struct alone {
    gcr_link link;
    letter *first, **end;
    letter *looked_at;
} alone;

static alone *alone_of(gcr_link *link)
{
    return (alone *)link;
}

static gcr_status alone_open(gcr_link **out)
{
    gcr_status status = GCR_OK;
    alone *self = calloc(1, sizeof *self);

    if (self == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the only rank");
    self->link = (gcr_link){ .transport = &gcr_transport_alone, .size = 1 };
    self->end = &self->first;
    *out = &self->link;
out:
    return status;
}

static gcr_status alone_split(gcr_link **out, gcr_link *link, int is_in, int key)
{
    (void)link;
    (void)key;
    *out = NULL;
    return is_in ? alone_open(out) : GCR_OK;
}

static void alone_close(gcr_link *link)
{
    alone *self = alone_of(link);

    free(self->looked_at);
    while (self->first != NULL) {
        letter *next = self->first->next;

        free(self->first);
        self->first = next;
    }
    free(self);
}

static void alone_lose(gcr_link *link, int rank)
{
    (void)link;
    (void)rank; /* there is no other */
}

static gcr_status alone_broadcast(gcr_link *link, void *buffer, uint64_t bytes, int root)
{
    (void)link;
    (void)buffer;
    (void)bytes;
    (void)root;
    return GCR_OK;
}

static gcr_status alone_gather_all(gcr_link *link, const void *mine, uint64_t bytes, void *all)
{
    (void)link;
    if (bytes > 0)
        memcpy(all, mine, bytes);
    return GCR_OK;
}

/* The bytes are copied, so that it is sent at once: what stands for it is the list's own letter. */
static gcr_status alone_send(gcr_send **out, gcr_link *link, int to, int tag, const void *bytes,
                             uint64_t count)
{
    gcr_status status = GCR_OK;
    alone *self = alone_of(link);
    letter *sent = malloc(sizeof *sent + count);

    (void)to;
    if (sent == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a message");
    *sent = (letter){ .tag = tag, .count = count };
    if (count > 0)
        memcpy(sent->bytes, bytes, count);
    *self->end = sent;
    self->end = &sent->next;
    *out = (gcr_send *)self;
out:
    return status;
}

static gcr_status alone_is_sent(int *is_sent, gcr_link *link, gcr_send **send)
{
    (void)link;
    *is_sent = 1;
    *send = NULL;
    return GCR_OK;
}

static void alone_leave_send(gcr_link *link, gcr_send *send, void *bytes, void (*give_back)(void *))
{
    (void)link;
    (void)send;
    give_back(bytes);
}

static gcr_status alone_look(gcr_message *out, int *found, gcr_link *link)
{
    alone *self = alone_of(link);
    letter *here = self->first;

    free(self->looked_at);
    self->looked_at = here;
    *found = here != NULL;
    if (here == NULL)
        return GCR_OK;
    self->first = here->next;
    if (self->first == NULL)
        self->end = &self->first;
    *out = (gcr_message){ .tag = here->tag, .count = here->count, .bytes = here->bytes };
    return GCR_OK;
}

static const char *alone_library(void)
{
    return NULL;
}

const gcr_transport gcr_transport_alone = {
    .open = alone_open,
    .split = alone_split,
    .close = alone_close,
    .lose = alone_lose,
    .leave = alone_close,
    .broadcast = alone_broadcast,
    .gather_all = alone_gather_all,
    .send = alone_send,
    .is_sent = alone_is_sent,
    .leave_send = alone_leave_send,
    .look = alone_look,
    .library = alone_library,
};
