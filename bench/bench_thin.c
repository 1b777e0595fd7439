/*
 * bench/bench_thin.c -- many datasets with a point or three each: what does a cell cost when its
 * dataset has too few cells to fill the vector lanes?
 *
 * The same cells of the Gaussian process in three ways: datasets of one size handed over together,
 * as a run does, one at a time, and a careful C loop. Beside them as many cells of one dataset,
 * where all lanes read the same distances: what is possible at best. A batch of distances has just
 * been prepared each time and is in the cache, as in a run.
 *
 * Predicted over one at a time: lanes / points, less what it costs that each lane loads an entry
 * from an address of its own. Seen: that is as much as the rest of an entry, and about half of the
 * speed of one dataset is left.
 */
#include "bench.h"
#include "rival_cell.h"

#include "backend/cpu/code_path.h"
#include "backend/cpu/cpu.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "kernels/registry.h"

#include "gridcrunch/cell.h"
#include "gridcrunch/unit.h"

#include <math.h>
#include <stdio.h>

enum { DATASETS = 4096, BATCH = 64, POINTS_MAX = 3, ROWS_MAX = 64 };
enum { CELLS_MAX = DATASETS * POINTS_MAX };

static double lengthscales[BATCH * POINTS_MAX];
static const double noise[] = { 0.02 }, variance[] = { 1.5 };

typedef struct problem {
    const gcr_unit *unit; /* of the best code path */
    int n;
    uint64_t points; /* of each dataset */
    double *x, *y, *prepared, *scratch, *work;
    double *columns; /* the distances of a batch by columns, as the C loop wants them */
    gcr_point_table table;
    gcr_unit_setup setup;
    gcr_unit_tile tiles[DATASETS];
} problem;

typedef struct side_arg {
    problem *problem;
    void (*crunch)(struct side_arg *arg, uint64_t first); /* a batch from dataset `first` on */
    double lml[CELLS_MAX];
    uint8_t state[CELLS_MAX];
} side_arg;

/* Of the distances of a dataset, in `prepared` or in `columns`. */
static double *distances_of(const problem *p, double *distances, uint64_t dataset)
{
    return distances + dataset * (uint64_t)(p->n * (p->n + 1) / 2);
}

static gcr_view view_of(const problem *p, uint64_t dataset)
{
    const uint64_t at = dataset * (uint64_t)p->n;

    return (gcr_view){ .rows = p->n, .features = 1, .x = p->x + at, .y = p->y + at };
}

/* ---- the sides ------------------------------------------------------------------------------- */

static void aim_tiles(side_arg *a)
{
    const uint64_t points = a->problem->points;

    for (uint64_t d = 0; d < DATASETS; d++)
        a->problem->tiles[d] =
            (gcr_unit_tile){ .data = view_of(a->problem, d),
                             .prepared = distances_of(a->problem, a->problem->prepared, d),
                             .count = points,
                             .outputs = { a->lml + d * points },
                             .width = { 1 },
                             .state = a->state + d * points };
}

static void crunch_together(side_arg *a, uint64_t first)
{
    const problem *p = a->problem;

    p->unit->crunch(&p->setup, &p->tiles[first], BATCH, p->scratch);
}

static void crunch_alone(side_arg *a, uint64_t first)
{
    const problem *p = a->problem;

    for (uint64_t d = first; d < first + BATCH; d++)
        p->unit->crunch(&p->setup, &p->tiles[d], 1, p->scratch);
}

static void crunch_one_dataset(side_arg *a, uint64_t first)
{
    const problem *p = a->problem;
    gcr_unit_tile tile = p->tiles[first];

    tile.count = BATCH * p->points;
    p->unit->crunch(&p->setup, &tile, 1, p->scratch);
}

static void crunch_loop(side_arg *a, uint64_t first)
{
    const problem *p = a->problem;
    double *lml = p->tiles[first].outputs[0];

    for (uint64_t d = first; d < first + BATCH; d++)
        for (uint64_t i = 0; i < p->points; i++) {
            const double point[3] = { lengthscales[i], noise[0], variance[0] };

            *lml++ = rival_cell(distances_of(p, p->columns, d - first), view_of(p, d).y, p->n,
                                point, p->work);
        }
}

/* Prepared just before and so in the cache, as in a run: of what a side reads alone. */
static void prepare_batch(const side_arg *a, uint64_t first)
{
    const problem *p = a->problem;

    for (uint64_t d = first; d < first + BATCH; d++) {
        const gcr_view view = view_of(p, d);
        double *const prepared = distances_of(p, p->prepared, d);

        p->unit->prepare(&p->setup, &view, prepared, p->scratch);
        if (a->crunch == crunch_loop)
            rival_cell_columns(distances_of(p, p->columns, d - first), prepared, p->n);
    }
}

static gcr_status run_side(void *arg, double *seconds_out)
{
    side_arg *const a = arg;
    problem *const p = a->problem;
    const uint64_t cells = DATASETS * p->points;
    double seconds = 0;

    for (uint64_t i = 0; i < cells; i++)
        a->lml[i] = NAN;
    p->table.axes[0].count = a->crunch == crunch_one_dataset ? BATCH * p->points : p->points;
    p->table.point_count = p->table.live_count = p->table.axes[0].count;
    aim_tiles(a);
    for (uint64_t first = 0; first < DATASETS; first += BATCH) {
        double begin;

        prepare_batch(a, first);
        begin = gcr_clock_seconds();
        a->crunch(a, first);
        seconds += gcr_clock_seconds() - begin;
    }
    *seconds_out = seconds / (double)cells;
    return GCR_OK;
}

