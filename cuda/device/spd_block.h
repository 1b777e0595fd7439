/*
 * cuda/device/spd_block.h -- SPD kernels of more rows: each block has a cell, and its matrix as
 * packed tiles in shared memory, or, where that is too small, in the scratch of the team.
 *
 * Part of device_unit.h. The rows of tiles are left-looking: tile (i, p) is the entry less the sum
 * over k of L(i, k) L(p, k)', times the inverse of the diagonal, so that each tile is written twice
 * and read in order. Right-hand sides are rows below the matrix, eight in a row of tiles, and are
 * solved with by being there. The order of each sum is that of k; who adds has no part in it.
 *
 * The chain of the factor, from pivot to pivot, is in the tiles on the diagonal, which one warp
 * inverts (800 clocks each). Meanwhile the others look ahead:
 *
 *     shared memory   column p + 1 gets what columns 0 .. p - 1 subtract from it
 *     scratch         GCR_AHEAD columns at once get what all columns before them subtract, before
 *                     the first of them is begun: each tile comes from memory once for all of them
 *
 * Predicted for sm_90 (derived): T = n / 8 steps of 1100 clocks with two barriers each, and the
 * entries, 64 T^2 / 2 of 30 operations over 64 in a clock: at n = 64, 128, 232 a block takes 10,
 * 22, 45 thousand clocks; 5, 3, 1 blocks share a multiprocessor, which is 8, 28, 170 ns a cell
 * with 132 of them. In scratch: T^3 / 6 products of tiles, one tile from memory for GCR_AHEAD.
 *
 * Rejected: 16 x 16 tiles (at the edge of shared memory, n = 224 in place of 232); right-looking
 * updates (each tile is written T / 3 times: 12 clocks of shared memory for 4 of the tensor cores).
 */
#ifndef GCR_CUDA_SPD_BLOCK_H
#define GCR_CUDA_SPD_BLOCK_H

#include "cuda/device/matrix_tile.h"
#include "cuda/device/spd_system.h"

enum { GCR_WARPS = GCR_TEAM_THREADS / 32 };

#if GCR_TEAM_THREADS < 64 || GCR_TEAM_THREADS % 32 != 0
#error "a block has two warps or more: one for the diagonal, and others beside it"
#endif

/* Columns of tiles that are looked ahead for. */
#if GCR_TEAM == GCR_TEAM_MEMORY
#define GCR_AHEAD 4
#else
#define GCR_AHEAD 1
#endif

typedef struct gcr_matrix {
    int rows;             /* of tiles, of the matrix            */
    int sides, side_rows; /* right-hand sides, and rows of tiles of them */
    gcr_real *tiles;      /* see gcr_row_of()                   */
    gcr_real *pivot;      /* [8 rows]                           */
    gcr_real *work;       /* this warp's own row of tiles       */
} gcr_matrix;

GCR_FN int gcr_warp_index(void)
{
    return gcr_thread_index() / 32;
}

/* Row i of tiles; from row `rows` on, of right-hand sides, the last of which has fewer than eight
 * rows. */
typedef struct gcr_row {
    gcr_real *begin;
    int height; /* rows of each tile */
} gcr_row;

GCR_FN gcr_row gcr_row_of(const gcr_matrix *matrix, int i)
{
    const int side = i - matrix->rows;
    const int left = matrix->sides - GCR_TILE * side;
    const int64_t above = side > 0 ? matrix->rows : i;
    gcr_row row;

    row.begin = matrix->tiles + GCR_TILE_VALUES * (above * (above + 1) / 2);
    row.height = GCR_TILE;
    if (side > 0)
        row.begin += (int64_t)GCR_TILE_VALUES * matrix->rows * side;
    if (side >= 0 && left < GCR_TILE)
        row.height = left;
    return row;
}

GCR_FN gcr_real *gcr_row_at(const gcr_row *row, int column)
{
    return row->begin + GCR_TILE * row->height * column;
}

