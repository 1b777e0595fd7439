/* data/npy_file.h -- the array of a .npy file. */
#ifndef GCR_DATA_NPY_FILE_H
#define GCR_DATA_NPY_FILE_H

#include "data/array_file.h"

GCR_MUST_CHECK gcr_status gcr_npy_open(gcr_array_file *file);

#endif /* GCR_DATA_NPY_FILE_H */
