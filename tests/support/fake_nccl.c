/* tests/support/fake_nccl.c -- see fake_nccl.h. */
#include "support/fake_nccl.h"

#include "support/fake_cuda.h"

#include "cuda/cuda_nccl.h"

#include "base/check.h"
#include "base/clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RANKS_MAX = 8, CHUNK_BYTES = 1 << 18, PARTS_MAX = 1024, COMMS_MAX = 64 };

static const double patience_seconds = 20;

fake_nccl_state fake_nccl;

/* ---- what ranks share ------------------------------------------------------------------------ */

enum { EMPTY, FILLED, REFUSED };

/* From one rank to another: a piece of what is sent, and what it is a piece of. */
typedef struct channel {
    _Atomic int state;
    uint64_t total, bytes;
    int type, is_broadcast;
    unsigned char data[CHUNK_BYTES];
} channel;

typedef struct world {
    _Atomic int arrived, ended, aborted;
    _Atomic int seat[RANKS_MAX];
    char gpu[RANKS_MAX][32];
    channel channels[RANKS_MAX][RANKS_MAX];
} world;

/* What is in an id. */
typedef struct place {
    char mark[8];
    long pid;
    int file;
} place;

_Static_assert(sizeof(place) <= NCCL_UNIQUE_ID_BYTES, "an id has room for it");

/* ---- communicators --------------------------------------------------------------------------- */

typedef struct part {
    char *at;
    uint64_t bytes, done;
    int peer, type, is_received, is_broadcast;
    int is_over;
} part;

/* Parts that move side by side. */
typedef struct group {
    struct ncclComm *comm;
    cudaStream_t stream;
    part parts[PARTS_MAX];
    int count;
    double begin;
} group;

typedef enum phase { STARTING, READY, IN_GROUP, ENDING, ENDED, GONE } phase;

struct ncclComm {
    world *world;
    int rank, size, file;
    phase phase;
    int looks_left; /* of those that find it in progress; < 0: all */
    ncclResult_t error;
    group *pending; /* is in no stream yet */
    int looks;      /* while it was ready  */
};

static struct ncclComm comms[COMMS_MAX];
static int comm_count;
static group *open_group; /* of the one thread that calls */
static int group_depth;
static char last_error[128];

void fake_nccl_reset(void)
{
    free(open_group);
    for (int c = 0; c < comm_count; c++)
        if (comms[c].world != NULL)
            munmap(comms[c].world, sizeof *comms[c].world);
    memset(comms, 0, sizeof comms);
    comm_count = group_depth = 0;
    open_group = NULL;
    last_error[0] = '\0';
    fake_nccl = (fake_nccl_state){ 0 };
}

void fake_nccl_let_fail(const char *call, int nth, ncclResult_t code)
{
    fake_nccl.fail_call = call;
    fake_nccl.fail_nth = nth;
    fake_nccl.fail_code = code;
}

static ncclResult_t refuse(ncclResult_t result, const char *rule)
{
    snprintf(last_error, sizeof last_error, "%s", rule);
    fake_cuda_break(rule);
    return result;
}

/* Every call begins here. */
static ncclResult_t answer(const char *call)
{
    if (fake_nccl.fail_call == NULL || strcmp(fake_nccl.fail_call, call) != 0 ||
        --fake_nccl.fail_nth != 0)
        return ncclSuccess;
    snprintf(last_error, sizeof last_error, "%s was told to fail", call);
    return fake_nccl.fail_code;
}

#define ANSWER(call)                                                                               \
    do {                                                                                           \
        const ncclResult_t answer_ = answer(call);                                                 \
        if (answer_ != ncclSuccess)                                                                \
            return answer_;                                                                        \
    } while (0)

/* What a call that has begun something answers. */
static ncclResult_t in_progress(void)
{
    return fake_nccl.has_no_progress ? ncclSuccess : ncclInProgress;
}

