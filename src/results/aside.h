/*
 * results/aside.h -- a file that is absent, old or complete, never half.
 *
 * It is written under another name in the same folder and renamed when all of it is on disk:
 *
 *     gcr_aside_open(&aside, folder, "results.h5");    .results.h5.1234.tmp
 *     write(aside.fd, ...);
 *     gcr_aside_finish(&aside, 1);                     synced, closed
 *     gcr_aside_publish(&aside);                       results.h5
 *     gcr_aside_close(&aside);                         removes what was not published
 */
#ifndef GCR_RESULTS_ASIDE_H
#define GCR_RESULTS_ASIDE_H

#include "gridcrunch/status.h"

/* The name it has until then: folder, name, process (a long). */
#define GCR_ASIDE_FORMAT "%s/.%s.%ld.tmp"

typedef struct gcr_aside {
    char *path;      /* what it will be called                     */
    char *temporary; /* what it is called now; NULL once published */
    int fd;          /* while is_open                              */
    int is_open;
} gcr_aside;

/* All of these: GCR_EIO with the final path and the system's reason. */
GCR_MUST_CHECK gcr_status gcr_aside_open(gcr_aside *out, const char *folder, const char *name);
GCR_MUST_CHECK gcr_status gcr_aside_finish(gcr_aside *aside, int syncs);
GCR_MUST_CHECK gcr_status gcr_aside_publish(gcr_aside *aside);

/* NULL and a zeroed struct are allowed. */
void gcr_aside_close(gcr_aside *aside);

/* Removes what processes that are dead left of `name` in `folder`. Nobody else may be writing
 * there. */
void gcr_aside_sweep(const char *folder, const char *name);

/* Makes the renames in `folder` last. */
GCR_MUST_CHECK gcr_status gcr_folder_sync(const char *folder);

#endif /* GCR_RESULTS_ASIDE_H */
