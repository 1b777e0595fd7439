/*
 * bench/bench_cholesky.c -- how fast are many small matrices factored on one core, side by side?
 *
 * Against a loop of OpenBLAS' dpotrf or spotrf, one thread, in its better triangle. Two cases for
 * each n: matrices in cache, each side in its own layout, factored in place; and in LAPACK's layout
 * from memory larger than the caches, packed, factored and unpacked within our time. Which core
 * OpenBLAS takes this machine for decides how fast it is: try OPENBLAS_CORETYPE too. Then floats in
 * cache, with our own doubles beside them, and `ratio cholesky_f32`: how many times as fast.
 *
 * Inputs are another random matrix G G'/n + I in each slot of a set that repeats, put back before
 * each timed pass, in our layout with NaN in what must not be read; verdicts are poisoned. After a
 * case every factor of the set is multiplied out: ||A - L L'|| <= n eps ||A||.
 *
 * Beside each time stand its floors, measured in the same run: `flops` at the rate of multiply-adds
 * without memory; `chain`, what a group of matrices waits for if nothing hides the inverse roots of
 * its pivots, one after the other (groups that follow one another overlap).
 */
#include "batch.h"
#include "bench.h"

#include "backend/cpu/code_path.h"
#include "backend/cpu/cpu_lanes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include "gridcrunch/kernel.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info,
             size_t uplo_length);

/* One for each code path and scalar of this build. */
#define GCR_UNIT(name) extern const batch name;
#include "gcr_batches.def"
#undef GCR_UNIT

#define GCR_UNIT(name) &name,
static const batch *const batches[] = {
#include "gcr_batches.def"
};
#undef GCR_UNIT

enum {
    CACHE_BYTES = 1 << 20,  /* of a pass in cache, or one group where that is larger */
    MEMORY_BYTES = 1 << 27, /* of a pass from memory                                 */
    SETS = 4,               /* different groups that a pass repeats                  */
    LANES_MAX = 16,
};

/* One n, one scalar, in cache or from memory. */
typedef struct problem {
    const batch *batch;
    const gcr_cpu_lanes *by;
    int n, groups, repeats, in_cache;
    uint64_t squares_bytes;            /* of a group                                           */
    char *inputs, *squares, *matrices; /* [SETS] matrices; [groups] squares; [groups] matrices */
    char *packed;                      /* [SETS] squares                                       */
    int32_t minor[LANES_MAX];
} problem;

typedef struct side_arg {
    problem *problem;
    const char *triangle; /* of LAPACK; NULL: ours */
} side_arg;

static double flops(double n)
{
    return n * n * n / 3 + n * n / 2 + n / 6;
}

static uint64_t matrix_bytes(const problem *p)
{
    return (uint64_t)p->n * (uint64_t)p->n * (uint64_t)gcr_scalar_bytes(p->batch->scalar);
}

static uint64_t group_bytes(const problem *p)
{
    return matrix_bytes(p) * (uint64_t)p->by->lanes;
}

static double get(const problem *p, const char *matrix, int i, int j)
{
    const size_t at = (size_t)i + (size_t)j * (size_t)p->n;

    return p->batch->scalar == GCR_F64 ? ((const double *)matrix)[at]
                                       : (double)((const float *)matrix)[at];
}

static void set(const problem *p, char *matrix, int i, int j, double value)
{
    const size_t at = (size_t)i + (size_t)j * (size_t)p->n;

    if (p->batch->scalar == GCR_F64)
        ((double *)matrix)[at] = value;
    else
        ((float *)matrix)[at] = (float)value;
}

/* Uniform in [-1, 1), of a fixed seed. */
static double draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(int64_t)*state * 0x1p-63;
}

/* G G'/n + I, G of four columns: enough that no two entries are alike. */
static void describe_matrix(const problem *p, char *matrix, uint64_t seed)
{
    static double g[1024][4];

    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < 4; k++)
            g[i][k] = draw(&seed);
    for (int j = 0; j < p->n; j++)
        for (int i = 0; i < p->n; i++) {
            double sum = i == j;

            for (int k = 0; k < 4; k++)
                sum += g[i][k] * g[j][k] / p->n;
            set(p, matrix, i, j, sum);
        }
}

