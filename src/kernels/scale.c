/*
 * kernels/scale.c -- data times parameter: the smallest kernel. Copy it to begin your own.
 */
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { FACTOR }; /* in the order of the description below */
enum output { VALUE };

GCR_FN gcr_real mean_of_y(const gcr_ctx *ctx)
{
    gcr_real sum = 0;

    for (int64_t i = gcr_team_rank(ctx); i < gcr_rows(ctx); i += gcr_team_size(ctx))
        sum += gcr_y(ctx, i);
    return gcr_team_sum(ctx, sum) / (gcr_real)gcr_rows(ctx);
}

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    outputs[VALUE] = gcr_param(ctx, FACTOR) * mean_of_y(ctx);
    return 0;
}

GCR_DESCRIBE(.name = "scale", .help = "the mean of y times a factor: the smallest example",
             .form = GCR_FORM_CELL, .uses = GCR_USES_Y,
             .parameters = { { .name = "factor", .help = "any number", .is_free = 1 } },
             .outputs = {
                 { .name = "value", .help = "factor * mean(y)", .unit = "1", .width = 1 } })
