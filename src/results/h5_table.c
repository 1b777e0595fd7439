/* results/h5_table.c -- see h5_table.h. */
#include "results/h5_table.h"

#include "base/text.h"
#include "results/utf8_text.h"

#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>

gcr_status gcr_h5_table_open(gcr_h5_table *out, hid_t group)
{
    gcr_status status = GCR_OK;

    *out = (gcr_h5_table){ .group = group, .text = H5I_INVALID_HID, .transfer = H5I_INVALID_HID };
    GCR_H5(out->transfer = gcr_h5_text_transfer());
    GCR_H5(out->text = H5Tcopy(H5T_C_S1));
    GCR_H5(H5Tset_size(out->text, H5T_VARIABLE));
    GCR_H5(H5Tset_cset(out->text, H5T_CSET_UTF8));
out:
    return status;
}

void gcr_h5_table_close(gcr_h5_table *table)
{
    for (int s = 0; s < table->scale_count; s++) {
        H5Dclose(table->scales[s].id);
        free(table->scales[s].name);
    }
    if (table->text > 0)
        H5Tclose(table->text);
    if (table->transfer > 0)
        H5Pclose(table->transfer);
    *table = (gcr_h5_table){ 0 };
}

/* ---- datasets ------------------------------------------------------------------------------- */

/* How an array is laid out in the file; `chunk` NULL is contiguous. */
static gcr_status create_layout(hid_t *out, hid_t type, int rank, const hsize_t *chunk)
{
    enum { DEFLATE_LEVEL = 4 };
    gcr_status status = GCR_OK;
    hid_t layout = H5I_INVALID_HID;

    *out = H5I_INVALID_HID;
    GCR_H5(layout = H5Pcreate(H5P_DATASET_CREATE));
    GCR_H5(H5Pset_obj_track_times(layout, 0));
    if (chunk != NULL) {
        GCR_H5(H5Pset_chunk(layout, rank, chunk));
        GCR_H5(H5Pset_shuffle(layout));
        GCR_H5(H5Pset_deflate(layout, DEFLATE_LEVEL));
    } else if (!H5Tis_variable_str(type)) {                    /* which HDF5 insists on filling */
        GCR_H5(H5Pset_fill_time(layout, H5D_FILL_TIME_NEVER)); /* all of it is written anyway */
    }
    *out = layout;
    layout = H5I_INVALID_HID;
out:
    if (layout >= 0)
        H5Pclose(layout);
    return status;
}

typedef struct extent {
    int rank;
    const hsize_t *size;  /* [rank] */
    const hsize_t *chunk; /* [rank], or NULL: contiguous */
} extent;

static gcr_status create_dataset(hid_t *out, hid_t group, const char *name, hid_t type,
                                 const extent *whole)
{
    gcr_status status = GCR_OK;
    hid_t space = H5I_INVALID_HID, layout = H5I_INVALID_HID;

    *out = H5I_INVALID_HID;
    GCR_H5(space = whole->rank > 0 ? H5Screate_simple(whole->rank, whole->size, NULL)
                                   : H5Screate(H5S_SCALAR));
    GCR_TRY(create_layout(&layout, type, whole->rank, whole->chunk));
    GCR_H5(*out = H5Dcreate2(group, name, type, space, H5P_DEFAULT, layout, H5P_DEFAULT));
out:
    if (layout >= 0)
        H5Pclose(layout);
    if (space >= 0)
        H5Sclose(space);
    return status;
}

static gcr_status describe(const gcr_h5_table *table, hid_t dataset, const char *help,
                           const char *unit)
{
    gcr_status status = GCR_OK;

    if (help != NULL && help[0] != 0)
        GCR_TRY(gcr_h5_attribute_text(table, dataset, "long_name", help));
    if (unit != NULL && unit[0] != 0)
        GCR_TRY(gcr_h5_attribute_text(table, dataset, "units", unit));
out:
    return status;
}

gcr_status gcr_h5_scale_add(gcr_h5_table *table, int *out, const char *name, const char *help,
                            hid_t type, const void *values, uint64_t count)
{
    gcr_status status = GCR_OK;
    const hsize_t size = count;
    const extent line = { .rank = 1, .size = &size };
    hid_t dataset = H5I_INVALID_HID;
    char *copy = NULL;

    GCR_TRY(gcr_text_copy(&copy, name, strlen(name)));
    GCR_TRY(create_dataset(&dataset, table->group, name, type, &line));
    if (count > 0)
        GCR_H5(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, table->transfer, values));
    GCR_H5(H5DSset_scale(dataset, name));
    GCR_TRY(describe(table, dataset, help, NULL));
    *out = table->scale_count++;
    table->scales[*out] = (gcr_h5_scale){ .name = copy, .id = dataset, .count = count };
    copy = NULL;
    dataset = H5I_INVALID_HID;
out:
    if (dataset >= 0)
        H5Dclose(dataset);
    free(copy);
    return status;
}

