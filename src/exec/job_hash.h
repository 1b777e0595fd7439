/*
 * exec/job_hash.h -- by what ranks find out whether they are about the same: a hash of what a job
 * says.
 */
#ifndef GCR_EXEC_JOB_HASH_H
#define GCR_EXEC_JOB_HASH_H

#include "kernels/own/own_kernel.h"

#include "gridcrunch/grid.h"
#include "gridcrunch/job.h"

/* Of what results depend on, and of what ranks must do alike; as it holds, wherever it was written.
 * How many threads a rank has, and how long a run may take, is not of that.
 * option[GCR_OPTIONS_MAX]. */
uint64_t gcr_job_hash(const gcr_job *job, const gcr_point_table *points, const int64_t *option);

/* Of the text of a kernel in a file; 0: NULL, it is in none. */
uint64_t gcr_job_hash_kernel(const gcr_own *own);

#endif /* GCR_EXEC_JOB_HASH_H */
