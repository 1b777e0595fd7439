/*
 * cuda/device/factor_thread.h -- each thread has a matrix: 32 that stand side by side for a warp.
 *
 * Part of factor_unit.h. Memory is all that these wait for: a matrix of 8 rows is 36 values up and
 * down and 200 operations. All loads of a matrix come before its first operation, so that a warp
 * waits for them together: 9 KB with 8 rows of doubles, 20 KB with 12.
 */
#ifndef GCR_CUDA_FACTOR_THREAD_H
#define GCR_CUDA_FACTOR_THREAD_H

#include "cuda/device/cholesky_thread.h"

enum { GCR_CHUNK = 32 };

/* Where the matrix of this thread begins. */
GCR_FN gcr_real *gcr_chunk_of(const gcr_factor_group *group, uint64_t item)
{
    return (gcr_real *)group->matrices +
           item * (uint64_t)(GCR_CHUNK * gcr_factor_stride(1, group->n)) +
           gcr_thread_index() % GCR_CHUNK;
}

GCR_FN uint64_t gcr_chunk_matrix(uint64_t item)
{
    return item * GCR_CHUNK + (uint64_t)(gcr_thread_index() % GCR_CHUNK);
}

GCR_FN void gcr_chunk_load(gcr_small_factor *factor, const gcr_real *from, int n)
{
    GCR_UNROLL
    for (int i = 0; i < GCR_ROWS; i++) {
        GCR_UNROLL
        for (int j = 0; j <= i; j++)
            factor->entry[GCR_AT(i, j)] = i < n ? from[GCR_CHUNK * GCR_AT(i, j)] : i == j;
    }
}

GCR_FN void gcr_chunk_store(gcr_real *to, const gcr_small_factor *factor, int n)
{
    GCR_UNROLL
    for (int i = 0; i < GCR_ROWS; i++) {
        GCR_UNROLL
        for (int j = 0; j <= i; j++)
            if (i < n)
                to[GCR_CHUNK * GCR_AT(i, j)] = factor->entry[GCR_AT(i, j)];
    }
}

/* The matrix is still in memory. */
GCR_FN int gcr_chunk_has_bad_entry(const gcr_real *from, int n)
{
    int is_bad = 0;

    GCR_ROLL
    for (int k = 0; k < GCR_AT(n, 0); k++)
        is_bad |= !gcr_is_finite(from[GCR_CHUNK * k]);
    return is_bad;
}

/* Behind the last matrix there is room and nothing in it that matters. */
GCR_FN void gcr_factor_item(const gcr_factor_group *group, uint64_t item)
{
    gcr_real *const own = gcr_chunk_of(group, item);
    const uint64_t matrix = gcr_chunk_matrix(item);
    gcr_small_factor factor;

    gcr_chunk_load(&factor, own, group->n);
    gcr_small_eliminate(&factor, 1);
    if (factor.minor != 0 && gcr_chunk_has_bad_entry(own, group->n))
        factor.minor = GCR_FACTOR_NAN;
    gcr_chunk_store(own, &factor, group->n);
    if (matrix < group->count)
        group->minor[matrix] = factor.minor;
}

/* From or to columns; matrices behind the last are the identity. */
GCR_FN void gcr_factor_move(const gcr_factor_group *group, uint64_t item, int is_pack)
{
    gcr_real *const own = gcr_chunk_of(group, item);
    const int64_t n = group->n;
    const uint64_t matrix = gcr_chunk_matrix(item);
    gcr_real *const square = (gcr_real *)group->square + matrix * (uint64_t)(n * n);

    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            gcr_real *const entry = own + GCR_CHUNK * GCR_AT(i, j);

            if (is_pack)
                *entry = matrix < group->count ? square[i + j * n] : i == j;
            else if (matrix < group->count)
                square[i + j * n] = *entry;
        }
}

#endif /* GCR_CUDA_FACTOR_THREAD_H */
