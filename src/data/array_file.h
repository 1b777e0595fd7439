/*
 * data/array_file.h -- a file that holds arrays: .npy (one), .npz and HDF5 (several, with names).
 */
#ifndef GCR_DATA_ARRAY_FILE_H
#define GCR_DATA_ARRAY_FILE_H

#include "data/array.h"

#include "gridcrunch/job.h"

#include <stddef.h>

enum { GCR_ARRAY_COLUMNS_MAX = 1 << 20 };

typedef struct gcr_array_file {
    const char *path;  /* borrowed */
    gcr_array *arrays; /* [count] */
    uint64_t count;
    int is_by_name; /* x and y are arrays that stand together in a group, not columns of one */
    void **blocks;  /* [block_count] what the arrays point into, to be freed */
    uint64_t block_count;
    void *map; /* the same, mapped */
    size_t map_bytes;
} gcr_array_file;

/* True if the name of `path` ends as one of these files does. */
int gcr_is_array_file(const char *path);

/* Reads the file: all of it, except for an HDF5 file, of which only what `spec` asks for. `path` is
 * borrowed until close. GCR_EFORMAT: not such a file, damaged, or with something in it that is no
 * array of numbers of one or two dimensions. GCR_EUNREADABLE, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_array_file_open(gcr_array_file *out, const char *path,
                                              const gcr_data_spec *spec);

/* Allowed on a zeroed file; what is left of it is its path. */
void gcr_array_file_close(gcr_array_file *file);

#endif /* GCR_DATA_ARRAY_FILE_H */
