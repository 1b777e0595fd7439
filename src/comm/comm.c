/* comm/comm.c -- who the ranks are, and what they agree on; the same over every transport. */
#include "comm/comm_private.h"

#include "base/check.h"
#include "base/host.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- agreement ------------------------------------------------------------------------------- */

/* What a rank has to say about its failure. */
typedef struct failure {
    gcr_status status;
    char sentence[1024], details[1 << 14];
} failure;

static failure last_failure; /* of the one thread that talks: too large for a stack */

static int lowest_failure(const gcr_status *all, int size, int *all_failed)
{
    int lowest = size;

    *all_failed = 1;
    for (int r = size; r-- > 0;)
        if (all[r] != GCR_OK)
            lowest = r;
        else
            *all_failed = 0;
    return lowest;
}

/* It has been agreed on before, by some of these ranks, and says whose it is. */
static int names_its_rank(const char *sentence)
{
    int rank, end = 0;

    return sscanf(sentence, "rank %d on %n", &rank, &end) == 1 && end > 0;
}

/* The failure of another rank becomes this one's. */
static gcr_status fail_as(const failure *of, int rank, const char *host, int all_failed)
{
    gcr_status status;

    if (all_failed || names_its_rank(of->sentence))
        status = gcr_fail_at(__FILE__, __LINE__, of->status, "%s", of->sentence);
    else
        status = gcr_fail_at(__FILE__, __LINE__, of->status, "rank %d%s%s: %s", rank,
                             host != NULL ? " on " : "", host != NULL ? host : "", of->sentence);
    if (of->details[0] != '\0')
        gcr_fail_details(of->details);
    return status;
}

gcr_status gcr_link_agree(gcr_link *link, const gcr_rank *ranks, gcr_status mine)
{
    gcr_status status = GCR_OK;
    const int size = link->size;
    gcr_status all[size];
    int rank, all_failed;

    if (size == 1)
        return mine;
    GCR_TRY(link->transport->gather_all(link, &mine, sizeof mine, all));
    rank = lowest_failure(all, size, &all_failed);
    if (rank == size)
        goto out;
    last_failure.status = mine;
    snprintf(last_failure.sentence, sizeof last_failure.sentence, "%s", gcr_last_error());
    snprintf(last_failure.details, sizeof last_failure.details, "%s", gcr_last_error_details());
    GCR_TRY(link->transport->broadcast(link, &last_failure, sizeof last_failure, rank));
    status = fail_as(&last_failure, rank, ranks != NULL ? ranks[rank].host : NULL, all_failed);
out:
    return status;
}

/* Where somebody has not come, nothing collective will be done again. */
static gcr_status notice_late(gcr_comm *comm, gcr_status status)
{
    if (comm->link->is_late)
        gcr_comm_break(comm, gcr_last_error());
    return status;
}

gcr_status gcr_comm_agree(gcr_comm *comm, gcr_status status)
{
    if (comm->is_broken)
        return status != GCR_OK ? status : gcr_comm_check(comm);
    return notice_late(comm, gcr_link_agree(comm->link, comm->info.ranks, status));
}

/* ---- who they are ---------------------------------------------------------------------------- */

/* Processes share memory if they see each other in /proc: the same kernel, the same numbers. The
 * name of the host is asked too, because nodes that are only played by one machine have several. */
typedef struct card {
    int64_t pid;
    uint64_t pid_space;
    char boot[40];
    char host[GCR_HOST_BYTES];
} card;

static card card_of_this(void)
{
    card out = { .pid = getpid() };
    struct stat space;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (stat("/proc/self/ns/pid", &space) == 0)
        out.pid_space = space.st_ino;
    if (file != NULL) {
        if (fgets(out.boot, sizeof out.boot, file) == NULL)
            out.boot[0] = '\0';
        fclose(file);
    }
    gcr_host_name(out.host);
    return out;
}

static int is_same_node(const card *a, const card *b)
{
    return a->pid_space == b->pid_space && strcmp(a->boot, b->boot) == 0 &&
           strcmp(a->host, b->host) == 0;
}

static void count_nodes(gcr_comm *comm, const card *cards)
{
    gcr_comm_info *info = &comm->info;

    for (int r = 0; r < info->size; r++) {
        gcr_rank *rank = &comm->ranks[r];
        int node = 0;

        while (node < info->node_count && !is_same_node(&cards[r], &cards[comm->leaders[node]]))
            node++;
        if (node == info->node_count)
            comm->leaders[info->node_count++] = r;
        *rank = (gcr_rank){ .node = node, .pid = cards[r].pid };
        memcpy(rank->host, cards[r].host, sizeof rank->host);
        for (int other = comm->leaders[node]; other < r; other++)
            rank->node_rank += comm->ranks[other].node == node;
    }
    info->node = comm->ranks[info->rank].node;
    info->node_rank = comm->ranks[info->rank].node_rank;
    for (int r = 0; r < info->size; r++)
        info->node_size += comm->ranks[r].node == info->node;
}

