/*
 * backend/cpu/spd_lapack.h -- one system of the cells of a group, one cell after the other, each
 * factored and solved by LAPACK: for matrices that fill a cache by themselves.
 *
 * Part of engine_spd.h. A matrix is stored by columns, lower triangle: A = L L', which OpenBLAS
 * factors 1.05 to 1.4 times as fast as the upper one, with the kernels of every processor that were
 * tried. But element(i, j) is asked along j, where gcr_triangle() runs through memory and the
 * compiler makes vector code of the loop: a few rows are filled beside the matrix and turned into
 * pieces of columns. What LAPACK says of bad matrices is not believed (OpenBLAS reports success for
 * NaN): pivots are looked at, and where one is bad the entries themselves decide between "not
 * finite" and "not positive definite".
 */
#ifndef GCR_CPU_SPD_LAPACK_H
#define GCR_CPU_SPD_LAPACK_H

/* The routine for the unit's scalar: GCR_LAPACK(potrf) is dpotrf or spotrf. */
#if defined(GCR_SINGLE)
#define GCR_LAPACK(routine) s##routine
#else
#define GCR_LAPACK(routine) d##routine
#endif

static void gcr_lapack_fill_row(const gcr_engine *engine, const gcr_ctx *ctx, int system,
                                gcr_real jitter, int i)
{
    gcr_real *restrict row = engine->rows + (size_t)(i % GCR_LAPACK_ROWS) * (size_t)engine->n;

    for (int j = 0; j < i; j++)
        row[j] = element(ctx, system, i, j);
    row[i] = element(ctx, system, i, i) + jitter;
}

/* Rows first .. end - 1, up to the diagonal. */
static void gcr_lapack_turn_rows(const gcr_engine *engine, int first, int end)
{
    const size_t n = (size_t)engine->n;

    for (int j = 0; j < end; j++)
        for (int i = j > first ? j : first; i < end; i++)
            engine->matrix[(size_t)j * n + (size_t)i] =
                engine->rows[(size_t)(i - first) * n + (size_t)j];
}

static void gcr_lapack_fill(const gcr_engine *engine, const gcr_ctx *ctx, int system,
                            gcr_real jitter)
{
    for (int first = 0; first < engine->n; first += GCR_LAPACK_ROWS) {
        const int rest = engine->n - first;
        const int end = first + (rest < GCR_LAPACK_ROWS ? rest : GCR_LAPACK_ROWS);

        for (int i = first; i < end; i++)
            gcr_lapack_fill_row(engine, ctx, system, jitter, i);
        gcr_lapack_turn_rows(engine, first, end);
    }
}

static int gcr_lapack_is_finite(const gcr_engine *engine)
{
    for (int j = 0; j < engine->n; j++)
        for (int i = j; i < engine->n; i++)
            if (!gcr_is_finite(engine->matrix[(size_t)j * (size_t)engine->n + (size_t)i]))
                return 0;
    return 1;
}

static gcr_real gcr_lapack_pivot(const gcr_engine *engine, int i)
{
    return engine->matrix[(size_t)i * (size_t)engine->n + (size_t)i];
}

/* The first pivot that is not a positive number, counted from 1; 0: there is none. */
static int gcr_lapack_bad_pivot(const gcr_engine *engine)
{
    for (int i = 0; i < engine->n; i++)
        if (!(gcr_lapack_pivot(engine, i) > 0 && gcr_is_finite(gcr_lapack_pivot(engine, i))))
            return i + 1;
    return 0;
}

/* Replaces the matrix by its factor L. A number that is not finite ends up in the pivot of its
 * row, so only where a pivot is bad do the entries have to be looked at: filled in once more. */
static gcr_verdict gcr_lapack_factor(const gcr_engine *engine, const gcr_ctx *ctx, int system,
                                     gcr_real jitter)
{
    const int lda = engine->n > 0 ? engine->n : 1;
    int minor;

    gcr_lapack_fill(engine, ctx, system, jitter);
    engine->lapack->GCR_LAPACK(potrf)("L", &engine->n, engine->matrix, &lda, &minor, 1);
    if (minor == 0)
        minor = gcr_lapack_bad_pivot(engine);
    if (minor == 0)
        return gcr_verdict_of(GCR_CELL_OK, 0);
    gcr_lapack_fill(engine, ctx, system, jitter);
    return gcr_lapack_is_finite(engine) ? gcr_verdict_of(GCR_CELL_NOT_SPD, (uint32_t)minor)
                                        : gcr_verdict_of(GCR_CELL_NAN_IN, 0);
}

