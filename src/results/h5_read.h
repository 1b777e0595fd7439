/*
 * results/h5_read.h -- reading arrays and texts of a file that may not be what it says.
 *
 * Sizes are compared with the size of the file before anything is allocated for them. Failures are
 * GCR_EFORMAT, with the path.
 */
#ifndef GCR_RESULTS_H5_READ_H
#define GCR_RESULTS_H5_READ_H

#include "results/h5_check.h"

#include <stdint.h>

typedef struct gcr_h5_source {
    hid_t file;
    const char *path; /* borrowed */
    uint64_t bytes;   /* size of the file */
} gcr_h5_source;

/* Leave the function if an HDF5 call that reads failed. */
#define GCR_H5_READ(source, call)                                                                  \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            char reason_[GCR_H5_REASON_BYTES];                                                     \
            GCR_FAIL(GCR_EFORMAT, "%s is damaged, or no results of gridcrunch: %s",                \
                     (source)->path, gcr_h5_reason(reason_));                                      \
        }                                                                                          \
    } while (0)

typedef struct gcr_h5_texts {
    char **items; /* [count] none is NULL */
    uint64_t count;
} gcr_h5_texts;

void gcr_h5_texts_clear(gcr_h5_texts *texts);

/* All of a one-dimensional list of texts, or of a single text. */
GCR_MUST_CHECK gcr_status gcr_h5_read_texts(gcr_h5_texts *out, const gcr_h5_source *source,
                                            const char *name);

/* All of an array of `type` (8 bytes each) in file order; *count_out values, which the caller
 * frees. */
GCR_MUST_CHECK gcr_status gcr_h5_read_array(void **out, uint64_t *count_out,
                                            const gcr_h5_source *source, const char *name,
                                            hid_t type);

/* The same where it must have `count` values. */
GCR_MUST_CHECK gcr_status gcr_h5_read_column(void **out, const gcr_h5_source *source,
                                             const char *name, hid_t type, uint64_t count);

/* An attribute may be a list, whatever it should be: to be asked before one value is read from
 * it. */
GCR_MUST_CHECK gcr_status gcr_h5_check_single(const gcr_h5_source *source, hid_t attribute,
                                              const char *name);

/* A text attribute of the object at `where`, which the caller frees. */
GCR_MUST_CHECK gcr_status gcr_h5_read_attribute(char **out, const gcr_h5_source *source,
                                                const char *where, const char *name);

/* The sizes of the array `name`; *rank_out of them, each > 0 unless it is the first. */
GCR_MUST_CHECK gcr_status gcr_h5_read_sizes(hsize_t out[32], int *rank_out,
                                            const gcr_h5_source *source, const char *name);

/* Row `row` of the first dimension of the array `name`, which the caller knows to have it. */
GCR_MUST_CHECK gcr_status gcr_h5_read_row(void *values, const gcr_h5_source *source,
                                          const char *name, hid_t type, uint64_t row);

#endif /* GCR_RESULTS_H5_READ_H */
