/* bench/scale_job.c -- see scale_job.h. */
#include "scale_job.h"

#include "kernels/registry.h"

#include "base/check.h"
#include "base/memory.h"

#include "gridcrunch/cell.h"

#include <inttypes.h>
#include <math.h>

static const char kernel[] = "scale";

gcr_status bench_scale_open(bench_scale *out, const bench_device *on, uint64_t rows,
                            uint64_t points)
{
    gcr_status status = GCR_OK;
    const gcr_job job = { .kernel = (char *)kernel };

    *out = (bench_scale){ .rows = rows, .points = points };
    GCR_TRY(gcr_memory_create((void **)&out->factors, points, sizeof(double), "the factors"));
    for (uint64_t p = 0; p < points; p++)
        out->factors[p] = (double)(p + 1);
    out->table = (gcr_point_table){ .axes = { { "factor", out->factors, points } },
                                    .axis_count = 1,
                                    .point_count = points,
                                    .live_count = points };
    out->setup.points = &out->table;
    out->spec =
        (gcr_program_spec){ .setup = &out->setup,
                            .largest = { .rows = (int64_t)rows, .option = out->setup.option } };
    GCR_TRY(gcr_unit_find(&out->spec.unit, out->setup.option, &job, on->device->info.code_path));
    GCR_TRY(gcr_program_open(&out->program, on->device, &out->spec));
out:
    return status;
}

void bench_scale_close(bench_scale *job)
{
    gcr_program_close(job->program);
    gcr_memory_destroy(job->factors);
    *job = (bench_scale){ 0 };
}

/* From 1 to 2, in thousandths, so that no sum is far from what it should be. */
void bench_scale_fill(double *y, uint64_t rows, uint64_t number)
{
    for (uint64_t i = 0; i < rows; i++)
        y[i] = 1 + (double)((i * 7 + number * 13) % 1000) / 1000;
}

/* And of what they are without their signs, which says how exact the first can be. */
static double mean_of(double *absolute_out, const double *y, uint64_t rows)
{
    double sum = 0, absolute = 0;

    for (uint64_t i = 0; i < rows; i++) {
        sum += y[i];
        absolute += fabs(y[i]);
    }
    *absolute_out = absolute / (double)rows;
    return sum / (double)rows;
}

uint64_t bench_scale_record_bytes(uint64_t cells)
{
    return cells * (sizeof(double) + 1);
}

gcr_unit_tile bench_scale_tile(const bench_scale *job, const void *y_dev, uint64_t first,
                               uint64_t count, const gcr_buf *records, uint64_t at, uint64_t cells)
{
    double *values = records->base;

    return (gcr_unit_tile){ .data = { .rows = (int64_t)job->rows, .y = y_dev },
                            .first = first,
                            .count = count,
                            .outputs = { values + at },
                            .width = { 1 },
                            .state = (uint8_t *)(values + cells) + at };
}

gcr_status bench_scale_check(const bench_scale *job, const double *y, uint64_t first,
                             uint64_t count, const void *records, uint64_t at, uint64_t cells)
{
    gcr_status status = GCR_OK;
    const double *values = records;
    const uint8_t *states = (const uint8_t *)(values + cells);
    double absolute;
    const double mean = mean_of(&absolute, y, job->rows);

    for (uint64_t i = 0; i < count; i++) {
        const double factor = job->factors[first + i], want = factor * mean;

        if (states[at + i] != GCR_CELL_OK ||
            !(fabs(values[at + i] - want) <= 1e-10 * factor * absolute))
            GCR_FAIL(GCR_EDEVICE, "point %" PRIu64 " of %" PRIu64 " rows: %.17g is not %.17g",
                     first + i, job->rows, values[at + i], want);
    }
out:
    return status;
}
