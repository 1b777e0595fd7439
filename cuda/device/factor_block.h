/*
 * cuda/device/factor_block.h -- each block has a matrix: in shared memory, or, where it does not
 * fit, where it stands.
 *
 * Part of factor_unit.h. A tile of the factor is sent to memory when it is made, so that half of
 * the traffic hides behind the arithmetic; the other half, loads of which each thread has
 * GCR_AHEAD_LOADS on their way, hides behind the other blocks of the multiprocessor where there are
 * some.
 */
#ifndef GCR_CUDA_FACTOR_BLOCK_H
#define GCR_CUDA_FACTOR_BLOCK_H

#include "cuda/device/cholesky_block.h"
#include "cuda/device/factor_tiles.h"

enum { GCR_AHEAD_LOADS = 4 };

/* Copies `count` tiles to shared memory, all warps. Returns whether this thread has seen a value
 * that is not finite. */
GCR_FN int gcr_block_load(gcr_real *to, const gcr_real *from, int count)
{
    int is_bad = 0;

    for (int first = gcr_warp_index(); first < count; first += GCR_AHEAD_LOADS * GCR_WARPS) {
        gcr_tile tile[GCR_AHEAD_LOADS];

        GCR_UNROLL
        for (int k = 0; k < GCR_AHEAD_LOADS; k++) {
            const int t = first + k * GCR_WARPS;

            tile[k] =
                t < count ? gcr_tile_load(from + (int64_t)GCR_TILE_VALUES * t) : gcr_tile_zero();
        }
        GCR_UNROLL
        for (int k = 0; k < GCR_AHEAD_LOADS; k++) {
            const int t = first + k * GCR_WARPS;

            is_bad |= gcr_tile_has_bad_value(&tile[k]);
            if (t < count)
                gcr_tile_store(to + GCR_TILE_VALUES * t, &tile[k]);
        }
    }
    return is_bad;
}

/* The same of a matrix that stays where it is. */
GCR_FN int gcr_block_look(const gcr_real *at, int64_t count)
{
    int is_bad = 0;

    for (int64_t t = gcr_warp_index(); t < count; t += GCR_WARPS) {
        const gcr_tile tile = gcr_tile_load(at + GCR_TILE_VALUES * t);

        is_bad |= gcr_tile_has_bad_value(&tile);
    }
    return is_bad;
}

GCR_FN gcr_matrix gcr_matrix_in_hand(gcr_real *own, int rows)
{
    gcr_matrix matrix;

    matrix.rows = rows;
    matrix.sides = matrix.side_rows = 0;
    matrix.pivot = matrix.work = 0;
    matrix.inverse = gcr_shared();
    matrix.inverse_step = 0;
#if GCR_TEAM == GCR_TEAM_MEMORY
    matrix.tiles = own;
    matrix.out = 0;
#else
    matrix.tiles = matrix.inverse + GCR_TILE_VALUES;
    matrix.out = own;
#endif
    return matrix;
}

GCR_FN void gcr_factor_item(const gcr_factor_group *group, uint64_t item)
{
    gcr_real *const own = gcr_tiles_of(group, item);
    const int rows = (int)gcr_tile_rows(group->n);
    const int64_t count = (int64_t)rows * (rows + 1) / 2;
    const gcr_matrix matrix = gcr_matrix_in_hand(own, rows);
#if GCR_TEAM == GCR_TEAM_MEMORY
    const int is_bad = gcr_block_look(own, count);
#else
    const int is_bad = gcr_block_load(matrix.tiles, own, (int)count);
#endif
    int minor = GCR_FACTOR_NAN;

    if (!gcr_block_any(is_bad)) /* a barrier: the matrix is there */
        minor = gcr_block_eliminate(&matrix);
    if (gcr_thread_index() == 0)
        group->minor[item] = minor;
    gcr_block_barrier(); /* the next may overwrite it */
}

GCR_FN void gcr_factor_move(const gcr_factor_group *group, uint64_t item, int is_pack)
{
    gcr_tiles_move(group, item, is_pack, gcr_warp_index(), GCR_WARPS);
}

#endif /* GCR_CUDA_FACTOR_BLOCK_H */
