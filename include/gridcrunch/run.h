/*
 * gridcrunch/run.h -- the conductor: from a job and its datasets to results in memory.
 *
 *     gcr_run_create    checks job, kernel and data against each other; plans; allocates nothing
 *                       large
 *     gcr_run_execute   opens the device, computes, summarises; returns when done or asked to stop
 *     gcr_run_fetch     the cells of one dataset, also while others are still computed
 *     gcr_run_results   what there is to write
 *
 * A run is executed once. Several runs may be executed at once, by as many threads; what the
 * library shares between them it guards itself. Of one run, these may be called by any thread at
 * any time between create and destroy, also while another thread executes it:
 *     what reads the plan, gcr_run_in_flight(), gcr_run_cancel()
 *     gcr_run_is_ready(), gcr_run_wait(), gcr_run_fetch(), gcr_run_take()
 *     gcr_run_summaries(), of datasets that are ready or have been taken
 * The rest is for one thread at a time, and what stands under "after execute" for the time after.
 *
 * Inside a run (in a cell, in a callback) no run can be executed, and nothing can be waited for
 * that a run must still bring: GCR_ENESTED at once, where a wait might never end.
 */
#ifndef GCR_RUN_H
#define GCR_RUN_H

#include "gridcrunch/dataset.h"
#include "gridcrunch/grid.h"
#include "gridcrunch/job.h"
#include "gridcrunch/kernel_description.h"
#include "gridcrunch/ledger.h"
#include "gridcrunch/plan.h"
#include "gridcrunch/ranks.h"
#include "gridcrunch/results.h"

GCR_API_BEGIN

typedef struct gcr_run gcr_run;

typedef enum gcr_run_ending {
    GCR_RUN_COMPLETE,    /* every live cell was computed                     */
    GCR_RUN_CANCELLED,   /* somebody asked it to stop; what has landed stays */
    GCR_RUN_OUT_OF_TIME, /* max_seconds passed; the same                     */
    GCR_RUN_FAILED,      /* execute failed, and said why; the same           */
} gcr_run_ending;

/* "complete", "cancelled" ...: as in results files. Never NULL. */
const char *gcr_run_ending_name(gcr_run_ending ending);

/* What a progress line shows. */
typedef struct gcr_progress {
    uint64_t cell_count; /* live cells */
    uint64_t landed;
    uint64_t failed;
    uint64_t datasets, datasets_done;
    double seconds;      /* since the first batch */
    double seconds_left; /* by predicted cost; < 0: not known yet */
    double cells_per_second;
    uint64_t halved; /* how often a device was short of memory and its batches became smaller */
} gcr_progress;

typedef struct gcr_run_spec {
    const gcr_job *job;           /* borrowed until destroy */
    const gcr_datasets *datasets; /* borrowed until destroy */

    /* From the thread that executes, about every progress_seconds (0: one) and once at the end.
     * NULL: nobody wants to know. */
    void (*on_progress)(void *arg, const gcr_progress *progress);
    double progress_seconds;

    /* Once for each dataset whose last cell has landed and which has its summaries, from the thread
     * that landed it: one of those that compute, several of them at once for different datasets; of
     * cells of other ranks the one that executes, which answers no rank meanwhile, as in
     * on_progress: after 60 s of that (GRIDCRUNCH_SILENCE) other machines call this one lost. The
     * dataset can be fetched or taken in there. NULL: nobody wants to know. */
    void (*on_dataset)(void *arg, gcr_run *run, uint64_t dataset);

    void *arg; /* the first argument of both */

    /* Several ranks that compute one run together (ranks.h): each creates, executes and destroys
     * it, in the same order (Collective), with the same job and the same datasets. The callbacks,
     * the cells and what there is after execute are rank 0's alone. Borrowed until destroy; NULL:
     * this process alone. */
    gcr_comm *comm;
    int has_same_datasets; /* not 0: ranks are known to have the same; else they are compared */

    /* Not 0: a job whose kernel is a file (kernel: fit.c) is GCR_EINVAL. Otherwise create has it
     * compiled by the C compiler, in another process, and loads it into this one. */
    int refuses_kernel_files;
} gcr_run_spec;