/* Labels too: without them h5py's v.dims[i].label is empty. */
static gcr_status attach_scales(const gcr_h5_table *table, hid_t dataset, const gcr_h5_array *array)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < array->rank; i++) {
        const gcr_h5_scale *scale = &table->scales[array->dims[i]];

        GCR_H5(H5DSattach_scale(dataset, scale->id, (unsigned)i));
        GCR_H5(H5DSset_label(dataset, (unsigned)i, scale->name));
    }
out:
    return status;
}

static gcr_status create_array(hid_t *out, const gcr_h5_table *table, const gcr_h5_array *array,
                               const extent *whole)
{
    gcr_status status = GCR_OK;

    GCR_TRY(create_dataset(out, table->group, array->name, array->type, whole));
    GCR_TRY(attach_scales(table, *out, array));
    GCR_TRY(describe(table, *out, array->help, array->unit));
out:
    return status;
}

/* The sizes of an array; returns how many values it has. */
static uint64_t size_array(hsize_t size[GCR_H5_RANK_MAX], const gcr_h5_table *table,
                           const gcr_h5_array *array)
{
    uint64_t count = 1; /* what is in memory can be counted */

    for (int i = 0; i < array->rank; i++) {
        size[i] = table->scales[array->dims[i]].count;
        count *= size[i];
    }
    return count;
}

