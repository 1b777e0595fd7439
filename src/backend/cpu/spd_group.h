/*
 * backend/cpu/spd_group.h -- a system of each lane of a group: filled, factored and solved row by
 * row of squares, so that a row is still in the first cache at each step.
 *
 * Part of engine_spd.h. All lanes do what any of them needs; a lane that failed, or that repeats
 * another, is computed like the others and not read.
 */
#ifndef GCR_CPU_SPD_GROUP_H
#define GCR_CPU_SPD_GROUP_H

#include "backend/cpu/spd_base.h"
#include "backend/cpu/spd_squares.h"

static int64_t gcr_squares_count(int64_t n)
{
    return gcr_square_rows(n) * (gcr_square_rows(n) + 1) / 2;
}

/* `system` holds for lanes of one dataset; others say which of their own. */
static int gcr_system_of_lane(const gcr_lane_data *data, int system, int lane)
{
    return data == NULL ? system : data->system[lane];
}

static gcr_vec gcr_element_of_lanes(const gcr_ctx *ctx, const gcr_lane_data *data, int system,
                                    int i, int j)
{
    gcr_real value[GCR_LANES] __attribute__((aligned(sizeof(gcr_vec))));

#pragma GCC unroll 1 /* unrolled, it would not be seen as a vector */
    for (int lane = 0; lane < GCR_LANES; lane++) {
        const gcr_ctx one = gcr_ctx_of_cell(ctx, data, lane);

        value[lane] = element(&one, gcr_system_of_lane(data, system, lane), i, j);
    }
    return *(const gcr_vec *)value;
}

/* What a kernel does on the diagonal only costs nothing beside it, if the compiler knows. */
static gcr_vec gcr_element_below(const gcr_ctx *ctx, const gcr_lane_data *data, int system, int i,
                                 int j)
{
    if (i == j)
        __builtin_unreachable();
    return gcr_element_of_lanes(ctx, data, system, i, j);
}

/* Entries (i, j .. j + 3) of the matrices, all below the diagonal. They are stored when all are
 * known: each is a chain of operations, and only side by side do chains keep a processor busy. */
static void gcr_squares_fill_four(gcr_vec *to, const gcr_ctx *ctx, const gcr_lane_data *data,
                                  int system, int i, int j)
{
    gcr_vec four[4];

#pragma GCC unroll 4
    for (int c = 0; c < 4; c++)
        four[c] = gcr_element_below(ctx, data, system, i, j + c);
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++)
        to[c] = four[c];
}

/* Row i of the matrices goes to row i % 4 of its row of squares. */
static void gcr_squares_fill_row(gcr_square *squares, const gcr_ctx *ctx, const gcr_lane_data *data,
                                 const gcr_group *group, int system, int i)
{
    const int r = i % 4, diagonal = i / 4;

    for (int square = 0; square < diagonal; square++)
        gcr_squares_fill_four(squares[square].at[r], ctx, data, system, i, 4 * square);
    for (int c = 0; c < r; c++)
        squares[diagonal].at[r][c] = gcr_element_below(ctx, data, system, i, 4 * diagonal + c);
    squares[diagonal].at[r][r] =
        gcr_element_of_lanes(ctx, data, system, i, i) + gcr_vec_load(group->jitter);
}

static void gcr_squares_fill_identity(gcr_square *squares, int i)
{
    for (int square = 0; square <= i / 4; square++)
        for (int c = 0; c < 4; c++)
            squares[square].at[i % 4][c] = gcr_vec_of(4 * square + c == i);
}

/* Row i goes to its row of squares; behind the last, that of the identity. Lanes of one dataset and
 * system have code of their own: what it loads is the same for all lanes. */
GCR_LANES_STAGE void gcr_squares_fill(gcr_square *squares, const gcr_engine *engine,
                                      const gcr_ctx *ctx, const gcr_group *group, int i)
{
    if (i >= engine->n)
        gcr_squares_fill_identity(squares, i);
    else if (group->is_mixed)
        gcr_squares_fill_row(squares, ctx, &group->data, group, 0, i);
    else if (gcr_bases_count(engine) == 1)
        gcr_bases_spread_row(squares, engine, ctx, group, 1, i);
    else if (gcr_bases_count(engine) == 2)
        gcr_bases_spread_row(squares, engine, ctx, group, 2, i);
    else
        gcr_squares_fill_row(squares, ctx, NULL, group, group->data.system[0], i);
}

