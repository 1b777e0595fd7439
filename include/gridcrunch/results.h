/*
 * gridcrunch/results.h -- what a run leaves: summaries in memory, and results files.
 *
 * A run's results are written as FOLDER/results.h5 and FOLDER/summary.csv, and opened again here.
 * results.h5 opens in h5py, xarray and Julia without our code. Its root group holds
 *
 *     dataset, AXIS ...           the scales: keys of the datasets, values of each axis
 *     OUTPUT                      one array per output, (dataset, AXIS ...); with more than one
 *                                 value per cell also (..., OUTPUT_index), a scale 0, 1, 2 ...
 *     status                      uint8 (dataset, AXIS ...), gcr_cell_state
 *     minor                       uint32, the same shape; only if a cell was not SPD
 *     jitter                      uint8, the same shape: step of the job's ladder; only if it has
 *                                 one
 *     kind                        uint8, the same shape: 1 for the fact kind_1 ...; only if devices
 *                                 of several kinds computed
 *     SUMMARY                     (dataset) its value; NaN where there is none
 *     SUMMARY_point, SUMMARY_AXIS (dataset) where it lies, of argmax, argmin; -1 and NaN: nowhere
 *     SUMMARY_skipped             (dataset) live points without a usable value
 *     top_value, top_point        (dataset, rank), rank 1, 2 ...; only if the job asks for `top`
 *     state_count, failed_*       in place of the outputs, status, minor and jitter where cells are
 *                                 not kept: (dataset, state) how many cells have each state;
 *                                 (dataset, failure) the point, state and detail of those that
 *                                 failed first, point -1: none
 *     rows, dropped               (dataset); y_mean, y_scale if y was standardised; x_mean, x_scale
 *                                 (dataset, feature) if x was
 *
 * and the group /run everything about how the run went: `job` (its text), facts as attributes,
 * the skipped datasets, the kernel's faults, the operations of the summaries. So the root group is
 * byte-identical for the same job on the same kind of device. Both files are written aside, synced
 * and renamed: they are absent, old or complete.
 *
 * Threads: any, each with files of its own. The library holds one lock around its use of HDF5, so
 * that of several threads one is in there at a time. A program that calls a serial HDF5 itself must
 * not do so at the same time.
 */
#ifndef GCR_RESULTS_H
#define GCR_RESULTS_H

#include "gridcrunch/grid.h"
#include "gridcrunch/job.h"

GCR_API_BEGIN

/* ---- summaries ------------------------------------------------------------------------------ */

/*
 * Over the live points of one dataset in point order. A cell without a result and a NaN value are
 * skipped and counted; with nan_propagates a NaN value wins as in Julia's findmax (the first one),
 * and cells without a result are NaN too. Ties go to the lowest point. Nothing left: `point` is -1
 * and `value` NaN. Values are added up one by one within blocks of 1024 points; the sums of the
 * blocks are added without rounding, and the whole is rounded once: so it does not matter who
 * summed which block, and when.
 */

/* One per dataset and summary. */
typedef struct gcr_summary_value {
    double value;
    int64_t point;    /* of argmax and argmin; -1: none, or not one of these */
    uint64_t skipped; /* live points that had no usable value                */
} gcr_summary_value;

/* True of the operations that name a point. */
static inline int gcr_summary_has_point(gcr_summary_op op)
{
    return op == GCR_SUMMARY_ARGMAX || op == GCR_SUMMARY_ARGMIN;
}

typedef struct gcr_summaries gcr_summaries; /* belongs to its run: gcr_run_summaries() */

/* Of a dataset that is complete, or after the run. */
gcr_summary_value gcr_summaries_get(const gcr_summaries *summaries, uint64_t dataset, int summary);

/* The place-th best (0 = the best itself) of `top`; point -1 where there are fewer. */
gcr_summary_value gcr_summaries_top(const gcr_summaries *summaries, uint64_t dataset, int place);

/* Which summary `top` belongs to, or -1. */
int gcr_summaries_top_of(const gcr_summaries *summaries);

/* Of a run that keeps summaries alone (gcr_keep), a dataset that is complete, or after the run: how
 * many of its cells have each state ... */
