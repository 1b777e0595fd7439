/*
 * results/results_read.c -- opens results.h5 of an earlier run. See results.h.
 *
 * Small things are read at once, outputs and states dataset by dataset when asked for. The file
 * may be damaged or somebody else's: nothing in it is believed before it has been compared with the
 * rest (h5_read.h). HDF5 itself is known to crash on files made to harm it: foreign files are not
 * to be opened here, only one's own.
 */
#include "results/results_file.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "results/layout.h"

#include "gridcrunch/cell.h"
#include "gridcrunch/partial.h"

#include <errno.h>
#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- finding it ----------------------------------------------------------------------------- */

static gcr_status find_file(gcr_results_file *file, const char *path)
{
    gcr_status status = GCR_OK;
    struct stat info = { 0 };
    const int is_folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);

    GCR_TRY(gcr_text_format(&file->path, "%s%s", path, is_folder ? "/" GCR_RESULTS_H5 : ""));
    if (stat(file->path, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            GCR_FAIL(GCR_ENOENT, "there is no %s%s", file->path,
                     is_folder ? ": that run has left no results" : "");
        GCR_FAIL(GCR_EUNREADABLE, "cannot read %s: %s", file->path, strerror(errno));
    }
    if (access(file->path, R_OK) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot read %s: %s", file->path, strerror(errno));
    file->source.path = file->path;
    file->source.bytes = (uint64_t)info.st_size;
out:
    return status;
}

static gcr_status check_schema(const gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    hid_t attribute = H5I_INVALID_HID;
    int32_t schema = 0;

    if (H5Aexists(file->source.file, "gridcrunch_schema") <= 0)
        GCR_FAIL(GCR_EFORMAT, "%s is an HDF5 file, but not one of gridcrunch's", file->path);
    GCR_H5_READ(&file->source,
                attribute = H5Aopen(file->source.file, "gridcrunch_schema", H5P_DEFAULT));
    GCR_TRY(gcr_h5_check_single(&file->source, attribute, "gridcrunch_schema"));
    GCR_H5_READ(&file->source, H5Aread(attribute, H5T_NATIVE_INT32, &schema));
    if (schema != GCR_RESULTS_SCHEMA)
        GCR_FAIL(GCR_EFORMAT,
                 "%s has schema %d and this gridcrunch reads schema %d: use a newer gridcrunch",
                 file->path, (int)schema, (int)GCR_RESULTS_SCHEMA);
out:
    if (attribute >= 0)
        H5Aclose(attribute);
    return status;
}

static gcr_status open_file(gcr_results_file *file)
{
    gcr_status status = GCR_OK;

    if (H5Fis_hdf5(file->path) == 0)
        GCR_FAIL(GCR_EFORMAT, "%s is not an HDF5 file", file->path);
    GCR_H5_READ(&file->source,
                file->source.file = H5Fopen(file->path, H5F_ACC_RDONLY, H5P_DEFAULT));
    GCR_TRY(check_schema(file));
out:
    return status;
}

/* ---- the grid ------------------------------------------------------------------------------- */

/* The name of dimension `dim` of `status`, and its values. */
static gcr_status read_axis(gcr_results_file *file, hid_t states, int dim, uint64_t count)
{
    gcr_status status = GCR_OK;
    gcr_axis *axis = &file->points.axes[dim - 1];
    char name[256] = "";
    void *values = NULL;

    GCR_H5_READ(&file->source, H5DSget_label(states, (unsigned)dim, name, sizeof name));
    GCR_TRY(gcr_h5_read_column(&values, &file->source, name, H5T_NATIVE_DOUBLE, count));
    axis->values = values;
    axis->count = count;
    file->points.axis_count = dim;
    file->points.point_count *= count; /* no more than bytes in the file: the sizes were checked */
    GCR_TRY(gcr_text_copy((char **)&axis->name, name, strlen(name)));
out:
    return status;
}

/* Of a run whose cells were not kept: its axes by name. */
static gcr_status read_axes(gcr_results_file *file, const gcr_h5_texts *names)
{
    gcr_status status = GCR_OK;

    if (names->count > GCR_AXES_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: it has %llu axes", file->path,
                 (unsigned long long)names->count);
    for (uint64_t a = 0; a < names->count; a++) {
        gcr_axis *axis = &file->points.axes[a];
        void *values = NULL;
        uint64_t points = 0;

        GCR_TRY(gcr_h5_read_array(&values, &axis->count, &file->source, names->items[a],
                                  H5T_NATIVE_DOUBLE));
        axis->values = values;
        file->points.axis_count = (int)a + 1;
        GCR_TRY(gcr_text_copy((char **)&axis->name, names->items[a], strlen(names->items[a])));
        if (axis->count == 0 || !gcr_multiply(&points, file->points.point_count, axis->count) ||
            points > INT64_MAX)
            GCR_FAIL(GCR_EFORMAT, "%s is damaged: its axes make no grid", file->path);
        file->points.point_count = points;
    }
out:
    return status;
}

static gcr_status read_remains(gcr_results_file *file)
{
    static const char *const names[3] = { GCR_H5_FAILED_POINT, GCR_H5_FAILED_STATE,
                                          GCR_H5_FAILED_DETAIL };
    gcr_status status = GCR_OK;
    void *values = NULL;

    GCR_TRY(gcr_h5_read_column(&values, &file->source, GCR_H5_STATE_COUNT, H5T_NATIVE_INT64,
                               file->keys.count * GCR_CELL_STATE_COUNT));
    file->counts = values;
    for (int part = 0; part < 3; part++) {
        GCR_TRY(gcr_h5_read_column(&values, &file->source, names[part], H5T_NATIVE_INT64,
                                   file->keys.count * GCR_PARTIAL_FAILURES));
        file->failures[part] = values;
    }
    for (uint64_t i = 0; i < file->keys.count * GCR_PARTIAL_FAILURES; i++)
        if (file->failures[0][i] >= (int64_t)file->points.point_count ||
            (uint64_t)file->failures[1][i] >= GCR_CELL_STATE_COUNT)
            GCR_FAIL(GCR_EFORMAT, "%s is damaged: a failed cell is not of this grid", file->path);
out:
    return status;
}

static gcr_status read_kept_summaries(gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    gcr_h5_texts names = { 0 };

    file->points.point_count = 1;
    GCR_TRY(gcr_h5_read_texts(&names, &file->source, "run/axis"));
    GCR_TRY(read_axes(file, &names));
    file->points.live_count = file->points.point_count;
    GCR_TRY(read_remains(file));
out:
    gcr_h5_texts_clear(&names);
    return status;
}

static gcr_status read_grid(gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    hid_t states = H5I_INVALID_HID;
    hsize_t size[32];
    int rank;

    GCR_TRY(gcr_h5_read_texts(&file->keys, &file->source, "dataset"));
    file->keeps_cells = H5Lexists(file->source.file, GCR_H5_STATE_COUNT, H5P_DEFAULT) <= 0;
    if (!file->keeps_cells) {
        GCR_TRY(read_kept_summaries(file));
        goto out;
    }
    GCR_TRY(gcr_h5_read_sizes(size, &rank, &file->source, "status"));
    if (rank < 1 || size[0] != file->keys.count)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: 'status' and 'dataset' disagree", file->path);
    GCR_H5_READ(&file->source, states = H5Dopen2(file->source.file, "status", H5P_DEFAULT));
    file->points.point_count = 1;
    for (int dim = 1; dim < rank; dim++)
        GCR_TRY(read_axis(file, states, dim, size[dim]));
    file->points.live_count = file->points.point_count;
out:
    if (states >= 0)
        H5Dclose(states);
    return status;
}

static gcr_status read_width(gcr_results_file *file, int output)
{
    gcr_status status = GCR_OK;
    const char *name = file->outputs.items[output];
    const int cell_rank = file->points.axis_count + 1;
    hsize_t size[32] = { 0 };
    uint64_t points = 1;
    int rank;

    GCR_TRY(gcr_h5_read_sizes(size, &rank, &file->source, name));
    for (int dim = 1; dim < cell_rank && dim < rank; dim++)
        points *= size[dim];
    if (rank < cell_rank || rank > cell_rank + 1 || size[0] != file->keys.count ||
        points != file->points.point_count)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: '%s' and 'status' disagree", file->path, name);
    file->width[output] = rank > cell_rank ? (int64_t)size[cell_rank] : 1;
out:
    return status;
}

static gcr_status read_outputs(gcr_results_file *file)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_h5_read_texts(&file->outputs, &file->source, "run/output"));
    if (file->outputs.count > GCR_OUTPUTS_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: it has %llu outputs", file->path,
                 (unsigned long long)file->outputs.count);
    for (uint64_t o = 0; o < file->outputs.count && file->keeps_cells; o++)
        GCR_TRY(read_width(file, (int)o));
