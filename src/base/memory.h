/*
 * base/memory.h -- allocation that is counted, checked and aligned.
 *
 * The large things of a run (datasets, outputs, prepared blocks, scratch) are allocated here, so
 * that what a plan predicted can be compared with what was used. Counters are process-wide.
 */
#ifndef GCR_BASE_MEMORY_H
#define GCR_BASE_MEMORY_H

#include "gridcrunch/status.h"

#include <stddef.h>
#include <stdint.h>

enum { GCR_ALIGNMENT = 64 }; /* bytes: a cache line, and the widest vector */

/* `count` items of `size` bytes, zeroed, aligned to GCR_ALIGNMENT. count == 0 gives NULL and
 * GCR_OK. Large blocks are fresh pages of the system: untouched pages cost nothing.
 * `what` completes "no memory for ..."; GCR_ENOMEM, GCR_EOVERFLOW. */
GCR_MUST_CHECK gcr_status gcr_memory_create(void **out, uint64_t count, uint64_t size,
                                            const char *what);

/* Frees a block that gcr_memory_create() made. NULL is allowed. */
void gcr_memory_destroy(void *block);

/* Gives what part of a block's pages the system can have back to it; `bytes` from `offset` on then
 * hold anything. The block lives on. */
void gcr_memory_release(void *block, uint64_t offset, uint64_t bytes);

/* The same of memory that processes share (a file without a name, mapped by each), or that one has
 * by itself: the whole pages in first .. end - 1 are zero for all of them, and take no memory.
 * `done`, in between: those that lie before it whole are known to have gone. */
void gcr_memory_release_shared(void *first, void *done, void *end);

/* Bytes that live now, and the most that ever lived at once since the last reset. */
uint64_t gcr_memory_live_bytes(void);
uint64_t gcr_memory_peak_bytes(void);
void gcr_memory_reset_peak(void);

/* Bytes that this process could still be given now: what the machine has, swap included, and no
 * more than its control groups allow. UINT64_MAX: the system does not say. */
uint64_t gcr_memory_free_bytes(void);

/* The second half of that: of the groups in `list` (/proc/self/cgroup), whose folders are under
 * `root`. */
uint64_t gcr_memory_free_in_groups(const char *list, const char *root);

/* a * b and a + b; false if the result does not fit 64 bits. */
static inline int gcr_multiply(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline int gcr_add(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_add_overflow(a, b, out);
}

#endif /* GCR_BASE_MEMORY_H */
