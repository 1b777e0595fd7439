/*
 * data/image.h -- datasets as one block of bytes, which several processes read where it lies.
 *
 * In front stands an index: all that a gcr_datasets holds but its tables, one thing after another.
 * Behind it stand the tables in the order of the datasets, each dataset at a multiple of
 * GCR_ALIGNMENT and y right behind x, so that both go up to a device in one call. There are no
 * addresses and no distances in a block: where a table stands follows from the shapes before it, so
 * there is nothing that could point outside. It may be mapped anywhere, and sent to a machine that
 * runs this build; it is no format for files.
 */
#ifndef GCR_DATA_IMAGE_H
#define GCR_DATA_IMAGE_H

#include "gridcrunch/dataset.h"

/* Memory for a block: page aligned and zeroed. */
typedef struct gcr_image_place {
    void *base;
    /* Makes sure that there is memory behind these bytes, before they are written first; pieces
     * come in order and do not overlap. NULL: there is. */
    gcr_status (*reserve)(void *context, uint64_t first, uint64_t bytes);
    void *context;
} gcr_image_place;

/* Bytes of the block that `datasets` become. GCR_EOVERFLOW: borrowed tables, many times the
 * same. */
GCR_MUST_CHECK gcr_status gcr_image_measure(uint64_t *bytes_out, const gcr_datasets *datasets);

/*
 * Moves `datasets` into a block of that many bytes. Tables are freed piece by piece as they are
 * copied, so that there are never two copies of all; those that are borrowed are copied and left
 * alone. Whatever the outcome, *datasets is cleared. GCR_EOVERFLOW, and what place->reserve() fails
 * with.
 */
GCR_MUST_CHECK gcr_status gcr_image_write(const gcr_image_place *place, gcr_datasets *datasets);

/*
 * The datasets of a block. Names, means and recipes are copies and tables borrow from `base`, which
 * stays there unchanged until the caller clears *out. GCR_EFORMAT: it is no block, cut off, or
 * damaged in what stands before the tables, which are not looked at. GCR_ENOMEM. On failure *out is
 * zeroed.
 */
GCR_MUST_CHECK gcr_status gcr_image_read(gcr_datasets *out, const void *base, uint64_t bytes);

/* A hash of all that `datasets` hold, tables too: the same where, and only where, the contents are,
 * but for chance. GCR_ENOMEM, GCR_EOVERFLOW. */
GCR_MUST_CHECK gcr_status gcr_datasets_fingerprint(uint64_t out[2], const gcr_datasets *datasets);

#endif /* GCR_DATA_IMAGE_H */