out:
    return status;
}

/* ---- summaries ------------------------------------------------------------------------------ */

static int has_point(const char *operation)
{
    return strncmp(operation, "argm", strlen("argm")) == 0; /* argmax, argmin */
}

/* The array NAME_SUFFIX with a value for each dataset. */
static gcr_status read_companion(int64_t **out, const gcr_results_file *file, const char *name,
                                 const char *suffix)
{
    gcr_status status = GCR_OK;
    void *values = NULL;
    char *full = NULL;

    GCR_TRY(gcr_array_name(&full, name, suffix));
    GCR_TRY(gcr_h5_read_column(&values, &file->source, full, H5T_NATIVE_INT64, file->keys.count));
    *out = values;
out:
    free(full);
    return status;
}

static gcr_status read_summary(gcr_results_file *file, uint64_t s)
{
    gcr_status status = GCR_OK;
    const char *name = file->summaries.items[s];
    gcr_results_column *own = &file->columns[s];
    void *values = NULL;

    GCR_TRY(gcr_h5_read_column(&values, &file->source, name, H5T_NATIVE_DOUBLE, file->keys.count));
    own->value = values;
    GCR_TRY(read_companion(&own->skipped, file, name, "skipped"));
    if (has_point(file->summary_texts.items[s]))
        GCR_TRY(read_companion(&own->point, file, name, "point"));
out:
    return status;
}

