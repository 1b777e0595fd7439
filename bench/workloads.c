/* bench/workloads.c -- see workloads.h. */
#include "workloads.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct sizes {
    uint64_t multiply, tangent, sum, walk; /* rows, values, values, rows */
    uint64_t copy_bytes;                   /* of the copy that says what memory allows */
} sizes;

/* The founding sizes where there is a GPU; what a CPU does in no time. */
static const sizes gpu_sizes = { 7000, 250000000, 100000000, 10000, UINT64_C(512) << 20 };
static const sizes gpu_quick = { 1024, 10000000, 10000000, 4096, UINT64_C(64) << 20 };
static const sizes cpu_sizes = { 384, 1000000, 1000000, 2000, UINT64_C(16) << 20 };
static const sizes cpu_quick = { 96, 100000, 100000, 500, UINT64_C(1) << 20 };

typedef struct workloads {
    bench *bench;
    gcr_queue *queue;
    sizes of;
    uint64_t in_bytes, square_bytes; /* of the largest array, of a matrix of doubles */
    void *x, *out;                   /* [in_bytes] of the host, ordinary memory */
    gcr_buf *x_pinned, *out_pinned;  /* [square_bytes] */
    gcr_buf *a, *b, *out_dev;
    double memory_rate; /* bytes read and written in a second */
    uint64_t up_bytes, down_bytes;
    double sum; /* what all sums must be */
} workloads;

/* A loop, as a side of a comparison. */
typedef struct task {
    workloads *w;
    gcr_work_kind kind;
    uint64_t n;
    gcr_place copies; /* GCR_PLACE_DEVICE: none; else where the host's matrices are */
} task;

/* ---- memory ---------------------------------------------------------------------------------- */

static uint64_t largest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static gcr_status open_memory(workloads *w, gcr_device *device)
{
    gcr_status status = GCR_OK;

    w->square_bytes = gcr_work_in_bytes(GCR_WORK_MULTIPLY, w->of.multiply);
    w->in_bytes = largest(gcr_work_in_bytes(GCR_WORK_TANGENT, w->of.tangent), w->square_bytes);
    w->in_bytes = largest(gcr_work_in_bytes(GCR_WORK_SUM, w->of.sum), w->in_bytes);
    w->in_bytes = largest(gcr_work_in_bytes(GCR_WORK_APART, w->of.walk), w->in_bytes);
    GCR_TRY(gcr_memory_create(&w->x, w->in_bytes, 1, "what is computed on"));
    GCR_TRY(gcr_memory_create(&w->out, w->in_bytes, 1, "what is computed"));
    GCR_TRY(gcr_buf_open(&w->x_pinned, device, GCR_PLACE_STAGING, w->square_bytes));
    GCR_TRY(gcr_buf_open(&w->out_pinned, device, GCR_PLACE_STAGING, w->square_bytes));
    GCR_TRY(gcr_buf_open(&w->a, device, GCR_PLACE_DEVICE, w->in_bytes));
    GCR_TRY(gcr_buf_open(&w->b, device, GCR_PLACE_DEVICE, w->square_bytes));
    GCR_TRY(gcr_buf_open(&w->out_dev, device, GCR_PLACE_DEVICE, w->in_bytes));
out:
    return status;
}

static void close_memory(workloads *w)
{
    gcr_buf_close(w->out_dev);
    gcr_buf_close(w->b);
    gcr_buf_close(w->a);
    gcr_buf_close(w->out_pinned);
    gcr_buf_close(w->x_pinned);
    gcr_memory_destroy(w->out);
    gcr_memory_destroy(w->x);
}

static gcr_status send(workloads *w, gcr_buf *to, const void *from, gcr_place place, uint64_t bytes)
{
    w->up_bytes += bytes;
    return gcr_upload(w->queue, to, 0, from, place, bytes);
}

static gcr_status fetch(workloads *w, void *to, gcr_place place, uint64_t bytes)
{
    w->down_bytes += bytes;
    return gcr_download(w->queue, to, place, w->out_dev, 0, bytes);
}

/* From 0 to 1, no two alike. */
static double value_of(uint64_t i)
{
    const double product = 0.6180339887498949 * (double)(i + 1);

    return product - (double)(uint64_t)product;
}

static gcr_status send_doubles(workloads *w)
{
    gcr_status status = GCR_OK;
    double *x = w->x;

    for (uint64_t i = 0; i < w->in_bytes / sizeof *x; i++)
        x[i] = value_of(i);
    memcpy(w->x_pinned->base, x, w->square_bytes);
    GCR_TRY(send(w, w->a, x, GCR_PLACE_HOST, w->in_bytes));
    GCR_TRY(send(w, w->b, x, GCR_PLACE_HOST, w->square_bytes));
    GCR_TRY(gcr_queue_sync(w->queue));
out:
    return status;
}

