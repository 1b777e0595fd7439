/*
 * gridcrunch/factor.h -- matrices that are to be factored as they are, without a kernel: what host
 * and devices know of them.
 *
 * A group is matrices of one size, in the layout of the device that has them (backend/backend.h).
 */
#ifndef GCR_FACTOR_H
#define GCR_FACTOR_H

#if !defined(__CUDACC_RTC__) /* NVRTC has no headers, and knows these types from kernel.h */
#include <stdint.h>
#endif

/* What is said of a matrix in place of a minor: an entry is NaN or infinite. */
enum { GCR_FACTOR_NAN = -1 };

typedef struct gcr_factor_group {
    void *matrices; /* [count] in the layout of the device: read and replaced                  */
    void *square;   /* [count][n][n] by columns, the lower triangle; where matrices are moved  */
    int32_t *minor; /* [count] written by factor: 0, it is done; k > 0: its leading minor of   */
                    /* order k is not positive, those before it are; GCR_FACTOR_NAN            */
    uint64_t count;
    int32_t n;
} gcr_factor_group;

#endif /* GCR_FACTOR_H */
