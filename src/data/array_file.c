/* data/array_file.c -- by the ending of its name. */
#include "data/array_file.h"

#include "data/array_plan.h"
#include "data/h5_file.h"
#include "data/npy_file.h"
#include "data/npz_file.h"

#include "base/check.h"

#include <stdlib.h>
#include <strings.h>

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
    if (file->format != NULL)
        file->format->close(file);
    for (uint64_t i = 0; i < file->count; i++) {
        free(file->arrays[i].name);
        free(file->arrays[i].to);
    }
    free(file->arrays);
    *file = (gcr_array_file){ .path = file->path };
}

/* ---- files of several arrays ----------------------------------------------------------------- */

static int says_columns(const gcr_data_spec *spec)
{
    int numbers = spec->y != NULL && gcr_is_column_number(spec->y);

    for (int i = 0; i < spec->x.count; i++)
        numbers += gcr_is_column_number(spec->x.names[i]);
    for (int i = 0; i < spec->skip.count; i++)
        numbers += gcr_is_column_number(spec->skip.names[i]);
    return numbers > 0 || spec->layout == GCR_LAYOUT_MATRIX;
}

static gcr_status open_arrays(gcr_array_file *file, const char *const *names, int count)
{
    return is_npz(file->path) ? gcr_npz_open(file, names, count) : gcr_h5_open(file, names, count);
}

/* What the job names must be somewhere; X and y, which it does not name, need not. */
static gcr_status open_by_name(gcr_array_file *file, const gcr_data_spec *spec)
{
    gcr_status status = GCR_OK;
    int count, has_y;
    const char **names = gcr_array_names(&count, &has_y, spec);

    if (names == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", file->path);
    GCR_TRY(open_arrays(file, names, count));
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
        GCR_TRY(open_by_name(file, spec));
    if (file->count > 0)
        goto out;
    gcr_array_file_close(file);
    GCR_TRY(open_arrays(file, NULL, 0));
    if (file->count == 0)
        GCR_FAIL(GCR_EFORMAT, "%s holds no array", file->path);
out:
    return status;
}

/* ---- all of them ----------------------------------------------------------------------------- */

gcr_status gcr_array_file_open(gcr_array_file *out, const char *path, const gcr_data_spec *spec)
{
    *out = (gcr_array_file){ .path = path };
    return ends_in(path, ".npy") ? gcr_npy_open(out) : open_several(out, spec);
}
