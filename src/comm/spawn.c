/* comm/spawn.c -- see gridcrunch/spawn.h. A call and its answer are a message each. */
#include "gridcrunch/spawn.h"

#include "base/check.h"
#include "base/clock.h"
#include "comm/comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    TAG_CALL = GCR_TAG_SPAWN,
    TAG_ANSWER,
    TAG_HERE, /* to rank 0: a rank is at its end */
    TAG_OVER, /* from it: all are                */
    SENTENCE_BYTES = 512,
    PAUSE_NS = 100000,
};

_Static_assert((int)TAG_OVER <= (int)GCR_TAG_MAX, "spawn.c has more tags than are its own");

/* What a message begins with; behind it stand the argument or the result. */
typedef struct head {
    uint64_t future; /* its number on the rank that called */
    int64_t function, status;
    char sentence[SENTENCE_BYTES];
} head;

/* On its way; the list is the spawner's. */
typedef struct parcel {
    struct parcel *next;
    gcr_send *send;
    head *bytes;
} parcel;

struct gcr_spawn_result {
    void *bytes;
    uint64_t count;
};

struct gcr_future {
    gcr_spawner *spawner;
    gcr_future *next; /* of those that have not returned */
    uint64_t number;
    int rank;
    int function; /* of a call on this rank ...  */
    void *arg;    /* ... that nobody has begun   */
    uint64_t arg_count;
    int is_done;
    gcr_status status;
    char sentence[SENTENCE_BYTES];
    gcr_spawn_result result;
};

struct gcr_spawner {
    gcr_comm *comm;
    const gcr_comm_info *info;
    const gcr_spawn_fn *functions;
    int function_count;
    void *context;
    uint64_t numbers; /* given to futures */
    gcr_future *open; /* that have not returned */
    parcel *parcels;
    int here, is_over; /* ranks at their end, counted by rank 0 */
};

/* ---- messages -------------------------------------------------------------------------------- */

/* Sends a head and what is behind it, which are copied. */
static gcr_status post(gcr_spawner *spawner, int rank, int tag, const head *h, const void *bytes,
                       uint64_t count)
{
    gcr_status status = GCR_OK;
    parcel *p = calloc(1, sizeof *p);

    if (p == NULL || count > GCR_MESSAGE_MAX_BYTES - sizeof *h)
        GCR_FAIL(p == NULL ? GCR_ENOMEM : GCR_EINVAL,
                 "no room for a message of %llu bytes to rank %d", (unsigned long long)count, rank);
    p->bytes = malloc(sizeof *h + count);
    if (p->bytes == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a message of %llu bytes to rank %d",
                 (unsigned long long)count, rank);
    *p->bytes = *h;
    if (count > 0)
        memcpy(p->bytes + 1, bytes, count);
    GCR_TRY(gcr_comm_send(&p->send, spawner->comm, rank, tag, p->bytes, sizeof *h + count));
    p->next = spawner->parcels;
    spawner->parcels = p;
    p = NULL;
out:
    if (p != NULL)
        free(p->bytes);
    free(p);
    return status;
}

/* Frees what has arrived. */
static gcr_status sweep(gcr_spawner *spawner)
{
    gcr_status status = GCR_OK;
    int is_sent;

    for (parcel **at = &spawner->parcels; *at != NULL;) {
        parcel *p = *at;

        GCR_TRY(gcr_comm_is_sent(&is_sent, spawner->comm, &p->send));
        if (!is_sent) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        free(p->bytes);
        free(p);
    }
out:
    return status;
}

