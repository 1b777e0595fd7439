/* cuda/cuda_lane.c -- streams, one that waits for another, and what is launched on them. See
 * cuda_backend.h. */
#include "cuda/cuda_backend.h"

/* Dynamic shared memory that every kernel may have: what it declares beside it counts, too. */
enum { SHARED_UNASKED = (48 << 10) - GCR_STATIC_SHARED_BYTES };

/* Beside the default stream, which would wait for all others and they for it. */
gcr_status gcr_cuda_lane_open(cuda_lane *lane)
{
    gcr_status status = GCR_OK;

    *lane = (cuda_lane){ 0 };
    GCR_CUDA("open a stream", cudaStreamCreateWithFlags(&lane->stream, cudaStreamNonBlocking));
    GCR_CUDA("open an event", cudaEventCreateWithFlags(&lane->mark, cudaEventDisableTiming));
out:
    return status;
}

void gcr_cuda_lane_close(cuda_lane *lane)
{
    if (lane->mark != NULL)
        GCR_CUDA_CLOSE(cudaEventDestroy(lane->mark));
    if (lane->stream != NULL)
        GCR_CUDA_CLOSE(cudaStreamDestroy(lane->stream));
    *lane = (cuda_lane){ 0 };
}

gcr_status gcr_cuda_lane_follow(cuda_lane *lane, cuda_lane *other, cuda_seen *seen)
{
    gcr_status status = GCR_OK;

    if (*seen == other->issued)
        goto out;
    if (other->marked != other->issued) {
        GCR_CUDA("record an event", cudaEventRecord(other->mark, other->stream));
        other->marked = other->issued;
    }
    GCR_CUDA("wait for an event", cudaStreamWaitEvent(lane->stream, other->mark, 0));
    *seen = other->issued;
out:
    return status;
}

gcr_status gcr_cuda_lane_clear_meeting(cuda_lane *lane, void *scratch)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("clear where blocks meet",
             cudaMemsetAsync(scratch, 0, sizeof(uint64_t), lane->stream));
    lane->issued++;
out:
    return status;
}

gcr_status gcr_cuda_kernel_allow_shared(cudaKernel_t kernel, const cuda_device *device,
                                        uint64_t bytes)
{
    gcr_status status = GCR_OK;

    if (bytes > SHARED_UNASKED)
        GCR_CUDA("give a block its shared memory",
                 cudaKernelSetAttributeForDevice(kernel,
                                                 cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                 (int)bytes, device->index));
out:
    return status;
}

gcr_status gcr_cuda_kernel_blocks(int *out, cudaKernel_t kernel, const cuda_device *device,
                                  int threads, uint64_t shared_bytes)
{
    gcr_status status = GCR_OK;

    *out = 0;
    GCR_CUDA("ask how many blocks fit", cudaOccupancyMaxActiveBlocksPerMultiprocessor(
                                            out, (const void *)kernel, threads, shared_bytes));
    if (*out < 1)
        GCR_FAIL(GCR_EDEVICE,
                 "a block of %d threads needs more registers or shared memory than a "
                 "multiprocessor of %s has",
                 threads, device->base.info.name);
out:
    return status;
}

gcr_status gcr_cuda_lane_launch(cuda_lane *lane, cudaKernel_t kernel, unsigned blocks,
                                const gcr_variant *variant, void *argument)
{
    gcr_status status = GCR_OK;
    cudaLaunchAttribute together = { .id = cudaLaunchAttributeCooperative,
                                     .val = { .cooperative = 1 } };
    const cudaLaunchConfig_t config = { .gridDim = { blocks, 1, 1 },
                                        .blockDim = { (unsigned)variant->threads, 1, 1 },
                                        .dynamicSmemBytes = variant->shared_bytes,
                                        .stream = lane->stream,
                                        .attrs = &together,
                                        .numAttrs = GCR_IS_ONE_TEAM(variant->team) };
    void *arguments[] = { argument };

    GCR_CUDA("launch a batch", cudaLaunchKernelExC(&config, (const void *)kernel, arguments));
    lane->issued++;
out:
    return status;
}
