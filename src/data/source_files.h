/* data/source_files.h -- which files a job's sources name. */
#ifndef GCR_DATA_SOURCE_FILES_H
#define GCR_DATA_SOURCE_FILES_H

#include "gridcrunch/job.h"

#include <stddef.h>

typedef struct gcr_paths {
    char **items; /* [count] */
    uint64_t count, capacity;
} gcr_paths;

/*
 * The files of all sources: each source in turn, the matches of a pattern in the order of their
 * bytes. A source that exists as it is written is taken so, whatever signs it holds. GCR_EINVAL: a
 * source that matches nothing, or a file that is named twice. GCR_EUNREADABLE: a folder that a
 * pattern has to look into. GCR_ENOMEM. The caller clears *out, also on failure.
 */
GCR_MUST_CHECK gcr_status gcr_paths_find(gcr_paths *out, const gcr_job *job);

/* False where gcr_paths_find() fails because a source matches nothing on this machine, or nothing
 * that may be looked for; then its sentence is gcr_last_error(). Whether files can be read is not
 * asked. */
int gcr_sources_are_here(const gcr_job *job);

/* Allowed on a zeroed struct. */
void gcr_paths_clear(gcr_paths *paths);

/* The name of a file without its folder and its ending, borrowed from `path`: "data/nile.csv" is
 * nile. Returns its bytes. */
size_t gcr_path_stem(const char **out, const char *path);

#endif /* GCR_DATA_SOURCE_FILES_H */
