/* base/cache_object.c -- objects of the cache: sealed, kept, found whole. See cache.h. */
#include "base/cache_private.h"

#include "base/check.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { YOUNG_SECONDS = 3600 };

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

static int read_seal(seal *out, int fd, const struct stat *info)
{
    const off_t at = info->st_size - (off_t)sizeof *out;

    return at > 0 && pread(fd, out, sizeof *out, at) == sizeof *out &&
           memcmp(out->magic, seal_magic, sizeof out->magic) == 0;
}

static int is_whole(int fd, const struct stat *info)
{
    uint64_t hash;
    seal end;

    return read_seal(&end, fd, info) && hash_file(&hash, fd, (size_t)info->st_size - sizeof end) &&
           hash == end.hash;
}

/* ---- room ------------------------------------------------------------------------------------ */

/* Shared while an object is looked for, exclusive while objects are removed; close() gives it back.
 * -1: it is taken, or there is no folder. A file system without locks lets everybody in: then it is
 * by its age alone that an object stays. */
static int lock_folder(const char *folder, int how)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int is_taken;

    do
        is_taken = fd >= 0 && flock(fd, how) != 0;
    while (is_taken && errno == EINTR);
    if (is_taken && errno == EWOULDBLOCK) {
        close(fd);
        return -1;
    }
    return fd;
}

static int is_object(int folder, const char *name, const struct stat *info)
{
    seal end;
    int fd, answer;

    if (!S_ISREG(info->st_mode) || info->st_uid != geteuid())
        return 0;
    fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    answer = fd >= 0 && read_seal(&end, fd, info);
    if (fd >= 0)
        close(fd);
    return answer;
}

typedef struct kept {
    char *name;
    uint64_t bytes;
    struct timespec used;
} kept;

typedef struct kept_list {
    kept *items;
    size_t count, room;
    uint64_t bytes;
} kept_list;

static int by_use(const void *a, const void *b)
{
    const struct timespec u = ((const kept *)a)->used, v = ((const kept *)b)->used;

    if (u.tv_sec != v.tv_sec)
        return u.tv_sec < v.tv_sec ? -1 : 1;
    return (u.tv_nsec > v.tv_nsec) - (u.tv_nsec < v.tv_nsec);
}

/* What there is no memory for is not listed, and stays. */
static void list_object(kept_list *list, const char *name, const struct stat *info)
{
    if (list->count == list->room) {
        const size_t room = 2 * list->room + 64;
        kept *items = realloc(list->items, room * sizeof *items);

        if (items == NULL)
            return;
        list->items = items;
        list->room = room;
    }
    list->items[list->count] = (kept){ strdup(name), (uint64_t)info->st_size, info->st_mtim };
    if (list->items[list->count].name == NULL)
        return;
    list->bytes += list->items[list->count++].bytes;
}

static void list_objects(kept_list *out, DIR *entries)
{
    const int folder = dirfd(entries);
    struct stat info;

    for (const struct dirent *e; (e = readdir(entries)) != NULL;)
        if (fstatat(folder, e->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            is_object(folder, e->d_name, &info))
            list_object(out, e->d_name, &info);
    if (out->count > 0)
        qsort(out->items, out->count, sizeof *out->items, by_use);
}

/* What cannot be removed stays. */
static void remove_oldest(DIR *entries, uint64_t bytes_max)
{
    const time_t young = time(NULL) - YOUNG_SECONDS;
    kept_list list = { 0 };

    list_objects(&list, entries);
    for (size_t i = 0; i < list.count; i++) {
        if (list.bytes > bytes_max && list.items[i].used.tv_sec < young &&
            unlinkat(dirfd(entries), list.items[i].name, 0) == 0)
            list.bytes -= list.items[i].bytes;
        free(list.items[i].name);
    }
    free(list.items);
}

/* Not while somebody else is at it, or looks for an object: there will be another time. */
static void make_room(const gcr_cache *cache)
{
    const int lock = lock_folder(cache->folder, LOCK_EX | LOCK_NB);
    DIR *entries = lock >= 0 ? opendir(cache->folder) : NULL;

    if (entries != NULL) {
        remove_oldest(entries, cache->bytes_max);
        closedir(entries);
    }
    if (lock >= 0)
        close(lock);
}

/* ---- objects --------------------------------------------------------------------------------- */

gcr_status gcr_cache_find(char **path_out, int *is_there_out, const gcr_cache *cache,
                          const char *name)
{
    gcr_status status = GCR_OK;
    const int lock = lock_folder(cache->folder, LOCK_SH);
    struct stat info;
    int fd = -1;

    *is_there_out = 0;
    GCR_TRY(gcr_text_format(path_out, "%s/%s", cache->folder, name));
    if (lstat(*path_out, &info) != 0)
        goto out;
    GCR_TRY(gcr_cache_check_owner("the object", *path_out, &info));
    fd = open(*path_out, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    *is_there_out = fd >= 0 && S_ISREG(info.st_mode) && is_whole(fd, &info);
    if (*is_there_out)
        futimens(fd, NULL);
out:
    if (fd >= 0)
        close(fd);
    if (lock >= 0)
        close(lock);
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

gcr_status gcr_cache_keep(const gcr_cache *cache, const char *file, const char *path)
{
    gcr_status status = GCR_OK;
    const int fd = open(file, O_RDWR | O_CLOEXEC);

    if (fd < 0 || !seal_file(fd) || rename(file, path) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
    make_room(cache);
out:
    if (fd >= 0)
        close(fd);
    return status;
}
