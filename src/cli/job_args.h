/*
 * cli/job_args.h -- the argument JOB and the flags that change a job, shared by run, plan and try.
 *
 * A flag is nothing but an override of the job ("--threads 2" is "--set run.threads=2"), so its
 * value is read, checked and complained about where the job's own values are.
 */
#ifndef GCR_CLI_JOB_ARGS_H
#define GCR_CLI_JOB_ARGS_H

#include "gridcrunch/job.h"
#include "gridcrunch/status.h"

#include <argp.h>

typedef struct gcr_job_args {
    const char *path; /* of the job file; NULL: none was given */
    char **overrides; /* [override_count] "run.threads=2"      */
    int override_count;
} gcr_job_args;

/* The flags, as a child of a command's parser; its input is a gcr_job_args. */
extern const struct argp gcr_job_argp;

/* Adds the override "KEY=VALUE". GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_job_args_put(gcr_job_args *args, const char *key, const char *value);

/* Loads the job that the arguments name. */
GCR_MUST_CHECK gcr_status gcr_job_args_load(gcr_job *out, const gcr_job_args *args);

void gcr_job_args_clear(gcr_job_args *args);

#endif /* GCR_CLI_JOB_ARGS_H */
