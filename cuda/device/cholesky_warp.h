/*
 * cuda/device/cholesky_warp.h -- the Cholesky factor of a matrix of up to 32 rows in the registers of a
 * warp, as tiles (matrix_tile.h).
 *
 * GCR_TEAM_BOUND is n rounded up to a multiple of 8, so that the tiles of the lower triangle, 1, 3, 6
 * or 10 of them, have names that are known when this is compiled.
 */
#ifndef GCR_CUDA_CHOLESKY_WARP_H
#define GCR_CUDA_CHOLESKY_WARP_H

#include "cuda/device/matrix_tile.h"

enum { GCR_TILE_ROWS = GCR_TEAM_BOUND / GCR_TILE };

/* Tile (i, j) at i (i + 1) / 2 + j. */
typedef struct gcr_warp_factor {
    gcr_tile tile[GCR_TILE_ROWS * (GCR_TILE_ROWS + 1) / 2];
    gcr_real pivot; /* of row `lane` */
    int minor;
} gcr_warp_factor;

#define GCR_TILE_AT(i, j) ((i) * ((i) + 1) / 2 + (j))

/* On the diagonal the inverse of the triangle is left, or `with_triangles` the triangle. */
GCR_FN void gcr_warp_eliminate(gcr_warp_factor *factor, int with_triangles)
{
    gcr_pivots pivots;

    pivots.own = 1;
    pivots.minor = 0;
    factor->pivot = 1;
    GCR_UNROLL
    for (int p = 0; p < GCR_TILE_ROWS; p++) {
        gcr_tile *const diagonal = &factor->tile[GCR_TILE_AT(p, p)];
        gcr_tile triangle;
        gcr_real pivot;

        *diagonal = gcr_tile_invert_factor(*diagonal, GCR_TILE * p, &pivots, &triangle);
        pivot = gcr_warp_read(pivots.own, gcr_lane() % GCR_TILE);
        if (gcr_lane() / GCR_TILE == p)
            factor->pivot = pivot;
        GCR_UNROLL
        for (int i = p + 1; i < GCR_TILE_ROWS; i++)
            factor->tile[GCR_TILE_AT(i, p)] =
                gcr_tile_product(&factor->tile[GCR_TILE_AT(i, p)], diagonal);
        GCR_UNROLL
        for (int i = p + 1; i < GCR_TILE_ROWS; i++) {
            GCR_UNROLL
            for (int j = p + 1; j <= i; j++)
                gcr_tile_subtract_product(&factor->tile[GCR_TILE_AT(i, j)],
                                          &factor->tile[GCR_TILE_AT(i, p)],
                                          &factor->tile[GCR_TILE_AT(j, p)]);
        }
        if (with_triangles)
            *diagonal = triangle;
    }
    factor->minor = pivots.minor;
}

#endif /* GCR_CUDA_CHOLESKY_WARP_H */
