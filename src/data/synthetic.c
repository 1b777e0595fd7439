/*
 * data/synthetic.c -- sums of sines with noise, drawn from Philox4x32-10.
 *
 * The seed and the dataset's identity give a key and half of the counter, by one round trip through
 * the same generator; the other half counts blocks of two draws. Order of draws: phases, x by
 * feature, noise.
 */
#include "data/synthetic.h"

#include "data/dataset_create.h"

#include "base/check.h"
#include "base/text.h"

#include <Random123/philox.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SINES = 3,      /* of frequencies 1, 2, 3 per feature */
    KEY_DIGITS = 4, /* at least, so that a tenth dataset does not rename the first */
    ROWS_MAX = INT32_MAX,
    FEATURES_MAX = 1000000, /* each has a name */
};

static const double two_pi = 6.283185307179586;
static const double first_period = 16; /* rows; where x counts them */

typedef struct stream {
    philox4x32_key_t key;
    philox4x32_ctr_t counter; /* words 0, 1: the block; 2, 3: the dataset's */
    philox4x32_ctr_t block;
    int used; /* draws of the block, of 2 */
} stream;

static stream stream_of(uint64_t seed, const uint32_t identity[4])
{
    const philox4x32_key_t key = { { (uint32_t)seed, (uint32_t)(seed >> 32) } };
    const philox4x32_ctr_t who = { { identity[0], identity[1], identity[2], identity[3] } };
    const philox4x32_ctr_t own = philox4x32_R(10, who, key);

    return (stream){ .key = { { own.v[0], own.v[1] } },
                     .counter = { { 0, 0, own.v[2], own.v[3] } },
                     .used = 2 };
}

/* Uniform in [0, 1), 53 bits. */
static double draw_uniform(stream *random)
{
    const int at = 2 * (random->used % 2);
    uint64_t bits;

    if (random->used == 2) {
        random->block = philox4x32_R(10, random->counter, random->key);
        random->counter.v[1] += ++random->counter.v[0] == 0;
        random->used = 0;
    }
    random->used++;
    bits = random->block.v[at] | (uint64_t)random->block.v[at + 1] << 32;
    return (double)(bits >> 11) * 0x1p-53;
}

/* Box and Muller's first; the second is thrown away to keep one draw one call. */
static double draw_normal(stream *random)
{
    const double radius = sqrt(-2 * log(1 - draw_uniform(random)));

    return radius * cos(two_pi * draw_uniform(random));
}

/* y += sum over k of sin(2 pi k t + phase) / k, t of period 1. */
static void add_sines(gcr_dataset *dataset, const double *x, const double *phases, double period)
{
    const double share = 1 / sqrt((double)dataset->features);

    for (int64_t row = 0; row < dataset->rows; row++)
        for (int k = 1; k <= SINES; k++)
            dataset->y[row] += share * sin(two_pi * k * x[row] / period + phases[k - 1]) / k;
}

static void fill_x(gcr_dataset *dataset, stream *random)
{
    const int64_t count = dataset->rows * dataset->features;

    for (int64_t i = 0; i < count; i++)
        dataset->x[i] = dataset->features == 1 ? (double)i : draw_uniform(random);
}

static void fill_y(gcr_dataset *dataset, stream *random, const double *phases, double noise)
{
    const double period = dataset->features == 1 ? first_period : 1;

    for (int64_t f = 0; f < dataset->features; f++)
        add_sines(dataset, dataset->x + f * dataset->rows, phases + f * SINES, period);
    for (int64_t row = 0; noise > 0 && row < dataset->rows; row++)
        dataset->y[row] += noise * draw_normal(random);
}

static gcr_status make_dataset(gcr_dataset *out, const gcr_synthetic *spec, uint64_t seed,
                               const char *key, int64_t rows)
{
    gcr_status status = GCR_OK;
    double *phases = NULL;
    stream random;

    GCR_TRY(gcr_dataset_create(out, key, rows, spec->features, 1));
    random = stream_of(seed, out->identity);
    phases = calloc((size_t)spec->features, SINES * sizeof *phases);
    if (phases == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRId64 " features", spec->features);
    for (int64_t i = 0; i < spec->features * SINES; i++)
        phases[i] = two_pi * draw_uniform(&random);
    fill_x(out, &random);
    fill_y(out, &random, phases, spec->noise);
out:
    free(phases);
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
