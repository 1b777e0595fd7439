/* cli/describe.h -- the parts of a job in words, for run, plan and show. */
#ifndef GCR_CLI_DESCRIBE_H
#define GCR_CLI_DESCRIBE_H

#include "exec/busy.h"

#include "gridcrunch/run.h"

#include <stddef.h>
#include <stdio.h>

/* Prints a line for each axis: "axes       noise: 12 values, 0.001 .. 1". */
void gcr_describe_axes(FILE *stream, const gcr_point_table *points);

/* The others return `out`, terminated and shortened where it is too small. */

/* "fertility (fertility.yaml): gp, covariance=matern52" */
const char *gcr_describe_job(char *out, size_t bytes, const gcr_job *job);

/* "210 with 12 / 54 / 60 rows (min / median / max)" */
const char *gcr_describe_datasets(char *out, size_t bytes, const gcr_datasets *datasets);

/* "9 of 219: Aruba, Andorra, ... (the first: no value in any of 54 rows)" */
const char *gcr_describe_skipped(char *out, size_t bytes, const gcr_datasets *datasets);

/* "lengthscale (24) x noise (12) = 288 points, 250 of them wanted" */
const char *gcr_describe_grid(char *out, size_t bytes, const gcr_point_table *points);

/* "2 threads, schedule dynamic, batches of 64 cells" */
const char *gcr_describe_schedule(char *out, size_t bytes, const gcr_run *run);

/* Rows of the smallest, the middle and the largest dataset. GCR_ENOMEM is all zeros. */
typedef struct gcr_row_range {
    int64_t least, median, most;
} gcr_row_range;

gcr_row_range gcr_describe_rows(const gcr_datasets *datasets);

/* "NVIDIA H200", or "cuda:0 NVIDIA H200, cuda:1 NVIDIA H200" where there are several. */
const char *gcr_describe_devices(char *out, size_t bytes, const gcr_run *run);

/* "busy 97.2 % of the time (median), 91.0 % (least: rank 3 on n2); 0 idle"; `host`: of that rank,
 * NULL: which one it is does not matter. */
const char *gcr_describe_busy(char *out, size_t bytes, const gcr_busy *busy, const char *host);

/* The kind, or "kind_1: cpu, f64, ..." in a line for each. */
void gcr_describe_kinds(FILE *stream, const gcr_run *run);

#endif /* GCR_CLI_DESCRIBE_H */
