/* cli/run_folder.c -- see run_folder.h. */
#include "cli/run_folder.h"

#include "base/check.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

gcr_status gcr_run_folder_choose(char **out, const gcr_job *job, const char *wanted)
{
    gcr_status status = GCR_OK;
    const char *folder = wanted != NULL ? wanted : job->output_folder;
    size_t bytes;

    *out = NULL;
    if (folder == NULL) {
        GCR_TRY(gcr_text_format(out, "runs/%s", job->name));
        goto out;
    }
    bytes = strlen(folder);
    if (bytes == 0)
        GCR_FAIL(GCR_EINVAL, "the output folder has no name");
    while (bytes > 1 && folder[bytes - 1] == '/')
        bytes--; /* or "x/" would be moved aside to "x/.old-1" */
    GCR_TRY(gcr_text_copy(out, folder, bytes));
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

gcr_status gcr_run_folder_check(const char *folder, int is_fresh)
{
    gcr_status status = GCR_OK;
    struct stat info;
    int is_taken;

    if (stat(folder, &info) != 0)
        goto out;
    if (!S_ISDIR(info.st_mode))
        GCR_FAIL(GCR_EEXIST, "%s is a file, and results go into a folder", folder);
    GCR_TRY(holds_run(&is_taken, folder));
    if (is_taken && !is_fresh)
        GCR_FAIL(GCR_EEXIST, "%s holds a run already: --fresh moves it aside, --out names another",
                 folder);
out:
    return status;
}

static gcr_status move_aside(char **old_out, const char *folder)
{
    gcr_status status = GCR_OK;
    char *old = NULL;
    struct stat info;
    int number = 0;

    do {
        free(old);
        GCR_TRY(gcr_text_format(&old, "%s.old-%d", folder, ++number));
    } while (lstat(old, &info) == 0);
    if (rename(folder, old) != 0)
        GCR_FAIL(GCR_EIO, "cannot move %s aside to %s: %s", folder, old, strerror(errno));
    *old_out = old;
    old = NULL;
out:
    free(old);
    return status;
}

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

gcr_status gcr_run_folder_make(char **old_out, const char *folder)
{
    gcr_status status = GCR_OK;
    char *path = NULL;
    int is_taken;

    *old_out = NULL;
    GCR_TRY(holds_run(&is_taken, folder));
    if (is_taken)
        GCR_TRY(move_aside(old_out, folder));
    GCR_TRY(gcr_text_copy(&path, folder, strlen(folder)));
    GCR_TRY(make_folders(path));
out:
    free(path);
    return status;
}
