/*
 * tests/support/kernel_shifted.c -- an SPD kernel that has base(), and whose every mistake can be
 * asked for by a parameter.
 *
 * Two systems, A = scale (s + 1) C + shift I for s = 0, 1 with C_ij = spread exp(-rate |x_i - x_j|)
 * (and twice as much rate in system 1), right-hand sides y and 1, 2, ... n. Entry (bad_row,
 * bad_column) of C in system `bad_system` can be replaced by bad_value; or entry bad_row of
 * right-hand side 1, where bad_column is -1. Compiled with SHIFTED_FORGETS the description does not
 * say that the base depends on the rate; with SHIFTED_ASKS_LATE, that what is needed does.
 */
#define GCR_SPD_KERNEL
#define GCR_HAS_DERIVE
#define GCR_HAS_BASE
#include "gridcrunch/kernel.h"

#if defined(SHIFTED_FORGETS)
enum { RATE_IS_BASE = 0 };
#else
enum { RATE_IS_BASE = 1 };
#endif

#if defined(SHIFTED_ASKS_LATE)
enum { NEEDS_IS_BASE = 0 };
#else
enum { NEEDS_IS_BASE = 1 };
#endif

enum parameter { SPREAD, RATE, NEEDS, BAD_SYSTEM, BAD_ROW, BAD_COLUMN, BAD_VALUE, SCALE, SHIFT };
enum derived { TWICE_RATE };

#include "support/kernel_answers.h"

GCR_FN void derive(const gcr_ctx *ctx, gcr_real *derived)
{
    derived[TWICE_RATE] = 2 * gcr_param(ctx, RATE);
}

GCR_FN gcr_real base(const gcr_ctx *ctx, int system, int i, int j)
{
    const gcr_real rate = system == 0 ? gcr_param(ctx, RATE) : gcr_derived(ctx, TWICE_RATE);

    if (is_bad(ctx, system, i, j))
        return gcr_param(ctx, BAD_VALUE);
    return gcr_param(ctx, SPREAD) * gcr_exp(-rate * gcr_fabs(gcr_x(ctx, i, 0) - gcr_x(ctx, j, 0)));
}

GCR_FN gcr_real scale(const gcr_ctx *ctx, int system)
{
    return gcr_param(ctx, SCALE) * (gcr_real)(system + 1);
}

GCR_FN gcr_real shift(const gcr_ctx *ctx, int system)
{
    (void)system;
    return gcr_param(ctx, SHIFT);
}

GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column)
{
    if (column == 1 && is_bad(ctx, system, i, -1))
        return gcr_param(ctx, BAD_VALUE);
    return column == 0 ? gcr_y(ctx, i) : (gcr_real)(i + 1);
}

GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs)
{
    write_answers(ctx, answers, 1, outputs);
    return 0;
}

GCR_DESCRIBE(.name = "shifted", .help = "for tests", .form = GCR_FORM_SPD,
             .uses = GCR_USES_X | GCR_USES_Y,
             .parameters = { { .name = "spread", .is_free = 1, .is_base = 1 },
                             { .name = "rate", .is_free = 1, .is_base = RATE_IS_BASE },
                             { .name = "needs", .is_integer = 1, .is_base = NEEDS_IS_BASE },
                             { .name = "bad_system", .is_free = 1, .is_base = 1 },
                             { .name = "bad_row", .is_free = 1, .is_base = 1 },
                             { .name = "bad_column", .is_free = 1, .is_base = 1 },
                             { .name = "bad_value", .is_free = 1, .is_base = 1 },
                             { .name = "scale", .is_free = 1 },
                             { .name = "shift", .is_free = 1 } },
             .outputs = { { .name = "log_determinant", .unit = "1", .width = 2 },
                          { .name = "quadratic_form", .unit = "1", .width = 4 },
                          { .name = "solution", .unit = "1", .width = GCR_WIDTH_ROWS },
                          { .name = "inverse_diagonal", .unit = "1", .width = GCR_WIDTH_ROWS } },
             .size = size, .systems = two, .right_sides = two)
