/*
 * data/job_file.h -- reads a job file.
 *
 * The room data/ knows files: job files and the tables that hold datasets. It turns them into the
 * plain structs of gridcrunch/job.h and gridcrunch/dataset.h and reports every mistake with file,
 * line, column, the wrong word and the nearest right one. It does not know kernels or devices:
 * whether kernel `gp` has a parameter `noise` is found out later, with the marks kept here.
 */
#ifndef GCR_DATA_JOB_FILE_H
#define GCR_DATA_JOB_FILE_H

#include "gridcrunch/job.h"

/*
 * Reads the YAML file at `path` (JSON is YAML too) and lays `overrides` over it, each of the form
 * "grid.noise=[0.1, 0.2]": a dotted path into the file, and any YAML value. An override may replace
 * what is there or add what is not. The caller clears *out; on failure it is zeroed.
 *
 * Sentences read "fertility.yaml:7:3: unknown key 'lengthscal' in ... (did you mean ...?)"; a
 * mistake in an override has "--set grid.noise" in the place of the file, and columns are counted
 * from behind its '='.
 * GCR_EINVAL: unknown key, wrong type, out of range, a key given twice, something that must be
 * there is not. GCR_EFORMAT: not YAML, aliases or anchors, several documents, more than 1 MiB.
 * GCR_EUNREADABLE: the file cannot be read.
 */
GCR_MUST_CHECK gcr_status gcr_job_load(gcr_job *out, const char *path, const char *const *overrides,
                                       int override_count);

/* The same from text in memory; `path` is for the sentences and for what is relative to it. */
GCR_MUST_CHECK gcr_status gcr_job_parse(gcr_job *out, const char *path, const char *text,
                                        const char *const *overrides, int override_count);

#endif /* GCR_DATA_JOB_FILE_H */
