/*
 * cuda/device/cell_team.h -- cell kernels: the team is a thread or a block, and the kernel does the
 * rest.
 *
 * Part of device_unit.h. Registers and cost are the kernel's own.
 */
#ifndef GCR_CUDA_CELL_TEAM_H
#define GCR_CUDA_CELL_TEAM_H

/* A cell kernel has no matrix that jitter could be added to. */
GCR_FN gcr_verdict gcr_attempt(gcr_ctx *ctx, gcr_cell *one)
{
    int fault;

    ctx->scratch = one->scratch + gcr_cell_scratch_at(gcr_output_width_of(one->of));
    fault = cell(ctx, one->outputs);
    gcr_members_barrier(); /* all outputs are there, and nobody is at this cell any more */
    return gcr_verdict_of_fault(fault);
}

#endif /* GCR_CUDA_CELL_TEAM_H */
