/*
 * data/array_table.c -- arrays become datasets: by columns of one array, or by the names of several
 * that stand together in a group. Which of the two, data/source.h says.
 */
#include "data/table_layout.h"

#include "data/place.h"
#include "data/source_files.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A column of a dataset. Without an array it is the row's position. */
typedef struct array_column {
    const gcr_array *array;
    int64_t column;
} array_column;

/* One dataset as it will be read: features, then y where there is one. */
typedef struct array_plan {
    array_column *columns; /* [count] */
    int64_t count;
    int has_y;
    int64_t rows;
} array_plan;

/* "a.npz: 'b/X'": what sentences call an array. */
static const char *name_array(char out[GCR_PLACE_BYTES], const gcr_array_file *file,
                              const gcr_array *array)
{
    if (array->name == NULL)
        snprintf(out, GCR_PLACE_BYTES, "%s", file->path);
    else
        snprintf(out, GCR_PLACE_BYTES, "%s: '%s'", file->path, array->name);
    return out;
}

/* ---- the words of the job --------------------------------------------------------------------- */

static int x_is_position(const gcr_data_spec *spec)
{
    return spec->x_by_position || (spec->x.count == 1 && strcmp(spec->x.names[0], "position") == 0);
}

/* Words that speak of tables of text would silently mean nothing. */
static gcr_status check_words(const gcr_data_spec *spec, const char *path)
{
    gcr_status status = GCR_OK;
    char place[GCR_PLACE_BYTES];

    gcr_place_text(place, &spec->mark);
    if (spec->layout == GCR_LAYOUT_WIDE)
        GCR_FAIL(GCR_EINVAL, "%s%s holds arrays, and `layout: wide` is for tables of text", place,
                 path);
    if (spec->x_format != NULL)
        GCR_FAIL(GCR_EINVAL, "%s%s holds arrays of numbers, which have no format of dates",
                 gcr_place_text(place, &spec->x_mark), path);
    if (spec->key != NULL)
        GCR_FAIL(
            GCR_EINVAL,
            "%s%s holds arrays, which have no column of keys: a dataset is called by its file, "
            "group or array",
            gcr_place_text(place, &spec->key_mark), path);
    if (spec->missing.count > 0 || spec->delimiter != 0)
        GCR_FAIL(GCR_EINVAL,
                 "%s`missing` and `delimiter` are for tables of text; in %s a NaN is a missing "
                 "value",
                 place, path);
out:
    return status;
}

static int is_whole(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* ---- the columns of one array ----------------------------------------------------------------- */

static gcr_status find_column(int64_t *out, const char *name, const gcr_mark *mark,
                              const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    char place[GCR_PLACE_BYTES], where[GCR_PLACE_BYTES];
    double number;

    gcr_place_text(place, mark);
    name_array(where, file, array);
    if (!is_whole(name))
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

static gcr_status give_role(uint8_t *roles, gcr_column_role role, const char *name,
                            const gcr_mark *mark, const gcr_array_file *file,
                            const gcr_array *array)
{
    gcr_status status = GCR_OK;
    char place[GCR_PLACE_BYTES];
    int64_t column;

    GCR_TRY(find_column(&column, name, mark, file, array));
    if (roles[column] != GCR_COLUMN_FREE)
        GCR_FAIL(GCR_EINVAL, "%scolumn %s has a use already", gcr_place_text(place, mark), name);
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
                          names->marks != NULL ? &names->marks[i] : NULL, file, array));
out:
    return status;
}

/* What the job does not say: the last column that is left is y, all others that are left are x. */
static void give_the_rest(uint8_t *roles, const gcr_data_spec *spec, int64_t columns)
{
    const int wants_y = spec->layout != GCR_LAYOUT_MATRIX && spec->y == NULL && spec->x.count == 0;
    int64_t last = columns - 1;

    while (last >= 0 && roles[last] != GCR_COLUMN_FREE)
        last--;
    if (wants_y && last >= 0)
        roles[last] = GCR_COLUMN_Y;
    for (int64_t i = 0; i < columns && spec->x.count == 0 && !x_is_position(spec); i++)
        if (roles[i] == GCR_COLUMN_FREE)
            roles[i] = GCR_COLUMN_X;
}

