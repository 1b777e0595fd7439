/*
 * cuda/device/factor_tiles.h -- matrices that stand in memory as tiles: one of them, moved from or
 * to columns.
 *
 * Part of factor_unit.h, for warps and blocks.
 */
#ifndef GCR_CUDA_FACTOR_TILES_H
#define GCR_CUDA_FACTOR_TILES_H

#include "cuda/device/matrix_tile.h"

GCR_FN gcr_real *gcr_tiles_of(const gcr_factor_group *group, uint64_t item)
{
    return (gcr_real *)group->matrices + item * (uint64_t)gcr_factor_stride(0, group->n);
}

GCR_FN int gcr_tile_has_bad_value(const gcr_tile *tile)
{
    return !(gcr_is_finite(tile->at[0]) && gcr_is_finite(tile->at[1]));
}

/* The tile at `place`, which stands at `own`. Above the diagonal the square is not touched. */
GCR_FN void gcr_tile_move(gcr_real *own, gcr_real *square, int64_t n, gcr_tile_place place,
                          int is_pack)
{
    const int i = GCR_TILE * place.row + gcr_tile_row();
    const int j = GCR_TILE * place.column + gcr_tile_column();
    gcr_tile tile = gcr_tile_zero();

    if (!is_pack)
        tile = gcr_tile_load(own);
    GCR_UNROLL
    for (int e = 0; e < 2; e++) {
        gcr_real *const entry = square + i + (j + e) * n;

        if (j + e > i || i >= n)
            tile.at[e] = i == j + e ? 1 : 0;
        else if (is_pack)
            tile.at[e] = *entry;
        else
            *entry = tile.at[e];
    }
    if (is_pack)
        gcr_tile_store(own, &tile);
}

/* By `warps` warps, of which this is number `warp`. */
GCR_FN void gcr_tiles_move(const gcr_factor_group *group, uint64_t item, int is_pack, int warp,
                           int warps)
{
    gcr_real *const square =
        (gcr_real *)group->square + item * (uint64_t)((int64_t)group->n * group->n);
    const int rows = (int)gcr_tile_rows(group->n);
    gcr_real *own = gcr_tiles_of(group, item) + GCR_TILE_VALUES * warp;
    gcr_tile_place place;

    place.row = place.column = 0;
    for (place = gcr_tile_place_behind(place, warp); place.row < rows;
         place = gcr_tile_place_behind(place, warps), own += GCR_TILE_VALUES * warps)
        gcr_tile_move(own, square, group->n, place, is_pack);
}

#endif /* GCR_CUDA_FACTOR_TILES_H */
