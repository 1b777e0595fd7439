/* bench/blas.c -- the BLAS of rivals that run in this process. */
#include "bench.h"

#include "backend/cpu/cpu_blas.h"

#include <stddef.h>

void bench_blas_begin(void)
{
    char *(*corename)(void);

    gcr_cpu_blas_begin();
    gcr_cpu_blas_find(&corename, "openblas_get_corename");
    bench_say("BLAS core: %s", corename != NULL ? corename() : "unknown");
}
