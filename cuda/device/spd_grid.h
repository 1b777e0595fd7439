/*
 * cuda/device/spd_grid.h -- SPD kernels of many rows: matrices of many cells are factored together,
 * by all blocks and by libraries. What is here comes before, between and after their products.
 *
 * Part of device_unit.h. A slot of a sub-batch has the matrix of one system of one cell, by columns
 * as cuda/blocked.h has it, and the identity where there are fewer systems than slots: so what is
 * done, and the bits of a cell, depend on the shape of the cell alone. For each sub-batch
 *
 *     gcr_fill       writes entries and right-hand sides, and looks for what is not finite; a block
 *                    for 32 x 256 of them
 *     gcr_diagonal   between the products: the factor and the inverse of a block on the diagonal;
 *                    or, where a library has made the factor, the inverses of all of them
 *     gcr_answer     a block for each slot and for each of its right-hand sides
 *     gcr_invert     a warp for eight columns of inv(L), where the diagonal of inv(A) is asked for
 *
 * and gcr_finish (crunch.h) for the cells whose systems have been answered. gcr_list writes the
 * numbers of the live cells, where some are not.
 *
 * Traffic (derived): n^2 entries are written once, read and written by the products, and read once
 * by each solution. gcr_diagonal has 128 rows, 16 steps of some 1100 clocks, twice: 20 us for as
 * many slots as there are multiprocessors. gcr_invert reads a tile from L2 for each product of
 * tiles.
 */
#ifndef GCR_CUDA_SPD_GRID_H
#define GCR_CUDA_SPD_GRID_H

#include "cuda/device/cholesky_grid.h"
#include "cuda/device/spd_system.h"

enum { GCR_PART_ROWS = 32, GCR_PART_COLUMNS = 256 }; /* what a block fills at a time */

/* ---- the system in a slot -------------------------------------------------------------------- */

/* Number `k` of the cells whose answers have a place. */
GCR_FN uint64_t gcr_grid_cell(const gcr_grid_launch *launch, uint64_t k)
{
    return launch->cells != 0 ? launch->cells[launch->first + k] : launch->first + k;
}

GCR_FN gcr_real *gcr_grid_matrix(const gcr_grid *grid, int slot)
{
    return (gcr_real *)grid->matrices + grid->stride * slot;
}

/* A system in hand; it points into itself, and stays where it is. */
typedef struct gcr_occupant {
    gcr_cell one;
    gcr_ctx ctx;
    gcr_system system;
    gcr_real *verdict; /* in the scratch of the cell: 0, a minor, or GCR_VERDICT_NAN */
} gcr_occupant;

#define GCR_VERDICT_NAN (-1)

/* Returns 0 where the slot has none, or the dataset of its cell could not be prepared. */
GCR_FN int gcr_grid_open(gcr_occupant *of, const gcr_grid_launch *launch, int slot)
{
    gcr_spd_layout at;
    uint64_t number, cell;

    number = (uint64_t)(launch->system + slot);
    cell = number / (uint64_t)launch->systems;
    if (cell >= (uint64_t)launch->cell_count ||
        !gcr_find_cell(&launch->launch, gcr_grid_cell(launch, cell), &of->one) ||
        (of->one.of->tile.fault != 0 && *of->one.of->tile.fault != 0))
        return 0;
    of->one.scratch = (gcr_real *)launch->launch.scratch + cell * launch->launch.scratch_stride;
    of->ctx = gcr_ctx_of_cell(&launch->launch, &of->one);
    gcr_cell_derive(&of->ctx, &of->one);
    at = gcr_layout_of(&of->one);
    of->system = gcr_system_open(&of->ctx, &of->one, &at);
    of->system.number = (int)(number % (uint64_t)launch->systems);
    of->system.wanted = needs(&of->ctx, of->system.number);
    of->verdict = of->one.scratch + at.verdicts + of->system.number;
    return 1;
}

/* Whether the slot has been factored, and something is wanted that is for all to see. */
GCR_FN int gcr_grid_is_good(const gcr_grid *grid, int slot)
{
    return grid->bad[slot] == 0 && grid->minors[slot] == 0;
}

