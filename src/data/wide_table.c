/* data/wide_table.c -- one dataset in each line; the header says where its values stand. */
#include "data/table_layout.h"

#include "data/date.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The columns of this table that hold y, and the x of each. */
typedef struct row_plan {
    int *columns; /* [count] */
    double *x;    /* [count] */
    int count;
    int key; /* column, or -1 */
} row_plan;

/* ---- the header ------------------------------------------------------------------------------ */

int gcr_wide_header_x(double *out, const gcr_table *table, int column)
{
    const char *name = table->names[column], *format = table->spec->x_format;

    if (format != NULL)
        return gcr_date_parse(out, name, strlen(name), format);
    return gcr_parse_number(out, name, strlen(name)) && isfinite(*out);
}

static gcr_status complain_of_header(const gcr_table *table, int column)
{
    gcr_status status = GCR_OK;
    const gcr_data_spec *spec = table->spec;

    if (spec->x_format != NULL)
        GCR_FAIL(GCR_EFORMAT,
                 "%s:%" PRIu64 ":%d: '%s' in the header is not a date of the form '%s'; if the "
                 "column is no value, name it in `skip`",
                 table->path, table->row.line, column + 1, table->names[column], spec->x_format);
    GCR_FAIL(GCR_EFORMAT,
             "%s:%" PRIu64 ":%d: '%s' in the header is not a number; say `x: position` to count "
             "columns, or name it in `skip` if it is no value",
             table->path, table->row.line, column + 1, table->names[column]);
out:
    return status;
}

/* The x of a column is its place among the values, or what the header says. */
static gcr_status add_column(row_plan *plan, const gcr_table *table, int column)
{
    gcr_status status = GCR_OK;
    const int by_position = table->spec->x_by_position;
    double x = plan->count;
    int only;

    if (!by_position && !gcr_wide_header_x(&x, table, column))
        GCR_TRY(complain_of_header(table, column));
    if (!by_position) /* finds a name that stands twice */
        GCR_TRY(gcr_table_find(&only, table, table->names[column], NULL));
    plan->columns[plan->count] = column;
    plan->x[plan->count++] = x;
out:
    return status;
}

static gcr_status make_plan(row_plan *plan, const gcr_table *table)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    plan->key = gcr_table_column(table, GCR_COLUMN_KEY);
    plan->columns = calloc((size_t)table->columns, sizeof *plan->columns);
    plan->x = calloc((size_t)table->columns, sizeof *plan->x);
    if (plan->columns == NULL || plan->x == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the columns of %s", table->path);
    for (int i = 0; i < table->columns; i++)
        if (table->roles[i] == GCR_COLUMN_FREE)
            GCR_TRY(add_column(plan, table, i));
    if (plan->count == 0)
        GCR_FAIL(GCR_EINVAL, "%sno column of %s is left for values",
                 gcr_format_mark(place, table->spec->mark), table->path);
out:
    return status;
}

/* With the first table: one feature, and y. */
static gcr_status begin(gcr_reading *reading, const gcr_table *table)
{
    gcr_status status = GCR_OK;

    reading->features = calloc(1, sizeof *reading->features);
    if (reading->features == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a feature");
    GCR_TRY(gcr_text_copy(&reading->features[0], "x", 1));
    reading->feature_count = 1;
    gcr_reading_fix(reading, table->path, 1, "column");
out:
    return status;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static gcr_status put_dataset(gcr_draft **out, gcr_reading *reading, gcr_table *table, int column)
{
    gcr_status status = GCR_OK;
    char number[32];
    const char *key = number;
    size_t bytes = (size_t)snprintf(number, sizeof number, "%" PRIu64, ++reading->rows);
    int is_new;

    *out = NULL;
    if (column >= 0 && gcr_table_row_is_empty(table))
        goto out;
    if (column >= 0)
        GCR_TRY(gcr_table_key(&key, &bytes, table, column));
    GCR_TRY(
        gcr_drafts_put(out, &is_new, &reading->drafts, key, bytes, table->path, table->row.line));
    if (!is_new)
        GCR_FAIL(GCR_EINVAL, "%s:%" PRIu64 ":%d: the key '%s' was used before, in %s:%" PRIu64,
                 table->path, table->row.line, column + 1, (*out)->key, (*out)->path, (*out)->line);
out:
    return status;
}

static gcr_status read_row(gcr_draft *draft, const gcr_reading *reading, const gcr_table *table,
                           const row_plan *plan)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < plan->count; i++) {
        double pair[2] = { plan->x[i], 0 };

        GCR_TRY(gcr_table_value(&pair[1], table, plan->columns[i], 0));
        GCR_TRY(gcr_draft_add(draft, &reading->drafts, pair));
    }
out:
    return status;
}

gcr_status gcr_wide_read(gcr_reading *reading, gcr_table *table)
{
    gcr_status status = GCR_OK;
    row_plan plan = { .key = -1 };
    gcr_draft *draft;
    int has_row;

    if (reading->first_path == NULL)
        GCR_TRY(begin(reading, table));
    GCR_TRY(make_plan(&plan, table));
    for (;;) {
        GCR_TRY(gcr_table_next(&has_row, table));
        if (!has_row)
            break;
        GCR_TRY(put_dataset(&draft, reading, table, plan.key));
        if (draft != NULL)
            GCR_TRY(read_row(draft, reading, table, &plan));
    }
out:
    free(plan.columns);
    free(plan.x);
    return status;
}