/* ---- one pass ------------------------------------------------------------------------------- */

static char *matrix_of(const problem *p, char *matrices, int group, int lane)
{
    return matrices + (uint64_t)group * group_bytes(p) + (uint64_t)lane * matrix_bytes(p);
}

static void restore(const problem *p)
{
    for (int group = 0; group < p->groups; group++) {
        memcpy(matrix_of(p, p->matrices, group, 0), matrix_of(p, p->inputs, group % SETS, 0),
               group_bytes(p));
        if (p->in_cache)
            memcpy(p->squares + (uint64_t)group * p->squares_bytes,
                   p->packed + (uint64_t)(group % SETS) * p->squares_bytes, p->squares_bytes);
    }
}

static gcr_status factor_by_lapack(problem *p, const char *triangle)
{
    gcr_status status = GCR_OK;

    for (int k = 0; k < p->groups * p->by->lanes; k++) {
        char *matrix = p->matrices + (uint64_t)k * matrix_bytes(p);
        int info = -1;

        if (p->batch->scalar == GCR_F64)
            dpotrf_(triangle, &p->n, (double *)matrix, &p->n, &info, 1);
        else
            spotrf_(triangle, &p->n, (float *)matrix, &p->n, &info, 1);
        if (info != 0)
            GCR_FAIL(GCR_EDEVICE, "n = %d: LAPACK says %d", p->n, info);
    }
out:
    return status;
}

static gcr_status factor_group(problem *p, int group)
{
    gcr_status status = GCR_OK;
    const gcr_cpu_lanes *b = p->by;
    char *const squares = p->squares + (p->in_cache ? (uint64_t)group * p->squares_bytes : 0);
    char *const matrices = matrix_of(p, p->matrices, group, 0);

    memset(p->minor, 0xff, sizeof p->minor);
    if (!p->in_cache)
        b->pack(squares, matrices, p->n, b->lanes);
    b->factor(squares, p->n, p->minor);
    if (!p->in_cache)
        b->unpack(squares, matrices, p->n, b->lanes);
    for (int lane = 0; lane < b->lanes; lane++)
        if (p->minor[lane] != 0)
            GCR_FAIL(GCR_EDEVICE, "n = %d: matrix %d of group %d has a bad minor", p->n, lane,
                     group);
out:
    return status;
}

static gcr_status run_side(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const side_arg *const a = arg;
    problem *const p = a->problem;
    double seconds = 0;

    for (int k = 0; k < p->repeats; k++) {
        restore(p);
        seconds -= gcr_clock_seconds();
        if (a->triangle != NULL)
            GCR_TRY(factor_by_lapack(p, a->triangle));
        else
            for (int group = 0; group < p->groups; group++)
                GCR_TRY(factor_group(p, group));
        seconds += gcr_clock_seconds();
    }
    *seconds_out = seconds / p->repeats / p->groups / p->by->lanes;
out:
    return status;
}

/* ---- is it right? --------------------------------------------------------------------------- */

static gcr_status check_factor(const problem *p, const char *matrix, const char *factor)
{
    gcr_status status = GCR_OK;
    const double eps = p->batch->scalar == GCR_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    double off = 0, norm = 0;

    for (int i = 0; i < p->n; i++)
        for (int j = 0; j <= i; j++) {
            const double a = get(p, matrix, i, j), weight = i == j ? 1 : 2;
            double rest = a;

            for (int k = 0; k <= j; k++)
                rest -= get(p, factor, i, k) * get(p, factor, j, k);
            off += weight * rest * rest;
            norm += weight * a * a;
        }
    if (!(sqrt(off) <= p->n * eps * sqrt(norm)))
        GCR_FAIL(GCR_EDEVICE, "n = %d: a factor is off by %.3g of its matrix", p->n,
                 sqrt(off / norm));
out:
    return status;
}