gcr_status gcr_h5_array_add(gcr_h5_table *table, const gcr_h5_array *array, const void *values,
                            hid_t *id_out)
{
    gcr_status status = GCR_OK;
    hsize_t size[GCR_H5_RANK_MAX];
    const uint64_t count = size_array(size, table, array);
    const extent whole = { .rank = array->rank, .size = size };
    hid_t dataset = H5I_INVALID_HID;

    GCR_TRY(create_array(&dataset, table, array, &whole));
    if (count > 0)
        GCR_H5(H5Dwrite(dataset, array->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
    if (id_out != NULL) {
        *id_out = dataset;
        dataset = H5I_INVALID_HID;
    }
out:
    if (dataset >= 0)
        H5Dclose(dataset);
    return status;
}

/* ---- chunks --------------------------------------------------------------------------------- */

/* A chunk is a run of values that stand next to each other in memory: whole inner dimensions, a
 * part of dimension `cut`, one of each outer dimension. Returns `cut`. */
static int cut_chunks(hsize_t chunk[], const hsize_t size[], int rank)
{
    enum { CHUNK_VALUES = 1 << 18 };
    hsize_t room = CHUNK_VALUES;
    int cut = rank - 1;

    while (cut > 0 && size[cut] <= room) {
        chunk[cut] = size[cut];
        room /= size[cut--];
    }
    chunk[cut] = size[cut] < room ? size[cut] : room;
    for (int i = 0; i < cut; i++)
        chunk[i] = 1;
    return cut;
}

static gcr_status write_chunk(hid_t dataset, hid_t type, const extent *chunk, const hsize_t *start,
                              const void *values)
{
    gcr_status status = GCR_OK;
    hid_t here = H5I_INVALID_HID, there = H5I_INVALID_HID;

    GCR_H5(here = H5Screate_simple(chunk->rank, chunk->size, NULL));
    GCR_H5(there = H5Dget_space(dataset));
    GCR_H5(H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, chunk->size, NULL));
    GCR_H5(H5Dwrite(dataset, type, here, there, H5P_DEFAULT, values));
out:
    if (there >= 0)
        H5Sclose(there);
    if (here >= 0)
        H5Sclose(here);
    return status;
}

/* All chunks of an array in the order of the file. */
static gcr_status write_chunks(hid_t dataset, hid_t type, const extent *whole, int cut,
                               gcr_h5_fill_fn fill, void *arg, void *buffer)
{
    gcr_status status = GCR_OK;
    hsize_t start[GCR_H5_RANK_MAX] = { 0 }, size[GCR_H5_RANK_MAX];
    const extent chunk = { .rank = whole->rank, .size = size };
    uint64_t first = 0;

    while (start[0] < whole->size[0]) {
        const hsize_t left = whole->size[cut] - start[cut];
        uint64_t count = 1;

        memcpy(size, whole->chunk, sizeof size[0] * (size_t)whole->rank);
        size[cut] = left < size[cut] ? left : size[cut];
        for (int i = 0; i < whole->rank; i++)
            count *= size[i];
        if (fill(arg, first, count, buffer))
            GCR_TRY(write_chunk(dataset, type, &chunk, start, buffer));
        first += count;
        start[cut] += size[cut];
        for (int i = cut; i > 0 && start[i] >= whole->size[i]; i--) {
            start[i] = 0;
            start[i - 1]++;
        }
    }
out:
    return status;
}

gcr_status gcr_h5_array_add_packed(gcr_h5_table *table, const gcr_h5_array *array,
                                   gcr_h5_fill_fn fill, void *arg)
{
    gcr_status status = GCR_OK;
    hsize_t size[GCR_H5_RANK_MAX] = { 0 }, chunk[GCR_H5_RANK_MAX];
    const extent whole = { .rank = array->rank, .size = size, .chunk = chunk };
    size_t chunk_values = 1;
    hid_t dataset = H5I_INVALID_HID;
    void *buffer = NULL;
    int cut;

    size_array(size, table, array);
    cut = cut_chunks(chunk, size, array->rank);
    for (int i = 0; i < array->rank; i++)
        chunk_values *= chunk[i];
    buffer = malloc(chunk_values * H5Tget_size(array->type));
    if (buffer == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a part of '%s' in results.h5", array->name);
    GCR_TRY(create_array(&dataset, table, array, &whole));
    GCR_TRY(write_chunks(dataset, array->type, &whole, cut, fill, arg, buffer));
out:
    if (dataset >= 0)
        H5Dclose(dataset);
    free(buffer);
    return status;
}

/* ---- texts and attributes ------------------------------------------------------------------- */

static gcr_status add_attribute(hid_t object, const char *name, hid_t type, const hsize_t *count,
                                const void *values)
{
    gcr_status status = GCR_OK;
    hid_t space = H5I_INVALID_HID, attribute = H5I_INVALID_HID;

    GCR_H5(space = count == NULL ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, count, NULL));
    GCR_H5(attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
    GCR_H5(H5Awrite(attribute, type, values));
out:
    if (attribute >= 0)
        H5Aclose(attribute);
    if (space >= 0)
        H5Sclose(space);
    return status;
}

gcr_status gcr_h5_attribute_text(const gcr_h5_table *table, hid_t object, const char *name,
                                 const char *text)
{
    gcr_status status = GCR_OK;
    const char *clean = NULL;

    GCR_TRY(gcr_utf8_text(&clean, text));
    GCR_TRY(add_attribute(object, name, table->text, NULL, &clean));
out:
    gcr_utf8_release(clean, text);
    return status;
}

gcr_status gcr_h5_attribute_numbers(hid_t object, const char *name, hid_t type, const void *values,
                                    uint64_t count)
{
    const hsize_t size = count;

    return add_attribute(object, name, type, count == 1 ? NULL : &size, values);
}

/* Texts as they may be written; `repaired` of them are not what they were. */
typedef struct clean_texts {
    const char **items; /* [count] */
    const char *const *originals;
    uint64_t count, repaired;
} clean_texts;

static gcr_status clean_texts_create(clean_texts *out, const char *const *texts, uint64_t count)
{
    gcr_status status = GCR_OK;

    *out = (clean_texts){ .originals = texts };
    out->items = calloc(count > 0 ? count : 1, sizeof *out->items);
    if (out->items == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the names of %llu things", (unsigned long long)count);
    for (; out->count < count; out->count++) {
        GCR_TRY(gcr_utf8_text(&out->items[out->count], texts[out->count]));
        out->repaired += out->items[out->count] != texts[out->count];
    }
out:
    return status;
}

static void clean_texts_clear(clean_texts *texts)
{
    for (uint64_t i = 0; i < texts->count; i++)
        gcr_utf8_release(texts->items[i], texts->originals[i]);
    free(texts->items);
}

static gcr_status tell_repaired(const gcr_h5_table *table, hid_t dataset, const clean_texts *clean)
{
    gcr_status status = GCR_OK;
    char *sentence = NULL;

    if (clean->repaired == 0)
        goto out;
    GCR_TRY(gcr_text_format(&sentence,
                            "%llu of these were not valid UTF-8: their stray bytes stand as \\xNN",
                            (unsigned long long)clean->repaired));
    GCR_TRY(gcr_h5_attribute_text(table, dataset, "comment", sentence));
out:
    free(sentence);
    return status;
}

gcr_status gcr_h5_scale_add_texts(gcr_h5_table *table, int *out, const char *name,
                                  const char *const *texts, uint64_t count)
{
    gcr_status status = GCR_OK;
    clean_texts clean = { 0 };

    GCR_TRY(clean_texts_create(&clean, texts, count));
    GCR_TRY(gcr_h5_scale_add(table, out, name, NULL, table->text, clean.items, count));
    GCR_TRY(tell_repaired(table, table->scales[*out].id, &clean));
out:
    clean_texts_clear(&clean);
    return status;
}

static gcr_status add_texts(const gcr_h5_table *table, const char *name, const char *const *texts,
                            uint64_t count, const extent *whole)
{
    gcr_status status = GCR_OK;
    hid_t dataset = H5I_INVALID_HID;
    clean_texts clean = { 0 };

    GCR_TRY(clean_texts_create(&clean, texts, count));
    GCR_TRY(create_dataset(&dataset, table->group, name, table->text, whole));
    if (count > 0)
        GCR_H5(H5Dwrite(dataset, table->text, H5S_ALL, H5S_ALL, table->transfer, clean.items));
out:
    if (dataset >= 0)
        H5Dclose(dataset);
    clean_texts_clear(&clean);
    return status;
}

gcr_status gcr_h5_list_add(const gcr_h5_table *table, const char *name, const char *const *texts,
                           uint64_t count)
{
    const hsize_t size = count;
    const extent line = { .rank = 1, .size = &size };

    return add_texts(table, name, texts, count, &line);
}

gcr_status gcr_h5_text_add(const gcr_h5_table *table, const char *name, const char *text)
{
    const extent scalar = { .rank = 0 };

    return add_texts(table, name, &text, 1, &scalar);
}
