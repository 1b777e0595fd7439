/*
 * bench/bench_cell.c -- what does a cell of the Gaussian process cost on one core, and what do
 * vector lanes bring over LAPACK?
 *
 * The built-in unit crunches a grid of points of one dataset; beside it the same unit with every
 * matrix given to LAPACK, a careful C loop over the cells, numpy in batches of its best size, and
 * numpy point after point. All see the same prepared distances. 16 neighbouring points share a
 * lengthscale, as in most grids: the unit and numpy's batches make their covariances once, and so
 * does a second C loop, `nested`, which knows this grid. In the cases `apart` no two points share a
 * lengthscale.
 *
 * Times are seconds per cell; `rate` counts the operations of the factor alone, n^3 / 3 + n^2 / 2 +
 * n / 6, so exponentials show as what is missing. Which core OpenBLAS takes this machine for
 * decides how fast the rivals are: try OPENBLAS_CORETYPE too.
 */
#include "bench.h"
#include "rival.h"
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

/* The units of gp that give every matrix to LAPACK, one for each code path. */
#define GCR_UNIT(name) extern const gcr_unit name;
#include "gcr_bench.def"
#undef GCR_UNIT

#define GCR_UNIT(name) &name,
static const gcr_unit *const lapack_units[] = {
#include "gcr_bench.def"
};
#undef GCR_UNIT

enum { AXIS = 16, POINTS = AXIS * AXIS, ROWS_MAX = 600, NUMPY_ROWS_MAX = 128 };

/* The same for all sides; results of each are looked at by all others. */
typedef struct problem {
    const gcr_unit *unit, *lapack_unit; /* of the best code path */
    int n, points, repeats;
    double x[ROWS_MAX], y[ROWS_MAX];
    int noises; /* values of the inner axis: points that share a lengthscale */
    double lengthscale[POINTS], noise[AXIS], variance[1];
    double *prepared, *scratch, *work;
    double *columns; /* the same distances by columns, as the C loops want them */
    double *base;    /* the covariances of a lengthscale, for the nested loop    */
    bench_rival numpy, numpy_loop;
    gcr_point_table table;
    gcr_unit_setup setup;
} problem;

typedef struct side_arg {
    const gcr_unit *unit; /* NULL: a loop in C */
    int is_nested;
    const problem *problem;
    double lml[POINTS];
    uint8_t state[POINTS];
} side_arg;

static double flops(double n)
{
    return n * n * n / 3 + n * n / 2 + n / 6;
}

/* As random as a fixed seed is: a golden ratio's multiples, and something smooth over them. */
static void describe(problem *p, int n, int noises)
{
    const int lengthscales = POINTS / noises;

    p->n = n;
    p->noises = noises;
    p->points = n > 128 ? 32 : POINTS;
    p->repeats = 1 + (int)(3e8 / (flops(n) + 100.0 * n * n) / p->points);
    for (int i = 0; i < n; i++) {
        p->x[i] = 10 * fmod(0.6180339887498949 * (i + 1), 1);
        p->y[i] = sin(p->x[i]) + 0.1 * fmod(0.7548776662466927 * (i + 1), 1);
    }
    for (int i = 0; i < lengthscales; i++)
        p->lengthscale[i] = 0.2 + 0.1 * AXIS / lengthscales * i;
    for (int i = 0; i < noises; i++)
        p->noise[i] = 0.01 * (i + 1);
    p->variance[0] = 1.5;
    p->table =
        (gcr_point_table){ .axes = { { "lengthscale", p->lengthscale, (uint64_t)lengthscales },
                                     { "noise", p->noise, (uint64_t)noises },
                                     { "variance", p->variance, 1 } },
                           .axis_count = 3,
                           .point_count = POINTS,
                           .live_count = POINTS };
    p->setup = (gcr_unit_setup){ .points = &p->table,
                                 .parameter_of_axis = { 0, 1, 2 },
                                 .lapack = &gcr_cpu_lapack };
}

static void crunch_unit(side_arg *a)
{
    const problem *p = a->problem;
    const gcr_unit_tile tile = {
        .data = { .rows = p->n, .features = 1, .x = p->x, .y = p->y },
        .prepared = p->prepared,
        .count = (uint64_t)p->points,
        .outputs = { a->lml },
        .width = { 1 },
        .state = a->state,
    };

    a->unit->crunch(&p->setup, &tile, 1, p->scratch);
}

static void crunch_loop(side_arg *a)
{
    const problem *p = a->problem;

    for (int i = 0; i < p->points; i++) {
        const double point[3] = { p->lengthscale[i / p->noises], p->noise[i % p->noises],
                                  p->variance[0] };

        if (a->is_nested && i % p->noises == 0)
            rival_cell_base(p->base, p->columns, p->n, point[0]);
        a->lml[i] = a->is_nested ? rival_cell_of_base(p->base, p->y, p->n, point, p->work)
                                 : rival_cell(p->columns, p->y, p->n, point, p->work);
        a->state[i] = GCR_CELL_OK;
    }
}

