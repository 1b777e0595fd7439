/* results/results_files.h -- the two files of a run, each into a fresh descriptor. */
#ifndef GCR_RESULTS_RESULTS_FILES_H
#define GCR_RESULTS_RESULTS_FILES_H

#include "results/outcome.h"

/* `path` names the file in sentences. GCR_EIO, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_results_write_h5(const gcr_results *results, int fd,
                                               const char *path);
GCR_MUST_CHECK gcr_status gcr_results_write_csv(const gcr_results *results, int fd,
                                                const char *path);

#endif /* GCR_RESULTS_RESULTS_FILES_H */
