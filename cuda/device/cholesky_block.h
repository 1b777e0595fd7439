/*
 * cuda/device/cholesky_block.h -- the Cholesky factor of a matrix that a block has as packed tiles
 * in shared memory, or, where that is too small, in memory of the device.
 *
 * The rows of tiles are left-looking: tile (i, p) is the entry less the sum over k of
 * L(i, k) L(p, k)', times the inverse of the diagonal, so that each tile is written twice and read
 * in order. Right-hand sides are rows below the matrix, eight in a row of tiles, and are
 * solved with by being there. The order of each sum is that of k; who adds has no part in it.
 *
 * The chain of the factor, from pivot to pivot, is in the tiles on the diagonal, which one warp
 * inverts (800 clocks each). Meanwhile the others look ahead:
 *
 *     shared memory   column p + 1 gets what columns 0 .. p - 1 subtract from it
 *     memory          GCR_AHEAD columns at once get what all columns before them subtract, before
 *                     the first of them is begun: each tile comes from memory once for all of them
 *
 * Rejected: 16 x 16 tiles (at the edge of shared memory, n = 224 in place of 232); right-looking
 * updates (each tile is written T / 3 times: 12 clocks of shared memory for 4 of the tensor cores).
 */
#ifndef GCR_CUDA_CHOLESKY_BLOCK_H
#define GCR_CUDA_CHOLESKY_BLOCK_H

#include "cuda/device/matrix_tile.h"

enum { GCR_WARPS = GCR_TEAM_THREADS / 32 };

#if GCR_TEAM_THREADS < 64 || GCR_TEAM_THREADS % 32 != 0
#error "a block has two warps or more: one for the diagonal, and others beside it"
#endif

/* Columns of tiles that are looked ahead for. */
#if GCR_TEAM == GCR_TEAM_MEMORY
#define GCR_AHEAD 4
#else
#define GCR_AHEAD 1
#endif

/* Steps of a sum whose factors are loaded together: more do not fit the registers. */
#if GCR_TEAM == GCR_TEAM_MEMORY || defined(GCR_SINGLE)
#define GCR_IN_FLIGHT 1
#else
#define GCR_IN_FLIGHT 2
#endif

typedef struct gcr_matrix {
    int rows;             /* of tiles, of the matrix            */
    int sides, side_rows; /* right-hand sides, and rows of tiles of them */
    gcr_real *tiles;      /* see gcr_row_of()                   */
    gcr_real *pivot;      /* [8 rows]; NULL: nobody asks        */
    gcr_real *work;       /* this warp's own row of tiles       */
    gcr_real *inverse;    /* of the first triangle; NULL: inverses take the triangles' places */
    int inverse_step;     /* values from one to the next; 0: only that in hand is kept */
    gcr_real *out;        /* where the factor goes, too, as it is made; NULL: nowhere */
} gcr_matrix;

GCR_FN int gcr_warp_index(void)
{
    return gcr_thread_index() / 32;
}

/* Row i of tiles; from row `rows` on, of right-hand sides, the last of which has fewer than eight
 * rows. */
typedef struct gcr_row {
    gcr_real *begin;
    int height; /* rows of each tile */
} gcr_row;

GCR_FN gcr_row gcr_row_of(const gcr_matrix *matrix, int i)
{
    const int side = i - matrix->rows;
    const int left = matrix->sides - GCR_TILE * side;
    const int64_t above = side > 0 ? matrix->rows : i;
    gcr_row row;

    row.begin = matrix->tiles + GCR_TILE_VALUES * (above * (above + 1) / 2);
    row.height = GCR_TILE;
    if (side > 0)
        row.begin += (int64_t)GCR_TILE_VALUES * matrix->rows * side;
    if (side >= 0 && left < GCR_TILE)
        row.height = left;
    return row;
}

GCR_FN gcr_real *gcr_row_at(const gcr_row *row, int column)
{
    return row->begin + GCR_TILE * row->height * column;
}

/* Where a factor of a product is read. Rows behind the last are the first again: the rows of a
 * product do not meet, theirs are never stored, and a load without a condition can be far ahead of
 * its use. */
