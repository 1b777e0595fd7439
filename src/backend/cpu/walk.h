/*
 * backend/cpu/walk.h -- from one point of the grid to the next without a division.
 */
#ifndef GCR_CPU_WALK_H
#define GCR_CPU_WALK_H

#include "gridcrunch/unit.h"

typedef struct gcr_walk {
    const gcr_point_table *points;
    const int *parameter_of_axis;
    uint64_t coords[GCR_AXES_MAX];
} gcr_walk;

/* The outermost coordinate is what is left, so a grid of one axis divides nothing. */
static void gcr_walk_seek(gcr_walk *walk, uint64_t point)
{
    for (int a = walk->points->axis_count - 1; a > 0; a--) {
        const uint64_t count = walk->points->axes[a].count;

        walk->coords[a] = point % count;
        point /= count;
    }
    walk->coords[0] = point;
}

static void gcr_walk_open(gcr_walk *walk, const gcr_unit_setup *setup, uint64_t point)
{
    walk->points = setup->points;
    walk->parameter_of_axis = setup->parameter_of_axis;
    gcr_walk_seek(walk, point);
}

/* An axis that comes round to its beginning moves the one outside it. */
static inline void gcr_walk_step(gcr_walk *walk)
{
    for (int a = walk->points->axis_count - 1; a >= 0; a--) {
        const uint64_t next = walk->coords[a] + 1;

        walk->coords[a] = next < walk->points->axes[a].count ? next : 0;
        if (walk->coords[a] != 0)
            return;
    }
}

/* Writes the parameters of the point in hand to a lane of param[GCR_PARAMETERS_MAX][GCR_LANES]. */
static inline void gcr_walk_bind(const gcr_walk *walk, gcr_real *param, int lane)
{
    for (int a = 0; a < walk->points->axis_count; a++)
        param[walk->parameter_of_axis[a] * GCR_LANES + lane] =
            (gcr_real)walk->points->axes[a].values[walk->coords[a]];
}

#endif /* GCR_CPU_WALK_H */
