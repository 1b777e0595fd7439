/*
 * cuda/device/prepare_team.h -- datasets are prepared, one by each block, or one after the other by
 * all.
 *
 * Part of device_unit.h, after the kernel.
 */
#ifndef GCR_CUDA_PREPARE_TEAM_H
#define GCR_CUDA_PREPARE_TEAM_H

#if defined(GCR_HAS_PREPARE)
GCR_FN int gcr_prepare_dataset(const gcr_prepare_launch *launch, const gcr_launch_dataset *dataset)
{
    gcr_ctx ctx = { 0 };

    ctx.data = dataset->data;
    ctx.option = launch->option;
    ctx.scratch = (gcr_real *)launch->scratch;
    ctx.scratch +=
        GCR_IS_WHOLE_TEAM ? GCR_WHOLE_VALUES : gcr_block_index() * launch->scratch_stride;
    ctx.seed = launch->seed;
    ctx.ns_per_tick = launch->ns_per_tick;
    return prepare(&ctx, (gcr_real *)dataset->prepared);
}
#endif

/* What member 0 of the team says of a dataset counts. Nobody is at the next while others are at
 * one. */
GCR_ENTRY(gcr_prepare, gcr_prepare_launch)
{
#if defined(GCR_HAS_PREPARE)
    const gcr_ctx team = { 0 };
    uint64_t d = GCR_IS_WHOLE_TEAM ? 0 : gcr_block_index();

    if (GCR_IS_WHOLE_TEAM)
        gcr_whole_begin(launch.scratch);
    for (; d < launch.dataset_count; d += GCR_IS_WHOLE_TEAM ? 1 : gcr_block_count()) {
        const int fault = gcr_prepare_dataset(&launch, launch.datasets + d);

        if (gcr_team_rank(&team) == 0)
            *launch.datasets[d].fault = fault;
        gcr_team_barrier(&team);
    }
#else
    (void)launch;
#endif
}

#endif /* GCR_CUDA_PREPARE_TEAM_H */
