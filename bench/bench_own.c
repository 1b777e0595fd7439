/*
 * bench/bench_own.c -- is a kernel of the user's as fast as a built-in one?
 *
 * The file of a built-in kernel is loaded as a user's would be, and both units crunch the same grid
 * of points of one dataset, one core, in turn: `gp`, with matrices of n rows of data, and `ridge`,
 * with matrices of n features, whose option is a constant in the one and a number of the run in the
 * other. All cells have results, with the same bits. Before that, how long it takes to compile a
 * kernel, and to find it compiled.
 */
#include "bench.h"

#include "backend/cpu/code_path.h"
#include "backend/cpu/cpu.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "kernels/own/build.h"
#include "kernels/registry.h"

#include "gridcrunch/cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern const gcr_text_file gcr_bench_text[];

enum { AXIS = 16, POINTS = AXIS * AXIS, N_MAX = 128, ROWS_MAX = 2 * N_MAX };

/* One kernel, built in and of a file, over one dataset. */
typedef struct problem {
    const gcr_unit *unit[2];
    gcr_own *own;
    int rows, features, repeats;
    double x[ROWS_MAX * N_MAX], y[ROWS_MAX];
    double values[GCR_PARAMETERS_MAX][AXIS];
    gcr_point_table table;
    gcr_unit_setup setup;
    double *prepared, *scratch;
} problem;

typedef struct side_arg {
    const problem *problem;
    const gcr_unit *unit;
    double output[GCR_OUTPUTS_MAX][POINTS];
    uint8_t state[POINTS];
} side_arg;

/* The data that give a kernel matrices of n rows: those of ridge are as large as it has
 * features. */
static void describe_data(problem *p, int n)
{
    const gcr_shape one = { 2, 1, p->setup.option };
    const int is_of_features = p->unit[0]->kernel->size(&one) == 1;

    p->rows = is_of_features ? 2 * n : n;
    p->features = is_of_features ? n : 1;
    for (int k = 0; k < p->rows * p->features; k++)
        p->x[k] = 10 * fmod(0.6180339887498949 * (k + 1), 1);
    for (int i = 0; i < p->rows; i++)
        p->y[i] = sin(p->x[i]);
}

/* Two axes of 16 values, one value for each parameter behind them. */
static void describe(problem *p, int n)
{
    const gcr_kernel *kernel = p->unit[0]->kernel;
    const int count = gcr_kernel_parameter_count(kernel);
    gcr_shape shape;

    describe_data(p, n);
    shape = (gcr_shape){ p->rows, p->features, p->setup.option };
    p->table = (gcr_point_table){ .axis_count = count, .point_count = 1 };
    for (int a = 0; a < count; a++) {
        const uint64_t values = a < 2 ? AXIS : 1;

        for (uint64_t i = 0; i < values; i++)
            p->values[a][i] = 0.1 * (double)(i + 1);
        p->table.axes[a] = (gcr_axis){ kernel->parameters[a].name, p->values[a], values };
        p->table.point_count *= values;
        p->setup.parameter_of_axis[a] = a;
    }
    p->table.live_count = p->table.point_count;
    p->repeats = 1 + (int)(3e8 / kernel->cost(&shape) / (double)p->table.point_count);
    p->setup.points = &p->table;
    p->setup.lapack = &gcr_cpu_lapack;
}

static gcr_view view_of(const problem *p)
{
    return (gcr_view){ .rows = p->rows, .features = p->features, .x = p->x, .y = p->y };
}

/* As no kernel leaves it. */
static void poison(side_arg *a)
{
    memset(a->state, 0xff, sizeof a->state);
    for (int o = 0; o < GCR_OUTPUTS_MAX; o++)
        for (int i = 0; i < POINTS; i++)
            a->output[o][i] = NAN;
}

static gcr_status run_side(void *arg, double *seconds_out)
{
    side_arg *const a = arg;
    const problem *p = a->problem;
    gcr_unit_tile tile = { .data = view_of(p),
                           .prepared = p->prepared,
                           .count = p->table.point_count,
                           .state = a->state };
    double begin;

    for (int o = 0; a->unit->kernel->outputs[o].name != NULL; o++) {
        tile.outputs[o] = a->output[o];
        tile.width[o] = 1;
    }
    poison(a);
    begin = gcr_clock_seconds();
    for (int k = 0; k < p->repeats; k++)
        a->unit->crunch(&p->setup, &tile, 1, p->scratch);
    *seconds_out = (gcr_clock_seconds() - begin) / p->repeats / (double)p->table.point_count;
    return GCR_OK;
}