static gcr_status allocate(gcr_comm **out, card **cards, gcr_link *link)
{
    gcr_status status = GCR_OK;
    static const char what[] = "the ranks of a run";
    const uint64_t size = (uint64_t)link->size;
    gcr_comm *comm = calloc(1, sizeof *comm);

    *out = comm;
    if (comm == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", what);
    GCR_TRY(gcr_memory_create((void **)cards, size, sizeof **cards, what));
    GCR_TRY(gcr_memory_create((void **)&comm->ranks, size, sizeof *comm->ranks, what));
    GCR_TRY(gcr_memory_create((void **)&comm->leaders, size, sizeof *comm->leaders, what));
    GCR_TRY(gcr_memory_create((void **)&comm->is_lost, size, sizeof *comm->is_lost, what));
    comm->info = (gcr_comm_info){ .rank = link->rank,
                                  .size = link->size,
                                  .ranks = comm->ranks,
                                  .leaders = comm->leaders,
                                  .library = link->transport->library() };
out:
    return status;
}

static void destroy(gcr_comm *comm)
{
    if (comm == NULL)
        return;
    if (comm->link != NULL && comm->is_broken)
        comm->link->transport->leave(comm->link);
    else if (comm->link != NULL)
        comm->link->transport->close(comm->link);
    gcr_memory_destroy(comm->ranks);
    gcr_memory_destroy(comm->leaders);
    gcr_memory_destroy(comm->is_lost);
    free(comm);
}

gcr_status gcr_comm_create(gcr_comm **out, gcr_link *link)
{
    gcr_status status = GCR_OK;
    const card mine = card_of_this();
    gcr_comm *comm = NULL;
    card *cards = NULL;

    GCR_TRY(gcr_link_agree(link, NULL, allocate(&comm, &cards, link)));
    comm->link = link;
    comm->link->is_lost = comm->is_lost;
    link = NULL;
    GCR_TRY(comm->link->transport->gather_all(comm->link, &mine, sizeof mine, cards));
    count_nodes(comm, cards);
    *out = comm;
    comm = NULL;
out:
    gcr_memory_destroy(cards);
    destroy(comm);
    if (link != NULL)
        link->transport->close(link);
    return status;
}

static gcr_status check_ranks(const gcr_comm_info *info, const int *ranks, int count)
{
    gcr_status status = GCR_OK;

    if (count < 1)
        GCR_FAIL(GCR_EINVAL, "no rank is selected of the %d that there are", info->size);
    for (int i = 0; i < count; i++) {
        if (ranks[i] < 0 || ranks[i] >= info->size)
            GCR_FAIL(GCR_EINVAL, "there is no rank %d: ranks are 0 to %d", ranks[i],
                     info->size - 1);
        for (int j = 0; j < i; j++)
            if (ranks[j] == ranks[i])
                GCR_FAIL(GCR_EINVAL, "rank %d is selected twice", ranks[i]);
    }
out:
    return status;
}

gcr_status gcr_comm_select(gcr_comm **out, gcr_comm *comm, const int *ranks, int count)
{
    gcr_status status = GCR_OK;
    gcr_link *link = NULL;
    int place = 0;

    *out = NULL;
    GCR_TRY(gcr_comm_check(comm));
    GCR_TRY(check_ranks(&comm->info, ranks, count));
    while (place < count && ranks[place] != comm->info.rank)
        place++;
    status = comm->link->transport->split(&link, comm->link, place < count, place);
    status = gcr_comm_agree(comm, status);
    if (status != GCR_OK && link != NULL)
        link->transport->close(link); /* one of the group is not in it */
    if (status == GCR_OK && link != NULL)
        status = gcr_comm_create(out, link);
    if (*out != NULL)
        (*out)->parent = comm;
out:
    return status;
}

void gcr_comm_close(gcr_comm *comm)
{
    destroy(comm);
}

/* ---- a node that is lost --------------------------------------------------------------------- */

void gcr_comm_break(gcr_comm *comm, const char *why)
{
    for (gcr_comm *c = comm; c != NULL && !c->is_broken; c = c->parent) {
        c->is_broken = 1;
        snprintf(c->loss, sizeof c->loss, "%s", why);
    }
}

void gcr_comm_lose_node(gcr_comm *comm, int node, const char *why)
{
    gcr_comm_break(comm, why);
    for (int r = 0; r < comm->info.size; r++)
        if (comm->ranks[r].node == node) {
            comm->is_lost[r] = 1;
            comm->link->transport->lose(comm->link, r);
        }
}

int gcr_comm_is_broken(const gcr_comm *comm)
{
    return comm->is_broken;
}

void gcr_comm_limit(gcr_comm *comm, double seconds)
{
    comm->link->limit = seconds;
}

gcr_status gcr_comm_check(const gcr_comm *comm)
{
    gcr_status status = GCR_OK;

    if (comm->is_broken)
        GCR_FAIL(GCR_EDEVICE, "%s", comm->loss);
out:
    return status;
}

const gcr_comm_info *gcr_comm_info_of(const gcr_comm *comm)
{
    return &comm->info;
}

/* ---- what passes between them ---------------------------------------------------------------- */

gcr_status gcr_comm_broadcast(gcr_comm *comm, void *buffer, uint64_t bytes, int root)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_comm_check(comm));
    GCR_TRY(notice_late(comm, comm->link->transport->broadcast(comm->link, buffer, bytes, root)));
    if (comm->info.rank == root)
        comm->broadcast_bytes += bytes * (uint64_t)(comm->info.size - 1);
