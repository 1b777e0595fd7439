/*
 * data/table_layout.h -- how the rows of a table become datasets.
 *
 * Every layout reads one table, or file of arrays, into the drafts of a reading. The first table
 * fixes what datasets look like (their features, whether there is a y); later ones must agree.
 */
#ifndef GCR_DATA_TABLE_LAYOUT_H
#define GCR_DATA_TABLE_LAYOUT_H

#include "data/array_file.h"
#include "data/csv_table.h"
#include "data/draft.h"

typedef struct gcr_reading {
    const gcr_data_spec *spec; /* borrowed */
    gcr_layout layout;         /* GCR_LAYOUT_AUTO until the first header has been seen */
    const char *first_path;    /* of the table that fixed the features; NULL before it; borrowed */
    char **features;           /* [feature_count] */
    int64_t feature_count;
    uint64_t rows; /* of all wide tables so far */
    gcr_drafts drafts;
} gcr_reading;

/* Reads all rows of a table whose rows are grouped by the key column, or that is one dataset.
 * GCR_EINVAL, GCR_EFORMAT, GCR_ENOMEM. Paths of tables are borrowed by the drafts. */
GCR_MUST_CHECK gcr_status gcr_long_read(gcr_reading *reading, gcr_table *table);

/* Reads all rows of a table that has one dataset in each. The same. */
GCR_MUST_CHECK gcr_status gcr_wide_read(gcr_reading *reading, gcr_table *table);

/* Reads all arrays of a file, by the names or columns that the job gives; see gridcrunch/dataset.h.
 * The same. */
GCR_MUST_CHECK gcr_status gcr_arrays_read(gcr_reading *reading, gcr_array_file *file);

/* For the layouts, at the first table, or file of arrays: what datasets look like is fixed now. A
 * row of numbers is called `row_word` in the file. */
void gcr_reading_fix(gcr_reading *reading, const char *path, int has_y, const char *row_word);

/* What GCR_LAYOUT_AUTO means for this table, see gridcrunch/dataset.h. */
gcr_layout gcr_layout_of(const gcr_table *table);

/* The x that the header of a wide table gives `column`. False if it is no number and no date. */
int gcr_wide_header_x(double *out, const gcr_table *table, int column);

#endif /* GCR_DATA_TABLE_LAYOUT_H */
