/* data/job_override.h -- what stands behind --set, laid over the tree of a job file. */
#ifndef GCR_DATA_JOB_OVERRIDE_H
#define GCR_DATA_JOB_OVERRIDE_H

#include "data/job_node.h"

/*
 * Puts each "a.b.c=YAML" into the mapping `root`: in the place of what is there, or at the end;
 * mappings on the way are made where they are missing. The marks of what is put have the source
 * "--set a.b.c", which the job owns. GCR_EINVAL: no '=', an empty part of the path, a part that is
 * not a mapping; and what gcr_yaml_read() says.
 */
GCR_MUST_CHECK gcr_status gcr_job_override(gcr_job *job, gcr_node *root,
                                           const char *const *overrides, int count);

#endif /* GCR_DATA_JOB_OVERRIDE_H */
