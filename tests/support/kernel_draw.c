/*
 * tests/support/kernel_draw.c -- a cell kernel with scratch, random numbers and an output for each
 * feature.
 */
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { A, B };
enum output { UNIFORM, NORMAL, OTHER_STREAM, PER_FEATURE };

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    gcr_real *scratch = gcr_scratch(ctx);
    gcr_random random = gcr_random_open(ctx, 0), other = gcr_random_open(ctx, 1);

    outputs[UNIFORM] = gcr_random_uniform(&random);
    outputs[NORMAL] = gcr_random_normal(&random);
    outputs[OTHER_STREAM] = gcr_random_uniform(&other);
    for (int64_t f = 0; f < gcr_features(ctx); f++)
        scratch[f] = gcr_param(ctx, A) + 10 * gcr_param(ctx, B) + 100 * (gcr_real)f;
    for (int64_t f = 0; f < gcr_features(ctx); f++)
        outputs[PER_FEATURE + f] = scratch[f];
    return 0;
}

GCR_HOST_FN int64_t scratch_count(const gcr_shape *shape)
{
    return shape->features;
}

GCR_DESCRIBE(.name = "draw", .help = "for tests", .form = GCR_FORM_CELL, .uses = GCR_USES_NOTHING,
             .parameters = { { .name = "a", .is_free = 1 }, { .name = "b", .is_free = 1 } },
             .outputs = { { .name = "uniform", .unit = "1", .width = 1 },
                          { .name = "normal", .unit = "1", .width = 1 },
                          { .name = "other_stream", .unit = "1", .width = 1 },
                          { .name = "per_feature", .unit = "1", .width = GCR_WIDTH_FEATURES } },
             .scratch_count = scratch_count)
