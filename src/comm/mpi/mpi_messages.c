/*
 * comm/mpi/mpi_messages.c -- messages by MPI.
 *
 * Sends are synchronous ones (MPI_Issend): one is over when its receiver has taken it, so that a
 * rank that sends much cannot fill the memory of one that looks seldom, and so that ranks can know
 * that nothing is on its way any more.
 */
#include "comm/mpi/mpi_private.h"

#include <stdlib.h>
#include <string.h>

struct gcr_send {
    gcr_send *next, **place; /* in a list of its link */
    MPI_Request request;
    int to, is_lost;                /* with the rank that it goes to        */
    void *bytes;                    /* that its sender has left to it ... */
    void (*give_back)(void *bytes); /* ... NULL: none      */
    char copy[];                    /* of what it says, where that is little */
};

/* Adds it to a list, or takes it out of its list. */
static void add(gcr_send **list, gcr_send *send)
{
    send->place = list;
    send->next = *list;
    if (send->next != NULL)
        send->next->place = &send->next;
    *list = send;
}

static void take_out(gcr_send *send)
{
    *send->place = send->next;
    if (send->next != NULL)
        send->next->place = send->place;
}

gcr_status gcr_mpi_send(gcr_send **out, gcr_link *link, int to, int tag, const void *bytes,
                        uint64_t count)
{
    gcr_status status = GCR_OK;
    gcr_mpi_link *self = gcr_mpi_link_of(link);
    const int is_copied = count <= GCR_MESSAGE_COPIED_BYTES;
    gcr_send *send = malloc(sizeof *send + (is_copied ? count : 0));

    if (send == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a message");
    *send = (gcr_send){ .to = to };
    if (is_copied && count > 0)
        bytes = memcpy(send->copy, bytes, count);
    GCR_MPI(MPI_Issend(bytes, (int)count, MPI_BYTE, to, tag, self->comm, &send->request));
    add(&self->sends, send);
    *out = send;
    send = NULL;
out:
    free(send);
    return status;
}

/* MPI reads nothing of it any more. */
static void discard(gcr_send *send)
{
    if (send->give_back != NULL)
        send->give_back(send->bytes);
    free(send);
}

gcr_status gcr_mpi_is_sent(int *is_sent, gcr_link *link, gcr_send **send)
{
    gcr_status status = GCR_OK;
    gcr_mpi_link *self = gcr_mpi_link_of(link);
    gcr_send *here = *send;

    *is_sent = here->is_lost;
    if (!*is_sent)
        GCR_MPI(MPI_Test(&here->request, is_sent, MPI_STATUS_IGNORE));
    if (!*is_sent)
        goto out;
    take_out(here);
    if (here->is_lost)
        add(&self->lost, here);
    else
        discard(here);
    *send = NULL;
out:
    return status;
}

void gcr_mpi_leave_send(gcr_link *link, gcr_send *send, void *bytes, void (*give_back)(void *))
{
    (void)link;
    send->bytes = bytes;
    send->give_back = give_back;
}

static gcr_status grow(gcr_mpi_receive *receive, uint64_t count)
{
    gcr_status status = GCR_OK;
    const int is_short = receive->small != NULL && count <= GCR_MPI_SHORT_BYTES;

    receive->bytes = is_short ? receive->small : receive->large;
    if (is_short || count <= receive->capacity)
        goto out;
    free(receive->large);
    receive->capacity = 0;
    receive->bytes = receive->large = malloc(count);
    if (receive->large == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a message of %llu bytes", (unsigned long long)count);
    receive->capacity = count;
out:
    return status;
}

/* Without memory for it the message is received as one of no bytes: its sender must not wait. */
static gcr_status begin(gcr_mpi_receive *receive, MPI_Message message, const MPI_Status *of)
{
    gcr_status status = GCR_OK;
    int count;

    GCR_MPI(MPI_Get_count(of, MPI_BYTE, &count));
    status = grow(receive, (uint64_t)count);
    if (status != GCR_OK) {
        (void)MPI_Mrecv(NULL, 0, MPI_BYTE, &message, MPI_STATUS_IGNORE);
        goto out;
    }
    GCR_MPI(MPI_Imrecv(receive->bytes, count, MPI_BYTE, &message, &receive->request));
    receive->is_open = 1;
    receive->is_done = 0;
    receive->from = of->MPI_SOURCE;
    receive->tag = of->MPI_TAG;
    receive->count = (uint64_t)count;
out:
    return status;
}

/* Open MPI looks among the messages that it has, and only after that for what has come. So a probe
 * that finds none is followed by another: else a message would lie until the next look. */
static gcr_status probe(int *found, gcr_mpi_link *self, MPI_Message *message, MPI_Status *of)
{
    gcr_status status = GCR_OK;

    *found = 0;
    for (int i = 0; i < 2 && !*found; i++)
        GCR_MPI(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, self->comm, found, message, of));
out:
    return status;
}

/* Those of lost ranks are matched, too, and stay with MPI then: what has come of one may be its
 * first bytes alone, and who received it would wait for the others for ever. */
static gcr_status probe_living(int *found, gcr_mpi_link *self, MPI_Message *message, MPI_Status *of)
{
    gcr_status status = GCR_OK;
    const uint8_t *is_lost = self->link.is_lost;

    do
        GCR_TRY(probe(found, self, message, of));
    while (*found && is_lost != NULL && is_lost[of->MPI_SOURCE]);
out:
    return status;
}

/* Begins to receive what has been sent here, while there is room. */
static gcr_status begin_all(gcr_mpi_link *self)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < GCR_MPI_RECEIVES; i++) {
        MPI_Message message;
        MPI_Status of;
        int found;

        if (self->receives[i].is_open)
            continue;
        GCR_TRY(probe_living(&found, self, &message, &of));
        if (!found)
            break;
        self->receives[i].turn = self->turns++;
        GCR_TRY(begin(&self->receives[i], message, &of));
    }
