/*
 * results/kchan.c -- see gridcrunch/kchan.h. The gate knows what is complete; here is what came.
 *
 * One lock for all items: a copy under it takes less than finding out how to do without.
 */
#include "gridcrunch/kchan.h"

#include "base/check.h"
#include "base/memory.h"
#include "results/gate.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct slot {
    uint64_t expected, missing;
    unsigned char *has; /* [expected] 1: it came; NULL before the first did */
    char *items;        /* [expected][item_bytes]; NULL before, and when taken */
} slot;

struct gcr_kchan {
    uint64_t key_count, item_bytes;
    gcr_gate *gate;
    pthread_mutex_t lock; /* of all that follows */
    slot *slots;          /* [key_count] */
    int is_closed;
    _Atomic uint64_t duplicates; /* written under the lock, read without */
};

enum { NAME_BYTES = 32 };

static const char *name_of(char out[NAME_BYTES], uint64_t key)
{
    snprintf(out, NAME_BYTES, "key %" PRIu64, key);
    return out;
}

/* ---- create ---------------------------------------------------------------------------------- */

static gcr_status measure_slots(gcr_kchan *chan, const gcr_kchan_spec *spec)
{
    gcr_status status = GCR_OK;
    uint64_t bytes;

    for (uint64_t key = 0; key < spec->key_count; key++) {
        if (!gcr_multiply(&bytes, spec->expected[key], spec->item_bytes))
            GCR_FAIL(GCR_EOVERFLOW,
                     "%" PRIu64 " items of key %" PRIu64 " are more bytes than 64 bits can count",
                     spec->expected[key], key);
        chan->slots[key].expected = chan->slots[key].missing = spec->expected[key];
        if (spec->expected[key] == 0)
            gcr_gate_open(chan->gate, key);
    }
out:
    return status;
}