GCR_FN const gcr_real *gcr_row_from(const gcr_row *row, int column)
{
    const gcr_real *from = gcr_row_at(row, column);

    return gcr_tile_row() < row->height ? from : from - GCR_TILE * gcr_tile_row();
}

/* A tile that is to be stored again. Rows behind the last are 0: the first, whose threads may store
 * it before others have come so far, is for nobody else to read. */
GCR_FN gcr_tile gcr_row_load(const gcr_row *row, int column)
{
    gcr_tile tile = gcr_tile_zero();

    if (gcr_tile_row() < row->height)
        tile = gcr_tile_load(gcr_row_at(row, column));
    return tile;
}

GCR_FN void gcr_row_store(const gcr_row *row, int column, const gcr_tile *tile)
{
    if (gcr_tile_row() < row->height)
        gcr_tile_store(gcr_row_at(row, column), tile);
}

/* As factors of a product. Only rows of the matrix, which are whole, are on the right of one. */
GCR_FN gcr_left gcr_row_left(const gcr_row *row, int column)
{
    return gcr_left_load(gcr_row_from(row, column));
}

GCR_FN gcr_right gcr_row_right(const gcr_row *row, int column)
{
    return gcr_right_load(gcr_row_at(row, column));
}

GCR_FN gcr_right gcr_row_right_across(const gcr_row *row, int column)
{
    return gcr_right_load_across(gcr_row_at(row, column));
}

/* Whoever reads the inverse of triangle p. */
GCR_FN gcr_real *gcr_block_inverse(const gcr_matrix *matrix, int p)
{
    const gcr_row row = gcr_row_of(matrix, p);

    return matrix->inverse != 0 ? matrix->inverse + matrix->inverse_step * p : gcr_row_at(&row, p);
}

/* Tile (i, p) of the factor is there: it leaves while others are computed. */
GCR_FN void gcr_block_send(const gcr_matrix *matrix, int i, int p, const gcr_tile *tile)
{
    if (matrix->out != 0)
        gcr_tile_store(matrix->out + GCR_TILE_VALUES * ((int64_t)i * (i + 1) / 2 + p), tile);
}

/* Tiles are dealt to the warps in turn: the first of this one. */
GCR_FN gcr_tile_place gcr_tile_place_first(void)
{
    gcr_tile_place place;

    place.row = place.column = 0;
    return gcr_tile_place_behind(place, gcr_warp_index());
}

/* ---- the factor ------------------------------------------------------------------------------ */

/* c -= sum of L(i, k) L(p, k)' over k from `begin` to before `end`. */
GCR_FN void gcr_block_subtract(gcr_tile *c, const gcr_row *i, const gcr_row *p, int begin, int end)
{
    for (int k = begin; k < end; k++) {
        const gcr_left left = gcr_row_left(i, k);
        const gcr_right right = gcr_row_right(p, k);

        gcr_tile_subtract_product(c, &left, &right);
    }
}

/* Row i and the row below it, or row i alone, of `count` columns from p on: what all columns before
 * `end` subtract. The sums do not wait for each other. */
GCR_FN void gcr_block_look_ahead(const gcr_matrix *matrix, int i, int is_pair, int p, int count,
                                 int end)
{
    gcr_row rows[2], columns[GCR_AHEAD];
    gcr_tile sum[2][GCR_AHEAD];

    GCR_UNROLL
    for (int r = 0; r < 2; r++)
        rows[r] = gcr_row_of(matrix, r <= is_pair ? i + r : i);
    GCR_UNROLL
    for (int c = 0; c < GCR_AHEAD; c++) {
        columns[c] = gcr_row_of(matrix, c < count ? p + c : p);
        sum[0][c] = sum[1][c] = gcr_tile_zero();
    }
    GCR_UNROLL_BY(GCR_IN_FLIGHT)
    for (int k = 0; k < end; k++) {
        const gcr_left upper = gcr_row_left(&rows[0], k), lower = gcr_row_left(&rows[1], k);

        GCR_UNROLL
        for (int c = 0; c < GCR_AHEAD; c++) {
            const gcr_right right = gcr_row_right(&columns[c], k);

            gcr_tile_add_products(&sum[0][c], &sum[1][c], &upper, &lower, &right);
        }
    }
    GCR_UNROLL
    for (int r = 0; r < 2; r++) {
        GCR_UNROLL
        for (int c = 0; c < GCR_AHEAD; c++)
            if (c < count && p + c <= i + r && r <= is_pair) {
                gcr_tile tile = gcr_row_load(&rows[r], p + c);

                tile.at[0] -= sum[r][c].at[0];
                tile.at[1] -= sum[r][c].at[1];
                gcr_row_store(&rows[r], p + c, &tile);
            }
    }
}

