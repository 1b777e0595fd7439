/* base/cache_private.h -- what cache.c and cache_object.c share. */
#ifndef GCR_BASE_CACHE_PRIVATE_H
#define GCR_BASE_CACHE_PRIVATE_H

#include "base/cache.h"

#include <sys/stat.h>

/* GCR_EINVAL: others may have put something there. `what` is "the folder" or "the object". */
GCR_MUST_CHECK gcr_status gcr_cache_check_owner(const char *what, const char *path,
                                                const struct stat *info);

#endif /* GCR_BASE_CACHE_PRIVATE_H */
