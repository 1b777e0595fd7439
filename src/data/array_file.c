/*
 * data/array_file.c -- by the ending of its name.
 *
 * A .npy file is read, not mapped: a file that is cut short underneath us is then a sentence and no
 * SIGBUS, and the peak of memory is the same, as a draft and its dataset live together at the end.
 */
#include "data/array_file.h"

#include "data/npy.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends_in(const char *path, const char *ending)
{
    const size_t bytes = strlen(path), ending_bytes = strlen(ending);

    return bytes > ending_bytes && strcasecmp(path + bytes - ending_bytes, ending) == 0;
}

int gcr_is_array_file(const char *path)
{
    return ends_in(path, ".npy");
}

/* ---- .npy ------------------------------------------------------------------------------------- */

static gcr_status read_all(uint8_t *to, uint64_t bytes, int descriptor, const char *path)
{
    gcr_status status = GCR_OK;
    uint64_t done = 0;

    while (done < bytes) {
        const ssize_t got = read(descriptor, to + done, bytes - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            GCR_FAIL(GCR_EUNREADABLE, "cannot read %s: %s", path, strerror(errno));
        if (got == 0)
            GCR_FAIL(GCR_EFORMAT, "%s became shorter while it was read", path);
        done += (uint64_t)got;
    }
out:
    return status;
}

/* The whole of a plain file, in memory that the caller frees. */
static gcr_status load(uint8_t **out, uint64_t *bytes_out, const char *path)
{
    gcr_status status = GCR_OK;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat stat;

    if (descriptor < 0 || fstat(descriptor, &stat) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot open %s: %s", path, strerror(errno));
    if (!S_ISREG(stat.st_mode))
        GCR_FAIL(GCR_EUNREADABLE, "%s is not a file", path);
    *bytes_out = (uint64_t)stat.st_size;
    *out = malloc(*bytes_out + 1);
    if (*out == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", path);
    GCR_TRY(read_all(*out, *bytes_out, descriptor, path));
out:
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

static gcr_status open_npy(gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    uint64_t bytes;

    file->arrays = calloc(1, sizeof *file->arrays);
    file->blocks = calloc(1, sizeof *file->blocks);
    if (file->arrays == NULL || file->blocks == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", file->path);
    file->block_count = 1;
    GCR_TRY(load((uint8_t **)&file->blocks[0], &bytes, file->path));
    GCR_TRY(gcr_npy_parse(&file->arrays[0], file->path, file->blocks[0], bytes));
    file->count = 1;
out:
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------ */

gcr_status gcr_array_file_open(gcr_array_file *out, const char *path, const gcr_data_spec *spec)
{
    (void)spec;
    *out = (gcr_array_file){ .path = path };
    return open_npy(out);
}

void gcr_array_file_close(gcr_array_file *file)
{
    for (uint64_t i = 0; i < file->count; i++)
        free(file->arrays[i].name);
    for (uint64_t i = 0; i < file->block_count; i++)
        free(file->blocks[i]);
    free(file->arrays);
    free(file->blocks);
    *file = (gcr_array_file){ .path = NULL };
}