void gcr_summaries_count(const gcr_summaries *summaries, uint64_t dataset,
                         uint64_t counts[/* GCR_CELL_STATE_COUNT */]);

/* ... and those that failed first, in the order of points: a few, all are counted. */
typedef struct gcr_failed_cell {
    uint64_t point;
    uint32_t detail; /* gcr_cell_detail(), 0: none */
    uint8_t state;
} gcr_failed_cell;

/* Returns how many there are; *out belongs to the summaries. */
int gcr_summaries_failed(const gcr_summaries *summaries, uint64_t dataset,
                         const gcr_failed_cell **out);

/* ---- writing -------------------------------------------------------------------------------- */

/* A fact of a run, for /run and for people: name, and text or a number. */
typedef struct gcr_fact {
    const char *name;
    const char *text; /* NULL: `number` it is */
    double number;
} gcr_fact;

typedef struct gcr_results gcr_results; /* belongs to its run: gcr_run_results() */

enum {
    GCR_WRITE_UNSYNCED = 1, /* do not wait until the disk has it */
};

/* Writes FOLDER/results.h5 and FOLDER/summary.csv; the folder must exist. `flags`: GCR_WRITE_*
 * or-ed. On failure neither an old file is harmed nor a partial one left. GCR_EIO: the sentence
 * names the file and the system's reason ("No space left on device"). GCR_EINVAL: the run has not
 * ended. GCR_ETAKEN: a dataset has been taken from it. */
GCR_MUST_CHECK gcr_status gcr_results_write(const gcr_results *results, const char *folder,
                                            unsigned flags);

/* Removes what processes that were killed while they wrote left in `folder`, in which nobody else
 * may be writing. What cannot be removed stays: it harms nothing. */
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

/* Summaries: names ("best"), the operation as written ("argmax(lml)"), values. `top` as
 * gcr_summaries_top(). */
int gcr_results_summary_count(const gcr_results_file *file);
const char *gcr_results_summary_name(const gcr_results_file *file, int summary);
const char *gcr_results_summary_text(const gcr_results_file *file, int summary);
gcr_summary_value gcr_results_summary(const gcr_results_file *file, uint64_t dataset, int summary);
int gcr_results_top_count(const gcr_results_file *file);
int gcr_results_top_of(
    const gcr_results_file *file); /* the summary that `top` ranks by; -1: none */
gcr_summary_value gcr_results_top(const gcr_results_file *file, uint64_t dataset, int place);

/* Cells are there, unless the job said `keep: summary`: check is GCR_EINVAL with a sentence then,
 * and in their place there are, of each dataset, how many have each state and the first that
 * failed. failed is false where there are not so many of those as `index`, from 0, says. */
int gcr_results_keeps_cells(const gcr_results_file *file);
GCR_MUST_CHECK gcr_status gcr_results_check_cells(const gcr_results_file *file);
void gcr_results_count(const gcr_results_file *file, uint64_t dataset,
                       uint64_t counts[/* GCR_CELL_STATE_COUNT */]);
int gcr_results_failed(const gcr_results_file *file, uint64_t dataset, int index,
                       gcr_failed_cell *out);

/* One dataset's row of an array: [point_count * width] values, [point_count] states; one read each.
 * GCR_EFORMAT: the file is damaged, among others where a state is none of gcr_cell_state. */
GCR_MUST_CHECK gcr_status gcr_results_read_values(gcr_results_file *file, uint64_t dataset,
                                                  int output, double *values);
GCR_MUST_CHECK gcr_status gcr_results_read_states(gcr_results_file *file, uint64_t dataset,
                                                  uint8_t *states);

/* How many kinds of devices computed; 1 unless the file says more. Of each cell of a dataset, where
 * there are several, the kind from 1 on, which the fact kind_1 ... describes; 0: not computed.
 * GCR_EFORMAT: the file is damaged. */
int gcr_results_kind_count(const gcr_results_file *file);
GCR_MUST_CHECK gcr_status gcr_results_read_kinds(gcr_results_file *file, uint64_t dataset,
                                                 uint8_t *kinds);

GCR_API_END

#endif /* GCR_RESULTS_H */
