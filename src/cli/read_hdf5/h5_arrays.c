/*
 * cli/read_hdf5/h5_arrays.c -- a walk over all links of the file for those that matter and their
 * shapes; then their numbers, by whole rows of chunks, so that none is unpacked twice.
 *
 * Links, not objects: an x that many groups share by links is found in each of them.
 */
#include "cli/read_hdf5/h5_arrays.h"

#include "data/array.h"
#include "data/h5_answer.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Deflate makes at most 1032 bytes of one: an array that claims more is not in the file. */
enum { INFLATION_MAX = 1032 };

/* About what is read at a time; more where a row, or a chunk of the file, is larger. */
enum { RUN_BYTES = 1 << 20 };

/* ---- is this one wanted, and is it an array? ------------------------------------------------- */

static int is_wanted(const gcr_h5_arrays *arrays, const char *name)
{
    for (int i = 0; i < arrays->name_count; i++)
        if (gcr_array_group_bytes(name, arrays->names[i]) >= 0)
            return 1;
    return arrays->name_count == 0;
}

static gcr_status check_type(const gcr_h5_arrays *arrays, const char *name, hid_t type)
{
    gcr_status status = GCR_OK;

    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_FLOAT: break;
    case H5T_STRING:
        GCR_FAIL(GCR_EFORMAT,
                 "%s: '%s' holds text; turn words into numbers, for instance a column of 0 and 1 "
                 "for each word",
                 arrays->path, name);
    case H5T_COMPOUND:
        GCR_FAIL(GCR_EFORMAT,
                 "%s: '%s' is a table of columns with names (a compound type); save its numbers as "
                 "arrays of their own",
                 arrays->path, name);
    case H5T_ENUM:
        GCR_FAIL(GCR_EFORMAT,
                 "%s: '%s' holds an enumeration (such as true and false); save it as "
                 "numbers: array.astype('f8')",
                 arrays->path, name);
    default:
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' holds something that is no number", arrays->path, name);
    }
out:
    return status;
}

static gcr_status check_storage(const gcr_h5_arrays *arrays, const char *name, hid_t array)
{
    gcr_status status = GCR_OK;
    const hid_t properties = H5Dget_create_plist(array);

    if (properties < 0)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' is damaged", arrays->path, name);
    if (H5Pget_layout(properties) == H5D_VIRTUAL || H5Pget_external_count(properties) != 0)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' has its numbers in another file; copy them into this one",
                 arrays->path, name);
out:
    if (properties >= 0)
        H5Pclose(properties);
    return status;
}

static gcr_status get_shape(gcr_h5_found *out, const gcr_h5_arrays *arrays, hid_t space)
{
    gcr_status status = GCR_OK;
    hsize_t shape[H5S_MAX_RANK] = { 0 };
    const int dimensions = H5Sget_simple_extent_dims(space, shape, NULL);

    if (dimensions < 0)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' is damaged", arrays->path, out->name);
    if (dimensions == 0)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' is a single number, not rows of them", arrays->path,
                 out->name);
    if (dimensions > 2)
        GCR_FAIL(GCR_EFORMAT,
                 "%s: '%s' has %d dimensions, and a dataset has rows and columns; flatten what "
                 "belongs to a row: array.reshape(len(array), -1)",
                 arrays->path, out->name, dimensions);
    out->rows = shape[0];
    out->columns = dimensions == 1 ? 1 : shape[1];
out:
    return status;
}

static gcr_status check_size(const gcr_h5_arrays *arrays, const gcr_h5_found *found, hid_t type)
{
    gcr_status status = GCR_OK;
    uint64_t bytes;

    if (!gcr_multiply(&bytes, found->rows, found->columns) ||
        !gcr_multiply(&bytes, bytes, H5Tget_size(type)) ||
        bytes / INFLATION_MAX > arrays->file_bytes || bytes > INT64_MAX / sizeof(double))
        GCR_FAIL(GCR_EFORMAT,
                 "%s: '%s' claims %" PRIu64 " x %" PRIu64
                 " numbers, more than a file of this size can hold; it is cut short or damaged",
                 arrays->path, found->name, found->rows, found->columns);
out:
    return status;
}

