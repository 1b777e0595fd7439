/*
 * bench/gpu/bench_gp.c -- what does a cell of the Gaussian process cost on a GPU?
 *
 *     bench gp [--device cuda:0] [--precision single]
 *
 * n = 32, 64, 128, 232 rows of 4 features; up to a million points of one dataset in one launch,
 * which leaves 9 bytes of each on the device. The time is from the launch to the host's knowing
 * that it has ended, distances made before. The same with `keep: summary`: records of the best
 * points are made of that and come down, and the time ends when they are there. Beside it, in turns
 * and on the same points, as far as they are installed: PyTorch, JAX and CuPy in their best batched
 * forms (rival_gpu.py) and in the same precision, of fewer points as they take longer; and our own
 * CPU backend on one thread, of one point in a hundred. Values are compared: with the CPU's one by
 * one, with the rivals' by their sums, and the best of the records with the best of all.
 *
 * The floor is made of ceilings that are measured in the same run: distances, exponentials and
 * solving on the vector pipes, then the factor on the tensor cores, for floats on the vector pipes
 * too, all at once on all multiprocessors, and nothing else; nothing overlaps in it.
 *
 * On the CPU (--device cpu) the same with few points, so that the bench itself can be tested.
 */
#include "device.h"
#include "gpu/ceilings.h"
#include "rival.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "kernels/registry.h"

#include "gridcrunch/cell.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FEATURES = 4, ROWS_MAX = 232, AXIS_MAX = 128, RIVALS = 3 };

/* A grid, and how many of its points a rival computes in a round. rival_gpu.py has the same. */
typedef struct gp_size {
    int rows, lengthscales, noises, variances;
    uint64_t rival_points;
} gp_size;

static const gp_size sizes[] = {
    { 32, 128, 128, 64, 65536 },
    { 64, 128, 128, 64, 65536 },
    { 128, 64, 64, 64, 16384 },
    { 232, 64, 32, 32, 8192 },
};

/* The dataset resident on a device, and room for the records of all points. */
typedef struct stage {
    bench_device on;
    gcr_program *program;
    gcr_program_spec spec;
    gcr_unit_setup setup;
    gcr_buf *data, *prepared, *records;
    gcr_buf *partials, *partials_here; /* records of blocks; NULL: the device makes none */
    gcr_view view;
    uint64_t points; /* in a launch */
    double *values;  /* [points] poison, then what came down; states behind them */
} stage;

/* `summary: {best: argmax(lml)}`. */
static const gcr_reduction reduction = { .reduced = { { 0, GCR_REDUCED_MAX_OF } },
                                         .count = 1,
                                         .top_of = -1 };

typedef struct problem {
    bench *b;
    const gp_size *size;
    gcr_scalar scalar;
    double data[(FEATURES + 1) * ROWS_MAX];
    float floats[(FEATURES + 1) * ROWS_MAX]; /* the same */
    double lengthscale[AXIS_MAX], noise[AXIS_MAX], variance[AXIS_MAX];
    gcr_point_table table;
    stage device, cpu;
    bench_rival rivals[RIVALS];
    int is_short;
    /* Per second: multiply-adds of vectors and of what factors, exponentials; 0: not known. */
    double vector_rate, tensor_rate, exp_rate;
} problem;

static const char *const rival_names[RIVALS] = { "torch", "jax", "cupy" };

/* ---- the problem ----------------------------------------------------------------------------- */

