/*
 * results/h5_table.h -- named arrays over named dimensions in one HDF5 group.
 *
 * This is what makes the file open in xarray: every array has a scale on each of its dimensions, a
 * scale is an array of the dimension's own name, text is variable-length UTF-8, and nothing tells
 * the time. Text that is not UTF-8 is repaired (utf8_text.h). Arrays are contiguous and written in
 * one call from where they stand, or, where most of their values are 0, in compressed chunks.
 */
#ifndef GCR_RESULTS_H5_TABLE_H
#define GCR_RESULTS_H5_TABLE_H

#include "results/h5_check.h"

#include "gridcrunch/kernel.h"

enum {
    GCR_H5_RANK_MAX = 32, /* HDF5's own limit */
    GCR_H5_SCALES_MAX = GCR_H5_RANK_MAX + GCR_OUTPUTS_MAX + 2,
};

typedef struct gcr_h5_scale {
    char *name;
    hid_t id;
    hsize_t count;
} gcr_h5_scale;

/* Zero it before gcr_h5_table_open(). */
typedef struct gcr_h5_table {
    hid_t group; /* borrowed */
    hid_t text;  /* the type of text */
    hid_t transfer;
    gcr_h5_scale scales[GCR_H5_SCALES_MAX];
    int scale_count;
} gcr_h5_table;

/* An array. Its type in memory is its type in the file: little-endian, as every machine is that
 * we run on. */
typedef struct gcr_h5_array {
    const char *name;
    const char *help; /* becomes the attribute long_name; NULL or "": none */
    const char *unit; /* "1" or an SI symbol; NULL or "": none             */
    hid_t type;
    int rank;
    int dims[GCR_H5_RANK_MAX]; /* each the index of a scale */
} gcr_h5_array;

GCR_MUST_CHECK gcr_status gcr_h5_table_open(gcr_h5_table *out, hid_t group);
void gcr_h5_table_close(gcr_h5_table *table);

/* A dimension with `count` values, written at once. Its index goes to *out. */
GCR_MUST_CHECK gcr_status gcr_h5_scale_add(gcr_h5_table *table, int *out, const char *name,
                                           const char *help, hid_t type, const void *values,
                                           uint64_t count);

/* The same with texts. Where some were repaired, an attribute `comment` says so. */
GCR_MUST_CHECK gcr_status gcr_h5_scale_add_texts(gcr_h5_table *table, int *out, const char *name,
                                                 const char *const *texts, uint64_t count);

/* An array, written at once. With `id_out` it stays open for attributes: the caller closes it. */
GCR_MUST_CHECK gcr_status gcr_h5_array_add(gcr_h5_table *table, const gcr_h5_array *array,
                                           const void *values, hid_t *id_out);

/* The `count` values from `first` on, in the order of the file; false if all are 0 (and `to` is
 * not read). */
typedef int (*gcr_h5_fill_fn)(void *arg, uint64_t first, uint64_t count, void *to);

/* An array of mostly zeros, of which `fill` computes one chunk after another. */
GCR_MUST_CHECK gcr_status gcr_h5_array_add_packed(gcr_h5_table *table, const gcr_h5_array *array,
                                                  gcr_h5_fill_fn fill, void *arg);

/* An attribute of any object. */
GCR_MUST_CHECK gcr_status gcr_h5_attribute_text(const gcr_h5_table *table, hid_t object,
                                                const char *name, const char *text);
GCR_MUST_CHECK gcr_status gcr_h5_attribute_numbers(hid_t object, const char *name, hid_t type,
                                                   const void *values, uint64_t count);

/* Texts without a scale, for groups that xarray does not read; and a single one. */
GCR_MUST_CHECK gcr_status gcr_h5_list_add(const gcr_h5_table *table, const char *name,
                                          const char *const *texts, uint64_t count);
GCR_MUST_CHECK gcr_status gcr_h5_text_add(const gcr_h5_table *table, const char *name,
                                          const char *text);

#endif /* GCR_RESULTS_H5_TABLE_H */
