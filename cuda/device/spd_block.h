/*
 * cuda/device/spd_block.h -- SPD kernels of more rows: each block has a cell, and its matrix as
 * packed tiles in shared memory, or, where that is too small, in the scratch of the team.
 *
 * Part of device_unit.h, over cholesky_block.h.
 *
 * Predicted for sm_90 (derived): T = n / 8 steps of 1100 clocks with two barriers each, and the
 * entries, 64 T^2 / 2 of 30 operations over 64 in a clock: at n = 64, 128, 232 a block takes 10,
 * 22, 45 thousand clocks; 5, 3, 1 blocks share a multiprocessor, which is 8, 28, 170 ns a cell
 * with 132 of them. In scratch: T^3 / 6 products of tiles, one tile from memory for GCR_AHEAD.
 */
#ifndef GCR_CUDA_SPD_BLOCK_H
#define GCR_CUDA_SPD_BLOCK_H

#include "cuda/device/cholesky_block.h"
#include "cuda/device/spd_system.h"

/* ---- the entries ----------------------------------------------------------------------------- */

/* Tiles on the diagonal are whole, with zeros above it. */
GCR_FN void gcr_block_fill_matrix(const gcr_matrix *matrix, const gcr_system *system)
{
    for (gcr_tile_place at = gcr_tile_place_first(); at.row < matrix->rows;
         at = gcr_tile_place_behind(at, GCR_WARPS)) {
        const int i = GCR_TILE * at.row + gcr_tile_row();
        const int j = GCR_TILE * at.column + gcr_tile_column();
        const gcr_row row = gcr_row_of(matrix, at.row);
        gcr_tile tile = gcr_tile_zero();

        GCR_UNROLL
        for (int e = 0; e < 2; e++)
            if (j + e <= i)
                tile.at[e] = gcr_system_entry(system, i, j + e);
        gcr_row_store(&row, at.column, &tile);
    }
}

/* Returns 0 where this thread has seen a side that is not finite. */
GCR_FN int gcr_block_fill_sides(const gcr_matrix *matrix, const gcr_system *system)
{
    int is_finite = 1;

    for (int t = gcr_warp_index(); t < matrix->side_rows * matrix->rows; t += GCR_WARPS) {
        const int side_row = t / matrix->rows, tile_column = t % matrix->rows;
        const gcr_row row = gcr_row_of(matrix, matrix->rows + side_row);
        gcr_tile tile;

        GCR_UNROLL
        for (int e = 0; e < 2; e++) {
            tile.at[e] = gcr_system_side(system, GCR_TILE * tile_column + gcr_tile_column() + e,
                                         GCR_TILE * side_row + gcr_tile_row());
            is_finite &= gcr_is_finite(tile.at[e]);
        }
        gcr_row_store(&row, tile_column, &tile);
    }
    return is_finite;
}

/* ---- the answers ----------------------------------------------------------------------------- */

/* By one warp: each lane takes every 32nd row. */
GCR_FN gcr_real gcr_block_log_determinant(const gcr_matrix *matrix, int n)
{
    gcr_real sum = 0;

    for (int i = gcr_lane(); i < n; i += 32)
        sum += gcr_log(matrix->pivot[i]);
    return gcr_warp_sum(sum);
}

/* Of eight right-hand sides, in the threads of a row. */
GCR_FN gcr_real gcr_block_square(const gcr_matrix *matrix, int side_row)
{
    const gcr_row row = gcr_row_of(matrix, matrix->rows + side_row);
    gcr_real sum = 0;

    for (int p = 0; p < matrix->rows; p++) {
        const gcr_tile tile = gcr_row_load(&row, p);

        sum = gcr_tile_add_squares(sum, &tile);
    }
    return gcr_row_sum(sum);
}

