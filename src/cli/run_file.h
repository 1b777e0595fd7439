/*
 * cli/run_file.h -- a finished run as the commands show, best, failed and export see it.
 */
#ifndef GCR_CLI_RUN_FILE_H
#define GCR_CLI_RUN_FILE_H

#include "cli/sheet.h"

#include "gridcrunch/kernel.h"
#include "gridcrunch/results.h"

/* The keys of all datasets, in order. The array is freed with gcr_memory_destroy(), the
 * keys belong to the file. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_file_keys(const char ***out, const gcr_results_file *file);

/* One dataset's row of the file: states and outputs of all its points. Zeroed is empty. */
typedef struct gcr_file_row {
    uint64_t dataset;
    uint8_t *states;                 /* [point_count]                 */
    uint8_t *kinds;                  /* [point_count], where there are several, else NULL */
    double *values[GCR_OUTPUTS_MAX]; /* [point_count * width] of each */
} gcr_file_row;

/* Reads the row of `dataset` into `row`, whose memory is used again. `outputs`: how many of the
 * first outputs are wanted. The caller clears the row. */
GCR_MUST_CHECK gcr_status gcr_file_row_read(gcr_file_row *row, gcr_results_file *file,
                                            uint64_t dataset, int outputs);
void gcr_file_row_clear(gcr_file_row *row);

/* "not SPD at minor 213": what became of a cell, in words. `value` is its first output, whose NaN
 * has the detail. Returns `out`. */
const char *gcr_run_file_describe(char *out, size_t bytes, const gcr_results_file *file,
                                  uint8_t state, double value);

/* Columns dataset, axes, status, kind where there are several, outputs; and the cells themselves.
 * An output of several values has a column for each. */
void gcr_run_file_name_cells(gcr_sheet *sheet, const gcr_results_file *file);
void gcr_run_file_put_cell(gcr_sheet *sheet, const gcr_results_file *file, const gcr_file_row *row,
                           uint64_t point);

#endif /* GCR_CLI_RUN_FILE_H */
