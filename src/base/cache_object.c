/* base/cache_object.c -- objects of the cache: sealed, kept, found whole. See cache.h. */
#include "base/cache_private.h"

#include "base/check.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

/* Stands behind the last byte of an object, where no loader looks. */
typedef struct seal {
    char magic[8];
    uint64_t hash; /* XXH3 of all bytes before the seal */
} seal;

static const char seal_magic[8] = "gcr-own\n";

/* The hash of the first `bytes` of a file. False: it cannot be read. */
static int hash_file(uint64_t *out, int fd, size_t bytes)
{
    void *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);

    if (map == MAP_FAILED)
        return 0;
    *out = XXH3_64bits(map, bytes);
    munmap(map, bytes);
    return 1;
}

/* Seals the object and lets nobody else write it, whatever the umask says. */
static int seal_file(int fd)
{
    struct stat info;
    seal end;

    memcpy(end.magic, seal_magic, sizeof end.magic);
    return fstat(fd, &info) == 0 && hash_file(&end.hash, fd, (size_t)info.st_size) &&
           pwrite(fd, &end, sizeof end, info.st_size) == sizeof end && fchmod(fd, 0700) == 0;
}

static int is_whole(int fd, const struct stat *info)
{
    const off_t at = info->st_size - (off_t)sizeof(seal);
    uint64_t hash;
    seal end;

    return at > 0 && pread(fd, &end, sizeof end, at) == sizeof end &&
           memcmp(end.magic, seal_magic, sizeof end.magic) == 0 &&
           hash_file(&hash, fd, (size_t)at) && hash == end.hash;
}

gcr_status gcr_cache_find(char **path_out, int *is_there_out, const gcr_cache *cache,
                          const char *name)
{
    gcr_status status = GCR_OK;
    struct stat info;
    int fd = -1;

    *is_there_out = 0;
    GCR_TRY(gcr_text_format(path_out, "%s/%s", cache->folder, name));
    if (lstat(*path_out, &info) != 0)
        goto out;
    GCR_TRY(gcr_cache_check_owner("the object", *path_out, &info));
    fd = open(*path_out, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    *is_there_out = fd >= 0 && S_ISREG(info.st_mode) && is_whole(fd, &info);
out:
    if (fd >= 0)
        close(fd);
    return status;
}

gcr_status gcr_cache_read(void **out, size_t *bytes_out, const char *path)
{
    gcr_status status = GCR_OK;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    void *bytes = NULL;
    struct stat info;
    size_t count;

    if (fd < 0 || fstat(fd, &info) != 0 || info.st_size <= (off_t)sizeof(seal))
        GCR_FAIL(GCR_EIO, "cannot read %s: %s", path, strerror(errno));
    count = (size_t)info.st_size - sizeof(seal);
    bytes = malloc(count);
    if (bytes == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to read %s", path);
    if (read(fd, bytes, count) != (ssize_t)count)
        GCR_FAIL(GCR_EIO, "cannot read %s: %s", path, strerror(errno));
    *out = bytes;
    *bytes_out = count;
    bytes = NULL;
out:
    free(bytes);
    if (fd >= 0)
        close(fd);
    return status;
}

gcr_status gcr_cache_keep(const char *file, const char *path)
{
    gcr_status status = GCR_OK;
    const int fd = open(file, O_RDWR | O_CLOEXEC);

    if (fd < 0 || !seal_file(fd) || rename(file, path) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
out:
    if (fd >= 0)
        close(fd);
    return status;
}
