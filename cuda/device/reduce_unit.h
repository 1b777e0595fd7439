/*
 * cuda/device/reduce_unit.h -- records of blocks of points in place of their cells
 * (cuda/reduce_launch.h).
 *
 * A unit of its own: no kernel is compiled with it.
 *
 * Shape    a block of threads takes a block of points; each of its warps takes one thing to be
 *          reduced after the other, reads the values side by side into shared memory and lets its
 *          first thread go over them.
 * Why      the order of additions is part of what a mean is, and the text that goes over the values
 *          is the host's (gridcrunch/partial.h): the same bits for nothing. There are as many
 *          chains of 1024 additions under way as warps fit on the device.
 * Traffic  each value and state is read once and a record written, a hundredth of that.
 */
#include "cuda/reduce_launch.h"

#define GCR_TEAM_THREADS GCR_REDUCE_THREADS
#define GCR_TEAM_MIN_BLOCKS 1
#include "cuda/device/intrinsics.h"

GCR_FN const gcr_reduce_tile *gcr_reduce_find_tile(const gcr_reduce_launch *launch, uint64_t number)
{
    int t = 0;

    while (t + 1 < launch->tile_count && launch->tiles[t + 1].before <= number)
        t++;
    return launch->tiles + t;
}

/* Points that `where` leaves out have no state yet. All threads. */
GCR_FN void gcr_reduce_read_states(uint8_t *state, const gcr_reduce_launch *launch,
                                   const gcr_reduce_tile *tile, uint64_t at, uint32_t count)
{
    for (uint32_t p = (uint32_t)gcr_thread_index(); p < count; p += GCR_REDUCE_THREADS) {
        const uint64_t point = tile->first + at + p;
        const int is_live =
            launch->live == 0 || (launch->live[point / 64] >> (point % 64) & 1) != 0;

        state[p] = is_live ? tile->state[at + p] : (uint8_t)GCR_CELL_EXCLUDED;
    }
}

/* Does task number `task`: 0 the states, then each thing that is reduced, then the best points. The
 * states of failed cells have details in the first output, from `first` on. */
GCR_FN void gcr_reduce_task(const gcr_reduction *reduction, int task, const uint8_t *state,
                            uint32_t count, const double *values, const double *first,
                            int64_t first_width, char *record)
{
    gcr_partial_states *states = (gcr_partial_states *)record;
    gcr_partial *partials = (gcr_partial *)(states + 1);

    if (task == 0)
        gcr_partial_count(states, state, count, first, first_width);
    else if (task <= reduction->count)
        gcr_partial_reduce(partials + task - 1, state, count, values,
                           reduction->reduced[task - 1].op);
    else
        gcr_partial_find_top((gcr_partial_place *)(partials + reduction->count), state, count,
                             values, reduction);
}

/* Which output a task reads; -1: none, or only where a cell failed. */
GCR_FN int gcr_reduce_output_of(const gcr_reduction *reduction, int task)
{
    if (task == 0)
        return -1;
    return reduction->reduced[task <= reduction->count ? task - 1 : reduction->top_of].output;
}

GCR_ENTRY(gcr_reduce, gcr_reduce_launch)
{
    GCR_SHARED uint8_t state[GCR_PARTIAL_POINTS];
    GCR_SHARED double values[GCR_REDUCE_WARPS][GCR_PARTIAL_POINTS];
    const int warp = gcr_thread_index() / 32, lane = gcr_thread_index() % 32;
    const int tasks = 1 + launch.reduction.count + (launch.reduction.top_of >= 0 ? 1 : 0);

    for (uint64_t b = gcr_block_index(); b < launch.block_count; b += gcr_block_count()) {
        const gcr_reduce_tile *tile = gcr_reduce_find_tile(&launch, b);
        const uint64_t at = (b - tile->before) * GCR_PARTIAL_POINTS, left = tile->count - at;
        const uint32_t count = left < GCR_PARTIAL_POINTS ? (uint32_t)left : GCR_PARTIAL_POINTS;

        gcr_reduce_read_states(state, &launch, tile, at, count);
        gcr_block_barrier(); /* all states are there */
        for (int task = warp; task < tasks; task += GCR_REDUCE_WARPS) {
            const int output = gcr_reduce_output_of(&launch.reduction, task);

            for (uint32_t p = (uint32_t)lane; output >= 0 && p < count; p += 32)
                values[warp][p] = tile->outputs[output][at + p];
            gcr_warp_barrier(); /* all values are there */
            if (lane == 0)
                gcr_reduce_task(&launch.reduction, task, state, count, values[warp],
                                tile->outputs[0] + (int64_t)at * tile->first_width,
                                tile->first_width, launch.records + b * launch.record_bytes);
            gcr_warp_barrier(); /* nobody reads them any more */
        }
        gcr_block_barrier(); /* nor the states */
    }
}
