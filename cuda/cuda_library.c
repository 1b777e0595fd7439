/* cuda/cuda_library.c -- see cuda_library.h. */
#include "cuda/cuda_library.h"

#include "base/check.h"

#include <dlfcn.h>
#include <string.h>

enum { FUNCTIONS_MAX = 32 };

static gcr_status bind(const cuda_library *library, void *opened)
{
    gcr_status status = GCR_OK;
    void *found[FUNCTIONS_MAX];

    for (size_t i = 0; i < library->count; i++) {
        found[i] = dlsym(opened, library->names[i]);
        if (found[i] == NULL)
            GCR_FAIL(GCR_EUNSUPPORTED, "%s has no %s, which CUDA 13 has", library->file,
                     library->names[i]);
    }
    memcpy(library->table, found, library->count * sizeof *found); /* ISO C has no cast for this */
out:
    return status;
}

gcr_status gcr_cuda_library_open(cuda_library *library)
{
    gcr_status status = GCR_OK;
    void *opened = NULL;

    pthread_mutex_lock(&library->lock);
    if (library->opened != NULL)
        goto out;
    if (library->count > FUNCTIONS_MAX)
        GCR_FAIL(GCR_EDEVICE, "%s: more than %d functions", library->file, FUNCTIONS_MAX);
    opened = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    if (opened == NULL)
        GCR_FAIL(
            GCR_EUNSUPPORTED,
            "%s is not found: %s; install the CUDA 13 toolkit, or name its folder of libraries "
            "in LD_LIBRARY_PATH",
            library->lacking, dlerror());
    GCR_TRY(bind(library, opened));
    library->opened = opened;
    opened = NULL;
out:
    if (opened != NULL)
        dlclose(opened);
    pthread_mutex_unlock(&library->lock);
    return status;
}
