/*
 * gridcrunch/recipe.h -- the numbers of synthetic datasets, the same on host and devices.
 *
 * x is uniform in [0, 1), or 0, 1, 2 ... where there is one feature; y is a sum of sines of each
 * feature, with noise. Each number is a function of the recipe and of its place, so any thread may
 * make any of them, and a device makes a dataset where it is needed, in place of a copy. They have
 * the same bits everywhere: there are additions, multiplications, divisions and square roots alone,
 * which all machines round alike, and nothing that one of them would contract.
 *
 * Where a dataset is standardised, that is done to its numbers when they are made: with means and
 * scales that the host has found, one rounding each.
 *
 * Draws come from Philox4x32-10: seed and identity give, by one round trip through it, a key and
 * half of the counter; the other half counts blocks of two draws. In this order: SINES phases of
 * each feature, x by feature (none where it counts rows), two for the noise of each row.
 */
#ifndef GCR_RECIPE_H
#define GCR_RECIPE_H

#include "gridcrunch/kernel.h"

/* What a dataset is made from. */
typedef struct gcr_recipe {
    uint64_t seed;
    uint32_t identity[4]; /* of the dataset's key */
    int64_t rows, features;
    double noise; /* standard deviation */
} gcr_recipe;

/* Features of a dataset that is standardised where it is made: as many as go with a launch. */
enum { GCR_STANDARD_FEATURES_MAX = 64 };

/* What is subtracted from numbers and what they are divided by then; scale 0: they stay as they
 * are. */
typedef struct gcr_standard {
    double y_mean, y_scale;
    double x_mean[GCR_STANDARD_FEATURES_MAX], x_scale[GCR_STANDARD_FEATURES_MAX];
} gcr_standard;

enum { GCR_SYNTHETIC_SINES = 3 }; /* of frequencies 1, 2, 3 per feature */

typedef struct gcr_synthetic_stream {
    uint64_t key;
    uint32_t own[2];
} gcr_synthetic_stream;

GCR_FN gcr_synthetic_stream gcr_synthetic_open(const gcr_recipe *recipe)
{
    gcr_synthetic_stream stream;
    gcr_block own;

    for (int i = 0; i < 4; i++)
        own.word[i] = recipe->identity[i];
    own = gcr_philox(own, recipe->seed);
    stream.key = own.word[0] | (uint64_t)own.word[1] << 32;
    stream.own[0] = own.word[2];
    stream.own[1] = own.word[3];
    return stream;
}

/* Draw number `index`, uniform in [0, 1), 53 bits. */
GCR_FN double gcr_synthetic_draw(const gcr_synthetic_stream *stream, uint64_t index)
{
    const uint64_t number = index / 2;
    const int half = 2 * (int)(index % 2);
    gcr_block block;

    block.word[0] = (uint32_t)number;
    block.word[1] = (uint32_t)(number >> 32);
    block.word[2] = stream->own[0];
    block.word[3] = stream->own[1];
    block = gcr_philox(block, stream->key);
    return (double)((block.word[half] | (uint64_t)block.word[half + 1] << 32) >> 11) * 0x1p-53;
}

GCR_FN double gcr_standardize(double value, double mean, double scale)
{
    return (value - mean) / scale;
}

/* ---- functions ------------------------------------------------------------------------------- */

/* To the nearest whole number, |x| < 2^51. */
GCR_FN double gcr_synthetic_round(double x)
{
    return (x + 0x1.8p52) - 0x1.8p52;
}

