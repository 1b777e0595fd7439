/*
 * backend/cpu/engine_tridiagonal.h -- the engine under SPD kernels that have base(), for
 * `algorithm: tridiagonal`: A = scale C + shift I of many cells from one reduction of each C.
 *
 * C and the right-hand sides depend on the data and on the base parameters alone. C = Q T Q' costs
 * as much as four Cholesky factors, and then a cell costs O(n) for its log-determinant and
 * quadratic forms (tridiagonal_group.h), O(n^2) for a solution or the diagonal of the inverse. The
 * idea is that of FaST-LMM (Lippert et al., Nature Methods 8 (2011) 833-835), with a tridiagonal
 * matrix in place of eigenvalues: those cost several times as much, and save a cell little.
 *
 * Up to GCR_REDUCE_LANES_MAX rows, reductions are made side by side (reduce_lanes.h): lanes are
 * bases where a cell has one system, else the systems of one base. Above, LAPACK makes one at a
 * time (reduce_lapack.h). So n alone decides how C is reduced, and a cell is the same whichever
 * others share its C. The caller brings the cells base by base:
 *
 *     gcr_engine_reduce        up to gcr_engine_bases() bases
 *     gcr_engine_compute       cells of base `of_base`
 */
#ifndef GCR_CPU_ENGINE_TRIDIAGONAL_H
#define GCR_CPU_ENGINE_TRIDIAGONAL_H

#include "backend/cpu/code_path.h"
#include "backend/cpu/engine.h"

#include <math.h>

enum { GCR_GROUP_MAX = GCR_LANES };

typedef struct gcr_engine {
    const gcr_lapack *lapack;
    int n, systems, right_sides;
    int stride;  /* of the numbers of one reduction: GCR_VEC_LANES, or 1 where LAPACK makes it */
    int of_base; /* that the cells belong to, counted among those reduced together             */

    /* Reductions, GCR_VEC_LANES after GCR_VEC_LANES, or one after the other. */
    gcr_real *matrix; /* [n (n + 1) / 2]; not for LAPACK                  */
    gcr_real *turn;   /* [n][n] Q; for LAPACK the matrix too              */
    gcr_real *diagonal, *below, *tau, *v, *w, *work;
    gcr_real *sides;                   /* [right_sides][n] */
    gcr_real *power, *most, *of_sides; /* see gcr_reduced  */

    /* The group in hand. */
    gcr_real *ratio, *inverse, *solved;                                       /* [n][GCR_LANES]  */
    gcr_real *log_determinant, *quadratic_form, *solution, *inverse_diagonal; /* as gcr_answers  */
    gcr_real derived[GCR_DERIVED_MAX * GCR_LANES];

    /* What base() sees: NaN where a parameter is not of the base. */
    gcr_ctx base_ctx;
    gcr_real base_param[GCR_PARAMETERS_MAX * GCR_LANES], base_derived[GCR_DERIVED_MAX * GCR_LANES];
} gcr_engine;

#include "backend/cpu/spd_cells.h"

#include "backend/cpu/reduce_lanes.h"
#include "backend/cpu/reduce_lapack.h"
#include "backend/cpu/tridiagonal_group.h"

/* ---- memory ---------------------------------------------------------------------------------- */

/* Vectors of reductions: of bases if there is one system, else of systems. */
static int64_t gcr_engine_chunks(int64_t systems)
{
    return (systems + GCR_VEC_LANES - 1) / GCR_VEC_LANES;
}

/* Room for a matrix of n rows and for any that has fewer: scratch is made for the largest dataset
 * of a run, but side by side many small matrices take more than a large one for LAPACK. */
