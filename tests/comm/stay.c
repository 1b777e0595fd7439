/*
 * tests/comm/stay.c -- ranks for test_end.py, which share memory and then:
 *
 *     stay wait     wait for rank 0, which does not come; each has written "PID NAMESPACE" before
 *     stay leave    wait, too, but for the last one, which ends by itself, with 7
 *     stay late     wait for the last one, half a second
 *     stay lose     three nodes: the first loses the second, which has sent much and stands still
 *     stay          end
 *
 * A failure is one line on stderr; the exit code is 3 then.
 */
#include "comm/comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static gcr_status stay(gcr_comm *comm, const char *how)
{
    const gcr_comm_info *info = gcr_comm_info_of(comm);
    const char *space = getenv("PMIX_NAMESPACE");

    printf("%d %s\n", (int)getpid(), space != NULL ? space : "-");
    fflush(stdout);
    if (strcmp(how, "leave") == 0 && info->rank == info->size - 1)
        _exit(7);
    while (info->rank == (strcmp(how, "late") == 0 ? info->size - 1 : 0))
        pause();
    if (strcmp(how, "late") == 0)
        gcr_comm_limit(comm, 0.5);
    return gcr_comm_agree(comm, GCR_OK);
}

/* Who has sent what comes within `looks` milliseconds; -1: nothing comes. */
static gcr_status look_for(int *from, gcr_comm *comm, int looks)
{
    const struct timespec a_while = { .tv_nsec = 1000000 };
    gcr_status status = GCR_OK;
    gcr_message message = { .from = -1 };
    int found = 0;

    for (int i = 0; i < looks && !found && status == GCR_OK; i++) {
        nanosleep(&a_while, NULL);
        status = gcr_comm_look(&message, &found, comm);
    }
    *from = message.from;
    return status;
}

static gcr_status send_much(gcr_comm *comm, int to)
{
    enum { MESSAGES = 20, BYTES = 1 << 16 }; /* more than there are places to receive them */
    static char bytes[BYTES];
    gcr_status status = GCR_OK;
    gcr_send *send;

    for (int i = 0; i < MESSAGES && status == GCR_OK; i++)
        status = gcr_comm_send(&send, comm, to, 0, bytes, sizeof bytes);
    return status;
}

/* Rank 1 is not in MPI any more when rank 0 looks, so that nothing of its messages but their first
 * bytes comes. */
static gcr_status lose(gcr_comm *comm)
{
    const int rank = gcr_comm_info_of(comm)->rank, other = rank == 0 ? 2 : 0;
    gcr_send *send;
    int from = -1;
    gcr_status status = rank == 1 ? send_much(comm, 0) : GCR_OK;

    status = gcr_comm_agree(comm, status);
    while (rank == 1)
        pause();
    if (status == GCR_OK && rank == 0) {
        sleep(1);
        status = look_for(&from, comm, 50);
        gcr_comm_lose_node(comm, 1, "node 1 is lost");
    }
    if (status == GCR_OK && rank == 2)
        status = look_for(&from, comm, 10000);
    if (status == GCR_OK)
        status = gcr_comm_send(&send, comm, other, 0, "here", sizeof "here");
    if (status == GCR_OK && rank == 0)
        status = look_for(&from, comm, 2000);
    printf("rank %d hears %d\n", rank, from);
    fflush(stdout);
    while (rank == 2)
        pause();
    return status;
}

int main(int argc, char **argv)
{
    gcr_shared shared = { 0 };
    gcr_comm *comm = NULL;
    gcr_status status = gcr_comm_open(&comm);

    if (status == GCR_OK)
        status = gcr_comm_share(&shared, comm, 1 << 20, 1, "a test");
    if (status == GCR_OK && argc > 1 && strcmp(argv[1], "lose") == 0)
        status = lose(comm);
    else if (status == GCR_OK && argc > 1)
        status = stay(comm, argv[1]);
    if (status != GCR_OK)
        fprintf(stderr, "stay: %s\n", gcr_last_error());
    gcr_shared_clear(&shared);
    gcr_comm_close(comm);
    return status == GCR_OK ? 0 : 3;
}
