/*
 * cuda/device/matrix_tile.h -- 8 x 8 values in the registers of a warp, and what a Cholesky factor
 * is made of: products of two tiles, and the inverse of a triangle.
 *
 * Thread 4 r + q of the warp holds the values (r, 2 q) and (r, 2 q + 1). That is how the tensor
 * cores give the result of an 8 x 8 x 4 product, and, as a sum may be taken in any order, also how
 * they can be given both factors of A B': the columns 0, 2, 4, 6 of A and B first, then 1, 3, 5, 7.
 * So tiles of doubles are multiplied without moving a value between threads.
 *
 * Floats are multiplied by the vector pipe, as tensor cores round them to 10 bits. A thread then
 * needs row r of A and rows 2 q and 2 q + 1 of B: from memory 6 loads of four values, from
 * registers 24 values of other threads, where one that is gathered is used for as many products as
 * there are.
 *
 * In place of the triangle on the diagonal its inverse is kept, W = inv(L): then all divisions by
 * it are products of tiles too. Only gcr_tile_invert_factor() has a chain of operations that each
 * wait for the one before: 8 times a broadcast, an inverse root and a multiply-add.
 *
 * Predicted for sm_90 (derived): a product of tiles is 2 instructions of the tensor cores, 4 clocks
 * of a multiprocessor (8 if m8n8k4 runs at half rate); of floats 16 multiply-adds of a warp, also 4
 * clocks, beside 8 of shared memory, or a clock for each value that a thread is given by another.
 * The inverse of a factor is 8 x 45 instructions of one warp, 96 of them shuffles of the 32 lanes,
 * and 8 x 100 clocks from end to end.
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

/* A tile of the lower triangle. */
typedef struct gcr_tile_place {
    int row, column;
} gcr_tile_place;

/* The tile that stands `count` behind `place`, by rows. */
GCR_FN gcr_tile_place gcr_tile_place_behind(gcr_tile_place place, int count)
{
    place.column += count;
    while (place.column > place.row)
        place.column -= ++place.row;
    return place;
}

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

/* ---- products -------------------------------------------------------------------------------- */

/*
 * a b' is a sum of parts, in each of which a thread has one value of a and one or two of b: of
 * doubles two, each four columns of a and b; of floats eight, a column each.
 */
#if defined(GCR_SINGLE)
enum { GCR_PARTS = 8, GCR_PART_RIGHT = 2 };
#else
enum { GCR_PARTS = 2, GCR_PART_RIGHT = 1 };
#endif

/* What a thread needs of a tile to multiply with it: as a, and as b. */
typedef struct gcr_left {
    gcr_real part[GCR_PARTS];
} gcr_left;

typedef struct gcr_right {
    gcr_real part[GCR_PARTS][GCR_PART_RIGHT];
} gcr_right;

#if defined(GCR_SINGLE)
GCR_FN gcr_real gcr_left_part(const gcr_tile *a, int part)
{
    return gcr_warp_read(a->at[part % 2], 4 * gcr_tile_row() + part / 2);
}

GCR_FN void gcr_right_part(gcr_real right[GCR_PART_RIGHT], const gcr_tile *b, int part)
{
    right[0] = gcr_warp_read(b->at[part % 2], 4 * gcr_tile_column() + part / 2);
    right[1] = gcr_warp_read(b->at[part % 2], 4 * gcr_tile_column() + 4 + part / 2);
}

GCR_FN void gcr_tile_add_part(gcr_tile *c, gcr_real left, const gcr_real right[GCR_PART_RIGHT])
{
    c->at[0] = gcr_fma(left, right[0], c->at[0]);
    c->at[1] = gcr_fma(left, right[1], c->at[1]);
}

/* In memory, as gcr_tile_load() has it. */
GCR_FN gcr_left gcr_left_load(const gcr_real *from)
{
    gcr_left left;

    gcr_load_four(left.part, from + GCR_TILE * gcr_tile_row());
    gcr_load_four(left.part + 4, from + GCR_TILE * gcr_tile_row() + 4);
    return left;
}

GCR_FN gcr_right gcr_right_load(const gcr_real *from)
{
    gcr_right right;

    GCR_UNROLL
    for (int e = 0; e < 2; e++) {
        gcr_real row[GCR_TILE];

        gcr_load_four(row, from + GCR_TILE * (gcr_tile_column() + e));
        gcr_load_four(row + 4, from + GCR_TILE * (gcr_tile_column() + e) + 4);
        GCR_UNROLL
        for (int part = 0; part < GCR_PARTS; part++)
            right.part[part][e] = row[part];
    }
    return right;
}

/* Of the transposed tile, in memory and in registers. */
GCR_FN gcr_right gcr_right_load_across(const gcr_real *from)
{
    gcr_right right;

    GCR_UNROLL
    for (int part = 0; part < GCR_PARTS; part++)
        gcr_load_two(right.part[part], from + GCR_TILE * part + gcr_tile_column());
    return right;
}

GCR_FN gcr_right gcr_right_across(const gcr_tile *b)
{
    gcr_right right;

    GCR_UNROLL
    for (int part = 0; part < GCR_PARTS; part++) {
        GCR_UNROLL
        for (int e = 0; e < 2; e++)
            right.part[part][e] = gcr_warp_read(b->at[e], 4 * part + gcr_lane() % 4);
    }
    return right;
}
#else
GCR_FN gcr_real gcr_left_part(const gcr_tile *a, int part)
{
    return a->at[part];
}

GCR_FN void gcr_right_part(gcr_real right[GCR_PART_RIGHT], const gcr_tile *b, int part)
{
    right[0] = b->at[part];
}

