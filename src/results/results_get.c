/* results/results_get.c -- what others ask of an open results.h5. */
#include "results/results_file.h"

#include "base/check.h"

#include "gridcrunch/cell.h"
#include "gridcrunch/partial.h"

#include <inttypes.h>

const gcr_point_table *gcr_results_points(const gcr_results_file *file)
{
    return &file->points;
}

uint64_t gcr_results_dataset_count(const gcr_results_file *file)
{
    return file->keys.count;
}

const char *gcr_results_dataset_key(const gcr_results_file *file, uint64_t dataset)
{
    return file->keys.items[dataset];
}

int gcr_results_output_count(const gcr_results_file *file)
{
    return (int)file->outputs.count;
}

const char *gcr_results_output_name(const gcr_results_file *file, int output)
{
    return file->outputs.items[output];
}

int64_t gcr_results_output_width(const gcr_results_file *file, int output)
{
    return file->width[output];
}

const char *gcr_results_kernel_name(const gcr_results_file *file)
{
    return file->kernel;
}

const char *gcr_results_job_text(const gcr_results_file *file)
{
    return file->job.items[0];
}

int gcr_results_fact_count(const gcr_results_file *file)
{
    return file->fact_count;
}

gcr_fact gcr_results_fact(const gcr_results_file *file, int index)
{
    return file->facts[index];
}

uint64_t gcr_results_skipped_count(const gcr_results_file *file)
{
    return file->skipped_keys.count;
}

const char *gcr_results_skipped_key(const gcr_results_file *file, uint64_t index)
{
    return file->skipped_keys.items[index];
}

const char *gcr_results_skipped_reason(const gcr_results_file *file, uint64_t index)
{
    return file->skipped_reasons.items[index];
}

const char *gcr_results_fault(const gcr_results_file *file, uint32_t code)
{
    return code >= 1 && code <= file->faults.count ? file->faults.items[code - 1] : "";
}

int gcr_results_summary_count(const gcr_results_file *file)
{
    return (int)file->summaries.count;
}

const char *gcr_results_summary_name(const gcr_results_file *file, int summary)
{
    return file->summaries.items[summary];
}

const char *gcr_results_summary_text(const gcr_results_file *file, int summary)
{
    return file->summary_texts.items[summary];
}

static gcr_summary_value value_at(const gcr_results_column *c, uint64_t index)
{
    return (gcr_summary_value){
        .value = c->value[index],
        .point = c->point != NULL ? c->point[index] : -1,
        .skipped = c->skipped != NULL ? (uint64_t)c->skipped[index] : 0,
    };
}

gcr_summary_value gcr_results_summary(const gcr_results_file *file, uint64_t dataset, int summary)
{
    return value_at(&file->columns[summary], dataset);
}

int gcr_results_top_count(const gcr_results_file *file)
{
    return file->top_count;
}

int gcr_results_top_of(const gcr_results_file *file)
{
    return file->top_of;
}

gcr_summary_value gcr_results_top(const gcr_results_file *file, uint64_t dataset, int place)
{
    gcr_summary_value top =
        value_at(&file->top, dataset * (uint64_t)file->top_count + (uint64_t)place);

    if (file->top_of >= 0)
        top.skipped = gcr_results_summary(file, dataset, file->top_of).skipped;
    return top;
}

int gcr_results_keeps_cells(const gcr_results_file *file)
{
    return file->keeps_cells;
}

gcr_status gcr_results_check_cells(const gcr_results_file *file)
{
    gcr_status status = GCR_OK;

    if (!file->keeps_cells)
        GCR_FAIL(
            GCR_EINVAL,
            "%s has no cells: its job says `keep: summary`, and with `keep: all` they are kept",
            file->path);
out:
    return status;
}

void gcr_results_count(const gcr_results_file *file, uint64_t dataset, uint64_t counts[])
{
    for (uint64_t s = 0; s < GCR_CELL_STATE_COUNT; s++)
        counts[s] = (uint64_t)file->counts[dataset * GCR_CELL_STATE_COUNT + s];
}

int gcr_results_failed(const gcr_results_file *file, uint64_t dataset, int index,
                       gcr_failed_cell *out)
{
    const uint64_t i = dataset * GCR_PARTIAL_FAILURES + (uint64_t)index;

    if (index >= GCR_PARTIAL_FAILURES || file->failures[0][i] < 0)
        return 0;
    *out = (gcr_failed_cell){ .point = (uint64_t)file->failures[0][i],
                              .state = (uint8_t)file->failures[1][i],
                              .detail = (uint32_t)file->failures[2][i] };
    return 1;
}

static gcr_status read_row(const gcr_results_file *file, const char *name, hid_t type,
                           uint64_t dataset, void *values)
{
    gcr_status status = GCR_OK;
    gcr_h5_turn turn;

    gcr_h5_turn_begin(&turn);
    GCR_TRY(gcr_results_check_cells(file));
    GCR_TRY(gcr_h5_read_row(values, &file->source, name, type, dataset));
out:
    gcr_h5_turn_end(&turn);
    return status;
}

gcr_status gcr_results_read_values(gcr_results_file *file, uint64_t dataset, int output,
                                   double *values)
{
    return read_row(file, file->outputs.items[output], H5T_NATIVE_DOUBLE, dataset, values);
}

/* A state that does not exist comes from a damaged file: callers count by state, and need not
 * ask. */
static gcr_status check_states(const gcr_results_file *file, uint64_t dataset,
                               const uint8_t *states)
{
    gcr_status status = GCR_OK;

    for (uint64_t point = 0; point < file->points.point_count; point++)
        if (states[point] >= GCR_CELL_STATE_COUNT)
            GCR_FAIL(GCR_EFORMAT,
                     "%s is damaged: 'status' is %d at dataset %" PRIu64 ", point %" PRIu64
                     ", and there is no such state",
                     file->path, states[point], dataset, point);
out:
    return status;
}

gcr_status gcr_results_read_states(gcr_results_file *file, uint64_t dataset, uint8_t *states)
{
    gcr_status status = GCR_OK;

    GCR_TRY(read_row(file, "status", H5T_NATIVE_UINT8, dataset, states));
    GCR_TRY(check_states(file, dataset, states));
out:
    return status;
}

int gcr_results_kind_count(const gcr_results_file *file)
{
    return file->kind_count;
}

gcr_status gcr_results_read_kinds(gcr_results_file *file, uint64_t dataset, uint8_t *kinds)
{
    gcr_status status = GCR_OK;

    GCR_TRY(read_row(file, "kind", H5T_NATIVE_UINT8, dataset, kinds));
    for (uint64_t point = 0; point < file->points.point_count; point++)
        if (kinds[point] > file->kind_count)
            GCR_FAIL(GCR_EFORMAT,
                     "%s is damaged: 'kind' is %d at dataset %" PRIu64 ", point %" PRIu64
                     ", and the run names %d",
                     file->path, kinds[point], dataset, point, file->kind_count);
out:
    return status;
}
