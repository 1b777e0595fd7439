/* results/h5_read.c -- see h5_read.h. */
#include "results/h5_read.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Type of text in memory, as h5_table.c writes it. */
static gcr_status create_text_type(hid_t *out, const gcr_h5_source *source)
{
    gcr_status status = GCR_OK;

    GCR_H5_READ(source, *out = H5Tcopy(H5T_C_S1));
    GCR_H5_READ(source, H5Tset_size(*out, H5T_VARIABLE));
    GCR_H5_READ(source, H5Tset_cset(*out, H5T_CSET_UTF8));
out:
    return status;
}

/* How many items of `bytes` bytes `space` has; more than the file could hold is refused. */
static gcr_status count_items(uint64_t *out, const gcr_h5_source *source, const char *name,
                              hid_t space, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    hssize_t count;

    GCR_H5_READ(source, count = H5Sget_simple_extent_npoints(space));
    if ((uint64_t)count > source->bytes / bytes)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: '%s' is larger than the file", source->path, name);
    *out = (uint64_t)count;
out:
    return status;
}

/* ---- texts ---------------------------------------------------------------------------------- */

void gcr_h5_texts_clear(gcr_h5_texts *texts)
{
    for (uint64_t i = 0; i < texts->count; i++)
        H5free_memory(texts->items[i]);
    free(texts->items);
    *texts = (gcr_h5_texts){ 0 };
}

static gcr_status check_texts(const gcr_h5_texts *texts, const gcr_h5_source *source,
                              const char *name)
{
    gcr_status status = GCR_OK;

    for (uint64_t i = 0; i < texts->count; i++)
        if (texts->items[i] == NULL)
            GCR_FAIL(GCR_EFORMAT, "%s is damaged: '%s' has a text that is not there", source->path,
                     name);
out:
    return status;
}

