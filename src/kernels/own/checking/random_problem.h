/*
 * kernels/own/checking/random_problem.h -- a random dataset and a random grid for the kernel that
 * is checked. The seed is fixed: what fails comes again.
 */
#ifndef GCR_CHECKING_RANDOM_PROBLEM_H
#define GCR_CHECKING_RANDOM_PROBLEM_H

#include "kernels/own/checking.h"
#include "kernels/own/checking/plain_lapack.h"

#include "gridcrunch/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES = 3, VARIED = 3, POINTS_MAX = 27 };

/* What is checked: main sets them. */
static const gcr_kernel *kernel;
static int64_t option[GCR_OPTIONS_MAX];

static uint64_t seed = 20;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(2 * GCR_PI * uniform());
}

static double value_for(const gcr_kernel_parameter *parameter, int i)
{
    const double spread = pow(10, 2 * uniform() - 1); /* 0.1 .. 10 */

    if (parameter->is_free)
        return parameter->is_integer ? floor(5 * uniform()) - 2 : 2 * normal();
    if (i == 0 && !parameter->is_open)
        return parameter->is_integer ? ceil(parameter->least) : parameter->least;
    return parameter->is_integer ? floor(parameter->least) + 1 + floor(4 * uniform())
                                 : parameter->least + spread;
}

/* A dataset and a grid. */
typedef struct problem {
    gcr_view data;
    gcr_point_table table;
    gcr_unit_setup setup;
    gcr_real *x, *y;
    double values[GCR_PARAMETERS_MAX][VALUES];
} problem;

/* All memory is exactly as large as it must be, and on the heap, where AddressSanitizer looks. */
static void *room(uint64_t count, size_t size)
{
    void *memory = malloc(count > 0 ? count * size : 1);

    if (memory == NULL)
        __builtin_trap();
    return memory;
}

static void fill_data(problem *p, int round)
{
    static const int64_t rows[] = { 12, 7, 1, 16, 33, 2, 25, 70, 3, 9 };
    static const int64_t features[] = { 1, 3, 2, 1 };
    gcr_view *data = &p->data;

    data->rows = rows[round % 10];
    data->features = (kernel->uses & GCR_USES_X) != 0 ? features[round % 4] : 0;
    p->x = room((uint64_t)(data->rows * data->features), sizeof *p->x);
    p->y = room((uint64_t)data->rows, sizeof *p->y);
    for (int64_t i = 0; i < data->rows * data->features; i++)
        p->x[i] = (gcr_real)(3 * uniform());
    for (int64_t i = 0; i < data->rows; i++) /* every other dataset has two classes */
        p->y[i] = (gcr_real)(round % 2 == 0 ? normal() : uniform() < 0.5);
    data->x = data->features > 0 ? p->x : NULL;
    data->y = (kernel->uses & GCR_USES_Y) != 0 ? p->y : NULL;
    for (int i = 0; i < 4; i++)
        data->identity[i] = (uint32_t)(round + i);
}

/* Three values for each of the first three parameters, one for the others. */
static void fill_grid(problem *p)
{
    gcr_point_table *table = &p->table;

    table->point_count = 1;
    for (int a = 0; kernel->parameters[a].name != NULL; a++) {
        const uint64_t count = a < VARIED ? VALUES : 1;

        for (uint64_t i = 0; i < count; i++)
            p->values[a][i] = value_for(&kernel->parameters[a], (int)i);
        table->axes[a] = (gcr_axis){ kernel->parameters[a].name, p->values[a], count };
        table->axis_count++;
        table->point_count *= count;
        p->setup.parameter_of_axis[a] = a;
    }
    table->live_count = table->point_count;
    p->setup.points = table;
    p->setup.seed = 1;
    p->setup.ns_per_tick = 1;
    p->setup.lapack = &plain_lapack;
    memcpy(p->setup.option, option, sizeof option);
}

static void open_problem(problem *p, int round)
{
    memset(p, 0, sizeof *p);
    fill_data(p, round);
    fill_grid(p);
}

/* Other data of the shape that `round` gives, over the grid of p. */
static void open_sibling(problem *out, const problem *p, int round, int number)
{
    memset(out, 0, sizeof *out);
    fill_data(out, round);
    out->data.identity[0] += 1000 * (uint32_t)number;
    out->table = p->table;
    out->setup = p->setup;
}

static void close_problem(problem *p)
{
    free(p->x);
    free(p->y);
}

/* "a random dataset of 7 rows and 1 feature, a=1.25" */
static void name_cell(char out[GCR_PLACE_BYTES], const problem *p, uint64_t point)
{
    int used = snprintf(out, GCR_PLACE_BYTES, "a random dataset of %d row%s", (int)p->data.rows,
                        p->data.rows == 1 ? "" : "s");
    uint64_t coords[GCR_AXES_MAX];

    if (p->data.features > 0)
        used += snprintf(out + used, (size_t)(GCR_PLACE_BYTES - used), " and %d feature%s",
                         (int)p->data.features, p->data.features == 1 ? "" : "s");
    for (int a = p->table.axis_count - 1; a >= 0; a--) {
        coords[a] = point % p->table.axes[a].count;
        point /= p->table.axes[a].count;
    }
    for (int a = 0; a < p->table.axis_count && used < GCR_PLACE_BYTES; a++)
        used += snprintf(out + used, (size_t)(GCR_PLACE_BYTES - used), ", %s=%.6g",
                         p->table.axes[a].name, p->table.axes[a].values[coords[a]]);
}

#endif /* GCR_CHECKING_RANDOM_PROBLEM_H */
