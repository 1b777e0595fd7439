/*
 * data/standardize.c -- two passes: the one-pass formula cancels (x near 2000, say, years).
 *
 * A recipe stays what it was: whoever makes the numbers again does to them what was done here.
 */
#include "gridcrunch/dataset.h"

#include "base/check.h"
#include "base/memory.h"

#include "gridcrunch/recipe.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The mean, corrected by the mean of what is left after it is subtracted. */
static double mean_of(const double *values, int64_t count)
{
    double sum = 0, rest = 0, mean;

    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    mean = sum / (double)count;
    for (int64_t i = 0; i < count; i++)
        rest += values[i] - mean;
    return mean + rest / (double)count;
}

static double variance_of(const double *values, int64_t count, double mean)
{
    double squares = 0;

    for (int64_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return squares / (double)count;
}

/* A constant that is no dyadic fraction has a variance of a few ulps, not 0; dividing by its root
 * would blow rounding errors up to 1. scikit-learn's bound. */
static int is_constant(double variance, double mean, int64_t count)
{
    const double rounding = (double)count * mean * DBL_EPSILON;

    return variance <= (double)count * DBL_EPSILON * variance + rounding * rounding;
}

static void standardize(double *values, int64_t count, double *mean_out, double *scale_out)
{
    const double mean = mean_of(values, count), variance = variance_of(values, count, mean);
    const double scale = is_constant(variance, mean, count) ? 1 : sqrt(variance);

    *mean_out = 0;
    *scale_out = 1;
    if (!isfinite(mean) || !isfinite(scale))
        return;
    *mean_out = mean;
    *scale_out = scale;
    for (int64_t i = 0; i < count; i++)
        values[i] = gcr_standardize(values[i], mean, scale);
}

/* Makes borrowed numbers the dataset's own. */
static gcr_status own(double **values, int *borrows, int64_t count)
{
    gcr_status status = GCR_OK;
    void *copy = NULL;

    if (!*borrows)
        goto out;
    GCR_TRY(gcr_memory_create(&copy, (uint64_t)count, sizeof **values, "the datasets"));
    memcpy(copy, *values, (size_t)count * sizeof **values);
    *values = copy;
    *borrows = 0;
out:
    return status;
}

/* All that can fail; it changes no number. */
static gcr_status make_room(gcr_dataset *dataset, int which)
{
    gcr_status status = GCR_OK;
    const int64_t rows = dataset->rows, features = dataset->features;

    if ((which & GCR_STANDARDIZE_X) != 0 && features > 0) {
        dataset->x_mean = calloc((size_t)features, sizeof *dataset->x_mean);
        dataset->x_scale = calloc((size_t)features, sizeof *dataset->x_scale);
        if (dataset->x_mean == NULL || dataset->x_scale == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for the means of dataset '%s'", dataset->key);
        GCR_TRY(own(&dataset->x, &dataset->borrows_x, rows * features));
    }
    if ((which & GCR_STANDARDIZE_Y) != 0 && dataset->y == NULL)
        GCR_FAIL(GCR_EINVAL, "there is no y to standardise in dataset '%s'", dataset->key);
    if ((which & GCR_STANDARDIZE_Y) != 0)
        GCR_TRY(own(&dataset->y, &dataset->borrows_y, rows));
out:
    return status;
}

/* As if nobody had asked for x, but that what was borrowed may be a copy now. */
static void give_room_back(gcr_dataset *dataset)
{
    free(dataset->x_mean);
    free(dataset->x_scale);
    dataset->x_mean = dataset->x_scale = NULL;
}

static void standardize_dataset(gcr_dataset *dataset, int which)
{
    const int64_t rows = dataset->rows;

    if (which & GCR_STANDARDIZE_X)
        for (int64_t f = 0; f < dataset->features; f++)
            standardize(dataset->x + f * rows, rows, &dataset->x_mean[f], &dataset->x_scale[f]);
    if (which & GCR_STANDARDIZE_Y)
        standardize(dataset->y, rows, &dataset->y_mean, &dataset->y_scale);
}

gcr_status gcr_datasets_standardize(gcr_datasets *datasets, int which)
{
    gcr_status status = GCR_OK;

    if ((datasets->standardized & which) != 0)
        GCR_FAIL(GCR_EINVAL, "these datasets have been standardised already");
    for (uint64_t i = 0; i < datasets->count; i++)
        GCR_TRY(make_room(&datasets->items[i], which));
    for (uint64_t i = 0; i < datasets->count; i++)
        standardize_dataset(&datasets->items[i], which);
    datasets->standardized |= which;
out:
    if (status != GCR_OK && (datasets->standardized & GCR_STANDARDIZE_X) == 0)
        for (uint64_t i = 0; i < datasets->count; i++)
            give_room_back(&datasets->items[i]);
    return status;
}
