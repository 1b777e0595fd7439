/*
 * backend/cpu/spd_base.h -- entries that the cells of a group have in common.
 *
 * Part of engine_spd.h. Where a kernel has base(), cells with the same base parameters have
 * matrices scale C + shift I of one C, and lanes are neighbouring points: where the axes of the
 * base stand outermost a group meets one base, or two. Then a row of C is computed once for each of
 * them, along the row, and each entry goes to all its lanes; it is the same text as for a lane
 * alone, so the same bits. That is most of the work of a small cell: eight covariances for one. A
 * small triangle stays for the next group, which is often of the same base. A group that meets more
 * bases, or several datasets, asks for each entry in each lane.
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

/* Whether all that base() may look at is what `base` was made of. */
static int gcr_base_is(const gcr_base *base, const gcr_ctx *ctx, int lane)
{
    if (memcmp(&base->data, &ctx->data, sizeof ctx->data) != 0)
        return 0; /* also where nothing has been made yet, and there are no parameters */
    for (int p = 0; p < ctx->parameter_count; p++)
        if (gcr_description.parameters[p].is_base &&
            memcmp(base->param + p * GCR_LANES, ctx->param + p * GCR_LANES + lane,
                   sizeof(gcr_real)) != 0)
            return 0;
    return 1;
}

static gcr_ctx gcr_base_ctx(const gcr_base *base, const gcr_ctx *ctx)
{
    gcr_ctx one = gcr_ctx_of_lane(ctx, 0);

    one.param = base->param;
    one.derived = base->derived;
    return one;
}

/* Becomes that of lane `lane`. */
static void gcr_base_take(gcr_base *base, const gcr_ctx *ctx, int lane)
{
    const gcr_ctx one = gcr_base_ctx(base, ctx);

    if (gcr_base_is(base, ctx, lane))
        return;
    for (int p = 0; p < ctx->parameter_count; p++)
        base->param[p * GCR_LANES] = gcr_description.parameters[p].is_base
                                         ? ctx->param[p * GCR_LANES + lane]
                                         : (gcr_real)gcr_cell_nan(0);
    gcr_lane_derive(&one, base->derived);
    base->data = ctx->data;
    base->is_kept = 0;
}

/* Base 0 is that of lane 0, base 1 the other one. */
static gcr_base *gcr_base_number(gcr_engine *engine, int number)
{
    return &engine->base[number == 0 ? engine->first_base : 1 - engine->first_base];
}

/* Which bases the group meets: in the middle of a second one, if any, the next group begins. */
static void gcr_bases_find(gcr_engine *engine, const gcr_ctx *ctx, const gcr_group *group)
{
    const gcr_mask is_second = gcr_bases_differ(ctx, 0);
    const int second = gcr_mask_first(is_second), has_second = second < GCR_LANES;

    engine->base_count = 0;
    if (group->is_mixed ||
        (has_second && gcr_mask_first(is_second & gcr_bases_differ(ctx, second)) < GCR_LANES))
        return;
    engine->base_count = 1 + has_second;
    engine->is_second = is_second;
    if (!gcr_base_is(gcr_base_number(engine, 0), ctx, 0))
        engine->first_base = 1 - engine->first_base;
    gcr_base_take(gcr_base_number(engine, 0), ctx, 0);
    if (has_second)
        gcr_base_take(gcr_base_number(engine, 1), ctx, second);
}

/* That all cells of the group share, if it is not mixed: 1 or 2, or 0 if they are too many. */
static int gcr_bases_count(const gcr_engine *engine)
{
    return engine->base_count;
}

static int gcr_bases_are_kept(const gcr_engine *engine)
{
    return engine->systems == 1 && engine->n <= GCR_BASE_KEPT_MAX;
}

/* All rows have been filled in. */
static void gcr_bases_keep(gcr_engine *engine)
{
    for (int b = 0; b < engine->base_count && gcr_bases_are_kept(engine); b++)
        gcr_base_number(engine, b)->is_kept = 1;
}

/* Row i of C, up to the diagonal. */
static const gcr_real *gcr_base_row(const gcr_engine *engine, const gcr_base *of,
                                    const gcr_ctx *ctx, int system, int i)
{
    const gcr_ctx one = gcr_base_ctx(of, ctx);
    gcr_real *restrict row = of->rows + (gcr_bases_are_kept(engine) ? gcr_triangle(i, 0) : 0);

    if (!of->is_kept)
        for (int j = 0; j <= i; j++)
            row[j] = base(&one, system, i, j);
    return row;
}

/* What a group needs of a row. */
typedef struct gcr_base_rows {
    const gcr_real *first, *second;
    gcr_mask is_second;
    gcr_vec scale;
} gcr_base_rows;

static gcr_vec gcr_base_entry(const gcr_base_rows *rows, int bases, int j)
{
    const gcr_vec first = gcr_vec_of(rows->first[j]);

    if (bases == 1)
        return rows->scale * first;
    return rows->scale * gcr_vec_choose(rows->is_second, gcr_vec_of(rows->second[j]), first);
}

/* Row i of the matrices, as gcr_squares_fill_row(). */
static void gcr_bases_spread_row(gcr_square *squares, const gcr_engine *engine, const gcr_ctx *ctx,
                                 const gcr_group *group, int bases, int i)
{
    const int system = group->data.system[0], r = i % 4, diagonal = i / 4;
    const gcr_base *const first = &engine->base[engine->first_base];
    const gcr_base *const second = &engine->base[1 - engine->first_base];
    gcr_base_rows rows = { .first = gcr_base_row(engine, first, ctx, system, i),
                           .is_second = engine->is_second };
    gcr_vec shifts = { 0 };

    if (bases == 2)
        rows.second = gcr_base_row(engine, second, ctx, system, i);
    for (int lane = 0; lane < GCR_LANES; lane++) {
        const gcr_ctx one = gcr_ctx_of_lane(ctx, lane);

        rows.scale[lane] = scale(&one, system);
        shifts[lane] = shift(&one, system);
    }
    for (int square = 0; square < diagonal; square++)
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++)
            squares[square].at[r][c] = gcr_base_entry(&rows, bases, 4 * square + c);
    for (int c = 0; c < r; c++)
        squares[diagonal].at[r][c] = gcr_base_entry(&rows, bases, 4 * diagonal + c);
    squares[diagonal].at[r][r] =
        gcr_base_entry(&rows, bases, i) + shifts + gcr_vec_load(group->jitter);
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

static void gcr_bases_keep(gcr_engine *engine)
{
    (void)engine;
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
