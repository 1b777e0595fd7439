/* base/cache.c -- see cache.h. */
#include "base/cache_private.h"

#include "base/check.h"
#include "base/env.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_SECONDS = 86400, DESCRIPTORS = 8 };

/* A kernel takes 0.1 to 0.5 MB for each value of its options. */
static const uint64_t bytes_max = UINT64_C(256) << 20;

/* ---- folders --------------------------------------------------------------------------------- */

/* mkdir -p with mode 0700. `path` is cut at each slash on the way and whole again at the end. */
static int make_folders(char *path)
{
    int is_made = 1;

    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        is_made = mkdir(path, 0700) == 0 || errno == EEXIST;
        if (slash != NULL)
            *slash = '/';
        if (!is_made || slash == NULL)
            return is_made;
    }
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    remove(path);
    return 0;
}

/* What cannot be removed stays. */
static void remove_tree(const char *folder)
{
    nftw(folder, remove_entry, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

/* NULL in *out: nothing says where. */
static gcr_status usual_folder(char **out)
{
    gcr_status status = GCR_OK;
    const char *own = gcr_env_get(GCR_ENV_CACHE);
    const char *cache = gcr_env_get(GCR_ENV_XDG_CACHE_HOME), *home = gcr_env_get(GCR_ENV_HOME);

    *out = NULL;
    if (own != NULL)
        GCR_TRY(gcr_text_copy(out, own, strlen(own)));
    else if (cache != NULL)
        GCR_TRY(gcr_text_format(out, "%s/gridcrunch", cache));
    else if (home != NULL)
        GCR_TRY(gcr_text_format(out, "%s/.cache/gridcrunch", home));
out:
    return status;
}

gcr_status gcr_cache_check_owner(const char *what, const char *path, const struct stat *info)
{
    gcr_status status = GCR_OK;

    if (S_ISLNK(info->st_mode))
        GCR_FAIL(GCR_EINVAL,
                 "%s of compiled kernels %s is a link, and is not trusted; "
                 "name another folder with GRIDCRUNCH_CACHE",
                 what, path);
    if (info->st_uid != geteuid())
        GCR_FAIL(GCR_EINVAL,
                 "%s of compiled kernels %s belongs to another user; "
                 "name a folder of yours with GRIDCRUNCH_CACHE",
                 what, path);
    if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        GCR_FAIL(GCR_EINVAL,
                 "%s of compiled kernels %s may be written by other users; "
                 "remove it, or take that right away with: chmod go-w %s",
                 what, path, path);
out:
    return status;
}

/* cache->folder stays NULL where there is none that can be written. */
static gcr_status open_usual(gcr_cache *cache)
{
    gcr_status status = GCR_OK;
    char *folder = NULL;
    struct stat info;

    GCR_TRY(usual_folder(&folder));
    if (folder == NULL || !make_folders(folder) || lstat(folder, &info) != 0)
        goto out;
    GCR_TRY(gcr_cache_check_owner("the folder", folder, &info));
    if (S_ISDIR(info.st_mode) && access(folder, W_OK | X_OK) == 0) {
        cache->folder = folder;
        folder = NULL;
    }
out:
    free(folder);
    return status;
}

static gcr_status open_temporary(gcr_cache *cache)
{
    gcr_status status = GCR_OK;
    const char *parent = gcr_env_get(GCR_ENV_TMPDIR);
    char *folder = NULL;

    GCR_TRY(gcr_text_format(&folder, "%s/gridcrunch-XXXXXX", parent != NULL ? parent : "/tmp"));
    if (mkdtemp(folder) == NULL)
        GCR_FAIL(GCR_EIO,
                 "there is no folder to compile a kernel in: neither the cache nor %s can be "
                 "written (%s); name one with GRIDCRUNCH_CACHE",
                 parent != NULL ? parent : "/tmp", strerror(errno));
    cache->folder = folder;
    cache->is_temporary = 1;
    folder = NULL;
out:
    free(folder);
    return status;
}

/* A compiler reads a relative path as one from the file that includes it. */
static gcr_status make_absolute(gcr_cache *cache)
{
    gcr_status status = GCR_OK;
    char *absolute = realpath(cache->folder, NULL);

    if (absolute == NULL)
        GCR_FAIL(GCR_EIO, "cannot find the folder %s: %s", cache->folder, strerror(errno));
    free(cache->folder);
    cache->folder = absolute;
out:
    return status;
}

gcr_status gcr_cache_open(gcr_cache *out)
{
    gcr_status status = GCR_OK;

    *out = (gcr_cache){ .bytes_max = bytes_max };
    GCR_TRY(open_usual(out));
    if (out->folder == NULL)
        GCR_TRY(open_temporary(out));
    GCR_TRY(make_absolute(out));
out:
    return status;
}

void gcr_cache_close(gcr_cache *cache)
{
    if (cache->is_temporary)
        remove_tree(cache->folder);
    free(cache->folder);
    *cache = (gcr_cache){ 0 };
}

/* ---- work ------------------------------------------------------------------------------------ */

/* True of "work-1234-abcdef" if 1234 is dead and the folder a day old: on a disk that machines
 * share, 1234 may live on another one. */
static int is_stale(int folder, const char *name)
{
    struct stat info;
    long owner;

    if (sscanf(name, "work-%ld-", &owner) != 1 || owner <= 0 ||
        fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    return time(NULL) - info.st_mtime > STALE_SECONDS && kill((pid_t)owner, 0) != 0 &&
           errno == ESRCH;
}

static void sweep(const char *folder)
{
    DIR *entries = opendir(folder);

    for (const struct dirent *e; entries != NULL && (e = readdir(entries)) != NULL;) {
        char *path = NULL;

        if (is_stale(dirfd(entries), e->d_name) &&
            gcr_text_format(&path, "%s/%s", folder, e->d_name) == GCR_OK)
            remove_tree(path);
        free(path);
    }
    if (entries != NULL)
        closedir(entries);
}

gcr_status gcr_cache_work_open(char **out, const gcr_cache *cache)
{
    gcr_status status = GCR_OK;
    char *work = NULL;

    *out = NULL;
    sweep(cache->folder);
    GCR_TRY(gcr_text_format(&work, "%s/work-%ld-XXXXXX", cache->folder, (long)getpid()));
    if (mkdtemp(work) == NULL)
        GCR_FAIL(GCR_EIO, "cannot compile in %s: %s", cache->folder, strerror(errno));
    *out = work;
    work = NULL;
out:
    free(work);
    return status;
}

void gcr_cache_work_close(char *work)
{
    if (work != NULL)
        remove_tree(work);
    free(work);
}

gcr_status gcr_cache_write(const char *folder, const char *name, const char *text, size_t bytes)
{
    gcr_status status = GCR_OK;
    char *path = NULL;
    FILE *file = NULL;

    GCR_TRY(gcr_text_format(&path, "%s/%s", folder, name));
    *strrchr(path, '/') = '\0';
    if (!make_folders(path))
        GCR_FAIL(GCR_EIO, "cannot make the folder %s: %s", path, strerror(errno));
    path[strlen(path)] = '/';
    file = fopen(path, "we");
    if (file == NULL || fwrite(text, 1, bytes, file) != bytes || fflush(file) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
out:
    if (file != NULL)
        fclose(file);
    free(path);
    return status;
}
