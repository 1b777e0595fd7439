/*
 * backend/cpu/spd_base.h -- entries that the cells of a group have in common.
 *
 * Part of engine_spd.h. Where a kernel has base(), cells with the same base parameters have matrices
 * scale C + shift I of one C, and lanes are neighbouring points: where the axes of the base stand
 * outermost a group meets one base, or two. Then a row of C is computed once for each of them, along
 * the row, and each entry goes to all its lanes; it is the same text as for a lane alone, so the
 * same bits. That is most of the work of a small cell: eight covariances for one. A group that meets
 * more bases, or several datasets, asks for each entry in each lane.
 *
 * What is not a parameter of the base is NaN here, so that one that the description forgot is seen.
 */
#ifndef GCR_CPU_SPD_BASE_H
#define GCR_CPU_SPD_BASE_H

#include "backend/cpu/spd_squares.h"

#if defined(GCR_HAS_BASE)

/* Set in the lanes whose base is another than that of lane `lane`. */
static gcr_mask gcr_bases_differ(const gcr_ctx *ctx, int lane)
{
    gcr_mask differs = { 0 };

    for (int p = 0; p < ctx->parameter_count; p++)
        if (gcr_description.parameters[p].is_base) {
            const gcr_mask bits = (gcr_mask)gcr_vec_load(ctx->param + p * GCR_LANES);

            differs |= bits != bits[lane];
        }
    return differs;
}

/* GCR_LANES if there is none. */
static int gcr_mask_first(gcr_mask mask)
{
    int lane = 0;

    while (lane < GCR_LANES && mask[lane] == 0)
        lane++;
    return lane;
}

/* Base number `base` is that of lane `lane`. */
static void gcr_base_put(gcr_engine *engine, const gcr_ctx *ctx, int base, int lane)
{
    for (int p = 0; p < ctx->parameter_count; p++)
        engine->base_param[p * GCR_LANES + base] = gcr_description.parameters[p].is_base
                                                       ? ctx->param[p * GCR_LANES + lane]
                                                       : gcr_cell_nan(0);
}

static gcr_ctx gcr_base_ctx(const gcr_engine *engine, const gcr_ctx *ctx, int base)
{
    gcr_ctx one = gcr_ctx_of_lane(ctx, base);

    one.param = engine->base_param;
    one.derived = engine->base_derived;
    return one;
}

/* Which bases the group meets. */
static void gcr_bases_find(gcr_engine *engine, const gcr_ctx *ctx, const gcr_group *group)
{
    int second;

    engine->base_count = 0;
    if (group->is_mixed)
        return;
    engine->is_second = gcr_bases_differ(ctx, 0);
    second = gcr_mask_first(engine->is_second);
    if (second < GCR_LANES &&
        gcr_mask_first(engine->is_second & gcr_bases_differ(ctx, second)) < GCR_LANES)
        return;
    engine->base_count = second < GCR_LANES ? 2 : 1;
    gcr_base_put(engine, ctx, 0, 0);
    gcr_base_put(engine, ctx, 1, second % GCR_LANES);
    for (int base = 0; base < engine->base_count; base++) {
        const gcr_ctx one = gcr_base_ctx(engine, ctx, base);

        gcr_lane_derive(&one, engine->base_derived);
    }
}

/* That all cells of the group share, if it is not mixed: 1 or 2, or 0 if they are too many. */
static int gcr_bases_count(const gcr_engine *engine)
{
    return engine->base_count;
}

/* Row i of C, up to the diagonal, of each base. */
static void gcr_bases_fill_row(const gcr_engine *engine, const gcr_ctx *ctx, int bases, int system,
                               int i)
{
    for (int b = 0; b < bases; b++) {
        const gcr_ctx one = gcr_base_ctx(engine, ctx, b);
        gcr_real *restrict row = engine->base_row + (int64_t)b * engine->n;

        for (int j = 0; j <= i; j++)
            row[j] = base(&one, system, i, j);
    }
}

/* What a group needs of a row of C. */
typedef struct gcr_base_row {
    const gcr_real *first, *second;
    gcr_mask is_second;
    gcr_vec scale;
} gcr_base_row;

static gcr_vec gcr_base_entry(const gcr_base_row *row, int bases, int j)
{
    const gcr_vec first = gcr_vec_of(row->first[j]);

    if (bases == 1)
        return row->scale * first;
    return row->scale * gcr_vec_choose(row->is_second, gcr_vec_of(row->second[j]), first);
}

/* Row i of the matrices, as gcr_squares_fill_row(). */
static void gcr_bases_spread_row(gcr_square *squares, const gcr_engine *engine, const gcr_ctx *ctx,
                                 const gcr_group *group, int bases, int i)
{
    const int system = group->data.system[0], r = i % 4, diagonal = i / 4;
    gcr_base_row row = { engine->base_row, engine->base_row + engine->n, engine->is_second, { 0 } };
    gcr_vec shifts = { 0 };

    for (int lane = 0; lane < GCR_LANES; lane++) {
        const gcr_ctx one = gcr_ctx_of_lane(ctx, lane);

        row.scale[lane] = scale(&one, system);
        shifts[lane] = shift(&one, system);
    }
    gcr_bases_fill_row(engine, ctx, bases, system, i);
    for (int square = 0; square < diagonal; square++)
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++)
            squares[square].at[r][c] = gcr_base_entry(&row, bases, 4 * square + c);
    for (int c = 0; c < r; c++)
        squares[diagonal].at[r][c] = gcr_base_entry(&row, bases, 4 * diagonal + c);
    squares[diagonal].at[r][r] =
        gcr_base_entry(&row, bases, i) + shifts + gcr_vec_load(group->jitter);
}

#else

static void gcr_bases_find(gcr_engine *engine, const gcr_ctx *ctx, const gcr_group *group)
{
    (void)engine;
    (void)ctx;
    (void)group;
}

static int gcr_bases_count(const gcr_engine *engine)
{
    (void)engine;
    return 0;
}

static void gcr_bases_spread_row(gcr_square *squares, const gcr_engine *engine, const gcr_ctx *ctx,
                                 const gcr_group *group, int bases, int i)
{
    (void)squares;
    (void)engine;
    (void)ctx;
    (void)group;
    (void)bases;
    (void)i;
}

#endif
#endif /* GCR_CPU_SPD_BASE_H */
