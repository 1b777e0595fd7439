/*
 * data/array_file.c -- by the ending of its name.
 *
 * A .npy file is read, not mapped: a file that is cut short underneath us is then a sentence and no
 * SIGBUS, and the peak of memory is the same, as a draft and its dataset live together at the end.
 */
#include "data/array_file.h"

#include "data/array_plan.h"
#include "data/h5_file.h"
#include "data/npy.h"
#include "data/npz_file.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends_in(const char *path, const char *ending)
{
    const size_t bytes = strlen(path), ending_bytes = strlen(ending);

    return bytes > ending_bytes && strcasecmp(path + bytes - ending_bytes, ending) == 0;
}

static int is_npz(const char *path)
{
    return ends_in(path, ".npz");
}

int gcr_is_array_file(const char *path)
{
    return ends_in(path, ".npy") || is_npz(path) || ends_in(path, ".h5") || ends_in(path, ".hdf5");
}

void gcr_array_file_close(gcr_array_file *file)
{
    for (uint64_t i = 0; i < file->count; i++)
        free(file->arrays[i].name);
    for (uint64_t i = 0; i < file->block_count; i++)
        free(file->blocks[i]);
    free(file->arrays);
    free(file->blocks);
    if (file->map != NULL)
        munmap(file->map, file->map_bytes);
    *file = (gcr_array_file){ .path = file->path };
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

    *bytes_out = 0;
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

/* ---- files of several arrays ------------------------------------------------------------------- */

static int says_columns(const gcr_data_spec *spec)
{
    int numbers = spec->y != NULL && gcr_is_column_number(spec->y);

    for (int i = 0; i < spec->x.count; i++)
        numbers += gcr_is_column_number(spec->x.names[i]);
    for (int i = 0; i < spec->skip.count; i++)
        numbers += gcr_is_column_number(spec->skip.names[i]);
    return numbers > 0 || spec->layout == GCR_LAYOUT_MATRIX;
}

static gcr_status read_several(gcr_array_file *file, const char *const *names, int count)
{
    return is_npz(file->path) ? gcr_npz_read(file, names, count) : gcr_h5_read(file, names, count);
}

/* What the job names must be somewhere; X and y, which it does not name, need not. */
static gcr_status read_by_name(gcr_array_file *file, const gcr_data_spec *spec)
{
    gcr_status status = GCR_OK;
    int count, has_y;
    const char **names = gcr_array_names(&count, &has_y, spec);

    if (names == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", file->path);
    GCR_TRY(read_several(file, names, count));
    file->is_by_name = file->count > 0;
    if (file->count == 0 && (spec->x.count > 0 || spec->y != NULL))
        GCR_FAIL(GCR_EFORMAT, "%s has no array called '%s'%s%s%s, in no group", file->path,
                 names[0], count > 1 ? " or '" : "", count > 1 ? names[count - 1] : "",
                 count > 1 ? "'" : "");
out:
    free(names);
    return status;
}

static gcr_status open_several(gcr_array_file *file, const gcr_data_spec *spec)
{
    gcr_status status = GCR_OK;

    if (!says_columns(spec))
        GCR_TRY(read_by_name(file, spec));
    if (file->count > 0)
        goto out;
    gcr_array_file_close(file);
    GCR_TRY(read_several(file, NULL, 0));
    if (file->count == 0)
        GCR_FAIL(GCR_EFORMAT, "%s holds no array", file->path);
out:
    return status;
}

/* ---- all of them ------------------------------------------------------------------------------ */

gcr_status gcr_array_file_open(gcr_array_file *out, const char *path, const gcr_data_spec *spec)
{
    *out = (gcr_array_file){ .path = path };
    return ends_in(path, ".npy") ? open_npy(out) : open_several(out, spec);
}
