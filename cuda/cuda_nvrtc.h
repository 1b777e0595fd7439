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
    nvrtcResult (*version)(int *major, int *minor);
    const char *(*error_string)(nvrtcResult result);
    nvrtcResult (*arch_count)(int *count);
    nvrtcResult (*archs)(int *archs);
    nvrtcResult (*create)(nvrtcProgram *program, const char *text, const char *name,
                          int header_count, const char *const *headers,
                          const char *const *header_names);
    nvrtcResult (*destroy)(nvrtcProgram *program);
    nvrtcResult (*compile)(nvrtcProgram program, int option_count, const char *const *options);
    nvrtcResult (*log_bytes)(nvrtcProgram program, size_t *bytes);
    nvrtcResult (*log)(nvrtcProgram program, char *text);
    nvrtcResult (*cubin_bytes)(nvrtcProgram program, size_t *bytes);
    nvrtcResult (*cubin)(nvrtcProgram program, char *cubin);
    nvrtcResult (*ptx_bytes)(nvrtcProgram program, size_t *bytes);
    nvrtcResult (*ptx)(nvrtcProgram program, char *ptx);
} cuda_nvrtc;

/* Belongs to the process. GCR_EUNSUPPORTED: it is not on this machine. */
GCR_MUST_CHECK gcr_status gcr_cuda_nvrtc(const cuda_nvrtc **out);

#endif /* GCR_CUDA_NVRTC_H */
