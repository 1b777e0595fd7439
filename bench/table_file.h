/* bench/table_file.h -- writes a dataset to files that rivals read, too: a row of x, then y. */
#ifndef GCR_BENCH_TABLE_FILE_H
#define GCR_BENCH_TABLE_FILE_H

#include "gridcrunch/dataset.h"

/* As numpy.save does, f8 in C order. GCR_EIO, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status bench_write_npy(const char *path, const gcr_dataset *dataset);

/* With a header x0, x1 ... y, and numbers of so many significant digits; 17 are all. GCR_EIO. */
GCR_MUST_CHECK gcr_status bench_write_csv(const char *path, const gcr_dataset *dataset, int digits);

#endif /* GCR_BENCH_TABLE_FILE_H */
