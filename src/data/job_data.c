/*
 * data/job_data.c -- the mapping `data` of a job file.
 *
 * What `x` means depends on `layout`, which may come after it. So the entries only take things
 * down, and settle() looks at them together once all have been read.
 */
#include "data/job_schema.h"
#include "data/job_sections.h"

#include <string.h>

/* ---- synthetic ------------------------------------------------------------------------------- */

static gcr_status read_datasets(gcr_job *job, const gcr_node *node)
{
    return gcr_node_read_whole(&job->data.synthetic.datasets, node, 1, INT64_MAX,
                               "a whole number >= 1");
}

/* Bounded so that rows x features fits 64 bits. */
static gcr_status read_extent(int64_t *out, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    uint64_t value;

    GCR_TRY(gcr_node_read_whole(&value, node, 1, INT32_MAX, "whole numbers from 1 to 2147483647"));
    *out = (int64_t)value;
out:
    return status;
}

static gcr_status read_rows(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    if (node->kind != GCR_NODE_LIST)
        return read_extent(&job->data.synthetic.rows, node);
    if (node->count != 2)
        GCR_TRY(gcr_node_refuse(node, "one number of rows, or two: [first, last]"));
    GCR_TRY(read_extent(&job->data.synthetic.rows, node->first));
    GCR_TRY(read_extent(&job->data.synthetic.rows_last, node->last));
out:
    return status;
}

static gcr_status read_features(gcr_job *job, const gcr_node *node)
{
    return read_extent(&job->data.synthetic.features, node);
}

static gcr_status read_noise(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    double noise;

    GCR_TRY(gcr_node_read_number(&noise, node, "a number >= 0"));
    if (noise < 0)
        GCR_TRY(gcr_node_refuse(node, "a number >= 0"));
    job->data.synthetic.noise = noise;
out:
    return status;
}

