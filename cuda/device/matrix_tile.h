/*
 * cuda/device/matrix_tile.h -- 8 x 8 values in the registers of a warp, and what a Cholesky factor
 * is made of: products of two tiles, and the inverse of a triangle.
 *
 * Thread 4 r + q of the warp holds the values (r, 2 q) and (r, 2 q + 1). That is how the tensor
 * cores give the result of an 8 x 8 x 4 product, and, as a sum may be taken in any order, also how
 * they can be given both factors of A B': the columns 0, 2, 4, 6 of A and B first, then 1, 3, 5, 7.
 * So tiles are multiplied without moving a value between threads.
 *
 * In place of the triangle on the diagonal its inverse is kept, W = inv(L): then all divisions by
 * it are products of tiles too. Only gcr_tile_invert_factor() has a chain of operations that each
 * wait for the one before: 8 times a broadcast, an inverse root and a multiply-add.
 *
 * Predicted for sm_90 (derived): a product of tiles is 2 instructions of the tensor cores, 4 clocks
 * of a multiprocessor (8 if m8n8k4 runs at half rate); the inverse of a factor 8 x 45 instructions
 * of one warp, 96 of them shuffles of the 32 lanes, and 8 x 100 clocks from end to end.
 *
 * Rejected: columns or rows of the matrix in the threads of a warp (each product needs a shuffle:
 * 1056 for n = 32, where a multiprocessor does one in a clock; and two thirds of the threads idle).
 */
#ifndef GCR_CUDA_MATRIX_TILE_H
#define GCR_CUDA_MATRIX_TILE_H

#include "cuda/device/pivots.h"

enum { GCR_TILE = 8, GCR_TILE_VALUES = 64 };

typedef struct gcr_tile {
    gcr_real at[2];
} gcr_tile;

GCR_FN int gcr_lane(void)
{
    return gcr_thread_index() % 32;
}

GCR_FN int gcr_tile_row(void)
{
    return gcr_lane() / 4;
}

/* Of the first of the two values. */
GCR_FN int gcr_tile_column(void)
{
    return 2 * (gcr_lane() % 4);
}

GCR_FN gcr_tile gcr_tile_of(gcr_real first, gcr_real second)
{
    gcr_tile tile;

    tile.at[0] = first;
    tile.at[1] = second;
    return tile;
}

GCR_FN gcr_tile gcr_tile_zero(void)
{
    return gcr_tile_of(0, 0);
}

GCR_FN gcr_tile gcr_tile_identity(void)
{
    const int off = gcr_tile_row() - gcr_tile_column();

    return gcr_tile_of(off == 0 ? 1 : 0, off == 1 ? 1 : 0);
}

/* ---- in memory: by rows, on an even place --------------------------------------------- */

GCR_FN gcr_tile gcr_tile_load(const gcr_real *from)
{
    gcr_tile tile;

    gcr_load_two(tile.at, from + 2 * gcr_lane());
    return tile;
}

GCR_FN void gcr_tile_store(gcr_real *to, const gcr_tile *tile)
{
    gcr_store_two(to + 2 * gcr_lane(), tile->at);
}

/* Of the transposed tile. */
GCR_FN gcr_tile gcr_tile_load_across(const gcr_real *from)
{
    const gcr_real *own = from + GCR_TILE * gcr_tile_column() + gcr_tile_row();

    return gcr_tile_of(own[0], own[GCR_TILE]);
}

/* ---- products -------------------------------------------------------------------------------- */

#if defined(GCR_SINGLE)
/* c += a b': 24 values from other threads for 16 multiply-adds. */
GCR_FN void gcr_tile_add_product(gcr_tile *c, const gcr_tile *a, const gcr_tile *b)
{
    GCR_UNROLL
    for (int k = 0; k < GCR_TILE; k++) {
        const gcr_real left = gcr_warp_read(a->at[k % 2], 4 * gcr_tile_row() + k / 2);

        GCR_UNROLL
        for (int e = 0; e < 2; e++)
            c->at[e] = gcr_fma(
                left, gcr_warp_read(b->at[k % 2], 4 * (gcr_tile_column() + e) + k / 2), c->at[e]);
    }
}
#else
/* c += a b'. */
GCR_FN void gcr_tile_add_product(gcr_tile *c, const gcr_tile *a, const gcr_tile *b)
{
    gcr_multiply_matrices(c->at, a->at[0], b->at[0]);
    gcr_multiply_matrices(c->at, a->at[1], b->at[1]);
}
#endif