/* GCR_EINVAL with the place in the job file: a kernel, option, parameter, summary or device that
 * does not exist; an axis that is no parameter or a parameter without an axis; a value outside its
 * domain; datasets that lack the columns the kernel uses; no dataset at all; a kernel in a file
 * that is none. GCR_EUNSUPPORTED: the device cannot do what is asked, or there is no compiler for a
 * kernel in a file. GCR_EUNREADABLE: that file cannot be read. GCR_EIO: nothing can be written for
 * it, or this process ignores SIGCHLD. GCR_EDEVICE, GCR_EOVERFLOW, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_create(gcr_run **out, const gcr_run_spec *spec);

/* Cancels a run that was started and waits for it. Whoever waits for a dataset meanwhile gets
 * GCR_ECLOSED, and destroy waits until all such calls have returned; none may begin any more.
 * Inside the run itself, in a callback of its own, it only cancels: the run is still to be
 * destroyed, outside. NULL is allowed. */
void gcr_run_destroy(gcr_run *run);

/* The plan: what will be done. Pointers belong to the run. */
const gcr_plan *gcr_run_plan(const gcr_run *run);
const gcr_point_table *gcr_run_points(const gcr_run *run);
const gcr_kernel *gcr_run_kernel(const gcr_run *run);
const int64_t *gcr_run_options(const gcr_run *run); /* [GCR_OPTIONS_MAX] as the kernel lists them */
uint64_t gcr_run_seed(const gcr_run *run);
int gcr_run_thread_count(const gcr_run *run);           /* of the CPU; 0: it computes nothing */
int gcr_run_worker_count(const gcr_run *run);           /* threads that compute or drive a GPU  */
gcr_schedule_form gcr_run_schedule(const gcr_run *run); /* never AUTO */

/* How results come from other ranks: which way, why and how fast; "": there is nothing to say of
 * it. */
const char *gcr_run_gather(const gcr_run *run);

/* What it took, after execute: rank 0's, zeroed where there is one rank. */
typedef struct gcr_gather_ledger {
    gcr_gather_form way;      /* MPI or NCCL                                           */
    double bytes_per_second;  /* of that way, when it was tried; 0: it was not         */
    uint64_t messages, bytes; /* with the results of other nodes                       */
    uint64_t device_bytes;    /* of results that came from GPU to GPU                  */
    uint64_t duplicates;      /* cells that came twice, and were the same: one was dropped */

    /* For how long some results were under way by that way, each sending node's time added up (by
     * NCCL: the time of rank 0), and how many bytes came in a second of it: no more than the
     * network can, and less where there was little to send. 0: not known. */
    double under_way_seconds, under_way_bytes_per_second;
} gcr_gather_ledger;

const gcr_gather_ledger *gcr_run_gather_ledger(const gcr_run *run);

/* Which datasets GPUs of several ranks begin with and have from each other, of which each uploads a
 * part; "": there is nothing to say of it. Where that fails when the run begins, each uploads for
 * itself, and then it says why. */
const char *gcr_run_spread(const gcr_run *run);
int gcr_run_spread_has_failed(const gcr_run *run);

uint64_t gcr_run_batch(const gcr_run *run); /* cells, at most */

/* The ranks that compute together, at least one; what each has ("rank 3 on n1: 4 threads on CPUs
 * 12-15, ..."), written to `out`, which is returned; and what costs time in that, a line each. */
int gcr_run_rank_count(const gcr_run *run);
const char *gcr_run_describe_rank(char *out, size_t bytes, const gcr_run *run, int rank);
int gcr_run_warning_count(const gcr_run *run);
const char *gcr_run_warning(const gcr_run *run, int index);

/* Who computes: devices from 0 on, at least one, and their kinds, from 0 on, in the order of their
 * first device. The kind is what decides a cell's bits beside its key (kind.h). */
int gcr_run_device_count(const gcr_run *run);
const char *gcr_run_device_name(const gcr_run *run, int device);
const char *gcr_run_device_word(const gcr_run *run, int device); /* as in a job: "cuda:1" */
int gcr_run_device_kind(const gcr_run *run, int device);
int gcr_run_kind_count(const gcr_run *run);
const char *gcr_run_kind(const gcr_run *run, int kind);

