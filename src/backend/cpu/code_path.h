/*
 * backend/cpu/code_path.h -- which code path this processor takes, and where LAPACK takes over.
 *
 * Each unit is compiled once per path, as files of their own and not by target_clones: gcc lowers
 * vector types before it clones, and macros such as __FMA__ are the same in every clone.
 */
#ifndef GCR_CODE_PATH_H
#define GCR_CODE_PATH_H

#include "gridcrunch/kind.h"

/* Matrices with more rows are factored by LAPACK, on every path. At 512 lanes are still 1.6 times
 * as fast (measured with AVX-512 on Zen 4), but a thread's scratch is as large as LAPACK's for
 * n = 1024. Tests and benches set it to 0. */
#if !defined(GCR_SPD_SQUARES_MAX)
#define GCR_SPD_SQUARES_MAX 512
#endif

/* Matrices with more rows are reduced by LAPACK. Side by side is still several times as fast here
 * (measured with AVX-512); at 512 rows the matrices of a thread would take 25 MB. */
#if !defined(GCR_REDUCE_LANES_MAX)
#define GCR_REDUCE_LANES_MAX 256
#endif

/* A build may leave out paths from the end. */
#if !defined(GCR_LAST_CODE_PATH)
#define GCR_LAST_CODE_PATH GCR_PATH_V4
#endif

/* The last path that both the processor and this build have. */
static inline gcr_code_path gcr_code_path_here(void)
{
#if defined(__x86_64__)
    if (GCR_LAST_CODE_PATH >= GCR_PATH_V4 && __builtin_cpu_supports("x86-64-v4"))
        return GCR_PATH_V4;
    if (GCR_LAST_CODE_PATH >= GCR_PATH_V3 && __builtin_cpu_supports("x86-64-v3"))
        return GCR_PATH_V3;
#endif
    return GCR_PATH_PLAIN;
}

#endif /* GCR_CODE_PATH_H */
