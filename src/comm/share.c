/*
 * comm/share.c -- memory that all ranks of a node see.
 *
 * The leader of a node makes a file without a name, and the others open it in /proc, where it
 * stands as long as the leader has it open. So there is nothing that anybody has to remove: not
 * after the end, and not after a kill. Named segments and MPI's windows stay in /dev/shm then.
 */
#include "comm/comm_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static gcr_status fail_for_room(const char *what, uint64_t bytes, int error)
{
    gcr_status status = GCR_OK;
    char asked[32], there[32];

    GCR_FAIL(GCR_ENOMEM, "no memory for %s: %s are needed, and %s are free (%s)", what,
             gcr_format_bytes(asked, bytes), gcr_format_bytes(there, gcr_memory_free_bytes()),
             strerror(error));
out:
    return status;
}

/* Asked before anything is taken: a machine that runs out of memory kills instead of saying so. */
static gcr_status check_room(uint64_t bytes, const char *what)
{
    return bytes <= gcr_memory_free_bytes() ? GCR_OK : fail_for_room(what, bytes, ENOMEM);
}

/* In pieces, because a signal undoes one that is not complete. */
static int take_pages(int file, uint64_t first, uint64_t bytes)
{
    const uint64_t piece = 64 << 20;
    int error = 0;

    for (uint64_t done = 0; done < bytes && error == 0;) {
        const uint64_t next = bytes - done < piece ? bytes - done : piece;

        error = posix_fallocate(file, (off_t)(first + done), (off_t)next);
        if (error == EINTR)
            error = 0;
        else
            done += next;
    }
    return error;
}

/* Of a fixed size: a rank that cut it off would kill the others. */
static gcr_status make_file(gcr_shared *out, uint64_t bytes, int is_reserved, const char *what)
{
    gcr_status status = GCR_OK;
    int error;

    if (is_reserved)
        GCR_TRY(check_room(bytes, what));
    out->file = memfd_create("gridcrunch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (out->file < 0 || ftruncate(out->file, (off_t)bytes) != 0)
        GCR_TRY(fail_for_room(what, bytes, errno));
    error = is_reserved ? take_pages(out->file, 0, bytes) : 0;
    if (error != 0)
        GCR_TRY(fail_for_room(what, bytes, error));
    if (fcntl(out->file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        GCR_FAIL(GCR_EUNSUPPORTED, "cannot fix the size of memory for %s: %s", what,
                 strerror(errno));
out:
    return status;
}

static gcr_status open_file(gcr_shared *out, const gcr_rank *leader, int file, uint64_t bytes,
                            const char *what)
{
    gcr_status status = GCR_OK;
    struct stat of;
    char path[64];

    snprintf(path, sizeof path, "/proc/%lld/fd/%d", (long long)leader->pid, file);
    out->file = open(path, O_RDWR | O_CLOEXEC);
    if (out->file < 0 || fstat(out->file, &of) != 0)
        GCR_FAIL(
            GCR_EUNSUPPORTED,
            "cannot see the memory for %s of process %lld on %s, which the system must allow to "
            "processes of one user: %s",
            what, (long long)leader->pid, leader->host, strerror(errno));
    if ((uint64_t)of.st_size != bytes)
        GCR_FAIL(GCR_EINVAL, "ranks of a node ask for %llu and %llu bytes for %s",
                 (unsigned long long)bytes, (unsigned long long)of.st_size, what);
out:
    return status;
}

/* A node of one rank needs no file: its pages are its own, and large ones where the system has
 * them. */
static gcr_status map(gcr_shared *out, uint64_t bytes, const char *what)
{
    gcr_status status = GCR_OK;
    const int flags = out->file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, out->file, 0);

    if (base == MAP_FAILED)
        GCR_TRY(fail_for_room(what, bytes, errno));
    out->base = base;
out:
    return status;
}

/* What the leader of a node has for the others: the number of its file, -1 if there is none. */
static gcr_status lead(gcr_shared *out, const gcr_comm_info *info, uint64_t bytes, int is_reserved,
                       const char *what)
{
    gcr_status status = GCR_OK;

    if (bytes == 0 || info->node_rank != 0)
        goto out;
    if (info->node_size > 1)
        GCR_TRY(make_file(out, bytes, is_reserved, what));
    else if (is_reserved)
        GCR_TRY(check_room(bytes, what));
    GCR_TRY(map(out, bytes, what));
out:
    return status;
}

static gcr_status follow(gcr_shared *out, const gcr_comm_info *info, const int *files,
                         uint64_t bytes, const char *what)
{
    gcr_status status = GCR_OK;
    const int leader = info->leaders[info->node];

    if (bytes == 0 || info->node_rank == 0)
        goto out;
    GCR_TRY(open_file(out, &info->ranks[leader], files[leader], bytes, what));
    GCR_TRY(map(out, bytes, what));
out:
    return status;
}

gcr_status gcr_comm_share(gcr_shared *out, gcr_comm *comm, uint64_t bytes, int is_reserved,
                          const char *what)
{
    gcr_status status = GCR_OK;
    const gcr_comm_info *info = gcr_comm_info_of(comm);
    int *files = calloc((size_t)info->size, sizeof *files);

    *out = (gcr_shared){ .bytes = bytes, .file = -1 };
    if (files == NULL)
        status = gcr_fail_at(__FILE__, __LINE__, GCR_ENOMEM, "no memory for %d ranks", info->size);
    else
        status = lead(out, info, bytes, is_reserved, what);
    GCR_TRY(gcr_comm_agree(comm, status));
    GCR_TRY(gcr_comm_gather_all(comm, &out->file, sizeof out->file, files));
    GCR_TRY(gcr_comm_agree(comm, follow(out, info, files, bytes, what)));
out:
    if (status != GCR_OK)
        gcr_shared_clear(out);
    free(files);
    return status;
}

gcr_status gcr_shared_reserve(const gcr_shared *shared, uint64_t first, uint64_t bytes,
                              const char *what)
{
    gcr_status status = GCR_OK;
    int error = 0;

    GCR_TRY(check_room(bytes, what));
    if (shared->file >= 0)
        error = take_pages(shared->file, first, bytes);
    if (error != 0)
        GCR_TRY(fail_for_room(what, bytes, error));
out:
    return status;
}

void gcr_shared_clear(gcr_shared *shared)
{
    if (shared->base != NULL)
        munmap(shared->base, shared->bytes);
    if (shared->bytes > 0 && shared->file >= 0)
        close(shared->file);
    *shared = (gcr_shared){ .file = -1 };
}
