/* results/layout.h -- what results.h5, summary.csv and the reader must agree on. */
#ifndef GCR_RESULTS_LAYOUT_H
#define GCR_RESULTS_LAYOUT_H

#include "gridcrunch/grid.h"
#include "gridcrunch/job.h"

#include <math.h>

enum { GCR_RESULTS_SCHEMA = 1 };

#define GCR_RESULTS_H5 "results.h5"
#define GCR_RESULTS_CSV "summary.csv"

/* Arrays in place of cells, where those are not kept. */
#define GCR_H5_STATE_COUNT "state_count"
#define GCR_H5_FAILED_POINT "failed_point"
#define GCR_H5_FAILED_STATE "failed_state"
#define GCR_H5_FAILED_DETAIL "failed_detail"

/* "argmax(lml)", "quantile(lml, 0.5)". The caller frees it. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_summary_text(char **out, const gcr_summary_spec *spec);

/* OWNER_SUFFIX, or OWNER where `suffix` is NULL. The caller frees it. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_array_name(char **out, const char *owner, const char *suffix);

/* The value that axis `axis` has at `point`; NaN for the point -1. */
static inline double gcr_axis_value_at(const gcr_point_table *points, int axis, int64_t point)
{
    double values[GCR_AXES_MAX];

    if (point < 0)
        return NAN;
    gcr_point_values(points, (uint64_t)point, values);
    return values[axis];
}

#endif /* GCR_RESULTS_LAYOUT_H */
