/*
 * tests/comm/stay.c -- ranks for test_end.py, which share memory and then:
 *
 *     stay wait     wait for rank 0, which does not come; each has written "PID NAMESPACE" before
 *     stay leave    wait, too, but for the last one, which ends by itself, with 7
 *     stay late     wait for the last one, half a second
 *     stay          end
 *
 * A failure is one line on stderr; the exit code is 3 then.
 */
#include "comm/comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(int argc, char **argv)
{
    gcr_shared shared = { 0 };
    gcr_comm *comm = NULL;
    gcr_status status = gcr_comm_open(&comm);

    if (status == GCR_OK)
        status = gcr_comm_share(&shared, comm, 1 << 20, 1, "a test");
    if (status == GCR_OK && argc > 1)
        status = stay(comm, argv[1]);
    if (status != GCR_OK)
        fprintf(stderr, "stay: %s\n", gcr_last_error());
    gcr_shared_clear(&shared);
    gcr_comm_close(comm);
    return status == GCR_OK ? 0 : 3;
}
