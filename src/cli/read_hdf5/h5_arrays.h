/* cli/read_hdf5/h5_arrays.h -- which arrays of an HDF5 file are wanted, and their numbers. */
#ifndef GCR_CLI_H5_ARRAYS_H
#define GCR_CLI_H5_ARRAYS_H

#include "gridcrunch/status.h"

#include <hdf5.h>
#include <stdint.h>

typedef struct gcr_h5_found {
    char *name;
    uint64_t rows, columns;
} gcr_h5_found;

typedef struct gcr_h5_arrays {
    const char *path;
    char *const *names; /* [name_count] that are wanted, in whatever group; none: all arrays */
    int name_count;

    hid_t file;
    uint64_t file_bytes;
    gcr_h5_found *items; /* [count] in the order of their names */
    uint64_t count, capacity;
    gcr_status status; /* of the walk over the file, as libhdf5 passes on only that it ended */
} gcr_h5_arrays;

/* Opens the file called `path` and finds the arrays; all of them are of numbers, and of no more
 * than the file can hold. The rest of the struct is zero before it. */
GCR_MUST_CHECK gcr_status gcr_h5_arrays_open(gcr_h5_arrays *arrays);

/* Reads the numbers of an array as f8, a run of rows at a time, and hands each run to `take`, which
 * may refuse it. */
GCR_MUST_CHECK gcr_status gcr_h5_array_read(const gcr_h5_arrays *arrays, const gcr_h5_found *found,
                                            gcr_status (*take)(const double *numbers,
                                                               uint64_t count));

void gcr_h5_arrays_close(gcr_h5_arrays *arrays);

#endif /* GCR_CLI_H5_ARRAYS_H */
