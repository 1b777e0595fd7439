/* cuda/cuda_check.c -- see cuda_check.h. */
#include "cuda/cuda_check.h"

#include <stddef.h>

atomic_int gcr_cuda_lost;

/* driver_types.h of CUDA 13 says of the first block that the process must be terminated and
 * relaunched; after the two below it the GPU itself needs attention. The last two say that nothing
 * is left to call: an error inside the driver, and a context that somebody else took away. */
static int is_fatal(cudaError_t error)
{
    switch (error) {
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorMpsClientTerminated:
    case cudaErrorExternalDevice: return 1;
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable: return 1;
    case cudaErrorUnknown:
    case cudaErrorContextIsDestroyed: return 1;
    default: return 0;
    }
}

gcr_status gcr_cuda_usable(void)
{
    gcr_status status = GCR_OK;
    const int code = atomic_load(&gcr_cuda_lost);

    if (code != 0)
        GCR_FAIL(GCR_EDEVICE,
                 "a GPU of this process was lost (%s); only a new process can use one again",
                 cudaGetErrorName((cudaError_t)code));
out:
    return status;
}

void gcr_cuda_abandon(cudaError_t error)
{
    atomic_store(&gcr_cuda_lost, (int)error);
}

void gcr_cuda_note(cudaError_t error)
{
    if (error == cudaSuccess)
        return;
    if (is_fatal(error))
        atomic_store(&gcr_cuda_lost, (int)error);
    else
        (void)cudaGetLastError();
}

gcr_status gcr_cuda_fail(const char *file, int line, const char *doing, cudaError_t error)
{
    gcr_cuda_note(error);
    if (is_fatal(error))
        return gcr_fail_at(file, line, GCR_EDEVICE,
                           "the GPU was lost: cannot %s: %s (%s); only a new process can use one "
                           "again",
                           doing, cudaGetErrorString(error), cudaGetErrorName(error));
    return gcr_fail_at(file, line, error == cudaErrorMemoryAllocation ? GCR_ENOMEM : GCR_EDEVICE,
                       "cannot %s: %s (%s)", doing, cudaGetErrorString(error),
                       cudaGetErrorName(error));
}