/* Where the right-hand side stands, and later what is solved for. */
static gcr_vec *gcr_squares_side(const gcr_engine *engine, int column)
{
    return (gcr_vec *)engine->sides + column * 4 * gcr_square_rows(engine->n);
}

/* What the lanes need of a system, and whether each of them does. */
typedef struct gcr_wanted {
    unsigned any, of_lane[GCR_LANES];
    int is_solved_by_all;
} gcr_wanted;

static gcr_wanted gcr_wanted_of(const gcr_ctx *ctx, const gcr_lane_data *data)
{
    gcr_wanted wanted = { .is_solved_by_all = 1 };

#pragma GCC unroll 1
    for (int lane = 0; lane < GCR_LANES; lane++) {
        const gcr_ctx one = gcr_ctx_of_cell(ctx, data, lane);

        wanted.of_lane[lane] = needs(&one, data->system[lane]);
        wanted.any |= wanted.of_lane[lane];
        wanted.is_solved_by_all &= gcr_is_solved(wanted.of_lane[lane]);
    }
    return wanted;
}

/* rhs() is not asked in lanes that do not need it. */
static gcr_vec gcr_rhs_of_lanes(const gcr_ctx *ctx, const gcr_lane_data *data, int system,
                                const gcr_wanted *wanted, int i, int column)
{
    gcr_real value[GCR_LANES] __attribute__((aligned(sizeof(gcr_vec)))) = { 0 };

#pragma GCC unroll 1
    for (int lane = 0; lane < GCR_LANES; lane++) {
        const gcr_ctx one = gcr_ctx_of_cell(ctx, data, lane);

        if (wanted->is_solved_by_all || gcr_is_solved(wanted->of_lane[lane]))
            value[lane] = rhs(&one, gcr_system_of_lane(data, system, lane), i, column);
    }
    return *(const gcr_vec *)value;
}

/* NaN or infinity times 0 is NaN, so one sum looks at all. */
static void gcr_squares_fill_sides(const gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group,
                                   const gcr_wanted *wanted)
{
    gcr_vec sum = { 0 };

    for (int column = 0; column < engine->right_sides; column++) {
        gcr_vec *const b = gcr_squares_side(engine, column);

        for (int i = 0; i < engine->n; i++) {
            if (group->is_mixed)
                b[i] = gcr_rhs_of_lanes(ctx, &group->data, 0, wanted, i, column);
            else
                b[i] = gcr_rhs_of_lanes(ctx, NULL, group->data.system[0], wanted, i, column);
            sum += b[i] * 0;
        }
        for (int i = engine->n; i < 4 * gcr_square_rows(engine->n); i++)
            b[i] = gcr_vec_of(0);
    }
    for (int lane = 0; lane < group->count; lane++)
        if (sum[lane] != 0)
            gcr_group_fail(group, lane, GCR_CELL_NAN_IN, 0);
}

/* The entries once more, row by row where the inverse will stand, for what they were is gone. */
static gcr_vec gcr_squares_find_nan(const gcr_engine *engine, const gcr_ctx *ctx,
                                    const gcr_group *group)
{
    gcr_square *const squares = (gcr_square *)engine->column;
    gcr_vec sum = { 0 };

    for (int i = 0; i < engine->n; i++) {
        gcr_squares_fill(squares, engine, ctx, group, i);
        for (int j = 0; j <= i; j++)
            sum += squares[j / 4].at[i % 4][j % 4] * 0;
    }
    return sum;
}

/* A number that is not finite ends up in the pivot of its row, so only where a pivot is bad do the
 * entries have to be looked at. */
static void gcr_squares_judge(const gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group,
                              const gcr_pivots *pivots)
{
    int64_t any = 0;
    gcr_vec sum;

    for (int lane = 0; lane < group->count; lane++)
        any |= pivots->minor[lane];
    if (any == 0)
        return;
    sum = gcr_squares_find_nan(engine, ctx, group);
    for (int lane = 0; lane < group->count; lane++)
        if (pivots->minor[lane] != 0 && sum[lane] == 0)
            gcr_group_fail(group, lane, GCR_CELL_NOT_SPD, (uint32_t)pivots->minor[lane]);
        else if (pivots->minor[lane] != 0)
            gcr_group_fail(group, lane, GCR_CELL_NAN_IN, 0);
}

