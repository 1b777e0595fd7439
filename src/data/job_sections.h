/* data/job_sections.h -- the mappings of a job file that are large enough for a file of their own.
 * Each function fills its part of a job from one node; on failure the job may be filled in part. */
#ifndef GCR_DATA_JOB_SECTIONS_H
#define GCR_DATA_JOB_SECTIONS_H

#include "data/job_node.h"

/* `data:` where the datasets come from. */
GCR_MUST_CHECK gcr_status gcr_job_read_data(gcr_job *job, const gcr_node *node);

/* `grid:` the axes. */
GCR_MUST_CHECK gcr_status gcr_job_read_grid(gcr_job *job, const gcr_node *node);

/* `summary:` what the runs of a dataset are reduced to. */
GCR_MUST_CHECK gcr_status gcr_job_read_summary(gcr_job *job, const gcr_node *node);

/* `run:` how to compute, `output:` where the results go. */
GCR_MUST_CHECK gcr_status gcr_job_read_run(gcr_job *job, const gcr_node *node);
GCR_MUST_CHECK gcr_status gcr_job_read_output(gcr_job *job, const gcr_node *node);

#endif /* GCR_DATA_JOB_SECTIONS_H */
