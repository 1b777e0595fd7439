/*
 * cli/run_folder.h -- where a run's results go, and that nothing is written over.
 *
 *     gcr_run_folder_choose(&folder, job, "runs/a");   a name
 *     gcr_run_folder_check(&folder, is_fresh);         early, before anything that takes time
 *     gcr_run_folder_take(&folder, is_fresh);          made, and ours alone from here on
 *     gcr_results_write(results, folder.path);
 *     gcr_run_folder_clear(&folder);                   or, first, gcr_run_folder_restore()
 *
 * Ours alone: the folder is locked, because two runs that both found it empty would both write
 * their results there. The system takes the lock back from a process that dies.
 */
#ifndef GCR_CLI_RUN_FOLDER_H
#define GCR_CLI_RUN_FOLDER_H

#include "gridcrunch/job.h"
#include "gridcrunch/status.h"

typedef struct gcr_run_folder {
    char *path;
    char *old_path; /* where the run is now that it held; NULL: it held none */
    int fd;         /* of the locked folder, while is_taken                  */
    int is_taken;
} gcr_run_folder;

/* `wanted` if it is not NULL, else the job's output folder, else runs/NAME; all relative to the
 * current folder. The caller clears *out, also on failure. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_folder_choose(gcr_run_folder *out, const gcr_job *job,
                                                const char *wanted);

/* GCR_EEXIST: it holds a run and `is_fresh` is 0, or it is no folder. Changes nothing. */
GCR_MUST_CHECK gcr_status gcr_run_folder_check(const gcr_run_folder *folder, int is_fresh);

/* Makes and locks the folder, and removes what killed runs left half-written in it. With
 * `is_fresh` a run that it holds is moved aside to PATH.old-1, .old-2 ... first. GCR_EEXIST: it
 * holds a run, or one is being computed in it. GCR_EIO, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_folder_take(gcr_run_folder *folder, int is_fresh);

/* After a failure: removes the folder if it is empty and moves the earlier run back. Returns
 * `status`; where the earlier run cannot come back, its sentence says where it is. */
GCR_MUST_CHECK gcr_status gcr_run_folder_restore(gcr_run_folder *folder, gcr_status status);

/* The part of it that a signal handler may call, too: moves an earlier run back. False where that
 * cannot be done: it is at old_path. */
int gcr_run_folder_put_back(const gcr_run_folder *folder);

/* Gives the folder back. A zeroed struct is allowed. */
void gcr_run_folder_clear(gcr_run_folder *folder);

#endif /* GCR_CLI_RUN_FOLDER_H */
