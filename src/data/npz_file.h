/* data/npz_file.h -- the arrays of a .npz file, which is a zip archive of .npy files. */
#ifndef GCR_DATA_NPZ_FILE_H
#define GCR_DATA_NPZ_FILE_H

#include "data/array_file.h"

/* Finds the arrays called `names`, in whatever group ("a/X" is X in a), or without names all of
 * them. */
GCR_MUST_CHECK gcr_status gcr_npz_open(gcr_array_file *file, const char *const *names, int count);

#endif /* GCR_DATA_NPZ_FILE_H */
