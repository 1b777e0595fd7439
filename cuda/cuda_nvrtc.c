/* cuda/cuda_nvrtc.c -- see cuda_nvrtc.h. Tests have another file in its place. */
#include "cuda/cuda_nvrtc.h"

#include "cuda/cuda_library.h"

#include "base/check.h"

static cuda_nvrtc table;

/* The functions of `table`, in its order. */
static const char *const names[] = {
    "nvrtcVersion",
    "nvrtcGetErrorString",
    "nvrtcGetNumSupportedArchs",
    "nvrtcGetSupportedArchs",
    "nvrtcCreateProgram",
    "nvrtcDestroyProgram",
    "nvrtcCompileProgram",
    "nvrtcGetProgramLogSize",
    "nvrtcGetProgramLog",
    "nvrtcGetCUBINSize",
    "nvrtcGetCUBIN",
    "nvrtcGetPTXSize",
    "nvrtcGetPTX",
};

_Static_assert(sizeof(cuda_nvrtc) == sizeof names / sizeof names[0] * sizeof(void *),
               "a name for each function");

static cuda_library library = CUDA_LIBRARY(
    names, table, .file = "libnvrtc.so.13", .parts = "libnvrtc-builtins.so.*",
    .lacking = "kernels cannot be compiled for a GPU, because CUDA's run-time compiler",
    .package = "the CUDA 13 toolkit");

gcr_status gcr_cuda_nvrtc(const cuda_nvrtc **out)
{
    *out = &table;
    return gcr_cuda_library_open(&library);
}