static gcr_status run_side(void *arg, double *seconds_out)
{
    side_arg *const a = arg;
    double begin;

    for (int i = 0; i < a->problem->points; i++)
        a->lml[i] = NAN;
    begin = gcr_clock_seconds();
    for (int k = 0; k < a->problem->repeats; k++)
        if (a->unit != NULL)
            crunch_unit(a);
        else
            crunch_loop(a);
    *seconds_out = (gcr_clock_seconds() - begin) / a->problem->repeats / a->problem->points;
    return GCR_OK;
}

static gcr_status check(const problem *p, const side_arg *a, const side_arg *b)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < p->points; i++)
        if (a->state[i] != GCR_CELL_OK || b->state[i] != GCR_CELL_OK ||
            !(fabs(a->lml[i] - b->lml[i]) <= 1e-11 * (p->n + fabs(a->lml[i]))))
            GCR_FAIL(GCR_EDEVICE, "n = %d, point %d: %.17g is not %.17g", p->n, i, a->lml[i],
                     b->lml[i]);
out:
    return status;
}

static gcr_status find_units(problem *p)
{
    gcr_status status = GCR_OK;
    char kernel[] = "gp";
    const gcr_job job = { .kernel = kernel };

    GCR_TRY(gcr_unit_find(&p->unit, p->setup.option, &job, gcr_code_path_here()));
    for (size_t u = 0; u < sizeof lapack_units / sizeof *lapack_units; u++)
        if (lapack_units[u]->path == p->unit->path && lapack_units[u]->scalar == p->unit->scalar)
            p->lapack_unit = lapack_units[u];
out:
    return status;
}

static gcr_status open_memory(problem *p)
{
    gcr_status status = GCR_OK;
    const uint64_t rows = ROWS_MAX;
    const gcr_shape shape = { ROWS_MAX, 1, p->setup.option };

    GCR_TRY(gcr_memory_create((void **)&p->prepared, rows * (rows + 1) / 2, 8, "distances"));
    GCR_TRY(gcr_memory_create((void **)&p->columns, rows * (rows + 1) / 2, 8, "distances"));
    GCR_TRY(gcr_memory_create((void **)&p->base, rows * (rows + 1) / 2, 8, "covariances"));
    GCR_TRY(gcr_memory_create((void **)&p->work, rows * (rows + 1), 8, "a matrix"));
    GCR_TRY(gcr_memory_create((void **)&p->scratch, p->unit->scratch_bytes(&shape), 1, "scratch"));
out:
    return status;
}

/* The distances, each side's way. */
static void prepare(const problem *p)
{
    const gcr_view data = { .rows = p->n, .features = 1, .x = p->x, .y = p->y };

    p->unit->prepare(&p->setup, &data, p->prepared, p->scratch);
    rival_cell_columns(p->columns, p->prepared, p->n);
}

static gcr_status time_rival(problem *p, bench_rival *rival, double *seconds_out)
{
    gcr_status status = GCR_OK;

    GCR_TRY(bench_rival_time(rival, p->n, (uint64_t)p->points, seconds_out));
    *seconds_out /= p->points;
out:
    return status;
}

static gcr_status run_numpy(void *arg, double *seconds_out)
{
    problem *const p = arg;

    return time_rival(p, &p->numpy, seconds_out);
}

static gcr_status run_numpy_loop(void *arg, double *seconds_out)
{
    problem *const p = arg;

    return time_rival(p, &p->numpy_loop, seconds_out);
}

static gcr_status check_numpy(const problem *p, bench_rival *rival, const side_arg *ours)
{
    gcr_status status = GCR_OK;
    double sum = 0, numpys, size = 0;

    GCR_TRY(bench_rival_time(rival, -p->n, (uint64_t)p->points, &numpys));
    for (int i = 0; i < p->points; i++) {
        sum += ours->lml[i];
        size += p->n + fabs(ours->lml[i]);
    }
    if (!(fabs(sum - numpys) <= 1e-11 * size))
        GCR_FAIL(GCR_EDEVICE, "n = %d: the sum over all points is %.17g, numpy's %.17g", p->n, sum,
                 numpys);
out:
    return status;
}

static side_arg args[4];

/* Points of which each has a lengthscale of its own: the covariances of all of them are
 * computed. */
