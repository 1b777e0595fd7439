/* results/aside.c -- see aside.h. */
#include "results/aside.h"

#include "base/check.h"
#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* O_EXCL: never through a link that somebody left. A file of that name is a dead process's. */
static int open_fresh(const char *path)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(path, flags, 0666);

    if (fd < 0 && errno == EEXIST && unlink(path) == 0)
        fd = open(path, flags, 0666);
    return fd;
}

gcr_status gcr_aside_open(gcr_aside *out, const char *folder, const char *name)
{
    gcr_status status = GCR_OK;
    char *temporary = NULL;

    *out = (gcr_aside){ 0 };
    GCR_TRY(gcr_text_format(&out->path, "%s/%s", folder, name));
    GCR_TRY(gcr_text_format(&temporary, GCR_ASIDE_FORMAT, folder, name, (long)getpid()));
    out->fd = open_fresh(temporary);
    if (out->fd < 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", out->path, strerror(errno));
    out->is_open = 1;
    out->temporary = temporary;
    temporary = NULL;
out:
    free(temporary);
    if (status != GCR_OK)
        gcr_aside_close(out);
    return status;
}

gcr_status gcr_aside_finish(gcr_aside *aside, int syncs)
{
    gcr_status status = GCR_OK;

    if (syncs && fsync(aside->fd) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", aside->path, strerror(errno));
    aside->is_open = 0; /* close() gives the descriptor back even where it fails */
    if (close(aside->fd) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", aside->path, strerror(errno));
out:
    return status;
}

gcr_status gcr_aside_publish(gcr_aside *aside)
{
    gcr_status status = GCR_OK;

    if (rename(aside->temporary, aside->path) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", aside->path, strerror(errno));
    free(aside->temporary);
    aside->temporary = NULL;
out:
    return status;
}

void gcr_aside_close(gcr_aside *aside)
{
    if (aside == NULL)
        return;
    if (aside->is_open)
        close(aside->fd);
    if (aside->temporary != NULL)
        unlink(aside->temporary);
    free(aside->temporary);
    free(aside->path);
    *aside = (gcr_aside){ 0 };
}

/* ".results.h5.1234.tmp" is 1234's; 0: it is no temporary of `name`. */
static long owner_of(const char *entry, const char *name)
{
    const size_t bytes = strlen(name);
    char *end;
    long owner;

    if (entry[0] != '.' || strncmp(entry + 1, name, bytes) != 0 || entry[1 + bytes] != '.' ||
        !isdigit((unsigned char)entry[2 + bytes]))
        return 0;
    owner = strtol(entry + 2 + bytes, &end, 10);
    return strcmp(end, ".tmp") == 0 && owner == (pid_t)owner ? owner : 0;
}

void gcr_aside_sweep(const char *folder, const char *name)
{
    DIR *entries = opendir(folder);

    for (const struct dirent *e; entries != NULL && (e = readdir(entries)) != NULL;) {
        const long owner = owner_of(e->d_name, name);

        if (owner > 0 && kill((pid_t)owner, 0) != 0 && errno == ESRCH)
            unlinkat(dirfd(entries), e->d_name, 0);
    }
    if (entries != NULL)
        closedir(entries);
}

gcr_status gcr_folder_sync(const char *folder)
{
    gcr_status status = GCR_OK;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        GCR_FAIL(GCR_EIO, "cannot open the folder %s: %s", folder, strerror(errno));
    if (fsync(fd) != 0 && errno != EINVAL) /* some file systems cannot sync folders */
        GCR_FAIL(GCR_EIO, "cannot write the folder %s: %s", folder, strerror(errno));
out:
    if (fd >= 0)
        close(fd);
    return status;
}
