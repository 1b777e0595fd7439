/*
 * cuda/blocked.h -- the Cholesky factor of a large matrix as products of blocks: what follows what.
 *
 * A matrix stands by columns, with `sides` right-hand sides b as the columns behind it:
 *
 *     above the diagonal   the entries, (j, i) for (i, j); then nothing of use
 *     below it             the factor L, and in row `rows` + s of it inv(L) b, as it is made
 *     blocks on it         the entries; then the inverse W of the triangle that L has there
 *
 * so that no step reads what it writes, and no block is moved. There are three steps:
 *
 *     diagonal   of columns f ..: the factor of a block and its inverse, by a kernel of our own
 *     divide     L(R, f) = A(f, R)' W'                     one product
 *     update     A(C, R) -= L(C, K) L(R, K)'               a product for each block of C
 *
 * and they come recursively: the left half of the columns, what it subtracts from the right half,
 * the right half. So K is as long as can be: n^2 log n entries are read and written in place of
 * n^3 / 384. The order depends on `rows` alone.
 *
 * Plain C17 without CUDA: cuda_large.c gives the steps to cuBLAS, tests to the BLAS of the host.
 */
#ifndef GCR_CUDA_BLOCKED_H
#define GCR_CUDA_BLOCKED_H

#include "cuda/launch.h"

#include "gridcrunch/status.h"

/* C = alpha A' B' + beta C, or with A in place of A'. Places are values from the beginning of the
 * matrix; C is m x n, and the sums have k terms. */
typedef struct gcr_product {
    int a_is_across;
    int64_t m, n, k;
    int64_t a, b, c;
    double alpha, beta; /* beta 0: C is not read */
} gcr_product;

typedef struct gcr_blocked {
    int64_t rows, sides; /* rows: a multiple of 8 */
    int64_t ld;          /* values from column to column, >= rows + sides */

    /* Each may fail, which ends the factorisation. `diagonal`: of `count` rows, which are several
     * blocks where L is there. */
    gcr_status (*diagonal)(void *arg, int64_t first, int64_t count);
    gcr_status (*multiply)(void *arg, const gcr_product *product);
    void *arg;
} gcr_blocked;

GCR_MUST_CHECK gcr_status gcr_blocked_factor(const gcr_blocked *of);

/* Where L is there already, by someone else's hand: makes W of its blocks and solves for the
 * sides. */
GCR_MUST_CHECK gcr_status gcr_blocked_solve(const gcr_blocked *of);

#endif /* GCR_CUDA_BLOCKED_H */
