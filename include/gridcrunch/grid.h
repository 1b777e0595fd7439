/*
 * gridcrunch/grid.h -- the parameter grid as plain tables.
 *
 * The points of a grid are numbered with the last axis fastest, and the cells dataset by dataset:
 *
 *     cell = dataset * point_count + point
 *
 * so a cell and its key (dataset, coordinates) are two spellings of one thing and no list of
 * cells is ever stored. Points that `where` leaves out keep their number; the others are *live*.
 */
#ifndef GCR_GRID_H
#define GCR_GRID_H

#include "gridcrunch/status.h"

#include <stddef.h>
#include <stdint.h>

GCR_API_BEGIN

enum { GCR_AXES_MAX = 31 }; /* HDF5 arrays have at most 32 dimensions, one of them the dataset */

typedef struct gcr_axis {
    const char *name;
    const double *values; /* [count] */
    uint64_t count;       /* > 0     */
} gcr_axis;

/* What a device needs to turn a point into parameters. Everything is borrowed from the grid. */
typedef struct gcr_point_table {
    gcr_axis axes[GCR_AXES_MAX]; /* outermost first                                            */
    int axis_count;              /* 0 is one point without parameters                          */
    uint64_t point_count;        /* the product of the counts                                  */
    uint64_t live_count;         /* points that `where` leaves in                              */
    const uint64_t *live;        /* bit p % 64 of word p / 64 is 1: point p is live; NULL: all */
} gcr_point_table;

static inline int gcr_point_is_live(const gcr_point_table *table, uint64_t point)
{
    return table->live == NULL || (table->live[point / 64] >> (point % 64) & 1) != 0;
}

/* Where a point lies: coords[a] is the index on axis `a`. And the way back. */
static inline void gcr_point_coords(const gcr_point_table *table, uint64_t point,
                                    uint64_t coords[GCR_AXES_MAX])
{
    for (int a = table->axis_count - 1; a >= 0; a--) {
        coords[a] = point % table->axes[a].count;
        point /= table->axes[a].count;
    }
}

static inline uint64_t gcr_point_at(const gcr_point_table *table,
                                    const uint64_t coords[GCR_AXES_MAX])
{
    uint64_t point = 0;

    for (int a = 0; a < table->axis_count; a++)
        point = point * table->axes[a].count + coords[a];
    return point;
}

/* values[a] is the value on axis `a` at `point`. */
static inline void gcr_point_values(const gcr_point_table *table, uint64_t point,
                                    double values[GCR_AXES_MAX])
{
    uint64_t coords[GCR_AXES_MAX];

    gcr_point_coords(table, point, coords);
    for (int a = 0; a < table->axis_count; a++)
        values[a] = table->axes[a].values[coords[a]];
}

GCR_API_END

#endif /* GCR_GRID_H */