/* Of each group of the set, the first and the last matrix where all would take long. */
static gcr_status check(problem *p)
{
    gcr_status status = GCR_OK;
    const int step = p->n > 64 ? p->by->lanes - 1 : 1;

    restore(p);
    for (int group = 0; group < gcr_min(p->groups, SETS); group++) {
        GCR_TRY(factor_group(p, group));
        if (p->in_cache)
            p->by->unpack(p->squares + (uint64_t)group * p->squares_bytes,
                          matrix_of(p, p->matrices, group, 0), p->n, p->by->lanes);
        for (int lane = 0; lane < p->by->lanes; lane += step)
            GCR_TRY(check_factor(p, matrix_of(p, p->inputs, group, lane),
                                 matrix_of(p, p->matrices, group, lane)));
    }
out:
    return status;
}

/* ---- cases ---------------------------------------------------------------------------------- */

static void close_problem(problem *p)
{
    gcr_memory_destroy(p->inputs);
    gcr_memory_destroy(p->squares);
    gcr_memory_destroy(p->matrices);
    gcr_memory_destroy(p->packed);
}

/* Passes that a side repeats in a round: enough for the clock. Small matrices take longer than
 * their operations say, and LAPACK most of all. */
static int pass_repeats(const problem *p)
{
    const double work = flops(p->n) + 20.0 * p->n * p->n;

    return p->in_cache ? 1 + (int)(2e8 / work / p->groups / p->by->lanes) : 1;
}

/* The caller closes it, where it fails too. */
static gcr_status open_problem(problem *out, const bench *b, const batch *which, int n,
                               int in_cache)
{
    gcr_status status = GCR_OK;
    const double pass = in_cache ? CACHE_BYTES : b->quick ? MEMORY_BYTES / 4 : MEMORY_BYTES;

    *out = (problem){ .batch = which,
                      .by = gcr_cpu_lanes_find(which->path, which->scalar),
                      .n = n,
                      .in_cache = in_cache };
    out->squares_bytes = out->by->squares_bytes(n);
    out->groups = (int)fmax(1, pass / (double)group_bytes(out));
    out->repeats = pass_repeats(out);
    GCR_TRY(gcr_memory_create((void **)&out->inputs, SETS, group_bytes(out), "matrices"));
    GCR_TRY(gcr_memory_create((void **)&out->packed, SETS, out->squares_bytes, "squares"));
    GCR_TRY(gcr_memory_create((void **)&out->matrices, (uint64_t)out->groups, group_bytes(out),
                              "matrices"));
    GCR_TRY(gcr_memory_create((void **)&out->squares, in_cache ? (uint64_t)out->groups : 1,
                              out->squares_bytes, "squares"));
    memset(out->packed, 0xff, SETS * out->squares_bytes); /* NaN above the diagonal */
    for (int group = 0; group < SETS; group++) {
        for (int lane = 0; lane < out->by->lanes; lane++)
            describe_matrix(out, matrix_of(out, out->inputs, group, lane),
                            (uint64_t)(group * LANES_MAX + lane));
        out->by->pack(out->packed + (uint64_t)group * out->squares_bytes,
                      matrix_of(out, out->inputs, group, 0), n, out->by->lanes);
    }
out:
    return status;
}

static void say_floors(const bench *b, const char *where, const problem *p, const bench_side *ours)
{
    const double peak = p->batch->flops_per_second(), work = flops(p->n);
    double chain[BENCH_ROUNDS_MAX], share[BENCH_ROUNDS_MAX];

    for (int i = 0; i < b->rounds; i++) {
        chain[i] = p->n * p->batch->pivot_seconds() / p->by->lanes;
        share[i] = 100 * work / p->batch->flops_per_second() / ours->seconds[i];
    }
    bench_row(b, where, "floor flops", "s",
              (bench_spread){ work / peak, work / peak, work / peak });
    bench_row(b, where, "floor chain", "s", bench_spread_of(chain, b->rounds));
    bench_row(b, where, "of peak", "%", bench_spread_of(share, b->rounds));
}

