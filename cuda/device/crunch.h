/*
 * cuda/device/crunch.h -- teams take cells until there are none.
 *
 * Part of device_unit.h, after the engine, which has defined
 *
 *     gcr_verdict gcr_attempt(gcr_ctx *ctx, gcr_cell *one)    all members; that of member 0 counts
 *
 * Threads and warps take every k-th cell, so that neighbours write neighbouring results; a block
 * takes the next that nobody has, as its cells take long and differ; all blocks together take each.
 */
#ifndef GCR_CUDA_CRUNCH_H
#define GCR_CUDA_CRUNCH_H

#if GCR_TEAM == GCR_TEAM_WHOLE
#define GCR_TAKES_ANY 0
#else
#define GCR_TAKES_ANY                                                                              \
    (GCR_MEMBERS > 32 || GCR_TEAM == GCR_TEAM_BLOCK || GCR_TEAM == GCR_TEAM_MEMORY)
#endif

GCR_FN void gcr_clear_outputs(gcr_cell *one)
{
    const int first = GCR_OUTPUTS_IN_SCRATCH ? gcr_member() : 0;
    const int stride = GCR_OUTPUTS_IN_SCRATCH ? GCR_MEMBERS : 1;
    const int64_t width = GCR_OUTPUTS_FIXED > 0 ? GCR_OUTPUTS_FIXED : gcr_output_width_of(one->of);

    for (int64_t k = first; k < width; k += stride)
        one->outputs[k] = (gcr_real)gcr_nan_of(0);
    if (GCR_OUTPUTS_IN_SCRATCH)
        gcr_members_barrier();
}

/* What prepare() could not do is the fault of every cell. */
GCR_FN void gcr_compute(const gcr_launch *launch, uint64_t number)
{
    const uint64_t team = gcr_team_index();
    gcr_cell one;
    int fault;
#if !GCR_OUTPUTS_IN_SCRATCH
    gcr_real outputs[GCR_OUTPUTS_FIXED];
#endif

    if (!gcr_find_cell(launch, number, &one))
        return;
    one.scratch = (gcr_real *)launch->scratch + team * launch->scratch_stride;
#if GCR_TEAM == GCR_TEAM_WHOLE
    gcr_whole_begin(one.scratch);
    one.scratch += GCR_WHOLE_VALUES;
#endif
#if GCR_OUTPUTS_IN_SCRATCH
    one.outputs = one.scratch;
#else
    one.outputs = outputs;
#endif
    gcr_clear_outputs(&one);
    fault = one.of->tile.fault != 0 ? *one.of->tile.fault : 0;
    if (fault != 0) {
        gcr_settle(launch, &one, gcr_verdict_of_fault(fault));
    } else {
        gcr_ctx ctx = gcr_ctx_of_cell(launch, &one);

        gcr_settle(launch, &one, gcr_attempt(&ctx, &one));
    }
}

#if GCR_TEAM == GCR_TEAM_GRID
/* The answers of a sub-batch are there: a cell for each block. */
GCR_ENTRY(gcr_finish, gcr_grid_launch)
{
    gcr_compute(&launch.launch, gcr_grid_cell(&launch, gcr_block_index()));
}
#else
/* Where a team is in the list of cells. */
typedef struct gcr_place {
    uint64_t now;
    uint64_t next; /* thread 0 of a block: what it took for the cell after this one */
} gcr_place;

/* The first cells go to the teams in turn. A block takes its next one before it computes, so that
 * nobody waits for the counter. */
GCR_FN gcr_place gcr_place_first(const gcr_launch *launch)
{
    gcr_place place;

    place.now = gcr_team_index();
    place.next = 0;
    if (GCR_TAKES_ANY && gcr_thread_index() == 0)
        place.next = gcr_team_count() + gcr_count_up(launch->counters + 2 * launch->step);
    return place;
}

GCR_FN void gcr_place_next(gcr_place *place, const gcr_launch *launch)
{
#if GCR_TAKES_ANY
    GCR_SHARED uint64_t taken;

    if (gcr_thread_index() == 0) {
        taken = place->next;
        place->next = gcr_team_count() + gcr_count_up(launch->counters + 2 * launch->step);
    }
    gcr_block_barrier();
    place->now = taken;
    gcr_block_barrier(); /* all have read it */
#else
    (void)launch;
    place->now += gcr_team_count();
#endif
}

/* All live cells. */
GCR_ENTRY(gcr_crunch, gcr_launch)
{
    gcr_place place = gcr_place_first(&launch);

    for (; place.now < launch.cell_count; gcr_place_next(&place, &launch))
        gcr_compute(&launch, place.now);
}

/* Those that were not SPD with the jitter of the step before. */
GCR_ENTRY(gcr_retry, gcr_launch)
{
    const uint64_t count = launch.counters[2 * launch.step + 1];
    gcr_place place = gcr_place_first(&launch);

    for (; place.now < count; gcr_place_next(&place, &launch))
        gcr_compute(&launch, launch.retry[launch.step % 2][place.now]);
}
#endif

#endif /* GCR_CUDA_CRUNCH_H */
