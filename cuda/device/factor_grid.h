/*
 * cuda/device/factor_grid.h -- large matrices that all blocks and libraries factor together, in
 * place: what comes before, between and after the products.
 *
 * Another part of factor_unit.h, with entries of its own, for one group or a sub-batch of it:
 *
 *     gcr_large_pack   entries from columns to where blocked.h or cuSOLVER wants them
 *     gcr_large_look   before a factor: is there an entry that is not finite?
 *     gcr_large_diag   a block on the diagonal: its triangle, which is kept, and its inverse, which
 *                      the next product reads
 *     gcr_large_end    what is said of each matrix
 *     gcr_large_take   the lower triangle to columns
 *
 * All but the third and fourth take columns of matrices, a warp for each.
 */
#ifndef GCR_CUDA_FACTOR_GRID_H
#define GCR_CUDA_FACTOR_GRID_H

#include "cuda/device/cholesky_grid.h"

GCR_FN gcr_real *gcr_large_matrix(const gcr_large_launch *launch, uint64_t slot)
{
    return (gcr_real *)launch->grid.matrices + (uint64_t)launch->grid.stride * slot;
}

/* 1 where an entry is not finite. */
GCR_FN gcr_real *gcr_large_mark(const gcr_large_launch *launch, uint64_t slot)
{
    return gcr_large_matrix(launch, slot) + gcr_mark_at(launch->grid.rows, launch->grid.is_lower);
}

GCR_FN int gcr_large_is_there(const gcr_large_launch *launch, uint64_t slot)
{
    return launch->first + slot < launch->group.count;
}

GCR_FN gcr_real *gcr_large_square(const gcr_large_launch *launch, uint64_t slot)
{
    const uint64_t n = (uint64_t)launch->group.n;

    return (gcr_real *)launch->group.square + (launch->first + slot) * n * n;
}

/* The first column of this warp, counted through all slots, and from one to its next. */
GCR_FN uint64_t gcr_large_first(void)
{
    return gcr_block_index() * GCR_WARPS + (uint64_t)gcr_warp_index();
}

GCR_FN uint64_t gcr_large_step(void)
{
    return gcr_block_count() * GCR_WARPS;
}

/* Rows of column `column` that hold entries: of the lower triangle, or of the upper. */
GCR_FN int gcr_large_begin(const gcr_grid *grid, int column)
{
    return grid->is_lower ? column : 0;
}

GCR_FN int gcr_large_end_of(const gcr_grid *grid, int column)
{
    return grid->is_lower ? grid->rows : column + 1;
}

/* ---- from columns ---------------------------------------------------------------------------- */

GCR_ENTRY(gcr_large_pack, gcr_large_launch)
{
    const gcr_grid *const grid = &launch.grid;
    const uint64_t columns = (uint64_t)grid->rows * (uint64_t)grid->slots;
    const int64_t n = launch.group.n;

    for (uint64_t c = gcr_large_first(); c < columns; c += gcr_large_step()) {
        const uint64_t slot = c / (uint64_t)grid->rows;
        const int column = (int)(c % (uint64_t)grid->rows);
        const int is_there = gcr_large_is_there(&launch, slot);
        gcr_real *const to = gcr_large_matrix(&launch, slot) + grid->ld * column;

        for (int row = gcr_large_begin(grid, column) + gcr_lane();
             row < gcr_large_end_of(grid, column); row += 32) {
            const int i = grid->is_lower ? row : column, j = grid->is_lower ? column : row;

            to[row] = is_there && i < n ? gcr_large_square(&launch, slot)[i + n * j]
                      : i == j          ? 1
                                        : 0;
        }
        if (column == 0 && gcr_lane() == 0)
            *gcr_large_mark(&launch, slot) = 0;
    }
}

GCR_ENTRY(gcr_large_look, gcr_large_launch)
{
    const gcr_grid *const grid = &launch.grid;
    const uint64_t columns = (uint64_t)grid->rows * (uint64_t)grid->slots;

    for (uint64_t c = gcr_large_first(); c < columns; c += gcr_large_step()) {
        const uint64_t slot = c / (uint64_t)grid->rows;
        const int column = (int)(c % (uint64_t)grid->rows);
        const gcr_real *const from = gcr_large_matrix(&launch, slot) + grid->ld * column;
        int is_bad = 0;

        for (int row = gcr_large_begin(grid, column) + gcr_lane();
             row < gcr_large_end_of(grid, column); row += 32)
            is_bad |= !gcr_is_finite(from[row]);
        if (is_bad)
            *gcr_large_mark(&launch, slot) = 1; /* by whoever sees it */
    }
}

