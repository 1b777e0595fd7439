/* comm/comm_open.c -- which ranks there are, and what carries their messages. The build defines
 * GCR_SEAM. */
#include "comm/comm_private.h"
#include "comm/same_build.h"
#include "comm/started.h"

#include "base/check.h"
#include "base/module.h"

#include <signal.h>

static gcr_status open_over(gcr_comm **out, const gcr_transport *transport)
{
    gcr_status status = GCR_OK;
    gcr_link *link = NULL;

    *out = NULL;
    GCR_TRY(transport->open(&link));
    status = gcr_build_check(link);
    if (status != GCR_OK)
        link->transport->close(link);
    else
        status = gcr_comm_create(out, link);
out:
    return status;
}

gcr_status gcr_comm_open_alone(gcr_comm **out)
{
    return open_over(out, &gcr_transport_alone);
}

/* The module, which is loaded once; the program opens comms by one thread. */
static gcr_status load_mpi(const gcr_transport **out, const gcr_started *started)
{
    static const void *table;
    gcr_status status = GCR_OK;
    char words[96];

    if (table == NULL)
        status = gcr_module_load(&table, "mpi", GCR_ENV_MPI_MODULE, GCR_SEAM);
    if (status == GCR_ENOENT)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s, but this build has no MPI: %s",
                 gcr_started_describe(words, started), gcr_last_error());
    if (status != GCR_OK)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s, but MPI cannot be used: %s",
                 gcr_started_describe(words, started), gcr_last_error());
    *out = table;
out:
    return status;
}

/* Signals are the program's. MPIs set handlers when they start, and UCX, which some of them use, as
 * soon as it is loaded. */
typedef struct handlers {
    struct sigaction of[_NSIG];
} handlers;

static handlers read_handlers(void)
{
    handlers out;

    for (int s = 1; s < _NSIG; s++)
        if (sigaction(s, NULL, &out.of[s]) != 0)
            out.of[s].sa_handler = SIG_ERR; /* the C library's own */
    return out;
}

static void restore_handlers(const handlers *kept)
{
    for (int s = 1; s < _NSIG; s++)
        if (kept->of[s].sa_handler != SIG_ERR)
            (void)sigaction(s, &kept->of[s], NULL);
}

static gcr_status open_mpi(gcr_comm **out, const gcr_started *started)
{
    gcr_status status = GCR_OK;
    const handlers kept = read_handlers();
    const gcr_transport *transport = NULL;

    GCR_TRY(load_mpi(&transport, started));
    GCR_TRY(open_over(out, transport));
out:
    restore_handlers(&kept);
    return status;
}

/* What has started the processes and what carries messages may be different MPIs: then each is
 * alone in the world of the second. */
static gcr_status check_size(const gcr_comm_info *info, const gcr_started *started)
{
    gcr_status status = GCR_OK;
    char words[96];

    if (started->size > 0 && info->size != started->size)
        GCR_FAIL(
            GCR_EUNSUPPORTED,
            "%s, but %s sees %d: this program needs the mpirun of that MPI, or srun --mpi=pmix",
            gcr_started_describe(words, started), info->library, info->size);
out:
    return status;
}

gcr_status gcr_comm_open(gcr_comm **out)
{
    gcr_status status = GCR_OK;
    gcr_comm *comm = NULL;
    gcr_started started;

    *out = NULL;
    GCR_TRY(gcr_started_read(&started));
    if (gcr_started_is_alone(&started))
        GCR_TRY(gcr_comm_open_alone(&comm));
    else
        GCR_TRY(open_mpi(&comm, &started));
    GCR_TRY(check_size(&comm->info, &started));
    *out = comm;
    comm = NULL;
out:
    gcr_comm_close(comm);
    return status;
}