gcr_status gcr_kchan_create(gcr_kchan **out, const gcr_kchan_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_kchan *chan = NULL;

    *out = NULL;
    if (spec->item_bytes == 0)
        GCR_FAIL(GCR_EINVAL, "items of 0 bytes cannot be put into a channel");
    if (spec->key_count > 0 && spec->expected == NULL)
        GCR_FAIL(GCR_EINVAL, "a channel must know how many items each key expects");
    chan = calloc(1, sizeof *chan);
    if (chan == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a channel");
    pthread_mutex_init(&chan->lock, NULL);
    chan->key_count = spec->key_count;
    chan->item_bytes = spec->item_bytes;
    GCR_TRY(gcr_gate_create(&chan->gate, spec->key_count));
    GCR_TRY(gcr_memory_create((void **)&chan->slots, spec->key_count, sizeof *chan->slots,
                              "the keys of a channel"));
    GCR_TRY(measure_slots(chan, spec));
    *out = chan;
    chan = NULL;
out:
    gcr_kchan_destroy(chan);
    return status;
}

void gcr_kchan_destroy(gcr_kchan *chan)
{
    if (chan == NULL)
        return;
    for (uint64_t key = 0; chan->slots != NULL && key < chan->key_count; key++) {
        gcr_memory_destroy(chan->slots[key].has);
        gcr_memory_destroy(chan->slots[key].items);
    }
    gcr_memory_destroy(chan->slots);
    gcr_gate_destroy(chan->gate);
    pthread_mutex_destroy(&chan->lock);
    free(chan);
}

/* ---- put ------------------------------------------------------------------------------------- */

static gcr_status check_key(const gcr_kchan *chan, uint64_t key)
{
    gcr_status status = GCR_OK;

    if (key >= chan->key_count)
        GCR_FAIL(GCR_EINVAL, "this channel has no key %" PRIu64 ", only %" PRIu64 " of them", key,
                 chan->key_count);
out:
    return status;
}

static gcr_status reserve(slot *s, uint64_t item_bytes)
{
    gcr_status status = GCR_OK;

    if (s->has != NULL)
        goto out;
    GCR_TRY(gcr_memory_create((void **)&s->items, s->expected, item_bytes, "items of a channel"));
    GCR_TRY(gcr_memory_create((void **)&s->has, s->expected, 1, "items of a channel"));
out:
    if (status != GCR_OK) {
        gcr_memory_destroy(s->items);
        s->items = NULL;
    }
    return status;
}

/* An item that has come before, with the lock held. */
static gcr_status drop(gcr_kchan *chan, const slot *s, uint64_t key, uint64_t index,
                       const void *item)
{
    gcr_status status = GCR_OK;

    chan->duplicates++;
    if (s->items != NULL &&
        memcmp(s->items + index * chan->item_bytes, item, chan->item_bytes) != 0)
        GCR_FAIL(GCR_ECONFLICT, "item %" PRIu64 " of key %" PRIu64 " came twice, and differs",
                 index, key);
out:
    return status;
}

gcr_status gcr_kchan_put(gcr_kchan *chan, uint64_t key, uint64_t index, const void *item)
{
    gcr_status status = GCR_OK;
    slot *s;

    pthread_mutex_lock(&chan->lock);
    GCR_TRY(check_key(chan, key));
    s = &chan->slots[key];
    if (index >= s->expected)
        GCR_FAIL(GCR_EINVAL, "key %" PRIu64 " expects %" PRIu64 " items, so there is none %" PRIu64,
                 key, s->expected, index);
    if (chan->is_closed)
        GCR_FAIL(GCR_ECLOSED, "this channel has been closed: nothing more can be put into it");
    GCR_TRY(reserve(s, chan->item_bytes));
    if (s->has[index]) {
        GCR_TRY(drop(chan, s, key, index, item));
        goto out;
    }
    memcpy(s->items + index * chan->item_bytes, item, chan->item_bytes);
    s->has[index] = 1;
    if (--s->missing == 0)
        gcr_gate_open(chan->gate, key);
out:
    pthread_mutex_unlock(&chan->lock);
    return status;
}

void gcr_kchan_close(gcr_kchan *chan, const char *reason)
{
    pthread_mutex_lock(&chan->lock);
    chan->is_closed = 1;
    pthread_mutex_unlock(&chan->lock);
    gcr_gate_close(chan->gate, reason != NULL ? reason : "the channel was closed");
}

/* ---- get ------------------------------------------------------------------------------------- */

int gcr_kchan_ready(const gcr_kchan *chan, uint64_t key)
{
    return key < chan->key_count && gcr_gate_is_open(chan->gate, key);
}

gcr_status gcr_kchan_wait(gcr_kchan *chan, uint64_t key, double seconds)
{
    gcr_status status = GCR_OK;
    char name[NAME_BYTES];

    GCR_TRY(check_key(chan, key));
    GCR_TRY(gcr_gate_wait(chan->gate, key, name_of(name, key), seconds));
out:
    return status;
}

gcr_status gcr_kchan_fetch(gcr_kchan *chan, void *items, uint64_t key, double seconds)
{
    gcr_status status = GCR_OK;
    const slot *s;

    GCR_TRY(gcr_kchan_wait(chan, key, seconds));
    s = &chan->slots[key];
    pthread_mutex_lock(&chan->lock);
    if (s->items != NULL)
        memcpy(items, s->items, s->expected * chan->item_bytes);
    else if (s->expected > 0)
        status = GCR_ETAKEN;
    pthread_mutex_unlock(&chan->lock);
    if (status == GCR_ETAKEN)
        GCR_FAIL(GCR_ETAKEN, "key %" PRIu64 " has been taken already", key);
out:
    return status;
}

gcr_status gcr_kchan_take(gcr_kchan *chan, void *items, uint64_t key, double seconds)
{
    gcr_status status = GCR_OK;
    char name[NAME_BYTES];
    char *taken;
    slot *s;

    GCR_TRY(check_key(chan, key));
    GCR_TRY(gcr_gate_take(chan->gate, key, name_of(name, key), seconds));
    s = &chan->slots[key];
    pthread_mutex_lock(&chan->lock);
    taken = s->items;
    s->items = NULL;
    pthread_mutex_unlock(&chan->lock);
    if (taken != NULL)
        memcpy(items, taken, s->expected * chan->item_bytes);
    gcr_memory_destroy(taken);
out:
    return status;
}

uint64_t gcr_kchan_duplicates(const gcr_kchan *chan)
{
    return chan->duplicates;
}
