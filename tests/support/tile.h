/*
 * tests/support/tile.h -- a unit, one dataset and a grid, crunched without a backend.
 *
 * Fill in `unit`, the dataset and the grid, then tile_open(); tile_crunch() writes all points or
 * a part of them. Whatever a kernel has not written holds POISON, which no kernel computes. Data
 * are doubles; a unit of single precision is given floats of them.
 */
#ifndef GCR_TILE_H
#define GCR_TILE_H

#include "backend/cpu/cpu.h"

#include "gridcrunch/cell.h"
#include "gridcrunch/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POISON (-12345.0)

typedef struct tile {
    const gcr_unit *unit;
    gcr_view data;
    gcr_unit_setup setup;
    gcr_point_table points;
    int64_t padding; /* values stored per output beyond what it has */

    gcr_unit_tile args; /* of all points */
    float *narrow;      /* x, then y; NULL where the unit reads doubles */
    void *prepared;
    int32_t fault;
    void *scratch;
} tile;

static inline void *tile_memory(uint64_t count, uint64_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);

    assert_non_null(memory);
    return memory;
}

static inline void tile_axis(tile *t, const char *name, const double *values, uint64_t count)
{
    t->points.axes[t->points.axis_count] = (gcr_axis){ name, values, count };
    t->points.axis_count++;
}

/* x in [0, 10), as random as multiples of a golden ratio are, and something smooth over it. */
static inline void tile_make_data(double *x, double *y, int64_t rows)
{
    for (int64_t i = 0; i < rows; i++) {
        x[i] = 10 * fmod(0.6180339887498949 * (double)(i + 1), 1);
        y[i] = sin(x[i]) + fmod(0.7548776662466927 * (double)(i + 1), 1);
    }
}

/* Axes give the values of the parameters with their names. */
static inline void tile_bind(tile *t)
{
    t->points.point_count = 1;
    for (int a = 0; a < t->points.axis_count; a++) {
        t->points.point_count *= t->points.axes[a].count;
        for (int p = 0; t->unit->kernel->parameters[p].name != NULL; p++)
            if (strcmp(t->unit->kernel->parameters[p].name, t->points.axes[a].name) == 0)
                t->setup.parameter_of_axis[a] = p;
    }
    t->points.live_count = t->points.point_count;
    t->setup.points = &t->points;
    t->setup.lapack = &gcr_cpu_lapack;
}

static inline int64_t tile_width(const tile *t, int output)
{
    const int32_t width = t->unit->kernel->outputs[output].width;

    if (width == GCR_WIDTH_ROWS)
        return t->data.rows + t->padding;
    return (width == GCR_WIDTH_FEATURES ? t->data.features : width) + t->padding;
}

static inline uint64_t tile_scratch_bytes(const tile *t)
{
    const gcr_shape shape = { t->data.rows, t->data.features, t->setup.option };

    return t->unit->scratch_bytes(&shape);
}

/* The dataset as the unit reads it. */
static inline gcr_view tile_view(tile *t)
{
    const int64_t count = t->data.x != NULL ? t->data.rows * t->data.features : 0;
    gcr_view view = t->data;

    if (t->unit->scalar == GCR_F64)
        return view;
    t->narrow = (float *)tile_memory((uint64_t)(count + t->data.rows), sizeof *t->narrow);
    for (int64_t k = 0; k < count; k++)
        t->narrow[k] = (float)((const double *)t->data.x)[k];
    for (int64_t i = 0; i < t->data.rows && t->data.y != NULL; i++)
        t->narrow[count + i] = (float)((const double *)t->data.y)[i];
    view.x = t->data.x != NULL ? t->narrow : NULL;
    view.y = t->data.y != NULL ? t->narrow + count : NULL;
    return view;
}

static inline void tile_open(tile *t)
{
    const gcr_shape shape = { t->data.rows, t->data.features, t->setup.option };
    const uint64_t bytes = tile_scratch_bytes(t); /* whole cache lines, and not one more */
    const gcr_kernel *kernel = t->unit->kernel;
    uint64_t count;

    tile_bind(t);
    count = t->points.point_count;
    t->scratch = aligned_alloc(64, bytes > 0 ? bytes : 64);
    assert_non_null(t->scratch);
    memset(t->scratch, 0xff, bytes); /* NaN: must not be read */
    t->args = (gcr_unit_tile){ .data = tile_view(t), .count = count, .fault = &t->fault };
    if (t->unit->prepare != NULL) {
        t->prepared = tile_memory((uint64_t)kernel->prepared_count(&shape),
                                  gcr_scalar_bytes(t->unit->scalar));
        t->fault = t->unit->prepare(&t->setup, &t->args.data, t->prepared, t->scratch);
        t->args.prepared = t->prepared;
    }
    for (int o = 0; kernel->outputs[o].name != NULL; o++) {
        t->args.width[o] = tile_width(t, o);
        t->args.outputs[o] = tile_memory(count, sizeof(double) * (size_t)t->args.width[o]);
        for (uint64_t k = 0; k < count * (uint64_t)t->args.width[o]; k++)
            t->args.outputs[o][k] = POISON;
    }
    t->args.state = tile_memory(count, 1);
    t->args.jitter_step = tile_memory(count, 1);
}

