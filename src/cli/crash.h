/*
 * cli/crash.h -- a kernel of the user's crashes: which one, and at which cells.
 *
 * The signal handler only notes what happened and stops its thread for good. A thread that has been
 * waiting for that says it in a sentence, gives the run folder back and ends the process with
 * GCR_EXIT_OTHER, so that nothing of it has to be done inside a handler. Built-in kernels are not
 * watched: a crash of theirs is a bug of ours, and a core dump is worth more.
 */
#ifndef GCR_CLI_CRASH_H
#define GCR_CLI_CRASH_H

#include "cli/run_folder.h"

#include "gridcrunch/dataset.h"
#include "gridcrunch/run.h"

/* Watches from now on if the job's kernel is a file. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_crash_watch(const gcr_job *job);

/* What the sentence may name. Each is borrowed until the end of the process or the next call;
 * NULL: nothing. */
void gcr_crash_watch_run(const gcr_run *run, const gcr_datasets *datasets);
void gcr_crash_watch_cell(const char *cell); /* the one that is tried */
void gcr_crash_watch_folder(gcr_run_folder *folder);

#endif /* GCR_CLI_CRASH_H */