/* ---- the problem ----------------------------------------------------------------------------- */

/* As random as a fixed seed is: a golden ratio's multiples, and something smooth over them. */
static void describe(problem *p, int n, uint64_t points)
{
    const uint64_t rows = DATASETS * (uint64_t)n;

    p->n = n;
    p->points = points;
    for (uint64_t i = 0; i < rows; i++) {
        p->x[i] = 10 * fmod(0.6180339887498949 * (double)(i + 1), 1);
        p->y[i] = sin(p->x[i]) + 0.1 * fmod(0.7548776662466927 * (double)(i + 1), 1);
    }
    for (int i = 0; i < BATCH * POINTS_MAX; i++)
        lengthscales[i] = 0.2 + 0.1 * (i % 16);
    p->table = (gcr_point_table){ .axes = { { "lengthscale", lengthscales, points },
                                            { "noise", noise, 1 },
                                            { "variance", variance, 1 } },
                                  .axis_count = 3 };
    p->setup = (gcr_unit_setup){ .points = &p->table,
                                 .parameter_of_axis = { 0, 1, 2 },
                                 .lapack = &gcr_cpu_lapack };
}

static gcr_status open_problem(problem *p)
{
    gcr_status status = GCR_OK;
    char kernel[] = "gp";
    const gcr_job job = { .kernel = kernel };
    const gcr_shape shape = { ROWS_MAX, 1, p->setup.option };
    const uint64_t rows = (uint64_t)DATASETS * ROWS_MAX;

    GCR_TRY(gcr_unit_find(&p->unit, p->setup.option, &job, gcr_code_path_here()));
    GCR_TRY(gcr_memory_create((void **)&p->x, rows, 8, "data"));
    GCR_TRY(gcr_memory_create((void **)&p->y, rows, 8, "data"));
    GCR_TRY(gcr_memory_create((void **)&p->prepared, rows * (ROWS_MAX + 1) / 2, 8, "distances"));
    GCR_TRY(gcr_memory_create((void **)&p->columns, BATCH * ROWS_MAX * (ROWS_MAX + 1) / 2, 8,
                              "distances"));
    GCR_TRY(gcr_memory_create((void **)&p->work, ROWS_MAX * (ROWS_MAX + 1), 8, "a matrix"));
    GCR_TRY(gcr_memory_create((void **)&p->scratch, p->unit->scratch_bytes(&shape), 1, "scratch"));
out:
    return status;
}

static void close_problem(problem *p)
{
    gcr_memory_destroy(p->x);
    gcr_memory_destroy(p->y);
    gcr_memory_destroy(p->prepared);
    gcr_memory_destroy(p->columns);
    gcr_memory_destroy(p->work);
    gcr_memory_destroy(p->scratch);
}

/* ---- the comparison -------------------------------------------------------------------------- */

/* Together and alone are the same bits; the loop rounds in another order. */
static gcr_status check(const problem *p, const side_arg *a, const side_arg *b, double tolerance)
{
    gcr_status status = GCR_OK;

    for (uint64_t i = 0; i < DATASETS * p->points; i++)
        if (a->state[i] != GCR_CELL_OK ||
            !(fabs(a->lml[i] - b->lml[i]) <= tolerance * (p->n + fabs(a->lml[i]))))
            GCR_FAIL(GCR_EDEVICE, "n = %d, cell %d: %.17g is not %.17g", p->n, (int)i, a->lml[i],
                     b->lml[i]);
out:
    return status;
}

static gcr_status measure(bench *b, problem *p, int n, uint64_t points)
{
    gcr_status status = GCR_OK;
    static side_arg args[4];
    static bench_side sides[4] = {
        { .what = "together", .run = run_side, .arg = &args[0] },
        { .what = "one at a time", .run = run_side, .arg = &args[1] },
        { .what = "C loop", .run = run_side, .arg = &args[2] },
        { .what = "one dataset", .run = run_side, .arg = &args[3] },
    };
    static void (*const crunches[4])(side_arg *, uint64_t) = { crunch_together, crunch_alone,
                                                               crunch_loop, crunch_one_dataset };
    char where[64], line[80];

    describe(p, n, points);
    for (int i = 0; i < 4; i++) {
        args[i].problem = p;
        args[i].crunch = crunches[i];
    }
    snprintf(where, sizeof where, "n=%d points=%d", n, (int)points);
    GCR_TRY(bench_alternate(b, where, sides, 4));
    GCR_TRY(check(p, &args[0], &args[1], 0));
    GCR_TRY(check(p, &args[0], &args[2], 1e-11));
    snprintf(line, sizeof line, "over_alone %s", where);
    bench_ratio_sides(b, line, &sides[1], &sides[0]);
    snprintf(line, sizeof line, "over_loop %s", where);
    bench_ratio_sides(b, line, &sides[2], &sides[0]);
    snprintf(line, sizeof line, "of_one_dataset %s", where);
    bench_ratio_sides(b, line, &sides[3], &sides[0]);
out:
    return status;
}

int main(int argc, char **argv)
{
    static const int sizes[] = { 8, 16, 32, 64 };
    static problem p;
    gcr_status status = GCR_OK;
    bench b;

    GCR_TRY(bench_begin(&b, "thin", argc, argv));
    GCR_TRY(open_problem(&p));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        GCR_TRY(measure(&b, &p, sizes[i], 1));
        GCR_TRY(measure(&b, &p, sizes[i], POINTS_MAX));
    }
out:
    close_problem(&p);
    return bench_end(&b, status);
}
