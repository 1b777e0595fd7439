/*
 * tests/support/kernel_answers.h -- what kernel_probe.c and kernel_shifted.c share: two systems
 * with two right-hand sides each, of which one entry can be spoilt, and outputs that are the
 * answers.
 *
 * Included behind kernel.h and the enum of parameters, of which NEEDS says what is asked for, and
 * BAD_SYSTEM, BAD_ROW and BAD_COLUMN which entry is BAD_VALUE: of the matrix, or, where the column
 * is -1, of right-hand side 1.
 */
GCR_FN int is_bad(const gcr_ctx *ctx, int system, int i, int j)
{
    return gcr_param(ctx, BAD_SYSTEM) == system && gcr_param(ctx, BAD_ROW) == i &&
           gcr_param(ctx, BAD_COLUMN) == j;
}

/* The log-determinant alone where the parameter is NaN. */
GCR_FN unsigned needs(const gcr_ctx *ctx, int system)
{
    const gcr_real wanted = gcr_param(ctx, NEEDS);

    (void)system;
    return wanted == wanted ? (unsigned)wanted : (unsigned)GCR_NEED_LOG_DETERMINANT;
}

GCR_FN int is_needed(const gcr_ctx *ctx, int need)
{
    return ((int)gcr_param(ctx, NEEDS) & need) != 0;
}

/* What was not needed is 0. The solution is that of right-hand side 1 of system `solved`. */
GCR_FN void write_answers(const gcr_ctx *ctx, const gcr_answers *answers, int solved,
                          gcr_real *outputs)
{
    const int n = (int)gcr_rows(ctx);
    gcr_real *next = outputs;

    for (int s = 0; s < 2; s++)
        *next++ = is_needed(ctx, GCR_NEED_LOG_DETERMINANT) ? gcr_log_determinant(answers, s) : 0;
    for (int k = 0; k < 4; k++)
        *next++ =
            is_needed(ctx, GCR_NEED_QUADRATIC_FORM) ? gcr_quadratic_form(answers, k / 2, k % 2) : 0;
    for (int i = 0; i < n; i++)
        *next++ = is_needed(ctx, GCR_NEED_SOLUTION) ? gcr_solution(answers, solved, 1, i) : 0;
    for (int i = 0; i < n; i++)
        *next++ =
            is_needed(ctx, GCR_NEED_INVERSE_DIAGONAL) ? gcr_inverse_diagonal(answers, 1, i) : 0;
}

GCR_HOST_FN int64_t size(const gcr_shape *shape)
{
    return shape->rows;
}

GCR_HOST_FN int64_t two(const gcr_shape *shape)
{
    (void)shape;
    return 2;
}