static gcr_status prepare(problem *p)
{
    gcr_status status = GCR_OK;
    const gcr_view view = view_of(p);
    const gcr_shape shape = { p->rows, p->features, p->setup.option };
    const gcr_kernel *kernel = p->unit[0]->kernel;

    GCR_TRY(
        gcr_memory_create((void **)&p->scratch, p->unit[0]->scratch_bytes(&shape), 1, "scratch"));
    GCR_TRY(gcr_memory_create((void **)&p->prepared, (uint64_t)kernel->prepared_count(&shape), 8,
                              "a prepared block"));
    if (p->unit[0]->prepare(&p->setup, &view, p->prepared, p->scratch) != 0)
        GCR_FAIL(GCR_EDEVICE, "kernel '%s' refuses %d rows", kernel->name, p->rows);
out:
    return status;
}

static gcr_status check(const problem *p, const side_arg args[2], const char *where)
{
    gcr_status status = GCR_OK;

    for (uint64_t i = 0; i < p->table.point_count; i++)
        for (int side = 0; side < 2; side++)
            if (args[side].state[i] != GCR_CELL_OK || isnan(args[side].output[0][i]))
                GCR_FAIL(GCR_EDEVICE, "%s: point %d has no result", where, (int)i);
    if (memcmp(args[0].output, args[1].output, sizeof args[0].output) != 0)
        GCR_FAIL(GCR_EDEVICE, "%s: the two have different bits", where);
out:
    return status;
}

static gcr_status measure(bench *b, problem *p, int n)
{
    static side_arg args[2];
    gcr_status status = GCR_OK;
    bench_side sides[2];
    char where[64];

    describe(p, n);
    GCR_TRY(prepare(p));
    for (int i = 0; i < 2; i++) {
        args[i].problem = p;
        args[i].unit = p->unit[i];
        sides[i] = (bench_side){ .what = i == 0 ? "built in" : "of a file",
                                 .run = run_side,
                                 .arg = &args[i] };
    }
    snprintf(where, sizeof where, "%s n=%d", p->unit[0]->kernel->name, n);
    GCR_TRY(bench_alternate(b, where, sides, 2));
    GCR_TRY(check(p, args, where));
    bench_ratio_sides(b, where, &sides[0], &sides[1]);
out:
    gcr_memory_destroy(p->prepared);
    gcr_memory_destroy(p->scratch);
    p->prepared = p->scratch = NULL;
    return status;
}

/* Writes what kernels/NAME.c says to a file of that path. */
static gcr_status copy_kernel(const char *path, const char *name)
{
    gcr_status status = GCR_OK;
    char wanted[64];

    snprintf(wanted, sizeof wanted, "kernels/%s.c", name);
    for (const gcr_text_file *file = gcr_bench_text; file->path != NULL; file++)
        if (strcmp(file->path, wanted) == 0)
            GCR_TRY(bench_write_text(path, file->text));
out:
    return status;
}

/* Loads a copy of the built-in kernel `name` and says how long that took. */
static gcr_status load(const bench *b, problem *p, const char *name, const char *what)
{
    gcr_status status = GCR_OK;
    const gcr_code_path path = gcr_code_path_here();
    char kernel[64], file[BENCH_PATH_MAX];
    gcr_job job = { .kernel = kernel };
    double begin, seconds;

    snprintf(kernel, sizeof kernel, "%s", name);
    GCR_TRY(gcr_unit_find(&p->unit[0], p->setup.option, &job, path));
    snprintf(file, sizeof file, "%s/%s.c", getenv("GRIDCRUNCH_CACHE"), name);
    GCR_TRY(copy_kernel(file, name));
    job.kernel = file;
    begin = gcr_clock_seconds();
    GCR_TRY(gcr_unit_load(&p->unit[1], &p->own, p->setup.option, &job, path));
    seconds = gcr_clock_seconds() - begin;
    bench_row(b, name, what, "s", (bench_spread){ seconds, seconds, seconds });
out:
    return status;
}

static gcr_status compare(bench *b, const char *name)
{
    static const int sizes[] = { 8, 16, 32, 64, N_MAX };
    static problem p;
    gcr_status status = GCR_OK;

    memset(&p, 0, sizeof p);
    GCR_TRY(load(b, &p, name, "compiled"));
    gcr_own_close(p.own);
    p.own = NULL;
    GCR_TRY(load(b, &p, name, "found compiled"));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        GCR_TRY(measure(b, &p, sizes[i]));
out:
    gcr_own_close(p.own);
    return status;
}

int main(int argc, char **argv)
{
    gcr_status status = GCR_OK;
    char folder[BENCH_PATH_MAX] = "";
    bench b;

    GCR_TRY(bench_begin(&b, "own", argc, argv));
    GCR_TRY(bench_folder_open(folder));
    chmod(folder, 0700);
    setenv("GRIDCRUNCH_CACHE", folder, 1); /* an empty one */
    GCR_TRY(compare(&b, "gp"));
    GCR_TRY(compare(&b, "ridge"));
out:
    if (folder[0] != '\0')
        bench_folder_close(folder);
    return bench_end(&b, status);
}
