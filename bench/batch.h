/*
 * bench/batch.h -- how fast a code path and scalar could factor matrices (backend/cpu/cpu_lanes.h):
 * its floors, for bench_cholesky.c.
 */
#ifndef BENCH_BATCH_H
#define BENCH_BATCH_H

#include "gridcrunch/kind.h"

typedef struct batch {
    gcr_code_path path;
    gcr_scalar scalar;
    double (*flops_per_second)(void); /* of multiply-adds without memory: the machine's peak */
    double (*pivot_seconds)(void);    /* from one pivot to the next, if nothing else is done */
} batch;

#endif /* BENCH_BATCH_H */
