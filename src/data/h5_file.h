/* data/h5_file.h -- the arrays of an HDF5 file, read by a process of its own. */
#ifndef GCR_DATA_H5_FILE_H
#define GCR_DATA_H5_FILE_H

#include "data/array_file.h"

/* Finds the arrays called `names`, in whatever group, or without names all of them. */
GCR_MUST_CHECK gcr_status gcr_h5_open(gcr_array_file *file, const char *const *names, int count);

#endif /* GCR_DATA_H5_FILE_H */
