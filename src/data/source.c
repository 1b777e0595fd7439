/* data/source.c -- from the sources of a job to its datasets. */
#include "gridcrunch/dataset.h"

#include "data/source_files.h"
#include "data/synthetic.h"
#include "data/table_layout.h"
#include "gridcrunch/dataset.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void clear_reading(gcr_reading *reading)
{
    for (int64_t i = 0; i < reading->feature_count; i++)
        free(reading->features[i]);
    free(reading->features);
    gcr_drafts_clear(&reading->drafts);
}

void gcr_reading_fix(gcr_reading *reading, const char *path, int has_y, const char *row_word)
{
    reading->first_path = path;
    reading->drafts.features = reading->feature_count;
    reading->drafts.has_y = has_y;
    reading->drafts.row_word = row_word;
}

gcr_layout gcr_layout_of(const gcr_table *table)
{
    const gcr_data_spec *spec = table->spec;
    int free_count = 0, number_count = 0;
    double x;

    if (spec->y != NULL || spec->x.count > 0)
        return GCR_LAYOUT_LONG;
    if (spec->x_by_position)
        return GCR_LAYOUT_WIDE;
    for (int i = 0; i < table->columns; i++) {
        if (table->roles[i] != GCR_COLUMN_FREE)
            continue;
        free_count++;
        number_count += gcr_wide_header_x(&x, table, i);
    }
    return 2 * number_count > free_count ? GCR_LAYOUT_WIDE : GCR_LAYOUT_LONG;
}

/* Words of the other layout are refused: they would silently mean nothing. */
static gcr_status check_words(const gcr_data_spec *spec, gcr_layout layout)
{
    gcr_status status = GCR_OK;
    const int has_x_mark = spec->x.count > 0 && spec->x.marks != NULL;
    const gcr_mark x_mark = has_x_mark ? spec->x.marks[0] : (gcr_mark){ 0 };
    char place[GCR_MARK_BYTES];

    if (layout == GCR_LAYOUT_WIDE && spec->y != NULL)
        GCR_FAIL(GCR_EINVAL, "%sa wide table has no column of y: its cells are y",
                 gcr_format_mark(place, spec->y_mark));
    if (layout == GCR_LAYOUT_WIDE && spec->x.count > 0)
        GCR_FAIL(GCR_EINVAL, "%sa wide table has no columns of x: its header is x",
                 gcr_format_mark(place, x_mark));
    if (layout != GCR_LAYOUT_WIDE && spec->x_by_position)
        GCR_FAIL(GCR_EINVAL, "%s`x: position` counts the columns of a wide table; this one is long",
                 gcr_format_mark(place, spec->x_mark));
    if ((spec->standardize & GCR_STANDARDIZE_Y) && layout != GCR_LAYOUT_WIDE && spec->y == NULL)
        GCR_FAIL(GCR_EINVAL, "%sthere is no y to standardise: name its column as y",
                 gcr_format_mark(place, spec->mark));
out:
    return status;
}

static gcr_status read_table(gcr_reading *reading, const char *path)
{
    gcr_status status = GCR_OK;
    gcr_table table = { .path = NULL };

    GCR_TRY(gcr_table_open(&table, path, reading->spec));
    if (reading->layout == GCR_LAYOUT_AUTO)
        reading->layout = gcr_layout_of(&table);
    GCR_TRY(check_words(reading->spec, reading->layout));
    if (reading->layout == GCR_LAYOUT_WIDE)
        GCR_TRY(gcr_wide_read(reading, &table));
    else
        GCR_TRY(gcr_long_read(reading, &table));
out:
    gcr_table_close(&table);
    return status;
}

static gcr_status read_arrays(gcr_reading *reading, const char *path)
{
    gcr_status status = GCR_OK;
    gcr_array_file file = { .path = NULL };

    GCR_TRY(gcr_array_file_open(&file, path, reading->spec));
    GCR_TRY(gcr_arrays_read(reading, &file));
out:
    gcr_array_file_close(&file);
    return status;
}