out:
    return status;
}

static gcr_status test_all(gcr_mpi_link *self)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < GCR_MPI_RECEIVES; i++) {
        gcr_mpi_receive *receive = &self->receives[i];

        if (receive->is_open && !receive->is_done)
            GCR_MPI(MPI_Test(&receive->request, &receive->is_done, MPI_STATUS_IGNORE));
    }
out:
    return status;
}

/* The first of those that are there; NULL if there is none. Messages of one rank keep their
 * order. */
static gcr_mpi_receive *first_done(gcr_mpi_link *self)
{
    gcr_mpi_receive *first = NULL;

    for (int i = 0; i < GCR_MPI_RECEIVES; i++) {
        gcr_mpi_receive *here = &self->receives[i];
        int waits = !here->is_open || !here->is_done;

        for (int j = 0; j < GCR_MPI_RECEIVES && !waits; j++) {
            const gcr_mpi_receive *other = &self->receives[j];

            waits = other->is_open && !other->is_done && other->from == here->from &&
                    other->turn < here->turn;
        }
        if (!waits && (first == NULL || here->turn < first->turn))
            first = here;
    }
    return first;
}

gcr_status gcr_mpi_look(gcr_message *out, int *found, gcr_link *link)
{
    gcr_status status = GCR_OK;
    gcr_mpi_link *self = gcr_mpi_link_of(link);

    if (self->looked_at != NULL)
        self->looked_at->is_open = 0;
    self->looked_at = NULL;
    GCR_TRY(begin_all(self));
    GCR_TRY(test_all(self));
    self->looked_at = first_done(self);
    if (self->looked_at == NULL)
        goto out;
    *found = 1;
    *out = (gcr_message){ .from = self->looked_at->from,
                          .tag = self->looked_at->tag,
                          .count = self->looked_at->count,
                          .bytes = self->looked_at->bytes };
out:
    return status;
}

static gcr_status drop_one(gcr_mpi_link *self, int *looks)
{
    gcr_status status = GCR_OK;
    gcr_message dropped;
    int found = 0;

    GCR_TRY(gcr_mpi_look(&dropped, &found, &self->link));
    if (!found)
        gcr_mpi_rest(looks);
out:
    return status;
}

/* MPI keeps what it has begun to receive: its place and its memory are not used again. */
void gcr_mpi_lose(gcr_link *link, int rank)
{
    gcr_mpi_link *self = gcr_mpi_link_of(link);

    for (gcr_send *s = self->sends; s != NULL; s = s->next)
        s->is_lost |= s->to == rank;
    for (int i = 0; i < GCR_MPI_RECEIVES; i++) {
        gcr_mpi_receive *receive = &self->receives[i];

        if (receive->is_open && !receive->is_done && receive->from == rank)
            *receive = (gcr_mpi_receive){ .request = MPI_REQUEST_NULL };
    }
}

/* A rank whose sends are all over enters a barrier, and goes on dropping until all are in it. */
void gcr_mpi_drain(gcr_mpi_link *self)
{
    gcr_status status = GCR_OK;
    MPI_Request barrier;
    int looks = 0, is_over = 0;

    while (self->sends != NULL) {
        gcr_send *first = self->sends;

        GCR_TRY(gcr_mpi_is_sent(&is_over, &self->link, &first));
        if (!is_over)
            GCR_TRY(drop_one(self, &looks));
    }
    GCR_MPI(MPI_Ibarrier(self->comm, &barrier));
    for (is_over = 0; !is_over;) {
        GCR_TRY(drop_one(self, &looks));
        GCR_MPI(MPI_Test(&barrier, &is_over, MPI_STATUS_IGNORE));
    }
    for (int i = 0; i < GCR_MPI_RECEIVES; i++)
        free(self->receives[i].large);
    free(self->shorts);
out: /* a failure ends it: MPI may write into what is left until what started the ranks ends them */
    return;
}