static gcr_status choose_roles(uint8_t *roles, const gcr_data_spec *spec,
                               const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;

    GCR_TRY(give_roles(roles, GCR_COLUMN_SKIP, &spec->skip, file, array));
    if (spec->y != NULL)
        GCR_TRY(give_role(roles, GCR_COLUMN_Y, spec->y, &spec->y_mark, file, array));
    if (!x_is_position(spec))
        GCR_TRY(give_roles(roles, GCR_COLUMN_X, &spec->x, file, array));
    give_the_rest(roles, spec, array->columns);
out:
    return status;
}

static void add_column(array_plan *plan, const gcr_array *array, int64_t column)
{
    plan->columns[plan->count++] = (array_column){ .array = array, .column = column };
}

static void add_role(array_plan *plan, const uint8_t *roles, gcr_column_role role,
                     const gcr_array *array)
{
    for (int64_t i = 0; i < array->columns; i++)
        if (roles[i] == role)
            add_column(plan, array, i);
}

/* The features that the job names come in its order, those it does not in the array's. */
static gcr_status add_features(array_plan *plan, const uint8_t *roles, const gcr_data_spec *spec,
                               const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < spec->x.count && !x_is_position(spec); i++) {
        int64_t column;

        GCR_TRY(find_column(&column, spec->x.names[i], NULL, file, array));
        add_column(plan, array, column);
    }
    if (spec->x.count == 0)
        add_role(plan, roles, GCR_COLUMN_X, array);
    if (plan->count == 0) /* nothing but y is left: its x is the position */
        add_column(plan, NULL, 0);
out:
    return status;
}

static gcr_status plan_columns(array_plan *out, const gcr_data_spec *spec,
                               const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    const size_t columns = (size_t)array->columns;
    uint8_t *roles = calloc(columns + 1, sizeof *roles);

    out->rows = array->rows;
    out->columns = calloc(columns + 1, sizeof *out->columns);
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

/* ---- into drafts ------------------------------------------------------------------------------ */

/* A feature is called by its array where that has a name, and by its column. */
static gcr_status name_feature(char **out, const array_column *from, int is_by_name)
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
static gcr_status begin(gcr_reading *reading, const array_plan *plan, const char *path,
                        int is_by_name)
{
    gcr_status status = GCR_OK;
    const int64_t features = plan->count - plan->has_y;
    char place[GCR_PLACE_BYTES];

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
                 gcr_place_text(place, &reading->spec->mark));
out:
    return status;
}

static gcr_status add_rows(gcr_draft *draft, const gcr_drafts *drafts, const array_plan *plan)
{
    gcr_status status = GCR_OK;
    double *row = calloc((size_t)plan->count + 1, sizeof *row);

    if (row == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a row of dataset '%s'", draft->key);
    for (int64_t i = 0; i < plan->rows; i++) {
        for (int64_t c = 0; c < plan->count; c++) {
            const array_column *from = &plan->columns[c];

            row[c] =
                from->array == NULL ? (double)i : gcr_array_number(from->array, i, from->column);
        }
        GCR_TRY(gcr_draft_add(draft, drafts, row));
    }
out:
    free(row);
    return status;
}

/* `key` without bytes stands for the file: its name without folder and ending. */
static gcr_status add_dataset(gcr_reading *reading, const array_plan *plan, const char *path,
                              const char *key, size_t bytes, int is_by_name)
{
    gcr_status status = GCR_OK;
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

/* ---- each array is a dataset ------------------------------------------------------------------ */

static gcr_status check_extent(const gcr_array_file *file, const gcr_array *array)
{
    gcr_status status = GCR_OK;
    char where[GCR_PLACE_BYTES];

    name_array(where, file, array);
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

static gcr_status read_array(gcr_reading *reading, const gcr_array_file *file,
                             const gcr_array *array)
{
    gcr_status status = GCR_OK;
    array_plan plan = { .count = 0 };
    const char *key = array->name != NULL ? array->name : "";

    GCR_TRY(plan_columns(&plan, reading->spec, file, array));
    GCR_TRY(add_dataset(reading, &plan, file->path, key, strlen(key), 0));
out:
    free(plan.columns);
    return status;
}

gcr_status gcr_arrays_read(gcr_reading *reading, const gcr_array_file *file)
{
    gcr_status status = GCR_OK;

    GCR_TRY(check_words(reading->spec, file->path));
    for (uint64_t i = 0; i < file->count; i++) {
        GCR_TRY(check_extent(file, &file->arrays[i]));
        GCR_TRY(read_array(reading, file, &file->arrays[i]));
    }
out:
    return status;
}
