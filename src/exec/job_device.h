/*
 * exec/job_device.h -- the device that a job names.
 */
#ifndef GCR_EXEC_JOB_DEVICE_H
#define GCR_EXEC_JOB_DEVICE_H

#include "backend/backend.h"

#include "gridcrunch/job.h"

/* Opens it; "auto" is the first device of the best backend that has one. `backend` stands in for
 * the one that the job names; NULL: that one. GCR_EINVAL, with the place in the job: there is no
 * such device. GCR_EUNSUPPORTED: no device at all. */
GCR_MUST_CHECK gcr_status gcr_job_device_open(gcr_device **out, const gcr_job *job,
                                              const gcr_backend *backend);

#endif /* GCR_EXEC_JOB_DEVICE_H */
