/* cuda/cuda_versions.c -- which cuBLAS and cuSOLVER decide bits. See cuda_blas.h. */
#include "cuda/cuda_blas.h"
#include "cuda/launch.h"

#include <stdio.h>
#include <string.h>

static void add_version(char *out, size_t bytes, const char *name, const int version[3])
{
    const size_t used = strlen(out);

    snprintf(out + used, bytes - used, ", %s %d.%d.%d", name, version[0], version[1], version[2]);
}

void gcr_cuda_library_versions(char *out, size_t bytes, const gcr_crossovers *crossovers,
                               int64_t matrix_rows)
{
    const cuda_blas *blas;
    const cuda_solver *solver;
    int version[3] = { 0 };

    out[0] = '\0';
    if (crossovers->blocked_rows == 0 || matrix_rows < crossovers->blocked_rows)
        return;
    if (gcr_cuda_blas(&blas) == GCR_OK) {
        for (int k = 0; k < 3; k++)
            (void)blas->get_property((libraryPropertyType)k, &version[k]);
        add_version(out, bytes, "cuBLAS", version);
    }
    if (matrix_rows >= crossovers->solver_rows && gcr_cuda_solver(&solver) == GCR_OK) {
        for (int k = 0; k < 3; k++)
            (void)solver->get_property((libraryPropertyType)k, &version[k]);
        add_version(out, bytes, "cuSOLVER", version);
    }
}
