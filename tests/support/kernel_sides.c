/*
 * tests/support/kernel_sides.c -- an SPD kernel with as many right-hand sides as the dataset has
 * features: column f of x is side f.
 *
 * A_ij = exp(-rate |i - j|), with 1 more on the diagonal. Outputs: all quadratic forms, and the sum
 * of all solutions, side f taken f + 1 times, so that none can be taken for another.
 */
#define GCR_SPD_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { RATE };

GCR_FN gcr_real element(const gcr_ctx *ctx, int system, int i, int j)
{
    (void)system;
    return gcr_exp(-gcr_param(ctx, RATE) * (gcr_real)(i - j)) + (i == j ? 1 : 0);
}

GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column)
{
    (void)system;
    return gcr_x(ctx, i, column);
}

GCR_FN unsigned needs(const gcr_ctx *ctx, int system)
{
    (void)ctx;
    (void)system;
    return GCR_NEED_QUADRATIC_FORM | GCR_NEED_SOLUTION;
}

GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs)
{
    const int n = (int)gcr_rows(ctx), sides = (int)gcr_features(ctx);

    for (int f = 0; f < sides; f++)
        outputs[f] = gcr_quadratic_form(answers, 0, f);
    for (int i = 0; i < n; i++) {
        outputs[sides + i] = 0;
        for (int f = 0; f < sides; f++)
            outputs[sides + i] += (gcr_real)(f + 1) * gcr_solution(answers, 0, f, i);
    }
    return 0;
}

GCR_HOST_FN int64_t size(const gcr_shape *shape)
{
    return shape->rows;
}

GCR_HOST_FN int64_t right_sides(const gcr_shape *shape)
{
    return shape->features;
}

GCR_DESCRIBE(.name = "sides", .help = "for tests", .form = GCR_FORM_SPD, .uses = GCR_USES_X,
             .parameters = { { .name = "rate", .least = 0 } },
             .outputs = { { .name = "quadratic_form", .unit = "1", .width = GCR_WIDTH_FEATURES },
                          { .name = "solution", .unit = "1", .width = GCR_WIDTH_ROWS } },
             .size = size, .right_sides = right_sides)
