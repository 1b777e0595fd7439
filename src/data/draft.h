/*
 * data/draft.h -- datasets while they are being read.
 *
 * How many rows a dataset has is known when the last file has been read, and the rows of a long
 * table may come in any order of keys. So rows are collected here, each as `width` numbers side by
 * side, and turned into datasets of exact size at the end: numbers of a draft that stand in its
 * dataset are handed back to the system, so that both together are little more than one. Arrays say
 * how many rows they have, and fill their datasets without a draft of rows.
 */
#ifndef GCR_DATA_DRAFT_H
#define GCR_DATA_DRAFT_H

#include "gridcrunch/dataset.h"

#include <stddef.h>

typedef struct gcr_draft {
    char *key;
    uint32_t identity[4];
    const char *path; /* where the key was first seen; borrowed */
    uint64_t line;
    double *values; /* [capacity][width] row by row; NULL where the dataset came at once */
    uint64_t rows, capacity;
    uint64_t dropped;    /* rows that were not appended because a value is missing */
    gcr_dataset dataset; /* of a draft that came at once: what it will be          */
} gcr_draft;

typedef struct gcr_drafts {
    gcr_draft *items; /* [count] in order of first appearance */
    uint64_t count, capacity;
    uint64_t *slots; /* [slot_count] 1 + index of a draft, by hash of its key; 0 is free */
    uint64_t slot_count;
    uint64_t last; /* the draft that was asked for last: rows of a dataset come together */
    int64_t features;
    int has_y;
    const char *row_word; /* what a row of numbers is called in the file: "row", "column" */
} gcr_drafts;

/* Allowed on a zeroed struct. */
void gcr_drafts_clear(gcr_drafts *drafts);

/* The draft of that key, which is made where there is none: *is_new. Valid until the next call.
 * `path` is borrowed as long as the drafts live. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_drafts_put(gcr_draft **out, int *is_new, gcr_drafts *drafts,
                                         const char *key, size_t bytes, const char *path,
                                         uint64_t line);

/* Appends a row of features and, where there is one, y; or counts it as dropped if one of them is
 * NaN. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_draft_add(gcr_draft *draft, const gcr_drafts *drafts,
                                        const double *row);

/* A draft that comes at once, `rows` long: makes its dataset, for the caller to fill in.
 * GCR_ENOMEM, GCR_EOVERFLOW. */
GCR_MUST_CHECK gcr_status gcr_draft_begin_whole(gcr_draft *draft, const gcr_drafts *drafts,
                                                int64_t rows);

/* Drops rows with a NaN from such a draft, and counts them. Their room stays with the dataset.
 * GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_draft_drop_rows(gcr_draft *draft);

/* Moves all drafts into `out`, to its datasets or to its skipped ones; `drafts` are empty after it.
 * On failure the caller clears both. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_drafts_finish(gcr_datasets *out, gcr_drafts *drafts);

#endif /* GCR_DATA_DRAFT_H */