/* ---- the entries ----------------------------------------------------------------------------- */

/* The value at (a, b) of a slot's memory: an entry, a right-hand side, or one that nobody reads. */
GCR_FN gcr_real gcr_grid_value(const gcr_grid *grid, const gcr_system *system, int is_there, int a,
                               int b)
{
    const int i = grid->is_lower ? a : b, j = grid->is_lower ? b : a, side = b - grid->rows;

    if (side >= 0)
        return is_there && side < gcr_system_sides(system) ? gcr_system_side(system, a, side) : 0;
    if (is_there && j <= i)
        return gcr_system_entry(system, i, j);
    return i == j ? 1 : 0;
}

/* Rows from `a` on, a thread for each, and columns from `b` on, one after the other. Half of the
 * matrix is written, and the whole of a part on the diagonal. */
GCR_FN void gcr_grid_fill_part(const gcr_grid *grid, const gcr_system *system, int is_there,
                               int slot, int a, int b)
{
    const int row = a + gcr_lane(), end = grid->rows + grid->sides;
    gcr_real *to = gcr_grid_matrix(grid, slot) + row;
    int is_finite = 1;

    if (row >= grid->rows)
        return;
    for (int k = gcr_warp_index(); k < GCR_PART_COLUMNS && b + k < end; k += GCR_WARPS) {
        const gcr_real value = gcr_grid_value(grid, system, is_there, row, b + k);

        is_finite &= gcr_is_finite(value);
        to[grid->ld * (b + k)] = value;
    }
    if (!is_finite)
        grid->bad[slot] = 1; /* by whoever sees it */
}

/* Whether no entry of the part is read. */
GCR_FN int gcr_grid_is_idle(const gcr_grid *grid, int a, int b)
{
    if (b + GCR_PART_COLUMNS > grid->rows)
        return 0;
    return grid->is_lower ? b > a + GCR_PART_ROWS - 1 : a > b + GCR_PART_COLUMNS - 1;
}

GCR_ENTRY(gcr_fill, gcr_grid_launch)
{
    const gcr_grid *const grid = &launch.grid;
    const int down = (grid->rows + GCR_PART_ROWS - 1) / GCR_PART_ROWS;
    const int right = (grid->rows + grid->sides + GCR_PART_COLUMNS - 1) / GCR_PART_COLUMNS;
    const uint64_t parts = (uint64_t)down * (uint64_t)right;

    for (uint64_t p = gcr_block_index(); p < parts * (uint64_t)grid->slots;
         p += gcr_block_count()) {
        const int slot = (int)(p / parts), part = (int)(p % parts);
        const int a = part % down * GCR_PART_ROWS, b = part / down * GCR_PART_COLUMNS;
        gcr_occupant of;

        if (!gcr_grid_is_idle(grid, a, b)) {
            const int is_there = gcr_grid_open(&of, &launch, slot);

            gcr_grid_fill_part(grid, &of.system, is_there, slot, a, b);
        }
    }
}

/* ---- blocks on the diagonal ------------------------------------------------------------------ */

/* The inverse of a triangle L of one tile, whose rows the threads have. */
GCR_FN gcr_tile gcr_tile_invert(const gcr_tile *c)
{
    const int row = gcr_tile_row(), quarter = gcr_lane() % 4;
    gcr_tile w = gcr_tile_identity();

    GCR_UNROLL
    for (int j = 0; j < GCR_TILE; j++) {
        const gcr_real own = gcr_warp_read(c->at[j % 2], 4 * row + j / 2); /* L(row, j) */
        const gcr_real pivot = gcr_warp_read(c->at[j % 2], 4 * j + j / 2);
        const gcr_real left = gcr_warp_read(w.at[0], 4 * j + quarter) / pivot;
        const gcr_real right = gcr_warp_read(w.at[1], 4 * j + quarter) / pivot;

        if (row == j)
            w = gcr_tile_of(left, right);
        else if (row > j)
            w = gcr_tile_of(gcr_fma(-own, left, w.at[0]), gcr_fma(-own, right, w.at[1]));
    }
    return w;
}

