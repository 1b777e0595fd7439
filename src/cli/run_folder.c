/* cli/run_folder.c -- see run_folder.h. */
#include "cli/run_folder.h"

#include "base/check.h"
#include "base/text.h"
#include "gridcrunch/results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

gcr_status gcr_run_folder_choose(gcr_run_folder *out, const gcr_job *job, const char *wanted)
{
    gcr_status status = GCR_OK;
    const char *folder = wanted != NULL ? wanted : job->output_folder;
    size_t bytes;

    *out = (gcr_run_folder){ 0 };
    if (folder == NULL) {
        GCR_TRY(gcr_text_format(&out->path, "runs/%s", job->name));
        goto out;
    }
    bytes = strlen(folder);
    if (bytes == 0)
        GCR_FAIL(GCR_EINVAL, "the output folder has no name");
    while (bytes > 1 && folder[bytes - 1] == '/')
        bytes--; /* or "x/" would be moved aside to "x/.old-1" */
    GCR_TRY(gcr_text_copy(&out->path, folder, bytes));
out:
    return status;
}

static gcr_status holds_run(int *out, const char *folder)
{
    gcr_status status = GCR_OK;
    char *path = NULL;
    struct stat info;

    *out = 0;
    GCR_TRY(gcr_text_format(&path, "%s/results.h5", folder));
    *out = lstat(path, &info) == 0;
out:
    free(path);
    return status;
}

static gcr_status check_free(int *is_taken_out, const char *folder, int is_fresh)
{
    gcr_status status = GCR_OK;

    GCR_TRY(holds_run(is_taken_out, folder));
    if (*is_taken_out && !is_fresh)
        GCR_FAIL(GCR_EEXIST, "%s holds a run already: --fresh moves it aside, --out names another",
                 folder);
out:
    return status;
}

gcr_status gcr_run_folder_check(const gcr_run_folder *folder, int is_fresh)
{
    gcr_status status = GCR_OK;
    struct stat info;
    int is_taken;

    if (stat(folder->path, &info) != 0)
        goto out;
    if (!S_ISDIR(info.st_mode))
        GCR_FAIL(GCR_EEXIST, "%s is a file, and results go into a folder", folder->path);
    GCR_TRY(check_free(&is_taken, folder->path, is_fresh));
out:
    return status;
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* mkdir -p. `path` is cut at each slash on the way and whole again at the end. */
static gcr_status make_folders(char *path)
{
    gcr_status status = GCR_OK;
    struct stat info;

    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        if (mkdir(path, 0777) != 0 && (errno != EEXIST || stat(path, &info) != 0))
            GCR_FAIL(GCR_EIO, "cannot make the folder %s: %s", path, strerror(errno));
        if (slash == NULL)
            break;
        *slash = '/';
    }
out:
    return status;
}

static void unlock(gcr_run_folder *folder)
{
    if (folder->is_taken)
        close(folder->fd);
    folder->is_taken = 0;
}

/* A file system that has no locks is used without. */
static gcr_status lock(gcr_run_folder *folder)
{
    gcr_status status = GCR_OK;

    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        GCR_FAIL(GCR_EIO, "cannot open the folder %s: %s", folder->path, strerror(errno));
    folder->is_taken = 1;
    if (flock(folder->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        GCR_FAIL(GCR_EEXIST, "a run is being computed in %s; wait for it, or use --out",
                 folder->path);
out:
    if (status != GCR_OK)
        unlock(folder);
    return status;
}

/* False where another run has moved the folder away between our open() and our lock. */
static int is_at_its_path(const gcr_run_folder *folder)
{
    struct stat ours, there;

    return fstat(folder->fd, &ours) == 0 && stat(folder->path, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static gcr_status make_and_lock(gcr_run_folder *folder)
{
    gcr_status status = GCR_OK;

    do {
        unlock(folder);
        GCR_TRY(make_folders(folder->path));
        GCR_TRY(lock(folder));
    } while (!is_at_its_path(folder));
out:
    return status;
}

static gcr_status move_aside(gcr_run_folder *folder)
{
    gcr_status status = GCR_OK;
    char *old = NULL;
    struct stat info;
    int number = 0;

    do {
        free(old);
        GCR_TRY(gcr_text_format(&old, "%s.old-%d", folder->path, ++number));
    } while (lstat(old, &info) == 0);
    folder->old_path = old; /* before it is there: a signal may come in between */
    if (rename(folder->path, old) != 0) {
        folder->old_path = NULL;
        GCR_FAIL(GCR_EIO, "cannot move %s aside to %s: %s", folder->path, old, strerror(errno));
    }
    old = NULL;
out:
    free(old);
    return status;
}

gcr_status gcr_run_folder_take(gcr_run_folder *folder, int is_fresh)
{
    gcr_status status = GCR_OK;
    int is_taken;

    GCR_TRY(make_and_lock(folder));
    GCR_TRY(check_free(&is_taken, folder->path, is_fresh)); /* it may have come meanwhile */
    gcr_results_sweep(folder->path);
    if (is_taken) {
        GCR_TRY(move_aside(folder));
        GCR_TRY(make_and_lock(folder));
    }
out:
    if (status != GCR_OK && folder->old_path == NULL)
        unlock(folder); /* it is as it was */
    return status;
}

/* ---- giving back ----------------------------------------------------------------------------- */

/* In one step, so that nobody finds the path free in between: in place of the new folder where that
 * is ours and empty, else only to where nothing is. */
int gcr_run_folder_put_back(const gcr_run_folder *folder)
{
    const unsigned flags = folder->is_taken ? 0 : RENAME_NOREPLACE;

    return folder->old_path == NULL ||
           renameat2(AT_FDCWD, folder->old_path, AT_FDCWD, folder->path, flags) == 0 ||
           errno == ENOENT; /* it has not gone yet */
}

gcr_status gcr_run_folder_restore(gcr_run_folder *folder, gcr_status status)
{
    char *const old = folder->old_path;

    if (!gcr_run_folder_put_back(folder))
        GCR_FAIL(status, "%s; the earlier run is now %s", gcr_last_error(), old);
    if (old == NULL && folder->is_taken)
        rmdir(folder->path); /* succeeds only if nothing is in it */
    folder->old_path = NULL;
    free(old);
out:
    unlock(folder);
    return status;
}

void gcr_run_folder_clear(gcr_run_folder *folder)
{
    unlock(folder);
    free(folder->old_path);
    free(folder->path);
    *folder = (gcr_run_folder){ 0 };
}
