/*
 * data/array_file.h -- a file that holds arrays: .npy (one), .npz and HDF5 (several, with names).
 *
 * Opening it tells which arrays there are. Their numbers are a stream: of each array in turn, as
 * the file has them, so that they are in memory once, where they belong.
 */
#ifndef GCR_DATA_ARRAY_FILE_H
#define GCR_DATA_ARRAY_FILE_H

#include "data/array.h"

#include "gridcrunch/job.h"

#include <stddef.h>

enum { GCR_ARRAY_COLUMNS_MAX = 1 << 20 };

typedef struct gcr_array_file gcr_array_file;

/* How the numbers of one kind of file are read. Sentences name the file and the array. */
typedef struct gcr_array_format {
    /* Goes to the first number of an array. Arrays come in their order, and none is left out. */
    gcr_status (*begin)(gcr_array_file *file, uint64_t array);
    /* The next `bytes` of its numbers; little-endian. */
    gcr_status (*read)(gcr_array_file *file, void *to, uint64_t bytes);
    /* After the last number: was all of it as it should be? NULL: there is nothing to ask. */
    gcr_status (*end)(gcr_array_file *file);
    void (*close)(gcr_array_file *file);
} gcr_array_format;

struct gcr_array_file {
    const char *path;  /* borrowed */
    gcr_array *arrays; /* [count] */
    uint64_t count;
    int is_by_name; /* x and y are arrays that stand together in a group, not columns of one */
    const gcr_array_format *format;
    void *stream;     /* the format's own */
    uint64_t current; /* the array that was begun last; the format's own, too */
};

/* True if the name of `path` ends as one of these files does. */
int gcr_is_array_file(const char *path);

/* Finds out which arrays the file holds; of a .npz or HDF5 file only those that `spec` asks for.
 * `path` is borrowed until close. GCR_EFORMAT: not such a file, damaged, or with something in it
 * that is no array of numbers of one or two dimensions. GCR_EUNREADABLE, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_array_file_open(gcr_array_file *out, const char *path,
                                              const gcr_data_spec *spec);

/* Allowed on a zeroed file; what is left of it is its path. */
void gcr_array_file_close(gcr_array_file *file);

#endif /* GCR_DATA_ARRAY_FILE_H */
