/*
 * data/array_table.c -- the arrays of a file become drafts of datasets: first all datasets are made
 * and each array is told where its columns go, then the file is read, once and in its order.
 */
#include "data/table_layout.h"

#include "data/array_fill.h"
#include "data/array_plan.h"
#include "data/source_files.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Words that speak of tables of text would silently mean nothing. */
static gcr_status check_words(const gcr_data_spec *spec, const gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    const char *path = file->path;
    char place[GCR_MARK_BYTES];

    gcr_format_mark(place, spec->mark);
    if (spec->layout == GCR_LAYOUT_WIDE)
        GCR_FAIL(GCR_EINVAL, "%s%s holds arrays, and `layout: wide` is for tables of text", place,
                 path);
    if (spec->x_format != NULL)
        GCR_FAIL(GCR_EINVAL, "%s%s holds arrays of numbers, which have no format of dates",
                 gcr_format_mark(place, spec->x_mark), path);
    if (spec->key != NULL)
        GCR_FAIL(
            GCR_EINVAL,
            "%s%s holds arrays, which have no column of keys: a dataset is called by its file, "
            "group or array",
            gcr_format_mark(place, spec->key_mark), path);
    if (spec->missing.count > 0 || spec->delimiter != 0)
        GCR_FAIL(GCR_EINVAL,
                 "%s`missing` and `delimiter` are for tables of text; in %s a NaN is a missing "
                 "value",
                 place, path);
    if (file->is_by_name && spec->skip.count > 0)
        GCR_FAIL(GCR_EINVAL,
                 "%sthere is nothing to skip in %s: only the arrays that x and y name are read",
                 place, path);
out:
    return status;
}

/* ---- into drafts ----------------------------------------------------------------------------- */

/* A feature is called by its array where that has a name, and by its column. */
static gcr_status name_feature(char **out, const gcr_array_column *from, int is_by_name)
{
    const gcr_array *array = from->array;
    const char *slash = array != NULL && array->name != NULL ? strrchr(array->name, '/') : NULL;

    if (array == NULL)
        return gcr_text_copy(out, "position", strlen("position"));
    if (!is_by_name)
        return gcr_text_format(out, "%" PRId64, from->column);
    if (array->columns == 1)
        return gcr_text_format(out, "%s", slash != NULL ? slash + 1 : array->name);
    return gcr_text_format(out, "%s[%" PRId64 "]", slash != NULL ? slash + 1 : array->name,
                           from->column);
}

/* With the first dataset. */
static gcr_status begin(gcr_reading *reading, const gcr_array_plan *plan, const char *path,
                        int is_by_name)
{
    gcr_status status = GCR_OK;
    const int64_t features = plan->count - plan->has_y;
    char place[GCR_MARK_BYTES];

    reading->features = calloc((size_t)features + 1, sizeof *reading->features);
    if (reading->features == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRId64 " features", features);
    for (int64_t f = 0; f < features; f++, reading->feature_count++)
        GCR_TRY(name_feature(&reading->features[f], &plan->columns[f], is_by_name));
    gcr_reading_fix(reading, path, plan->has_y, "row");
    if ((reading->spec->standardize & GCR_STANDARDIZE_Y) && !plan->has_y)
        GCR_FAIL(GCR_EINVAL, "%sthere is no y to standardise: name it as y",
                 gcr_format_mark(place, reading->spec->mark));
out:
    return status;
}

