/*
 * results/h5_columns.c -- results.h5: what is known of each dataset, arrays over (dataset) and a
 * few over one dimension more.
 */
#include "results/h5_writer.h"

#include "base/text.h"
#include "results/layout.h"

#include <stdlib.h>
#include <string.h>

/* Writes w->column as an array over (dataset) called OWNER or OWNER_SUFFIX. */
static gcr_status write_column(gcr_h5_writer *w, const char *owner, const char *suffix, hid_t type,
                               const char *help, const char *unit)
{
    gcr_status status = GCR_OK;
    gcr_h5_array array = {
        .help = help, .unit = unit, .type = type, .rank = 1, .dims = { GCR_H5_DATASET }
    };
    char *name = NULL;

    GCR_TRY(gcr_array_name(&name, owner, suffix));
    array.name = name;
    GCR_TRY(gcr_h5_array_add(&w->root, &array, w->column, NULL));
out:
    free(name);
    return status;
}

static gcr_summary_value summary_of(const gcr_h5_writer *w, uint64_t dataset, int summary)
{
    return gcr_summaries_get(w->results->summaries, dataset, summary);
}

static gcr_status write_summary_point(gcr_h5_writer *w, int s)
{
    gcr_status status = GCR_OK;
    const gcr_summary_spec *spec = &w->results->job->summaries[s];
    const gcr_point_table *points = w->results->points;
    const uint64_t datasets = w->results->datasets->count;
    int64_t *point = w->column;
    double *value = w->column;

    for (uint64_t d = 0; d < datasets; d++)
        point[d] = summary_of(w, d, s).point;
    GCR_TRY(write_column(w, spec->name, "point", GCR_H5_INT64,
                         "number of the point, the last axis fastest; -1: none", NULL));
    for (int a = 0; a < points->axis_count; a++) {
        for (uint64_t d = 0; d < datasets; d++)
            value[d] = gcr_axis_value_at(points, a, summary_of(w, d, s).point);
        GCR_TRY(write_column(w, spec->name, points->axes[a].name, GCR_H5_DOUBLE,
                             gcr_h5_parameter_help(w->results->kernel, points->axes[a].name),
                             NULL));
    }
out:
    return status;
}

