/*
 * gridcrunch/kind.h -- the parts of a kind that a job may choose.
 *
 * The kind is what decides a cell's bits beside its key: the backend, the code path, the scalar,
 * the algorithm and the BLAS behind it. Code paths with a fused multiply-add round differently from
 * the one without, and AVX-512 computes other cells together than AVX2; so a path can be asked for,
 * to get on one processor the bits of another.
 */
#ifndef GCR_KIND_H
#define GCR_KIND_H

#include "gridcrunch/status.h"

#include <stddef.h>

GCR_API_BEGIN

/* Instructions of the processor. A processor that has one path has those before it too. */
typedef enum gcr_code_path {
    GCR_PATH_BEST,  /* of a job: the last that the device has                        */
    GCR_PATH_PLAIN, /* what every processor of the architecture has; all that a GPU has */
    GCR_PATH_V3,    /* x86-64-v3: AVX2, fused multiply-add                           */
    GCR_PATH_V4,    /* x86-64-v4: AVX-512, fused multiply-add                        */
    GCR_PATH_COUNT
} gcr_code_path;

/* What is computed with. Data, axes and results are double in any case. */
typedef enum gcr_scalar { GCR_F64, GCR_F32, GCR_SCALAR_COUNT } gcr_scalar;

/* How the matrices of an SPD kernel are answered. */
typedef enum gcr_algorithm {
    GCR_DIRECT,      /* each by its own Cholesky factor                                       */
    GCR_TRIDIAGONAL, /* from one reduction for all points that differ by a scale and a shift  */
    GCR_ALGORITHM_COUNT
} gcr_algorithm;

/* "best", "plain", "v3" ...: as in a job file. "f64", "f32". The same as a job file calls them,
 * "double", "single". "direct", "tridiagonal". Never NULL. */
const char *gcr_code_path_name(gcr_code_path path);
const char *gcr_scalar_name(gcr_scalar scalar);
const char *gcr_precision_name(gcr_scalar scalar);
const char *gcr_algorithm_name(gcr_algorithm algorithm);

/* Of one value. */
size_t gcr_scalar_bytes(gcr_scalar scalar);

GCR_API_END

#endif /* GCR_KIND_H */
