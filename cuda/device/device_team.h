/*
 * cuda/device/device_team.h -- the team of gridcrunch/kernel.h on a device, which includes this.
 *
 * A block where prepare() or a cell kernel runs on one, all blocks where that is worth it;
 * elsewhere, and in the functions of an SPD kernel, one thread. The order of a sum depends on the
 * size of the block alone, which depends on the shape of the cell alone (launch.h).
 */
#ifndef GCR_CUDA_DEVICE_TEAM_H
#define GCR_CUDA_DEVICE_TEAM_H

#include "cuda/device/intrinsics.h"
#include "cuda/device/meeting.h"
#include "cuda/device/teams.h"

#if defined(GCR_CELL_KERNEL)
#define GCR_IS_CELL_KERNEL 1
#else
#define GCR_IS_CELL_KERNEL 0
#endif
#define GCR_IS_BLOCK_TEAM                                                                          \
    (GCR_TEAM == GCR_TEAM_PREPARE || (GCR_TEAM == GCR_TEAM_BLOCK && GCR_IS_CELL_KERNEL))

#define GCR_IS_WHOLE_TEAM GCR_IS_ONE_TEAM(GCR_TEAM)

#if GCR_IS_BLOCK_TEAM || GCR_IS_WHOLE_TEAM
#define GCR_MATRIX_HEADER "cuda/device/team_matrix.h"
#endif

/* In all threads of the warp, by halves. */
GCR_FN gcr_real gcr_warp_sum(gcr_real value)
{
    const int lane = gcr_thread_index() % 32;

    GCR_UNROLL
    for (int distance = 16; distance > 0; distance /= 2)
        value += gcr_warp_read(value, lane ^ distance);
    return value;
}

/* In all threads of the block: warps in their order. */
GCR_FN gcr_real gcr_block_sum(gcr_real value)
{
    GCR_SHARED gcr_real part[32];
    const int thread = gcr_thread_index();
    const gcr_real own = gcr_warp_sum(value);
    gcr_real sum = 0;

    gcr_block_barrier(); /* all have read the sum before */
    if (thread % 32 == 0)
        part[thread / 32] = own;
    gcr_block_barrier();
    for (int warp = 0; warp < GCR_TEAM_THREADS / 32; warp++)
        sum += part[warp];
    return sum;
}

/* ---- all blocks ------------------------------------------------------------------------------ */

/* Where they meet (meeting.h), for all threads of a block. */
GCR_FN gcr_real **gcr_whole_place(void)
{
    GCR_SHARED gcr_real *place;

    return &place;
}

GCR_FN void gcr_whole_begin(void *scratch)
{
    if (gcr_thread_index() == 0)
        *gcr_whole_place() = (gcr_real *)scratch;
    gcr_block_barrier();
}

GCR_FN int gcr_whole_rank(void)
{
    return (int)gcr_block_index() * GCR_TEAM_THREADS + gcr_thread_index();
}

GCR_FN void gcr_whole_barrier(void)
{
    gcr_device_barrier((uint64_t *)*gcr_whole_place());
}

/* In all threads: blocks in their order. */
GCR_FN gcr_real gcr_whole_sum(gcr_real value)
{
    gcr_real *sums = *gcr_whole_place() + GCR_WHOLE_SUMS_AT;
    const gcr_real own = gcr_block_sum(value);
    gcr_real sum = 0;

    gcr_whole_barrier(); /* all have read the sums before */
    if (gcr_thread_index() == 0)
        sums[gcr_block_index()] = own;
    gcr_whole_barrier();
    for (uint64_t block = 0; block < gcr_block_count(); block++)
        sum += sums[block];
    return sum;
}

/* ---- what a kernel calls --------------------------------------------------------------------- */

GCR_FN int gcr_team_rank(const gcr_ctx *ctx)
{
    (void)ctx;
    if (GCR_IS_WHOLE_TEAM)
        return gcr_whole_rank();
    return GCR_IS_BLOCK_TEAM ? gcr_thread_index() : 0;
}

GCR_FN int gcr_team_size(const gcr_ctx *ctx)
{
    (void)ctx;
    if (GCR_IS_WHOLE_TEAM)
        return (int)gcr_block_count() * GCR_TEAM_THREADS;
    return GCR_IS_BLOCK_TEAM ? GCR_TEAM_THREADS : 1;
}

GCR_FN void gcr_team_barrier(const gcr_ctx *ctx)
{
    (void)ctx;
    if (GCR_IS_WHOLE_TEAM)
        gcr_whole_barrier();
    else if (GCR_IS_BLOCK_TEAM)
        gcr_block_barrier();
}

/* The sum of `value` over the team, the same bits in each member. */
GCR_FN gcr_real gcr_team_sum(const gcr_ctx *ctx, gcr_real value)
{
    (void)ctx;
    if (GCR_IS_WHOLE_TEAM)
        return gcr_whole_sum(value);
    return GCR_IS_BLOCK_TEAM ? gcr_block_sum(value) : value;
}

#endif /* GCR_CUDA_DEVICE_TEAM_H */