static gcr_status send_floats(workloads *w)
{
    gcr_status status = GCR_OK;
    float *x = w->x;

    for (uint64_t i = 0; i < w->in_bytes / sizeof *x; i++)
        x[i] = (float)value_of(i);
    GCR_TRY(send(w, w->a, x, GCR_PLACE_HOST, w->in_bytes));
    GCR_TRY(gcr_queue_sync(w->queue));
out:
    return status;
}

/* ---- running --------------------------------------------------------------------------------- */

static gcr_status run(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const task *t = arg;
    workloads *w = t->w;
    const int is_pinned = t->copies == GCR_PLACE_STAGING, copies = t->copies != GCR_PLACE_DEVICE;
    const void *x = is_pinned ? w->x_pinned->base : w->x;
    void *out = is_pinned ? w->out_pinned->base : w->out;
    const double begin = gcr_clock_seconds();

    if (copies) {
        GCR_TRY(send(w, w->a, x, t->copies, w->square_bytes));
        GCR_TRY(send(w, w->b, x, t->copies, w->square_bytes));
    }
    GCR_TRY(gcr_work(
        w->queue,
        &(gcr_work_args){ .kind = t->kind, .a = w->a, .b = w->b, .out = w->out_dev, .n = t->n }));
    if (copies)
        GCR_TRY(fetch(w, out, t->copies, w->square_bytes));
    GCR_TRY(gcr_queue_sync(w->queue));
    *seconds_out = gcr_clock_seconds() - begin;
out:
    return status;
}

/* Once, not timed, with poison where the result will be; leaves what came out in w->out. */
static gcr_status run_once(const task *t)
{
    gcr_status status = GCR_OK;
    workloads *w = t->w;
    const uint64_t bytes = gcr_work_out_bytes(t->kind, t->n);
    double unused;

    memset(w->out, 0xff, bytes);
    GCR_TRY(send(w, w->out_dev, w->out, GCR_PLACE_HOST, bytes));
    GCR_TRY(run((void *)t, &unused));
    GCR_TRY(fetch(w, w->out, GCR_PLACE_HOST, bytes));
    GCR_TRY(gcr_queue_sync(w->queue));
out:
    return status;
}

/* ---- looking at it --------------------------------------------------------------------------- */

/* to = matrix from */
static void apply(double *to, const double *matrix, const double *from, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        to[i] = 0;
        for (uint64_t k = 0; k < n; k++)
            to[i] += matrix[i * n + k] * from[k];
    }
}

/* out v is x (x v), for a v that no error of an entry escapes but by chance. Entries are positive:
 * no sum is less than its terms. */
static gcr_status check_product(const workloads *w)
{
    gcr_status status = GCR_OK;
    const uint64_t n = w->of.multiply;
    double *v = NULL, *once, *twice, *got;

    GCR_TRY(gcr_memory_create((void **)&v, 4 * n, sizeof *v, "a vector to look at a product"));
    once = v + n;
    twice = once + n;
    got = twice + n;
    for (uint64_t i = 0; i < n; i++)
        v[i] = 1 + value_of(3 * i);
    apply(once, w->x, v, n);
    apply(twice, w->x, once, n);
    apply(got, w->out, v, n);
    for (uint64_t i = 0; i < n; i++)
        if (!(fabs(got[i] - twice[i]) <= 1e-14 * (double)n * twice[i]))
            GCR_FAIL(GCR_EDEVICE, "row %" PRIu64 " of a product is wrong", i);
out:
    gcr_memory_destroy(v);
    return status;
}

/* All values, or ten million of more. */
static gcr_status check_tangents(const workloads *w, int is_float)
{
    gcr_status status = GCR_OK;
    const double allowed = is_float ? 1e-5 : 1e-13;
    const uint64_t step = w->of.tangent / 10000000 + 1;

    for (uint64_t i = 0; i < w->of.tangent; i += step) {
        const double x = is_float ? (double)((const float *)w->x)[i] : ((const double *)w->x)[i];
        const double got =
            is_float ? (double)((const float *)w->out)[i] : ((const double *)w->out)[i];
        const double want = tan(x) + 3 * sin(x);

        if (!(fabs(got - want) <= allowed * (1 + fabs(want))))
            GCR_FAIL(GCR_EDEVICE, "tan(x) + 3 sin(x) of x = %.9g is %.17g, not %.17g", x, got,
                     want);
    }
out:
    return status;
}

