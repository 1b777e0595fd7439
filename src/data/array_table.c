/* data/array_table.c -- the arrays of a file become drafts of datasets. */
#include "data/table_layout.h"

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

/* ---- into drafts ------------------------------------------------------------------------------ */

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

/* The first dataset says what the others look like. */
static gcr_status begin(gcr_reading *reading, const gcr_array_plan *plan, const char *path,
                        int is_by_name)
{
    gcr_status status = GCR_OK;
    const int64_t features = plan->count - plan->has_y;
    char place[GCR_MARK_BYTES];

    reading->first_path = path;
    reading->drafts.row_word = "row";
    reading->drafts.features = features;
    reading->drafts.has_y = plan->has_y;
    reading->features = calloc((size_t)features + 1, sizeof *reading->features);
    if (reading->features == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRId64 " features", features);
    for (int64_t f = 0; f < features; f++, reading->feature_count++)
        GCR_TRY(name_feature(&reading->features[f], &plan->columns[f], is_by_name));
    if ((reading->spec->standardize & GCR_STANDARDIZE_Y) && !plan->has_y)
        GCR_FAIL(GCR_EINVAL, "%sthere is no y to standardise: name it as y",
                 gcr_format_mark(place, reading->spec->mark));
out:
    return status;
}

static gcr_status add_rows(gcr_draft *draft, const gcr_drafts *drafts, const gcr_array_plan *plan)
{
    gcr_status status = GCR_OK;
    double *row = calloc((size_t)plan->count + 1, sizeof *row);

    if (row == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a row of dataset '%s'", draft->key);
    for (int64_t i = 0; i < plan->rows; i++) {
        for (int64_t c = 0; c < plan->count; c++) {
            const gcr_array_column *from = &plan->columns[c];

            row[c] =
                from->array == NULL ? (double)i : gcr_array_number(from->array, i, from->column);
        }
        GCR_TRY(gcr_draft_add(draft, drafts, row));
    }
out:
    free(row);
    return status;
}

static gcr_status add_dataset(gcr_reading *reading, const gcr_array_plan *plan, const char *path,
                              int is_by_name)
{
    gcr_status status = GCR_OK;
    const char *key = plan->key;
    size_t bytes = plan->key_bytes;
    gcr_draft *draft;
    int is_new;

    if (bytes == 0)
        bytes = gcr_path_stem(&key, path);
    if (reading->first_path == NULL)
        GCR_TRY(begin(reading, plan, path, is_by_name));
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
    GCR_TRY(add_rows(draft, &reading->drafts, plan));
out:
    return status;
}

/* ---- all of a file ---------------------------------------------------------------------------- */

static gcr_status read_columns(gcr_reading *reading, const gcr_array_file *file,
                               const gcr_array *array)
{
    gcr_status status = GCR_OK;
    gcr_array_plan plan = { .count = 0 };

    GCR_TRY(gcr_plan_columns(&plan, reading->spec, file, array));
    GCR_TRY(add_dataset(reading, &plan, file->path, 0));
out:
    free(plan.columns);
    return status;
}

static gcr_status read_group(gcr_reading *reading, const gcr_array_file *file,
                             const gcr_array_groups *groups, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    gcr_array_plan plan = { .count = 0 };
    int is_first;

    GCR_TRY(gcr_plan_group(&plan, &is_first, groups, array));
    if (is_first)
        GCR_TRY(add_dataset(reading, &plan, file->path, 1));
out:
    free(plan.columns);
    return status;
}

gcr_status gcr_arrays_read(gcr_reading *reading, const gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    gcr_array_groups *groups = NULL;

    GCR_TRY(check_words(reading->spec, file));
    if (file->is_by_name)
        GCR_TRY(gcr_array_groups_create(&groups, reading->spec, file));
    for (uint64_t i = 0; i < file->count; i++)
        if (file->is_by_name)
            GCR_TRY(read_group(reading, file, groups, &file->arrays[i]));
        else
            GCR_TRY(read_columns(reading, file, &file->arrays[i]));
out:
    gcr_array_groups_destroy(groups);
    return status;
}
