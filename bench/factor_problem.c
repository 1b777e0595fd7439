/* bench/factor_problem.c -- see factor_problem.h. */
#include "factor_problem.h"

#include "base/check.h"
#include "base/memory.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    SETS_LEAST = 4, /* of sets that a cache could have */
    LOOKED_AT = 5,  /* of the factors of a set         */
};

static uint64_t scalar_bytes(const factor_problem *p)
{
    return gcr_scalar_bytes(p->scalar);
}

/* ---- matrices ------------------------------------------------------------------------------- */

/* Uniform in [-1, 1), of a fixed seed. */
static double draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(int64_t)*seed * 0x1p-63;
}

/* Rows of G, four numbers each, for each kind. */
static gcr_status draw_kinds(factor_problem *p)
{
    gcr_status status = GCR_OK;

    for (uint64_t k = 0; k < FACTOR_KINDS; k++) {
        uint64_t seed = k + 1;

        GCR_TRY(gcr_memory_create((void **)&p->kinds[k], (uint64_t)p->largest, 4 * sizeof(double),
                                  "matrices"));
        for (int i = 0; i < 4 * p->largest; i++)
            p->kinds[k][i] = draw(&seed);
    }
out:
    return status;
}

/* Entry (i, j) of matrix `k` of a group of n rows. */
static double entry_of(const factor_problem *p, int n, uint64_t k, int i, int j)
{
    const double *g = p->kinds[k % FACTOR_KINDS];
    double sum = i == j ? 1 + fmod(0.6180339887498949 * (double)k, 1) : 0;

    for (int c = 0; c < 4; c++)
        sum += g[4 * i + c] * g[4 * j + c] / n;
    return sum;
}

/* As the device has it: floats are rounded once, and so is what they are compared with. */
static double rounded(const factor_problem *p, double value)
{
    return p->scalar == GCR_F64 ? value : (double)(float)value;
}

static double get(const factor_problem *p, const void *values, int64_t at)
{
    return p->scalar == GCR_F64 ? ((const double *)values)[at]
                                : (double)((const float *)values)[at];
}

static void set(const factor_problem *p, void *values, int64_t at, double value)
{
    if (p->scalar == GCR_F64)
        ((double *)values)[at] = value;
    else
        ((float *)values)[at] = (float)value;
}

/* The matrices of a kind differ in their diagonals alone: the first is made, the others are
 * copies. */
static void describe_group(const factor_problem *p, const gcr_factor_group *g, char *squares)
{
    const uint64_t bytes = (uint64_t)g->n * (uint64_t)g->n * scalar_bytes(p);

    for (uint64_t k = 0; k < g->count; k++) {
        char *const square = squares + k * bytes;

        if (k >= FACTOR_KINDS)
            memcpy(square, square - FACTOR_KINDS * bytes, bytes);
        for (int j = 0; j < g->n; j++)
            for (int i = k >= FACTOR_KINDS ? j : 0; i < (k >= FACTOR_KINDS ? j + 1 : g->n); i++)
                set(p, square, i + (int64_t)j * g->n, entry_of(p, g->n, k, i, j));
    }
}

/* ---- where they stand ----------------------------------------------------------------------- */

static uint64_t round_up(uint64_t bytes, uint64_t alignment)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

/* Places in the buffers, from 0 on. */
static gcr_status lay_out(factor_problem *p)
{
    gcr_status status = GCR_OK;
    const uint64_t alignment = p->on->device->info.alignment;

    for (int g = 0; g < p->group_count; g++) {
        gcr_factor_group *group = &p->groups[0][g];
        uint64_t bytes;

        GCR_TRY(gcr_factor_bytes(&bytes, p->on->device, p->scalar, group->n, group->count));
        group->matrices = (void *)(uintptr_t)p->matrices_bytes;
        group->square = (void *)(uintptr_t)p->square_bytes;
        group->minor = (void *)(uintptr_t)(p->matrix_count * sizeof(int32_t));
        p->matrices_bytes += round_up(bytes, alignment);
        p->square_bytes += round_up(
            group->count * (uint64_t)group->n * (uint64_t)group->n * scalar_bytes(p), alignment);
        p->matrix_count += group->count;
        p->largest = group->n > p->largest ? group->n : p->largest;
    }
out:
    return status;
}

static void *moved(const gcr_buf *buf, uint64_t offset, const void *place)
{
    return (char *)buf->base + offset + (uintptr_t)place;
}