static gcr_status place_column(gcr_array_file *file, const gcr_array_column *from, double *to)
{
    gcr_status status = GCR_OK;
    gcr_array *array = &file->arrays[from->array - file->arrays];
    char where[GCR_MARK_BYTES];

    if (array->to == NULL)
        array->to = calloc((size_t)array->columns + 1, sizeof *array->to);
    if (array->to == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the columns of %s", file->path);
    if (array->to[from->column] != NULL)
        GCR_FAIL(GCR_EINVAL, "%s is wanted twice; name an array once, as x or as y",
                 gcr_array_place(where, file, array));
    array->to[from->column] = to;
out:
    return status;
}

/* Tells the arrays where the columns of a dataset stand; a position is written there at once. */
static gcr_status place_columns(gcr_array_file *file, const gcr_array_plan *plan,
                                const gcr_dataset *dataset)
{
    gcr_status status = GCR_OK;

    for (int64_t c = 0; c < plan->count; c++) {
        double *to = c < dataset->features ? dataset->x + c * dataset->rows : dataset->y;

        if (plan->columns[c].array != NULL)
            GCR_TRY(place_column(file, &plan->columns[c], to));
        for (int64_t i = 0; i < dataset->rows && plan->columns[c].array == NULL; i++)
            to[i] = (double)i;
    }
out:
    return status;
}

static gcr_status add_dataset(gcr_reading *reading, const gcr_array_plan *plan,
                              gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    const char *key = plan->key, *path = file->path;
    size_t bytes = plan->key_bytes;
    gcr_draft *draft;
    int is_new;

    if (bytes == 0)
        bytes = gcr_path_stem(&key, path);
    if (reading->first_path == NULL)
        GCR_TRY(begin(reading, plan, path, file->is_by_name));
    GCR_TRY(gcr_drafts_put(&draft, &is_new, &reading->drafts, key, bytes, path, 1));
    if (!is_new)
        GCR_FAIL(GCR_EINVAL, "%s and %s would both be the dataset '%s'; rename one", draft->path,
                 path, draft->key);
    if (plan->count - plan->has_y != reading->drafts.features)
        GCR_FAIL(GCR_EFORMAT,
                 "dataset '%s' of %s has %" PRId64 " columns of x, and the first of %s has %" PRId64
                 "; all have the same",
                 draft->key, path, plan->count - plan->has_y, reading->first_path,
                 reading->drafts.features);
    GCR_TRY(gcr_draft_begin_whole(draft, &reading->drafts, plan->rows));
    GCR_TRY(place_columns(file, plan, &draft->dataset));
out:
    return status;
}

/* ---- all of a file --------------------------------------------------------------------------- */

static gcr_status add_columns(gcr_reading *reading, gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    gcr_array_plan plan = { .count = 0 };

    GCR_TRY(gcr_plan_columns(&plan, reading->spec, file, array));
    GCR_TRY(add_dataset(reading, &plan, file));
out:
    free(plan.columns);
    return status;
}

static gcr_status add_group(gcr_reading *reading, gcr_array_file *file,
                            const gcr_array_groups *groups, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    gcr_array_plan plan = { .count = 0 };
    int is_first;

    GCR_TRY(gcr_plan_group(&plan, &is_first, groups, array));
    if (is_first)
        GCR_TRY(add_dataset(reading, &plan, file));
out:
    free(plan.columns);
    return status;
}

static gcr_status add_datasets(gcr_reading *reading, gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    gcr_array_groups *groups = NULL;

    if (file->is_by_name)
        GCR_TRY(gcr_array_groups_create(&groups, reading->spec, file));
    for (uint64_t i = 0; i < file->count; i++)
        if (file->is_by_name)
            GCR_TRY(add_group(reading, file, groups, &file->arrays[i]));
        else
            GCR_TRY(add_columns(reading, file, &file->arrays[i]));
out:
    gcr_array_groups_destroy(groups);
    return status;
}

gcr_status gcr_arrays_read(gcr_reading *reading, gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    const uint64_t first = reading->drafts.count;
    int has_nan;

    GCR_TRY(check_words(reading->spec, file));
    GCR_TRY(add_datasets(reading, file));
    GCR_TRY(gcr_array_file_fill(file, &has_nan));
    for (uint64_t i = first; i < reading->drafts.count && has_nan; i++)
        GCR_TRY(gcr_draft_drop_rows(&reading->drafts.items[i]));
out:
    return status;
}