static void gcr_engine_carve_matrices(gcr_engine *engine, gcr_carver *carver, int64_t n,
                                      int64_t systems)
{
    const int64_t least = n < GCR_REDUCE_LANES_MAX ? n : GCR_REDUCE_LANES_MAX;
    const int64_t lanes = gcr_engine_chunks(systems) * GCR_VEC_LANES;

    engine->matrix = gcr_carve(carver, lanes, least * (least + 1) / 2);
    if (n <= GCR_REDUCE_LANES_MAX || systems * n <= lanes * least * least / n)
        engine->turn = gcr_carve(carver, lanes, least * least);
    else
        engine->turn = gcr_carve(carver, systems * n, n);
}

static void gcr_engine_carve_reductions(gcr_engine *engine, gcr_carver *carver, int64_t n,
                                        int64_t systems, int64_t right_sides)
{
    const int64_t lanes = gcr_engine_chunks(systems) * GCR_VEC_LANES;

    engine->diagonal = gcr_carve(carver, lanes, n);
    engine->below = gcr_carve(carver, lanes, n);
    engine->tau = gcr_carve(carver, lanes, n);
    engine->sides = gcr_carve(carver, lanes * right_sides, n);
    engine->power = gcr_carve(carver, lanes, 1);
    engine->most = gcr_carve(carver, lanes, 1);
    engine->of_sides = gcr_carve(carver, lanes, 1);
    engine->v = gcr_carve(carver, 2 * GCR_VEC_LANES, n);
    engine->w = gcr_carve(carver, 2 * GCR_VEC_LANES, n);
    engine->work = gcr_carve(carver, GCR_LAPACK_BLOCK, n);
}

/* A base is of one dataset, and so is a group. */
static int gcr_engine_serves_both(const gcr_shape *a, const gcr_shape *b)
{
    (void)a;
    (void)b;
    return 0;
}

static void gcr_engine_open(gcr_engine *engine, gcr_carver *carver, const gcr_shape *shape)
{
    const int64_t n = gcr_description.size(shape);
    const int64_t systems = gcr_count_or(gcr_description.systems, shape, 1);
    const int64_t right_sides = gcr_count_or(gcr_description.right_sides, shape, 1);

    engine->n = (int)n;
    engine->systems = (int)systems;
    engine->right_sides = (int)right_sides;
    engine->stride = n <= GCR_REDUCE_LANES_MAX ? GCR_VEC_LANES : 1;
    gcr_engine_carve_matrices(engine, carver, n, systems);
    gcr_engine_carve_reductions(engine, carver, n, systems, right_sides);
    engine->ratio = gcr_carve(carver, n, GCR_LANES);
    engine->inverse = gcr_carve(carver, n, GCR_LANES);
    engine->solved = gcr_carve(carver, n, GCR_LANES);
    gcr_engine_carve_answers(engine, carver, systems);
}

static void gcr_engine_bind(gcr_engine *engine, const gcr_unit_setup *setup, gcr_ctx *ctx)
{
    engine->lapack = setup->lapack;
    ctx->derived = engine->derived;
    engine->base_ctx = *ctx;
    engine->base_ctx.param = engine->base_param;
    engine->base_ctx.derived = engine->base_derived;
    for (int i = 0; i < GCR_PARAMETERS_MAX * GCR_LANES; i++)
        engine->base_param[i] = gcr_cell_nan(0);
}

/* ---- bases ----------------------------------------------------------------------------------- */

/* How many can be reduced together. */
static int gcr_engine_bases(const gcr_engine *engine)
{
    return engine->stride > 1 && engine->systems == 1 ? GCR_VEC_LANES : 1;
}

/* Where the numbers of a reduction begin, `count` of each: lane `which` of its vectors, or one
 * after the other. */
static gcr_real *gcr_engine_of(const gcr_engine *engine, gcr_real *values, int which, int64_t count)
{
    return values + which / engine->stride * count * engine->stride + which % engine->stride;
}

