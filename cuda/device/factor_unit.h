/*
 * cuda/device/factor_unit.h -- Cholesky factors of matrices that stand on the device, in place.
 *
 * Compiled once for each variant of gcr_variant_of_factor(), as kernels are (cuda/launch.h): what
 * computes a factor is what computes those of cells. A launch has groups of matrices of one size
 * each, all of one variant, the largest first; teams take every k-th item through all groups.
 *
 *     gcr_factor   the factor in place of each matrix, and its minor
 *     gcr_pack     from columns, as LAPACK has them, into the layout of factor_layout.h
 *     gcr_unpack   and back
 *
 * Matrices that libraries factor, too, have entries of their own.
 */
#define GCR_TEAM_HEADER "cuda/device/device_team.h"
#include "gridcrunch/kernel.h"

#include "cuda/device/factor_layout.h"
#include "cuda/launch.h"

#if GCR_TEAM == GCR_TEAM_GRID
#include "cuda/device/factor_grid.h"
#else
#if GCR_TEAM == GCR_TEAM_THREAD
#include "cuda/device/factor_thread.h"
#elif GCR_TEAM == GCR_TEAM_WARP
#include "cuda/device/factor_warp.h"
#else
#include "cuda/device/factor_block.h"
#endif

/* Threads that take an item together. */
#if GCR_TEAM == GCR_TEAM_THREAD || GCR_TEAM == GCR_TEAM_WARP
#define GCR_TAKERS 32
#else
#define GCR_TAKERS GCR_TEAM_THREADS
#endif

/* The first item of this team, and from one to its next. */
GCR_FN uint64_t gcr_item_first(void)
{
    return gcr_block_index() * (GCR_TEAM_THREADS / GCR_TAKERS) +
           (uint64_t)(gcr_thread_index() / GCR_TAKERS);
}

GCR_FN uint64_t gcr_item_step(void)
{
    return gcr_block_count() * (GCR_TEAM_THREADS / GCR_TAKERS);
}

/* The group of item `at`, which is not before group `g`. */
GCR_FN int gcr_group_of(const gcr_factor_launch *launch, int g, uint64_t at)
{
    while (g + 1 < launch->group_count && at >= launch->groups[g + 1].before)
        g++;
    return g;
}

GCR_ENTRY(gcr_factor, gcr_factor_launch)
{
    int g = 0;

    for (uint64_t at = gcr_item_first(); at < launch.item_count; at += gcr_item_step()) {
        g = gcr_group_of(&launch, g, at);
        gcr_factor_item(&launch.groups[g].of, at - launch.groups[g].before);
    }
}

GCR_FN void gcr_move_all(const gcr_factor_launch *launch, int is_pack)
{
    int g = 0;

    for (uint64_t at = gcr_item_first(); at < launch->item_count; at += gcr_item_step()) {
        g = gcr_group_of(launch, g, at);
        gcr_factor_move(&launch->groups[g].of, at - launch->groups[g].before, is_pack);
    }
}

GCR_ENTRY(gcr_pack, gcr_factor_launch)
{
    gcr_move_all(&launch, 1);
}

GCR_ENTRY(gcr_unpack, gcr_factor_launch)
{
    gcr_move_all(&launch, 0);
}
#endif /* not GCR_TEAM_GRID */