static void describe(problem *p, const gp_size *size)
{
    const uint64_t n = (uint64_t)size->rows;

    p->size = size;
    for (uint64_t i = 0; i < n; i++) {
        for (uint64_t f = 0; f < FEATURES; f++)
            p->data[f * n + i] = 2 * fmod(0.6180339887498949 * (double)((i + 1) * (2 * f + 1)), 1);
        p->data[FEATURES * n + i] =
            sin(3 * p->data[i]) + 0.1 * fmod(0.7548776662466927 * (double)(i + 1), 1);
    }
    for (uint64_t k = 0; k < (FEATURES + 1) * n; k++)
        p->floats[k] = (float)p->data[k];
    for (int i = 0; i < size->lengthscales; i++)
        p->lengthscale[i] = 0.5 + 1.5 * i / size->lengthscales;
    for (int i = 0; i < size->noises; i++)
        p->noise[i] = 0.01 * (i + 1);
    for (int i = 0; i < size->variances; i++)
        p->variance[i] = 0.5 + 0.05 * i;
    p->table = (gcr_point_table){
        .axes = { { "lengthscale", p->lengthscale, (uint64_t)size->lengthscales },
                  { "noise", p->noise, (uint64_t)size->noises },
                  { "variance", p->variance, (uint64_t)size->variances } },
        .axis_count = 3,
    };
    p->table.point_count =
        (uint64_t)size->lengthscales * (uint64_t)size->noises * (uint64_t)size->variances;
    p->table.live_count = p->table.point_count;
}

static uint64_t record_bytes(const stage *s)
{
    return s->points * (sizeof(double) + 1);
}

static gcr_status send_data(const problem *p, stage *s)
{
    gcr_status status = GCR_OK;
    const uint64_t scalar_bytes = gcr_scalar_bytes(p->scalar);
    const uint64_t x_bytes = FEATURES * (uint64_t)p->size->rows * scalar_bytes;
    const uint64_t bytes = x_bytes + (uint64_t)p->size->rows * scalar_bytes;
    const gcr_shape shape = s->spec.largest;
    const uint64_t prepared_bytes =
        ((uint64_t)s->spec.unit->kernel->prepared_count(&shape) * scalar_bytes + 7) / 8 * 8;
    const void *const data = p->scalar == GCR_F32 ? (const void *)p->floats : p->data;
    gcr_prepare_args args;

    GCR_TRY(gcr_buf_open(&s->data, s->on.device, GCR_PLACE_DEVICE, bytes));
    GCR_TRY(gcr_upload(s->on.queue, s->data, 0, data, GCR_PLACE_HOST, bytes));
    s->view = (gcr_view){ .rows = p->size->rows,
                          .features = FEATURES,
                          .x = s->data->base,
                          .y = (const char *)s->data->base + x_bytes };
    GCR_TRY(gcr_buf_open(&s->prepared, s->on.device, GCR_PLACE_DEVICE,
                         prepared_bytes + sizeof(int32_t)));
    args = (gcr_prepare_args){ .data = s->view,
                               .prepared = s->prepared->base,
                               .fault = (int32_t *)((char *)s->prepared->base + prepared_bytes) };
    GCR_TRY(gcr_prepare(s->on.queue, s->program, &args));
    GCR_TRY(gcr_queue_sync(s->on.queue));
out:
    return status;
}

static uint64_t partial_bytes(const stage *s)
{
    return (s->points + GCR_PARTIAL_POINTS - 1) / GCR_PARTIAL_POINTS *
           gcr_partial_bytes(&reduction);
}

static gcr_status open_stage(problem *p, stage *s, uint64_t points)
{
    gcr_status status = GCR_OK;
    char kernel[] = "gp";
    const gcr_job job = { .kernel = kernel, .precision = p->scalar };

    s->points = points;
    s->setup = (gcr_unit_setup){ .points = &p->table, .parameter_of_axis = { 0, 1, 2 } };
    s->spec = (gcr_program_spec){
        .setup = &s->setup,
        .largest = { .rows = p->size->rows, .features = FEATURES, .option = s->setup.option }
    };
    GCR_TRY(gcr_unit_find(&s->spec.unit, s->setup.option, &job, s->on.device->info.code_path));
    GCR_TRY(gcr_program_open(&s->program, s->on.device, &s->spec));
    GCR_TRY(send_data(p, s));
    GCR_TRY(gcr_buf_open(&s->records, s->on.device, GCR_PLACE_DEVICE, record_bytes(s)));
    GCR_TRY(gcr_memory_create((void **)&s->values, record_bytes(s), 1, "records"));
    if (gcr_can_reduce(s->on.device, &reduction)) {
        GCR_TRY(gcr_buf_open(&s->partials, s->on.device, GCR_PLACE_DEVICE, partial_bytes(s)));
        GCR_TRY(gcr_buf_open(&s->partials_here, s->on.device, GCR_PLACE_STAGING, partial_bytes(s)));
    }
out:
    return status;
}