/* The share of the predicted cost that the plan gives to a kind, 0 .. 1; < 0: none in particular,
 * each device takes what is left (`device: any`). */
double gcr_run_kind_share(const gcr_run *run, int kind);

/* What the plan has for a device with memory of its own; zeroed for others. Datasets that together
 * are more than its budget come and go in waves. Where several devices share their cells as they
 * go, a dataset that two of them work on goes up twice: `up_bytes` is the least then. */
typedef struct gcr_device_plan {
    uint64_t budget_bytes; /* of its memory, for datasets and what is prepared; 0: no limit */
    uint64_t up_bytes;     /* of datasets, copied to it from the host                        */
    uint64_t waves;
} gcr_device_plan;

const gcr_device_plan *gcr_run_device_plan(const gcr_run *run, int device);

/* A device that `auto` or `any` found and does not use, and why; "": there is none. */
const char *gcr_run_left_out(const gcr_run *run);

/* The run stops soon: batches in flight are finished, what has landed stays. Any thread, at any
 * time before destroy; a signal handler, too. */
void gcr_run_cancel(gcr_run *run);

/* Computes all live cells, once. GCR_OK also when it was stopped or cells failed: see
 * gcr_run_ending_of() and the states. GCR_ENOMEM; GCR_EDEVICE: a device, or another machine, is
 * lost, and what landed before is there; GCR_EINVAL: it was executed before; GCR_ENESTED. A machine
 * that is lost when all cells have landed is no failure of rank 0's; but nothing collective will be
 * done again by the ranks of this run, and each closes what it has by itself. */
GCR_MUST_CHECK gcr_status gcr_run_execute(gcr_run *run);

/* The same on a thread of its own: start returns at once, finish waits for the end and returns what
 * execute would have. start: GCR_ENOMEM, where the run stays as it was and may be started again.
 * finish: seconds < 0 is no limit; GCR_ETIMEOUT; GCR_EINVAL: it was not started. */
GCR_MUST_CHECK gcr_status gcr_run_start(gcr_run *run);
GCR_MUST_CHECK gcr_status gcr_run_finish(gcr_run *run, double seconds);

/* What a worker of any device, 0 .. gcr_run_worker_count() - 1, is at: `cell_count` live cells from
 * `point` of `dataset` on, in the order of the plan; 0: it prepares the dataset. One that failed is
 * still there; one whose device failed was at all batches that it had in flight, the oldest first.
 * False where there is no such worker, or it does not work (yet, or any more). Any thread may ask,
 * and a signal handler, too: this is how a program names the cells that crashed, or were lost with
 * a device. */
typedef struct gcr_in_flight {
    long thread; /* as the system numbers it */
    uint64_t dataset, point, cell_count;
} gcr_in_flight;

int gcr_run_in_flight(gcr_in_flight *out, const gcr_run *run, int worker);

/* After execute: what the worker was at that failed first, whose sentence execute returned; where
 * another rank's failed, what that one was. False: no worker has failed, or it was at nothing. Of
 * several ranks known for GCR_EDEVICE alone. */
int gcr_run_failed_at(gcr_in_flight *out, const gcr_run *run);

/* ---- the cells of one dataset ---------------------------------------------------------------- */

/* Cell (dataset, point) has the state state[point] and of output o the width[o] values from
 * values[o] + point * width[o] on: NaN where it has no result, and behind the last value of a
 * dataset that has fewer than the widest. */
typedef struct gcr_row {
    uint64_t dataset, point_count;
    int output_count;                      /* in the order of the kernel's description */
    int64_t width[GCR_OUTPUTS_MAX];        /* values per cell                          */
    const double *values[GCR_OUTPUTS_MAX]; /* [point_count][width[o]]                  */
    const uint8_t *state;                  /* [point_count] gcr_cell_state             */
    const uint8_t *jitter_step; /* [point_count] from 1, 0: none; NULL: the job has no ladder */
    const uint8_t *kind; /* [point_count] from 1, 0: not computed; NULL: the run has one kind */
    void *owned;         /* private: what gcr_row_clear() frees                        */
} gcr_row;

