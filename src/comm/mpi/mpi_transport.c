/*
 * comm/mpi/mpi_transport.c -- groups of processes by MPI, and the one name that the module exports.
 *
 * Ranks come to a collective operation at very different times, and those that wait must not take
 * the cores of those that compute, as MPI's own waiting would. So each operation begins with a
 * barrier at which ranks sleep; what follows it is short.
 */
#include "comm/mpi/mpi_private.h"

#include "base/clock.h"
#include "base/module.h"

#include <ctype.h>
#include <dlfcn.h>
#include <glob.h>
#include <link.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int open_worlds; /* links of all processes */
static int is_started;  /* MPI by us, and not by the program */

static gcr_mpi_link *left_links; /* for somebody to have them */

/* Ranks that cannot talk are lost to each other, whatever is the cause. */
gcr_status gcr_mpi_fail(const char *file, int line, int code, const char *call)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length;

    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        snprintf(text, sizeof text, "error %d", code);
    return gcr_fail_at(file, line, GCR_EDEVICE, "%.*s failed: %s", (int)strcspn(call, "("), call,
                       text);
}

/* Waking up costs 3 to 10 us of a core (measured), so what takes long is looked at less often. */
void gcr_mpi_rest(int *looks)
{
    const int yields = 50, step_ns = 20000, longest_ns = 1000000;
    const int sleeps = *looks - yields;

    if (sleeps <= 0)
        sched_yield();
    else
        nanosleep(&(struct timespec){ .tv_nsec = sleeps * step_ns }, NULL);
    if (sleeps * step_ns < longest_ns)
        ++*looks;
}

/* "Open MPI v4.1.4", or "MPICH Version: 4.0.2": what stands before the first comma or line's end,
 * with one blank where there are more. */
static const char *mpi_library(void)
{
    static char name[64];
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    size_t bytes = 0;
    int length;

    (void)MPI_Get_library_version(version, &length);
    version[strcspn(version, ",\n")] = '\0';
    for (const char *c = version; *c != '\0' && bytes < sizeof name - 1; c++)
        if (!isspace((unsigned char)*c))
            name[bytes++] = *c;
        else if (bytes > 0 && name[bytes - 1] != ' ')
            name[bytes++] = ' ';
    name[bytes] = '\0';
    return name;
}

/* ---- starting and ending MPI ----------------------------------------------------------------- */

/* Open MPI copies between processes of a node by a system call that containers may forbid, which it
 * would find out in the middle of a message. */
static int can_read_processes(void)
{
    char from = 1, to = 0;
    const struct iovec local = { &to, 1 }, remote = { &from, 1 };

    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}

/* A network card that Open MPI has an engine of its own for: InfiniBand and its relatives,
 * Slingshot, True Scale. */
static int has_fast_network(void)
{
    static const char *const places[] = { "/sys/class/infiniband/*", "/dev/infiniband/*",
                                          "/sys/class/cxi/*", "/dev/ipath*" };
    int is_there = 0;

    for (size_t i = 0; i < sizeof places / sizeof *places && !is_there; i++) {
        glob_t found = { 0 };

        is_there = glob(places[i], GLOB_NOSORT, NULL, &found) == 0;
        globfree(&found);
    }
    return is_there;
}

/* MPI_Init meets the other ranks twice, and under Slurm (22.05 with PMIx 4.2) the second time holds
 * the ranks of a node alone: those of another may send before this one, still at the first, has
 * said what to do with a message, and it jumps to nowhere. So there is no first time: what it is
 * for, the addresses of others, is asked for when they are needed. */
static void meet_once(void)
{
    setenv("OMPI_MCA_pmix_base_async_modex", "1", 0);
    setenv("OMPI_MCA_pmix_base_collect_data", "0", 0);
}

/* What Open MPI is to do differently, unless the user has said what. */
static void set_preferences(void)
{
    if (gcr_env_get(GCR_ENV_OPEN_MPI_SIZE) == NULL) /* it is not its own mpirun */
        meet_once();
    if (!has_fast_network()) /* two engines wait 100 ms each until they know that (measured) */
        setenv("OMPI_MCA_pml", "ob1", 0);
    setenv("OMPI_MCA_opal_signal", "", 0);          /* signals are the program's */
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0); /* all cores compute */
    if (!can_read_processes())
        setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
}

/* The module is loaded with names of its own, and so is libmpi then. Plugins of an MPI that are not
 * linked to it find its names only among those of the program. */
