/*
 * data/synthetic.c -- sums of sines with noise: datasets filled by the text of gridcrunch/recipe.h,
 * which devices have too.
 */
#include "data/synthetic.h"

#include "data/dataset_create.h"

#include "base/check.h"
#include "base/text.h"

#include "gridcrunch/recipe.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_DIGITS = 4, /* at least, so that a tenth dataset does not rename the first */
    ROWS_MAX = INT32_MAX,
    FEATURES_MAX = 1000000, /* each has a name */
};

static void fill(gcr_dataset *dataset)
{
    const gcr_recipe *recipe = dataset->recipe;
    const gcr_synthetic_stream stream = gcr_synthetic_open(recipe);

    for (int64_t f = 0; f < recipe->features; f++) {
        double phases[GCR_SYNTHETIC_SINES], *x = dataset->x + f * recipe->rows;

        for (int k = 0; k < GCR_SYNTHETIC_SINES; k++)
            phases[k] = gcr_synthetic_phase(&stream, f, k);
        for (int64_t row = 0; row < recipe->rows; row++) {
            x[row] = gcr_synthetic_x(&stream, recipe, f, row);
            dataset->y[row] = gcr_synthetic_add(dataset->y[row], recipe, x[row], phases);
        }
    }
    for (int64_t row = 0; row < recipe->rows; row++)
        dataset->y[row] += gcr_synthetic_noise(&stream, recipe, row);
}

static gcr_status make_dataset(gcr_dataset *out, const gcr_synthetic *spec, uint64_t seed,
                               const char *key, int64_t rows)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_dataset_create(out, key, rows, spec->features, 1));
    out->recipe = malloc(sizeof *out->recipe);
    if (out->recipe == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for dataset '%s'", key);
    *out->recipe = (gcr_recipe){
        .seed = seed, .rows = rows, .features = spec->features, .noise = spec->noise
    };
    memcpy(out->recipe->identity, out->identity, sizeof out->identity);
    fill(out);
out:
    return status;
}

/* From `rows` to `rows_last`, evenly, rounded to the nearest. */
static int64_t rows_of(const gcr_synthetic *spec, uint64_t dataset)
{
    const int64_t last = spec->rows_last != 0 ? spec->rows_last : spec->rows;
    const double share = spec->datasets > 1 ? (double)dataset / (double)(spec->datasets - 1) : 0;

    return spec->rows + (int64_t)llround((double)(last - spec->rows) * share);
}

static gcr_status check(const gcr_synthetic *spec, const gcr_mark *mark)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    gcr_format_mark(place, *mark);
    if (spec->rows < 1 || spec->rows > ROWS_MAX || spec->rows_last < 0 ||
        spec->rows_last > ROWS_MAX)
        GCR_FAIL(GCR_EINVAL, "%ssynthetic datasets have from 1 to %d rows", place, ROWS_MAX);
    if (spec->features < 1 || spec->features > FEATURES_MAX)
        GCR_FAIL(GCR_EINVAL, "%ssynthetic datasets have from 1 to %d features", place,
                 FEATURES_MAX);
    if (!(spec->noise >= 0 && spec->noise <= DBL_MAX))
        GCR_FAIL(GCR_EINVAL, "%sthe noise of synthetic datasets is a finite number >= 0", place);
out:
    return status;
}

static gcr_status name_columns(gcr_datasets *out, int64_t features)
{
    gcr_status status = GCR_OK;

    out->features = calloc((size_t)features, sizeof *out->features);
    if (out->features == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRId64 " features", features);
    out->feature_count = features;
    for (int64_t f = 0; f < features; f++)
        GCR_TRY(features == 1 ? gcr_text_format(&out->features[f], "x")
                              : gcr_text_format(&out->features[f], "x%" PRId64, f + 1));
    GCR_TRY(gcr_text_format(&out->y_name, "y"));
out:
    return status;
}

gcr_status gcr_synthetic_make(gcr_datasets *out, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    const gcr_synthetic *spec = &job->data.synthetic;
    char key[32];
    int digits;

    GCR_TRY(check(spec, &job->data.mark));
    GCR_TRY(name_columns(out, spec->features));
    out->items = calloc(spec->datasets, sizeof *out->items);
    if (out->items == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRIu64 " datasets", spec->datasets);
    digits = snprintf(key, sizeof key, "%" PRIu64, spec->datasets);
    for (uint64_t d = 0; d < spec->datasets; d++) {
        snprintf(key, sizeof key, "s%0*" PRIu64, digits > KEY_DIGITS ? digits : KEY_DIGITS, d + 1);
        GCR_TRY(make_dataset(&out->items[out->count++], spec, job->seed, key, rows_of(spec, d)));
    }
out:
    return status;
}
