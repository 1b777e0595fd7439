/*
 * backend/cpu/cpu_lanes.h -- factors of as many matrices as a vector has lanes (spd_batch.h),
 * compiled for each code path and precision.
 */
#ifndef GCR_CPU_LANES_TABLE_H
#define GCR_CPU_LANES_TABLE_H

#include "gridcrunch/kind.h"

#include <stdint.h>

/* `squares` is memory of squares_bytes(n), aligned to 64; the matrices of a group of `lanes` are
 * n^2 numbers apart; `count` <= lanes of them are there. */
typedef struct gcr_cpu_lanes {
    gcr_code_path path;
    gcr_scalar scalar;
    int lanes;
    uint64_t (*squares_bytes)(int n);
    void (*pack)(void *squares, const void *matrices, int n, int count);
    void (*find_bad)(void *squares, int n, int32_t *bad); /* 0, or -1: an entry is not finite */
    void (*factor)(void *squares, int n, int32_t *minor); /* 0, or the first that is bad      */
    void (*unpack)(void *squares, void *matrices, int n, int count);
} gcr_cpu_lanes;

/* NULL: this build has none. */
const gcr_cpu_lanes *gcr_cpu_lanes_find(gcr_code_path path, gcr_scalar scalar);

#endif /* GCR_CPU_LANES_TABLE_H */
