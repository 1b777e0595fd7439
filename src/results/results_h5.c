/*
 * results/results_h5.c -- results.h5: the file, its scales and its cells. See results.h for all
 * that stands in it, h5_table.h for the rules that make it open elsewhere.
 *
 * Outputs and states go to the file from where they stand, in one call each.
 */
#include "results/h5_writer.h"

#include "base/text.h"
#include "results/layout.h"
#include "results/results_files.h"

#include "gridcrunch/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *gcr_h5_parameter_help(const gcr_kernel *kernel, const char *name)
{
    for (const gcr_kernel_parameter *p = kernel->parameters; p->name != NULL; p++)
        if (strcmp(p->name, name) == 0)
            return p->help;
    return NULL;
}

/* ---- scales --------------------------------------------------------------------------------- */

static gcr_status write_keys(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    const gcr_datasets *datasets = w->results->datasets;
    const char **keys = w->column;
    int scale;

    for (uint64_t d = 0; d < datasets->count; d++)
        keys[d] = datasets->items[d].key;
    GCR_TRY(gcr_h5_scale_add_texts(&w->root, &scale, "dataset", keys, datasets->count));
out:
    return status;
}

static gcr_status write_axes(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    const gcr_point_table *points = w->results->points;

    w->cells.dims[w->cells.rank++] = GCR_H5_DATASET;
    for (int a = 0; a < points->axis_count; a++) {
        const gcr_axis *axis = &points->axes[a];

        GCR_TRY(gcr_h5_scale_add(&w->root, &w->cells.dims[w->cells.rank++], axis->name,
                                 gcr_h5_parameter_help(w->results->kernel, axis->name),
                                 GCR_H5_DOUBLE, axis->values, axis->count));
    }
out:
    return status;
}