/* c -= a b'. */
GCR_FN void gcr_tile_subtract_product(gcr_tile *c, const gcr_tile *a, const gcr_tile *b)
{
    const gcr_tile minus = gcr_tile_of(-a->at[0], -a->at[1]);

    gcr_tile_add_product(c, &minus, b);
}

/* a b'. */
GCR_FN gcr_tile gcr_tile_product(const gcr_tile *a, const gcr_tile *b)
{
    gcr_tile c = gcr_tile_zero();

    gcr_tile_add_product(&c, a, b);
    return c;
}

GCR_FN gcr_tile gcr_tile_transpose(const gcr_tile *tile)
{
    const int row = gcr_tile_row(), from = 4 * gcr_tile_column() + row / 2;
    const gcr_real even = gcr_warp_read(tile->at[0], from);
    const gcr_real odd = gcr_warp_read(tile->at[1], from);
    const gcr_real even_below = gcr_warp_read(tile->at[0], from + 4);
    const gcr_real odd_below = gcr_warp_read(tile->at[1], from + 4);

    return row % 2 == 0 ? gcr_tile_of(even, even_below) : gcr_tile_of(odd, odd_below);
}

/* In the threads of a row, the sum of the squares of that row. */
GCR_FN gcr_real gcr_row_sum(gcr_real sum)
{
    sum += gcr_warp_read(sum, gcr_lane() ^ 1);
    return sum + gcr_warp_read(sum, gcr_lane() ^ 2);
}

GCR_FN gcr_real gcr_tile_add_squares(gcr_real sum, const gcr_tile *tile)
{
    return gcr_fma(tile->at[1], tile->at[1], gcr_fma(tile->at[0], tile->at[0], sum));
}

/* ---- the diagonal ---------------------------------------------------------------------------- */

/* What the pivots say so far. */
typedef struct gcr_pivots {
    gcr_real own; /* in lanes 0 .. 7: that of this column of the last tile */
    int minor;    /* the first that is not positive, counted from 1; 0: none. In all lanes */
} gcr_pivots;

/*
 * The inverse of the Cholesky factor of `c`, of which the lower triangle is read, and the factor
 * itself, `l`, with zeros above it: nobody computes what nobody reads. `first` is the row of the
 * matrix that the tile begins in. What is done to c below the diagonal is done to the identity at the
 * same time, which becomes inv(L).
 */
GCR_FN gcr_tile gcr_tile_invert_factor(gcr_tile c, int first, gcr_pivots *pivots, gcr_tile *l)
{
    const int row = gcr_tile_row(), column = gcr_tile_column(), quarter = gcr_lane() % 4;
    gcr_tile w = gcr_tile_identity();

    *l = gcr_tile_zero();
    GCR_UNROLL
    for (int j = 0; j < GCR_TILE; j++) {
        const gcr_real value = c.at[j % 2];
        const gcr_real pivot = gcr_warp_read(value, 4 * j + j / 2);
        const gcr_real inverse = gcr_inverse_root(pivot);
        const gcr_real own = gcr_warp_read(value, 4 * row + j / 2) * inverse; /* L(row, j) */
        const gcr_real left = gcr_warp_read(value, 4 * column + j / 2) * inverse;
        const gcr_real right = gcr_warp_read(value, 4 * column + 4 + j / 2) * inverse;
        const gcr_real w_left = gcr_warp_read(w.at[0], 4 * j + quarter) * inverse;
        const gcr_real w_right = gcr_warp_read(w.at[1], 4 * j + quarter) * inverse;

        if (!gcr_pivot_is_good(pivot) && pivots->minor == 0)
            pivots->minor = first + j + 1;
        if (gcr_lane() == j)
            pivots->own = pivot;
        if (row >= j && column == j - j % 2)
            l->at[j % 2] = own;
        c.at[0] = gcr_fma(-own, left, c.at[0]); /* of use to the right of column j only */
        c.at[1] = gcr_fma(-own, right, c.at[1]);
        if (row == j)
            w = gcr_tile_of(w_left, w_right);
        else if (row > j)
            w = gcr_tile_of(gcr_fma(-own, w_left, w.at[0]), gcr_fma(-own, w_right, w.at[1]));
    }
    return w;
}

#endif /* GCR_CUDA_MATRIX_TILE_H */