/* ---- blocks on the diagonal ------------------------------------------------------------------ */

GCR_ENTRY(gcr_large_diag, gcr_large_launch)
{
    const gcr_grid *const grid = &launch.grid;
    gcr_matrix matrix;

    matrix.rows = launch.count / GCR_TILE;
    matrix.sides = matrix.side_rows = 0;
    matrix.tiles = gcr_shared();
    matrix.pivot = matrix.work = matrix.inverse = 0;
    for (uint64_t slot = gcr_block_index(); slot < (uint64_t)grid->slots;
         slot += gcr_block_count()) {
        gcr_real *const own = gcr_large_matrix(&launch, slot);
        gcr_real *const at = own + launch.begin * (grid->ld + 1);
        int minor;

        matrix.out = own + gcr_triangles_at(grid->rows) +
                     launch.begin / GCR_BLOCKED_ROWS * gcr_triangle_count();
        gcr_diagonal_load(&matrix, at, grid->ld, 0);
        gcr_block_barrier(); /* the entries are there */
        minor = gcr_block_eliminate(&matrix);
        if (gcr_thread_index() == 0 && gcr_large_is_there(&launch, slot))
            gcr_diagonal_note(launch.group.minor + launch.first + slot, launch.begin, minor);
        for (int t = gcr_warp_index(); t < matrix.rows; t += GCR_WARPS)
            gcr_diagonal_invert_columns(&matrix, at, grid->ld, t);
        gcr_block_barrier(); /* the tiles have been read */
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A library may find no fault with what is none: the diagonal is looked at. By all threads of a
 * block; the answer is that of thread 0. */
GCR_FN int gcr_large_bad_root(const gcr_large_launch *launch, uint64_t slot)
{
    const gcr_real *const matrix = gcr_large_matrix(launch, slot);
    const int rows = launch->grid.rows;
    int is_bad = 0, i = 0;

    for (int k = gcr_thread_index(); k < rows; k += GCR_TEAM_THREADS)
        is_bad |= !gcr_pivot_is_good(matrix[k + launch->grid.ld * k]);
    if (!gcr_block_any(is_bad))
        return 0;
    while (i < rows && gcr_pivot_is_good(matrix[i + launch->grid.ld * i]))
        i++;
    return i + 1;
}

/* A block for each matrix. */
GCR_ENTRY(gcr_large_end, gcr_large_launch)
{
    for (uint64_t slot = gcr_block_index(); slot < (uint64_t)launch.grid.slots;
         slot += gcr_block_count()) {
        const int bad_root = launch.grid.is_lower ? gcr_large_bad_root(&launch, slot) : 0;
        int32_t *const minor = launch.group.minor + launch.first + slot;

        if (gcr_thread_index() != 0 || !gcr_large_is_there(&launch, slot))
            continue;
        if (*gcr_large_mark(&launch, slot) != 0)
            *minor = GCR_FACTOR_NAN;
        else if (*minor == 0)
            *minor = bad_root;
    }
}

/* Entry (i, j) of the factor, i >= j. */
GCR_FN gcr_real gcr_large_entry(const gcr_grid *grid, const gcr_real *matrix, int i, int j)
{
    const int block = j / GCR_BLOCKED_ROWS, row = i - block * GCR_BLOCKED_ROWS;
    const int column = j - block * GCR_BLOCKED_ROWS, above = row / GCR_TILE;

    if (grid->is_lower || row >= GCR_BLOCKED_ROWS)
        return matrix[i + grid->ld * j];
    return matrix[gcr_triangles_at(grid->rows) + block * gcr_triangle_count() +
                  GCR_TILE_VALUES * (above * (above + 1) / 2 + column / GCR_TILE) +
                  GCR_TILE * (row % GCR_TILE) + column % GCR_TILE];
}

GCR_ENTRY(gcr_large_take, gcr_large_launch)
{
    const gcr_grid *const grid = &launch.grid;
    const int64_t n = launch.group.n;
    const uint64_t columns = (uint64_t)n * (uint64_t)grid->slots;

    for (uint64_t c = gcr_large_first(); c < columns; c += gcr_large_step()) {
        const uint64_t slot = c / (uint64_t)n;
        const int column = (int)(c % (uint64_t)n);
        const gcr_real *const from = gcr_large_matrix(&launch, slot);

        if (!gcr_large_is_there(&launch, slot))
            continue;
        for (int i = column + gcr_lane(); i < n; i += 32)
            gcr_large_square(&launch, slot)[i + n * column] =
                gcr_large_entry(grid, from, i, column);
    }
}

#endif /* GCR_CUDA_FACTOR_GRID_H */
