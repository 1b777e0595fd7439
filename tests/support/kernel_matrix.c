/*
 * tests/support/kernel_matrix.c -- an SPD kernel whose matrix is the dataset: any matrix can be
 * asked for, and everything that the engine finds out about it is an output.
 *
 * A = scale X + shift I, of which the lower triangle of X is read, and b = y. What `needs` does not
 * ask for is 0.
 */
#define GCR_SPD_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { SCALE, SHIFT, NEEDS };

GCR_FN gcr_real element(const gcr_ctx *ctx, int system, int i, int j)
{
    (void)system;
    return gcr_param(ctx, SCALE) * gcr_x(ctx, i, j) + (i == j ? gcr_param(ctx, SHIFT) : 0);
}

GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column)
{
    (void)system;
    (void)column;
    return gcr_y(ctx, i);
}

GCR_FN unsigned needs(const gcr_ctx *ctx, int system)
{
    (void)system;
    return (unsigned)gcr_param(ctx, NEEDS);
}

GCR_FN int is_needed(const gcr_ctx *ctx, int need)
{
    return ((int)gcr_param(ctx, NEEDS) & need) != 0;
}

GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs)
{
    const int n = (int)gcr_rows(ctx);
    gcr_real *next = outputs;

    *next++ = is_needed(ctx, GCR_NEED_LOG_DETERMINANT) ? gcr_log_determinant(answers, 0) : 0;
    *next++ = is_needed(ctx, GCR_NEED_QUADRATIC_FORM) ? gcr_quadratic_form(answers, 0, 0) : 0;
    for (int i = 0; i < n; i++)
        *next++ = is_needed(ctx, GCR_NEED_SOLUTION) ? gcr_solution(answers, 0, 0, i) : 0;
    for (int i = 0; i < n; i++)
        *next++ =
            is_needed(ctx, GCR_NEED_INVERSE_DIAGONAL) ? gcr_inverse_diagonal(answers, 0, i) : 0;
    return 0;
}

GCR_HOST_FN int64_t size(const gcr_shape *shape)
{
    return shape->rows;
}

GCR_DESCRIBE(.name = "matrix", .help = "for tests", .form = GCR_FORM_SPD,
             .uses = GCR_USES_X | GCR_USES_Y,
             .parameters = { { .name = "scale", .is_free = 1 },
                             { .name = "shift", .is_free = 1 },
                             { .name = "needs", .is_integer = 1 } },
             .outputs = { { .name = "log_determinant", .unit = "1", .width = 1 },
                          { .name = "quadratic_form", .unit = "1", .width = 1 },
                          { .name = "solution", .unit = "1", .width = GCR_WIDTH_ROWS },
                          { .name = "inverse_diagonal", .unit = "1", .width = GCR_WIDTH_ROWS } },
             .size = size)