/* In the order that backend/measure.h asks for. */
static double sum_lanes(const double *x, uint64_t count)
{
    double lane[GCR_SUM_LANES] = { 0 };

    for (uint64_t i = 0; i < count; i++)
        lane[i % GCR_SUM_LANES] += x[i];
    for (int half = GCR_SUM_LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            lane[k] += lane[k + half];
    return lane[0];
}

static double sum_of(const double *x, uint64_t n)
{
    const uint64_t piece = (n + GCR_SUM_PIECES - 1) / GCR_SUM_PIECES;
    double parts[GCR_SUM_PIECES];

    for (uint64_t p = 0; p < GCR_SUM_PIECES; p++) {
        const uint64_t first = p * piece < n ? p * piece : n;

        parts[p] = sum_lanes(x + first, n - first < piece ? n - first : piece);
    }
    return sum_lanes(parts, GCR_SUM_PIECES);
}

static gcr_status check_sum(const workloads *w, double got)
{
    gcr_status status = GCR_OK;

    if (memcmp(&got, &w->sum, sizeof got) != 0)
        GCR_FAIL(GCR_EDEVICE, "a sum is %a, not %a", got, w->sum);
out:
    return status;
}

static gcr_status check_walk(const workloads *w)
{
    gcr_status status = GCR_OK;
    const float *x = w->x, *out = w->out;

    for (uint64_t i = 0; i < w->of.walk * w->of.walk; i++)
        if (out[i] != 2 * x[i])
            GCR_FAIL(GCR_EDEVICE, "twice %.9g is %.9g", (double)x[i], (double)out[i]);
out:
    return status;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static double median_of(const workloads *w, const bench_side *side)
{
    return bench_spread_of(side->seconds, w->bench->rounds).median;
}

static bench_side side_of(const char *what, task *t)
{
    return (bench_side){ .what = what, .run = run, .arg = t };
}

static gcr_status measure_multiply(workloads *w, bench_side *sides)
{
    gcr_status status = GCR_OK;
    bench *b = w->bench;
    task tasks[3];
    static const gcr_place copies[] = { GCR_PLACE_DEVICE, GCR_PLACE_STAGING, GCR_PLACE_HOST };
    static const char *const names[] = { "resident", "with pinned copies", "with ordinary copies" };
    char where[64];

    for (int k = 0; k < 3; k++) {
        tasks[k] = (task){ w, GCR_WORK_MULTIPLY, w->of.multiply, copies[k] };
        GCR_TRY(run_once(&tasks[k]));
        GCR_TRY(check_product(w));
        sides[k] = side_of(names[k], &tasks[k]);
    }
    snprintf(where, sizeof where, "multiply %" PRIu64, w->of.multiply);
    GCR_TRY(bench_alternate(b, where, sides, 3));
    bench_say("%s: resident %.3f ms, with pinned copies %.3f, with ordinary ones %.3f", where,
              1e3 * median_of(w, &sides[0]), 1e3 * median_of(w, &sides[1]),
              1e3 * median_of(w, &sides[2]));
    bench_ratio_sides(b, "multiply_pinned_over_resident", &sides[1], &sides[0]);
    bench_ratio_sides(b, "multiply_ordinary_over_resident", &sides[2], &sides[0]);
out:
    return status;
}

static gcr_status measure_tangent(workloads *w, bench_side *side, gcr_work_kind kind)
{
    gcr_status status = GCR_OK;
    const int is_float = kind == GCR_WORK_TANGENT_F32;
    task t = { w, kind, w->of.tangent, GCR_PLACE_DEVICE };
    const double moved = 2 * (double)gcr_work_in_bytes(kind, w->of.tangent);
    char where[64];
    double of_copy;

    GCR_TRY(run_once(&t));
    GCR_TRY(check_tangents(w, is_float));
    *side = side_of("tan(x) + 3 sin(x)", &t);
    snprintf(where, sizeof where, "tangent %s %" PRIu64, is_float ? "f32" : "f64", w->of.tangent);
    GCR_TRY(bench_alternate(w->bench, where, side, 1));
    of_copy = moved / median_of(w, side) / w->memory_rate;
    bench_say("%s: %.3f ms, %.0f %% of what a copy does", where, 1e3 * median_of(w, side),
              100 * of_copy);
    bench_ratio(w->bench, is_float ? "tangent_f32_over_copy_rate" : "tangent_over_copy_rate",
                of_copy);
out:
    return status;
}

/* Every sum must have the bits of the first. */
static gcr_status run_sum(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const task *t = arg;
    double got = NAN;

    GCR_TRY(run(arg, seconds_out));
    GCR_TRY(fetch(t->w, t->w->out_pinned->base, GCR_PLACE_STAGING, sizeof got));
    GCR_TRY(gcr_queue_sync(t->w->queue));
    memcpy(&got, t->w->out_pinned->base, sizeof got);
    GCR_TRY(check_sum(t->w, got));
out:
    return status;
}

static gcr_status measure_sum(workloads *w, bench_side *side)
{
    gcr_status status = GCR_OK;
    task t = { w, GCR_WORK_SUM, w->of.sum, GCR_PLACE_DEVICE };
    const double reading = (double)gcr_work_in_bytes(GCR_WORK_SUM, w->of.sum) / w->memory_rate;
    char where[64];

    w->sum = sum_of(w->x, w->of.sum);
    GCR_TRY(run_once(&t));
    GCR_TRY(check_sum(w, *(const double *)w->out));
    *side = (bench_side){ .what = "sum", .run = run_sum, .arg = &t };
    snprintf(where, sizeof where, "sum %" PRIu64, w->of.sum);
    GCR_TRY(bench_alternate(w->bench, where, side, 1));
    bench_say("%s: %.3f ms, %.2f times the time of reading, always %a", where,
              1e3 * median_of(w, side), median_of(w, side) / reading, w->sum);
    bench_ratio(w->bench, "sum_over_reading", median_of(w, side) / reading);
out:
    return status;
}

static gcr_status measure_walk(workloads *w, bench_side *sides)
{
    gcr_status status = GCR_OK;
    task tasks[] = { { w, GCR_WORK_APART, w->of.walk, GCR_PLACE_DEVICE },
                     { w, GCR_WORK_NEIGHBOURS, w->of.walk, GCR_PLACE_DEVICE } };
    static const char *const names[] = { "apart", "neighbours" };
    char where[64];

    for (int k = 0; k < 2; k++) {
        GCR_TRY(run_once(&tasks[k]));
        GCR_TRY(check_walk(w));
        sides[k] = side_of(names[k], &tasks[k]);
    }
    snprintf(where, sizeof where, "walk %" PRIu64, w->of.walk);
    GCR_TRY(bench_alternate(w->bench, where, sides, 2));
    bench_say("%s: threads apart %.3f ms, on neighbouring values %.3f", where,
              1e3 * median_of(w, &sides[0]), 1e3 * median_of(w, &sides[1]));
    bench_ratio_sides(w->bench, "apart_over_neighbours", &sides[0], &sides[1]);
out:
    return status;
}

/* A copy inside the device: each byte is read and written. */
static gcr_status measure_memory(workloads *w)
{
    gcr_status status = GCR_OK;
    const gcr_transfer_spec spec = { .kind = GCR_MEMORY_DEVICE, .bytes = w->of.copy_bytes };
    gcr_transfer *transfer = NULL;
    double rates[BENCH_ROUNDS_MAX];
    bench_spread spread;

    GCR_TRY(gcr_transfer_open(&transfer, w->queue, &spec));
    for (int round = -w->bench->warmup; round < w->bench->rounds; round++) {
        double seconds;

        GCR_TRY(gcr_transfer_time(&seconds, transfer, GCR_WAY_UP, spec.bytes, 4));
        rates[round < 0 ? 0 : round] = 2 * 4 * (double)spec.bytes / seconds;
    }
    spread = bench_spread_of(rates, w->bench->rounds);
    w->memory_rate = spread.median;
    bench_row(w->bench, "memory", "read and written", "B/s", spread);
    bench_say("a copy in memory reads and writes %.1f GB/s", 1e-9 * w->memory_rate);
out:
    gcr_transfer_close(transfer);
    return status;
}

static const sizes *choose_sizes(const bench *b, const gcr_device *device)
{
    if (device->info.shares_memory)
        return b->quick ? &cpu_quick : &cpu_sizes;
    return b->quick ? &gpu_quick : &gpu_sizes;
}

gcr_status bench_workloads(bench *b, const bench_device *on, uint64_t *up_bytes,
                           uint64_t *down_bytes)
{
    static bench_side sides[3]; /* too large for a stack */
    gcr_status status = GCR_OK;
    workloads w = { .bench = b, .queue = on->queue, .of = *choose_sizes(b, on->device) };

    GCR_TRY(measure_memory(&w));
    GCR_TRY(open_memory(&w, on->device));
    GCR_TRY(send_doubles(&w));
    GCR_TRY(measure_multiply(&w, sides));
    GCR_TRY(measure_tangent(&w, sides, GCR_WORK_TANGENT));
    GCR_TRY(measure_sum(&w, sides));
    GCR_TRY(send_floats(&w));
    GCR_TRY(measure_tangent(&w, sides, GCR_WORK_TANGENT_F32));
    GCR_TRY(measure_walk(&w, sides));
out:
    *up_bytes += w.up_bytes;
    *down_bytes += w.down_bytes;
    close_memory(&w);
    return status;
}