/* The sine of `turns` full turns and `quarters` more: series about the nearest quarter. */
GCR_FN double gcr_synthetic_sine(double turns, int quarters)
{
    const double part = turns - gcr_synthetic_round(turns); /* exact, as is the next */
    const double quarter = gcr_synthetic_round(4 * part);
    const double a = 6.283185307179586 * (part - 0.25 * quarter);
    const double z = a * a;
    const int q = (int)quarter + quarters;
    double s, c;

    s = 1 / 355687428096000.0;
    s = s * z - 1 / 1307674368000.0;
    s = s * z + 1 / 6227020800.0;
    s = s * z - 1 / 39916800.0;
    s = s * z + 1 / 362880.0;
    s = s * z - 1 / 5040.0;
    s = s * z + 1 / 120.0;
    s = s * z - 1 / 6.0;
    s = a + a * (z * s);
    c = 1 / 20922789888000.0;
    c = c * z - 1 / 87178291200.0;
    c = c * z + 1 / 479001600.0;
    c = c * z - 1 / 3628800.0;
    c = c * z + 1 / 40320.0;
    c = c * z - 1 / 720.0;
    c = c * z + 1 / 24.0;
    c = c * z - 0.5;
    c = 1 + z * c;
    s = (q & 1) != 0 ? c : s;
    return (q & 2) != 0 ? -s : s;
}

/* The logarithm of 2^-53 <= x <= 1: the series of (1 + f) / (1 - f) about the nearest power of
 * two. */
GCR_FN double gcr_synthetic_log(double x)
{
    const uint64_t bits = gcr_bits(x);
    int exponent = (int)(bits >> 52) - 1023;
    double m = gcr_from_bits((bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL), f, z, s = 0;

    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    f = (m - 1) / (m + 1);
    z = f * f;
    for (int k = 21; k >= 3; k -= 2)
        s = (s + 1.0 / k) * z;
    return exponent * 0.6931471805599453 + 2 * (f + f * s);
}

/* ---- a dataset ------------------------------------------------------------------------------- */

GCR_FN double gcr_synthetic_phase(const gcr_synthetic_stream *stream, int64_t feature, int sine)
{
    return gcr_synthetic_draw(stream, (uint64_t)feature * GCR_SYNTHETIC_SINES + (uint64_t)sine);
}

GCR_FN double gcr_synthetic_x(const gcr_synthetic_stream *stream, const gcr_recipe *recipe,
                              int64_t feature, int64_t row)
{
    if (recipe->features == 1)
        return (double)row;
    return gcr_synthetic_draw(stream, (uint64_t)recipe->features * GCR_SYNTHETIC_SINES +
                                          (uint64_t)(feature * recipe->rows + row));
}

/* What a feature of the value x adds to y: sines of frequency k and weight 1 / k. `phases`: its
 * own. */
GCR_FN double gcr_synthetic_add(double y, const gcr_recipe *recipe, double x,
                                const double phases[GCR_SYNTHETIC_SINES])
{
    const double share = 1 / gcr_sqrt((double)recipe->features);
    const double turns = recipe->features == 1 ? x * 0.0625 : x; /* 16 rows, or the interval */

    for (int k = 1; k <= GCR_SYNTHETIC_SINES; k++)
        y += share * gcr_synthetic_sine(k * turns + phases[k - 1], 0) / k;
    return y;
}

/* Box and Muller's first; the second is thrown away, so that each row has its own two draws. */
GCR_FN double gcr_synthetic_noise(const gcr_synthetic_stream *stream, const gcr_recipe *recipe,
                                  int64_t row)
{
    const uint64_t x_draws =
        recipe->features == 1 ? 0 : (uint64_t)(recipe->features * recipe->rows);
    const uint64_t at =
        (uint64_t)recipe->features * GCR_SYNTHETIC_SINES + x_draws + 2 * (uint64_t)row;
    double radius;

    if (!(recipe->noise > 0))
        return 0;
    radius = gcr_sqrt(-2 * gcr_synthetic_log(1 - gcr_synthetic_draw(stream, at)));
    return recipe->noise * (radius * gcr_synthetic_sine(gcr_synthetic_draw(stream, at + 1), 1));
}

/* ---- standardised ---------------------------------------------------------------------------- */

GCR_FN double gcr_standard_x(const gcr_standard *by, int64_t feature, double x)
{
    if (feature >= GCR_STANDARD_FEATURES_MAX || by->x_scale[feature] == 0)
        return x;
    return gcr_standardize(x, by->x_mean[feature], by->x_scale[feature]);
}

GCR_FN double gcr_standard_y(const gcr_standard *by, double y)
{
    return by->y_scale == 0 ? y : gcr_standardize(y, by->y_mean, by->y_scale);
}

#endif /* GCR_RECIPE_H */