static gcr_status check_matrix(const gcr_data_spec *spec)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    if (spec->layout != GCR_LAYOUT_MATRIX)
        goto out;
    if (spec->y != NULL || spec->x.count > 0 || spec->x_by_position || spec->x_format != NULL)
        GCR_FAIL(GCR_EINVAL,
                 "%sa matrix has no x and no y: all that is not in `skip` is its columns",
                 gcr_format_mark(place, spec->y != NULL ? spec->y_mark : spec->x_mark));
out:
    return status;
}

/* Tables have names for their columns and arrays have numbers: they cannot be matched. */
static gcr_status check_kinds(const gcr_paths *paths, const gcr_mark *mark)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    for (uint64_t i = 1; i < paths->count; i++)
        if (gcr_is_array_file(paths->items[0]) != gcr_is_array_file(paths->items[i]))
            GCR_FAIL(GCR_EINVAL,
                     "%sthe sources are tables of text or files of arrays, not both: %s and %s",
                     gcr_format_mark(place, *mark), paths->items[0], paths->items[i]);
out:
    return status;
}

static gcr_status name_y(gcr_datasets *out, const gcr_reading *reading)
{
    gcr_status status = GCR_OK;
    const char *name = reading->spec->y != NULL ? reading->spec->y : "y";

    if (reading->drafts.has_y)
        GCR_TRY(gcr_text_copy(&out->y_name, name, strlen(name)));
out:
    return status;
}

/* Moves what was read into `out`. */
static gcr_status finish(gcr_datasets *out, gcr_reading *reading)
{
    gcr_status status = GCR_OK;

    GCR_TRY(name_y(out, reading));
    out->features = reading->features;
    out->feature_count = reading->feature_count;
    reading->features = NULL;
    reading->feature_count = 0;
    GCR_TRY(gcr_drafts_finish(out, &reading->drafts));
out:
    return status;
}

static gcr_status check_any(const gcr_datasets *datasets, const gcr_paths *paths,
                            const gcr_mark *mark)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    gcr_format_mark(place, *mark);
    if (datasets->count > 0)
        goto out;
    if (datasets->skipped_count > 0)
        GCR_FAIL(GCR_EINVAL, "%sno dataset is left of %" PRIu64 "; the first, '%s', has %s", place,
                 datasets->skipped_count, datasets->skipped[0].key, datasets->skipped[0].reason);
    GCR_FAIL(GCR_EINVAL, "%sthere is no dataset: %s has a header and no rows%s", place,
             paths->items[0], paths->count > 1 ? ", and so have the others" : "");
out:
    return status;
}

static gcr_status read_files(gcr_datasets *out, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    gcr_reading reading = { .spec = &job->data, .layout = job->data.layout };
    gcr_paths paths = { .count = 0 }; /* drafts borrow from it */

    GCR_TRY(check_matrix(&job->data));
    GCR_TRY(gcr_paths_find(&paths, job));
    GCR_TRY(check_kinds(&paths, &job->data.mark));
    for (uint64_t i = 0; i < paths.count; i++)
        if (gcr_is_array_file(paths.items[i]))
            GCR_TRY(read_arrays(&reading, paths.items[i]));
        else
            GCR_TRY(read_table(&reading, paths.items[i]));
    GCR_TRY(finish(out, &reading));
    GCR_TRY(check_any(out, &paths, &job->data.mark));
out:
    clear_reading(&reading);
    gcr_paths_clear(&paths);
    return status;
}

gcr_status gcr_datasets_load(gcr_datasets *out, const gcr_job *job)
{
    gcr_status status = GCR_OK;

    *out = (gcr_datasets){ .count = 0 };
    if (job->data.synthetic.datasets > 0)
        GCR_TRY(gcr_synthetic_make(out, job));
    else
        GCR_TRY(read_files(out, job));
    if (job->data.standardize != 0)
        GCR_TRY(gcr_datasets_standardize(out, job->data.standardize));
out:
    if (status != GCR_OK)
        gcr_datasets_clear(out);
    return status;
}
