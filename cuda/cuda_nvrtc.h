/*
 * cuda/cuda_nvrtc.h -- CUDA's run-time compiler, opened when it is needed.
 *
 * It is 110 MB, and a run whose kernels are all in the cache only asks for its version.
 */
#ifndef GCR_CUDA_NVRTC_H
#define GCR_CUDA_NVRTC_H

#include "gridcrunch/status.h"

#include <nvrtc.h>

/* The functions that are called, by their names. */
typedef struct cuda_nvrtc {
    __typeof__(nvrtcVersion) *version;
    __typeof__(nvrtcGetErrorString) *error_string;
    __typeof__(nvrtcGetNumSupportedArchs) *arch_count;
    __typeof__(nvrtcGetSupportedArchs) *archs;
    __typeof__(nvrtcCreateProgram) *create;
    __typeof__(nvrtcDestroyProgram) *destroy;
    __typeof__(nvrtcCompileProgram) *compile;
    __typeof__(nvrtcGetProgramLogSize) *log_bytes;
    __typeof__(nvrtcGetProgramLog) *log;
    __typeof__(nvrtcGetCUBINSize) *cubin_bytes;
    __typeof__(nvrtcGetCUBIN) *cubin;
    __typeof__(nvrtcGetPTXSize) *ptx_bytes;
    __typeof__(nvrtcGetPTX) *ptx;
} cuda_nvrtc;

/* Belongs to the process. GCR_EUNSUPPORTED: it is not on this machine. */
GCR_MUST_CHECK gcr_status gcr_cuda_nvrtc(const cuda_nvrtc **out);

#endif /* GCR_CUDA_NVRTC_H */