static ncclResult_t check_comm(const struct ncclComm *comm)
{
    if (comm < comms || comm >= comms + comm_count)
        return refuse(ncclInvalidArgument, "NCCL: that is no communicator");
    if (comm->phase == GONE)
        return refuse(ncclInvalidArgument, "NCCL: a communicator was used after its end");
    return ncclSuccess;
}

static ncclResult_t check_ready(const struct ncclComm *comm)
{
    const ncclResult_t result = check_comm(comm);

    if (result != ncclSuccess)
        return result;
    if (comm->error != ncclSuccess)
        return refuse(ncclInvalidUsage, "NCCL: a communicator was used after an error");
    if (comm->phase != READY)
        return refuse(ncclInvalidArgument, "NCCL: a communicator was used that is not ready");
    return ncclSuccess;
}

static ncclResult_t nccl_get_version(int *version)
{
    ANSWER("ncclGetVersion");
    *version = fake_nccl.version != 0 ? fake_nccl.version : NCCL_VERSION_CODE;
    return ncclSuccess;
}

static ncclResult_t nccl_get_unique_id(ncclUniqueId *out)
{
    place at = { .mark = "gcrfake", .pid = getpid() };

    ANSWER("ncclGetUniqueId");
    at.file = memfd_create("a world of ranks", 0);
    if (at.file < 0 || ftruncate(at.file, sizeof(world)) != 0)
        abort();
    memset(out, 0, sizeof *out);
    memcpy(out->internal, &at, sizeof at);
    return ncclSuccess;
}

static int open_world(const place *at)
{
    char path[64];

    if (strcmp(at->mark, "gcrfake") != 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", at->pid, at->file);
    return open(path, O_RDWR | O_CLOEXEC);
}

static void name_gpu(char out[32])
{
    struct cudaDeviceProp properties;
    int device = -1;

    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaGetDeviceProperties(&properties, device) != cudaSuccess)
        abort();
    snprintf(out, 32, "%d of %d", properties.uuid.bytes[15], properties.uuid.bytes[0]);
}

static ncclResult_t nccl_init(ncclComm_t *out, int size, ncclUniqueId id, int rank,
                              ncclConfig_t *config)
{
    const ncclConfig_t usual = NCCL_CONFIG_INITIALIZER;
    struct ncclComm *comm = &comms[comm_count];
    place at;

    *out = NULL;
    ANSWER("ncclCommInitRankConfig");
    if (config->size != usual.size || config->magic != usual.magic ||
        config->version != usual.version)
        return refuse(ncclInvalidArgument, "NCCL: a config was not initialised");
    if (config->blocking != 0)
        return refuse(ncclInvalidArgument, "NCCL: a communicator may wait for ever");
    if (fake_cuda.kept > 0)
        return refuse(ncclUnhandledCudaError, "NCCL: the pool keeps memory that it may need");
    if (comm_count == COMMS_MAX || size > RANKS_MAX || rank < 0 || rank >= size)
        return refuse(ncclInvalidArgument, "NCCL: there is no such rank");
    memcpy(&at, id.internal, sizeof at);
    *comm = (struct ncclComm){ .rank = rank, .size = size, .file = open_world(&at) };
    comm->world = comm->file < 0 ? MAP_FAILED
                                 : mmap(NULL, sizeof(world), PROT_READ | PROT_WRITE, MAP_SHARED,
                                        comm->file, 0);
    if (comm->world == MAP_FAILED)
        return refuse(ncclSystemError, "NCCL: nobody is where the id says");
    if (comm->file >= 0)
        close(comm->file);
    name_gpu(comm->world->gpu[rank]);
    if (atomic_fetch_add(&comm->world->seat[rank], 1) > 0)
        return refuse(ncclInvalidUsage, "NCCL: two ranks have one number");
    atomic_fetch_add(&comm->world->arrived, 1);
    comm->looks_left = fake_nccl.init_looks;
    comm_count++;
    fake_nccl.inits++;
    fake_nccl.live++;
    *out = comm;
    return in_progress();
}

