/*
 * backend/cpu/spd_squares.h -- Cholesky factors of GCR_LANES matrices side by side.
 *
 * Entry (i, j) of all lanes is one vector, so that every operation is one on vectors and nothing
 * is ever shuffled. The lower triangle stands in squares of 4 x 4 vectors, by rows of squares:
 *
 *     (0,0)  (1,0) (1,1)  (2,0) (2,1) (2,2) ...         (I,J) at I (I + 1) / 2 + J
 *
 * with rows of the identity behind the last one, up to a multiple of 4. The factor is left-looking:
 * (I,J) -= sum over K < J of (I,K) (J,K)', all 16 sums in registers, then it is divided by the
 * triangle of (J,J)'. It goes by rows, one or a few (a panel) at a time, so that the engine fills
 * rows, factors them and solves with them while they are in the first cache. The diagonal of the
 * factor holds 1 / L_ii, since all that is done with L_ii is to divide by it.
 *
 * An answer of a lane comes of the entries of that lane, in an order that n alone decides. A pivot
 * that is not a positive number is noted and replaced by 1: its lane goes on, with numbers that
 * nobody will read.
 *
 * Rejected: vectors along the rows of one matrix (shuffles, and small n leaves lanes empty);
 * right-looking updates (each entry is stored n / 4 times); the determinant as a bare product (it
 * leaves the range of numbers).
 */
#ifndef GCR_CPU_SPD_SQUARES_H
#define GCR_CPU_SPD_SQUARES_H

#include "backend/cpu/inverse_root.h"
#include "backend/cpu/lanes.h"

#include "gridcrunch/kernel.h"

#include <math.h>

/* Sums that the registers of the code path hold: 16 of 32, or 8 of 16. */
#define GCR_SQUARE_COLUMNS (GCR_VEC_REGISTERS / 8)

typedef struct gcr_square {
    gcr_vec at[4][4];
} gcr_square;

/* What the pivots say of each lane so far. The product of their inverse roots is
 * product * 2^exponent. */
typedef struct gcr_pivots {
    gcr_vec product;   /* in [1, 2) */
    gcr_mask exponent; /* biased: 127 or 1023 too much for each pivot */
    gcr_mask minor;    /* the first that is not positive, counted from 1; 0: none */
    int count;
} gcr_pivots;

GCR_LANES_FN int64_t gcr_square_rows(int64_t n)
{
    return (n + 3) / 4;
}

GCR_LANES_FN gcr_square *gcr_squares_row(gcr_square *blocks, int row)
{
    return blocks + (int64_t)row * (row + 1) / 2;
}

