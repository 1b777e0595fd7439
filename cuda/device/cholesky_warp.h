/*
 * cuda/device/cholesky_warp.h -- the Cholesky factor of a matrix of up to 32 rows, of floats 40, in
 * the registers of a warp, as tiles (matrix_tile.h).
 *
 * GCR_TEAM_BOUND is n rounded up to a multiple of 8, so that the tiles of the lower triangle, 1, 3,
 * 6, 10 or 15 of them, have names that are known when this is compiled.
 */
#ifndef GCR_CUDA_CHOLESKY_WARP_H
#define GCR_CUDA_CHOLESKY_WARP_H

#include "cuda/device/matrix_tile.h"

enum {
    GCR_TILE_ROWS = GCR_TEAM_BOUND / GCR_TILE,
    GCR_LANE_PIVOTS = (GCR_TEAM_BOUND + 31) / 32, /* that a lane keeps */
};

/* Tile (i, j) at i (i + 1) / 2 + j. */
typedef struct gcr_warp_factor {
    gcr_tile tile[GCR_TILE_ROWS * (GCR_TILE_ROWS + 1) / 2];
    gcr_real pivot[GCR_LANE_PIVOTS]; /* of rows lane, lane + 32 ... */
    int minor;
} gcr_warp_factor;

#define GCR_TILE_AT(i, j) ((i) * ((i) + 1) / 2 + (j))

/* Pivots of the eight rows of tile p, which the lanes 0 .. 7 have: to where they are kept. */
GCR_FN void gcr_warp_keep_pivots(gcr_warp_factor *factor, gcr_real own, int p)
{
    const gcr_real pivot = gcr_warp_read(own, gcr_lane() % GCR_TILE);

    if (gcr_lane() / GCR_TILE == p % 4)
        factor->pivot[p / 4] = pivot;
}

/* What column p subtracts from those behind it. */
GCR_FN void gcr_warp_subtract_column(gcr_warp_factor *factor, int p)
{
    GCR_UNROLL
    for (int part = 0; part < GCR_PARTS; part++) {
        gcr_real left[GCR_TILE_ROWS], right[GCR_TILE_ROWS][GCR_PART_RIGHT];

        GCR_UNROLL
        for (int i = p + 1; i < GCR_TILE_ROWS; i++) {
            left[i] = -gcr_left_part(&factor->tile[GCR_TILE_AT(i, p)], part);
            gcr_right_part(right[i], &factor->tile[GCR_TILE_AT(i, p)], part);
        }
        GCR_UNROLL
        for (int i = p + 1; i < GCR_TILE_ROWS; i++) {
            GCR_UNROLL
            for (int j = p + 1; j <= i; j++)
                gcr_tile_add_part(&factor->tile[GCR_TILE_AT(i, j)], left[i], right[j]);
        }
    }
}

/* On the diagonal the inverse of the triangle is left, or `with_triangles` the triangle. */
GCR_FN void gcr_warp_eliminate(gcr_warp_factor *factor, int with_triangles)
{
    gcr_pivots pivots;

    pivots.own = 1;
    pivots.minor = 0;
    GCR_UNROLL
    for (int k = 0; k < GCR_LANE_PIVOTS; k++)
        factor->pivot[k] = 1;
    GCR_UNROLL
    for (int p = 0; p < GCR_TILE_ROWS; p++) {
        gcr_tile *const diagonal = &factor->tile[GCR_TILE_AT(p, p)];
        gcr_tile triangle;
        gcr_right inverse;

        *diagonal = gcr_tile_factor(*diagonal, GCR_TILE * p, &pivots, &triangle,
                                    !with_triangles || p + 1 < GCR_TILE_ROWS);
        gcr_warp_keep_pivots(factor, pivots.own, p);
        inverse = gcr_right_of(diagonal);
        GCR_UNROLL
        for (int i = p + 1; i < GCR_TILE_ROWS; i++)
            factor->tile[GCR_TILE_AT(i, p)] =
                gcr_tile_product(&factor->tile[GCR_TILE_AT(i, p)], &inverse);
        gcr_warp_subtract_column(factor, p);
        if (with_triangles)
            *diagonal = triangle;
    }
    factor->minor = pivots.minor;
}

#endif /* GCR_CUDA_CHOLESKY_WARP_H */
