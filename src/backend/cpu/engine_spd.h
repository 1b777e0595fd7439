/*
 * backend/cpu/engine_spd.h -- the plain engine under SPD kernels: one system after the other,
 * filled by the kernel, factored and solved by LAPACK.
 *
 * A matrix is stored by rows, lower triangle, which LAPACK reads as by columns, upper triangle:
 * A = U'U. So the inner loop over element(i, j) runs along j and through memory, as gcr_triangle()
 * does, and the compiler turns it into vector code. What LAPACK says of bad matrices is not
 * believed (OpenBLAS reports success for NaN): pivots are looked at, and where one is bad the
 * entries themselves decide between "not finite" and "not positive definite".
 */
#ifndef GCR_CPU_ENGINE_SPD_H
#define GCR_CPU_ENGINE_SPD_H

#include "backend/cpu/engine.h"

/* Fortran: each character argument has its length, 1, at the end. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length, size_t diag_length);
void dtrsv_(const char *uplo, const char *trans, const char *diag, const int *n, const double *a,
            const int *lda, double *x, const int *incx, size_t uplo_length, size_t trans_length,
            size_t diag_length);

typedef struct gcr_engine {
    int n, systems, right_sides;
    gcr_real *matrix; /* [n][n]; of one system at a time */
    gcr_real *log_determinant, *quadratic_form, *solution, *inverse_diagonal; /* as gcr_answers */
    gcr_real derived[GCR_DERIVED_MAX * GCR_LANES];
} gcr_engine;

static void gcr_engine_open(gcr_engine *engine, gcr_carver *carver, const gcr_shape *shape)
{
    const int64_t n = gcr_description.size(shape);
    const int64_t systems = gcr_count_or(gcr_description.systems, shape, 1);
    const int64_t right_sides = gcr_count_or(gcr_description.right_sides, shape, 1);

    engine->n = (int)n;
    engine->systems = (int)systems;
    engine->right_sides = (int)right_sides;
    engine->matrix = gcr_carve(carver, n, n);
    engine->log_determinant = gcr_carve(carver, systems, 1);
    engine->quadratic_form = gcr_carve(carver, systems, right_sides);
    engine->solution = gcr_carve(carver, systems * right_sides, n);
    engine->inverse_diagonal = gcr_carve(carver, systems, n);
}

static void gcr_engine_bind(gcr_engine *engine, gcr_ctx *ctx)
{
    ctx->derived = engine->derived;
}

static void gcr_engine_fill(const gcr_engine *engine, const gcr_ctx *ctx, int system,
                            gcr_real jitter)
{
    for (int i = 0; i < engine->n; i++) {
        gcr_real *restrict row = engine->matrix + (size_t)i * (size_t)engine->n;

        for (int j = 0; j < i; j++)
            row[j] = element(ctx, system, i, j);
        row[i] = element(ctx, system, i, i) + jitter;
    }
}

static int gcr_engine_is_finite(const gcr_engine *engine)
{
    for (int i = 0; i < engine->n; i++)
        for (int j = 0; j <= i; j++)
            if (!gcr_is_finite(engine->matrix[(size_t)i * (size_t)engine->n + (size_t)j]))
                return 0;
    return 1;
}

static gcr_real gcr_engine_pivot(const gcr_engine *engine, int i)
{
    return engine->matrix[(size_t)i * (size_t)engine->n + (size_t)i];
}

/* The first pivot that is not a positive number, counted from 1; 0: there is none. */
static int gcr_engine_bad_pivot(const gcr_engine *engine)
{
    for (int i = 0; i < engine->n; i++)
        if (!(gcr_engine_pivot(engine, i) > 0 && gcr_is_finite(gcr_engine_pivot(engine, i))))
            return i + 1;
    return 0;
}

/* Replaces the matrix by its factor U. A number that is not finite ends up in the pivot of its
 * row, so only where a pivot is bad do the entries have to be looked at: filled in once more. */
static gcr_verdict gcr_engine_factor(const gcr_engine *engine, const gcr_ctx *ctx, int system,
                                     gcr_real jitter)
{
    const int lda = engine->n > 0 ? engine->n : 1;
    int minor;

    gcr_engine_fill(engine, ctx, system, jitter);
    dpotrf_("U", &engine->n, engine->matrix, &lda, &minor, 1);
    if (minor == 0)
        minor = gcr_engine_bad_pivot(engine);
    if (minor == 0)
        return gcr_verdict_of(GCR_CELL_OK, 0);
    gcr_engine_fill(engine, ctx, system, jitter);
    return gcr_engine_is_finite(engine) ? gcr_verdict_of(GCR_CELL_NOT_SPD, (uint32_t)minor)
                                        : gcr_verdict_of(GCR_CELL_NAN_IN, 0);
}

