/* bench/npy_file.h -- writes a table as numpy.save does, for rivals to read. */
#ifndef GCR_BENCH_NPY_FILE_H
#define GCR_BENCH_NPY_FILE_H

#include "gridcrunch/dataset.h"

/* One row of x, then y, for each row of the dataset; f8 in C order. GCR_EIO, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status bench_write_npy(const char *path, const gcr_dataset *dataset);

#endif /* GCR_BENCH_NPY_FILE_H */
