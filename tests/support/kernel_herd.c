/*
 * tests/support/kernel_herd.c -- an SPD kernel that asks its dataset for everything: matrices of
 * `features` rows whatever the rows are, entries of x itself, needs and faults that the data
 * decides, random numbers, and outputs as wide as rows and features.
 */
#define GCR_SPD_KERNEL
#define GCR_HAS_PREPARE
#define GCR_HAS_DERIVE
#include "gridcrunch/kernel.h"

enum parameter { ALPHA, PENALTY };
enum derived { WEIGHT };
enum { EVERYTHING = 15 };

GCR_FN int prepare(const gcr_ctx *ctx, gcr_real *prepared)
{
    for (int64_t f = 0; f < gcr_features(ctx); f++) {
        prepared[f] = 0;
        for (int64_t i = 0; i < gcr_rows(ctx); i++)
            prepared[f] += gcr_x(ctx, i, f) * gcr_x(ctx, i, f);
    }
    return gcr_rows(ctx) % 16 == 13 ? 2 : 0;
}

GCR_FN void derive(const gcr_ctx *ctx, gcr_real *derived)
{
    derived[WEIGHT] = gcr_param(ctx, PENALTY) * (gcr_real)gcr_rows(ctx) + gcr_y(ctx, 0);
}

GCR_FN gcr_real element(const gcr_ctx *ctx, int system, int i, int j)
{
    const int64_t last = gcr_rows(ctx) - 1;

    if (i == j)
        return gcr_prepared(ctx, i) + gcr_derived(ctx, WEIGHT) +
               gcr_param(ctx, ALPHA) * (gcr_real)system;
    return gcr_x(ctx, last, i) * gcr_x(ctx, 0, j) / (gcr_real)(1 + system);
}

GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column)
{
    return gcr_y(ctx, (i + system) % gcr_rows(ctx)) + (gcr_real)column;
}

GCR_FN unsigned needs(const gcr_ctx *ctx, int system)
{
    if (gcr_y(ctx, 0) < 0)
        return system == 0 ? GCR_NEED_LOG_DETERMINANT : GCR_NEED_INVERSE_DIAGONAL;
    return EVERYTHING;
}

GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs)
{
    const int is_solved = (needs(ctx, 2) & GCR_NEED_SOLUTION) != 0;
    gcr_random random = gcr_random_open(ctx, 0);

    if (gcr_x(ctx, 0, 0) == 4)
        return 1;
    for (int64_t i = 0; i < gcr_rows(ctx); i++)
        *outputs++ = gcr_log_determinant(answers, 0) * gcr_y(ctx, i);
    *outputs++ = gcr_random_uniform(&random);
    for (int f = 0; f < gcr_features(ctx); f++)
        *outputs++ = gcr_inverse_diagonal(answers, 1, f) +
                     (is_solved ? gcr_solution(answers, 2, 1, f) : gcr_random_uniform(&random));
    *outputs++ = is_solved ? gcr_quadratic_form(answers, 2, 0) : 0;
    return 0;
}

GCR_HOST_FN int64_t size(const gcr_shape *shape)
{
    return shape->features;
}

GCR_HOST_FN int64_t systems(const gcr_shape *shape)
{
    (void)shape;
    return 3;
}

GCR_HOST_FN int64_t right_sides(const gcr_shape *shape)
{
    (void)shape;
    return 2;
}

GCR_DESCRIBE(.name = "herd", .help = "for tests", .form = GCR_FORM_SPD,
             .uses = GCR_USES_X | GCR_USES_Y,
             .parameters = { { .name = "alpha" }, { .name = "penalty" } },
             .outputs = { { .name = "by_row", .unit = "1", .width = GCR_WIDTH_ROWS },
                          { .name = "drawn", .unit = "1", .width = 1 },
                          { .name = "by_feature", .unit = "1", .width = GCR_WIDTH_FEATURES },
                          { .name = "quadratic_form", .unit = "1", .width = 1 } },
             .faults = { "four", "rows" }, .size = size, .systems = systems,
             .right_sides = right_sides, .prepared_count = size)
