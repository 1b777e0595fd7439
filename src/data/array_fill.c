/*
 * data/array_fill.c -- one buffer that stays in cache is all that lies between a file and the
 * columns of its datasets; numbers that are as they should be already do not even pass through
 * that.
 */
#include "data/array_fill.h"

#include "base/check.h"

#include <stdlib.h>

enum { BUFFER_BYTES = 64 << 10 }; /* or a row, where that is longer */

/* ---- numbers --------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) double number_at(const uint8_t *from,
                                                              gcr_number_type type)
{
    union {
        float f4;
        double f8;
        int32_t i4;
        int64_t i8;
    } number;

    memcpy(&number, from, gcr_number_bytes(type));
    switch (type) {
    case GCR_NUMBER_F4: return (double)number.f4;
    case GCR_NUMBER_I4: return number.i4;
    case GCR_NUMBER_I8: return (double)number.i8;
    case GCR_NUMBER_F8: break;
    }
    return number.f8;
}

/* Numbers that stand `step` bytes apart. Returns 1 if one is NaN. */
static inline __attribute__((always_inline)) int
copy_of_type(double *to, const uint8_t *from, uint64_t step, int64_t count, gcr_number_type type)
{
    int has_nan = 0;

    for (int64_t i = 0; i < count; i++) {
        to[i] = number_at(from + (uint64_t)i * step, type);
        has_nan |= to[i] != to[i];
    }
    return has_nan;
}

/* One loop for each type. */
static int copy_numbers(double *to, const uint8_t *from, uint64_t step, int64_t count,
                        gcr_number_type type)
{
    switch (type) {
    case GCR_NUMBER_F4: return copy_of_type(to, from, step, count, GCR_NUMBER_F4);
    case GCR_NUMBER_I4: return copy_of_type(to, from, step, count, GCR_NUMBER_I4);
    case GCR_NUMBER_I8: return copy_of_type(to, from, step, count, GCR_NUMBER_I8);
    case GCR_NUMBER_F8: break;
    }
    return copy_of_type(to, from, step, count, GCR_NUMBER_F8);
}

static int holds_nan(const double *values, int64_t count)
{
    int has_nan = 0;

    for (int64_t i = 0; i < count; i++)
        has_nan |= values[i] != values[i];
    return has_nan;
}

/* ---- arrays ---------------------------------------------------------------------------------- */

/* What an array is filled with. */
typedef struct filling {
    gcr_array_file *file;
    const gcr_array *array;
    uint8_t *buffer;
    int64_t most; /* rows, or numbers of a column, that the buffer holds */
    int has_nan;
} filling;

/* NULL: nobody wants this column. */
static double *place_of(const gcr_array *array, int64_t column)
{
    return array->to != NULL ? array->to[column] : NULL;
}

static gcr_status fill_by_row(filling *f)
{
    gcr_status status = GCR_OK;
    const gcr_array *array = f->array;
    const uint64_t number = gcr_number_bytes(array->type);
    const uint64_t row_bytes = (uint64_t)array->columns * number;

    for (int64_t row = 0, rows; row < array->rows; row += rows) {
        rows = array->rows - row < f->most ? array->rows - row : f->most;
        GCR_TRY(f->file->format->read(f->file, f->buffer, (uint64_t)rows * row_bytes));
        for (int64_t c = 0; c < array->columns; c++)
            if (place_of(array, c) != NULL)
                f->has_nan |=
                    copy_numbers(place_of(array, c) + row, f->buffer + (uint64_t)c * number,
                                 row_bytes, rows, array->type);
    }
out:
    return status;
}

/* A part of a column; straight to its place if it goes to one and needs no change. */
static gcr_status fill_part(filling *f, double *to, int64_t count)
{
    gcr_status status = GCR_OK;
    const gcr_number_type type = f->array->type;
    const uint64_t number = gcr_number_bytes(type);
    const int is_direct = to != NULL && type == GCR_NUMBER_F8;

    GCR_TRY(f->file->format->read(f->file, is_direct ? (void *)to : f->buffer,
                                  (uint64_t)count * number));
    if (is_direct)
        f->has_nan |= holds_nan(to, count);
    else if (to != NULL)
        f->has_nan |= copy_numbers(to, f->buffer, number, count, type);
out:
    return status;
}

static gcr_status fill_by_column(filling *f)
{
    gcr_status status = GCR_OK;
    const gcr_array *array = f->array;

    for (int64_t c = 0; c < array->columns; c++) {
        double *to = place_of(array, c);

        for (int64_t row = 0, rows; row < array->rows; row += rows) {
            rows = array->rows - row < f->most ? array->rows - row : f->most;
            GCR_TRY(fill_part(f, to != NULL ? to + row : NULL, rows));
        }
    }
out:
    return status;
}

static gcr_status fill_array(gcr_array_file *file, uint64_t index, int *has_nan)
{
    gcr_status status = GCR_OK;
    const gcr_array *array = &file->arrays[index];
    const int is_by_column = array->is_by_column || array->columns == 1;
    const uint64_t item =
        gcr_number_bytes(array->type) * (is_by_column ? 1 : (uint64_t)array->columns);
    const uint64_t bytes = item < BUFFER_BYTES ? BUFFER_BYTES : item;
    filling f = { .file = file, .array = array, .buffer = malloc(bytes) };

    if (f.buffer == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to read %s", file->path);
    f.most = (int64_t)(bytes / item);
    GCR_TRY(file->format->begin(file, index));
    GCR_TRY(is_by_column ? fill_by_column(&f) : fill_by_row(&f));
    if (file->format->end != NULL)
        GCR_TRY(file->format->end(file));
    *has_nan |= f.has_nan;
out:
    free(f.buffer);
    return status;
}

gcr_status gcr_array_file_fill(gcr_array_file *file, int *has_nan)
{
    gcr_status status = GCR_OK;

    *has_nan = 0;
    for (uint64_t i = 0; i < file->count; i++)
        GCR_TRY(fill_array(file, i, has_nan));
out:
    return status;
}
