/* bench/factor_rival.c -- LAPACK, and who stands in for it on a GPU. See factor_rival.h. */
#include "factor_rival.h"
#include "bench.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info,
             size_t uplo_length);

struct factor_rival {
    const factor_task *task;
    char *work;            /* [sets] of the task's squares; memory of the host */
    factor_vendor *vendor; /* in its place, on a GPU                           */
};

uint64_t factor_task_matrices(const factor_task *task)
{
    uint64_t count = 0;

    for (int g = 0; g < task->group_count; g++)
        count += task->groups[g].count;
    return count;
}

gcr_status factor_rival_open(factor_rival **out, const bench_device *on, const factor_task *task)
{
    gcr_status status = GCR_OK;
    factor_rival *rival = NULL;

    *out = NULL;
    rival = calloc(1, sizeof *rival);
    if (rival == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a rival");
    rival->task = task;
    if (!on->device->info.shares_memory) {
        GCR_TRY(factor_vendor_open(&rival->vendor, on, task));
        if (rival->vendor == NULL)
            goto out;
    } else
        GCR_TRY(gcr_memory_create((void **)&rival->work, (uint64_t)task->sets, task->square_bytes,
                                  "what LAPACK factors"));
    *out = rival;
    rival = NULL;
out:
    factor_rival_close(rival);
    return status;
}

void factor_rival_close(factor_rival *rival)
{
    if (rival == NULL)
        return;
    factor_vendor_close(rival->vendor);
    gcr_memory_destroy(rival->work);
    free(rival);
}

const char *factor_rival_way(const factor_rival *rival, int way)
{
    static const char *const ways[] = { "potrf L", "potrf U", NULL };

    return rival->vendor != NULL ? factor_vendor_way(rival->vendor, way) : ways[way];
}

/* One group of one set. */
static gcr_status factor_group(const factor_rival *rival, const gcr_factor_group *group,
                               char *squares, const char *triangle)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes =
        (uint64_t)group->n * (uint64_t)group->n * gcr_scalar_bytes(rival->task->scalar);

    for (uint64_t k = 0; k < group->count; k++) {
        void *const matrix = squares + k * bytes;
        int info = -1;

        if (rival->task->scalar == GCR_F64)
            dpotrf_(triangle, &group->n, matrix, &group->n, &info, 1);
        else
            spotrf_(triangle, &group->n, matrix, &group->n, &info, 1);
        if (info != 0)
            GCR_FAIL(GCR_EDEVICE, "n = %d: LAPACK says %d", (int)group->n, info);
    }
out:
    return status;
}

static gcr_status run_lapack(factor_rival *rival, const char *triangle, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const factor_task *task = rival->task;
    const char *first = task->groups[0].square;
    double begin;

    for (int s = 0; s < task->sets; s++)
        memcpy(rival->work + (uint64_t)s * task->square_bytes, first, task->square_bytes);
    begin = gcr_clock_seconds();
    for (int s = 0; s < task->sets; s++)
        for (int g = 0; g < task->group_count; g++)
            GCR_TRY(factor_group(rival, &task->groups[g],
                                 rival->work + (uint64_t)s * task->square_bytes +
                                     ((const char *)task->groups[g].square - first),
                                 triangle));
    *seconds_out =
        (gcr_clock_seconds() - begin) / ((double)factor_task_matrices(task) * (double)task->sets);
out:
    return status;
}

gcr_status factor_rival_run(factor_rival *rival, int way, double *seconds_out)
{
    if (rival->vendor != NULL)
        return factor_vendor_run(rival->vendor, way, seconds_out);
    return run_lapack(rival, way == 0 ? "L" : "U", seconds_out);
}
