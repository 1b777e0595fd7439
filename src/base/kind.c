/* base/kind.c -- the words for code paths, scalars and algorithms, in jobs, results and
 * sentences. */
#include "gridcrunch/kind.h"

const char *gcr_code_path_name(gcr_code_path path)
{
    static const char *const names[GCR_PATH_COUNT] = {
        [GCR_PATH_BEST] = "best",
        [GCR_PATH_PLAIN] = "plain",
        [GCR_PATH_V3] = "v3",
        [GCR_PATH_V4] = "v4",
    };
    return (unsigned)path < GCR_PATH_COUNT ? names[path] : "unknown";
}

const char *gcr_scalar_name(gcr_scalar scalar)
{
    static const char *const names[GCR_SCALAR_COUNT] = { [GCR_F64] = "f64", [GCR_F32] = "f32" };

    return (unsigned)scalar < GCR_SCALAR_COUNT ? names[scalar] : "unknown";
}

const char *gcr_precision_name(gcr_scalar scalar)
{
    static const char *const names[GCR_SCALAR_COUNT] = {
        [GCR_F64] = "double", [GCR_F32] = "single"
    };

    return (unsigned)scalar < GCR_SCALAR_COUNT ? names[scalar] : "unknown";
}

size_t gcr_scalar_bytes(gcr_scalar scalar)
{
    return scalar == GCR_F32 ? sizeof(float) : sizeof(double);
}

const char *gcr_algorithm_name(gcr_algorithm algorithm)
{
    static const char *const names[GCR_ALGORITHM_COUNT] = {
        [GCR_DIRECT] = "direct",
        [GCR_TRIDIAGONAL] = "tridiagonal",
    };
    return (unsigned)algorithm < GCR_ALGORITHM_COUNT ? names[algorithm] : "unknown";
}