static gcr_reducing gcr_engine_reducing(const gcr_engine *engine, int first)
{
    const int64_t n = engine->n;

    return (gcr_reducing){
        .n = engine->n,
        .right_sides = engine->right_sides,
        .a = (gcr_vec *)gcr_engine_of(engine, engine->matrix, first, n * (n + 1) / 2),
        .v = (gcr_vec *)engine->v,
        .w = (gcr_vec *)engine->w,
        .next_v = (gcr_vec *)engine->v + n,
        .next_w = (gcr_vec *)engine->w + n,
        .diagonal = (gcr_vec *)gcr_engine_of(engine, engine->diagonal, first, n),
        .below = (gcr_vec *)gcr_engine_of(engine, engine->below, first, n),
        .tau = (gcr_vec *)gcr_engine_of(engine, engine->tau, first, n),
        .sides = (gcr_vec *)gcr_engine_of(engine, engine->sides, first, n * engine->right_sides),
    };
}

/* Whether Q itself is needed, beside Q'b. */
static int gcr_is_turned(unsigned wanted)
{
    return (wanted & (GCR_NEED_SOLUTION | GCR_NEED_INVERSE_DIAGONAL)) != 0;
}

/* What any of the systems from `first` on needs, of any base. */
static unsigned gcr_engine_needs(const gcr_engine *engine, int first, int count)
{
    unsigned wanted = 0;

    for (int lane = 0; lane < gcr_engine_bases(engine); lane++) {
        const gcr_ctx one = gcr_ctx_of_lane(&engine->base_ctx, lane);

        for (int system = first; system < first + count && system < engine->systems; system++)
            wanted |= needs(&one, system);
    }
    return wanted;
}

static void gcr_engine_reduce_lanes(gcr_engine *engine, int first)
{
    gcr_reducing of = gcr_engine_reducing(engine, first);
    const gcr_ctx *const ctx = &engine->base_ctx;
    const unsigned wanted = gcr_engine_needs(engine, first, GCR_VEC_LANES);
    const gcr_vec most = gcr_reducing_fill(&of, ctx, first, engine->systems);
    const gcr_vec power = gcr_vec_power_against(most);

    *(gcr_vec *)(engine->most + first) = most;
    *(gcr_vec *)(engine->power + first) = power;
    gcr_reducing_multiply(&of, power);
    gcr_reducing_run(&of);
    if (gcr_is_solved(wanted)) {
        *(gcr_vec *)(engine->of_sides + first) =
            gcr_reducing_fill_sides(&of, ctx, first, engine->systems);
        gcr_reducing_apply_to_sides(&of);
    }
    if (gcr_is_turned(wanted))
        gcr_reducing_form_turn(&of, (gcr_vec *)gcr_engine_of(engine, engine->turn, first,
                                                             (int64_t)engine->n * engine->n));
}

static void gcr_engine_reduce_one(gcr_engine *engine, int system)
{
    const int64_t n = engine->n;
    const gcr_ctx *const ctx = &engine->base_ctx;
    const unsigned wanted = needs(ctx, system);
    const gcr_reducing_one of = {
        .lapack = engine->lapack,
        .n = engine->n,
        .right_sides = engine->right_sides,
        .a = gcr_engine_of(engine, engine->turn, system, n * n),
        .work = engine->work,
        .diagonal = gcr_engine_of(engine, engine->diagonal, system, n),
        .below = gcr_engine_of(engine, engine->below, system, n),
        .tau = gcr_engine_of(engine, engine->tau, system, n),
        .sides = gcr_engine_of(engine, engine->sides, system, n * engine->right_sides),
    };

    engine->most[system] = gcr_reducing_one_fill(&of, ctx, system);
    engine->power[system] = gcr_vec_power_against(gcr_vec_of(engine->most[system]))[0];
    if (gcr_is_solved(wanted))
        engine->of_sides[system] = gcr_reducing_one_fill_sides(&of, ctx, system);
    if (!gcr_is_finite(engine->most[system]))
        return; /* LAPACK is given numbers only */
    gcr_reducing_one_multiply(&of, engine->power[system]);
    gcr_reducing_one_run(&of);
    if (gcr_is_solved(wanted))
        gcr_reducing_one_apply_to_sides(&of);
    if (gcr_is_turned(wanted))
        gcr_reducing_one_form_turn(&of);
}

