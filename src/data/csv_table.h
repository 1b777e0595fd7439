/*
 * data/csv_table.h -- a CSV file with a header: named columns, rows as wide as the header, cells
 * that are numbers, dates, keys or missing. Both layouts read through it, so that what is said
 * about a wrong cell is said in one place: "co2.csv:33:2: 'abc' is not a number (column 'co2')".
 *
 * Blanks around an unquoted field are not part of it. A cell is missing if it is empty, NA, or one
 * of the job's own words, compared as text; NaN in any spelling is no value either. Infinity is a
 * number: what it does to a cell is for the run to say. Names and keys are shown in sentences and
 * lists: a line end or another control character in a name is read as a blank, and in a key, where
 * a blank might make it another key, it is refused.
 */
#ifndef GCR_DATA_CSV_TABLE_H
#define GCR_DATA_CSV_TABLE_H

#include "data/csv.h"

#include "gridcrunch/job.h"

#include <stddef.h>

/* What the job wants of a column. */
typedef enum gcr_column_role {
    GCR_COLUMN_FREE, /* not named in the job */
    GCR_COLUMN_KEY,
    GCR_COLUMN_X,
    GCR_COLUMN_Y,
    GCR_COLUMN_SKIP,
} gcr_column_role;

typedef struct gcr_named_column {
    const char *name;
    int column;
} gcr_named_column;

typedef struct gcr_table {
    const char *path;          /* borrowed */
    const gcr_data_spec *spec; /* borrowed */
    gcr_csv *csv;
    gcr_csv_record row; /* the current one */
    char **names;       /* [columns] of the header */
    gcr_column_role *roles;
    gcr_named_column *sorted; /* [columns] by name */
    int columns;
} gcr_table;

/* Opens the file, reads its header and finds the columns that `spec` names; `path` and `spec` are
 * borrowed until close. GCR_EINVAL, with the place in the job: no such column, a column with two
 * roles, a name that stands twice in the header. And what gcr_csv_open() says. */
GCR_MUST_CHECK gcr_status gcr_table_open(gcr_table *out, const char *path,
                                         const gcr_data_spec *spec);

/* Allowed on a zeroed table. */
void gcr_table_close(gcr_table *table);

/* The column called `name`, or an error at `mark` with the nearest name. */
GCR_MUST_CHECK gcr_status gcr_table_find(int *out, const gcr_table *table, const char *name,
                                         const gcr_mark *mark);

/* The column with this role, or -1. Not for roles that several columns may have. */
int gcr_table_column(const gcr_table *table, gcr_column_role role);

/* Goes to the next row; *has_row is 0 at the end. GCR_EFORMAT: more or fewer fields than the
 * header. And what gcr_csv_next() says. */
GCR_MUST_CHECK gcr_status gcr_table_next(int *has_row, gcr_table *table);

/* True if no field of the current row holds anything. */
int gcr_table_row_is_empty(const gcr_table *table);

/* The current row's cell in `column` as a number, or with `is_date` as a date by the spec's format.
 * A missing one gives NaN, and nothing else does. */
GCR_MUST_CHECK gcr_status gcr_table_value(double *out, const gcr_table *table, int column,
                                          int is_date);

/* The current row's cell in `column` as a key, borrowed until the next row: *bytes_out of text in
 * UTF-8 without control characters, at least one. GCR_EFORMAT if it is not. */
GCR_MUST_CHECK gcr_status gcr_table_key(const char **out, size_t *bytes_out, const gcr_table *table,
                                        int column);

#endif /* GCR_DATA_CSV_TABLE_H */