/* With L z = b, the quadratic form is z'z; L'x = z makes z the solution. */
static void gcr_squares_solve(const gcr_engine *engine, const gcr_wanted *wanted, int row,
                              int column)
{
    const int index = row * engine->right_sides + column;
    gcr_vec *const z = gcr_squares_side(engine, column), sum = { 0 };

    for (int i = 0; i < engine->n; i++)
        sum += z[i] * z[i];
    ((gcr_vec *)engine->quadratic_form)[index] = sum;
    if (!(wanted->any & GCR_NEED_SOLUTION))
        return;
    gcr_squares_backward((gcr_square *)engine->matrix, (int)gcr_square_rows(engine->n), z);
    for (int i = 0; i < engine->n; i++)
        ((gcr_vec *)engine->solution)[(int64_t)index * engine->n + i] = z[i];
}

/* What the lanes are asked for, and where their systems are at. */
typedef struct gcr_squares_task {
    const gcr_engine *engine;
    const gcr_ctx *ctx;
    const gcr_group *group;
    int sides; /* right-hand sides to be solved with */
    gcr_pivots pivots;
} gcr_squares_task;

static void gcr_squares_fill_rows(const gcr_squares_task *task, int first, int last)
{
    for (int i = first; i < last; i++)
        gcr_squares_fill(gcr_squares_row((gcr_square *)task->engine->matrix, i / 4), task->engine,
                         task->ctx, task->group, i);
}

static void gcr_squares_forward(const gcr_squares_task *task, int row)
{
    for (int column = 0; column < task->sides; column++)
        gcr_squares_forward_row((gcr_square *)task->engine->matrix, row,
                                gcr_squares_side(task->engine, column));
}

/* A pivot is a chain of 50 cycles; the processor spends them on the row below that is filled behind
 * each (7% of a cell at n = 24). Rejected: squares of that row eliminated there too (3% slower). */
static void gcr_squares_factor_by_rows(gcr_squares_task *task, int rows)
{
    gcr_square *const squares = (gcr_square *)task->engine->matrix;

    gcr_squares_fill_rows(task, 0, 4);
    for (int row = 0; row < rows; row++) {
        gcr_squares_eliminate_row(squares, row);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            gcr_square_factor_column(gcr_squares_row(squares, row) + row, j, &task->pivots);
            if (row + 1 < rows)
                gcr_squares_fill_rows(task, 4 * row + 4 + j, 4 * row + 5 + j);
        }
        gcr_squares_forward(task, row);
    }
}

static void gcr_squares_factor_by_panels(gcr_squares_task *task, int rows, gcr_panel_shape shape)
{
    gcr_square *const squares = (gcr_square *)task->engine->matrix;

    for (int row = 0; row < rows; row += shape.rows) {
        const int last = gcr_int_min(row + shape.rows, rows);

        gcr_squares_fill_rows(task, 4 * row, 4 * last);
        gcr_squares_factor_rows(squares, row, last, shape.columns, &task->pivots);
        for (int i = row; i < last; i++)
            gcr_squares_forward(task, i);
    }
}

/* The answers go to row `row` of those of the engine. */
static void gcr_squares_answer(const gcr_engine *engine, const gcr_ctx *ctx, gcr_group *group,
                               int row)
{
    gcr_square *const squares = (gcr_square *)engine->matrix;
    const int rows = (int)gcr_square_rows(engine->n);
    const gcr_panel_shape shape = gcr_panel_shape_of(rows);
    const gcr_wanted wanted = gcr_wanted_of(ctx, &group->data);
    gcr_squares_task task = { .engine = engine,
                              .ctx = ctx,
                              .group = group,
                              .sides = gcr_is_solved(wanted.any) ? engine->right_sides : 0,
                              .pivots = gcr_pivots_begin() };

    if (task.sides > 0)
        gcr_squares_fill_sides(engine, ctx, group, &wanted);
    if (shape.rows == 1)
        gcr_squares_factor_by_rows(&task, rows);
    else
        gcr_squares_factor_by_panels(&task, rows, shape);
    gcr_squares_judge(engine, ctx, group, &task.pivots);
    if (wanted.any & GCR_NEED_LOG_DETERMINANT)
        ((gcr_vec *)engine->log_determinant)[row] = gcr_pivots_log(&task.pivots);
    for (int column = 0; column < task.sides; column++)
        gcr_squares_solve(engine, &wanted, row, column);
    if (wanted.any & GCR_NEED_INVERSE_DIAGONAL)
        gcr_squares_invert(squares, engine->n, (gcr_square *)engine->column,
                           (gcr_vec *)engine->inverse_diagonal + (int64_t)row * engine->n);
}

#endif /* GCR_CPU_SPD_GROUP_H */