static void close_stage(stage *s)
{
    const bench_device on = s->on;

    gcr_buf_close(s->partials_here);
    gcr_buf_close(s->partials);
    gcr_buf_close(s->records);
    gcr_buf_close(s->prepared);
    gcr_buf_close(s->data);
    gcr_program_close(s->program);
    gcr_memory_destroy(s->values);
    *s = (stage){ .on = on };
}

/* ---- sides ----------------------------------------------------------------------------------- */

static gcr_unit_tile tile_of(const stage *s)
{
    double *const values_dev = s->records->base;

    return (gcr_unit_tile){ .data = s->view,
                            .prepared = s->prepared->base,
                            .count = s->points,
                            .outputs = { values_dev },
                            .width = { 1 },
                            .state = (uint8_t *)(values_dev + s->points) };
}

/* Records that are NaN, before all points are computed. */
static gcr_status spoil(stage *s)
{
    gcr_status status = GCR_OK;

    memset(s->values, 0xff, record_bytes(s));
    GCR_TRY(gcr_upload(s->on.queue, s->records, 0, s->values, GCR_PLACE_HOST, record_bytes(s)));
    GCR_TRY(gcr_queue_sync(s->on.queue));
out:
    return status;
}

/* All points of the stage. */
static gcr_status run_stage(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    stage *const s = arg;
    const gcr_unit_tile tile = tile_of(s);
    const gcr_crunch_args args = { .tiles = &tile, .tile_count = 1 };
    double begin;

    GCR_TRY(spoil(s));
    begin = gcr_clock_seconds();
    GCR_TRY(gcr_crunch(s->on.queue, s->program, &args));
    GCR_TRY(gcr_queue_sync(s->on.queue));
    *seconds_out = (gcr_clock_seconds() - begin) / (double)s->points;
out:
    return status;
}

/* The same with `keep: summary`: only records of blocks come down. */
static gcr_status run_summary(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    stage *const s = arg;
    const gcr_unit_tile tile = tile_of(s);
    const gcr_crunch_args cells = { .tiles = &tile, .tile_count = 1 };
    const gcr_reduce_args records = {
        .tiles = &tile, .tile_count = 1, .reduction = &reduction, .records = s->partials->base
    };
    double begin;

    GCR_TRY(spoil(s));
    begin = gcr_clock_seconds();
    GCR_TRY(gcr_crunch(s->on.queue, s->program, &cells));
    GCR_TRY(gcr_reduce(s->on.queue, s->program, &records));
    GCR_TRY(gcr_download(s->on.queue, s->partials_here->base, GCR_PLACE_STAGING, s->partials, 0,
                         partial_bytes(s)));
    GCR_TRY(gcr_queue_sync(s->on.queue));
    *seconds_out = (gcr_clock_seconds() - begin) / (double)s->points;
out:
    return status;
}

typedef struct rival_arg {
    const problem *problem;
    bench_rival *rival;
} rival_arg;

static uint64_t rival_points(const problem *p)
{
    const uint64_t most = p->size->rival_points;

    return p->is_short && most > 64 ? 64 : most;
}

static gcr_status run_rival(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const rival_arg *const a = arg;
    const uint64_t points = rival_points(a->problem);

    GCR_TRY(bench_rival_time(a->rival, a->problem->size->rows, points, seconds_out));
    *seconds_out /= (double)points;
out:
    return status;
}