static gcr_status look_at(gcr_h5_found *out, const gcr_h5_arrays *arrays, hid_t array)
{
    gcr_status status = GCR_OK;
    const hid_t type = H5Dget_type(array), space = H5Dget_space(array);

    if (type < 0 || space < 0)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' is damaged", arrays->path, out->name);
    GCR_TRY(check_type(arrays, out->name, type));
    GCR_TRY(check_storage(arrays, out->name, array));
    GCR_TRY(get_shape(out, arrays, space));
    GCR_TRY(check_size(arrays, out, type));
out:
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return status;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static gcr_status append(gcr_h5_arrays *arrays, gcr_h5_found *found)
{
    gcr_status status = GCR_OK;
    const uint64_t capacity = arrays->capacity == 0 ? 64 : 2 * arrays->capacity;

    if (arrays->count == GCR_H5_ARRAYS_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s holds more than %d arrays; at most that many are read",
                 arrays->path, GCR_H5_ARRAYS_MAX);
    if (arrays->count == arrays->capacity) {
        gcr_h5_found *grown = realloc(arrays->items, capacity * sizeof *grown);

        if (grown == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of %s", arrays->path);
        arrays->items = grown;
        arrays->capacity = capacity;
    }
    arrays->items[arrays->count++] = *found;
    found->name = NULL;
out:
    return status;
}

/* A link to something that is no array is passed over, unless it cannot be followed. */
static gcr_status visit(gcr_h5_arrays *arrays, const char *name)
{
    gcr_status status = GCR_OK;
    gcr_h5_found found = { .name = NULL };
    const hid_t object = H5Oopen(arrays->file, name, H5P_DEFAULT);

    if (object < 0)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' cannot be opened; it is damaged, or a link to nothing",
                 arrays->path, name);
    if (H5Iget_type(object) != H5I_DATASET)
        goto out;
    GCR_TRY(gcr_text_copy(&found.name, name, strlen(name)));
    GCR_TRY(look_at(&found, arrays, object));
    GCR_TRY(append(arrays, &found));
out:
    free(found.name);
    if (object >= 0)
        H5Oclose(object);
    return status;
}

/* Where all arrays are read a soft link would be a second time. */
static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link, void *context)
{
    gcr_status status = GCR_OK;
    gcr_h5_arrays *arrays = context;

    (void)group;
    if (!is_wanted(arrays, name) || (link->type == H5L_TYPE_SOFT && arrays->name_count == 0))
        goto out;
    if (strlen(name) > GCR_H5_NAME_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s has a name of more than %d bytes", arrays->path, GCR_H5_NAME_MAX);
    if (link->type != H5L_TYPE_HARD && link->type != H5L_TYPE_SOFT)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' is a link out of the file; copy the array into it",
                 arrays->path, name);
    GCR_TRY(visit(arrays, name));
out:
    arrays->status = status;
    return status == GCR_OK ? 0 : -1;
}

