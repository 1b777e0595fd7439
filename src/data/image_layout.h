/*
 * data/image_layout.h -- how a block of datasets is laid out, for who writes and who reads it.
 *
 * header | name of y | names of features | datasets: item, key, means and scales of x | skipped
 * ones: key, reason | tables. A text is its length and its bytes. All begins at a multiple of 8,
 * the tables of a dataset at one of GCR_ALIGNMENT; gaps are zeros.
 */
#ifndef GCR_DATA_IMAGE_LAYOUT_H
#define GCR_DATA_IMAGE_LAYOUT_H

#include "base/memory.h"
#include "gridcrunch/recipe.h"

#include <stdint.h>
#include <xxhash.h>

/* As a number, so that a machine of the other byte order does not know it either. */
#define GCR_IMAGE_MAGIC UINT64_C(0x6763722d64617401)

/* In place of the length of a text: there is none. */
#define GCR_IMAGE_NO_TEXT UINT64_MAX

typedef struct gcr_image_header {
    uint64_t magic;
    uint64_t bytes;       /* of the block */
    uint64_t index_bytes; /* of this and all that stands before the tables */
    uint64_t index_hash;  /* of those, with 0 here */
    uint64_t count, skipped_count, feature_count;
    int64_t standardized;
} gcr_image_header;

enum {
    GCR_IMAGE_HAS_X = 1,
    GCR_IMAGE_HAS_Y = 2,
    GCR_IMAGE_HAS_MOMENTS = 4,
    GCR_IMAGE_HAS_RECIPE = 8,
};

typedef struct gcr_image_item {
    int64_t rows, features;
    uint64_t has; /* GCR_IMAGE_HAS_... */
    uint64_t dropped;
    double y_mean, y_scale;
    uint32_t identity[4];
    gcr_recipe recipe;
} gcr_image_item;

_Static_assert(sizeof(gcr_image_header) == 64 && sizeof(gcr_recipe) == 48 &&
                   sizeof(gcr_image_item) == 64 + sizeof(gcr_recipe),
               "no byte of an index may be left to chance");

static inline uint64_t gcr_image_round(uint64_t bytes, uint64_t to)
{
    return (bytes + to - 1) / to * to;
}

/* Bytes of x and of y, where there is one; false if 63 bits do not count them. */
static inline int gcr_image_measure_tables(uint64_t *x_bytes, uint64_t *y_bytes, int64_t rows,
                                           int64_t features, int has_y)
{
    uint64_t values, total;

    return rows >= 0 && features >= 0 &&
           gcr_multiply(&values, (uint64_t)rows, (uint64_t)features) &&
           gcr_multiply(x_bytes, values, sizeof(double)) &&
           gcr_multiply(y_bytes, has_y ? (uint64_t)rows : 0, sizeof(double)) &&
           gcr_add(&total, *x_bytes, *y_bytes) && total < INT64_MAX;
}

/* Adds the tables of a dataset to the `bytes` of a block; false if they are too many. */
static inline int gcr_image_add_tables(uint64_t *bytes, uint64_t x_bytes, uint64_t y_bytes)
{
    return gcr_add(bytes, *bytes, gcr_image_round(x_bytes + y_bytes, GCR_ALIGNMENT)) &&
           *bytes < INT64_MAX;
}

/* The hash of an index, whatever stands in the field for it. */
static inline uint64_t gcr_image_hash(const gcr_image_header *head)
{
    gcr_image_header plain = *head;

    plain.index_hash = 0;
    return XXH3_64bits_withSeed(head + 1, head->index_bytes - sizeof plain,
                                XXH3_64bits(&plain, sizeof plain));
}

#endif /* GCR_DATA_IMAGE_LAYOUT_H */
