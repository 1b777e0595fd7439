/*
 * base/cache.h -- the folder that keeps compiled kernels, and what may be loaded from it.
 *
 * It is $GRIDCRUNCH_CACHE, $XDG_CACHE_HOME/gridcrunch or $HOME/.cache/gridcrunch, made with mode
 * 0700. What is loaded runs with the rights of whoever started the program, so a folder or an
 * object that belongs to another user, or that others may write, is refused. Where no folder can be
 * written a fresh one under $TMPDIR takes its place and is removed at the end.
 *
 * An object is named by a hash of all that went into it. It is made in a work folder of its own and
 * renamed when it is whole, with a checksum behind its last byte: processes that compile the same
 * kernel at once do the work twice and are both right, and one that is killed leaves a work folder
 * that a later one removes.
 *
 * There is a bound to the bytes of all objects. What was used within the hour stays all the same,
 * so that what one process has found is not removed by another before it is loaded; once it is
 * loaded it may be. Files that are no objects are neither counted nor removed.
 */
#ifndef GCR_BASE_CACHE_H
#define GCR_BASE_CACHE_H

#include "gridcrunch/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct gcr_cache {
    char *folder;
    int is_temporary;   /* of this run alone                                            */
    uint64_t bytes_max; /* of all objects; those that were used within the hour aside  */
} gcr_cache;

/* GCR_EINVAL: the folder may be written by others. GCR_EIO: there is no folder at all. The caller
 * closes *out, also on failure. */
GCR_MUST_CHECK gcr_status gcr_cache_open(gcr_cache *out);
void gcr_cache_close(gcr_cache *cache);

/* The path of object `name`, which the caller frees, and whether it is there and whole; then it
 * counts as used now. GCR_EINVAL: it may be written by others. */
GCR_MUST_CHECK gcr_status gcr_cache_find(char **path_out, int *is_there_out, const gcr_cache *cache,
                                         const char *name);

/* A fresh folder inside the cache, for gcr_cache_work_close() to free and remove. GCR_EIO. */
GCR_MUST_CHECK gcr_status gcr_cache_work_open(char **out, const gcr_cache *cache);
void gcr_cache_work_close(char *work);

/* Writes FOLDER/NAME, with the folders that NAME has in front. GCR_EIO. */
GCR_MUST_CHECK gcr_status gcr_cache_write(const char *folder, const char *name, const char *text,
                                          size_t bytes);

/* The bytes of an object that gcr_cache_find() found whole. The caller frees them. GCR_EIO,
 * GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_cache_read(void **out, size_t *bytes_out, const char *path);

/* Makes `file`, which lies in a work folder, the object at `path`, and room for it: as long as
 * there are too many bytes, the object that was not used for longest is removed. GCR_EIO. */
GCR_MUST_CHECK gcr_status gcr_cache_keep(const gcr_cache *cache, const char *file,
                                         const char *path);

#endif /* GCR_BASE_CACHE_H */