/* ---- what moves ------------------------------------------------------------------------------ */

/* Whether an earlier part of the group goes the same way: it is first. */
static int has_earlier(const group *g, const part *p)
{
    for (const part *q = g->parts; q < p; q++)
        if (!q->is_over && q->peer == p->peer && q->is_received == p->is_received)
            return 1;
    return 0;
}

static void fail_comm(struct ncclComm *comm, channel *c, const char *rule)
{
    comm->error = ncclInternalError;
    atomic_store(&c->state, REFUSED);
    (void)refuse(ncclInternalError, rule);
}

static void try_send(struct ncclComm *comm, part *p)
{
    channel *c = &comm->world->channels[comm->rank][p->peer];
    const uint64_t left = p->bytes - p->done;

    if (atomic_load(&c->state) == REFUSED) {
        comm->error = ncclInternalError;
        return;
    }
    if (atomic_load(&c->state) == FILLED)
        return;
    p->is_over = left == 0; /* and all of it has been taken */
    if (p->is_over)
        return;
    c->total = p->bytes;
    c->type = p->type;
    c->is_broadcast = p->is_broadcast;
    c->bytes = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    memcpy(c->data, p->at + p->done, c->bytes);
    p->done += c->bytes;
    atomic_store(&c->state, FILLED);
}

static void try_receive(struct ncclComm *comm, part *p)
{
    channel *c = &comm->world->channels[p->peer][comm->rank];

    if (atomic_load(&c->state) != FILLED)
        return;
    if (c->total != p->bytes)
        fail_comm(comm, c, "NCCL: two ranks pass different counts");
    else if (c->type != p->type)
        fail_comm(comm, c, "NCCL: two ranks pass different types");
    else if (c->is_broadcast != p->is_broadcast)
        fail_comm(comm, c, "NCCL: two ranks are at different operations");
    else {
        memcpy(p->at + p->done, c->data, c->bytes);
        p->done += c->bytes;
        p->is_over = p->done == p->bytes;
        atomic_store(&c->state, EMPTY);
    }
}

static int is_aborted(const struct ncclComm *comm)
{
    return comm->phase == GONE;
}

/* What is in a stream: true when all parts are over, or will not be. */
static int try_group(void *thing)
{
    group *g = thing;
    const double patience = fake_nccl.patience > 0 ? fake_nccl.patience : patience_seconds;
    int left = 0;

    if (g->begin <= 0)
        g->begin = gcr_clock_seconds();
    for (int i = 0; i < g->count && !is_aborted(g->comm); i++) {
        part *p = &g->parts[i];

        if (p->is_over || g->comm->error != ncclSuccess || has_earlier(g, p)) {
            left += !p->is_over;
            continue;
        }
        fake_cuda_check(p->at, p->bytes);
        if (p->is_received)
            try_receive(g->comm, p);
        else
            try_send(g->comm, p);
        left += !p->is_over;
    }
    if (left > 0 && !is_aborted(g->comm) && gcr_clock_seconds() - g->begin < patience)
        return 0;
    if (left > 0 && !is_aborted(g->comm))
        fake_cuda_break("NCCL: a stream waited for another rank for ever");
    free(g);
    return 1;
}

static ncclResult_t add_part(const part *p, ncclComm_t comm, cudaStream_t stream)
{
    const ncclResult_t result = check_ready(comm);

    if (result != ncclSuccess)
        return result;
    if (p->bytes == 0 || p->peer < 0 || p->peer >= comm->size)
        return refuse(ncclInvalidArgument, "NCCL: nothing is passed, or to nobody");
    if (open_group == NULL)
        open_group = calloc(1, sizeof *open_group);
    if (open_group == NULL || open_group->count == PARTS_MAX)
        abort();
    if (open_group->count > 0 && (open_group->comm != comm || open_group->stream != stream))
        return refuse(ncclInvalidUsage, "NCCL: a group is of several communicators or streams");
    open_group->comm = comm;
    open_group->stream = stream;
    open_group->parts[open_group->count++] = *p;
    return ncclSuccess;
}