gcr_status gcr_h5_write_index(gcr_h5_writer *w, int *out, const char *name, int64_t first,
                              uint64_t count)
{
    gcr_status status = GCR_OK;
    int64_t *numbers = malloc(count * sizeof *numbers);

    if (numbers == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the scale '%s' in results.h5", name);
    for (uint64_t i = 0; i < count; i++)
        numbers[i] = first + (int64_t)i;
    GCR_TRY(gcr_h5_scale_add(&w->root, out, name, NULL, GCR_H5_INT64, numbers, count));
out:
    free(numbers);
    return status;
}

/* ---- cells ---------------------------------------------------------------------------------- */

static gcr_status write_output(gcr_h5_writer *w, int o)
{
    gcr_status status = GCR_OK;
    const gcr_kernel_output *output = &w->results->kernel->outputs[o];
    const gcr_slots *slots = w->results->slots;
    gcr_h5_array array = w->cells;
    char *index_name = NULL;

    array.name = output->name;
    array.help = output->help;
    array.unit = output->unit;
    array.type = GCR_H5_DOUBLE;
    if (slots->width[o] > 1) {
        GCR_TRY(gcr_array_name(&index_name, output->name, "index"));
        GCR_TRY(gcr_h5_write_index(w, &array.dims[array.rank++], index_name, 0,
                                   (uint64_t)slots->width[o]));
    }
    GCR_TRY(gcr_h5_array_add(&w->root, &array, slots->values[o], NULL));
    GCR_TRY(gcr_h5_sink_check(w->sink));
out:
    free(index_name);
    return status;
}

/* Separated by blanks. */
gcr_status gcr_h5_write_flags(const gcr_h5_writer *w, hid_t array)
{
    gcr_status status = GCR_OK;
    uint8_t values[GCR_CELL_STATE_COUNT];
    char meanings[32 * GCR_CELL_STATE_COUNT] = "";

    for (int state = 0; state < GCR_CELL_STATE_COUNT; state++) {
        values[state] = (uint8_t)state;
        if (state > 0)
            strcat(meanings, " ");
        strncat(meanings, gcr_cell_state_name((gcr_cell_state)state), 30);
    }
    GCR_TRY(
        gcr_h5_attribute_numbers(array, "flag_values", H5T_STD_U8LE, values, GCR_CELL_STATE_COUNT));
    GCR_TRY(gcr_h5_attribute_text(&w->root, array, "flag_meanings", meanings));
out:
    return status;
}

static gcr_status write_status(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    gcr_h5_array array = w->cells;
    hid_t id = H5I_INVALID_HID;

    array.name = "status";
    array.help = "what became of the cell";
    array.type = H5T_STD_U8LE;
    GCR_TRY(gcr_h5_array_add(&w->root, &array, w->results->slots->state, &id));
    GCR_TRY(gcr_h5_write_flags(w, id));
    GCR_TRY(gcr_h5_sink_check(w->sink));
out:
    if (id >= 0)
        H5Dclose(id);
    return status;
}

static gcr_status write_jitter(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    const gcr_job *job = w->results->job;
    gcr_h5_array array = w->cells;
    hid_t id = H5I_INVALID_HID;

    if (w->results->slots->jitter_step == NULL)
        goto out;
    array.name = "jitter";
    array.help = "step of the ladder that was added to the diagonal; 0: none";
    array.type = H5T_STD_U8LE;
    GCR_TRY(gcr_h5_array_add(&w->root, &array, w->results->slots->jitter_step, &id));
    GCR_TRY(gcr_h5_attribute_numbers(id, "ladder", GCR_H5_DOUBLE, job->jitter,
                                     (uint64_t)job->jitter_count));
    GCR_TRY(gcr_h5_sink_check(w->sink));
out:
    if (id >= 0)
        H5Dclose(id);
    return status;
}

/* Which of the kinds that /run names, kind_1, kind_2 ..., computed a cell. */
static gcr_status write_kinds(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    uint8_t values[UINT8_MAX];
    char meanings[16 * UINT8_MAX] = "none";
    size_t used = strlen(meanings);
    gcr_h5_array array = w->cells;
    hid_t id = H5I_INVALID_HID;

    if (w->results->slots->kind == NULL)
        goto out;
    array.name = "kind";
    array.help = "kind of device that computed the cell";
    array.type = H5T_STD_U8LE;
    for (int kind = 0; kind <= w->results->kind_count; kind++) {
        values[kind] = (uint8_t)kind;
        if (kind > 0)
            used += (size_t)snprintf(meanings + used, sizeof meanings - used, " kind_%d", kind);
    }
    GCR_TRY(gcr_h5_array_add(&w->root, &array, w->results->slots->kind, &id));
    GCR_TRY(gcr_h5_attribute_numbers(id, "flag_values", H5T_STD_U8LE, values,
                                     (uint64_t)w->results->kind_count + 1));
    GCR_TRY(gcr_h5_attribute_text(&w->root, id, "flag_meanings", meanings));
    GCR_TRY(gcr_h5_sink_check(w->sink));
out:
    if (id >= 0)
        H5Dclose(id);
    return status;
}

static int fill_minors(void *arg, uint64_t first, uint64_t count, void *to)
{
    const gcr_slots *slots = arg;
    uint32_t *minors = to;
    int is_any = 0;

    for (uint64_t i = 0; i < count; i++) {
        const uint64_t cell = first + i;
        const int is_one = slots->state[cell] == GCR_CELL_NOT_SPD;

        is_any |= is_one;
        minors[i] =
            is_one ? gcr_cell_detail(slots->values[0][cell * (uint64_t)slots->width[0]]) : 0;
    }
    return is_any;
}

static gcr_status write_minors(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    const gcr_slots *slots = w->results->slots;
    uint64_t counts[GCR_CELL_STATE_COUNT];
    gcr_h5_array array = w->cells;

    gcr_slots_count(slots, counts);
    if (counts[GCR_CELL_NOT_SPD] == 0)
        goto out;
    array.name = "minor";
    array.help = "leading minor that is not positive, from 1; 0: none";
    array.type = H5T_STD_U32LE;
    GCR_TRY(gcr_h5_array_add_packed(&w->root, &array, fill_minors, (void *)slots));
    GCR_TRY(gcr_h5_sink_check(w->sink));
out:
    return status;
}

static gcr_status write_cells(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;

    for (int o = 0; o < w->results->slots->output_count; o++)
        GCR_TRY(write_output(w, o));
    GCR_TRY(write_status(w));
    GCR_TRY(write_minors(w));
    GCR_TRY(write_jitter(w));
    GCR_TRY(write_kinds(w));
out:
    return status;
}

/* ---- the file ------------------------------------------------------------------------------- */

static gcr_status write_root(gcr_h5_writer *w)
{
    gcr_status status = GCR_OK;
    const hid_t file = gcr_h5_sink_file(w->sink);
    const int32_t schema = GCR_RESULTS_SCHEMA;

    GCR_TRY(gcr_h5_table_open(&w->root, file));
    GCR_TRY(gcr_h5_attribute_text(&w->root, file, "Conventions", "CF-1.8"));
    GCR_TRY(gcr_h5_attribute_numbers(file, "gridcrunch_schema", H5T_STD_I32LE, &schema, 1));
    GCR_TRY(gcr_h5_attribute_text(&w->root, file, "kernel", w->results->kernel->name));
    GCR_TRY(write_keys(w));
    GCR_TRY(write_axes(w));
    if (w->results->job->keep == GCR_KEEP_SUMMARY)
        GCR_TRY(gcr_h5_write_remains(w));
    else
        GCR_TRY(write_cells(w));
    GCR_TRY(gcr_h5_write_columns(w));
out:
    gcr_h5_table_close(&w->root); /* before the file, which would close the scales itself */
    return status;
}

/* A write that failed is the reason for whatever HDF5 stumbled over after it. */
static gcr_status explain(const gcr_h5_writer *w, gcr_status status)
{
    const gcr_status reason = w->sink != NULL ? gcr_h5_sink_check(w->sink) : GCR_OK;

    return reason != GCR_OK ? reason : status;
}

gcr_status gcr_results_write_h5(const gcr_results *results, int fd, const char *path)
{
    gcr_status status = GCR_OK;
    gcr_h5_writer w = { .results = results };

    w.column = calloc(results->datasets->count + 1, sizeof(double));
    if (w.column == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a column of %s", path);
    GCR_TRY(gcr_h5_sink_open(&w.sink, fd, path));
    GCR_TRY(write_root(&w));
    GCR_TRY(gcr_h5_write_run(results, gcr_h5_sink_file(w.sink)));
    GCR_TRY(gcr_h5_sink_finish(w.sink));
out:
    status = explain(&w, status);
    gcr_h5_sink_close(w.sink);
    free(w.column);
    return status;
}