static gcr_status read_summaries(gcr_results_file *file)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_h5_read_texts(&file->summaries, &file->source, "run/summary"));
    GCR_TRY(gcr_h5_read_texts(&file->summary_texts, &file->source, "run/summary_text"));
    if (file->summaries.count != file->summary_texts.count || file->summaries.count > INT32_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: its summaries disagree", file->path);
    file->columns = calloc(file->summaries.count + 1, sizeof *file->columns);
    if (file->columns == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the summaries of %s", file->path);
    for (uint64_t s = 0; s < file->summaries.count; s++)
        GCR_TRY(read_summary(file, s));
out:
    return status;
}

static gcr_status read_top(gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    hsize_t size[32] = { 0 };
    int rank;
    void *values = NULL;

    file->top_of = -1;
    if (H5Lexists(file->source.file, "top_value", H5P_DEFAULT) <= 0)
        goto out;
    GCR_TRY(gcr_h5_read_sizes(size, &rank, &file->source, "top_value"));
    if (rank != 2 || size[0] != file->keys.count || size[1] > INT32_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: 'top_value' and 'dataset' disagree", file->path);
    GCR_TRY(gcr_h5_read_column(&values, &file->source, "top_value", H5T_NATIVE_DOUBLE,
                               size[0] * size[1]));
    file->top.value = values;
    GCR_TRY(gcr_h5_read_column(&values, &file->source, "top_point", H5T_NATIVE_INT64,
                               size[0] * size[1]));
    file->top.point = values;
    file->top_count = (int)size[1];
    for (uint64_t s = file->summaries.count; s-- > 0;)
        if (has_point(file->summary_texts.items[s]))
            file->top_of = (int)s; /* ends at the first */
out:
    return status;
}

/* ---- facts ---------------------------------------------------------------------------------- */

static gcr_status read_fact(gcr_fact *fact, const gcr_results_file *file, hsize_t index)
{
    gcr_status status = GCR_OK;
    char name[256] = "";
    hid_t attribute = H5I_INVALID_HID, type = H5I_INVALID_HID;

    GCR_H5_READ(&file->source,
                attribute = H5Aopen_by_idx(file->source.file, "run", H5_INDEX_NAME, H5_ITER_INC,
                                           index, H5P_DEFAULT, H5P_DEFAULT));
    GCR_H5_READ(&file->source, H5Aget_name(attribute, sizeof name, name));
    GCR_TRY(gcr_text_copy((char **)&fact->name, name, strlen(name)));
    GCR_H5_READ(&file->source, type = H5Aget_type(attribute));
    if (H5Tget_class(type) == H5T_STRING) {
        GCR_TRY(gcr_h5_read_attribute((char **)&fact->text, &file->source, "run", name));
        goto out;
    }
    GCR_TRY(gcr_h5_check_single(&file->source, attribute, name));
    GCR_H5_READ(&file->source, H5Aread(attribute, H5T_NATIVE_DOUBLE, &fact->number));
out:
    if (type >= 0)
        H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
    return status;
}

static gcr_status read_facts(gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    hid_t run = H5I_INVALID_HID;
    int count;

    GCR_H5_READ(&file->source, run = H5Gopen2(file->source.file, "run", H5P_DEFAULT));
    GCR_H5_READ(&file->source, count = H5Aget_num_attrs(run));
    if ((uint64_t)count > file->source.bytes)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: it has more facts than bytes", file->path);
    file->facts = calloc((size_t)count + 1, sizeof *file->facts);
    if (file->facts == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the facts of %s", file->path);
    while (file->fact_count < count) {
        const int f = file->fact_count++; /* counted first: what was read in part is freed too */

        GCR_TRY(read_fact(&file->facts[f], file, (hsize_t)f));
    }
out:
    if (run >= 0)
        H5Gclose(run);
    return status;
}

/* Where each cell has a kind, the facts name as many. */
static gcr_status count_kinds(gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    hsize_t size[32] = { 0 };
    int rank, kinds = 0;

    file->kind_count = 1;
    if (H5Lexists(file->source.file, "kind", H5P_DEFAULT) <= 0)
        goto out;
    GCR_TRY(gcr_h5_read_sizes(size, &rank, &file->source, "kind"));
    for (int f = 0; f < file->fact_count; f++)
        kinds += strncmp(file->facts[f].name, "kind_", strlen("kind_")) == 0;
    if (kinds < 2 || rank != file->points.axis_count + 1 || size[0] != file->keys.count)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: 'kind' and 'status' disagree", file->path);
    for (int a = 0; a < file->points.axis_count; a++)
        if (size[a + 1] != file->points.axes[a].count)
            GCR_FAIL(GCR_EFORMAT, "%s is damaged: 'kind' and 'status' disagree", file->path);
    file->kind_count = kinds;
out:
    return status;
}

static gcr_status read_run(gcr_results_file *file)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_h5_read_attribute(&file->kernel, &file->source, ".", "kernel"));
    GCR_TRY(gcr_h5_read_texts(&file->job, &file->source, "run/job"));
    GCR_TRY(gcr_h5_read_texts(&file->faults, &file->source, "run/fault"));
    GCR_TRY(gcr_h5_read_texts(&file->skipped_keys, &file->source, "run/skipped_key"));
    GCR_TRY(gcr_h5_read_texts(&file->skipped_reasons, &file->source, "run/skipped_reason"));
    if (file->job.count != 1 || file->skipped_keys.count != file->skipped_reasons.count)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: the group 'run' is incomplete", file->path);
    GCR_TRY(read_facts(file));
    GCR_TRY(count_kinds(file));
out:
    return status;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static gcr_status read_file(gcr_results_file *file)
{
    gcr_status status = GCR_OK;

    GCR_TRY(open_file(file));
    GCR_TRY(read_grid(file));
    GCR_TRY(read_outputs(file));
    GCR_TRY(read_run(file));
    GCR_TRY(read_summaries(file));
    GCR_TRY(read_top(file));
out:
    return status;
}

static void clear_column(gcr_results_column *c)
{
    free(c->value);
    free(c->point);
    free(c->skipped);
}

static void clear_points(gcr_point_table *points)
{
    for (int a = 0; a < points->axis_count; a++) {
        free((char *)points->axes[a].name);
        free((double *)points->axes[a].values);
    }
}

static void clear_facts(gcr_results_file *file)
{
    for (int f = 0; f < file->fact_count; f++) {
        free((char *)file->facts[f].name);
        free((char *)file->facts[f].text);
    }
    free(file->facts);
}

/* In a turn of HDF5's. */
static void close_file(gcr_results_file *file)
{
    if (file == NULL)
        return;
    if (file->source.file >= 0)
        H5Fclose(file->source.file);
    clear_column(&file->top);
    for (uint64_t s = 0; file->columns != NULL && s < file->summaries.count; s++)
        clear_column(&file->columns[s]);
    free(file->columns);
    for (int part = 0; part < 3; part++)
        free(file->failures[part]);
    free(file->counts);
    clear_facts(file);
    clear_points(&file->points);
    gcr_h5_texts_clear(&file->summary_texts);
    gcr_h5_texts_clear(&file->summaries);
    gcr_h5_texts_clear(&file->faults);
    gcr_h5_texts_clear(&file->skipped_reasons);
    gcr_h5_texts_clear(&file->skipped_keys);
    gcr_h5_texts_clear(&file->job);
    gcr_h5_texts_clear(&file->outputs);
    gcr_h5_texts_clear(&file->keys);
    free(file->kernel);
    free(file->path);
    free(file);
}

gcr_status gcr_results_open(gcr_results_file **out, const char *path)
{
    gcr_status status = GCR_OK;
    gcr_results_file *file = NULL;
    gcr_h5_turn turn;

    *out = NULL;
    gcr_h5_turn_begin(&turn);
    file = calloc(1, sizeof *file);
    if (file == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for opening %s", path);
    file->source.file = H5I_INVALID_HID;
    GCR_TRY(find_file(file, path));
    GCR_TRY(read_file(file));
    *out = file;
    file = NULL;
out:
    close_file(file);
    gcr_h5_turn_end(&turn);
    return status;
}

void gcr_results_close(gcr_results_file *file)
{
    gcr_h5_turn turn;

    if (file == NULL)
        return;
    gcr_h5_turn_begin(&turn);
    close_file(file);
    gcr_h5_turn_end(&turn);
}