/* Lets each rival find its best form. One that ends then, or has not the memory, is none from here
 * on: our own figures do not wait for it. */
static void try_rivals(problem *p)
{
    for (int r = 0; r < RIVALS; r++) {
        rival_arg arg = { p, &p->rivals[r] };
        double seconds;

        if (p->rivals[r].process == 0 || run_rival(&arg, &seconds) == GCR_OK)
            continue;
        bench_absent(p->b, rival_names[r], gcr_last_error());
        bench_rival_close(&p->rivals[r]);
    }
}

/* ---- is it right? ---------------------------------------------------------------------------- */

static gcr_status take(stage *s)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_download(s->on.queue, s->values, GCR_PLACE_HOST, s->records, 0, record_bytes(s)));
    GCR_TRY(gcr_queue_sync(s->on.queue));
out:
    return status;
}

static double tolerance(const problem *p)
{
    const double n = p->size->rows;
    const double condition = (n * p->variance[p->size->variances - 1] + p->noise[0]) / p->noise[0];

    if (p->scalar == GCR_F32)
        return FLT_EPSILON * condition; /* n times that would let everything pass */
    return condition <= 1e4 ? 1e-12 : 8 * n * DBL_EPSILON * condition;
}

static gcr_status check_stages(problem *p)
{
    gcr_status status = GCR_OK;
    const stage *device = &p->device, *cpu = &p->cpu;
    const uint8_t *states;

    GCR_TRY(take(&p->device));
    GCR_TRY(take(&p->cpu));
    states = (const uint8_t *)(device->values + device->points);
    for (uint64_t i = 0; i < device->points; i++)
        if (states[i] != GCR_CELL_OK || !isfinite(device->values[i]))
            GCR_FAIL(GCR_EDEVICE, "n = %d, point %" PRIu64 ": state %d, value %.17g", p->size->rows,
                     i, states[i], device->values[i]);
    for (uint64_t i = 0; i < cpu->points; i++)
        if (!(fabs(cpu->values[i] - device->values[i]) <=
              tolerance(p) * (p->size->rows + fabs(cpu->values[i]))))
            GCR_FAIL(GCR_EDEVICE, "n = %d, point %" PRIu64 ": %.17g, and %.17g on the CPU",
                     p->size->rows, i, device->values[i], cpu->values[i]);
out:
    return status;
}

/* The best of the blocks is the best of the points, to the last bit. */
static gcr_status check_summary(const problem *p)
{
    gcr_status status = GCR_OK;
    const stage *s = &p->device;
    const char *record = s->partials_here->base;
    double best = -INFINITY, of_blocks = -INFINITY;

    for (uint64_t i = 0; i < s->points; i++)
        best = fmax(best, s->values[i]);
    for (uint64_t at = 0; at < partial_bytes(s); at += gcr_partial_bytes(&reduction)) {
        gcr_partial partial;

        memcpy(&partial, record + at + sizeof(gcr_partial_states), sizeof partial);
        of_blocks = fmax(of_blocks, partial.value);
    }
    if (of_blocks != best)
        GCR_FAIL(GCR_EDEVICE, "n = %d: the best point is %.17g, and %.17g by its records",
                 p->size->rows, best, of_blocks);
out:
    return status;
}

static gcr_status check_rival(const problem *p, bench_rival *rival, const char *name)
{
    gcr_status status = GCR_OK;
    const uint64_t points = rival_points(p);
    double ours = 0, size = 0, theirs;

    GCR_TRY(bench_rival_time(rival, -p->size->rows, points, &theirs));
    for (uint64_t i = 0; i < points; i++) {
        ours += p->device.values[i];
        size += p->size->rows + fabs(p->device.values[i]);
    }
    if (!(fabs(ours - theirs) <= 100 * tolerance(p) * size))
        GCR_FAIL(GCR_EDEVICE, "n = %d: the sum over %" PRIu64 " points is %.17g, and %.17g of %s",
                 p->size->rows, points, ours, theirs, name);
out:
    return status;
}