GCR_FN void gcr_tile_add_part(gcr_tile *c, gcr_real left, const gcr_real right[GCR_PART_RIGHT])
{
    gcr_multiply_matrices(c->at, left, right[0]);
}

/* In memory, as gcr_tile_load() has it. */
GCR_FN gcr_left gcr_left_load(const gcr_real *from)
{
    gcr_left left;

    gcr_load_two(left.part, from + 2 * gcr_lane());
    return left;
}

GCR_FN gcr_right gcr_right_load(const gcr_real *from)
{
    const gcr_tile tile = gcr_tile_load(from);
    gcr_right right;

    right.part[0][0] = tile.at[0];
    right.part[1][0] = tile.at[1];
    return right;
}

/* Of the transposed tile, in memory and in registers. */
GCR_FN gcr_right gcr_right_load_across(const gcr_real *from)
{
    const gcr_real *own = from + GCR_TILE * gcr_tile_column() + gcr_tile_row();
    gcr_right right;

    right.part[0][0] = own[0];
    right.part[1][0] = own[GCR_TILE];
    return right;
}

GCR_FN gcr_right gcr_right_across(const gcr_tile *b)
{
    const int row = gcr_tile_row(), from = 4 * gcr_tile_column() + row / 2;
    const gcr_real even = gcr_warp_read(b->at[0], from);
    const gcr_real odd = gcr_warp_read(b->at[1], from);
    const gcr_real even_below = gcr_warp_read(b->at[0], from + 4);
    const gcr_real odd_below = gcr_warp_read(b->at[1], from + 4);
    gcr_right right;

    right.part[0][0] = row % 2 == 0 ? even : odd;
    right.part[1][0] = row % 2 == 0 ? even_below : odd_below;
    return right;
}
#endif

GCR_FN gcr_left gcr_left_of(const gcr_tile *a)
{
    gcr_left left;

    GCR_UNROLL
    for (int part = 0; part < GCR_PARTS; part++)
        left.part[part] = gcr_left_part(a, part);
    return left;
}

GCR_FN gcr_right gcr_right_of(const gcr_tile *b)
{
    gcr_right right;

    GCR_UNROLL
    for (int part = 0; part < GCR_PARTS; part++)
        gcr_right_part(right.part[part], b, part);
    return right;
}

/* c += a b'. */
GCR_FN void gcr_tile_add_product(gcr_tile *c, const gcr_left *a, const gcr_right *b)
{
    GCR_UNROLL
    for (int part = 0; part < GCR_PARTS; part++)
        gcr_tile_add_part(c, a->part[part], b->part[part]);
}

/* upper += a b', lower += c b': one product of 16 rows where there is one. */
GCR_FN void gcr_tile_add_products(gcr_tile *upper, gcr_tile *lower, const gcr_left *a,
                                  const gcr_left *c, const gcr_right *b)
{
#if defined(GCR_HAS_TALL_PRODUCT)
    gcr_multiply_tall_matrices(upper->at, lower->at, a->part, c->part, b->part);
#else
    gcr_tile_add_product(upper, a, b);
    gcr_tile_add_product(lower, c, b);
#endif
}

/* c -= a b'. */
GCR_FN void gcr_tile_subtract_product(gcr_tile *c, const gcr_left *a, const gcr_right *b)
{
    GCR_UNROLL
    for (int part = 0; part < GCR_PARTS; part++)
        gcr_tile_add_part(c, -a->part[part], b->part[part]);
}

/* a b'. */
GCR_FN gcr_tile gcr_tile_product(const gcr_tile *a, const gcr_right *b)
{
    const gcr_left left = gcr_left_of(a);
    gcr_tile c = gcr_tile_zero();

    gcr_tile_add_product(&c, &left, b);
    return c;
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
 * matrix that the tile begins in. What is done to c below the diagonal is done to the identity at
 * the same time, which becomes inv(L); not where nobody divides by it, as a compiler leaves no
 * shuffle out.
 */
GCR_FN gcr_tile gcr_tile_factor(gcr_tile c, int first, gcr_pivots *pivots, gcr_tile *l,
                                int with_inverse)
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

        if (!gcr_pivot_is_good(pivot) && pivots->minor == 0)
            pivots->minor = first + j + 1;
        if (gcr_lane() == j)
            pivots->own = pivot;
        if (row >= j && column == j - j % 2)
            l->at[j % 2] = own;
        if (j + 1 < GCR_TILE) { /* of use to the right of column j only */
            const gcr_real left = gcr_warp_read(value, 4 * column + j / 2) * inverse;
            const gcr_real right = gcr_warp_read(value, 4 * column + 4 + j / 2) * inverse;

            c.at[0] = gcr_fma(-own, left, c.at[0]);
            c.at[1] = gcr_fma(-own, right, c.at[1]);
        }
        if (with_inverse) {
            const gcr_real left = gcr_warp_read(w.at[0], 4 * j + quarter) * inverse;
            const gcr_real right = gcr_warp_read(w.at[1], 4 * j + quarter) * inverse;

            if (row == j)
                w = gcr_tile_of(left, right);
            else if (row > j)
                w = gcr_tile_of(gcr_fma(-own, left, w.at[0]), gcr_fma(-own, right, w.at[1]));
        }
    }
    return w;
}

GCR_FN gcr_tile gcr_tile_invert_factor(gcr_tile c, int first, gcr_pivots *pivots, gcr_tile *l)
{
    return gcr_tile_factor(c, first, pivots, l, 1);
}

#endif /* GCR_CUDA_MATRIX_TILE_H */