static void place_sets(factor_problem *p)
{
    for (int set = p->sets - 1; set >= 0; set--)
        for (int g = 0; g < p->group_count; g++) {
            gcr_factor_group group = p->groups[0][g];

            group.matrices = moved(p->matrices_buf[set], 0, group.matrices);
            group.square = moved(p->square_buf, 0, group.square);
            group.minor =
                moved(p->minor_buf, (uint64_t)set * p->matrix_count * sizeof(int32_t), group.minor);
            p->groups[set][g] = group;
        }
}

static gcr_status open_buffers(factor_problem *p)
{
    gcr_status status = GCR_OK;
    gcr_device *device = p->on->device;
    const uint64_t minors = (uint64_t)p->sets * p->matrix_count;

    GCR_TRY(gcr_buf_open(&p->square_buf, device, GCR_PLACE_DEVICE, p->square_bytes));
    GCR_TRY(gcr_buf_open(&p->out_buf, device, GCR_PLACE_DEVICE, p->square_bytes));
    GCR_TRY(gcr_buf_open(&p->minor_buf, device, GCR_PLACE_DEVICE, minors * sizeof(int32_t)));
    for (int set = 0; set < p->sets; set++)
        GCR_TRY(gcr_buf_open(&p->matrices_buf[set], device, GCR_PLACE_DEVICE, p->matrices_bytes));
    GCR_TRY(gcr_memory_create((void **)&p->minor, minors, sizeof(int32_t), "verdicts"));
out:
    return status;
}

static gcr_status upload_squares(factor_problem *p)
{
    gcr_status status = GCR_OK;
    char *squares = NULL;

    GCR_TRY(gcr_memory_create((void **)&squares, p->square_bytes, 1, "matrices"));
    for (int g = 0; g < p->group_count; g++)
        describe_group(p, &p->groups[0][g], squares + (uintptr_t)p->groups[0][g].square);
    GCR_TRY(gcr_upload(p->on->queue, p->square_buf, 0, squares, GCR_PLACE_HOST, p->square_bytes));
    GCR_TRY(gcr_queue_sync(p->on->queue));
out:
    gcr_memory_destroy(squares);
    return status;
}

void factor_problem_close(factor_problem *problem)
{
    for (int set = 0; set < problem->sets; set++)
        gcr_buf_close(problem->matrices_buf[set]);
    gcr_buf_close(problem->minor_buf);
    gcr_buf_close(problem->out_buf);
    gcr_buf_close(problem->square_buf);
    gcr_memory_destroy(problem->minor);
    for (int k = 0; k < FACTOR_KINDS; k++)
        gcr_memory_destroy(problem->kinds[k]);
}

/* A set that is many times as large as any cache needs no others beside it. */
uint64_t factor_problem_sets_least(const factor_problem *problem, uint64_t bytes)
{
    return bytes > problem->all_bytes / 8 ? 1 : SETS_LEAST;
}

gcr_status factor_problem_open(factor_problem *out, const factor_problem_spec *spec)
{
    gcr_status status = GCR_OK;
    uint64_t sets, least;

    *out = (factor_problem){ .on = spec->on,
                             .scalar = spec->scalar,
                             .all_bytes = spec->all_bytes,
                             .group_count = spec->group_count };
    memcpy(out->groups[0], spec->groups, (size_t)spec->group_count * sizeof *spec->groups);
    GCR_TRY(lay_out(out));
    sets = out->all_bytes / out->matrices_bytes;
    least = factor_problem_sets_least(out, out->matrices_bytes);
    out->sets = (int)(sets < least ? least : sets > FACTOR_SETS_MAX ? FACTOR_SETS_MAX : sets);
    GCR_TRY(draw_kinds(out));
    GCR_TRY(open_buffers(out));
    GCR_TRY(upload_squares(out));
    place_sets(out);
out:
    return status;
}

/* ---- what is done with them ----------------------------------------------------------------- */

gcr_status factor_problem_step(factor_problem *problem, int set, gcr_factor_step step)
{
    gcr_factor_group groups[FACTOR_GROUPS_MAX];

    for (int g = 0; g < problem->group_count; g++) {
        groups[g] = problem->groups[set][g];
        if (step == GCR_FACTOR_UNPACK)
            groups[g].square = (char *)problem->out_buf->base +
                               ((char *)groups[g].square - (char *)problem->square_buf->base);
    }
    return gcr_factor(problem->on->queue,
                      &(gcr_factor_args){ .step = step,
                                          .scalar = problem->scalar,
                                          .groups = groups,
                                          .group_count = (uint64_t)problem->group_count });
}