static gcr_status read_synthetic(gcr_job *job, const gcr_node *node)
{
    static const gcr_schema_entry entries[] = {
        { "datasets", read_datasets, 1 },
        { "rows", read_rows, 1 },
        { "features", read_features, 0 },
        { "noise", read_noise, 0 },
    };
    static const gcr_schema schema = GCR_SCHEMA(entries);

    job->data.synthetic.features = 1;
    job->data.synthetic.noise = 0.1;
    return gcr_schema_read(job, node, &schema);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static gcr_status read_source(gcr_job *job, const gcr_node *node)
{
    return gcr_node_read_names(&job->data.sources, node,
                               "a file name, a pattern or a list of them");
}

static gcr_status read_layout(gcr_job *job, const gcr_node *node)
{
    static const char *const words[] = { [GCR_LAYOUT_AUTO] = "auto",
                                         [GCR_LAYOUT_LONG] = "long",
                                         [GCR_LAYOUT_WIDE] = "wide",
                                         [GCR_LAYOUT_MATRIX] = "matrix" };
    gcr_status status = GCR_OK;
    int choice;

    GCR_TRY(gcr_node_read_choice(&choice, node, words, 4));
    job->data.layout = (gcr_layout)choice;
out:
    return status;
}

static gcr_status read_key(gcr_job *job, const gcr_node *node)
{
    job->data.key_mark = node->mark;
    return gcr_node_read_text(&job->data.key, node, "the name of a column");
}

static gcr_status read_x_column(gcr_job *job, const gcr_node *node)
{
    if (node->kind != GCR_NODE_TEXT) /* a format belongs to one column */
        return gcr_node_refuse(node, "the name of a column");
    return gcr_node_read_names(&job->data.x, node, "the name of a column");
}

static gcr_status read_x_format(gcr_job *job, const gcr_node *node)
{
    return gcr_node_read_line(&job->data.x_format, node, "a date format such as \"%Y%m%d\"");
}

static gcr_status read_x(gcr_job *job, const gcr_node *node)
{
    static const gcr_schema_entry entries[] = {
        { "column", read_x_column, 0 },
        { "format", read_x_format, 1 },
    };
    static const gcr_schema schema = GCR_SCHEMA(entries);

    job->data.x_mark = node->mark;
    if (node->kind == GCR_NODE_MAPPING)
        return gcr_schema_read(job, node, &schema);
    return gcr_node_read_names(&job->data.x, node, "names of columns");
}

static gcr_status read_y(gcr_job *job, const gcr_node *node)
{
    job->data.y_mark = node->mark;
    return gcr_node_read_text(&job->data.y, node, "the name of a column");
}

static gcr_status read_skip(gcr_job *job, const gcr_node *node)
{
    if (node->kind == GCR_NODE_LIST && node->count == 0) /* skips nothing */
        return GCR_OK;
    return gcr_node_read_names(&job->data.skip, node, "names of columns");
}

static int is_delimiter(const char *text)
{
    return strlen(text) == 1 && strchr("\"\n", text[0]) == NULL && (unsigned char)text[0] < 0x80;
}

static gcr_status read_delimiter(gcr_job *job, const gcr_node *node)
{
    if (gcr_node_is(node, "tab"))
        job->data.delimiter = '\t';
    else if (node->kind == GCR_NODE_TEXT && is_delimiter(node->text))
        job->data.delimiter = node->text[0];
    else
        return gcr_node_refuse(node, "one character (no quote, no letter with an accent) or tab");
    return GCR_OK;
}

static gcr_status read_missing(gcr_job *job, const gcr_node *node)
{
    return gcr_node_read_names(&job->data.missing, node, "words that stand for no value");
}

static gcr_status read_standardize(gcr_job *job, const gcr_node *node)
{
    static const char *const words[] = { "none", "x", "y" };
    static const int flags[] = { 0, GCR_STANDARDIZE_X, GCR_STANDARDIZE_Y };
    const int is_list = node->kind == GCR_NODE_LIST;
    gcr_status status = GCR_OK;

    for (const gcr_node *item = is_list ? node->first : node; item != NULL;
         item = is_list ? item->next : NULL) {
        int choice;

        GCR_TRY(gcr_node_read_choice(&choice, item, words, 3));
        job->data.standardize |= flags[choice];
    }
out:
    return status;
}

/* ---- all of it together ---------------------------------------------------------------------- */

/* Synthetic datasets have no files, so nothing that describes files. */
static gcr_status settle_synthetic(const gcr_node *node)
{
    gcr_status status = GCR_OK;

    for (const gcr_node *entry = node->first; entry != NULL; entry = entry->next)
        if (strcmp(entry->key, "synthetic") != 0 && strcmp(entry->key, "standardize") != 0)
            GCR_FAIL(GCR_EINVAL,
                     GCR_AT(entry->key_mark, "'%s' describes files, but the data is "
                                             "synthetic; leave one of them out"),
                     entry->key);
out:
    return status;
}

/* The columns of a wide table are its values of x: `x` says how to read their names. */
static gcr_status settle_wide(gcr_data_spec *data)
{
    gcr_status status = GCR_OK;

    if (data->y != NULL)
        GCR_FAIL(GCR_EINVAL, GCR_AT(data->y_mark, "a wide table has no column y: all columns that "
                                                  "are not skipped are values of y"));
    if (data->x.count == 0)
        goto out;
    if (data->x.count > 1 || data->x_format != NULL || strcmp(data->x.names[0], "position") != 0)
        GCR_FAIL(GCR_EINVAL,
                 GCR_AT(data->x_mark, "x of a wide table is in its header: 'x' takes position or "
                                      "{format: ...}, or is left out for numbers"));
    gcr_name_list_clear(&data->x);
    data->x_by_position = 1;
out:
    return status;
}

/* A format without a column, or `x: position` without a y, cannot be meant for a long table. */
static int means_wide(const gcr_data_spec *data)
{
    if (data->layout != GCR_LAYOUT_AUTO || data->y != NULL)
        return data->layout == GCR_LAYOUT_WIDE;
    if (data->x.count == 0)
        return data->x_format != NULL;
    return data->x.count == 1 && data->x_format == NULL &&
           strcmp(data->x.names[0], "position") == 0;
}

static gcr_status settle_long(const gcr_data_spec *data)
{
    gcr_status status = GCR_OK;

    if (data->x_format != NULL && data->x.count == 0)
        GCR_FAIL(GCR_EINVAL, GCR_AT(data->x_mark, "'x' has a format but no column; write {column: "
                                                  "..., format: ...}"));
out:
    return status;
}

static gcr_status settle(gcr_data_spec *data, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    if (data->synthetic.datasets > 0)
        GCR_TRY(settle_synthetic(node));
    else if (data->sources.count == 0)
        GCR_FAIL(GCR_EINVAL, GCR_AT(data->mark, "'data' needs a 'source' (files) or 'synthetic' "
                                                "(datasets made by the seed)"));
    else if (means_wide(data))
        GCR_TRY(settle_wide(data));
    else
        GCR_TRY(settle_long(data));
out:
    return status;
}

gcr_status gcr_job_read_data(gcr_job *job, const gcr_node *node)
{
    static const gcr_schema_entry entries[] = {
        { "source", read_source, 0 },
        { "layout", read_layout, 0 },
        { "key", read_key, 0 },
        { "x", read_x, 0 },
        { "y", read_y, 0 },
        { "skip", read_skip, 0 },
        { "standardize", read_standardize, 0 },
        { "delimiter", read_delimiter, 0 },
        { "missing", read_missing, 0 },
        { "synthetic", read_synthetic, 0 },
    };
    static const gcr_schema schema = GCR_SCHEMA(entries);
    gcr_status status = GCR_OK;

    job->data.mark = node->key_mark;
    GCR_TRY(gcr_schema_read(job, node, &schema));
    GCR_TRY(settle(&job->data, node));
out:
    return status;
}