/* Reduces the bases whose parameters stand in base_param, all lanes filled. */
static void gcr_engine_reduce(gcr_engine *engine)
{
    gcr_cells_derive(&engine->base_ctx, NULL, engine->base_derived);
    if (engine->stride > 1)
        for (int first = 0; first < engine->systems; first += GCR_VEC_LANES)
            gcr_engine_reduce_lanes(engine, first);
    else
        for (int system = 0; system < engine->systems; system++)
            gcr_engine_reduce_one(engine, system);
}

/* ---- cells ----------------------------------------------------------------------------------- */

static gcr_reduced gcr_engine_reduced(const gcr_engine *engine, int system)
{
    const int64_t n = engine->n;
    const int which = engine->systems == 1 ? engine->of_base : system;

    return (gcr_reduced){
        .stride = engine->stride,
        .diagonal = gcr_engine_of(engine, engine->diagonal, which, n),
        .below = gcr_engine_of(engine, engine->below, which, n),
        .sides = gcr_engine_of(engine, engine->sides, which, n * engine->right_sides),
        .turn = gcr_engine_of(engine, engine->turn, which, n * n),
        .power = engine->power[which],
        .most = engine->most[which],
        .of_sides = engine->of_sides[which],
    };
}

static void gcr_answers_forget(gcr_real *answers, int64_t first, int64_t count, int lane)
{
    for (int64_t k = first * count; k < (first + 1) * count; k++)
        answers[k * GCR_LANES + lane] = gcr_cell_nan(0);
}

/* A base is reduced for what needs() says without the other parameters. Where a cell's own say
 * more, there is nothing that finish() could read: not what another cell has left there. */
static void gcr_engine_forget(const gcr_engine *engine, const gcr_ctx *ctx, const gcr_group *group,
                              int system, unsigned wanted)
{
    const int64_t n = engine->n, right_sides = engine->right_sides;

    for (int lane = 0; lane < group->count; lane++) {
        const gcr_ctx one = gcr_ctx_of_lane(ctx, lane);
        const unsigned missing = needs(&one, system) & ~wanted;

        if ((missing & GCR_NEED_LOG_DETERMINANT) != 0)
            gcr_answers_forget(engine->log_determinant, system, 1, lane);
        if ((missing & GCR_NEED_QUADRATIC_FORM) != 0)
            gcr_answers_forget(engine->quadratic_form, system, right_sides, lane);
        if ((missing & GCR_NEED_SOLUTION) != 0)
            gcr_answers_forget(engine->solution, system, right_sides * n, lane);
        if ((missing & GCR_NEED_INVERSE_DIAGONAL) != 0)
            gcr_answers_forget(engine->inverse_diagonal, system, n, lane);
    }
}

/* The first system that has no answer decides what is said of a cell. */
static void gcr_engine_compute(gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group)
{
    const gcr_ctx base_ctx = gcr_ctx_of_lane(&engine->base_ctx, engine->of_base);

    gcr_cells_derive(ctx, NULL, engine->derived);
    for (int lane = 0; lane < group->count; lane++)
        group->verdict[lane] = gcr_verdict_of(GCR_CELL_OK, 0);
    for (int system = 0; system < engine->systems; system++) {
        const gcr_reduced reduced = gcr_engine_reduced(engine, system);
        const unsigned wanted = needs(&base_ctx, system);

        gcr_group_answer(engine, ctx, group, system, &reduced, wanted);
        gcr_engine_forget(engine, ctx, group, system, wanted);
    }
    gcr_engine_finish(engine, ctx, group);
}

#endif /* GCR_CPU_ENGINE_TRIDIAGONAL_H */
