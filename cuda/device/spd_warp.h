/*
 * cuda/device/spd_warp.h -- SPD kernels of up to 32 rows: each warp has a cell, and its matrix as
 * tiles in registers (matrix_tile.h).
 *
 * Part of device_unit.h, over cholesky_warp.h. Warps of a block never meet: there is no barrier,
 * and no shared memory.
 *
 * Predicted for sm_90 (derived): a cell of gp is, in instructions of a warp, 35 for each pair of
 * values of a tile, 400 for each tile on the diagonal, 2 for each product and 150 around it: 1100
 * at n = 16 and 2600 at n = 32, of which a multiprocessor starts 4 in a clock; so 290 and 660
 * clocks, 1.1 and 2.5 ns a cell with 132 multiprocessors. Registers: 4 for each tile, 8 or 16 for
 * those of the right-hand sides, and 100 more.
 */
#ifndef GCR_CUDA_SPD_WARP_H
#define GCR_CUDA_SPD_WARP_H

#include "cuda/device/cholesky_warp.h"
#include "cuda/device/spd_system.h"

/* The values above the diagonal are never read. */
GCR_FN gcr_tile gcr_warp_fill_tile(const gcr_system *system, int tile_row, int tile_column)
{
    const int i = GCR_TILE * tile_row + gcr_tile_row();
    const int j = GCR_TILE * tile_column + gcr_tile_column();
    gcr_tile tile = gcr_tile_zero();

    GCR_UNROLL
    for (int e = 0; e < 2; e++)
        if (j + e <= i)
            tile.at[e] = gcr_system_entry(system, i, j + e);
    return tile;
}

/* Rows behind the last have the pivot 1. */
GCR_FN gcr_real gcr_warp_log_determinant(const gcr_warp_factor *factor)
{
    gcr_real sum = gcr_log(factor->pivot[0]);

    GCR_UNROLL
    for (int k = 1; k < GCR_LANE_PIVOTS; k++)
        sum += gcr_log(factor->pivot[k]);
    return gcr_warp_sum(sum);
}

/* Eight right-hand sides as the rows of z: z becomes z inv(L'). */
GCR_FN void gcr_warp_forward(const gcr_warp_factor *factor, gcr_tile *z)
{
    GCR_UNROLL
    for (int k = 0; k < GCR_TILE_ROWS; k++) {
        const gcr_right inverse = gcr_right_of(&factor->tile[GCR_TILE_AT(k, k)]);
        gcr_left solved;

        z[k] = gcr_tile_product(&z[k], &inverse);
        solved = gcr_left_of(&z[k]);
        GCR_UNROLL
        for (int p = k + 1; p < GCR_TILE_ROWS; p++) {
            const gcr_right right = gcr_right_of(&factor->tile[GCR_TILE_AT(p, k)]);

            gcr_tile_subtract_product(&z[p], &solved, &right);
        }
    }
}

/* z becomes z inv(L). */
GCR_FN void gcr_warp_backward(const gcr_warp_factor *factor, gcr_tile *z)
{
    GCR_UNROLL
    for (int k = GCR_TILE_ROWS - 1; k >= 0; k--) {
        const gcr_right inverse = gcr_right_across(&factor->tile[GCR_TILE_AT(k, k)]);
        gcr_left solved;

        z[k] = gcr_tile_product(&z[k], &inverse);
        solved = gcr_left_of(&z[k]);
        GCR_UNROLL
        for (int p = 0; p < k; p++) {
            const gcr_right right = gcr_right_across(&factor->tile[GCR_TILE_AT(k, p)]);

            gcr_tile_subtract_product(&z[p], &solved, &right);
        }
    }
}

/* In the threads of a row. */
GCR_FN gcr_real gcr_warp_square(const gcr_tile *z)
{
    gcr_real sum = 0;

    GCR_UNROLL
    for (int p = 0; p < GCR_TILE_ROWS; p++)
        sum = gcr_tile_add_squares(sum, &z[p]);
    return gcr_row_sum(sum);
}

/* The sides first .. first + 7. Returns 0 where this thread has seen one that is not finite. */
GCR_FN int gcr_warp_fill_sides(gcr_tile *z, const gcr_system *system, int first)
{
    int is_finite = 1;

    GCR_UNROLL
    for (int p = 0; p < GCR_TILE_ROWS; p++) {
        GCR_UNROLL
        for (int e = 0; e < 2; e++) {
            z[p].at[e] = gcr_system_side(system, GCR_TILE * p + gcr_tile_column() + e,
                                         first + gcr_tile_row());
            is_finite &= gcr_is_finite(z[p].at[e]);
        }
    }
    return is_finite;
}

