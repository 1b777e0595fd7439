/*
 * gridcrunch/kchan.h -- a keyed channel: items put under a key, handed out when the key is
 * complete.
 *
 * Each key 0 .. key_count - 1 expects a number of items, known from the start and numbered from 0,
 * so that items which arrive in any order stand in theirs, and "complete" means all of them and not
 * the first. A run has such a channel of its own with a dataset as the key (gcr_run_wait() and its
 * neighbours in run.h); this one is for whatever else a program gathers by key.
 *
 * Exactly once: an item that comes again is dropped and counted; with other bytes it is refused.
 * What is taken is gone, what is fetched stays. After close those who wait for an incomplete key
 * are woken and told; complete keys can still be had.
 *
 * Threads: all functions but destroy may be called by any thread at any time. Time limits are in
 * seconds of a clock that never goes back; negative is no limit, 0 looks without waiting.
 */
#ifndef GCR_KCHAN_H
#define GCR_KCHAN_H

#include "gridcrunch/status.h"

#include <stdint.h>

GCR_API_BEGIN

typedef struct gcr_kchan gcr_kchan;

typedef struct gcr_kchan_spec {
    uint64_t key_count;
    const uint64_t *expected; /* [key_count] items of each key; 0: complete from the start */
    uint64_t item_bytes;      /* > 0, of every item                                        */
} gcr_kchan_spec;

/* `spec` is borrowed for the call. Memory for a key's items is taken when the first of them comes.
 * GCR_EINVAL: no item_bytes. GCR_EOVERFLOW, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_kchan_create(gcr_kchan **out, const gcr_kchan_spec *spec);

/* Nobody else is in a call on it. NULL is allowed. */
void gcr_kchan_destroy(gcr_kchan *chan);

/* Copies item number `index` of `key` in. GCR_OK also for one that had come before with the same
 * bytes, or whose key has been taken: it is dropped. GCR_ECONFLICT: it had come with other bytes,
 * which stay. GCR_ECLOSED, GCR_ENOMEM; GCR_EINVAL: there is no such key or item. */
GCR_MUST_CHECK gcr_status gcr_kchan_put(gcr_kchan *chan, uint64_t key, uint64_t index,
                                        const void *item);

/* True where the key is complete and not taken. False for a key that does not exist. */
int gcr_kchan_ready(const gcr_kchan *chan, uint64_t key);

/* Waits until `key` is complete. GCR_ETIMEOUT; GCR_ETAKEN: somebody took it; GCR_ECLOSED: it cannot
 * be complete any more; GCR_EINVAL: there is no such key. */
GCR_MUST_CHECK gcr_status gcr_kchan_wait(gcr_kchan *chan, uint64_t key, double seconds);

/* The same, then copies the items of the key to `items`, room for [expected][item_bytes]. fetch
 * leaves them; take removes them and frees their memory, and one of several who try gets them. */
GCR_MUST_CHECK gcr_status gcr_kchan_fetch(gcr_kchan *chan, void *items, uint64_t key,
                                          double seconds);
GCR_MUST_CHECK gcr_status gcr_kchan_take(gcr_kchan *chan, void *items, uint64_t key,
                                         double seconds);

/* Nothing more will be put. `reason` completes a sentence: "key 3 will not be complete: the
 * instrument was switched off". */
void gcr_kchan_close(gcr_kchan *chan, const char *reason);

/* How many items came again and were dropped, those of GCR_ECONFLICT among them. */
uint64_t gcr_kchan_duplicates(const gcr_kchan *chan);

GCR_API_END

#endif /* GCR_KCHAN_H */