/* What gcr_block_eliminate() leaves, made of a factor that is there: the tiles on the diagonal are
 * inverted, and the squares of what stood on it are the pivots. */
GCR_FN void gcr_diagonal_take(const gcr_matrix *matrix)
{
    for (int t = gcr_warp_index(); t < matrix->rows; t += GCR_WARPS) {
        const gcr_row row = gcr_row_of(matrix, t);
        const gcr_tile tile = gcr_row_load(&row, t), inverse = gcr_tile_invert(&tile);
        const int off = gcr_tile_row() - gcr_tile_column();

        if (off == 0 || off == 1)
            matrix->pivot[GCR_TILE * t + gcr_tile_row()] = tile.at[off] * tile.at[off];
        gcr_row_store(&row, t, &inverse);
    }
    gcr_block_barrier(); /* the tiles and the pivots are there */
}

/* The block at `first` of a slot, by all threads of a block. */
GCR_FN void gcr_diagonal_block(const gcr_diagonal_launch *launch, const gcr_matrix *matrix,
                               int slot, int first)
{
    const gcr_grid *const grid = &launch->grid;
    gcr_real *at = gcr_grid_matrix(grid, slot) + first * (grid->ld + 1);
    gcr_real *pivots = (gcr_real *)grid->pivots + (int64_t)slot * grid->rows + first;

    gcr_diagonal_load(matrix, at, grid->ld, grid->is_lower);
    gcr_block_barrier(); /* the entries are there */
    if (launch->is_factored) {
        gcr_diagonal_take(matrix);
    } else {
        const int minor = gcr_block_eliminate(matrix);

        if (gcr_thread_index() == 0)
            gcr_diagonal_note(grid->minors + slot, first, minor);
    }
    for (int i = gcr_thread_index(); i < GCR_TILE * matrix->rows; i += GCR_TEAM_THREADS)
        pivots[i] = matrix->pivot[i];
    for (int s = gcr_warp_index(); s < matrix->rows; s += GCR_WARPS)
        gcr_diagonal_invert_columns(matrix, at, grid->ld, s);
    gcr_block_barrier(); /* the tiles have been read */
}

GCR_ENTRY(gcr_diagonal, gcr_diagonal_launch)
{
    const uint64_t blocks = (uint64_t)(launch.count + GCR_BLOCKED_ROWS - 1) / GCR_BLOCKED_ROWS;

    for (uint64_t b = gcr_block_index(); b < blocks * (uint64_t)launch.grid.slots;
         b += gcr_block_count()) {
        const int before = GCR_BLOCKED_ROWS * (int)(b % blocks), left = launch.count - before;
        const int rows = left < GCR_BLOCKED_ROWS ? left : GCR_BLOCKED_ROWS;
        gcr_matrix matrix = { 0 };

        matrix.rows = rows / GCR_TILE;
        matrix.tiles = gcr_shared();
        matrix.pivot = matrix.tiles + gcr_matrix_count(rows, 0);
        gcr_diagonal_block(&launch, &matrix, (int)(b / blocks), launch.first + before);
    }
}

/* ---- the answers ----------------------------------------------------------------------------- */

/* The first minor that is not positive, or 0. A library may have let numbers grow beyond all
 * bounds. */
GCR_FN int gcr_grid_minor(const gcr_grid *grid, const gcr_real *pivots, int slot)
{
    int is_bad = 0, minor = grid->minors[slot];

    for (int i = gcr_thread_index(); i < grid->rows; i += GCR_TEAM_THREADS)
        is_bad |= !gcr_pivot_is_good(pivots[i]);
    if (!gcr_block_any(is_bad) || minor != 0)
        return minor;
    while (gcr_pivot_is_good(pivots[minor]))
        minor++;
    return minor + 1;
}