static void show_names(void)
{
    Dl_info info;

    if (dladdr((void *)(uintptr_t)MPI_Init_thread, &info) != 0)
        (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}

/* Open MPI ends the process where it finds a launcher that it does not know. */
static gcr_status check_launcher(void)
{
    gcr_status status = GCR_OK;

    if (strncmp(mpi_library(), "Open MPI", 8) == 0 && gcr_env_get(GCR_ENV_OPEN_MPI_SIZE) == NULL &&
        gcr_env_get(GCR_ENV_PMIX) == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "%s cannot find the other ranks: start them by its own mpirun, or by "
                 "srun --mpi=pmix",
                 mpi_library());
out:
    return status;
}

static gcr_status start(int *provided)
{
    gcr_status status = GCR_OK;

    show_names();
    set_preferences();
    GCR_TRY(check_launcher());
    GCR_MPI(MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, provided));
    is_started = 1;
out:
    return status;
}

static gcr_status see_to_mpi(void)
{
    gcr_status status = GCR_OK;
    int is_there = 0, is_over = 0, provided = MPI_THREAD_SINGLE;

    GCR_MPI(MPI_Finalized(&is_over));
    if (is_over)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "MPI has been ended in this process, and cannot be started twice");
    GCR_MPI(MPI_Initialized(&is_there));
    if (is_there)
        GCR_MPI(MPI_Query_thread(&provided));
    else
        GCR_TRY(start(&provided));
    if (provided < MPI_THREAD_SERIALIZED)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "MPI was started for programs of one thread: MPI_THREAD_SERIALIZED is needed");
out:
    return status;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static const gcr_transport transport_mpi;