GCR_FN void gcr_warp_store_solution(const gcr_tile *z, const gcr_system *system, int column)
{
    gcr_real *to = system->solution + gcr_system_side_at(system, column) * system->n;

    GCR_UNROLL
    for (int p = 0; p < GCR_TILE_ROWS; p++) {
        GCR_UNROLL
        for (int e = 0; e < 2; e++) {
            const int i = GCR_TILE * p + gcr_tile_column() + e;

            if (column < system->right_sides && i < system->n)
                to[i] = z[p].at[e];
        }
    }
}

/* Returns 0 where one of the sides is not finite. */
GCR_FN int gcr_warp_solve(const gcr_warp_factor *factor, const gcr_system *system)
{
    int is_finite = 1;

    for (int first = 0; first < gcr_system_sides(system); first += GCR_TILE) {
        const int column = first + gcr_tile_row();
        gcr_tile z[GCR_TILE_ROWS];
        gcr_real square;

        is_finite &= gcr_warp_fill_sides(z, system, first);
        gcr_warp_forward(factor, z);
        square = gcr_warp_square(z);
        if (column < system->right_sides)
            system->quadratic_form[gcr_system_side_at(system, column)] = square;
        if ((system->wanted & GCR_NEED_SOLUTION) == 0)
            continue;
        gcr_warp_backward(factor, z);
        gcr_warp_store_solution(z, system, column);
    }
    return !gcr_warp_any(!is_finite);
}

/* Rows of inv(L'), eight at a time, are what it makes of those of the identity. Not unrolled,
 * though columns before `first` stay 0: the registers of all four rows at once would be too
 * many. */
GCR_FN void gcr_warp_invert(const gcr_warp_factor *factor, const gcr_system *system)
{
    gcr_real *out = system->inverse_diagonal + (int64_t)system->number * system->n;

    GCR_ROLL
    for (int first = 0; first < GCR_TILE_ROWS; first++) {
        const int i = GCR_TILE * first + gcr_tile_row();
        gcr_tile z[GCR_TILE_ROWS];
        gcr_real square;

        GCR_UNROLL
        for (int p = 0; p < GCR_TILE_ROWS; p++)
            z[p] = p == first ? gcr_tile_identity() : gcr_tile_zero();
        gcr_warp_forward(factor, z);
        square = gcr_warp_square(z);
        if (i < system->n && gcr_tile_column() == 0)
            out[i] = square;
    }
}

GCR_FN gcr_verdict gcr_system_answer(const gcr_system *system)
{
    gcr_warp_factor factor;
    int is_finite = 1;

    GCR_UNROLL
    for (int i = 0; i < GCR_TILE_ROWS; i++) {
        GCR_UNROLL
        for (int j = 0; j <= i; j++)
            factor.tile[GCR_TILE_AT(i, j)] = gcr_warp_fill_tile(system, i, j);
    }
    gcr_warp_eliminate(&factor, 0);
    if (gcr_is_solved(system->wanted))
        is_finite = gcr_warp_solve(&factor, system);
    if (!is_finite)
        return gcr_verdict_of(GCR_CELL_NAN_IN, 0);
    if (factor.minor != 0)
        return gcr_system_judge(system, factor.minor);
    if (system->wanted & GCR_NEED_LOG_DETERMINANT) {
        const gcr_real sum = gcr_warp_log_determinant(&factor);

        if (GCR_TEAM_SINGLE || gcr_lane() == 0)
            system->log_determinant[system->number] = sum;
    }
    if (system->wanted & GCR_NEED_INVERSE_DIAGONAL)
        gcr_warp_invert(&factor, system);
    return gcr_verdict_of(GCR_CELL_OK, 0);
}

/* The first system that has no answer decides what is said of a cell. */
GCR_FN gcr_verdict gcr_attempt(gcr_ctx *ctx, gcr_cell *one)
{
    const gcr_spd_layout at = gcr_layout_of(one);
    const int systems = GCR_TEAM_SINGLE ? 1 : one->of->systems;
    gcr_system system = gcr_system_open(ctx, one, &at);
    gcr_verdict verdict = gcr_verdict_of(GCR_CELL_OK, 0);
#if GCR_TEAM_SINGLE
    gcr_real log_determinant = 0,
             quadratic_form = 0; /* each thread's own; those of lane 0 are read */

    system.log_determinant = &log_determinant;
    system.quadratic_form = &quadratic_form;
#endif
    gcr_cell_derive(ctx, one);
    for (system.number = 0; system.number < systems; system.number++) {
        system.wanted = needs(ctx, system.number);
        verdict = gcr_system_answer(&system);
        if (verdict.state != GCR_CELL_OK)
            return verdict;
    }
    gcr_warp_barrier(); /* the answers are in scratch */
    if (gcr_lane() == 0)
        verdict = gcr_cell_finish(&system, one);
    gcr_warp_barrier(); /* and have been read */
    return verdict;
}

#endif /* GCR_CUDA_SPD_WARP_H */
