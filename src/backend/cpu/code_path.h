/*
 * backend/cpu/code_path.h -- which of the compiled code paths this processor takes.
 *
 * Each unit is compiled once per path, as files of their own and not by target_clones: gcc lowers
 * vector types before it clones, and macros such as __FMA__ are the same in every clone. Paths with
 * a fused multiply-add round differently from the one without, so the path is part of the device's
 * kind. Header only: units ask it for themselves and link to nothing.
 */
#ifndef GCR_CODE_PATH_H
#define GCR_CODE_PATH_H

/* Matrices with more rows are factored by LAPACK, on every path. At 512 lanes are still 1.9 times as
 * fast (measured with AVX-512; 1.3 times at 1024), but a thread's scratch is as large as LAPACK's
 * for n = 1024. Tests and benches set it to 0. */
#if !defined(GCR_SPD_SQUARES_MAX)
#define GCR_SPD_SQUARES_MAX 512
#endif

typedef enum gcr_code_path {
    GCR_PATH_PLAIN, /* what every processor of this architecture has: 2 lanes      */
    GCR_PATH_V3,    /* x86-64-v3: AVX2, fused multiply-add, 4 lanes                */
    GCR_PATH_V4,    /* x86-64-v4: AVX-512, fused multiply-add, 8 lanes             */
} gcr_code_path;

static inline gcr_code_path gcr_code_path_here(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4"))
        return GCR_PATH_V4;
    if (__builtin_cpu_supports("x86-64-v3"))
        return GCR_PATH_V3;
#endif
    return GCR_PATH_PLAIN;
}

/* As in lanes.h, where they are constants of each path. */
static inline int gcr_code_path_lanes(void)
{
    switch (gcr_code_path_here()) {
    case GCR_PATH_V4: return 8;
    case GCR_PATH_V3: return 4;
    default: return 2;
    }
}

#endif /* GCR_CODE_PATH_H */