/* Frees what a row owns and zeroes it. NULL and a zeroed struct are allowed. */
void gcr_row_clear(gcr_row *row);

/* True where all cells of the dataset have landed, its summaries are made and nobody has taken
 * it. */
int gcr_run_is_ready(const gcr_run *run, uint64_t dataset);

/* Waits until the dataset is ready, also if the run has not begun. seconds < 0: no limit; 0: looks.
 * GCR_ETIMEOUT. GCR_ETAKEN: somebody took it. GCR_ECLOSED: the run ended (it was stopped, failed or
 * is being destroyed) and left cells of this dataset undone. GCR_ENESTED. GCR_EINVAL: there is no
 * such dataset. */
GCR_MUST_CHECK gcr_status gcr_run_wait(gcr_run *run, uint64_t dataset, double seconds);

/* The same, and then its cells. What is fetched stays where it is: the row points into the run,
 * until that is destroyed or the dataset taken. */
GCR_MUST_CHECK gcr_status gcr_run_fetch(gcr_row *out, gcr_run *run, uint64_t dataset,
                                        double seconds);

/* What is taken leaves the run: the row owns it (gcr_row_clear()), the run gives its memory back to
 * the system, and of several who try one gets it. Summaries stay. Results files of a run of which
 * something was taken cannot be written. GCR_ENOMEM: then it is still there. */
GCR_MUST_CHECK gcr_status gcr_run_take(gcr_row *out, gcr_run *run, uint64_t dataset,
                                       double seconds);

/* ---- after execute --------------------------------------------------------------------------- */

/* What there is of a dataset, complete or not: cells that were not computed have the state
 * GCR_CELL_EMPTY. The row points into the run. GCR_EINVAL: the run has not ended, failed before it
 * had cells, or there is no such dataset. GCR_ETAKEN. */
GCR_MUST_CHECK gcr_status gcr_run_row(gcr_row *out, const gcr_run *run, uint64_t dataset);

gcr_run_ending gcr_run_ending_of(const gcr_run *run);
const gcr_progress *gcr_run_progress(const gcr_run *run); /* as it was at the end */

/* The first node that this rank knows to be lost, or -1; and for how many seconds a node is silent
 * that is called lost, as rank 0 has read it (GRIDCRUNCH_SILENCE), or infinity. */
int gcr_run_lost_node(const gcr_run *run);
double gcr_run_silence(const gcr_run *run);

/* How many cells have each state; before execute all that are live are empty. */
void gcr_run_count(const gcr_run *run, uint64_t counts[/* GCR_CELL_STATE_COUNT */]);

/* Those of a dataset are there when it is ready, also while others are computed; those of a dataset
 * that was left incomplete are of the cells it has, when the run has ended. NULL: nothing has been
 * computed yet, or the run failed before. */
const gcr_summaries *gcr_run_summaries(const gcr_run *run);
const gcr_ledger *gcr_run_ledger(const gcr_run *run); /* of all devices together */
const gcr_ledger *gcr_run_device_ledger(const gcr_run *run, int device);

/* Everything gcr_results_write() needs, facts included; nothing before the run has ended, and where
 * it failed before it had cells. Belongs to the run. */
const gcr_results *gcr_run_results(gcr_run *run);

/* ---- a cell by itself ------------------------------------------------------------------------ */

typedef struct gcr_trial {
    uint8_t state, jitter_step;
    double *values[GCR_OUTPUTS_MAX]; /* the run's, until the next trial */
    double prepare_seconds;          /* what the dataset needs once     */
    double seconds;                  /* the cell alone                  */
} gcr_trial;

/* Computes one cell by itself, as the run would; before or after execute, or without it.
 * GCR_EINVAL: there is no such dataset or point, or `where` leaves it out. GCR_EUNSUPPORTED: the
 * device is not the CPU. GCR_EDEVICE, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_try(gcr_run *run, gcr_trial *out, uint64_t dataset,
                                      uint64_t point);

GCR_API_END

#endif /* GCR_RUN_H */
