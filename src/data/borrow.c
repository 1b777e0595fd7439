/* data/borrow.c -- datasets in the memory of a program. See gridcrunch/dataset.h. */
#include "data/dataset_create.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is refused ------------------------------------------------------------------------- */

static gcr_status check_shape(const gcr_borrow_spec *spec, const gcr_borrowed *table)
{
    gcr_status status = GCR_OK;
    uint64_t count = 0, bytes = 0;

    if (table->rows < 1)
        GCR_FAIL(GCR_EINVAL, "dataset '%s' has %" PRId64 " rows; it needs one at least", table->key,
                 table->rows);
    if (!gcr_multiply(&count, (uint64_t)table->rows, (uint64_t)spec->features + 1) ||
        !gcr_multiply(&bytes, count, sizeof(double)) || bytes > INT64_MAX)
        GCR_FAIL(GCR_EOVERFLOW, "dataset '%s' has more numbers than 63 bits can count the bytes of",
                 table->key);
    if (spec->features > 0 && table->x == NULL)
        GCR_FAIL(GCR_EINVAL, "dataset '%s' has no x, but %" PRId64 " feature%s", table->key,
                 spec->features, gcr_plural((uint64_t)spec->features));
    if ((table->y == NULL) != (spec->items[0].y == NULL))
        GCR_FAIL(GCR_EINVAL, "of the datasets '%s' and '%s' one has a y and the other has none",
                 spec->items[0].key, table->key);
out:
    return status;
}

/* No early exit in the blocks: the compiler makes vectors of them. */
static int64_t find_nan(const double *values, int64_t count)
{
    enum { BLOCK = 512 };

    for (int64_t first = 0; first < count; first += BLOCK) {
        const int64_t last = count - first < BLOCK ? count : first + BLOCK;
        int nans = 0;

        for (int64_t i = first; i < last; i++)
            nans |= values[i] != values[i];
        for (int64_t i = first; nans && i < last; i++)
            if (isnan(values[i]))
                return i;
    }
    return -1;
}

static gcr_status check_values(const gcr_datasets *datasets, const gcr_borrowed *table)
{
    gcr_status status = GCR_OK;
    const int64_t features = datasets->feature_count;
    const int64_t in_x = features > 0 ? find_nan(table->x, features * table->rows) : -1;
    const int64_t in_y = table->y != NULL ? find_nan(table->y, table->rows) : -1;

    if (in_x >= 0 || in_y >= 0)
        GCR_FAIL(
            GCR_EINVAL,
            "dataset '%s' has no value (NaN) of %s in row %" PRId64
            ", counted from 0; leave out such rows, which cannot be dropped from borrowed data",
            table->key, in_x >= 0 ? datasets->features[in_x / table->rows] : datasets->y_name,
            in_x >= 0 ? in_x % table->rows : in_y);
out:
    return status;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gcr_status check_keys(const gcr_borrow_spec *spec)
{
    gcr_status status = GCR_OK;
    const char **keys = NULL;

    GCR_TRY(gcr_memory_create((void **)&keys, spec->count, sizeof *keys, "the keys of datasets"));
    for (uint64_t d = 0; d < spec->count; d++) {
        keys[d] = spec->items[d].key;
        if (keys[d] == NULL || keys[d][0] == '\0')
            GCR_FAIL(GCR_EINVAL, "dataset %" PRIu64 ", counted from 0, has no key", d);
    }
    qsort(keys, spec->count, sizeof *keys, compare_keys);
    for (uint64_t d = 1; d < spec->count; d++)
        if (strcmp(keys[d - 1], keys[d]) == 0)
            GCR_FAIL(GCR_EINVAL, "two datasets are called '%s'; every key names one", keys[d]);
out:
    gcr_memory_destroy(keys);
    return status;
}

static gcr_status check_spec(const gcr_borrow_spec *spec)
{
    gcr_status status = GCR_OK;

    if (spec == NULL || spec->items == NULL || spec->count == 0)
        GCR_FAIL(GCR_EINVAL, "there is no dataset to borrow");
    if (spec->features < 0)
        GCR_FAIL(GCR_EINVAL, "datasets cannot have %" PRId64 " features", spec->features);
    GCR_TRY(check_keys(spec));
    for (uint64_t d = 0; d < spec->count; d++)
        GCR_TRY(check_shape(spec, &spec->items[d]));
out:
    return status;
}

/* ---- what is made ---------------------------------------------------------------------------- */

static gcr_status name_feature(char **out, const gcr_borrow_spec *spec, int64_t f)
{
    gcr_status status = GCR_OK;

    if (spec->feature_names == NULL)
        GCR_TRY(spec->features == 1 ? gcr_text_copy(out, "x", 1)
                                    : gcr_text_format(out, "x%" PRId64, f + 1));
    else if (spec->feature_names[f] == NULL)
        GCR_FAIL(GCR_EINVAL, "feature %" PRId64 ", counted from 0, has no name", f);
    else
        GCR_TRY(gcr_text_copy(out, spec->feature_names[f], strlen(spec->feature_names[f])));
out:
    return status;
}

static gcr_status name_columns(gcr_datasets *datasets, const gcr_borrow_spec *spec)
{
    gcr_status status = GCR_OK;
    const char *const y_name = spec->y_name != NULL ? spec->y_name : "y";

    datasets->features = calloc((size_t)spec->features + 1, sizeof *datasets->features);
    if (datasets->features == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRId64 " features", spec->features);
    for (int64_t f = 0; f < spec->features; f++, datasets->feature_count++)
        GCR_TRY(name_feature(&datasets->features[f], spec, f));
    if (spec->items[0].y != NULL)
        GCR_TRY(gcr_text_copy(&datasets->y_name, y_name, strlen(y_name)));
out:
    return status;
}

static gcr_status borrow(gcr_dataset *out, const gcr_borrowed *table, int64_t features)
{
    gcr_status status = GCR_OK;
    const size_t bytes = strlen(table->key);

    *out = (gcr_dataset){ .rows = table->rows,
                          .features = features,
                          .x = features > 0 ? (double *)table->x : NULL, /* read, never written */
                          .y = (double *)table->y,
                          .y_scale = 1,
                          .borrows_x = 1,
                          .borrows_y = 1 };
    gcr_identity_of(out->identity, table->key, bytes);
    GCR_TRY(gcr_text_copy(&out->key, table->key, bytes));
out:
    return status;
}

gcr_status gcr_datasets_borrow(gcr_datasets *out, const gcr_borrow_spec *spec)
{
    gcr_status status = GCR_OK;

    *out = (gcr_datasets){ .count = 0 };
    GCR_TRY(check_spec(spec));
    GCR_TRY(name_columns(out, spec));
    out->items = calloc(spec->count, sizeof *out->items);
    if (out->items == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRIu64 " datasets", spec->count);
    for (uint64_t d = 0; d < spec->count; d++, out->count++)
        GCR_TRY(borrow(&out->items[d], &spec->items[d], spec->features));
    for (uint64_t d = 0; d < spec->count; d++)
        GCR_TRY(check_values(out, &spec->items[d]));
out:
    if (status != GCR_OK)
        gcr_datasets_clear(out);
    return status;
}