/* ---- floors ---------------------------------------------------------------------------------- */

/* Doubles have the tensor cores, too. */
static gcr_status measure_tensors(problem *p, const bench_gpu *gpu, const ceilings *c)
{
    gcr_status status = GCR_OK;
    double rate;

    GCR_TRY(ceilings_rate(&rate, c, CEILINGS_DOUBLE, "m8n8k4_rate"));
    p->tensor_rate = rate / 2;
    if (gpu->capability >= 90) {
        GCR_TRY(ceilings_rate(&rate, c, CEILINGS_DOUBLE, "m16n8k16_rate"));
        p->tensor_rate = fmax(p->tensor_rate, rate / 2);
    }
out:
    return status;
}

static gcr_status measure_ceilings(problem *p)
{
    gcr_status status = GCR_OK;
    const ceilings_text text = p->scalar == GCR_F32 ? CEILINGS_SINGLE : CEILINGS_DOUBLE;
    bench_gpu gpu = { 0 };
    ceilings c = { 0 };

    GCR_TRY(bench_gpu_open(&gpu));
    GCR_TRY(ceilings_open(&c, &gpu, 0));
    GCR_TRY(ceilings_rate(&p->exp_rate, &c, text, "exp_minus"));
    GCR_TRY(ceilings_rate(&p->vector_rate, &c, text, "multiply_adds"));
    p->tensor_rate = p->vector_rate;
    if (p->scalar == GCR_F64)
        GCR_TRY(measure_tensors(p, &gpu, &c));
    bench_say("%s: %.3g T multiply-adds/s, %.3g of factors, %.3g G exponentials/s",
              gcr_scalar_name(p->scalar), 1e-12 * p->vector_rate, 1e-12 * p->tensor_rate,
              1e-9 * p->exp_rate);
out:
    ceilings_close(&c);
    bench_gpu_close(&gpu);
    return status;
}

/* Seconds of a cell. */
static double floor_of(const problem *p)
{
    const double n = p->size->rows, triangle = n * (n + 1) / 2;

    return (triangle * (2 * FEATURES + 2) + n * n) / p->vector_rate + triangle / p->exp_rate +
           n * n * n / 6 / p->tensor_rate;
}

