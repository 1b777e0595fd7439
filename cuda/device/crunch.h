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
GCR_FN void gcr_compute(const gcr_launch *launch, gcr_cell *one)
{
    int fault;
#if !GCR_OUTPUTS_IN_SCRATCH
    gcr_real outputs[GCR_OUTPUTS_FIXED];
#endif

    one->scratch = (gcr_real *)launch->scratch + gcr_team_index() * launch->scratch_stride;
#if GCR_TEAM == GCR_TEAM_WHOLE
    gcr_whole_begin(one->scratch);
    one->scratch += GCR_WHOLE_VALUES;
#endif
#if GCR_OUTPUTS_IN_SCRATCH
    one->outputs = one->scratch;
#else
    one->outputs = outputs;
#endif
    gcr_clear_outputs(one);
    fault = one->of->tile.fault != 0 ? *one->of->tile.fault : 0;
    if (fault != 0) {
        gcr_settle(launch, one, gcr_verdict_of_fault(fault));
    } else {
        gcr_ctx ctx = gcr_ctx_of_cell(launch, one);

        gcr_settle(launch, one, gcr_attempt(&ctx, one));
    }
}

#if GCR_TEAM == GCR_TEAM_GRID
/* The answers of a sub-batch are there: a cell for each block. */
GCR_ENTRY(gcr_finish, gcr_grid_launch)
{
    gcr_cell one;

    if (gcr_find_cell(&launch.launch, gcr_grid_cell(&launch, gcr_block_index()), &one))
        gcr_compute(&launch.launch, &one);
}
#else
#if GCR_TAKES_ANY
/* Asked for by thread 0, kept for all as soon as it is there, and then read. The first cells go to
 * the blocks in turn. */
GCR_FN uint64_t *gcr_place_kept(void)
{
    GCR_SHARED uint64_t place;

    return &place;
}

GCR_FN uint64_t gcr_place_ask(const gcr_launch *launch, uint64_t before)
{
    (void)before;
    if (gcr_thread_index() != 0)
        return 0;
    return gcr_team_count() + gcr_count_up(launch->counters + 2 * launch->step);
}

GCR_FN void gcr_place_keep(uint64_t asked)
{
    if (gcr_thread_index() == 0)
        *gcr_place_kept() = asked;
}

GCR_FN uint64_t gcr_place_read(uint64_t asked)
{
    uint64_t place;

    (void)asked;
    gcr_block_barrier(); /* it is kept */
    place = *gcr_place_kept();
    gcr_block_barrier(); /* all have read it */
    return place;
}
#else
GCR_FN uint64_t gcr_place_ask(const gcr_launch *launch, uint64_t before)
{
    (void)launch;
    return before + gcr_team_count();
}

GCR_FN void gcr_place_keep(uint64_t asked)
{
    (void)asked;
}

GCR_FN uint64_t gcr_place_read(uint64_t asked)
{
    return asked;
}
#endif

/* Those on `list`, or all if it is NULL. A block asks for its next place before it looks up a cell,
 * which takes as long as the answer: nobody waits for the counter. */
GCR_FN void gcr_compute_cells(const gcr_launch *launch, const uint64_t *list, uint64_t count)
{
    uint64_t place = gcr_team_index();

    while (place < count) {
        const uint64_t next = gcr_place_ask(launch, place);
        gcr_cell one;
        const int is_live = gcr_find_cell(launch, list != 0 ? list[place] : place, &one);

        gcr_place_keep(next);
        if (is_live)
            gcr_compute(launch, &one);
        place = gcr_place_read(next);
    }
}

/* All live cells. */
GCR_ENTRY(gcr_crunch, gcr_launch)
{
    gcr_compute_cells(&launch, 0, launch.cell_count);
}

/* Those that were not SPD with the jitter of the step before. */
GCR_ENTRY(gcr_retry, gcr_launch)
{
    gcr_compute_cells(&launch, launch.retry[launch.step % 2], launch.counters[2 * launch.step + 1]);
}
#endif

#endif /* GCR_CUDA_CRUNCH_H */