gcr_status factor_problem_restore(factor_problem *problem)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = (uint64_t)problem->sets * problem->matrix_count * sizeof *problem->minor;

    for (int set = 0; set < problem->sets; set++)
        GCR_TRY(factor_problem_step(problem, set, GCR_FACTOR_PACK));
    memset(problem->minor, 0xa5, bytes);
    GCR_TRY(gcr_upload(problem->on->queue, problem->minor_buf, 0, problem->minor, GCR_PLACE_HOST,
                       bytes));
    GCR_TRY(gcr_queue_sync(problem->on->queue));
out:
    return status;
}

gcr_status factor_problem_check_verdicts(factor_problem *problem)
{
    gcr_status status = GCR_OK;
    const uint64_t count = (uint64_t)problem->sets * problem->matrix_count;

    GCR_TRY(gcr_download(problem->on->queue, problem->minor, GCR_PLACE_HOST, problem->minor_buf, 0,
                         count * sizeof *problem->minor));
    GCR_TRY(gcr_queue_sync(problem->on->queue));
    for (uint64_t k = 0; k < count; k++)
        if (problem->minor[k] != 0)
            GCR_FAIL(GCR_EDEVICE, "matrix %" PRIu64 " of %" PRIu64 ": the verdict is %d", k, count,
                     (int)problem->minor[k]);
out:
    return status;
}

/* ---- is it right? --------------------------------------------------------------------------- */

/* From an entry that is looked at to the next: all, or 8 x 64 of a large matrix. */
static int row_step(int n)
{
    return n <= 256 ? 1 : n / 8;
}

static int column_step(int n)
{
    return n <= 256 ? 1 : n / 64;
}

static double residual(const factor_problem *p, const gcr_factor_group *g, uint64_t k,
                       const void *factor)
{
    const int n = g->n;
    double off = 0, norm = 0;

    for (int i = n - 1; i >= 0; i -= row_step(n))
        for (int j = i; j >= 0; j -= column_step(n)) {
            const double a = rounded(p, entry_of(p, n, k, i, j)), weight = i == j ? 1 : 2;
            double rest = a;

            for (int c = 0; c <= j; c++)
                rest -= get(p, factor, i + (int64_t)c * n) * get(p, factor, j + (int64_t)c * n);
            off += weight * rest * rest;
            norm += weight * a * a;
        }
    return sqrt(off / norm);
}

static gcr_status check_matrix(factor_problem *p, const gcr_factor_group *g, uint64_t k,
                               double *worst)
{
    gcr_status status = GCR_OK;
    const double eps = p->scalar == GCR_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    const uint64_t bytes = (uint64_t)g->n * (uint64_t)g->n * scalar_bytes(p);
    const uint64_t offset = (uint64_t)((char *)g->square - (char *)p->square_buf->base) + k * bytes;
    void *factor = NULL;
    double off;

    GCR_TRY(gcr_memory_create(&factor, bytes, 1, "a factor"));
    GCR_TRY(gcr_download(p->on->queue, factor, GCR_PLACE_HOST, p->out_buf, offset, bytes));
    GCR_TRY(gcr_queue_sync(p->on->queue));
    off = residual(p, g, k, factor) / (g->n * eps);
    *worst = fmax(*worst, off);
    if (!(off <= 1))
        GCR_FAIL(GCR_EDEVICE, "n = %d: factor %" PRIu64 " is off by %.3g n eps of its matrix",
                 (int)g->n, k, off);
out:
    gcr_memory_destroy(factor);
    return status;
}

/* The sets are unpacked one after the other to the same place. */
static gcr_status check_set(factor_problem *p, int set, double *worst)
{
    gcr_status status = GCR_OK;
    const int group_step = 1 + p->group_count / 16;

    GCR_TRY(factor_problem_step(p, set, GCR_FACTOR_UNPACK));
    for (int g = 0; g < p->group_count; g += group_step) {
        const gcr_factor_group *group = &p->groups[set][g];

        const uint64_t looks = group->count < LOOKED_AT ? group->count : LOOKED_AT;

        for (uint64_t look = 0; look < looks; look++)
            GCR_TRY(check_matrix(p, group, look * (group->count - 1) / LOOKED_AT, worst));
        if (looks < group->count)
            GCR_TRY(check_matrix(p, group, group->count - 1, worst));
    }
out:
    return status;
}

gcr_status factor_problem_check_factors(factor_problem *problem, double *worst_out)
{
    gcr_status status = GCR_OK;

    *worst_out = 0;
    for (int set = 0; set < problem->sets; set++)
        GCR_TRY(check_set(problem, set, worst_out));
out:
    return status;
}