/* The group that is open goes on its way. */
static ncclResult_t issue(void)
{
    group *g = open_group;

    open_group = NULL;
    if (g == NULL)
        return ncclSuccess;
    g->comm->pending = g;
    g->comm->phase = IN_GROUP;
    g->comm->looks_left = fake_nccl.group_looks;
    return in_progress();
}

static ncclResult_t nccl_group_start(void)
{
    ANSWER("ncclGroupStart");
    if (group_depth++ > 0)
        return refuse(ncclInvalidUsage, "NCCL: a group begins within a group");
    fake_nccl.groups++;
    return ncclSuccess;
}

/* A group in which a call failed is dropped. */
static ncclResult_t nccl_group_end(void)
{
    const ncclResult_t result = answer("ncclGroupEnd");

    if (group_depth == 0)
        return refuse(ncclInvalidUsage, "NCCL: a group ends that did not begin");
    group_depth--;
    if (result == ncclSuccess)
        return issue();
    free(open_group);
    open_group = NULL;
    return result;
}

static ncclResult_t add_single(const part *p, ncclComm_t comm, cudaStream_t stream)
{
    const ncclResult_t result = add_part(p, comm, stream);

    return result == ncclSuccess && group_depth == 0 ? issue() : result;
}

static ncclResult_t nccl_send(const void *from, size_t count, ncclDataType_t type, int peer,
                              ncclComm_t comm, cudaStream_t stream)
{
    const part p = { .at = (char *)(uintptr_t)from, .bytes = count, .peer = peer, .type = type };

    ANSWER("ncclSend");
    fake_nccl.sends++;
    return add_single(&p, comm, stream);
}

static ncclResult_t nccl_receive(void *to, size_t count, ncclDataType_t type, int peer,
                                 ncclComm_t comm, cudaStream_t stream)
{
    const part p = { .at = to, .bytes = count, .peer = peer, .type = type, .is_received = 1 };

    ANSWER("ncclRecv");
    fake_nccl.receives++;
    return add_single(&p, comm, stream);
}

static ncclResult_t nccl_broadcast(const void *from, void *to, size_t count, ncclDataType_t type,
                                   int root, ncclComm_t comm, cudaStream_t stream)
{
    part p = { .at = to, .bytes = count, .type = type, .is_broadcast = 1, .peer = root };
    ncclResult_t result = answer("ncclBroadcast");

    if (result != ncclSuccess)
        return result;
    if (from != to || group_depth > 0)
        return refuse(ncclInvalidUsage, "NCCL: a broadcast is in place and by itself");
    fake_nccl.broadcasts++;
    p.is_received = comm->rank != root;
    for (int r = 0; r < comm->size && result == ncclSuccess; r++) {
        if (r == comm->rank || (p.is_received && r != root))
            continue;
        p.peer = r;
        result = add_part(&p, comm, stream);
    }
    return result == ncclSuccess ? issue() : result;
}

/* ---- how it goes on -------------------------------------------------------------------------- */

/* NCCL refuses two ranks on one GPU when they meet. */
static int shares_gpu(const struct ncclComm *comm)
{
    const world *w = comm->world;

    for (int r = 0; r < comm->size; r++)
        if (r != comm->rank && strcmp(w->gpu[r], w->gpu[comm->rank]) == 0)
            return 1;
    return 0;
}

static void start(struct ncclComm *comm)
{
    if (atomic_load(&comm->world->arrived) < comm->size)
        return;
    comm->phase = READY;
    if (!shares_gpu(comm))
        return;
    comm->error = ncclInvalidUsage;
    snprintf(last_error, sizeof last_error, "Duplicate GPU detected");
}

