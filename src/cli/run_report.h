/*
 * cli/run_report.h -- what `gridcrunch run` says about a run: before, after, and to programs.
 */
#ifndef GCR_CLI_RUN_REPORT_H
#define GCR_CLI_RUN_REPORT_H

#include "exec/share_data.h"

#include "gridcrunch/run.h"

#include <jansson.h>

/* All that there is to say. Everything is borrowed for the calls. */
typedef struct gcr_run_report {
    const gcr_job *job;
    const gcr_datasets *datasets;
    const gcr_run *run;
    const char *folder;
    const char *old_folder;       /* where an earlier run was moved; NULL: there was none */
    const gcr_results_file *file; /* what was written, opened again                       */
    const gcr_data_ledger *data;  /* how the datasets came to all ranks                   */
    double load_seconds, write_seconds, total_seconds;
} gcr_run_report;

/* Before the first cell: what will be done, on stderr. */
void gcr_run_report_begin(const gcr_run_report *report);

/* After the last: what came out, on stderr. */
void gcr_run_report_end(const gcr_run_report *report);

/* The same as a document; NULL: no memory. */
json_t *gcr_run_report_json(const gcr_run_report *report);

/* GCR_EXIT_OK, _FAILED or _INTERRUPTED. */
int gcr_run_report_exit(const gcr_run_report *report);

/* For documents: the devices of a run, and its kinds. */
json_t *gcr_run_devices_json(const gcr_run *run);
json_t *gcr_run_kinds_json(const gcr_run *run);

#endif /* GCR_CLI_RUN_REPORT_H */
