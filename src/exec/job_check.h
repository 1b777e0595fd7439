/*
 * exec/job_check.h -- what a job file's reader sees to, asked of jobs and data that a program made.
 */
#ifndef GCR_EXEC_JOB_CHECK_H
#define GCR_EXEC_JOB_CHECK_H

#include "gridcrunch/run.h"

/* GCR_EINVAL: something is NULL or out of its range, so that the job says nothing; or the datasets
 * are not standardised as the job says. What the kernel and the grid refuse is left to them. */
GCR_MUST_CHECK gcr_status gcr_run_spec_check(const gcr_run_spec *spec);

#endif /* GCR_EXEC_JOB_CHECK_H */