/* Rows behind the last are 0. */
GCR_FN gcr_tile gcr_row_load(const gcr_row *row, int column)
{
    return gcr_tile_row() < row->height ? gcr_tile_load(gcr_row_at(row, column)) : gcr_tile_zero();
}

GCR_FN void gcr_row_store(const gcr_row *row, int column, const gcr_tile *tile)
{
    if (gcr_tile_row() < row->height)
        gcr_tile_store(gcr_row_at(row, column), tile);
}

GCR_FN gcr_tile gcr_row_load_across(const gcr_row *row, int column)
{
    return gcr_tile_load_across(gcr_row_at(row, column));
}

/* ---- the entries ----------------------------------------------------------------------------- */

/* Tiles on the diagonal are whole, with zeros above it. */
GCR_FN void gcr_block_fill_matrix(const gcr_matrix *matrix, const gcr_system *system)
{
    int tile_row = 0, tile_column = gcr_warp_index();

    for (;;) {
        gcr_tile tile = gcr_tile_zero();
        gcr_row row;
        int i, j;

        while (tile_column > tile_row)
            tile_column -= ++tile_row;
        if (tile_row >= matrix->rows)
            return;
        i = GCR_TILE * tile_row + gcr_tile_row();
        j = GCR_TILE * tile_column + gcr_tile_column();
        GCR_UNROLL
        for (int e = 0; e < 2; e++)
            if (j + e <= i)
                tile.at[e] = gcr_system_entry(system, i, j + e);
        row = gcr_row_of(matrix, tile_row);
        gcr_row_store(&row, tile_column, &tile);
        tile_column += GCR_WARPS;
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

/* ---- the factor ------------------------------------------------------------------------------ */

/* c -= sum of L(i, k) L(p, k)' over k from `begin` to before `end`. */
GCR_FN void gcr_block_subtract(gcr_tile *c, const gcr_row *i, const gcr_row *p, int begin, int end)
{
    for (int k = begin; k < end; k++) {
        const gcr_tile left = gcr_row_load(i, k), right = gcr_row_load(p, k);

        gcr_tile_subtract_product(c, &left, &right);
    }
}

/* Row i and the row below it, or row i alone, of `count` columns from p on: what all columns before
 * `end` subtract. The sums do not wait for each other. */
GCR_FN void gcr_block_look_ahead(const gcr_matrix *matrix, int i, int is_pair, int p, int count,
                                 int end)
{
    gcr_row rows[2], columns[GCR_AHEAD];
    gcr_tile sum[2][GCR_AHEAD];

    GCR_UNROLL
    for (int r = 0; r < 2; r++)
        rows[r] = gcr_row_of(matrix, r <= is_pair ? i + r : i);
    GCR_UNROLL
    for (int c = 0; c < GCR_AHEAD; c++) {
        columns[c] = gcr_row_of(matrix, c < count ? p + c : p);
        sum[0][c] = sum[1][c] = gcr_tile_zero();
    }
    for (int k = 0; k < end; k++) {
        const gcr_tile upper = gcr_row_load(&rows[0], k), lower = gcr_row_load(&rows[1], k);

        GCR_UNROLL
        for (int c = 0; c < GCR_AHEAD; c++) {
            const gcr_tile right = gcr_row_load(&columns[c], k);

            gcr_tile_add_product(&sum[0][c], &upper, &right);
            gcr_tile_add_product(&sum[1][c], &lower, &right);
        }
    }
    GCR_UNROLL
    for (int r = 0; r < 2; r++) {
        GCR_UNROLL
        for (int c = 0; c < GCR_AHEAD; c++)
            if (c < count && p + c <= i + r && r <= is_pair) {
                gcr_tile tile = gcr_row_load(&rows[r], p + c);

                tile.at[0] -= sum[r][c].at[0];
                tile.at[1] -= sum[r][c].at[1];
                gcr_row_store(&rows[r], p + c, &tile);
            }
    }
}

/* All rows from p on, by warps first .. GCR_WARPS - 1. */
GCR_FN void gcr_block_look_ahead_all(const gcr_matrix *matrix, int p, int end, int first)
{
    const int last = matrix->rows + matrix->side_rows;
    const int count = matrix->rows - p < GCR_AHEAD ? matrix->rows - p : GCR_AHEAD;

    if (end == 0 || count <= 0)
        return;
    for (int i = p + 2 * (gcr_warp_index() - first); i < last; i += 2 * (GCR_WARPS - first))
        gcr_block_look_ahead(matrix, i, i + 1 < last, p, count, end);
}

/* The diagonal of column p, from which columns before `begin` have been subtracted. By one warp. */
GCR_FN void gcr_block_invert_diagonal(const gcr_matrix *matrix, int p, int begin,
                                      gcr_pivots *pivots)
{
    const gcr_row row = gcr_row_of(matrix, p);
    gcr_tile tile = gcr_row_load(&row, p);

    gcr_block_subtract(&tile, &row, &row, begin, p);
    tile = gcr_tile_invert_factor(tile, GCR_TILE * p, pivots);
    gcr_row_store(&row, p, &tile);
    if (gcr_lane() < GCR_TILE)
        matrix->pivot[GCR_TILE * p + gcr_lane()] = pivots->own;
}

/* What is below the diagonal of column p. By all warps. */
GCR_FN void gcr_block_divide_column(const gcr_matrix *matrix, int p, int begin)
{
    const gcr_row diagonal = gcr_row_of(matrix, p);
    const gcr_tile inverse = gcr_row_load(&diagonal, p);

    for (int i = p + 1 + gcr_warp_index(); i < matrix->rows + matrix->side_rows; i += GCR_WARPS) {
        const gcr_row row = gcr_row_of(matrix, i);
        gcr_tile tile = gcr_row_load(&row, p);

        gcr_block_subtract(&tile, &row, &diagonal, begin, p);
        tile = gcr_tile_product(&tile, &inverse);
        gcr_row_store(&row, p, &tile);
    }
}

/* Before column p: from where on its own sums begin. */
GCR_FN int gcr_block_prepare_column(const gcr_matrix *matrix, int p)
{
    if (GCR_AHEAD == 1)
        return p > 0 ? p - 1 : 0;
    if (p % GCR_AHEAD == 0 && p > 0) {
        gcr_block_look_ahead_all(matrix, p, p, 0);
        gcr_block_barrier();
    }
    return p - p % GCR_AHEAD;
}

/* Returns the first minor that is not positive, or 0; in all threads. */
GCR_FN int gcr_block_eliminate(const gcr_matrix *matrix)
{
    GCR_SHARED int minor;
    gcr_pivots pivots;

    pivots.own = 1;
    pivots.minor = 0;
    for (int p = 0; p < matrix->rows; p++) {
        const int begin = gcr_block_prepare_column(matrix, p);

        if (gcr_warp_index() == 0)
            gcr_block_invert_diagonal(matrix, p, begin, &pivots);
        else if (GCR_AHEAD == 1)
            gcr_block_look_ahead_all(matrix, p + 1, p, 1);
        gcr_block_barrier(); /* the inverse is there, and the next column */
        gcr_block_divide_column(matrix, p, begin);
        gcr_block_barrier(); /* the column is */
    }
    if (gcr_thread_index() == 0)
        minor = pivots.minor;
    gcr_block_barrier();
    return minor;
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
    const gcr_tile across = gcr_row_load_across(&row, p);
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
    const gcr_tile solved = gcr_row_load(&side, p), across = gcr_row_load_across(&row, j);
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
        const gcr_tile inverse = gcr_row_load(&row, p);

        if (p > first)
            z = gcr_tile_zero();
        for (int k = first; k < p; k++) {
            const gcr_tile left = gcr_tile_load(matrix->work + GCR_TILE_VALUES * k);
            const gcr_tile right = gcr_row_load(&row, k);

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