static void say_floor(const problem *p, const char *where, const bench_side *ours)
{
    double share[BENCH_ROUNDS_MAX];
    const double seconds = floor_of(p);

    for (int i = 0; i < p->b->rounds; i++)
        share[i] = 100 * seconds / ours->seconds[i];
    bench_row(p->b, where, "floor", "s", (bench_spread){ seconds, seconds, seconds });
    bench_row(p->b, where, "of the floor", "%", bench_spread_of(share, p->b->rounds));
    bench_ratio(p->b, where, bench_spread_of(share, p->b->rounds).median / 100);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static gcr_status measure(problem *p, const gp_size *size)
{
    gcr_status status = GCR_OK;
    static bench_side sides[3 + RIVALS];
    static rival_arg args[RIVALS];
    bench_side *of_rival[RIVALS] = { NULL }, *of_summary = NULL;
    char where[64], line[80];
    int count = 2;

    describe(p, size);
    GCR_TRY(open_stage(p, &p->device, p->is_short ? 640 : p->table.point_count));
    GCR_TRY(open_stage(p, &p->cpu, p->is_short ? 64 : p->table.point_count / 100));
    try_rivals(p);
    sides[0] = (bench_side){ .what = "gridcrunch", .run = run_stage, .arg = &p->device };
    sides[1] = (bench_side){ .what = "gridcrunch one CPU", .run = run_stage, .arg = &p->cpu };
    if (p->device.partials != NULL) {
        of_summary = &sides[count];
        sides[count++] =
            (bench_side){ .what = "gridcrunch summary", .run = run_summary, .arg = &p->device };
    }
    for (int r = 0; r < RIVALS; r++) {
        args[r] = (rival_arg){ p, &p->rivals[r] };
        if (p->rivals[r].process == 0)
            continue;
        of_rival[r] = &sides[count];
        sides[count++] = (bench_side){ .what = rival_names[r], .run = run_rival, .arg = &args[r] };
    }
    snprintf(where, sizeof where, "n=%d", size->rows);
    GCR_TRY(bench_alternate(p->b, where, sides, count));
    GCR_TRY(check_stages(p));
    if (of_summary != NULL)
        GCR_TRY(check_summary(p));
    for (int r = 0; r < RIVALS; r++)
        if (of_rival[r] != NULL) {
            GCR_TRY(check_rival(p, &p->rivals[r], rival_names[r]));
            snprintf(line, sizeof line, "over_%s n=%d", rival_names[r], size->rows);
            bench_ratio_sides(p->b, line, of_rival[r], &sides[0]);
        }
    snprintf(line, sizeof line, "over_one_CPU n=%d", size->rows);
    bench_ratio_sides(p->b, line, &sides[1], &sides[0]);
    snprintf(where, sizeof where, "of_floor n=%d", size->rows);
    if (p->vector_rate > 0)
        say_floor(p, where, &sides[0]);
    snprintf(where, sizeof where, "of_floor_summary n=%d", size->rows);
    if (p->vector_rate > 0 && of_summary != NULL)
        say_floor(p, where, of_summary);
out:
    close_stage(&p->cpu);
    close_stage(&p->device);
    return status;
}

static gcr_status open_rivals(problem *p)
{
    gcr_status status = GCR_OK;
    char script[BENCH_PATH_MAX];

    GCR_TRY(bench_beside(script, "rival_gpu.py"));
    for (int r = 0; r < RIVALS; r++) {
        GCR_TRY(bench_rival_open(
            &p->rivals[r], (const char *[]){ "/usr/bin/env", "python3", script, rival_names[r],
                                             p->is_short ? "cpu" : "gpu",
                                             p->scalar == GCR_F32 ? "float32" : "float64", NULL }));
        if (p->rivals[r].process == 0)
            bench_absent(p->b, rival_names[r], "python3 in the PATH has none for this device");
        else
            bench_say("rival: %s", p->rivals[r].version);
    }
out:
    return status;
}

static gcr_status choose_precision(problem *p, const char *precision)
{
    gcr_status status = GCR_OK;

    if (strcmp(precision, "single") != 0 && strcmp(precision, "double") != 0)
        GCR_FAIL(GCR_EINVAL, "--precision is 'double' or 'single', not '%s'", precision);
    p->scalar = strcmp(precision, "single") == 0 ? GCR_F32 : GCR_F64;
out:
    return status;
}

int main(int argc, char **argv)
{
    static problem p;
    gcr_status status = GCR_OK, failed = GCR_OK;
    const char *words = NULL, *precision = "double";
    bench b;

    GCR_TRY(bench_begin_with(&b, "gp", argc, argv,
                             (const bench_flag[]){ { "device", "NAME", &words },
                                                   { "precision", "double|single", &precision },
                                                   { 0 } }));
    p.b = &b;
    GCR_TRY(choose_precision(&p, precision));
    GCR_TRY(bench_device_open(&p.device.on, words));
    GCR_TRY(bench_device_open(&p.cpu.on, "cpu"));
    bench_blas_begin();
    p.is_short = p.device.on.device->info.shares_memory;
    if (!p.is_short)
        GCR_TRY(bench_gpu_go_on(&failed, measure_ceilings(&p)));
    GCR_TRY(open_rivals(&p));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        GCR_TRY(bench_gpu_go_on(&failed, measure(&p, &sizes[i])));
    status = failed;
out:
    for (int r = 0; r < RIVALS; r++)
        if (p.rivals[r].process != 0)
            bench_rival_close(&p.rivals[r]);
    bench_device_close(&p.cpu.on);
    bench_device_close(&p.device.on);
    return bench_end(&b, status);
}