/* A step of what is in progress. */
static void step(struct ncclComm *comm)
{
    if (comm->looks_left != 0) {
        comm->looks_left -= comm->looks_left > 0;
        return;
    }
    if (comm->phase == STARTING)
        start(comm);
    if (comm->phase == IN_GROUP) {
        fake_cuda_try(comm->pending->stream, try_group, comm->pending);
        comm->pending = NULL;
        comm->phase = READY;
    }
    if (comm->phase == ENDING && atomic_load(&comm->world->ended) >= comm->size)
        comm->phase = ENDED;
}

static ncclResult_t nccl_get_async_error(ncclComm_t comm, ncclResult_t *state)
{
    const ncclResult_t result = check_comm(comm);

    if (result != ncclSuccess)
        return result;
    ANSWER("ncclCommGetAsyncError");
    fake_nccl.looks++;
    if (comm->phase == READY && ++comm->looks == fake_nccl.async_nth) {
        comm->error = fake_nccl.async_code;
        snprintf(last_error, sizeof last_error, "a scripted error");
    }
    if (comm->error == ncclSuccess && comm->phase != STARTING &&
        atomic_load(&comm->world->aborted) > 0)
        comm->error = ncclRemoteError;
    if (comm->error == ncclSuccess)
        step(comm);
    *state = comm->error != ncclSuccess                     ? comm->error
             : comm->phase == READY || comm->phase == ENDED ? ncclSuccess
                                                            : ncclInProgress;
    return ncclSuccess;
}

static ncclResult_t nccl_finalize(ncclComm_t comm)
{
    const ncclResult_t result = check_ready(comm);

    if (result != ncclSuccess)
        return result;
    ANSWER("ncclCommFinalize");
    comm->phase = ENDING;
    comm->looks_left = fake_nccl.finalize_looks;
    atomic_fetch_add(&comm->world->ended, 1);
    return in_progress();
}

static void forget(struct ncclComm *comm)
{
    free(comm->pending);
    comm->pending = NULL;
    comm->phase = GONE;
    fake_nccl.live--;
}

static ncclResult_t nccl_destroy(ncclComm_t comm)
{
    const ncclResult_t result = check_comm(comm);

    if (result != ncclSuccess)
        return result;
    ANSWER("ncclCommDestroy");
    if (comm->phase != ENDED)
        return refuse(ncclInvalidUsage, "NCCL: a communicator was destroyed that has not ended");
    forget(comm);
    fake_nccl.destroys++;
    return ncclSuccess;
}

static ncclResult_t nccl_abort(ncclComm_t comm)
{
    const ncclResult_t result = check_comm(comm);

    if (result != ncclSuccess)
        return result;
    atomic_store(&comm->world->aborted, 1);
    forget(comm);
    fake_nccl.aborts++;
    ANSWER("ncclCommAbort");
    return ncclSuccess;
}

static const char *nccl_error_string(ncclResult_t result)
{
    return result == ncclRemoteError    ? "remote process exited or there was a network error"
           : result == ncclInvalidUsage ? "invalid usage"
                                        : "a failure";
}

static const char *nccl_last_error(ncclComm_t comm)
{
    (void)comm;
    return last_error;
}

gcr_status gcr_cuda_nccl(const cuda_nccl **out)
{
    static const cuda_nccl table = {
        .get_version = nccl_get_version,
        .get_unique_id = nccl_get_unique_id,
        .init = nccl_init,
        .finalize = nccl_finalize,
        .destroy = nccl_destroy,
        .give_up = nccl_abort,
        .get_async_error = nccl_get_async_error,
        .error_string = nccl_error_string,
        .last_error = nccl_last_error,
        .group_start = nccl_group_start,
        .group_end = nccl_group_end,
        .send = nccl_send,
        .receive = nccl_receive,
        .broadcast = nccl_broadcast,
    };

    *out = &table;
    if (fake_nccl.is_missing)
        return gcr_fail_at(__FILE__, __LINE__, GCR_EUNSUPPORTED, "NCCL is not found");
    return GCR_OK;
}