static gcr_status allocate(gcr_mpi_link **out)
{
    gcr_status status = GCR_OK;

    gcr_mpi_link *self = calloc(1, sizeof *self);

    *out = NULL;
    if (self == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a group of ranks");
    self->shorts = calloc(GCR_MPI_RECEIVES, sizeof *self->shorts);
    if (self->shorts == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a group of ranks");
    for (int i = 0; i < GCR_MPI_RECEIVES; i++)
        self->receives[i].small = self->shorts[i];
    *out = self;
    self = NULL;
out:
    free(self);
    return status;
}

/* One that has passed nothing. */
static void discard(gcr_mpi_link *self)
{
    if (self != NULL)
        free(self->shorts);
    free(self);
}

/* `comm` is the link's then, or gone. */
static gcr_status begin(gcr_mpi_link *self, MPI_Comm comm)
{
    gcr_status status = GCR_OK;

    self->comm = comm;
    self->link.transport = &transport_mpi;
    self->link.limit = INFINITY;
    GCR_MPI(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN));
    GCR_MPI(MPI_Comm_rank(comm, &self->link.rank));
    GCR_MPI(MPI_Comm_size(comm, &self->link.size));
out:
    if (status != GCR_OK)
        (void)MPI_Comm_free(&self->comm);
    return status;
}

/* What may fail on one rank alone comes before MPI is started: mpirun ends the others then. */
static gcr_status mpi_open(gcr_link **out)
{
    gcr_status status = GCR_OK;
    MPI_Comm comm = MPI_COMM_NULL;
    gcr_mpi_link *self = NULL;

    GCR_TRY(allocate(&self));
    GCR_TRY(see_to_mpi());
    GCR_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    GCR_TRY(begin(self, comm));
    self->is_world = 1;
    open_worlds++;
    *out = &self->link;
    self = NULL;
out:
    discard(self);
    return status;
}

/* Adds the time since `*since` to what was waited: a step that is longer than any of ours is a
 * process that stood still, and with it perhaps all others. */
static gcr_status count_waiting(gcr_link *link, double *waited, double *since)
{
    gcr_status status = GCR_OK;
    const double now = gcr_clock_seconds(), longest_step = 0.1;

    *waited += fmin(now - *since, longest_step);
    *since = now;
    if (*waited < link->limit)
        goto out;
    link->is_late = 1;
    GCR_FAIL(GCR_EDEVICE,
             "a rank has not come where all meet for %.3g s: its machine or the network between is "
             "gone",
             link->limit);
out:
    return status;
}

/* Waits, asleep, for all ranks of the group. */
static gcr_status meet(gcr_mpi_link *self)
{
    gcr_status status = GCR_OK;
    MPI_Request barrier;
    double waited = 0.0, since = gcr_clock_seconds();
    int looks = 0, are_here = 0;

    GCR_MPI(MPI_Ibarrier(self->comm, &barrier));
    for (;;) {
        GCR_MPI(MPI_Test(&barrier, &are_here, MPI_STATUS_IGNORE));
        if (are_here)
            break;
        GCR_TRY(count_waiting(&self->link, &waited, &since));
        gcr_mpi_rest(&looks);
    }
out:
    return status;
}

/* Who has no memory for it comes along, as one that is in none. */
static gcr_status mpi_split(gcr_link **out, gcr_link *link, int is_in, int key)
{
    gcr_status status = GCR_OK, allocated = GCR_OK;
    gcr_mpi_link *of = gcr_mpi_link_of(link);
    gcr_mpi_link *self = NULL;
    MPI_Comm comm = MPI_COMM_NULL;

    *out = NULL;
    if (is_in)
        allocated = allocate(&self);
    GCR_TRY(meet(of));
    GCR_MPI(MPI_Comm_split(of->comm, self != NULL ? 0 : MPI_UNDEFINED, key, &comm));
    GCR_TRY(allocated);
    if (self == NULL)
        goto out;
    GCR_TRY(begin(self, comm));
    *out = &self->link;
    self = NULL;
out:
    discard(self);
    return status;
}

/* Open MPI 4.1 takes its components out of memory while a thread of its own still comes back to one
 * of them: under srun one of some hundred starts ended there with a segmentation fault (measured).
 * So they stay until the process ends. */
static void keep_components(void)
{
    void *program = dlopen(NULL, RTLD_LAZY);
    struct link_map *object = NULL;

    if (program == NULL || dlinfo(program, RTLD_DI_LINKMAP, &object) != 0)
        return;
    for (; object != NULL; object = object->l_next)
        if (strstr(object->l_name, "/mca_") != NULL)
            (void)dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

static void mpi_close(gcr_link *link)
{
    gcr_mpi_link *self = gcr_mpi_link_of(link);
    const int is_world = self->is_world;

    gcr_mpi_drain(self);
    (void)MPI_Comm_free(&self->comm);
    free(self);
    if (is_world && --open_worlds == 0 && is_started) {
        keep_components();
        (void)MPI_Finalize();
    }
}

/* MPI may still read and write what belongs to messages under way, and MPI_Finalize waits for all
 * ranks. */
static void mpi_leave(gcr_link *link)
{
    gcr_mpi_link *self = gcr_mpi_link_of(link);

    is_started = 0;
    self->next = left_links;
    left_links = self;
}

/* ---- collective operations ------------------------------------------------------------------- */

enum { CHUNK = 1 << 30 }; /* bytes: MPI counts by int */

static gcr_status broadcast_chunks(const gcr_mpi_link *self, void *buffer, uint64_t bytes, int root)
{
    gcr_status status = GCR_OK;
    char *at = buffer;

    for (uint64_t done = 0; done < bytes; done += CHUNK) {
        const uint64_t left = bytes - done;

        GCR_MPI(MPI_Bcast(at + done, left < CHUNK ? (int)left : CHUNK, MPI_BYTE, root, self->comm));
    }
out:
    return status;
}

static gcr_status mpi_broadcast(gcr_link *link, void *buffer, uint64_t bytes, int root)
{
    gcr_status status = GCR_OK;
    gcr_mpi_link *self = gcr_mpi_link_of(link);

    GCR_TRY(meet(self));
    GCR_TRY(broadcast_chunks(self, buffer, bytes, root));
out:
    return status;
}

static gcr_status mpi_gather_all(gcr_link *link, const void *mine, uint64_t bytes, void *all)
{
    gcr_status status = GCR_OK;
    gcr_mpi_link *self = gcr_mpi_link_of(link);
    char *const to = all;

    GCR_TRY(meet(self));
    if (bytes <= CHUNK) {
        GCR_MPI(MPI_Allgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, self->comm));
        goto out;
    }
    memcpy(to + (uint64_t)link->rank * bytes, mine, bytes);
    for (int r = 0; r < link->size; r++)
        GCR_TRY(broadcast_chunks(self, to + (uint64_t)r * bytes, bytes, r));
out:
    return status;
}

static const gcr_transport transport_mpi = {
    .open = mpi_open,
    .split = mpi_split,
    .close = mpi_close,
    .lose = gcr_mpi_lose,
    .leave = mpi_leave,
    .broadcast = mpi_broadcast,
    .gather_all = mpi_gather_all,
    .send = gcr_mpi_send,
    .is_sent = gcr_mpi_is_sent,
    .leave_send = gcr_mpi_leave_send,
    .look = gcr_mpi_look,
    .library = mpi_library,
};

static const void *open_module(const gcr_failures *failures)
{
    gcr_failures_forward(failures);
    return &transport_mpi;
}

extern const gcr_module_entry gcr_module;
__attribute__((visibility("default")))
const gcr_module_entry gcr_module = { .seam = GCR_SEAM, .open = open_module };
