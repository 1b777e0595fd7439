/* data/dataset.c -- the life of a dataset. x and y are counted memory; the rest is small. */
#include "data/dataset_create.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void gcr_identity_of(uint32_t out[4], const char *key, size_t bytes)
{
    const XXH128_hash_t hash = XXH3_128bits(key, bytes);

    out[0] = (uint32_t)hash.low64;
    out[1] = (uint32_t)(hash.low64 >> 32);
    out[2] = (uint32_t)hash.high64;
    out[3] = (uint32_t)(hash.high64 >> 32);
}

gcr_status gcr_dataset_create(gcr_dataset *out, const char *key, int64_t rows, int64_t features,
                              int has_y)
{
    gcr_status status = GCR_OK;
    uint64_t count;

    *out = (gcr_dataset){ .rows = rows, .features = features, .y_scale = 1 };
    gcr_identity_of(out->identity, key, strlen(key));
    if (!gcr_multiply(&count, (uint64_t)rows, (uint64_t)features))
        GCR_FAIL(GCR_EOVERFLOW, "dataset '%s' has more numbers than 64 bits can count", key);
    GCR_TRY(gcr_text_copy(&out->key, key, strlen(key)));
    GCR_TRY(gcr_memory_create((void **)&out->x, count, sizeof *out->x, "the datasets"));
    if (has_y)
        GCR_TRY(
            gcr_memory_create((void **)&out->y, (uint64_t)rows, sizeof *out->y, "the datasets"));
out:
    if (status != GCR_OK)
        gcr_dataset_clear(out);
    return status;
}

void gcr_dataset_clear(gcr_dataset *dataset)
{
    free(dataset->key);
    free(dataset->x_mean);
    free(dataset->x_scale);
    free(dataset->recipe);
    if (!dataset->borrows_x)
        gcr_memory_destroy(dataset->x);
    if (!dataset->borrows_y)
        gcr_memory_destroy(dataset->y);
    *dataset = (gcr_dataset){ .key = NULL };
}

void gcr_datasets_clear(gcr_datasets *datasets)
{
    if (datasets == NULL)
        return;
    for (uint64_t i = 0; i < datasets->count; i++)
        gcr_dataset_clear(&datasets->items[i]);
    for (uint64_t i = 0; i < datasets->skipped_count; i++) {
        free(datasets->skipped[i].key);
        free(datasets->skipped[i].reason);
    }
    for (int64_t i = 0; i < datasets->feature_count; i++)
        free(datasets->features[i]);
    free(datasets->items);
    free(datasets->skipped);
    free(datasets->features);
    free(datasets->y_name);
    *datasets = (gcr_datasets){ .count = 0 };
}

uint64_t gcr_dataset_bytes(const gcr_dataset *dataset)
{
    const int64_t columns = dataset->features + (dataset->y != NULL);

    return (uint64_t)dataset->rows * (uint64_t)columns * sizeof(double);
}
