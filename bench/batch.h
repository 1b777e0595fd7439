/*
 * bench/batch.h -- the batched factorisation of backend/cpu/spd_batch.h, compiled for each code path
 * and scalar, for bench_cholesky.c.
 */
#ifndef BENCH_BATCH_H
#define BENCH_BATCH_H

#include "gridcrunch/kind.h"

#include <stdint.h>

/* `real` is double or float; `squares` is memory of squares_bytes(n), aligned to 64. */
typedef struct batch {
    gcr_code_path path;
    gcr_scalar scalar;
    int lanes, real_bytes;
    uint64_t (*squares_bytes)(int n);
    void (*pack)(void *squares, const void *matrices, int64_t stride, int n);
    void (*factor)(void *squares, int n, int32_t *minor);
    void (*unpack)(void *squares, void *matrices, int64_t stride, int n);
    double (*flops_per_second)(void); /* of multiply-adds without memory: the machine's peak */
    double (*pivot_seconds)(void);    /* from one pivot to the next, if nothing else is done */
} batch;

#endif /* BENCH_BATCH_H */