gcr_status gcr_h5_arrays_open(gcr_h5_arrays *arrays)
{
    gcr_status status = GCR_OK;
    struct stat stat_of = { .st_size = 0 };

    if (stat(arrays->path, &stat_of) == 0)
        arrays->file_bytes = (uint64_t)stat_of.st_size;
    arrays->file = H5Fopen(arrays->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (arrays->file < 0)
        GCR_FAIL(GCR_EFORMAT, "%s is no HDF5 file, or cut short or damaged", arrays->path);
    if (H5Lvisit(arrays->file, H5_INDEX_NAME, H5_ITER_INC, visit_link, arrays) < 0) {
        GCR_TRY(arrays->status);
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: its groups cannot be read", arrays->path);
    }
out:
    return status;
}

/* ---- the numbers ----------------------------------------------------------------------------- */

/* Rows of a chunk of the file; 1 where it has no chunks. */
static uint64_t chunk_rows(hid_t array)
{
    const hid_t properties = H5Dget_create_plist(array);
    hsize_t shape[H5S_MAX_RANK] = { 1 };

    if (properties < 0)
        return 1;
    if (H5Pget_layout(properties) != H5D_CHUNKED ||
        H5Pget_chunk(properties, H5S_MAX_RANK, shape) < 1)
        shape[0] = 1;
    H5Pclose(properties);
    return shape[0];
}

/* How many rows are read at a time: whole chunks, and no more than there are. */
static uint64_t rows_together(hid_t array, const gcr_h5_found *found)
{
    const uint64_t chunk = chunk_rows(array);
    const uint64_t chunk_bytes = chunk * found->columns * sizeof(double);
    const uint64_t chunks = chunk_bytes < RUN_BYTES ? RUN_BYTES / chunk_bytes : 1;

    return chunk < found->rows / chunks ? chunk * chunks : found->rows;
}

static int read_rows(double *to, hid_t array, const gcr_h5_found *found, uint64_t first,
                     uint64_t rows)
{
    const hid_t from = H5Dget_space(array);
    const int dimensions = from >= 0 ? H5Sget_simple_extent_ndims(from) : -1;
    const hsize_t start[2] = { first, 0 }, count[2] = { rows, found->columns };
    const hid_t memory = H5Screate_simple(dimensions == 1 ? 1 : 2, count, NULL);
    int is_read = dimensions > 0 && memory >= 0 &&
                  H5Sselect_hyperslab(from, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;

    is_read = is_read && H5Dread(array, H5T_NATIVE_DOUBLE, memory, from, H5P_DEFAULT, to) >= 0;
    if (from >= 0)
        H5Sclose(from);
    if (memory >= 0)
        H5Sclose(memory);
    return is_read;
}

static gcr_status read_runs(double *run, uint64_t together, hid_t array,
                            const gcr_h5_arrays *arrays, const gcr_h5_found *found,
                            gcr_status (*take)(const double *numbers, uint64_t count))
{
    gcr_status status = GCR_OK;

    for (uint64_t row = 0, rows; row < found->rows; row += rows) {
        rows = found->rows - row < together ? found->rows - row : together;
        if (!read_rows(run, array, found, row, rows))
            GCR_FAIL(GCR_EFORMAT,
                     "%s: '%s' cannot be read; it is cut short or damaged, or compressed by a "
                     "plugin",
                     arrays->path, found->name);
        GCR_TRY(take(run, rows * found->columns));
    }
out:
    return status;
}

gcr_status gcr_h5_array_read(const gcr_h5_arrays *arrays, const gcr_h5_found *found,
                             gcr_status (*take)(const double *numbers, uint64_t count))
{
    gcr_status status = GCR_OK;
    hid_t array = -1;
    uint64_t together;
    double *run = NULL;

    if (found->rows == 0 || found->columns == 0)
        goto out;
    array = H5Dopen2(arrays->file, found->name, H5P_DEFAULT);
    if (array < 0)
        GCR_FAIL(GCR_EFORMAT, "%s: '%s' is damaged", arrays->path, found->name);
    together = rows_together(array, found);
    run = malloc(together * found->columns * sizeof *run);
    if (run == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for '%s' of %s", found->name, arrays->path);
    GCR_TRY(read_runs(run, together, array, arrays, found, take));
out:
    free(run);
    if (array >= 0)
        H5Dclose(array);
    return status;
}

void gcr_h5_arrays_close(gcr_h5_arrays *arrays)
{
    for (uint64_t i = 0; i < arrays->count; i++)
        free(arrays->items[i].name);
    free(arrays->items);
    if (arrays->file > 0)
        H5Fclose(arrays->file);
    *arrays = (gcr_h5_arrays){ .path = NULL };
}