gcr_status gcr_h5_read_texts(gcr_h5_texts *out, const gcr_h5_source *source, const char *name)
{
    enum { REFERENCE_BYTES = 16 }; /* what a text of variable length takes in its array */
    gcr_status status = GCR_OK;
    hid_t array = H5I_INVALID_HID, space = H5I_INVALID_HID, type = H5I_INVALID_HID;
    hid_t transfer = H5I_INVALID_HID;
    uint64_t count = 0;

    *out = (gcr_h5_texts){ 0 };
    GCR_H5_READ(source, transfer = gcr_h5_text_transfer());
    GCR_TRY(create_text_type(&type, source));
    GCR_H5_READ(source, array = H5Dopen2(source->file, name, H5P_DEFAULT));
    GCR_H5_READ(source, space = H5Dget_space(array));
    GCR_TRY(count_items(&count, source, name, space, REFERENCE_BYTES));
    out->items = calloc(count + 1, sizeof *out->items);
    if (out->items == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for reading '%s' from %s", name, source->path);
    if (count > 0)
        GCR_H5_READ(source, H5Dread(array, type, H5S_ALL, H5S_ALL, transfer, out->items));
    out->count = count;
    GCR_TRY(check_texts(out, source, name));
out:
    if (status != GCR_OK)
        gcr_h5_texts_clear(out);
    if (space >= 0)
        H5Sclose(space);
    if (array >= 0)
        H5Dclose(array);
    if (type >= 0)
        H5Tclose(type);
    if (transfer >= 0)
        H5Pclose(transfer);
    return status;
}

gcr_status gcr_h5_check_single(const gcr_h5_source *source, hid_t attribute, const char *name)
{
    gcr_status status = GCR_OK;
    hid_t space = H5I_INVALID_HID;

    GCR_H5_READ(source, space = H5Aget_space(attribute));
    if (H5Sget_simple_extent_npoints(space) != 1)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: '%s' is not one value", source->path, name);
out:
    if (space >= 0)
        H5Sclose(space);
    return status;
}

gcr_status gcr_h5_read_attribute(char **out, const gcr_h5_source *source, const char *where,
                                 const char *name)
{
    gcr_status status = GCR_OK;
    hid_t attribute = H5I_INVALID_HID, type = H5I_INVALID_HID;
    char *text = NULL;

    *out = NULL;
    GCR_TRY(create_text_type(&type, source));
    GCR_H5_READ(source,
                attribute = H5Aopen_by_name(source->file, where, name, H5P_DEFAULT, H5P_DEFAULT));
    GCR_TRY(gcr_h5_check_single(source, attribute, name));
    GCR_H5_READ(source, H5Aread(attribute, type, &text));
    if (text == NULL)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: its attribute '%s' is empty", source->path, name);
    GCR_TRY(gcr_text_copy(out, text, strlen(text)));
out:
    H5free_memory(text);
    if (attribute >= 0)
        H5Aclose(attribute);
    if (type >= 0)
        H5Tclose(type);
    return status;
}

/* ---- numbers -------------------------------------------------------------------------------- */

gcr_status gcr_h5_read_array(void **out, uint64_t *count_out, const gcr_h5_source *source,
                             const char *name, hid_t type)
{
    gcr_status status = GCR_OK;
    hid_t array = H5I_INVALID_HID, space = H5I_INVALID_HID;
    void *values = NULL;
    uint64_t count = 0;

    *out = NULL;
    *count_out = 0;
    GCR_H5_READ(source, array = H5Dopen2(source->file, name, H5P_DEFAULT));
    GCR_H5_READ(source, space = H5Dget_space(array));
    GCR_TRY(count_items(&count, source, name, space, sizeof(double)));
    values = calloc(count + 1, sizeof(double));
    if (values == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for reading '%s' from %s", name, source->path);
    if (count > 0)
        GCR_H5_READ(source, H5Dread(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
    *out = values;
    *count_out = count;
    values = NULL;
out:
    free(values);
    if (space >= 0)
        H5Sclose(space);
    if (array >= 0)
        H5Dclose(array);
    return status;
}

gcr_status gcr_h5_read_column(void **out, const gcr_h5_source *source, const char *name, hid_t type,
                              uint64_t count)
{
    gcr_status status = GCR_OK;
    void *values = NULL;
    uint64_t found = 0;

    *out = NULL;
    GCR_TRY(gcr_h5_read_array(&values, &found, source, name, type));
    if (found != count)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: '%s' has %llu values, not %llu", source->path, name,
                 (unsigned long long)found, (unsigned long long)count);
    *out = values;
    values = NULL;
out:
    free(values);
    return status;
}

gcr_status gcr_h5_read_sizes(hsize_t out[32], int *rank_out, const gcr_h5_source *source,
                             const char *name)
{
    gcr_status status = GCR_OK;
    hid_t array = H5I_INVALID_HID, space = H5I_INVALID_HID;
    uint64_t count = 0;

    GCR_H5_READ(source, array = H5Dopen2(source->file, name, H5P_DEFAULT));
    GCR_H5_READ(source, space = H5Dget_space(array));
    GCR_TRY(count_items(&count, source, name, space, 1));
    GCR_H5_READ(source, *rank_out = H5Sget_simple_extent_dims(space, out, NULL));
    for (int i = 0; i < *rank_out; i++)
        if (out[i] == 0 && i > 0)
            GCR_FAIL(GCR_EFORMAT, "%s is damaged: '%s' has no values", source->path, name);
out:
    if (space >= 0)
        H5Sclose(space);
    if (array >= 0)
        H5Dclose(array);
    return status;
}

gcr_status gcr_h5_read_row(void *values, const gcr_h5_source *source, const char *name, hid_t type,
                           uint64_t row)
{
    gcr_status status = GCR_OK;
    hsize_t size[32] = { 0 }, start[32] = { row };
    hid_t array = H5I_INVALID_HID, here = H5I_INVALID_HID, there = H5I_INVALID_HID;
    int rank;

    GCR_TRY(gcr_h5_read_sizes(size, &rank, source, name));
    size[0] = 1;
    GCR_H5_READ(source, array = H5Dopen2(source->file, name, H5P_DEFAULT));
    GCR_H5_READ(source, there = H5Dget_space(array));
    GCR_H5_READ(source, H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, size, NULL));
    GCR_H5_READ(source, here = H5Screate_simple(rank, size, NULL));
    GCR_H5_READ(source, H5Dread(array, type, here, there, H5P_DEFAULT, values));
out:
    if (here >= 0)
        H5Sclose(here);
    if (there >= 0)
        H5Sclose(there);
    if (array >= 0)
        H5Dclose(array);
    return status;
}
