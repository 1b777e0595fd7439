/*
 * cuda/device/cholesky_grid.h -- a block on the diagonal of a large matrix by columns, as
 * cuda/blocked.h has it: from there into shared memory, and its inverse back.
 */
#ifndef GCR_CUDA_CHOLESKY_GRID_H
#define GCR_CUDA_CHOLESKY_GRID_H

#include "cuda/device/cholesky_block.h"

/* The lower triangle of a block at `from`, as packed tiles; zeros above it. */
GCR_FN void gcr_diagonal_load(const gcr_matrix *matrix, const gcr_real *from, int64_t ld,
                              int is_lower)
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
                tile.at[e] = is_lower ? from[i + ld * (j + e)] : from[j + e + ld * i];
        gcr_row_store(&row, at.column, &tile);
    }
}

/* Eight columns of the inverse of the block from column `first` on, to memory by columns, zeros
 * above the diagonal with them. A thread reads what it has written itself. */
GCR_FN void gcr_diagonal_invert_columns(const gcr_matrix *matrix, gcr_real *to, int64_t ld,
                                        int first)
{
    gcr_real *own = to + ld * (GCR_TILE * first + gcr_tile_row()) + gcr_tile_column();

    for (int p = 0; p < first; p++)
        own[GCR_TILE * p] = own[GCR_TILE * p + 1] = 0;
    for (int p = first; p < matrix->rows; p++) {
        const gcr_row row = gcr_row_of(matrix, p);
        const gcr_right inverse = gcr_row_right(&row, p);
        gcr_tile z = p == first ? gcr_tile_identity() : gcr_tile_zero();

        for (int k = first; k < p; k++) {
            const gcr_tile tile = gcr_tile_of(own[GCR_TILE * k], own[GCR_TILE * k + 1]);
            const gcr_left left = gcr_left_of(&tile);
            const gcr_right right = gcr_row_right(&row, k);

            gcr_tile_subtract_product(&z, &left, &right);
        }
        z = gcr_tile_product(&z, &inverse);
        own[GCR_TILE * p] = z.at[0];
        own[GCR_TILE * p + 1] = z.at[1];
    }
}

/* The first bad pivot of the matrix counts. */
GCR_FN void gcr_diagonal_note(int32_t *to, int first, int minor)
{
    if (first == 0)
        *to = minor;
    else if (*to == 0 && minor != 0)
        *to = first + minor;
}

#endif /* GCR_CUDA_CHOLESKY_GRID_H */
