/* data/long_table.c -- one row of a dataset in each line. */
#include "data/table_layout.h"

#include "data/source_files.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Which column of this table gives which value of a draft's row. */
typedef struct source_column {
    int column, is_date;
} source_column;

typedef struct row_plan {
    source_column *columns; /* [count] in the order of a draft's row: features, then y */
    int64_t count;
    double *row; /* [count] */
    int key;     /* column, or -1 */
} row_plan;

/* ---- what is read ---------------------------------------------------------------------------- */

/* The features are what the job names, or every column it does not. */
static gcr_status name_features(gcr_reading *reading, const gcr_table *table)
{
    gcr_status status = GCR_OK;
    const gcr_name_list *x = &reading->spec->x;
    const int count = x->count > 0 ? x->count : table->columns;

    reading->features = calloc((size_t)count, sizeof *reading->features);
    if (reading->features == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %d features", count);
    for (int i = 0; i < count; i++) {
        const char *name = x->count > 0 ? x->names[i] : table->names[i];
        const int is_feature = x->count > 0 || table->roles[i] == GCR_COLUMN_FREE;

        if (is_feature)
            GCR_TRY(
                gcr_text_copy(&reading->features[reading->feature_count++], name, strlen(name)));
    }
out:
    return status;
}

static gcr_status check_features(const gcr_reading *reading, const gcr_table *table)
{
    gcr_status status = GCR_OK;
    const gcr_data_spec *spec = reading->spec;
    char place[GCR_MARK_BYTES];

    if (reading->feature_count == 0 && spec->y == NULL)
        GCR_FAIL(GCR_EINVAL, "%sno column of %s is left for x", gcr_format_mark(place, spec->mark),
                 table->path);
    if (spec->x_format != NULL && reading->feature_count != 1)
        GCR_FAIL(GCR_EINVAL,
                 "%sa date format goes with one column of x, here are %" PRId64
                 " (name the one, or skip the others)",
                 gcr_format_mark(place, spec->x_mark), reading->feature_count);
out:
    return status;
}

/* With the first table. */
static gcr_status begin(gcr_reading *reading, const gcr_table *table)
{
    gcr_status status = GCR_OK;

    GCR_TRY(name_features(reading, table));
    GCR_TRY(check_features(reading, table));
    gcr_reading_fix(reading, table->path, reading->spec->y != NULL, "row");
out:
    return status;
}

/* Finds each feature in this table, and refuses a column that the first table does not have. */
static gcr_status place_features(row_plan *plan, const gcr_reading *reading, gcr_table *table)
{
    gcr_status status = GCR_OK;
    const gcr_data_spec *spec = reading->spec;

    for (int64_t f = 0; f < reading->feature_count; f++) {
        source_column *use = &plan->columns[plan->count++];

        use->is_date = spec->x_format != NULL;
        GCR_TRY(gcr_table_find(&use->column, table, reading->features[f], NULL));
        table->roles[use->column] = GCR_COLUMN_X;
    }
    for (int i = 0; i < table->columns && spec->x.count == 0; i++)
        if (table->roles[i] == GCR_COLUMN_FREE)
            GCR_FAIL(GCR_EINVAL, "%s has a column '%s' that %s does not have", table->path,
                     table->names[i], reading->first_path);
out:
    return status;
}

static gcr_status make_plan(row_plan *plan, const gcr_reading *reading, gcr_table *table)
{
    gcr_status status = GCR_OK;
    const size_t most = (size_t)reading->feature_count + 1;

    plan->key = gcr_table_column(table, GCR_COLUMN_KEY);
    plan->columns = calloc(most, sizeof *plan->columns);
    plan->row = calloc(most, sizeof *plan->row);
    if (plan->columns == NULL || plan->row == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a row of %s", table->path);
    GCR_TRY(place_features(plan, reading, table));
    if (reading->spec->y != NULL)
        plan->columns[plan->count++].column = gcr_table_column(table, GCR_COLUMN_Y);
out:
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Without a key the dataset is called by its file. */
static gcr_status put_stem(gcr_draft **out, gcr_reading *reading, const gcr_table *table)
{
    gcr_status status = GCR_OK;
    const char *stem;
    const size_t bytes = gcr_path_stem(&stem, table->path);
    int is_new;

    GCR_TRY(gcr_drafts_put(out, &is_new, &reading->drafts, stem, bytes, table->path, 1));
    if (!is_new)
        GCR_FAIL(GCR_EINVAL,
                 "%s and %s would both be the dataset '%s'; rename one, or name a key "
                 "column",
                 (*out)->path, table->path, (*out)->key);
out:
    return status;
}

/* The draft that the current row belongs to; NULL if the row is empty. */
static gcr_status put_key(gcr_draft **out, gcr_reading *reading, gcr_table *table, int column)
{
    gcr_status status = GCR_OK;
    const char *key;
    size_t bytes;
    int is_new;

    *out = NULL;
    if (gcr_table_row_is_empty(table))
        goto out;
    GCR_TRY(gcr_table_key(&key, &bytes, table, column));
    GCR_TRY(
        gcr_drafts_put(out, &is_new, &reading->drafts, key, bytes, table->path, table->row.line));
out:
    return status;
}

static gcr_status read_row(gcr_draft *draft, const gcr_reading *reading, const gcr_table *table,
                           const row_plan *plan)
{
    gcr_status status = GCR_OK;

    for (int64_t i = 0; i < plan->count; i++)
        GCR_TRY(gcr_table_value(&plan->row[i], table, plan->columns[i].column,
                                plan->columns[i].is_date));
    GCR_TRY(gcr_draft_add(draft, &reading->drafts, plan->row));
out:
    return status;
}

gcr_status gcr_long_read(gcr_reading *reading, gcr_table *table)
{
    gcr_status status = GCR_OK;
    row_plan plan = { .key = -1 };
    gcr_draft *draft = NULL;
    int has_row;

    if (reading->first_path == NULL)
        GCR_TRY(begin(reading, table));
    GCR_TRY(make_plan(&plan, reading, table));
    if (plan.key < 0)
        GCR_TRY(put_stem(&draft, reading, table));
    for (;;) {
        GCR_TRY(gcr_table_next(&has_row, table));
        if (!has_row)
            break;
        if (plan.key >= 0)
            GCR_TRY(put_key(&draft, reading, table, plan.key));
        if (draft != NULL)
            GCR_TRY(read_row(draft, reading, table, &plan));
    }
out:
    free(plan.columns);
    free(plan.row);
    return status;
}