GCR_FN void gcr_block_find_squares(const gcr_matrix *matrix, const gcr_system *system)
{
    for (int s = gcr_warp_index(); s < matrix->side_rows; s += GCR_WARPS) {
        const gcr_real square = gcr_block_square(matrix, s);
        const int column = GCR_TILE * s + gcr_tile_row();

        if (column < system->right_sides && gcr_tile_column() == 0)
            system->quadratic_form[gcr_system_side_at(system, column)] = square;
    }
}

/* Column p of eight sides becomes that of the solution: once those behind it have been subtracted,
 * what is left is a product with the inverse. By one warp. */
GCR_FN void gcr_block_solve_column(const gcr_matrix *matrix, const gcr_system *system, int side_row,
                                   int p)
{
    const gcr_row side = gcr_row_of(matrix, matrix->rows + side_row), row = gcr_row_of(matrix, p);
    const gcr_right across = gcr_row_right_across(&row, p);
    const int column = GCR_TILE * side_row + gcr_tile_row();
    gcr_tile tile = gcr_row_load(&side, p);

    tile = gcr_tile_product(&tile, &across);
    gcr_row_store(&side, p, &tile);
    GCR_UNROLL
    for (int e = 0; e < 2; e++) {
        const int i = GCR_TILE * p + gcr_tile_column() + e;

        if (column < system->right_sides && i < system->n)
            system->solution[gcr_system_side_at(system, column) * system->n + i] = tile.at[e];
    }
}

/* Subtracts column p of the solution from column j. */
GCR_FN void gcr_block_subtract_column(const gcr_matrix *matrix, int side_row, int p, int j)
{
    const gcr_row side = gcr_row_of(matrix, matrix->rows + side_row), row = gcr_row_of(matrix, p);
    const gcr_left solved = gcr_row_left(&side, p);
    const gcr_right across = gcr_row_right_across(&row, j);
    gcr_tile tile = gcr_row_load(&side, j);

    gcr_tile_subtract_product(&tile, &solved, &across);
    gcr_row_store(&side, j, &tile);
}

/* From the last column to the first. Warp 0 subtracts from the next and solves it while the others
 * subtract from those before. */
GCR_FN void gcr_block_backward(const gcr_matrix *matrix, const gcr_system *system, int side_row)
{
    const int warp = gcr_warp_index(), last = matrix->rows - 1;

    if (warp == 0)
        gcr_block_solve_column(matrix, system, side_row, last);
    gcr_block_barrier();
    for (int p = last; p > 0; p--) {
        if (warp == 0) {
            gcr_block_subtract_column(matrix, side_row, p, p - 1);
            gcr_block_solve_column(matrix, system, side_row, p - 1);
        } else {
            for (int j = p - 1 - warp; j >= 0; j -= GCR_WARPS - 1)
                gcr_block_subtract_column(matrix, side_row, p, j);
        }
        gcr_block_barrier(); /* column p - 1 is solved, and p subtracted */
    }
}

/* Eight rows of inv(L') are what it makes of those of the identity, which are 0 before column
 * `first`. A thread reads what it has written itself. Returns the sums of their squares. */
GCR_FN gcr_real gcr_block_invert_rows(const gcr_matrix *matrix, int first)
{
    gcr_tile z = gcr_tile_identity();
    gcr_real sum = 0;

    for (int p = first; p < matrix->rows; p++) {
        const gcr_row row = gcr_row_of(matrix, p);
        const gcr_right inverse = gcr_row_right(&row, p);

        if (p > first)
            z = gcr_tile_zero();
        for (int k = first; k < p; k++) {
            const gcr_tile before = gcr_tile_load(matrix->work + GCR_TILE_VALUES * k);
            const gcr_left left = gcr_left_of(&before);
            const gcr_right right = gcr_row_right(&row, k);

            gcr_tile_subtract_product(&z, &left, &right);
        }
        z = gcr_tile_product(&z, &inverse);
        gcr_tile_store(matrix->work + GCR_TILE_VALUES * p, &z);
        sum = gcr_tile_add_squares(sum, &z);
    }
    return gcr_row_sum(sum);
}

