/*
 * backend/cpu/engine_spd.h -- the engine under SPD kernels: the kernel's functions in each lane,
 * and the choice between the two ways to factor.
 *
 * element(i, j) is asked for all lanes at once, in a loop without branches that the compiler turns
 * into vector code. Mostly the lanes are points of one dataset, and what depends on the data alone
 * is the same number in each of them; where datasets have too few points they are of several, whose
 * matrices have the same size. That is the same text compiled twice, and the same bits.
 *
 * Up to GCR_SPD_SQUARES_MAX rows the matrices of a group are factored side by side (spd_squares.h),
 * whatever the group holds; above, one after the other by LAPACK (spd_lapack.h). So n alone decides
 * how a cell is computed. Systems come one after the other, or side by side where the cells are too
 * few to fill the lanes (spd_spread.h).
 */
#ifndef GCR_CPU_ENGINE_SPD_H
#define GCR_CPU_ENGINE_SPD_H

#include "backend/cpu/code_path.h"
#include "backend/cpu/engine.h"

#include <string.h>

enum {
    GCR_GROUP_MAX = GCR_LANES,

    /* Rows of the largest triangle that is kept for the next group, 66 KB: 1.06 times as fast up to
     * n = 48, 1.03 at 128, with 16 points of each base and 8 lanes (measured on Zen 4). */
    GCR_BASE_KEPT_MAX = 128,
    GCR_LAPACK_ROWS = 8, /* as many numbers of a column as a cache line has */
};

/* C of A = scale C + shift I, which cells with the same base parameters share. See spd_base.h. */
typedef struct gcr_base {
    gcr_view data;
    gcr_real param[GCR_PARAMETERS_MAX * GCR_LANES]; /* in lane 0, NaN where it is not of the base */
    gcr_real derived[GCR_DERIVED_MAX * GCR_LANES];  /* in lane 0 */
    gcr_real *rows; /* the triangle if it may be kept, else the row in hand */
    int is_kept;    /* the triangle is complete                             */
} gcr_base;

typedef struct gcr_engine {
    const gcr_lapack *lapack;
    int n, systems, right_sides;
    gcr_real *matrix; /* of one system at a time: of all lanes, or of one for spd_lapack.h       */
    gcr_real *sides;  /* spd_squares.h: [right_sides][n rounded up][GCR_LANES]                   */
    gcr_real *column; /* spd_squares.h: 4 columns of the inverse, [n rounded up][4][GCR_LANES]   */
    gcr_real *rows; /* spd_lapack.h: rows of the matrix that are filled in, [GCR_LAPACK_ROWS][n] */
    gcr_real *log_determinant, *quadratic_form, *solution, *inverse_diagonal; /* as gcr_answers */
    gcr_real derived[GCR_DERIVED_MAX * GCR_LANES];

    /* The bases that all cells of the group in hand are of. */
    int base_count;     /* 1 or 2; 0: more                  */
    int first_base;     /* 0 or 1: the one of lane 0        */
    gcr_mask is_second; /* set in the lanes of the other one */
    gcr_base base[2];

    /* See spd_spread.h. Its answers come behind those of the last system. */
    gcr_group spread;
    gcr_real spread_param[GCR_PARAMETERS_MAX * GCR_LANES];
    gcr_real spread_derived[GCR_DERIVED_MAX * GCR_LANES];
} gcr_engine;

#include "backend/cpu/spd_cells.h"

#include "backend/cpu/spd_group.h"
#include "backend/cpu/spd_lapack.h"
#include "backend/cpu/spd_spread.h"

/* Room for a matrix of n rows, and for any that has fewer: scratch is made for the largest dataset
 * of a run, but squares of all lanes take more than one large matrix for LAPACK. */
static void gcr_engine_carve_matrix(gcr_engine *engine, gcr_carver *carver, int64_t n)
{
    const int64_t least = n < GCR_SPD_SQUARES_MAX ? n : GCR_SPD_SQUARES_MAX;
    const int64_t squares = gcr_squares_count(least) * 16 * GCR_LANES;
    const int64_t kept = gcr_triangle(n < GCR_BASE_KEPT_MAX ? n : GCR_BASE_KEPT_MAX, 0);

    if (n <= GCR_SPD_SQUARES_MAX || n <= squares / n)
        engine->matrix = gcr_carve(carver, squares, 1);
    else
        engine->matrix = gcr_carve(carver, n, n);
    engine->rows = gcr_carve(carver, n <= GCR_SPD_SQUARES_MAX ? 0 : GCR_LAPACK_ROWS, n);
    engine->sides = gcr_carve(carver, engine->right_sides, 4 * gcr_square_rows(least) * GCR_LANES);
    engine->column = gcr_carve(carver, gcr_square_rows(least), 16 * GCR_LANES);
    for (int b = 0; b < 2; b++)
        engine->base[b].rows = gcr_carve(carver, least > kept ? least : kept, 1);
}

/* Matrices of one size are factored together, whatever they are made from. */
static int gcr_engine_serves_both(const gcr_shape *a, const gcr_shape *b)
{
    return gcr_description.size(a) == gcr_description.size(b) &&
           gcr_count_or(gcr_description.systems, a, 1) ==
               gcr_count_or(gcr_description.systems, b, 1) &&
           gcr_count_or(gcr_description.right_sides, a, 1) ==
               gcr_count_or(gcr_description.right_sides, b, 1);
}

static void gcr_engine_open(gcr_engine *engine, gcr_carver *carver, const gcr_shape *shape)
{
    const int64_t n = gcr_description.size(shape);
    const int64_t systems = gcr_count_or(gcr_description.systems, shape, 1);
    const int64_t right_sides = gcr_count_or(gcr_description.right_sides, shape, 1);

    engine->n = (int)n;
    engine->systems = (int)systems;
    engine->right_sides = (int)right_sides;
    gcr_engine_carve_matrix(engine, carver, n);
    gcr_engine_carve_answers(engine, carver, systems > 1 ? systems + 1 : 1);
}

static void gcr_engine_bind(gcr_engine *engine, const gcr_unit_setup *setup, gcr_ctx *ctx)
{
    engine->lapack = setup->lapack;
    engine->first_base = 0;
    engine->base[0].data = engine->base[1].data = (gcr_view){ 0 }; /* of no dataset */
    ctx->derived = engine->derived;
}

/* System after system, each of all cells. */
static void gcr_engine_answer(gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group)
{
    gcr_bases_find(engine, ctx, group);
    for (int system = 0; system < engine->systems; system++) {
        for (int lane = 0; lane < GCR_LANES; lane++)
            group->data.system[lane] = system;
        if (engine->n <= GCR_SPD_SQUARES_MAX)
            gcr_squares_answer(engine, ctx, group, system);
        else
            gcr_lapack_answer(engine, ctx, group, system);
    }
    gcr_bases_keep(engine);
}

/* The first system that has no answer decides what is said of a cell. */
static void gcr_engine_compute(gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group)
{
    gcr_cells_derive(ctx, &group->data, engine->derived);
    for (int lane = 0; lane < group->count; lane++)
        group->verdict[lane] = gcr_verdict_of(GCR_CELL_OK, 0);
    if (engine->n <= GCR_SPD_SQUARES_MAX && gcr_spread_is_shorter(engine, group))
        gcr_spread_answer(engine, ctx, group);
    else
        gcr_engine_answer(engine, ctx, group);
    gcr_engine_finish(engine, ctx, group);
}

#endif /* GCR_CPU_ENGINE_SPD_H */
