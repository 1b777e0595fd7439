/* cli/run_file.c -- see run_file.h. */
#include "cli/run_file.h"

#include "cli/cell_key.h"

#include "base/check.h"
#include "base/memory.h"
#include "gridcrunch/cell.h"

#include <stdio.h>
#include <string.h>

gcr_status gcr_run_file_keys(const char ***out, const gcr_results_file *file)
{
    gcr_status status = GCR_OK;
    const uint64_t count = gcr_results_dataset_count(file);
    void *keys = NULL;

    GCR_TRY(gcr_memory_create(&keys, count, sizeof **out, "the names of the datasets"));
    *out = keys;
    for (uint64_t i = 0; i < count; i++)
        (*out)[i] = gcr_results_dataset_key(file, i);
out:
    return status;
}

static gcr_status create_row(gcr_file_row *row, const gcr_results_file *file, int outputs)
{
    gcr_status status = GCR_OK;
    const uint64_t points = gcr_results_points(file)->point_count;

    if (row->states == NULL)
        GCR_TRY(gcr_memory_create((void **)&row->states, points, 1, "the states of a dataset"));
    if (row->kinds == NULL && gcr_results_kind_count(file) > 1)
        GCR_TRY(gcr_memory_create((void **)&row->kinds, points, 1, "the kinds of a dataset"));
    for (int o = 0; o < outputs; o++) {
        const uint64_t width = (uint64_t)gcr_results_output_width(file, o);

        if (row->values[o] == NULL)
            GCR_TRY(gcr_memory_create((void **)&row->values[o], points * width, sizeof(double),
                                      "the outputs of a dataset"));
    }
out:
    return status;
}

gcr_status gcr_file_row_read(gcr_file_row *row, gcr_results_file *file, uint64_t dataset,
                             int outputs)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_results_check_cells(file)); /* first: a grid may be far larger than memory */
    GCR_TRY(create_row(row, file, outputs));
    row->dataset = dataset;
    GCR_TRY(gcr_results_read_states(file, dataset, row->states));
    if (row->kinds != NULL)
        GCR_TRY(gcr_results_read_kinds(file, dataset, row->kinds));
    for (int o = 0; o < outputs; o++)
        GCR_TRY(gcr_results_read_values(file, dataset, o, row->values[o]));
out:
    return status;
}

void gcr_file_row_clear(gcr_file_row *row)
{
    for (int o = 0; o < GCR_OUTPUTS_MAX; o++)
        gcr_memory_destroy(row->values[o]);
    gcr_memory_destroy(row->kinds);
    gcr_memory_destroy(row->states);
    *row = (gcr_file_row){ 0 };
}

const char *gcr_run_file_describe(char *out, size_t bytes, const gcr_results_file *file,
                                  uint8_t state, double value)
{
    const uint32_t detail = gcr_cell_detail(value);

    if (state == GCR_CELL_NOT_SPD)
        snprintf(out, bytes, "not SPD at minor %u", detail);
    else if (state == GCR_CELL_NAN_IN)
        snprintf(out, bytes, "NaN or infinity in the matrix or its right-hand side");
    else if (state == GCR_CELL_NAN_OUT)
        snprintf(out, bytes, "an output is NaN or infinite");
    else if (state == GCR_CELL_KERNEL_ERROR)
        snprintf(out, bytes, "%s", gcr_results_fault(file, detail));
    else
        snprintf(out, bytes, "%s", gcr_cell_state_name(state));
    return out;
}

void gcr_run_file_name_cells(gcr_sheet *sheet, const gcr_results_file *file)
{
    const gcr_point_table *points = gcr_results_points(file);

    gcr_sheet_name(sheet, "dataset");
    for (int a = 0; a < points->axis_count; a++)
        gcr_sheet_name(sheet, "%s", points->axes[a].name);
    gcr_sheet_name(sheet, "status");
    if (gcr_results_kind_count(file) > 1)
        gcr_sheet_name(sheet, "kind");
    for (int o = 0; o < gcr_results_output_count(file); o++) {
        const int64_t width = gcr_results_output_width(file, o);

        for (int64_t i = 0; i < width; i++)
            if (width == 1)
                gcr_sheet_name(sheet, "%s", gcr_results_output_name(file, o));
            else
                gcr_sheet_name(sheet, "%s_%lld", gcr_results_output_name(file, o), (long long)i);
    }
}

void gcr_run_file_put_cell(gcr_sheet *sheet, const gcr_results_file *file, const gcr_file_row *row,
                           uint64_t point)
{
    const gcr_point_table *points = gcr_results_points(file);
    uint64_t coords[GCR_AXES_MAX];

    gcr_point_coords(points, point, coords);
    gcr_sheet_text(sheet, gcr_results_dataset_key(file, row->dataset));
    for (int a = 0; a < points->axis_count; a++)
        gcr_sheet_number(sheet, points->axes[a].values[coords[a]]);
    gcr_sheet_text(sheet, gcr_cell_state_name(row->states[point]));
    if (row->kinds != NULL && row->kinds[point] > 0)
        gcr_sheet_format(sheet, "kind_%d", row->kinds[point]);
    else if (row->kinds != NULL)
        gcr_sheet_text(sheet, "");
    for (int o = 0; o < gcr_results_output_count(file); o++) {
        const uint64_t width = (uint64_t)gcr_results_output_width(file, o);

        for (uint64_t i = 0; i < width; i++)
            gcr_sheet_number(sheet, row->values[o][point * width + i]);
    }
}
