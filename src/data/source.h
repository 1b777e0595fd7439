/*
 * data/source.h -- loads the datasets that a job names.
 */
#ifndef GCR_DATA_SOURCE_H
#define GCR_DATA_SOURCE_H

#include "gridcrunch/dataset.h"
#include "gridcrunch/job.h"

/*
 * Reads all sources of `job`, groups rows into datasets, drops rows with missing values, and
 * standardises where asked. The caller clears *out; on failure it is zeroed.
 *
 * Order: as the files sort (glob) and as keys first appear in them. Sentences name file, line and
 * column of the table. GCR_EFORMAT: a ragged row, text where a number belongs, a file that is not
 * text, an unterminated quote. GCR_EINVAL: no such column, a wide table with a duplicate key, no
 * dataset at all, a pattern that matches nothing. GCR_EUNREADABLE, GCR_ENOMEM.
 */
GCR_MUST_CHECK gcr_status gcr_datasets_load(gcr_datasets *out, const gcr_job *job);

#endif /* GCR_DATA_SOURCE_H */
