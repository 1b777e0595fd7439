/*
 * cli/cell_key.h -- how a person names a dataset, a value, a cell; and how a cell is named to them.
 *
 * A value is named by its number. Values are shown with six digits, so six digits name one too, if
 * no other value of the axis looks the same; what was printed can be typed.
 */
#ifndef GCR_CLI_CELL_KEY_H
#define GCR_CLI_CELL_KEY_H

#include "gridcrunch/dataset.h"
#include "gridcrunch/grid.h"
#include "gridcrunch/run.h"
#include "gridcrunch/status.h"

#include <stddef.h>
#include <stdint.h>

/* "lengthscale=0.01, noise=0.0001". Returns `out`. */
const char *gcr_key_text(char *out, size_t bytes, const gcr_point_table *points, uint64_t point);

/* " at s0001, a=1 or one of the 63 cells behind it", " while it prepared dataset 's0001'". Returns
 * `out`. */
const char *gcr_key_flight_text(char *out, size_t bytes, const gcr_in_flight *flight,
                                const gcr_run *run, const gcr_datasets *datasets);

/* The one of keys[0 .. count - 1] that `word` means: it, or the only one that contains it, whatever
 * the case. GCR_ENOENT: none (with the nearest), or several (with the first of them). */
GCR_MUST_CHECK gcr_status gcr_key_find_dataset(uint64_t *out, const char *word,
                                               const char *const *keys, uint64_t count);

/* Reads "noise=0.1": which axis, and which of its values. GCR_EINVAL: no such axis, not a number.
 * GCR_ENOENT: no such value (with the nearest). */
GCR_MUST_CHECK gcr_status gcr_key_find_value(int *axis_out, uint64_t *index_out, const char *text,
                                             size_t bytes, const gcr_point_table *points);

/* Reads "Korea, Rep.,lengthscale=5,noise=0.1": a dataset, then a value for each axis in any order.
 * It is read from its end, because datasets' names may have commas. */
GCR_MUST_CHECK gcr_status gcr_key_find_cell(uint64_t *dataset_out, uint64_t *point_out,
                                            const char *text, const gcr_point_table *points,
                                            const char *const *keys, uint64_t count);

#endif /* GCR_CLI_CELL_KEY_H */