/* Where the right-hand side stands, and later the solution. */
static gcr_real *gcr_engine_solution(const gcr_engine *engine, int system, int column)
{
    const size_t index = (size_t)system * (size_t)engine->right_sides + (size_t)column;

    return engine->solution + index * (size_t)engine->n;
}

static int gcr_engine_fill_right_sides(const gcr_engine *engine, const gcr_ctx *ctx, int system)
{
    int is_finite = 1;

    for (int column = 0; column < engine->right_sides; column++) {
        gcr_real *restrict b = gcr_engine_solution(engine, system, column);

        for (int i = 0; i < engine->n; i++) {
            b[i] = rhs(ctx, system, i, column);
            is_finite &= gcr_is_finite(b[i]);
        }
    }
    return is_finite;
}

/* Solves U x = b or U'x = b in place. */
static void gcr_engine_solve_triangle(const gcr_engine *engine, const char *trans, gcr_real *x)
{
    const int lda = engine->n > 0 ? engine->n : 1, one = 1;

    dtrsv_("U", trans, "N", &engine->n, engine->matrix, &lda, x, &one, 1, 1, 1);
}

/* With U'z = b, the quadratic form is z'z; U x = z makes z the solution. */
static void gcr_engine_solve(const gcr_engine *engine, int system, unsigned wanted)
{
    for (int column = 0; column < engine->right_sides; column++) {
        gcr_real *x = gcr_engine_solution(engine, system, column), sum = 0;

        gcr_engine_solve_triangle(engine, "T", x);
        for (int i = 0; i < engine->n; i++)
            sum += x[i] * x[i];
        engine->quadratic_form[system * engine->right_sides + column] = sum;
        if (wanted & GCR_NEED_SOLUTION)
            gcr_engine_solve_triangle(engine, "N", x);
    }
}

static void gcr_engine_take_log_determinant(const gcr_engine *engine, int system)
{
    gcr_real sum = 0;

    for (int i = 0; i < engine->n; i++)
        sum += gcr_log(gcr_engine_pivot(engine, i));
    engine->log_determinant[system] = 2 * sum;
}

/* inv(A) = inv(U) inv(U)', so its diagonal are the squared norms of the rows of inv(U). */
static void gcr_engine_take_inverse_diagonal(const gcr_engine *engine, int system)
{
    const int lda = engine->n > 0 ? engine->n : 1;
    gcr_real *restrict diagonal = engine->inverse_diagonal + (size_t)system * (size_t)engine->n;
    int info;

    dtrtri_("U", "N", &engine->n, engine->matrix, &lda, &info, 1, 1); /* pivots are not 0 */
    for (int j = 0; j < engine->n; j++) {
        const gcr_real *column = engine->matrix + (size_t)j * (size_t)engine->n;

        diagonal[j] = 0;
        for (int i = 0; i <= j; i++)
            diagonal[i] += column[i] * column[i];
    }
}

/* The inverse comes last: it takes the place of the factor. */
static gcr_verdict gcr_engine_answer(const gcr_engine *engine, const gcr_ctx *ctx, int system,
                                     gcr_real jitter)
{
    const unsigned wanted = needs(ctx, system);
    const int is_solved = (wanted & (GCR_NEED_QUADRATIC_FORM | GCR_NEED_SOLUTION)) != 0;
    gcr_verdict verdict;

    if (is_solved && !gcr_engine_fill_right_sides(engine, ctx, system))
        return gcr_verdict_of(GCR_CELL_NAN_IN, 0);
    verdict = gcr_engine_factor(engine, ctx, system, jitter);
    if (verdict.state != GCR_CELL_OK)
        return verdict;
    if (wanted & GCR_NEED_LOG_DETERMINANT)
        gcr_engine_take_log_determinant(engine, system);
    if (is_solved)
        gcr_engine_solve(engine, system, wanted);
    if (wanted & GCR_NEED_INVERSE_DIAGONAL)
        gcr_engine_take_inverse_diagonal(engine, system);
    return verdict;
}

/* The first system that has no answer decides what is said of the cell. */
static gcr_verdict gcr_engine_compute(gcr_engine *engine, const gcr_ctx *ctx, gcr_real jitter,
                                      gcr_real *outputs)
{
    const gcr_answers answers = {
        .n = engine->n,
        .right_sides = engine->right_sides,
        .log_determinant = engine->log_determinant,
        .quadratic_form = engine->quadratic_form,
        .solution = engine->solution,
        .inverse_diagonal = engine->inverse_diagonal,
    };

#if defined(GCR_HAS_DERIVE)
    derive(ctx, engine->derived);
#endif
    for (int system = 0; system < engine->systems; system++) {
        const gcr_verdict verdict = gcr_engine_answer(engine, ctx, system, jitter);

        if (verdict.state != GCR_CELL_OK)
            return verdict;
    }
    return gcr_verdict_of_fault(finish(ctx, &answers, outputs));
}

#endif /* GCR_CPU_ENGINE_SPD_H */
