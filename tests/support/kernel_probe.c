/*
 * tests/support/kernel_probe.c -- an SPD kernel whose every answer is known by hand, and whose
 * every mistake can be asked for by a parameter.
 *
 * Two systems, A = s (I + 11') with s = scale in system 0 and 2 scale in system 1, n = rows. With
 * e = 1 / (n + 1): |A| = s^n (n + 1), inv(A) = (I - e 11') / s. Right-hand side 0 is y, side 1 is
 * 1, 2, ... n. One entry of system `bad_system` can be replaced: (bad_row, bad_column), by
 * bad_value; or entry bad_row of its right-hand side 1, where bad_column is -1.
 */
#define GCR_SPD_KERNEL
#define GCR_HAS_PREPARE
#define GCR_HAS_DERIVE
#include "gridcrunch/kernel.h"

enum parameter { SCALE, NEEDS, FAULT, BAD_SYSTEM, BAD_ROW, BAD_COLUMN, BAD_VALUE };
enum derived { TWICE_SCALE };

#include "support/kernel_answers.h"

GCR_FN int prepare(const gcr_ctx *ctx, gcr_real *prepared)
{
    for (int64_t i = 0; i < gcr_rows(ctx); i++)
        prepared[i] = gcr_y(ctx, i);
    return gcr_rows(ctx) == 13 ? 2 : 0;
}

GCR_FN void derive(const gcr_ctx *ctx, gcr_real *derived)
{
    derived[TWICE_SCALE] = 2 * gcr_param(ctx, SCALE);
}

GCR_FN gcr_real element(const gcr_ctx *ctx, int system, int i, int j)
{
    const gcr_real scale = system == 0 ? gcr_param(ctx, SCALE) : gcr_derived(ctx, TWICE_SCALE);

    if (is_bad(ctx, system, i, j))
        return gcr_param(ctx, BAD_VALUE);
    return i == j ? 2 * scale : scale;
}

GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column)
{
    if (column == 1 && is_bad(ctx, system, i, -1))
        return gcr_param(ctx, BAD_VALUE);
    return column == 0 ? gcr_prepared(ctx, i) : (gcr_real)(i + 1);
}

GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs)
{
    write_answers(ctx, answers, 0, outputs);
    return (int)gcr_param(ctx, FAULT);
}

GCR_DESCRIBE(.name = "probe", .help = "for tests", .form = GCR_FORM_SPD, .uses = GCR_USES_Y,
             .parameters = { { .name = "scale", .is_free = 1 },
                             { .name = "needs", .is_integer = 1 },
                             { .name = "fault", .is_integer = 1 },
                             { .name = "bad_system", .is_free = 1 },
                             { .name = "bad_row", .is_free = 1 },
                             { .name = "bad_column", .is_free = 1 },
                             { .name = "bad_value", .is_free = 1 } },
             .outputs = { { .name = "log_determinant", .unit = "1", .width = 2 },
                          { .name = "quadratic_form", .unit = "1", .width = 4 },
                          { .name = "solution", .unit = "1", .width = GCR_WIDTH_ROWS },
                          { .name = "inverse_diagonal", .unit = "1", .width = GCR_WIDTH_ROWS } },
             .faults = { "first fault", "thirteen rows" }, .size = size, .systems = two,
             .right_sides = two, .prepared_count = size)
