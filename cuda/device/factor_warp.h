/*
 * cuda/device/factor_warp.h -- each warp has a matrix of up to 32 rows.
 *
 * Part of factor_unit.h. A warp loads all tiles before it computes. Nothing is loaded ahead for the
 * next matrix: the registers that it would take hold another warp, which does the same without a
 * line of code. With 32 rows of doubles 16 warps of a multiprocessor take 5100 clocks for a matrix
 * each, 1400 of them waiting for 5 KB: 22 KB on their way at any time, where 20 KB keep 4.3 TB/s
 * busy at 600 ns (derived).
 */
#ifndef GCR_CUDA_FACTOR_WARP_H
#define GCR_CUDA_FACTOR_WARP_H

#include "cuda/device/cholesky_warp.h"
#include "cuda/device/factor_tiles.h"

enum { GCR_WARP_TILES = GCR_TILE_ROWS * (GCR_TILE_ROWS + 1) / 2 };

/* The matrix is still in memory. */
GCR_FN int gcr_warp_has_bad_value(const gcr_real *from)
{
    int is_bad = 0;

    GCR_ROLL
    for (int t = 0; t < GCR_WARP_TILES; t++) {
        const gcr_tile tile = gcr_tile_load(from + GCR_TILE_VALUES * t);

        is_bad |= gcr_tile_has_bad_value(&tile);
    }
    return gcr_warp_any(is_bad);
}

GCR_FN void gcr_factor_item(const gcr_factor_group *group, uint64_t item)
{
    gcr_real *const own = gcr_tiles_of(group, item);
    gcr_warp_factor factor;

    GCR_UNROLL
    for (int t = 0; t < GCR_WARP_TILES; t++)
        factor.tile[t] = gcr_tile_load(own + GCR_TILE_VALUES * t);
    gcr_warp_eliminate(&factor, 1);
    if (factor.minor != 0 && gcr_warp_has_bad_value(own))
        factor.minor = GCR_FACTOR_NAN;
    GCR_UNROLL
    for (int t = 0; t < GCR_WARP_TILES; t++)
        gcr_tile_store(own + GCR_TILE_VALUES * t, &factor.tile[t]);
    if (gcr_lane() == 0)
        group->minor[item] = factor.minor;
}

GCR_FN void gcr_factor_move(const gcr_factor_group *group, uint64_t item, int is_pack)
{
    gcr_tiles_move(group, item, is_pack, 0, 1);
}

#endif /* GCR_CUDA_FACTOR_WARP_H */
