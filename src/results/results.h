/*
 * results/results.h -- the results of a run as files: results.h5 and summary.csv.
 *
 * results.h5 opens in h5py, xarray and Julia without our code. Its root group holds
 *
 *     dataset, AXIS ...           the scales: keys of the datasets, values of each axis
 *     OUTPUT                      one array per output, (dataset, AXIS ...); with more than one value
 *                                 per cell also (..., OUTPUT_index), a scale 0, 1, 2 ...
 *     status                      uint8 (dataset, AXIS ...), gcr_cell_state
 *     minor                       uint32, the same shape; only if a cell was not SPD
 *     jitter                      uint8, the same shape: step of the job's ladder; only if it has one
 *     SUMMARY                     (dataset) its value; NaN where there is none
 *     SUMMARY_point, SUMMARY_AXIS (dataset) where it lies, of argmax and argmin; -1 and NaN: nowhere
 *     SUMMARY_skipped             (dataset) live points without a usable value
 *     top_value, top_point        (dataset, rank), rank 1, 2 ...; only if the job asks for `top`
 *     rows, dropped               (dataset); y_mean, y_scale if y was standardised; x_mean, x_scale
 *                                 (dataset, feature) if x was
 *
 * and the group /run everything about how the run went: `job` (its text), facts as attributes,
 * the skipped datasets, the kernel's faults, the operations of the summaries. So the root group is
 * byte-identical for the same job on the same kind of device. Both files are written aside, synced
 * and renamed: they are absent, old or complete.
 */
#ifndef GCR_RESULTS_RESULTS_H
#define GCR_RESULTS_RESULTS_H

#include "results/slots.h"
#include "results/summary.h"

#include "gridcrunch/dataset.h"
#include "gridcrunch/job.h"

/* A fact of a run, for /run and for people: name, and text or a number. */
typedef struct gcr_fact {
    const char *name;
    const char *text; /* NULL: `number` it is */
    double number;
} gcr_fact;

/* All that is written. Everything is borrowed for the call. */
typedef struct gcr_results {
    const gcr_job *job;
    const gcr_datasets *datasets;
    const gcr_kernel *kernel;
    const gcr_point_table *points;
    const gcr_slots *slots;
    const gcr_summaries *summaries;
    const gcr_fact
        *facts; /* [fact_count] attributes of /run: kind, versions, ledger, timings, ... */
    int fact_count;
    int syncs; /* fsync before the rename: 1, or 0 in benches */
} gcr_results;

/* Everything above shares one namespace. GCR_EINVAL, with the place in the job where it has one: an
 * axis, output or summary that would have the name of another array; a name that HDF5 cannot
 * take; more dimensions than HDF5's 32. To be asked before a run, not after it. */
GCR_MUST_CHECK gcr_status gcr_results_check_names(const gcr_job *job, const gcr_kernel *kernel);

/* Writes FOLDER/results.h5 and FOLDER/summary.csv; the folder must exist. On failure neither an
 * old file is harmed nor a partial one left. GCR_EIO: the sentence names the file and the system's
 * reason ("No space left on device"). */
GCR_MUST_CHECK gcr_status gcr_results_write(const gcr_results *results, const char *folder);

/* Removes what processes that were killed while they wrote left in `folder`, in which nobody else may
 * be writing. What cannot be removed stays: it harms nothing. */
void gcr_results_sweep(const char *folder);

/* ---- reading it back ------------------------------------------------------------------------ */

typedef struct gcr_results_file gcr_results_file;

/* `path` is a run folder or a results.h5. GCR_ENOENT: there is none. GCR_EFORMAT: it is not one of
 * ours, or of a newer schema. */
GCR_MUST_CHECK gcr_status gcr_results_open(gcr_results_file **out, const char *path);
void gcr_results_close(gcr_results_file *file);

const gcr_point_table *
gcr_results_points(const gcr_results_file *file); /* live is NULL: see status */
uint64_t gcr_results_dataset_count(const gcr_results_file *file);
const char *gcr_results_dataset_key(const gcr_results_file *file, uint64_t dataset);
int gcr_results_output_count(const gcr_results_file *file);
const char *gcr_results_output_name(const gcr_results_file *file, int output);
int64_t gcr_results_output_width(const gcr_results_file *file, int output);
const char *gcr_results_kernel_name(const gcr_results_file *file);
const char *gcr_results_job_text(const gcr_results_file *file);

/* Facts of /run, in the order of their names. */
int gcr_results_fact_count(const gcr_results_file *file);
gcr_fact gcr_results_fact(const gcr_results_file *file, int index);

uint64_t gcr_results_skipped_count(const gcr_results_file *file);
const char *gcr_results_skipped_key(const gcr_results_file *file, uint64_t index);
const char *gcr_results_skipped_reason(const gcr_results_file *file, uint64_t index);

/* The sentences that fault codes of this run's kernel stand for; "" if there is none. */
const char *gcr_results_fault(const gcr_results_file *file, uint32_t code);

/* Summaries: names ("best"), the operation as written ("argmax(lml)"), values. `top` as in
 * results/summary.h. */
int gcr_results_summary_count(const gcr_results_file *file);
const char *gcr_results_summary_name(const gcr_results_file *file, int summary);
const char *gcr_results_summary_text(const gcr_results_file *file, int summary);
gcr_summary_value gcr_results_summary(const gcr_results_file *file, uint64_t dataset, int summary);
int gcr_results_top_count(const gcr_results_file *file);
int gcr_results_top_of(
    const gcr_results_file *file); /* the summary that `top` ranks by; -1: none */
gcr_summary_value gcr_results_top(const gcr_results_file *file, uint64_t dataset, int place);

/* One dataset's row of an array: [point_count * width] values, [point_count] states; one read each. */
GCR_MUST_CHECK gcr_status gcr_results_read_values(gcr_results_file *file, uint64_t dataset,
                                                  int output, double *values);
GCR_MUST_CHECK gcr_status gcr_results_read_states(gcr_results_file *file, uint64_t dataset,
                                                  uint8_t *states);

#endif /* GCR_RESULTS_RESULTS_H */
