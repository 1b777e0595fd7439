/*
 * gridcrunch/run.h -- the conductor: from a job and its datasets to results in memory.
 *
 *     gcr_run_create    checks job, kernel and data against each other; plans; allocates nothing large
 *     gcr_run_execute   opens the device, computes, summarises; returns when done or asked to stop
 *     gcr_run_results   what there is to write
 *
 * A run is executed once. Several runs may be executed at once, each by a thread of its own; what
 * the library shares between them it guards itself. Of one run, functions may be called by any
 * thread where they say so, and otherwise by one at a time.
 */
#ifndef GCR_RUN_H
#define GCR_RUN_H

#include "gridcrunch/dataset.h"
#include "gridcrunch/grid.h"
#include "gridcrunch/job.h"
#include "gridcrunch/kernel.h"
#include "gridcrunch/ledger.h"
#include "gridcrunch/plan.h"
#include "gridcrunch/results.h"

GCR_API_BEGIN

typedef struct gcr_run gcr_run;

typedef enum gcr_run_ending {
    GCR_RUN_COMPLETE,    /* every live cell was computed                     */
    GCR_RUN_CANCELLED,   /* somebody asked it to stop; what has landed stays */
    GCR_RUN_OUT_OF_TIME, /* max_seconds passed; the same                     */
} gcr_run_ending;

/* What a progress line shows. */
typedef struct gcr_progress {
    uint64_t cell_count; /* live cells */
    uint64_t landed;
    uint64_t failed;
    uint64_t datasets, datasets_done;
    double seconds;      /* since the first batch */
    double seconds_left; /* by predicted cost; < 0: not known yet */
    double cells_per_second;
} gcr_progress;

typedef struct gcr_run_spec {
    const gcr_job *job;                                           /* borrowed until destroy */
    const gcr_datasets *datasets;                                 /* borrowed until destroy */
    void (*on_progress)(void *arg, const gcr_progress *progress); /* from the caller's thread, */
    double progress_seconds; /* about this often while it runs; and once at the end; 0: 1 s  */
    void *arg;
} gcr_run_spec;

/* GCR_EINVAL with the place in the job file: a kernel, option, parameter, summary or device that
 * does not exist; an axis that is no parameter or a parameter without an axis; a value outside its
 * domain; datasets that lack the columns the kernel uses; no dataset at all. GCR_EOVERFLOW. */
GCR_MUST_CHECK gcr_status gcr_run_create(gcr_run **out, const gcr_run_spec *spec);
void gcr_run_destroy(gcr_run *run);

/* What will be done. Belong to the run. */
const gcr_plan *gcr_run_plan(const gcr_run *run);
const gcr_point_table *gcr_run_points(const gcr_run *run);
const gcr_kernel *gcr_run_kernel(const gcr_run *run);
const int64_t *gcr_run_options(const gcr_run *run); /* [GCR_OPTIONS_MAX] as the kernel lists them */
uint64_t gcr_run_seed(const gcr_run *run);
int gcr_run_thread_count(const gcr_run *run);
const char *gcr_run_device_name(const gcr_run *run);
const char *gcr_run_kind(const gcr_run *run);
gcr_schedule_form gcr_run_schedule(const gcr_run *run); /* never AUTO */
uint64_t gcr_run_batch(const gcr_run *run);             /* cells, at most */

/* The run stops soon: batches in flight are finished, what has landed stays. Any thread, at any time
 * before destroy; a signal handler, too. */
void gcr_run_cancel(gcr_run *run);

/* Computes all live cells, once. GCR_OK also when it was stopped or cells failed: see
 * gcr_run_ending_of() and the states. GCR_ENOMEM, GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_run_execute(gcr_run *run);

gcr_run_ending gcr_run_ending_of(const gcr_run *run);
const gcr_progress *gcr_run_progress(const gcr_run *run); /* as it was at the end */

/* How many cells have each state. After execute. */
void gcr_run_count(const gcr_run *run, uint64_t counts[/* GCR_CELL_STATE_COUNT */]);

const gcr_summaries *gcr_run_summaries(const gcr_run *run);
const gcr_ledger *gcr_run_ledger(const gcr_run *run);

/* Everything gcr_results_write() needs, facts included. Belongs to the run. After execute. */
const gcr_results *gcr_run_results(gcr_run *run);

/* Computes one cell by itself, as the run would. values: [output_count][width]. seconds_out is the
 * time of the cell alone, without what its dataset needs once (prepare_seconds_out). */
typedef struct gcr_trial {
    uint8_t state, jitter_step;
    double *values[GCR_OUTPUTS_MAX]; /* belong to the run */
    double prepare_seconds, seconds;
} gcr_trial;

GCR_MUST_CHECK gcr_status gcr_run_try(gcr_run *run, gcr_trial *out, uint64_t dataset,
                                      uint64_t point);

GCR_API_END

#endif /* GCR_RUN_H */
