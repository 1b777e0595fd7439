/* cuda/cuda_unit.c -- see cuda_unit.h. */
#include "cuda/cuda_unit.h"

#include "cuda/cuda_compile.h"

#include "base/text.h"

#include <stdlib.h>

gcr_status gcr_cuda_unit_open(cuda_unit *out, const cuda_device *device, const char *name,
                              const char *entry)
{
    gcr_status status = GCR_OK;
    cuda_source source = { .name = name, .path = name, .text = "" };
    cuda_image image = { 0 };
    char *unit = NULL;

    GCR_TRY(gcr_text_format(&unit, "cuda/device/%s_unit.h", name));
    source.unit = unit;
    GCR_TRY(gcr_cuda_compile_cached(&image, &source, device->capability));
    GCR_CUDA("load the code of a kernel",
             cudaLibraryLoadData(&out->library, image.bytes, NULL, NULL, 0, NULL, NULL, 0));
    GCR_CUDA("find the code of a kernel", cudaLibraryGetKernel(&out->kernel, out->library, entry));
out:
    free(image.log);
    free(image.bytes);
    free(unit);
    if (status != GCR_OK)
        gcr_cuda_unit_close(out);
    return status;
}

void gcr_cuda_unit_close(cuda_unit *unit)
{
    if (unit->library != NULL)
        GCR_CUDA_CLOSE(cudaLibraryUnload(unit->library));
    *unit = (cuda_unit){ 0 };
}

gcr_status gcr_cuda_unit_launch(const cuda_unit *unit, uint64_t blocks, int threads, void *argument,
                                cuda_lane *lane)
{
    gcr_status status = GCR_OK;
    const cudaLaunchConfig_t config = { .gridDim = { (unsigned)blocks, 1, 1 },
                                        .blockDim = { (unsigned)threads, 1, 1 },
                                        .stream = lane->stream };
    void *arguments[] = { argument };

    GCR_CUDA("launch a kernel",
             cudaLaunchKernelExC(&config, (const void *)unit->kernel, arguments));
    lane->issued++;
out:
    return status;
}