/* Where the right-hand side stands, and later the solution: every GCR_LANES-th value from here. */
static gcr_real *gcr_lapack_solution(const gcr_engine *engine, int lane, int system, int column)
{
    const size_t index = (size_t)system * (size_t)engine->right_sides + (size_t)column;

    return engine->solution + index * (size_t)engine->n * GCR_LANES + lane;
}

static int gcr_lapack_fill_right_sides(const gcr_engine *engine, const gcr_ctx *ctx, int system)
{
    int is_finite = 1;

    for (int column = 0; column < engine->right_sides; column++) {
        gcr_real *restrict b = gcr_lapack_solution(engine, ctx->lane, system, column);

        for (int i = 0; i < engine->n; i++, b += GCR_LANES) {
            *b = rhs(ctx, system, i, column);
            is_finite &= gcr_is_finite(*b);
        }
    }
    return is_finite;
}

/* Solves L x = b or L'x = b in place. */
static void gcr_lapack_solve_triangle(const gcr_engine *engine, const char *trans, gcr_real *x)
{
    const int lda = engine->n > 0 ? engine->n : 1, stride = GCR_LANES;

    engine->lapack->GCR_LAPACK(trsv)("L", trans, "N", &engine->n, engine->matrix, &lda, x, &stride,
                                     1, 1, 1);
}

/* With L z = b, the quadratic form is z'z; L'x = z makes z the solution. */
static void gcr_lapack_solve(const gcr_engine *engine, int lane, int system, unsigned wanted)
{
    for (int column = 0; column < engine->right_sides; column++) {
        gcr_real *x = gcr_lapack_solution(engine, lane, system, column), sum = 0;

        gcr_lapack_solve_triangle(engine, "N", x);
        for (int i = 0; i < engine->n; i++)
            sum += x[i * GCR_LANES] * x[i * GCR_LANES];
        engine->quadratic_form[(system * engine->right_sides + column) * GCR_LANES + lane] = sum;
        if (wanted & GCR_NEED_SOLUTION)
            gcr_lapack_solve_triangle(engine, "T", x);
    }
}

static void gcr_lapack_take_log_determinant(const gcr_engine *engine, int lane, int system)
{
    gcr_real sum = 0;

    for (int i = 0; i < engine->n; i++)
        sum += gcr_log(gcr_lapack_pivot(engine, i));
    engine->log_determinant[system * GCR_LANES + lane] = 2 * sum;
}

/* inv(A) = inv(L)' inv(L), so its diagonal are the squared norms of the columns of inv(L). */
static void gcr_lapack_take_inverse_diagonal(const gcr_engine *engine, int lane, int system)
{
    const int lda = engine->n > 0 ? engine->n : 1;
    gcr_real *restrict diagonal =
        engine->inverse_diagonal + (size_t)system * (size_t)engine->n * GCR_LANES + lane;
    int info;

    /* pivots are not 0 */
    engine->lapack->GCR_LAPACK(trtri)("L", "N", &engine->n, engine->matrix, &lda, &info, 1, 1);
    for (int j = 0; j < engine->n; j++) {
        const gcr_real *column = engine->matrix + (size_t)j * (size_t)lda + j;

        diagonal[j * GCR_LANES] = gcr_dot(engine->n - j, column, column);
    }
}

/* The inverse comes last: it takes the place of the factor. */
static gcr_verdict gcr_lapack_answer_lane(const gcr_engine *engine, const gcr_ctx *ctx, int system,
                                          gcr_real jitter)
{
    const unsigned wanted = needs(ctx, system);
    gcr_verdict verdict;

    if (gcr_is_solved(wanted) && !gcr_lapack_fill_right_sides(engine, ctx, system))
        return gcr_verdict_of(GCR_CELL_NAN_IN, 0);
    verdict = gcr_lapack_factor(engine, ctx, system, jitter);
    if (verdict.state != GCR_CELL_OK)
        return verdict;
    if (wanted & GCR_NEED_LOG_DETERMINANT)
        gcr_lapack_take_log_determinant(engine, ctx->lane, system);
    if (gcr_is_solved(wanted))
        gcr_lapack_solve(engine, ctx->lane, system, wanted);
    if (wanted & GCR_NEED_INVERSE_DIAGONAL)
        gcr_lapack_take_inverse_diagonal(engine, ctx->lane, system);
    return verdict;
}

static void gcr_lapack_answer(const gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group,
                              int system)
{
    for (int lane = 0; lane < group->count; lane++) {
        const gcr_ctx one = gcr_ctx_of_cell(ctx, &group->data, lane);

        if (group->verdict[lane].state == GCR_CELL_OK)
            group->verdict[lane] =
                gcr_lapack_answer_lane(engine, &one, system, group->jitter[lane]);
    }
}

#endif /* GCR_CPU_SPD_LAPACK_H */
