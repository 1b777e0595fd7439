/*
 * cli/run_folder.h -- where a run's results go, and that nothing is written over.
 */
#ifndef GCR_CLI_RUN_FOLDER_H
#define GCR_CLI_RUN_FOLDER_H

#include "gridcrunch/job.h"
#include "gridcrunch/status.h"

/* `wanted` if it is not NULL, else the job's output folder, else runs/NAME; all relative to the
 * current folder. The caller frees *out. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_folder_choose(char **out, const gcr_job *job, const char *wanted);

/* GCR_EEXIST: it holds a run and `is_fresh` is 0, or it is no folder. Changes nothing. */
GCR_MUST_CHECK gcr_status gcr_run_folder_check(const char *folder, int is_fresh);

/* Makes the folder; a run that it holds is moved aside to FOLDER.old-1, .old-2 ... first, and
 * *old_out says where (NULL: there was none; the caller frees it). GCR_EIO, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_folder_make(char **old_out, const char *folder);

#endif /* GCR_CLI_RUN_FOLDER_H */