/* Says what became of the system, and its log-determinant. */
GCR_FN void gcr_grid_conclude(const gcr_grid *grid, const gcr_occupant *of, int slot)
{
    const gcr_real *pivots = (const gcr_real *)grid->pivots + (int64_t)slot * grid->rows;
    const int minor = gcr_grid_minor(grid, pivots, slot);
    gcr_real sum = 0;

    if (gcr_thread_index() == 0)
        *of->verdict = (gcr_real)(grid->bad[slot] != 0 ? GCR_VERDICT_NAN : minor);
    if (grid->bad[slot] != 0 || minor != 0 || !(of->system.wanted & GCR_NEED_LOG_DETERMINANT))
        return;
    for (int i = gcr_thread_index(); i < of->system.n; i += GCR_TEAM_THREADS)
        sum += gcr_log(pivots[i]);
    sum = gcr_block_sum(sum);
    if (gcr_thread_index() == 0)
        of->system.log_determinant[of->system.number] = sum;
}

/* inv(L) b, a row of the matrix, becomes a column, where it is at hand. Returns its square. */
GCR_FN gcr_real gcr_grid_turn_side(const gcr_grid *grid, gcr_real *matrix, gcr_real *side, int s)
{
    gcr_real sum = 0;

    for (int i = gcr_thread_index(); i < grid->rows; i += GCR_TEAM_THREADS) {
        const gcr_real value = matrix[grid->rows + s + grid->ld * i];

        side[i] = value;
        sum = gcr_fma(value, value, sum);
    }
    return gcr_block_sum(sum);
}

/* x = W' y for the block of `count` rows at `at`: a warp for each column of W. */
GCR_FN void gcr_grid_solve_block(gcr_real *x, const gcr_real *at, int64_t ld, const gcr_real *y,
                                 int count)
{
    for (int j = gcr_warp_index(); j < count; j += GCR_WARPS) {
        gcr_real sum = 0;

        for (int i = gcr_lane(); i < count; i += 32)
            if (i >= j)
                sum = gcr_fma(at[i + ld * j], y[i], sum);
        sum = gcr_warp_sum(sum);
        if (gcr_lane() == 0)
            x[j] = sum;
    }
}

/* Subtracts what the `count` rows of L at `row` make of x from the columns before: a warp for
 * each. */
GCR_FN void gcr_grid_subtract_block(gcr_real *side, const gcr_real *row, int64_t ld,
                                    const gcr_real *x, int before, int count)
{
    for (int j = gcr_warp_index(); j < before; j += GCR_WARPS) {
        gcr_real sum = 0;

        for (int i = gcr_lane(); i < count; i += 32)
            sum = gcr_fma(row[i + ld * j], x[i], sum);
        sum = gcr_warp_sum(sum);
        if (gcr_lane() == 0)
            side[j] -= sum;
    }
}

/* inv(L') of a column, from the last block to the first. */
GCR_FN void gcr_grid_backward(const gcr_grid *grid, const gcr_real *matrix, gcr_real *side,
                              gcr_real *solution, int n)
{
    GCR_SHARED gcr_real x[GCR_BLOCKED_ROWS];
    int count = (grid->rows - 1) % GCR_BLOCKED_ROWS + 1;

    for (int first = grid->rows - count; first >= 0; first -= GCR_BLOCKED_ROWS) {
        gcr_grid_solve_block(x, matrix + first * (grid->ld + 1), grid->ld, side + first, count);
        gcr_block_barrier(); /* x is there */
        for (int i = gcr_thread_index(); i < count && first + i < n; i += GCR_TEAM_THREADS)
            solution[first + i] = x[i];
        gcr_grid_subtract_block(side, matrix + first, grid->ld, x, first, count);
        gcr_block_barrier(); /* x has been read, and the sides are there */
        count = GCR_BLOCKED_ROWS;
    }
}

/* What is asked of right-hand side `s`. */
GCR_FN void gcr_grid_answer_side(const gcr_grid *grid, const gcr_occupant *of, int slot, int s)
{
    const gcr_system *system = &of->system;
    const int64_t at = gcr_system_side_at(system, s);
    gcr_real *matrix = gcr_grid_matrix(grid, slot);
    gcr_real *side = matrix + grid->ld * (grid->rows + s);
    const gcr_real square = gcr_grid_turn_side(grid, matrix, side, s);

    if (gcr_thread_index() == 0)
        system->quadratic_form[at] = square;
    gcr_block_barrier(); /* the column is there */
    if (system->wanted & GCR_NEED_SOLUTION)
        gcr_grid_backward(grid, matrix, side, system->solution + at * system->n, system->n);
}