GCR_FN void gcr_block_invert(const gcr_matrix *matrix, const gcr_system *system)
{
    gcr_real *out = system->inverse_diagonal + (int64_t)system->number * system->n;

    for (int s = gcr_warp_index(); s < matrix->rows; s += GCR_WARPS) {
        const gcr_real sum = gcr_block_invert_rows(matrix, s);
        const int i = GCR_TILE * s + gcr_tile_row();

        if (i < system->n && gcr_tile_column() == 0)
            out[i] = sum;
    }
}

GCR_FN gcr_verdict gcr_system_answer(const gcr_matrix *matrix, const gcr_system *system)
{
    int is_finite, minor;

    gcr_block_fill_matrix(matrix, system);
    is_finite = gcr_block_fill_sides(matrix, system);
    if (gcr_block_any(!is_finite)) /* a barrier: the entries are there */
        return gcr_verdict_of(GCR_CELL_NAN_IN, 0);
    minor = gcr_block_eliminate(matrix);
    if (minor != 0)
        return gcr_system_judge(system, minor);
    if ((system->wanted & GCR_NEED_LOG_DETERMINANT) && gcr_warp_index() == 0) {
        const gcr_real sum = gcr_block_log_determinant(matrix, system->n);

        if (gcr_lane() == 0)
            system->log_determinant[system->number] = sum;
    }
    gcr_block_find_squares(matrix, system);
    if (system->wanted & GCR_NEED_INVERSE_DIAGONAL)
        gcr_block_invert(matrix, system);
    gcr_block_barrier(); /* the sides have been read as inv(L) b */
    if (system->wanted & GCR_NEED_SOLUTION)
        for (int s = 0; s < matrix->side_rows; s++)
            gcr_block_backward(matrix, system, s);
    return gcr_verdict_of(GCR_CELL_OK, 0);
}

/* ---- a cell ---------------------------------------------------------------------------------- */

GCR_FN gcr_matrix gcr_matrix_open(const gcr_cell *one, const gcr_spd_layout *at)
{
    gcr_matrix matrix;

    matrix.rows = (int)gcr_tile_rows(one->of->n);
    matrix.sides = matrix.side_rows = 0;
#if GCR_TEAM == GCR_TEAM_MEMORY
    matrix.tiles = one->scratch + at->tiles;
    matrix.pivot = one->scratch + at->pivots;
#else
    matrix.tiles = gcr_shared();
    matrix.pivot = matrix.tiles + gcr_matrix_count(one->of->n, one->of->right_sides);
#endif
    matrix.inverse = matrix.out = 0;
    matrix.work = one->scratch + at->rows + GCR_TILE_VALUES * matrix.rows * gcr_warp_index();
    return matrix;
}

/* The first system that has no answer decides what is said of a cell. */
GCR_FN gcr_verdict gcr_attempt(gcr_ctx *ctx, gcr_cell *one)
{
    const gcr_spd_layout at = gcr_layout_of(one);
    const int systems = GCR_TEAM_SINGLE ? 1 : one->of->systems;
    gcr_system system = gcr_system_open(ctx, one, &at);
    gcr_matrix matrix = gcr_matrix_open(one, &at);
    gcr_verdict verdict = gcr_verdict_of(GCR_CELL_OK, 0);

    gcr_cell_derive(ctx, one);
    for (system.number = 0; system.number < systems; system.number++) {
        system.wanted = needs(ctx, system.number);
        matrix.sides = gcr_system_sides(&system);
        matrix.side_rows = (int)gcr_tile_rows(matrix.sides);
        gcr_block_barrier(); /* the system before has been read */
        verdict = gcr_system_answer(&matrix, &system);
        if (verdict.state != GCR_CELL_OK)
            return verdict;
    }
    gcr_block_barrier(); /* the answers are there */
    if (gcr_thread_index() == 0)
        verdict = gcr_cell_finish(&system, one);
    gcr_block_barrier(); /* and have been read */
    return verdict;
}

#endif /* GCR_CUDA_SPD_BLOCK_H */
