/*
 * exec/values.h -- the numbers of a dataset as a device is given them: x and, behind it, y, in the
 * precision of the unit.
 */
#ifndef GCR_EXEC_VALUES_H
#define GCR_EXEC_VALUES_H

#include "backend/backend.h"

#include "gridcrunch/dataset.h"

/* A run of them, in the dataset's own memory: either part may be empty. */
typedef struct gcr_values {
    const double *x, *y;
    uint64_t x_count, y_count;
} gcr_values;

/* Values first .. first + count - 1 of those that the dataset has. */
gcr_values gcr_values_find(const gcr_dataset *dataset, uint64_t first, uint64_t count);

/* The same as floats: numbers that a float has no room for become infinite, or 0. *out is freed
 * with gcr_memory_destroy(). GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_values_narrow(float **out, const gcr_values *values);

/* Copies them to `offset` of the block, as `scalar` says; none is no copy. GCR_ENOMEM,
 * GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_values_upload(gcr_queue *queue, gcr_buf *block, uint64_t offset,
                                            const gcr_values *values, gcr_scalar scalar);

#endif /* GCR_EXEC_VALUES_H */
