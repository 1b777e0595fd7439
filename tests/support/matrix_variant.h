/* tests/support/matrix_variant.h -- products and factors of a team of a device, for twin_run(). */
#ifndef GCR_MATRIX_VARIANT_H
#define GCR_MATRIX_VARIANT_H

#include "gridcrunch/kind.h"

#include <stdint.h>

/* Arrays of the variant's scalars. */
typedef struct matrix_launch {
    void *meeting; /* [GCR_WHOLE_VALUES], the first 8 bytes 0; of all blocks, else NULL */
    int64_t n, rows;
    const void *x;  /* [n][rows]                              */
    void *triangle; /* the Gram matrix, or what is factored   */
    void *side;     /* [n]                                    */
    int64_t *minor; /* [1] what the team's functions return   */
} matrix_launch;

typedef struct matrix_variant {
    const char *name;
    gcr_scalar scalar;
    int is_whole, threads;
    int part; /* rows of what is computed at a time */
    int64_t shared_bytes, meeting_bytes;
    void (*gram)(const void *launch);
    void (*factor)(const void *launch);
    void (*solve)(const void *launch);
} matrix_variant;

#endif /* GCR_MATRIX_VARIANT_H */