/* c -= sum over k of a[k] b[k]', for the GCR_SQUARE_COLUMNS columns from `first` on. */
GCR_LANES_FN void gcr_square_subtract_columns(gcr_square *c, const gcr_square *a,
                                              const gcr_square *b, int count, int first)
{
    gcr_vec sum[4][GCR_SQUARE_COLUMNS];

#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
        for (int j = 0; j < GCR_SQUARE_COLUMNS; j++)
            sum[i][j] = c->at[i][first + j];
    for (int k = 0; k < count; k++)
#pragma GCC unroll 4
        for (int t = 0; t < 4; t++)
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
                for (int j = 0; j < GCR_SQUARE_COLUMNS; j++)
                    sum[i][j] =
                        gcr_vec_subtract_product(sum[i][j], a[k].at[i][t], b[k].at[first + j][t]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
        for (int j = 0; j < GCR_SQUARE_COLUMNS; j++)
            c->at[i][first + j] = sum[i][j];
}

GCR_LANES_FN void gcr_square_subtract(gcr_square *c, const gcr_square *a, const gcr_square *b,
                                      int count)
{
    for (int first = 0; first < 4; first += GCR_SQUARE_COLUMNS)
        gcr_square_subtract_columns(c, a, b, count, first);
}

/* The same of a square on the diagonal, where b is a: the lower triangle, 10 of 16 sums. */
GCR_LANES_FN void gcr_square_subtract_diagonal(gcr_square *c, const gcr_square *a, int count)
{
    gcr_vec sum[4][4];

#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
        for (int j = 0; j <= i; j++)
            sum[i][j] = c->at[i][j];
    for (int k = 0; k < count; k++)
#pragma GCC unroll 4
        for (int t = 0; t < 4; t++)
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
                for (int j = 0; j <= i; j++)
                    sum[i][j] = gcr_vec_subtract_product(sum[i][j], a[k].at[i][t], a[k].at[j][t]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
        for (int j = 0; j <= i; j++)
            c->at[i][j] = sum[i][j];
}

/* c := c inv(L'), L the triangle in `diagonal`. */
GCR_LANES_FN void gcr_square_divide(gcr_square *c, const gcr_square *diagonal)
{
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            gcr_vec value = c->at[i][j];

#pragma GCC unroll 4
            for (int t = 0; t < j; t++)
                value = gcr_vec_subtract_product(value, c->at[i][t], diagonal->at[j][t]);
            c->at[i][j] = value * diagonal->at[j][j];
        }
}

/* The lanes whose pivot is usual keep what they have. */
GCR_LANES_FN gcr_vec gcr_pivots_take_unusual(gcr_pivots *pivots, gcr_vec pivot, gcr_vec inverse)
{
    const gcr_mask usual = (pivot >= GCR_INVERSE_ROOT_LEAST) & (pivot <= GCR_INVERSE_ROOT_MOST);
    const gcr_mask good = (pivot > 0) & gcr_vec_is_finite(pivot);
    const gcr_vec one = gcr_vec_of(1);

    pivots->minor |= ~good & (pivots->minor == 0) & pivots->count;
    return gcr_vec_choose(usual, inverse, gcr_vec_choose(good, one / gcr_vec_sqrt(pivot), one));
}

/* Returns 1 / sqrt(pivot), having taken it to account. Nobody waits for the comparison, which is
 * foreseen: a chain of pivots is what small matrices wait for. */
GCR_LANES_FN gcr_vec gcr_pivots_take(gcr_pivots *pivots, gcr_vec pivot)
{
    gcr_vec inverse = gcr_vec_inverse_root(pivot);
    gcr_mask product;

    pivots->count++;
    if (__builtin_expect(!gcr_vec_is_within(pivot, GCR_INVERSE_ROOT_LEAST, GCR_INVERSE_ROOT_MOST),
                         0))
        inverse = gcr_pivots_take_unusual(pivots, pivot, inverse);
    product = (gcr_mask)(pivots->product * inverse); /* an inverse root is never denormal */
    pivots->exponent += product >> GCR_FRACTION_BITS;
    pivots->product = (gcr_vec)((product & GCR_FRACTION_MASK) | GCR_BITS_OF_ONE);
    return inverse;
}

/* Column j of the factor of one block, once the columns before are. */
GCR_LANES_FN void gcr_square_factor_column(gcr_square *c, const int j, gcr_pivots *pivots)
{
    c->at[j][j] = gcr_pivots_take(pivots, c->at[j][j]);
#pragma GCC unroll 4
    for (int i = j + 1; i < 4; i++)
        c->at[i][j] *= c->at[j][j];
#pragma GCC unroll 4
    for (int i = j + 1; i < 4; i++)
#pragma GCC unroll 4
        for (int k = j + 1; k <= i; k++)
            c->at[i][k] = gcr_vec_subtract_product(c->at[i][k], c->at[i][j], c->at[k][j]);
}

/* Replaces the lower triangle of one block by its factor. */
GCR_LANES_FN void gcr_square_factor(gcr_square *c, gcr_pivots *pivots)
{
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
        gcr_square_factor_column(c, j, pivots);
}

GCR_LANES_FN gcr_pivots gcr_pivots_begin(void)
{
    return (gcr_pivots){ .product = gcr_vec_of(1) };
}

GCR_LANES_FN gcr_vec gcr_vec_log(gcr_vec x)
{
    gcr_real value[GCR_LANES] __attribute__((aligned(sizeof(gcr_vec))));

    *(gcr_vec *)value = x;
#pragma GCC unroll 1 /* unrolled, it would not be seen as a vector */
    for (int lane = 0; lane < GCR_LANES; lane++)
        value[lane] = gcr_log(value[lane]);
    return *(const gcr_vec *)value;
}

/* Minus twice the logarithm of the product: log |A|. The exponent becomes a number, as no code path
 * but AVX-512 has an instruction for, in the low bits of 1.5 * 2^GCR_FRACTION_BITS. */
GCR_LANES_FN gcr_vec gcr_pivots_log(const gcr_pivots *pivots)
{
    const gcr_mask exponent = pivots->exponent - GCR_EXPONENT_BIAS * (gcr_real_int)pivots->count;
    const gcr_vec shift = gcr_vec_of((gcr_real)1.5 / (GCR_EPSILON));
    const gcr_vec number = (gcr_vec)(exponent + (gcr_mask)shift) - shift;

    return -2 * (gcr_vec_log(pivots->product) + number * (gcr_real)M_LN2);
}

/* How many rows of squares are factored together, and how many columns at a time. */
typedef struct gcr_panel_shape {
    int rows, columns;
} gcr_panel_shape;

/* Up to n = 96 row by row: pivots, a chain of latencies, overlap with the entries of the next row.
 * Beyond (measured, 48 KB and 2 MB of cache) 16 rows meet the rows above once and not each for
 * itself, in blocks of 256 KB: 5% faster at n = 160, twice as fast at 512; panels of 8 rows by 4
 * columns, which the first cache would hold, are 12% slower. No entry sees the difference: its sum
 * runs over the same products in the same order. */
GCR_LANES_FN gcr_panel_shape gcr_panel_shape_of(int rows)
{
    return rows <= 24 ? (gcr_panel_shape){ 1, rows } : (gcr_panel_shape){ 16, 16 };
}

GCR_LANES_FN int gcr_int_max(int a, int b)
{
    return a > b ? a : b;
}

GCR_LANES_FN int gcr_int_min(int a, int b)
{
    return a < b ? a : b;
}

/* Square (i, j) -= what columns from .. from + count - 1 of squares make of it. */
GCR_LANES_FN void gcr_squares_subtract(gcr_square *squares, int i, int j, int from, int count)
{
    gcr_square *const own = gcr_squares_row(squares, i);

    if (i == j)
        gcr_square_subtract_diagonal(own + j, own + from, count);
    else
        gcr_square_subtract(own + j, own + from, gcr_squares_row(squares, j) + from, count);
}

/* Columns begin .. end - 1 of rows first .. last - 1: what the columns before `begin` subtract. */
GCR_LANES_FN void gcr_panel_subtract_before(gcr_square *squares, int first, int last, int begin,
                                            int end, int columns)
{
    for (int k = 0; k < begin; k += columns)
        for (int j = begin; j < end; j++)
            for (int i = gcr_int_max(first, j); i < last; i++)
                gcr_squares_subtract(squares, i, j, k, columns);
}

/* The same columns to their end: a diagonal square is factored before the others are divided. */
GCR_LANES_FN void gcr_panel_finish(gcr_square *squares, int first, int last, int begin, int end,
                                   gcr_pivots *pivots)
{
    for (int j = begin; j < end; j++) {
        const gcr_square *const diagonal = gcr_squares_row(squares, j) + j;

        for (int i = gcr_int_max(first, j); i < last; i++) {
            gcr_square *const own = gcr_squares_row(squares, i) + j;

            gcr_squares_subtract(squares, i, j, begin, j - begin);
            if (i == j)
                gcr_square_factor(own, pivots);
            else
                gcr_square_divide(own, diagonal);
        }
    }
}

/* One row of squares becomes that of the factor up to the square on the diagonal, which is ready
 * for gcr_square_factor_column(). */
GCR_LANES_STAGE void gcr_squares_eliminate_row(gcr_square *squares, int row)
{
    gcr_square *const own = gcr_squares_row(squares, row);

    for (int j = 0; j < row; j++) {
        gcr_square *const other = gcr_squares_row(squares, j);

        gcr_square_subtract(own + j, own, other, j);
        gcr_square_divide(own + j, other + j);
    }
    gcr_square_subtract_diagonal(own + row, own, row);
}

/* Rows first .. last - 1 of squares, filled in, become those of the factor; those above are. */
GCR_LANES_STAGE void gcr_squares_factor_rows(gcr_square *squares, int first, int last, int columns,
                                             gcr_pivots *pivots)
{
    for (int begin = 0; begin < last; begin += columns) {
        const int end = gcr_int_min(begin + columns, last);

        gcr_panel_subtract_before(squares, first, last, begin, end, columns);
        gcr_panel_finish(squares, first, last, begin, end, pivots);
    }
}

/* Rows 4 row .. of z, holding b, become those of inv(L) b; the rows before are already. */
GCR_LANES_FN void gcr_squares_forward_row(gcr_square *blocks, int row, gcr_vec *z)
{
    const gcr_square *const own = gcr_squares_row(blocks, row);
    gcr_vec sum[4];

    for (int i = 0; i < 4; i++)
        sum[i] = z[4 * row + i];
    for (int k = 0; k < row; k++)
#pragma GCC unroll 4
        for (int t = 0; t < 4; t++)
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
                sum[i] = gcr_vec_subtract_product(sum[i], own[k].at[i][t], z[4 * k + t]);
    for (int i = 0; i < 4; i++) {
        for (int t = 0; t < i; t++)
            sum[i] = gcr_vec_subtract_product(sum[i], own[row].at[i][t], z[4 * row + t]);
        z[4 * row + i] = sum[i] * own[row].at[i][i];
    }
}

/* z becomes inv(L') z. */
GCR_LANES_FN void gcr_squares_backward(gcr_square *blocks, int rows, gcr_vec *z)
{
    for (int row = rows - 1; row >= 0; row--) {
        const gcr_square *const own = gcr_squares_row(blocks, row);
        gcr_vec *const x = z + 4 * row;

        for (int i = 3; i >= 0; i--) {
            for (int t = i + 1; t < 4; t++)
                x[i] = gcr_vec_subtract_product(x[i], own[row].at[t][i], x[t]);
            x[i] *= own[row].at[i][i];
        }
        for (int k = 0; k < row; k++)
            for (int t = 0; t < 4; t++)
                for (int i = 0; i < 4; i++)
                    z[4 * k + t] = gcr_vec_subtract_product(z[4 * k + t], own[k].at[i][t], x[i]);
    }
}

/* Four columns of inv(L) from `column` on, transposed: rows of the identity, as if they stood below
 * the matrix and the factor went on. work[column] .. work[rows - 1] hold them. */
GCR_LANES_FN void gcr_squares_invert_columns(gcr_square *squares, int rows, int column,
                                             gcr_square *work)
{
    for (int row = column; row < rows; row++) {
        const gcr_square *const own = gcr_squares_row(squares, row);

        for (int i = 0; i < 4; i++)
            for (int t = 0; t < 4; t++)
                work[row].at[i][t] = gcr_vec_of(row == column && i == t);
        gcr_square_subtract(work + row, work + column, own + column, row - column);
        gcr_square_divide(work + row, own + row);
    }
}

/* inv(A) = inv(L)' inv(L): entry j of its diagonal is the squared norm of column j of inv(L). */
GCR_LANES_FN void gcr_squares_invert(gcr_square *squares, int n, gcr_square *work,
                                     gcr_vec *diagonal)
{
    const int rows = (int)gcr_square_rows(n);

    for (int j = 0; j < n; j++) {
        gcr_vec sum = { 0 };

        if (j % 4 == 0)
            gcr_squares_invert_columns(squares, rows, j / 4, work);
        for (int row = j / 4; row < rows; row++)
            for (int t = 0; t < 4; t++)
                sum += work[row].at[j % 4][t] * work[row].at[j % 4][t];
        diagonal[j] = sum;
    }
}

#endif /* GCR_CPU_SPD_SQUARES_H */