static gcr_status measure_apart(bench *b, problem *p, int n)
{
    gcr_status status = GCR_OK;
    static bench_side sides[2];
    char where[64], line[80];

    describe(p, n, 1);
    prepare(p);
    args[0] = (side_arg){ .unit = p->unit, .problem = p };
    args[1] = (side_arg){ .problem = p };
    sides[0] = (bench_side){ .what = "gridcrunch", .run = run_side, .arg = &args[0] };
    sides[1] = (bench_side){ .what = "C loop", .run = run_side, .arg = &args[1] };
    snprintf(where, sizeof where, "cell apart n=%d", n);
    snprintf(line, sizeof line, "apart n=%d", n);
    GCR_TRY(bench_alternate(b, where, sides, 2));
    GCR_TRY(check(p, &args[0], &args[1]));
    bench_ratio_sides(b, line, &sides[1], &sides[0]);
out:
    return status;
}

static gcr_status measure(bench *b, problem *p, int n)
{
    gcr_status status = GCR_OK;
    static const char *const names[] = { "gridcrunch", "forced to LAPACK", "C loop",
                                         "C loop nested" };
    static bench_side sides[6];
    const int has_numpy = p->numpy.process != 0 && n <= NUMPY_ROWS_MAX;
    double rate[BENCH_ROUNDS_MAX];
    char where[64], line[80];

    describe(p, n, AXIS);
    prepare(p);
    args[0] = (side_arg){ .unit = p->unit, .problem = p };
    args[1] = (side_arg){ .unit = p->lapack_unit, .problem = p };
    args[2] = (side_arg){ .problem = p };
    args[3] = (side_arg){ .problem = p, .is_nested = 1 };
    for (int i = 0; i < 4; i++)
        sides[i] = (bench_side){ .what = names[i], .run = run_side, .arg = &args[i] };
    sides[4] = (bench_side){ .what = "numpy", .run = run_numpy, .arg = p };
    sides[5] = (bench_side){ .what = "numpy loop", .run = run_numpy_loop, .arg = p };
    snprintf(where, sizeof where, "cell n=%d", n);
    GCR_TRY(bench_alternate(b, where, sides, has_numpy ? 6 : 4));
    for (int i = 1; i < 4; i++)
        GCR_TRY(check(p, &args[0], &args[i]));
    for (int i = 0; i < b->rounds; i++)
        rate[i] = flops(n) / sides[0].seconds[i] * 1e-9;
    bench_row(b, where, "rate", "GF/s", bench_spread_of(rate, b->rounds));
    snprintf(line, sizeof line, "over_lapack n=%d", n);
    bench_ratio_sides(b, line, &sides[1], &sides[0]);
    snprintf(line, sizeof line, "n=%d", n);
    bench_ratio_sides(b, line, &sides[2], &sides[0]);
    snprintf(line, sizeof line, "over_nested n=%d", n);
    bench_ratio_sides(b, line, &sides[3], &sides[0]);
    if (has_numpy) {
        GCR_TRY(check_numpy(p, &p->numpy, &args[0]));
        GCR_TRY(check_numpy(p, &p->numpy_loop, &args[0]));
        snprintf(line, sizeof line, "over_numpy n=%d", n);
        bench_ratio_sides(b, line, &sides[4], &sides[0]);
        snprintf(line, sizeof line, "over_numpy_loop n=%d", n);
        bench_ratio_sides(b, line, &sides[5], &sides[0]);
    }
out:
    return status;
}

static gcr_status open_numpy(bench *b, problem *p)
{
    gcr_status status = GCR_OK;
    char script[BENCH_PATH_MAX];

    GCR_TRY(bench_beside(script, "rival_numpy.py"));
    GCR_TRY(bench_rival_open(&p->numpy, (const char *[]){ "/usr/bin/python3", script, NULL }));
    GCR_TRY(bench_rival_open(&p->numpy_loop,
                             (const char *[]){ "/usr/bin/python3", script, "loop", NULL }));
    if (p->numpy.process == 0)
        bench_absent(b, "numpy", "install python3-numpy");
out:
    return status;
}

int main(int argc, char **argv)
{
    static const int sizes[] = { 8, 16, 32, 54, 64, 128, 256, 512 };
    static problem p;
    gcr_status status = GCR_OK;
    bench b;

    GCR_TRY(bench_begin(&b, "cell", argc, argv));
    GCR_TRY(find_units(&p));
    GCR_TRY(open_memory(&p));
    GCR_TRY(open_numpy(&b, &p));
    bench_blas_begin();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        GCR_TRY(measure(&b, &p, sizes[i]));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        GCR_TRY(measure_apart(&b, &p, sizes[i]));
out:
    bench_rival_close(&p.numpy);
    bench_rival_close(&p.numpy_loop);
    gcr_memory_destroy(p.prepared);
    gcr_memory_destroy(p.columns);
    gcr_memory_destroy(p.base);
    gcr_memory_destroy(p.work);
    gcr_memory_destroy(p.scratch);
    return bench_end(&b, status);
}
