/*
 * grid/axis.h -- the values of an axis, with NumPy's meanings.
 *
 * The room grid/ knows numbers: axes, points, the expression that leaves points out, and how many
 * bytes a run takes. It does not know files, kernels, devices or threads.
 */
#ifndef GCR_GRID_AXIS_H
#define GCR_GRID_AXIS_H

#include "gridcrunch/grid.h"
#include "gridcrunch/job.h"

/* The values of `spec`, bit for bit those of numpy 1.24 for range (arange), linspace, geomspace
 * and logspace where libm agrees; the caller frees *values_out with gcr_memory_destroy().
 * GCR_EINVAL (with the place in the job file): no values, a value that is not finite, a step of 0,
 * a count that is not a whole number >= 1, geomspace through 0. A value given twice is refused too:
 * two points would have one key. */
GCR_MUST_CHECK gcr_status gcr_axis_values(double **values_out, uint64_t *count_out,
                                          const gcr_axis_spec *spec);

#endif /* GCR_GRID_AXIS_H */
