/* data/synthetic.h -- datasets that are made, not read. */
#ifndef GCR_DATA_SYNTHETIC_H
#define GCR_DATA_SYNTHETIC_H

#include "gridcrunch/dataset.h"
#include "gridcrunch/job.h"

/*
 * Makes the datasets of `job->data.synthetic`, keys s0001, s0002 ... (more digits from the ten
 * thousandth on). Each depends on the seed, its key, its shape and the noise alone, so more
 * datasets change none. The same bits on every machine and device.
 * GCR_EINVAL: rows or features below 1, noise negative or not finite. GCR_ENOMEM, GCR_EOVERFLOW.
 * On failure the caller clears *out.
 */
GCR_MUST_CHECK gcr_status gcr_synthetic_make(gcr_datasets *out, const gcr_job *job);

#endif /* GCR_DATA_SYNTHETIC_H */