out:
    return status;
}

uint64_t gcr_comm_broadcast_bytes(const gcr_comm *comm)
{
    return comm->broadcast_bytes;
}

gcr_status gcr_comm_meet(gcr_comm *comm)
{
    return gcr_comm_broadcast(comm, NULL, 0, 0); /* which begins so */
}

gcr_status gcr_comm_gather_all(gcr_comm *comm, const void *mine, uint64_t bytes, void *all)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_comm_check(comm));
    GCR_TRY(notice_late(comm, comm->link->transport->gather_all(comm->link, mine, bytes, all)));
out:
    return status;
}

gcr_status gcr_comm_gather_new(void **all_out, gcr_comm *comm, const void *mine, uint64_t bytes,
                               const char *what)
{
    gcr_status status = GCR_OK;
    void *all = NULL;

    *all_out = NULL;
    GCR_TRY(gcr_comm_agree(comm, gcr_memory_create(&all, (uint64_t)comm->info.size, bytes, what)));
    GCR_TRY(gcr_comm_gather_all(comm, mine, bytes, all));
    *all_out = all;
    all = NULL;
out:
    gcr_memory_destroy(all);
    return status;
}

gcr_status gcr_comm_send(gcr_send **out, gcr_comm *comm, int to, int tag, const void *bytes,
                         uint64_t count)
{
    gcr_status status = GCR_OK;

    *out = NULL;
    if (to < 0 || to >= comm->info.size || tag < 0 || tag > GCR_TAG_MAX)
        GCR_FAIL(GCR_EINVAL, "no message can go to rank %d with tag %d", to, tag);
    if (count > GCR_MESSAGE_MAX_BYTES)
        GCR_FAIL(GCR_EINVAL, "a message has at most %d bytes, not %llu", GCR_MESSAGE_MAX_BYTES,
                 (unsigned long long)count);
    if (comm->is_lost[to])
        GCR_TRY(gcr_comm_check(comm));
    GCR_TRY(comm->link->transport->send(out, comm->link, to, tag, bytes, count));
out:
    return status;
}

gcr_status gcr_comm_is_sent(int *is_sent, gcr_comm *comm, gcr_send **send)
{
    *is_sent = 1;
    return *send == NULL ? GCR_OK : comm->link->transport->is_sent(is_sent, comm->link, send);
}

void gcr_comm_leave_send(gcr_comm *comm, gcr_send **send, void *bytes, void (*give_back)(void *))
{
    if (*send == NULL)
        give_back(bytes);
    else
        comm->link->transport->leave_send(comm->link, *send, bytes, give_back);
    *send = NULL;
}

gcr_status gcr_comm_finish_send(gcr_comm *comm, gcr_send **send)
{
    gcr_status status = GCR_OK;
    const struct timespec little = { .tv_nsec = 20000 };
    int is_sent;

    for (;;) {
        GCR_TRY(gcr_comm_is_sent(&is_sent, comm, send));
        if (is_sent)
            break;
        nanosleep(&little, NULL);
    }
out:
    return status;
}

gcr_status gcr_comm_look(gcr_message *out, int *found, gcr_comm *comm)
{
    *found = 0;
    return comm->link->transport->look(out, found, comm->link);
}