gcr_status gcr_spawn_return(gcr_spawn_result *result, const void *bytes, uint64_t count)
{
    gcr_status status = GCR_OK;
    void *copy = NULL;

    if (count > 0) {
        copy = malloc(count);
        if (copy == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for a result of %llu bytes", (unsigned long long)count);
        memcpy(copy, bytes, count);
    }
    free(result->bytes);
    *result = (gcr_spawn_result){ .bytes = copy, .count = count };
out:
    return status;
}

/* Computes for another rank, and answers. */
static gcr_status serve_call(gcr_spawner *spawner, const gcr_message *message)
{
    gcr_status status = GCR_OK;
    const int from = message->from;
    const uint64_t count = message->count - sizeof(head);
    gcr_spawn_result result = { 0 };
    head h;
    void *arg = malloc(count > 0 ? count : 1);

    if (arg == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for an argument of %llu bytes", (unsigned long long)count);
    memcpy(&h, message->bytes, sizeof h);
    memcpy(arg, (const char *)message->bytes + sizeof h, count); /* the function may look, too */
    if (h.function < 0 || h.function >= spawner->function_count)
        GCR_FAIL(GCR_EIO, "rank %d calls a function that is not there", from);
    h.status = spawner->functions[h.function](spawner->context, &result, arg, count);
    if (h.status != GCR_OK)
        snprintf(h.sentence, sizeof h.sentence, "%s", gcr_last_error());
    GCR_TRY(post(spawner, from, TAG_ANSWER, &h, result.bytes, result.count));
out:
    free(result.bytes);
    free(arg);
    return status;
}

/* A call that cannot be served has an answer, too: somebody waits for it. */
static gcr_status answer_call(gcr_spawner *spawner, const gcr_message *message)
{
    const int from = message->from;
    head h;
    gcr_status status;

    memcpy(&h, message->bytes, sizeof h);
    status = serve_call(spawner, message);
    if (status == GCR_OK)
        return GCR_OK;
    h.status = status;
    snprintf(h.sentence, sizeof h.sentence, "%s", gcr_last_error());
    return post(spawner, from, TAG_ANSWER, &h, NULL, 0);
}

/* Takes a future off those that have not returned. */
static void settle(gcr_spawner *spawner, gcr_future *future)
{
    for (gcr_future **at = &spawner->open; *at != NULL; at = &(*at)->next)
        if (*at == future) {
            *at = future->next;
            break;
        }
    future->is_done = 1;
}

static gcr_status take_answer(gcr_spawner *spawner, const gcr_message *message)
{
    gcr_status status = GCR_OK;
    gcr_future *future = spawner->open;
    head h;

    memcpy(&h, message->bytes, sizeof h);
    while (future != NULL && future->number != h.future)
        future = future->next;
    if (future == NULL)
        GCR_FAIL(GCR_EIO, "rank %d answers what nobody has asked", message->from);
    settle(spawner, future);
    future->status = (gcr_status)h.status;
    snprintf(future->sentence, sizeof future->sentence, "%.*s", SENTENCE_BYTES - 1, h.sentence);
    GCR_TRY(gcr_spawn_return(&future->result, (const char *)message->bytes + sizeof h,
                             message->count - sizeof h));
out:
    return status;
}

static gcr_status take(gcr_spawner *spawner, const gcr_message *message)
{
    gcr_status status = GCR_OK;

    if (message->count < sizeof(head))
        GCR_FAIL(GCR_EIO, "rank %d sends what is no call and no answer", message->from);
    switch (message->tag) {
    case TAG_CALL: GCR_TRY(answer_call(spawner, message)); break;
    case TAG_ANSWER: GCR_TRY(take_answer(spawner, message)); break;
    case TAG_HERE: spawner->here++; break;
    case TAG_OVER: spawner->is_over = 1; break;
    default: GCR_FAIL(GCR_EIO, "rank %d sends what is no call and no answer", message->from);
    }
out:
    return status;
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* Computes a call on this rank that nobody has begun. */
static void run_own(gcr_spawner *spawner, gcr_future *future)
{
    void *arg = future->arg;

    future->arg = NULL; /* the function may wait, and then it is begun */
    future->status = spawner->functions[future->function](spawner->context, &future->result, arg,
                                                          future->arg_count);
    if (future->status != GCR_OK)
        snprintf(future->sentence, sizeof future->sentence, "%s", gcr_last_error());
    free(arg);
    settle(spawner, future);
}

/* Does one thing that there is to do; *did: there was something. */
static gcr_status work(int *did, gcr_spawner *spawner)
{
    gcr_status status = GCR_OK;
    gcr_message message;

    GCR_TRY(gcr_comm_check(spawner->comm));
    GCR_TRY(sweep(spawner));
    GCR_TRY(gcr_comm_look(&message, did, spawner->comm));
    if (*did) {
        GCR_TRY(take(spawner, &message));
        goto out;
    }
    for (gcr_future *f = spawner->open; f != NULL; f = f->next)
        if (f->arg != NULL) {
            *did = 1;
            run_own(spawner, f);
            break;
        }
out:
    return status;
}

static gcr_status work_or_rest(gcr_spawner *spawner)
{
    gcr_status status = GCR_OK;
    int did;

    GCR_TRY(work(&did, spawner));
    if (!did)
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
out:
    return status;
}

gcr_status gcr_future_wait(gcr_future *future, double seconds)
{
    gcr_status status = GCR_OK;
    const double begin = gcr_clock_seconds();

    while (!future->is_done) {
        GCR_TRY(work_or_rest(future->spawner));
        if (!future->is_done && seconds >= 0 && gcr_clock_seconds() - begin >= seconds)
            GCR_FAIL(GCR_ETIMEOUT, "rank %d has not returned yet, after %.3g s", future->rank,
                     seconds);
    }
out:
    return status;
}

gcr_status gcr_future_fetch(gcr_future *future, const void **bytes_out, uint64_t *count_out)
{
    gcr_status status = GCR_OK;

    *bytes_out = NULL;
    *count_out = 0;
    GCR_TRY(gcr_future_wait(future, -1));
    if (future->status != GCR_OK)
        GCR_FAIL(future->status, "rank %d on %s: %s", future->rank,
                 future->spawner->info->ranks[future->rank].host, future->sentence);
    *bytes_out = future->result.bytes;
    *count_out = future->result.count;
out:
    return status;
}

void gcr_future_destroy(gcr_future *future)
{
    if (future == NULL)
        return;
    if (gcr_future_wait(future, -1) != GCR_OK) /* the comm is broken: no answer will come */
        settle(future->spawner, future);
    free(future->arg);
    free(future->result.bytes);
    free(future);
}

/* ---- life ------------------------------------------------------------------------------------ */

gcr_status gcr_spawner_create(gcr_spawner **out, gcr_comm *comm, const gcr_spawn_fn *functions,
                              int function_count, void *context)
{
    gcr_status status = GCR_OK;
    gcr_spawner *spawner = calloc(1, sizeof *spawner);
    int count_of_first = function_count;

    *out = NULL;
    if (spawner == NULL)
        status = gcr_fail_at(__FILE__, __LINE__, GCR_ENOMEM, "no memory for a spawner");
    GCR_TRY(gcr_comm_agree(comm, status));
    GCR_TRY(gcr_comm_broadcast(comm, &count_of_first, sizeof count_of_first, 0));
    if (function_count != count_of_first || function_count < 0)
        status = gcr_fail_at(__FILE__, __LINE__, GCR_EINVAL,
                             "%d functions may be called here, and %d on rank 0", function_count,
                             count_of_first);
    GCR_TRY(gcr_comm_agree(comm, status));
    *spawner = (gcr_spawner){ .comm = comm,
                              .info = gcr_comm_info_of(comm),
                              .functions = functions,
                              .function_count = function_count,
                              .context = context };
    *out = spawner;
    spawner = NULL;
out:
    free(spawner);
    return status;
}

/* Serves until all ranks are at their end, and all that was sent has arrived. */
static gcr_status serve_to_end(gcr_spawner *spawner)
{
    gcr_status status = GCR_OK;
    const head nothing = { 0 };
    const int leads = spawner->info->rank == 0;

    if (leads)
        spawner->here++;
    else
        GCR_TRY(post(spawner, 0, TAG_HERE, &nothing, NULL, 0));
    while (leads ? spawner->here < spawner->info->size : !spawner->is_over)
        GCR_TRY(work_or_rest(spawner));
    for (int r = 1; leads && r < spawner->info->size; r++)
        GCR_TRY(post(spawner, r, TAG_OVER, &nothing, NULL, 0));
    while (spawner->parcels != NULL)
        GCR_TRY(work_or_rest(spawner));
out:
    return status;
}

void gcr_spawner_destroy(gcr_spawner *spawner)
{
    if (spawner == NULL)
        return;
    if (serve_to_end(spawner) != GCR_OK)
        spawner->is_over = 1;
    for (parcel *p = spawner->parcels, *next; p != NULL; p = next) {
        next = p->next;
        gcr_comm_leave_send(spawner->comm, &p->send, p->bytes, free);
        free(p);
    }
    free(spawner);
}

gcr_status gcr_spawn_on(gcr_future **out, gcr_spawner *spawner, int rank, int function,
                        const void *arg, uint64_t count)
{
    gcr_status status = GCR_OK;
    gcr_future *future = NULL;

    *out = NULL;
    if (rank < 0 || rank >= spawner->info->size)
        GCR_FAIL(GCR_EINVAL, "there is no rank %d: ranks are 0 to %d", rank,
                 spawner->info->size - 1);
    if (function < 0 || function >= spawner->function_count)
        GCR_FAIL(GCR_EINVAL, "there is no function %d: there are %d", function,
                 spawner->function_count);
    future = calloc(1, sizeof *future);
    if (future == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a future");
    *future = (gcr_future){ .spawner = spawner,
                            .number = ++spawner->numbers,
                            .rank = rank,
                            .function = function,
                            .arg_count = count };
    if (rank != spawner->info->rank) {
        const head h = { .future = future->number, .function = function };

        GCR_TRY(post(spawner, rank, TAG_CALL, &h, arg, count));
    } else {
        future->arg = malloc(count > 0 ? count : 1);
        if (future->arg == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for an argument of %llu bytes",
                     (unsigned long long)count);
        if (count > 0)
            memcpy(future->arg, arg, count);
    }
    future->next = spawner->open;
    spawner->open = future;
    *out = future;
    future = NULL;
out:
    free(future);
    return status;
}