static const char *output_unit(const gcr_kernel *kernel, const char *name)
{
    for (const gcr_kernel_output *o = kernel->outputs; o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return o->unit;
    return NULL;
}

static gcr_status write_summary(gcr_h5_writer *w, int s)
{
    gcr_status status = GCR_OK;
    const gcr_summary_spec *spec = &w->results->job->summaries[s];
    const uint64_t datasets = w->results->datasets->count;
    double *value = w->column;
    int64_t *skipped = w->column;
    char *text = NULL;

    GCR_TRY(gcr_summary_text(&text, spec));
    for (uint64_t d = 0; d < datasets; d++)
        value[d] = summary_of(w, d, s).value;
    GCR_TRY(write_column(w, spec->name, NULL, GCR_H5_DOUBLE, text,
                         output_unit(w->results->kernel, spec->output)));
    if (gcr_summary_has_point(spec->op))
        GCR_TRY(write_summary_point(w, s));
    for (uint64_t d = 0; d < datasets; d++)
        skipped[d] = (int64_t)summary_of(w, d, s).skipped;
    GCR_TRY(write_column(w, spec->name, "skipped", GCR_H5_INT64, "points without a usable value",
                         NULL));
out:
    free(text);
    return status;
}

/* Both arrays of `top` from one buffer, values first. */
static gcr_status write_top_arrays(gcr_h5_writer *w, int rank_scale, void *buffer)
{
    gcr_status status = GCR_OK;
    const gcr_summaries *summaries = w->results->summaries;
    const gcr_summary_spec *spec = &w->results->job->summaries[gcr_summaries_top_of(summaries)];
    const uint64_t datasets = w->results->datasets->count;
    const int top = w->results->job->top;
    gcr_h5_array array = { .rank = 2, .dims = { GCR_H5_DATASET, rank_scale } };
    double *value = buffer;
    int64_t *point = buffer;

    for (uint64_t d = 0; d < datasets; d++)
        for (int place = 0; place < top; place++)
            *value++ = gcr_summaries_top(summaries, d, place).value;
    array.name = "top_value";
    array.unit = output_unit(w->results->kernel, spec->output);
    array.type = GCR_H5_DOUBLE;
    GCR_TRY(gcr_h5_array_add(&w->root, &array, buffer, NULL));
    for (uint64_t d = 0; d < datasets; d++)
        for (int place = 0; place < top; place++)
            *point++ = gcr_summaries_top(summaries, d, place).point;
    array.name = "top_point";
    array.unit = NULL;
    array.type = GCR_H5_INT64;
    GCR_TRY(gcr_h5_array_add(&w->root, &array, buffer, NULL));
out:
    return status;
}

static gcr_status write_top(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    const uint64_t top = (uint64_t)w->results->job->top;
    void *buffer = NULL;
    int rank_scale;

    if (gcr_summaries_top_of(w->results->summaries) < 0)
        goto out;
    buffer = calloc(w->results->datasets->count * top + 1, sizeof(double));
    if (buffer == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the top points in results.h5");
    GCR_TRY(gcr_h5_write_index(w, &rank_scale, "rank", 1, top));
    GCR_TRY(write_top_arrays(w, rank_scale, buffer));
out:
    free(buffer);
    return status;
}

static gcr_status write_sizes(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    const gcr_datasets *datasets = w->results->datasets;
    int64_t *count = w->column;

    for (uint64_t d = 0; d < datasets->count; d++)
        count[d] = datasets->items[d].rows;
    GCR_TRY(write_column(w, "rows", NULL, GCR_H5_INT64, "complete rows of the dataset", NULL));
    for (uint64_t d = 0; d < datasets->count; d++)
        count[d] = (int64_t)datasets->items[d].dropped;
    GCR_TRY(write_column(w, "dropped", NULL, GCR_H5_INT64,
                         "rows left out because a value was missing", NULL));
out:
    return status;
}

static gcr_status write_y_scaling(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    const gcr_datasets *datasets = w->results->datasets;
    double *value = w->column;

    if (!(datasets->standardized & GCR_STANDARDIZE_Y))
        goto out;
    for (uint64_t d = 0; d < datasets->count; d++)
        value[d] = datasets->items[d].y_mean;
    GCR_TRY(write_column(w, "y_mean", NULL, GCR_H5_DOUBLE, "what was subtracted from y", NULL));
    for (uint64_t d = 0; d < datasets->count; d++)
        value[d] = datasets->items[d].y_scale;
    GCR_TRY(write_column(w, "y_scale", NULL, GCR_H5_DOUBLE, "what y was divided by", NULL));
out:
    return status;
}

/* x_mean or x_scale, by way of `buffer` [dataset][feature]. */
static gcr_status write_x_array(gcr_h5_writer *w, int feature_scale, const char *name,
                                double *buffer)
{
    const gcr_datasets *datasets = w->results->datasets;
    const size_t features = (size_t)datasets->feature_count;
    const int is_mean = strcmp(name, "x_mean") == 0;
    const gcr_h5_array array = {
        .name = name,
        .help = is_mean ? "what was subtracted from x" : "what x was divided by",
        .type = GCR_H5_DOUBLE,
        .rank = 2,
        .dims = { GCR_H5_DATASET, feature_scale },
    };

    for (uint64_t d = 0; d < datasets->count; d++) {
        const gcr_dataset *dataset = &datasets->items[d];

        memcpy(buffer + d * features, is_mean ? dataset->x_mean : dataset->x_scale,
               features * sizeof *buffer);
    }
    return gcr_h5_array_add(&w->root, &array, buffer, NULL);
}

static gcr_status write_x_scaling(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    const gcr_datasets *datasets = w->results->datasets;
    const uint64_t features = (uint64_t)datasets->feature_count;
    double *buffer = NULL;
    int scale;

    if (!(datasets->standardized & GCR_STANDARDIZE_X) || features == 0)
        goto out;
    buffer = calloc(datasets->count * features + 1, sizeof *buffer);
    if (buffer == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the scaling of x in results.h5");
    GCR_TRY(gcr_h5_scale_add_texts(&w->root, &scale, "feature",
                                   (const char *const *)datasets->features, features));
    GCR_TRY(write_x_array(w, scale, "x_mean", buffer));
    GCR_TRY(write_x_array(w, scale, "x_scale", buffer));
out:
    free(buffer);
    return status;
}

gcr_status gcr_h5_write_columns(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;

    for (int s = 0; s < w->results->job->summary_count; s++)
        GCR_TRY(write_summary(w, s));
    GCR_TRY(write_top(w));
    GCR_TRY(write_sizes(w));
    GCR_TRY(write_y_scaling(w));
    GCR_TRY(write_x_scaling(w));
out:
    return status;
}