/* `name`: of the case, with what stands before "n=". */
static gcr_status measure(bench *b, const batch *which, int n, int in_cache, const char *name)
{
    gcr_status status = GCR_OK;
    static side_arg args[3];
    static bench_side sides[3];
    const bench_side *rival;
    problem p;
    char where[64];

    GCR_TRY(open_problem(&p, b, which, n, in_cache));
    args[0] = (side_arg){ .problem = &p };
    args[1] = (side_arg){ .problem = &p, .triangle = "L" };
    args[2] = (side_arg){ .problem = &p, .triangle = "U" };
    for (int i = 0; i < 3; i++)
        sides[i] = (bench_side){ .what = (const char *[]){ "gridcrunch", "potrf L", "potrf U" }[i],
                                 .run = run_side,
                                 .arg = &args[i] };
    snprintf(where, sizeof where, "cholesky %sn=%d", name, n);
    GCR_TRY(bench_alternate(b, where, sides, 3));
    GCR_TRY(check(&p));
    say_floors(b, where, &p, &sides[0]);
    rival = bench_spread_of(sides[1].seconds, b->rounds).median <
                    bench_spread_of(sides[2].seconds, b->rounds).median
                ? &sides[1]
                : &sides[2];
    bench_ratio_sides(b, where + sizeof "cholesky", rival, &sides[0]);
out:
    close_problem(&p);
    return status;
}

/* Floats in cache, their rival and our own doubles. */
static gcr_status measure_single(bench *b, const batch *single, const batch *of_double, int n)
{
    gcr_status status = GCR_OK;
    static side_arg args[4];
    static bench_side sides[4];
    problem p = { 0 }, q = { 0 };
    char where[64];

    GCR_TRY(open_problem(&p, b, single, n, 1));
    GCR_TRY(open_problem(&q, b, of_double, n, 1));
    args[0] = (side_arg){ .problem = &p };
    args[1] = (side_arg){ .problem = &p, .triangle = "L" };
    args[2] = (side_arg){ .problem = &p, .triangle = "U" };
    args[3] = (side_arg){ .problem = &q };
    for (int i = 0; i < 4; i++)
        sides[i] = (bench_side){ .what = (const char *[]){ "gridcrunch f32", "spotrf L", "spotrf U",
                                                           "gridcrunch f64" }[i],
                                 .run = run_side,
                                 .arg = &args[i] };
    snprintf(where, sizeof where, "cholesky_f32 n=%d", n);
    GCR_TRY(bench_alternate(b, where, sides, 4));
    GCR_TRY(check(&p));
    say_floors(b, where, &p, &sides[0]);
    bench_ratio_sides(b, where + sizeof "cholesky_f32", &sides[3], &sides[0]);
out:
    close_problem(&p);
    close_problem(&q);
    return status;
}

/* NULL: there is none in this build. */
static const batch *best_batch(gcr_scalar scalar)
{
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        if (batches[i]->path == gcr_code_path_here() && batches[i]->scalar == scalar)
            return batches[i];
    return NULL;
}

int main(int argc, char **argv)
{
    static const int sizes[] = { 8, 16, 32, 64, 128, 256, 400, 512 };
    const batch *const of_double = best_batch(GCR_F64), *const single = best_batch(GCR_F32);
    gcr_status status = GCR_OK;
    bench b;

    GCR_TRY(bench_begin(&b, "cholesky", argc, argv));
    bench_blas_begin();
    bench_say("code path: %s", gcr_code_path_name(of_double->path));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        GCR_TRY(measure(&b, of_double, sizes[i], 1, ""));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        GCR_TRY(measure(&b, of_double, sizes[i], 0, "from memory "));
    b.name = "cholesky_f32";
    for (size_t i = 0; single != NULL && i < sizeof sizes / sizeof *sizes; i++)
        GCR_TRY(measure_single(&b, single, of_double, sizes[i]));
out:
    return bench_end(&b, status);
}
