/*
 * results/outcome.h -- all that a run leaves to be written, and by which names.
 *
 * To a program it is an opaque gcr_results, which belongs to its run (gridcrunch/results.h).
 */
#ifndef GCR_RESULTS_OUTCOME_H
#define GCR_RESULTS_OUTCOME_H

#include "results/gate.h"
#include "results/slots.h"
#include "results/summary.h"

#include "gridcrunch/dataset.h"
#include "gridcrunch/results.h"

/* Everything is borrowed for the call that writes. */
struct gcr_results {
    const gcr_job *job;
    const gcr_datasets *datasets;
    const gcr_kernel *kernel;
    const char *kernel_text; /* of the file it was loaded from; NULL: it is built in */
    const gcr_point_table *points;
    const gcr_slots *slots; /* NULL: there are no results (yet) */
    const gcr_summaries *summaries;
    const gcr_gate *gate; /* which datasets were taken; NULL: none */
    int kind_count;       /* of devices; > 1: the slots say of which kind each cell is */
    const gcr_fact
        *facts; /* [fact_count] attributes of /run: kind, versions, ledger, timings, ... */
    int fact_count;
};

/* Everything in results.h5 shares one namespace. GCR_EINVAL, with the place in the job where it has
 * one: an axis, output or summary that would have the name of another array; a name that HDF5
 * cannot take; more dimensions than HDF5's 32. To be asked before a run, not after it. */
GCR_MUST_CHECK gcr_status gcr_results_check_names(const gcr_job *job, const gcr_kernel *kernel);

#endif /* GCR_RESULTS_OUTCOME_H */
