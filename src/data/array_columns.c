/* data/array_columns.c -- a dataset from the columns of one array, which are told by number. */
#include "data/array_plan.h"
#include "data/csv_table.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const gcr_mark no_mark;

static gcr_status find_column(int64_t *out, const char *name, gcr_mark mark,
                              const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES], where[GCR_MARK_BYTES];
    double number;

    gcr_format_mark(place, mark);
    gcr_array_place(where, file, array);
    if (!gcr_is_column_number(name))
        GCR_FAIL(GCR_EINVAL,
                 "%s'%s' is no column of %s: the columns of an array are numbers, counted from 0",
                 place, name, where);
    if (!gcr_parse_number(&number, name, strlen(name)) || number >= (double)array->columns)
        GCR_FAIL(GCR_EINVAL, "%sthere is no column %s in %s: it has %" PRId64 ", counted from 0",
                 place, name, where, array->columns);
    *out = (int64_t)number;
out:
    return status;
}

static gcr_status give_role(uint8_t *roles, gcr_column_role role, const char *name, gcr_mark mark,
                            const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];
    int64_t column = 0;

    GCR_TRY(find_column(&column, name, mark, file, array));
    if (roles[column] != GCR_COLUMN_FREE)
        GCR_FAIL(GCR_EINVAL, "%scolumn %s has a use already", gcr_format_mark(place, mark), name);
    roles[column] = (uint8_t)role;
out:
    return status;
}

static gcr_status give_roles(uint8_t *roles, gcr_column_role role, const gcr_name_list *names,
                             const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < names->count; i++)
        GCR_TRY(give_role(roles, role, names->names[i],
                          names->marks != NULL ? names->marks[i] : no_mark, file, array));
out:
    return status;
}

/* What the job does not say: the last column that is left is y, all others that are left are x. */
static void give_the_rest(uint8_t *roles, const gcr_data_spec *spec, int64_t columns)
{
    const int wants_y = spec->layout != GCR_LAYOUT_MATRIX && spec->y == NULL &&
                        (spec->x.count == 0 || gcr_x_is_position(spec));
    int64_t last = columns - 1;

    while (last >= 0 && roles[last] != GCR_COLUMN_FREE)
        last--;
    if (wants_y && last >= 0)
        roles[last] = GCR_COLUMN_Y;
    for (int64_t i = 0; i < columns && spec->x.count == 0 && !gcr_x_is_position(spec); i++)
        if (roles[i] == GCR_COLUMN_FREE)
            roles[i] = GCR_COLUMN_X;
}

static gcr_status choose_roles(uint8_t *roles, const gcr_data_spec *spec,
                               const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;

    GCR_TRY(give_roles(roles, GCR_COLUMN_SKIP, &spec->skip, file, array));
    if (spec->y != NULL)
        GCR_TRY(give_role(roles, GCR_COLUMN_Y, spec->y, spec->y_mark, file, array));
    if (!gcr_x_is_position(spec))
        GCR_TRY(give_roles(roles, GCR_COLUMN_X, &spec->x, file, array));
    give_the_rest(roles, spec, array->columns);
out:
    return status;
}

static void add_role(gcr_array_plan *plan, const uint8_t *roles, gcr_column_role role,
                     const gcr_array *array)
{
    for (int64_t i = 0; i < array->columns; i++)
        if (roles[i] == role)
            gcr_plan_add(plan, array, i);
}

/* The features that the job names come in its order, those it does not in the array's. */
static gcr_status add_features(gcr_array_plan *plan, const uint8_t *roles,
                               const gcr_data_spec *spec, const gcr_array_file *file,
                               const gcr_array *array)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < spec->x.count && !gcr_x_is_position(spec); i++) {
        int64_t column = 0;

        GCR_TRY(find_column(&column, spec->x.names[i], no_mark, file, array));
        gcr_plan_add(plan, array, column);
    }
    if (spec->x.count == 0)
        add_role(plan, roles, GCR_COLUMN_X, array);
    if (plan->count == 0) /* nothing but y is left: its x is the position */
        gcr_plan_add(plan, NULL, 0);
out:
    return status;
}

gcr_status gcr_plan_columns(gcr_array_plan *out, const gcr_data_spec *spec,
                            const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    const size_t columns = (size_t)array->columns;
    uint8_t *roles = NULL;

    GCR_TRY(gcr_array_check_extent(file, array));
    out->rows = array->rows;
    out->key = array->name != NULL ? array->name : "";
    out->key_bytes = strlen(out->key);
    out->columns = calloc(columns + 1, sizeof *out->columns);
    roles = calloc(columns + 1, sizeof *roles);
    if (roles == NULL || out->columns == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the columns of %s", file->path);
    GCR_TRY(choose_roles(roles, spec, file, array));
    GCR_TRY(add_features(out, roles, spec, file, array));
    out->has_y = memchr(roles, GCR_COLUMN_Y, columns) != NULL;
    add_role(out, roles, GCR_COLUMN_Y, array);
out:
    free(roles);
    return status;
}