static inline void tile_close(tile *t)
{
    for (int o = 0; o < GCR_OUTPUTS_MAX; o++)
        free(t->args.outputs[o]);
    free(t->args.state);
    free(t->args.jitter_step);
    free(t->prepared);
    free(t->narrow);
    free(t->scratch);
}

/* The points first .. first + count - 1, in their places among all points. */
static inline gcr_unit_tile tile_part(const tile *t, uint64_t first, uint64_t count)
{
    gcr_unit_tile part = t->args;

    part.first = first;
    part.count = count;
    part.state += first;
    part.jitter_step += first;
    for (int o = 0; o < GCR_OUTPUTS_MAX && part.outputs[o] != NULL; o++)
        part.outputs[o] += first * (uint64_t)part.width[o];
    return part;
}

static inline void tile_crunch_part(tile *t, uint64_t first, uint64_t count)
{
    const gcr_unit_tile part = tile_part(t, first, count);

    t->unit->crunch(&t->setup, &part, 1, t->scratch);
}

static inline void tile_crunch(tile *t)
{
    tile_crunch_part(t, 0, t->points.point_count);
}

/* In tiles of `step` points, and a last one of what is left. */
static inline void tile_crunch_in_steps(tile *t, uint64_t step)
{
    const uint64_t count = t->points.point_count;

    for (uint64_t first = 0; first < count; first += step)
        tile_crunch_part(t, first, first + step < count ? step : count - first);
}

/* Value k of output o at `point`. */
static inline double tile_value(const tile *t, uint64_t point, int o, int64_t k)
{
    return t->args.outputs[o][(int64_t)point * t->args.width[o] + k];
}

/* Fails where the two differ in a bit of a state, a step or an output. */
static inline void assert_tiles_equal(const tile *a, const tile *b)
{
    const uint64_t count = a->points.point_count;

    assert_memory_equal(a->args.state, b->args.state, count);
    assert_memory_equal(a->args.jitter_step, b->args.jitter_step, count);
    for (int o = 0; o < GCR_OUTPUTS_MAX && a->args.outputs[o] != NULL; o++)
        assert_memory_equal(a->args.outputs[o], b->args.outputs[o],
                            count * (uint64_t)a->args.width[o] * sizeof(double));
}

/* Fails where the cell has no result in a, or another one in b. */
static inline void assert_same_cell(const tile *a, const tile *b, uint64_t point)
{
    assert_int_equal(a->args.state[point], GCR_CELL_OK);
    for (int o = 0; a->args.outputs[o] != NULL; o++)
        for (int64_t k = 0; k < a->args.width[o]; k++)
            assert_true(tile_value(a, point, o, k) == tile_value(b, point, o, k));
}

/* Fails unless live points are as in `whole`, and nothing was written for the others. */
static inline void assert_holes_alone(const tile *holes, const tile *whole)
{
    for (uint64_t point = 0; point < whole->points.point_count; point++)
        if (gcr_point_is_live(&holes->points, point)) {
            assert_same_cell(holes, whole, point);
        } else {
            assert_int_equal(holes->args.state[point], GCR_CELL_EMPTY);
            assert_true(tile_value(holes, point, 0, 0) == POISON);
        }
}

/* Fails where scratch for `n` rows, up to `rows_max`, is not enough for one row less. */
static inline void assert_scratch_grows(const gcr_unit *unit, int64_t rows_max)
{
    const int64_t option[GCR_OPTIONS_MAX] = { 0 };
    uint64_t before = 0;

    for (int64_t n = 1; n <= rows_max; n++) {
        const uint64_t bytes = unit->scratch_bytes(&(const gcr_shape){ n, 1, option });

        assert_true(bytes >= before);
        before = bytes;
    }
}

#endif /* GCR_TILE_H */
