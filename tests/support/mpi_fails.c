/*
 * tests/support/mpi_fails.c, by LD_PRELOAD: FAKE_MPI_FAILS=RANK:N lets the Nth message fail that
 * this rank of Open MPI sends, and FAKE_MPI_FAILS=RANK:N+ all from that on.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef int issend(const void *bytes, int count, void *type, int to, int tag, void *comm,
                   void **request);

__attribute__((visibility("default"))) issend MPI_Issend;

static int is_to_fail(void)
{
    static int sent; /* by the one thread that sends */
    const char *asked = getenv("FAKE_MPI_FAILS"), *rank = getenv("OMPI_COMM_WORLD_RANK");
    int failing = -1, nth = 0;
    char on = '\0';

    if (asked == NULL || rank == NULL || sscanf(asked, "%d:%d%c", &failing, &nth, &on) < 2 ||
        failing != atoi(rank))
        return 0;
    sent++;
    return on == '+' ? sent >= nth : sent == nth;
}

int MPI_Issend(const void *bytes, int count, void *type, int to, int tag, void *comm,
               void **request)
{
    enum { ERR_OTHER = 16 };
    issend *next;

    if (is_to_fail())
        return ERR_OTHER;
    *(void **)&next = dlsym(RTLD_DEFAULT, "PMPI_Issend"); /* it is loaded later than this */
    return next(bytes, count, type, to, tag, comm, request);
}
