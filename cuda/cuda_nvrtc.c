/* cuda/cuda_nvrtc.c -- see cuda_nvrtc.h. Tests have another file in its place. */
#include "cuda/cuda_nvrtc.h"

#include "base/check.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The soname of the toolkit that this was built with: any minor version of it will do. */
#define LIBRARY "libnvrtc.so.13"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cuda_nvrtc table;
static void *library;

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

static gcr_status bind(void *from)
{
    gcr_status status = GCR_OK;
    void *found[sizeof names / sizeof names[0]];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        found[i] = dlsym(from, names[i]);
        if (found[i] == NULL)
            GCR_FAIL(GCR_EUNSUPPORTED, "%s has no %s, which CUDA 13 has", LIBRARY, names[i]);
    }
    memcpy(&table, found, sizeof table); /* ISO C has no cast between the two kinds of pointers */
out:
    return status;
}

gcr_status gcr_cuda_nvrtc(const cuda_nvrtc **out)
{
    gcr_status status = GCR_OK;
    void *opened = NULL;

    *out = &table;
    pthread_mutex_lock(&lock);
    if (library != NULL)
        goto out;
    opened = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (opened == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "kernels cannot be compiled for a GPU, because CUDA's run-time compiler is not "
                 "found: %s; install the CUDA 13 toolkit, or name its folder of libraries in "
                 "LD_LIBRARY_PATH",
                 dlerror());
    GCR_TRY(bind(opened));
    library = opened;
    opened = NULL;
out:
    if (opened != NULL)
        dlclose(opened);
    pthread_mutex_unlock(&lock);
    return status;
}