/* All rows from p on, by warps first .. GCR_WARPS - 1. */
GCR_FN void gcr_block_look_ahead_all(const gcr_matrix *matrix, int p, int end, int first)
{
    const int last = matrix->rows + matrix->side_rows;
    const int count = matrix->rows - p < GCR_AHEAD ? matrix->rows - p : GCR_AHEAD;

    if (end == 0 || count <= 0)
        return;
    for (int i = p + 2 * (gcr_warp_index() - first); i < last; i += 2 * (GCR_WARPS - first))
        gcr_block_look_ahead(matrix, i, i + 1 < last, p, count, end);
}

/* The diagonal of column p, from which columns before `begin` have been subtracted. By one warp. */
GCR_FN void gcr_block_invert_diagonal(const gcr_matrix *matrix, int p, int begin,
                                      gcr_pivots *pivots)
{
    const gcr_row row = gcr_row_of(matrix, p);
    gcr_tile tile = gcr_row_load(&row, p), triangle;

    gcr_block_subtract(&tile, &row, &row, begin, p);
    tile = gcr_tile_invert_factor(tile, GCR_TILE * p, pivots, &triangle);
    gcr_tile_store(gcr_block_inverse(matrix, p), &tile);
    if (matrix->inverse != 0)
        gcr_row_store(&row, p, &triangle);
    gcr_block_send(matrix, p, p, &triangle);
    if (matrix->pivot != 0 && gcr_lane() < GCR_TILE)
        matrix->pivot[GCR_TILE * p + gcr_lane()] = pivots->own;
}

/* What is below the diagonal of column p. By all warps. */
GCR_FN void gcr_block_divide_column(const gcr_matrix *matrix, int p, int begin)
{
    const gcr_row diagonal = gcr_row_of(matrix, p);
    const gcr_right inverse = gcr_right_load(gcr_block_inverse(matrix, p));

    for (int i = p + 1 + gcr_warp_index(); i < matrix->rows + matrix->side_rows; i += GCR_WARPS) {
        const gcr_row row = gcr_row_of(matrix, i);
        gcr_tile tile = gcr_row_load(&row, p);

        gcr_block_subtract(&tile, &row, &diagonal, begin, p);
        tile = gcr_tile_product(&tile, &inverse);
        gcr_row_store(&row, p, &tile);
        gcr_block_send(matrix, i, p, &tile);
    }
}

/* Before column p: from where on its own sums begin. */
GCR_FN int gcr_block_prepare_column(const gcr_matrix *matrix, int p)
{
    if (GCR_AHEAD == 1)
        return p > 0 ? p - 1 : 0;
    if (p % GCR_AHEAD == 0 && p > 0) {
        gcr_block_look_ahead_all(matrix, p, p, 0);
        gcr_block_barrier();
    }
    return p - p % GCR_AHEAD;
}

/* Returns the first minor that is not positive, or 0; in all threads. */
GCR_FN int gcr_block_eliminate(const gcr_matrix *matrix)
{
    GCR_SHARED int minor;
    gcr_pivots pivots;

    pivots.own = 1;
    pivots.minor = 0;
    for (int p = 0; p < matrix->rows; p++) {
        const int begin = gcr_block_prepare_column(matrix, p);

        if (gcr_warp_index() == 0)
            gcr_block_invert_diagonal(matrix, p, begin, &pivots);
        else if (GCR_AHEAD == 1)
            gcr_block_look_ahead_all(matrix, p + 1, p, 1);
        gcr_block_barrier(); /* the inverse is there, and the next column */
        gcr_block_divide_column(matrix, p, begin);
        gcr_block_barrier(); /* the column is */
    }
    if (gcr_thread_index() == 0)
        minor = pivots.minor;
    gcr_block_barrier();
    return minor;
}

#endif /* GCR_CUDA_CHOLESKY_BLOCK_H */
