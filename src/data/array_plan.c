/* data/array_plan.c -- what both ways to a plan share. */
#include "data/array_plan.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *gcr_array_place(char out[GCR_MARK_BYTES], const gcr_array_file *file,
                            const gcr_array *array)
{
    if (array->name == NULL)
        snprintf(out, GCR_MARK_BYTES, "%s", file->path);
    else
        snprintf(out, GCR_MARK_BYTES, "%s: '%s'", file->path, array->name);
    return out;
}

int gcr_x_is_position(const gcr_data_spec *spec)
{
    return spec->x_by_position || (spec->x.count == 1 && strcmp(spec->x.names[0], "position") == 0);
}

int gcr_is_column_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

gcr_status gcr_array_check_extent(const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    char where[GCR_MARK_BYTES];

    gcr_array_place(where, file, array);
    if (array->columns == 0)
        GCR_FAIL(GCR_EFORMAT, "%s has no columns", where);
    if (array->columns > GCR_ARRAY_COLUMNS_MAX)
        GCR_FAIL(GCR_EFORMAT,
                 "%s has %" PRId64 " columns; at most %d are read (a row of an array is a row of "
                 "the dataset: is it transposed?)",
                 where, array->columns, GCR_ARRAY_COLUMNS_MAX);
out:
    return status;
}
