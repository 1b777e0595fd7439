/*
 * data/dataset_create.h -- makes the datasets of gridcrunch/dataset.h, one at a time.
 *
 * The room data/ knows files: job files and the tables that hold datasets. It turns them into the
 * plain structs of gridcrunch/job.h and gridcrunch/dataset.h and reports every mistake with file,
 * line, column, the wrong word and the nearest right one. It does not know kernels or devices:
 * whether kernel `gp` has a parameter `noise` is found out later, with the marks kept in the job.
 */
#ifndef GCR_DATA_DATASET_CREATE_H
#define GCR_DATA_DATASET_CREATE_H

#include "gridcrunch/dataset.h"

#include <stddef.h>

/* A dataset of this shape with x and y zeroed, to be filled in. What it holds is freed by
 * gcr_datasets_clear() once it stands in a list, or by gcr_dataset_clear(). GCR_ENOMEM,
 * GCR_EOVERFLOW; then *out is zeroed. */
GCR_MUST_CHECK gcr_status gcr_dataset_create(gcr_dataset *out, const char *key, int64_t rows,
                                             int64_t features, int has_y);

/* Frees what is inside and zeroes it. A zeroed struct is allowed. */
void gcr_dataset_clear(gcr_dataset *dataset);

/* The identity of a key: its XXH3 hash of 128 bits, unseeded, lowest 32 bits first. */
void gcr_identity_of(uint32_t out[4], const char *key, size_t bytes);

#endif /* GCR_DATA_DATASET_CREATE_H */
