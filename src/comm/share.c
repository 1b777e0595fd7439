/* comm/share.c -- memory that all ranks of a node see. */
#include "comm/comm_private.h"

#include "base/check.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A node of one rank needs no file: pages of its own, large ones where the system has them. */
static gcr_status map_own(gcr_shared *out, uint64_t bytes, const char *what)
{
    gcr_status status = GCR_OK;
    char size[32];

    out->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (out->base == MAP_FAILED) {
        out->base = NULL;
        GCR_FAIL(GCR_ENOMEM, "no memory for %s, %s: %s", what, gcr_format_bytes(size, bytes),
                 strerror(errno));
    }
    out->bytes = bytes;
out:
    return status;
}

gcr_status gcr_comm_share(gcr_shared *out, gcr_comm *comm, uint64_t bytes, int is_reserved,
                          const char *what)
{
    gcr_status status = GCR_OK;

    (void)is_reserved;
    *out = (gcr_shared){ .file = -1 };
    if (bytes > 0)
        status = map_own(out, bytes, what);
    status = gcr_comm_agree(comm, status);
    if (status != GCR_OK)
        gcr_shared_clear(out);
    return status;
}

void gcr_shared_clear(gcr_shared *shared)
{
    if (shared->base != NULL)
        munmap(shared->base, shared->bytes);
    if (shared->base != NULL && shared->file >= 0)
        close(shared->file);
    *shared = (gcr_shared){ .file = -1 };
}