GCR_ENTRY(gcr_answer, gcr_grid_launch)
{
    const gcr_grid *const grid = &launch.grid;
    const uint64_t parts = 1 + (uint64_t)grid->sides;

    for (uint64_t p = gcr_block_index(); p < parts * (uint64_t)grid->slots;
         p += gcr_block_count()) {
        const int slot = (int)(p / parts), part = (int)(p % parts);
        gcr_occupant of;

        if (!gcr_grid_open(&of, &launch, slot))
            continue;
        if (part == 0)
            gcr_grid_conclude(grid, &of, slot);
        else if (gcr_grid_is_good(grid, slot) && part <= gcr_system_sides(&of.system))
            gcr_grid_answer_side(grid, &of, slot, part - 1);
    }
}

/* ---- the inverse ----------------------------------------------------------------------------- */

/* Of eight columns of inv(L), as rows of tiles of its transpose, in one slot. Tiles in the block on
 * the diagonal are there, as W; those behind it go above the diagonal, where nobody reads any
 * more. */
typedef struct gcr_inverse {
    gcr_real *matrix;
    int64_t ld;
    int column;    /* of tiles */
    int block_end; /* tiles of its block on the diagonal end before */
} gcr_inverse;

/* Rows 8 i .. of a matrix by columns, columns 8 j ..; each thread's two values. */
GCR_FN gcr_tile gcr_grid_tile(const gcr_real *matrix, int64_t ld, int i, int j)
{
    const gcr_real *own =
        matrix + GCR_TILE * i + gcr_tile_row() + ld * (GCR_TILE * j + gcr_tile_column());

    return gcr_tile_of(own[0], own[ld]);
}

GCR_FN void gcr_grid_store_tile(gcr_real *matrix, int64_t ld, int i, int j, const gcr_tile *tile)
{
    gcr_real *own =
        matrix + GCR_TILE * i + gcr_tile_row() + ld * (GCR_TILE * j + gcr_tile_column());

    own[0] = tile->at[0];
    own[ld] = tile->at[1];
}

GCR_FN gcr_tile gcr_inverse_tile(const gcr_inverse *of, int p)
{
    const gcr_real *own = of->matrix + of->ld * (GCR_TILE * of->column + gcr_tile_row()) +
                          GCR_TILE * p + gcr_tile_column();

    if (p < of->block_end)
        return gcr_tile_of(own[0], own[1]);
    return gcr_grid_tile(of->matrix, of->ld, of->column, p);
}

/* What the tiles before the block subtract from tile p of it. */
GCR_FN gcr_tile gcr_inverse_rest(const gcr_inverse *of, int p, int begin)
{
    gcr_tile z = gcr_tile_zero();

    for (int k = of->column; k < begin; k++) {
        const gcr_tile own = gcr_inverse_tile(of, k);
        const gcr_tile factor = gcr_grid_tile(of->matrix, of->ld, p, k);
        const gcr_left left = gcr_left_of(&own);
        const gcr_right right = gcr_right_of(&factor);

        gcr_tile_subtract_product(&z, &left, &right);
    }
    return z;
}

/* Tile p of a block, once all of its rests are there: times W'. Tiles before it keep theirs. */
GCR_FN gcr_tile gcr_inverse_divide(const gcr_inverse *of, int p, int begin)
{
    gcr_tile z = gcr_tile_zero();

    for (int q = begin; q <= p; q++) {
        const gcr_tile own = gcr_inverse_tile(of, q);
        const gcr_tile inverse = gcr_grid_tile(of->matrix, of->ld, p, q);
        const gcr_left left = gcr_left_of(&own);
        const gcr_right right = gcr_right_of(&inverse);

        gcr_tile_add_product(&z, &left, &right);
    }
    return z;
}

