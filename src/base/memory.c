/*
 * base/memory.c -- aligned, zeroed blocks with a header that remembers their size.
 *
 * Large blocks come straight from mmap: calloc would do the same, but malloc's threshold moves with
 * what has been freed, and then a large block is recycled memory that must be zeroed, page by page,
 * before anyone needs it. With mmap a page is paid for by the thread that first writes to it.
 */
#include "base/memory.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In front of every block, as long as the alignment so that it keeps it. */
typedef struct header {
    uint64_t bytes; /* of the block without its header */
    char padding[GCR_ALIGNMENT - sizeof(uint64_t)];
} header;

_Static_assert(sizeof(header) == GCR_ALIGNMENT, "a header must keep the alignment of its block");

/* AddressSanitizer watches over the heap only, so under it blocks come from there; but it ends the
 * process over a block that no machine has, which pages refuse politely. */
#ifdef __SANITIZE_ADDRESS__
static const uint64_t pages_from_bytes = UINT64_C(1) << 36;
#else
static const uint64_t pages_from_bytes = UINT64_C(1) << 20;
#endif

static atomic_uint_fast64_t live_bytes;
static atomic_uint_fast64_t peak_bytes;

static void count_created(uint64_t bytes)
{
    const uint64_t live = atomic_fetch_add(&live_bytes, bytes) + bytes;
    uint64_t peak = atomic_load(&peak_bytes);

    while (live > peak && !atomic_compare_exchange_weak(&peak_bytes, &peak, live))
        ;
}

static header *take_pages(uint64_t bytes)
{
    const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *pages = mmap(NULL, bytes + sizeof(header), protection, flags, -1, 0);

    return pages != MAP_FAILED ? pages : NULL;
}

static header *take_heap(uint64_t bytes)
{
    const uint64_t units = (bytes + GCR_ALIGNMENT - 1) / GCR_ALIGNMENT + 1; /* and the header */
    header *head = aligned_alloc(GCR_ALIGNMENT, units * GCR_ALIGNMENT);

    if (head != NULL)
        memset(head, 0, units * GCR_ALIGNMENT);
    return head;
}

gcr_status gcr_memory_create(void **out, uint64_t count, uint64_t size, const char *what)
{
    gcr_status status = GCR_OK;
    header *head = NULL;
    uint64_t bytes;
    char text[32];

    *out = NULL;
    if (!gcr_multiply(&bytes, count, size))
        GCR_FAIL(GCR_EOVERFLOW,
                 "no memory for %s: %" PRIu64 " times %" PRIu64
                 " bytes is more than 64 bits can count",
                 what, count, size);
    if (bytes == 0)
        goto out;
    if (bytes < INT64_MAX)
        head = bytes >= pages_from_bytes ? take_pages(bytes) : take_heap(bytes);
    if (head == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s: the system refuses %s", what,
                 gcr_format_bytes(text, bytes));
    head->bytes = bytes;
    count_created(bytes);
    *out = head + 1;
out:
    return status;
}

void gcr_memory_destroy(void *block)
{
    header *head;

    if (block == NULL)
        return;
    head = (header *)block - 1;
    atomic_fetch_sub(&live_bytes, head->bytes);
    if (head->bytes >= pages_from_bytes)
        munmap(head, head->bytes + sizeof(header));
    else
        free(head);
}

void gcr_memory_release(void *block, uint64_t offset, uint64_t bytes)
{
    const header *const head = (header *)block - 1;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)block + offset;
    const uintptr_t first = (begin + page - 1) / page * page, last = (begin + bytes) / page * page;

    if (head->bytes >= pages_from_bytes && first < last)
        madvise((void *)first, last - first, MADV_DONTNEED); /* what fails keeps the pages */
}

void gcr_memory_release_shared(void *first, void *done, void *end)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)first + page - 1) / page * page;
    const uintptr_t to = (uintptr_t)end / page * page, rest = (uintptr_t)done / page * page;

    from = from > rest ? from : rest;
    if (from < to && madvise((void *)from, to - from, MADV_REMOVE) != 0)
        madvise((void *)from, to - from, MADV_DONTNEED); /* of one process alone */
}

uint64_t gcr_memory_live_bytes(void)
{
    return atomic_load(&live_bytes);
}

uint64_t gcr_memory_peak_bytes(void)
{
    return atomic_load(&peak_bytes);
}

void gcr_memory_reset_peak(void)
{
    atomic_store(&peak_bytes, atomic_load(&live_bytes));
}
