/* exec/values.c -- see values.h. */
#include "exec/values.h"

#include "base/check.h"
#include "base/memory.h"

gcr_values gcr_values_find(const gcr_dataset *dataset, uint64_t first, uint64_t count)
{
    const uint64_t in_x =
        dataset->x != NULL ? (uint64_t)dataset->rows * (uint64_t)dataset->features : 0;
    const uint64_t end = first + count;
    const uint64_t x_end = end < in_x ? end : in_x, y_first = first > in_x ? first : in_x;
    gcr_values out = { 0 };

    if (first < x_end) {
        out.x = dataset->x + first;
        out.x_count = x_end - first;
    }
    if (y_first < end) {
        out.y = dataset->y + (y_first - in_x);
        out.y_count = end - y_first;
    }
    return out;
}

/* The one place where doubles of a dataset become floats. */
static void convert(float *to, const double *from, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        to[i] = (float)from[i];
}

gcr_status gcr_values_narrow(float **out, const gcr_values *values)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_memory_create((void **)out, values->x_count + values->y_count, sizeof **out,
                              "a dataset in single precision"));
    convert(*out, values->x, values->x_count);
    convert(*out + values->x_count, values->y, values->y_count);
out:
    return status;
}

/* In one go where x and y are neighbours here, too. */
static gcr_status upload_doubles(gcr_queue *queue, gcr_buf *block, uint64_t offset,
                                 const gcr_values *values)
{
    gcr_status status = GCR_OK;
    const uint64_t x_bytes = values->x_count * sizeof(double);
    const uint64_t y_bytes = values->y_count * sizeof(double);
    const int are_neighbours =
        x_bytes > 0 && y_bytes > 0 && values->x + values->x_count == values->y;

    if (x_bytes > 0)
        GCR_TRY(gcr_upload(queue, block, offset, values->x, GCR_PLACE_HOST,
                           are_neighbours ? x_bytes + y_bytes : x_bytes));
    if (y_bytes > 0 && !are_neighbours)
        GCR_TRY(gcr_upload(queue, block, offset + x_bytes, values->y, GCR_PLACE_HOST, y_bytes));
out:
    return status;
}

/* The floats have been read when the upload returns, as all that is uploaded from ordinary
 * memory. */
static gcr_status upload_floats(gcr_queue *queue, gcr_buf *block, uint64_t offset,
                                const gcr_values *values)
{
    gcr_status status = GCR_OK;
    float *floats = NULL;

    GCR_TRY(gcr_values_narrow(&floats, values));
    GCR_TRY(gcr_upload(queue, block, offset, floats, GCR_PLACE_HOST,
                       (values->x_count + values->y_count) * sizeof *floats));
out:
    gcr_memory_destroy(floats);
    return status;
}

gcr_status gcr_values_upload(gcr_queue *queue, gcr_buf *block, uint64_t offset,
                             const gcr_values *values, gcr_scalar scalar)
{
    if (values->x_count + values->y_count == 0)
        return GCR_OK;
    return scalar == GCR_F32 ? upload_floats(queue, block, offset, values)
                             : upload_doubles(queue, block, offset, values);
}