/* Returns the sums of the squares of the eight columns, in the threads of a row. */
GCR_FN gcr_real gcr_inverse_make(const gcr_inverse *of, int rows)
{
    enum { BLOCK = GCR_BLOCKED_ROWS / GCR_TILE };
    gcr_real sum = 0;

    for (int p = of->column; p < of->block_end; p++) {
        const gcr_tile z = gcr_inverse_tile(of, p);

        sum = gcr_tile_add_squares(sum, &z);
    }
    for (int begin = of->block_end; begin < rows; begin += BLOCK) {
        const int end = begin + BLOCK < rows ? begin + BLOCK : rows;

        for (int p = begin; p < end; p++) {
            const gcr_tile rest = gcr_inverse_rest(of, p, begin);

            gcr_grid_store_tile(of->matrix, of->ld, of->column, p, &rest);
        }
        for (int p = end; p-- > begin;) {
            const gcr_tile z = gcr_inverse_divide(of, p, begin);

            gcr_grid_store_tile(of->matrix, of->ld, of->column, p, &z);
            sum = gcr_tile_add_squares(sum, &z);
        }
    }
    return gcr_row_sum(sum);
}

GCR_FN void gcr_invert_columns(const gcr_grid *grid, const gcr_system *system, int slot, int column)
{
    enum { BLOCK = GCR_BLOCKED_ROWS / GCR_TILE };
    const int rows = grid->rows / GCR_TILE, i = GCR_TILE * column + gcr_tile_row();
    gcr_inverse of;
    gcr_real sum;

    of.matrix = gcr_grid_matrix(grid, slot);
    of.ld = grid->ld;
    of.column = column;
    of.block_end = (column / BLOCK + 1) * BLOCK < rows ? (column / BLOCK + 1) * BLOCK : rows;
    sum = gcr_inverse_make(&of, rows);
    if (i < system->n && gcr_tile_column() == 0)
        system->inverse_diagonal[(int64_t)system->number * system->n + i] = sum;
}

GCR_ENTRY(gcr_invert, gcr_grid_launch)
{
    const gcr_grid *const grid = &launch.grid;
    const uint64_t columns = (uint64_t)grid->rows / GCR_TILE;
    uint64_t c = gcr_block_index() * GCR_WARPS + (uint64_t)gcr_warp_index();

    for (; c < columns * (uint64_t)grid->slots; c += gcr_block_count() * GCR_WARPS) {
        const int slot = (int)(c / columns);
        gcr_occupant of;

        if (gcr_grid_is_good(grid, slot) && gcr_grid_open(&of, &launch, slot) &&
            (of.system.wanted & GCR_NEED_INVERSE_DIAGONAL))
            gcr_invert_columns(grid, &of.system, slot, (int)(c % columns));
    }
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* The first system that has no answer decides what is said of a cell. */
GCR_FN gcr_verdict gcr_attempt(gcr_ctx *ctx, gcr_cell *one)
{
    const gcr_spd_layout at = gcr_layout_of(one);
    const gcr_system system = gcr_system_open(ctx, one, &at);
    gcr_verdict verdict = gcr_verdict_of(GCR_CELL_OK, 0);

    for (int s = 0; s < (GCR_TEAM_SINGLE ? 1 : one->of->systems); s++) {
        const int said = (int)one->scratch[at.verdicts + s];

        if (said == GCR_VERDICT_NAN)
            return gcr_verdict_of(GCR_CELL_NAN_IN, 0);
        if (said != 0)
            return gcr_verdict_of(GCR_CELL_NOT_SPD, said);
    }
    gcr_cell_derive(ctx, one);
    if (gcr_thread_index() == 0)
        verdict = gcr_cell_finish(&system, one);
    gcr_block_barrier(); /* the outputs are there */
    return verdict;
}

/* The numbers of all live cells, in any order. */
GCR_ENTRY(gcr_list, gcr_launch)
{
    const uint64_t stride = gcr_block_count() * GCR_TEAM_THREADS;
    uint64_t number = gcr_block_index() * GCR_TEAM_THREADS + (uint64_t)gcr_thread_index();

    for (; number < launch.cell_count; number += stride) {
        gcr_cell one;

        if (gcr_find_cell(&launch, number, &one))
            launch.retry[0][gcr_count_up(launch.counters + 1)] = number;
    }
}

#endif /* GCR_CUDA_SPD_GRID_H */
