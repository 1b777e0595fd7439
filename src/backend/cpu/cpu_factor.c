/* backend/cpu/cpu_factor.c -- see cpu_factor.h. */
#include "backend/cpu/cpu_factor.h"
#include "backend/cpu/code_path.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/cpu_blas.h"
#include "backend/cpu/cpu_lanes.h"

#include "base/check.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

#define GCR_UNIT(name) extern const gcr_cpu_lanes name;
#include "backend/gcr_cpu_factors.def"
#undef GCR_UNIT

#define GCR_UNIT(name) &name,
static const gcr_cpu_lanes *const all_lanes[] = {
#include "backend/gcr_cpu_factors.def"
};
#undef GCR_UNIT

enum { LANES_MAX = 16 };

const gcr_cpu_lanes *gcr_cpu_lanes_find(gcr_code_path path, gcr_scalar scalar)
{
    for (size_t k = 0; k < sizeof all_lanes / sizeof *all_lanes; k++)
        if (all_lanes[k]->path == path && all_lanes[k]->scalar == scalar)
            return all_lanes[k];
    return NULL;
}

static int is_for_lapack(int32_t n)
{
    return n > GCR_SPD_SQUARES_MAX;
}

uint64_t gcr_cpu_factor_bytes(const gcr_device *device, gcr_scalar scalar, int32_t n,
                              uint64_t count)
{
    const gcr_cpu_lanes *by = gcr_cpu_lanes_find(device->info.code_path, scalar);
    const uint64_t lanes = (uint64_t)by->lanes;
    const uint64_t square = (uint64_t)n * (uint64_t)n * gcr_scalar_bytes(scalar);
    uint64_t bytes;

    if (!gcr_multiply(&bytes, is_for_lapack(n) ? count : count / lanes + (count % lanes != 0),
                      is_for_lapack(n) ? square : by->squares_bytes(n)))
        return UINT64_MAX;
    return bytes;
}

/* ---- on lanes -------------------------------------------------------------------------------- */

static void factor_squares(const gcr_cpu_lanes *by, void *squares, int n, int count, int32_t *out)
{
    int32_t bad[LANES_MAX], minor[LANES_MAX];

    by->find_bad(squares, n, bad);
    by->factor(squares, n, minor);
    for (int lane = 0; lane < count; lane++)
        out[lane] = bad[lane] != 0 ? GCR_FACTOR_NAN : minor[lane];
}

static void step_on_lanes(const gcr_cpu_lanes *by, gcr_factor_step step,
                          const gcr_factor_group *group)
{
    const uint64_t square_bytes =
        (uint64_t)group->n * (uint64_t)group->n * gcr_scalar_bytes(by->scalar);
    char *squares = group->matrices;

    for (uint64_t k = 0; k < group->count;
         k += (uint64_t)by->lanes, squares += by->squares_bytes(group->n)) {
        const uint64_t left = group->count - k;
        const int count = left < (uint64_t)by->lanes ? (int)left : by->lanes;
        char *square =
            step == GCR_FACTOR_IN_PLACE ? NULL : (char *)group->square + k * square_bytes;

        switch (step) {
        case GCR_FACTOR_PACK: by->pack(squares, square, group->n, count); break;
        case GCR_FACTOR_UNPACK: by->unpack(squares, square, group->n, count); break;
        case GCR_FACTOR_IN_PLACE:
            factor_squares(by, squares, group->n, count, group->minor + k);
            break;
        }
    }
}

/* ---- by LAPACK ------------------------------------------------------------------------------- */

/* LAPACK may find no fault with NaN. Not a sum, which would wait for each number in its turn. */
static int is_finite_f64(const double *column, int count)
{
    int is_bad = 0;

    for (int i = 0; i < count; i++)
        is_bad |= !(column[i] * 0 == 0);
    return !is_bad;
}

static int is_finite_f32(const float *column, int count)
{
    int is_bad = 0;

    for (int i = 0; i < count; i++)
        is_bad |= !(column[i] * 0 == 0);
    return !is_bad;
}

static int32_t factor_f64(double *matrix, int n)
{
    int info = 0;

    for (int j = 0; j < n; j++)
        if (!is_finite_f64(matrix + (int64_t)j * n + j, n - j))
            return GCR_FACTOR_NAN;
    gcr_cpu_lapack.dpotrf("L", &n, matrix, &n, &info, 1);
    return info;
}

static int32_t factor_f32(float *matrix, int n)
{
    int info = 0;

    for (int j = 0; j < n; j++)
        if (!is_finite_f32(matrix + (int64_t)j * n + j, n - j))
            return GCR_FACTOR_NAN;
    gcr_cpu_lapack.spotrf("L", &n, matrix, &n, &info, 1);
    return info;
}

/* What stands above the diagonal is not touched. */
static void copy_triangles(char *to, const char *from, const gcr_factor_group *group,
                           uint64_t scalar_bytes)
{
    const uint64_t n = (uint64_t)group->n;

    for (uint64_t k = 0; k < group->count; k++)
        for (uint64_t j = 0; j < n; j++) {
            const uint64_t at = ((k * n + j) * n + j) * scalar_bytes;

            memcpy(to + at, from + at, (n - j) * scalar_bytes);
        }
}

static void step_by_lapack(gcr_scalar scalar, gcr_factor_step step, const gcr_factor_group *group)
{
    const int64_t square = (int64_t)group->n * group->n;

    if (step == GCR_FACTOR_PACK)
        copy_triangles(group->matrices, group->square, group, gcr_scalar_bytes(scalar));
    else if (step == GCR_FACTOR_UNPACK)
        copy_triangles(group->square, group->matrices, group, gcr_scalar_bytes(scalar));
    else
        for (uint64_t k = 0; k < group->count; k++)
            group->minor[k] =
                scalar == GCR_F64
                    ? factor_f64((double *)group->matrices + (int64_t)k * square, group->n)
                    : factor_f32((float *)group->matrices + (int64_t)k * square, group->n);
}

gcr_status gcr_cpu_factor(gcr_queue *queue, const gcr_factor_args *args)
{
    const gcr_cpu_lanes *by = gcr_cpu_lanes_find(queue->device->info.code_path, args->scalar);

    gcr_cpu_blas_begin();
    for (uint64_t g = 0; g < args->group_count; g++)
        if (is_for_lapack(args->groups[g].n))
            step_by_lapack(args->scalar, args->step, &args->groups[g]);
        else
            step_on_lanes(by, args->step, &args->groups[g]);
    gcr_cpu_blas_end();
    return GCR_OK;
}
