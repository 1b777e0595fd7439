/*
 * grid/points.h -- the points of the parameter grid: which there are, and which are live.
 */
#ifndef GCR_GRID_POINTS_H
#define GCR_GRID_POINTS_H

#include "gridcrunch/grid.h"
#include "gridcrunch/job.h"

typedef struct gcr_points gcr_points;

/*
 * Evaluates the axes of `job` and its `where`. Memory: the axis values, and with a `where` one bit
 * per point plus a directory of 1/64 of that many 64-bit words.
 * GCR_EINVAL: too many axes, two of one name, what gcr_axis_values() and gcr_where_create() refuse,
 * a `where` that leaves no point. GCR_EOVERFLOW: 2^63 points or more. GCR_ENOMEM.
 */
GCR_MUST_CHECK gcr_status gcr_points_create(gcr_points **out, const gcr_job *job);
void gcr_points_destroy(gcr_points *points);

const gcr_point_table *gcr_points_table(const gcr_points *points);

/* The point that is live number `index` (from 0), index < live_count. */
uint64_t gcr_points_select(const gcr_points *points, uint64_t index);

/* How many live points there are before `point`, point <= point_count. */
uint64_t gcr_points_count_before(const gcr_points *points, uint64_t point);

/* The first run of live points from *first on that begins before `end`: *first is moved to its
 * first point, *after behind its last, at most to `end`. False: there is none. */
int gcr_points_run(const gcr_point_table *table, uint64_t end, uint64_t *first, uint64_t *after);

/* Bytes that `points` occupies, for the plan. */
uint64_t gcr_points_bytes(const gcr_points *points);

#endif /* GCR_GRID_POINTS_H */
