/*
 * cuda/device/factor_layout.h -- where the entries of matrices stand that are factored in place,
 * counted by host and device.
 *
 *     thread        [count / 32][n (n + 1) / 2][32]: entry (i, j) of 32 matrices side by side, the
 *                   lower triangle by rows, so that the threads of a warp read neighbours
 *     warp, block   the lower triangle as tiles of 8 x 8 by rows of tiles, matrix after matrix,
 *                   with the identity behind the last row and zeros above the diagonal, so that a
 *                   warp reads a tile at once: 512 bytes of doubles, 16 of each thread
 *     all blocks    by columns, in sub-batches of `slots` matrices, the last of which may be the
 *                   identity; as cuda/blocked.h has them, the entries above the diagonal and L
 *                   below, and behind them the triangles on the diagonal, which are tiles again;
 *                   or, for cuSOLVER, the lower triangle. Then a mark: an entry is not finite
 */
#ifndef GCR_CUDA_FACTOR_LAYOUT_H
#define GCR_CUDA_FACTOR_LAYOUT_H

#include "cuda/device/device_layout.h"

/* Values of one matrix: of a column of 32 side by side, or of its tiles. */
GCR_FN int64_t gcr_factor_stride(int is_thread, int64_t n)
{
    return is_thread ? n * (n + 1) / 2 : gcr_matrix_count(n, 0);
}

/* What a team takes at once: 32 matrices, or one. */
GCR_FN uint64_t gcr_factor_items(int is_thread, uint64_t count)
{
    return is_thread ? (count + 31) / 32 : count;
}

/* ---- all blocks ------------------------------------------------------------------------------ */

/* Values of the tiles of a triangle on the diagonal. */
GCR_FN int64_t gcr_triangle_count(void)
{
    return gcr_matrix_count(GCR_BLOCKED_ROWS, 0);
}

/* Values from the beginning of a matrix to its triangles, and to its mark, which has 32. */
GCR_FN int64_t gcr_triangles_at(int64_t rows)
{
    return rows * rows;
}

GCR_FN int64_t gcr_mark_at(int64_t rows, int is_lower)
{
    const int64_t triangles = is_lower ? 0 : (rows + GCR_BLOCKED_ROWS - 1) / GCR_BLOCKED_ROWS;

    return gcr_triangles_at(rows) + triangles * gcr_triangle_count();
}

#endif /* GCR_CUDA_FACTOR_LAYOUT_H */
