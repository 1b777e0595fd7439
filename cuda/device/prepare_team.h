/*
 * cuda/device/prepare_team.h -- datasets are prepared, one by each block.
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
    ctx.scratch = (gcr_real *)launch->scratch + gcr_block_index() * launch->scratch_stride;
    ctx.seed = launch->seed;
    ctx.ns_per_tick = launch->ns_per_tick;
    return prepare(&ctx, (gcr_real *)dataset->prepared);
}
#endif

/* What thread 0 says of a dataset counts. */
GCR_ENTRY(gcr_prepare, gcr_prepare_launch)
{
#if defined(GCR_HAS_PREPARE)
    for (uint64_t d = gcr_block_index(); d < launch.dataset_count; d += gcr_block_count()) {
        const int fault = gcr_prepare_dataset(&launch, launch.datasets + d);

        if (gcr_thread_index() == 0)
            *launch.datasets[d].fault = fault;
        gcr_block_barrier(); /* nobody is at the next while others are at this one */
    }
#else
    (void)launch;
#endif
}

#endif /* GCR_CUDA_PREPARE_TEAM_H */
