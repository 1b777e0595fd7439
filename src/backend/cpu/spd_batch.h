/*
 * backend/cpu/spd_batch.h -- GCR_LANES matrices from LAPACK's layout into squares, factored, and
 * back.
 *
 * For matrices that exist already; those of cells are filled in place (spd_group.h). A matrix is
 * stored by columns, n apart, lower triangle: the other is neither read nor written. Rows of
 * GCR_LANES numbers, one of each matrix, are turned into vectors of one number each and back by
 * log2(GCR_LANES) rounds of exchanges, so that memory is only met in whole vectors.
 */
#ifndef GCR_CPU_SPD_BATCH_H
#define GCR_CPU_SPD_BATCH_H

#include "backend/cpu/spd_squares.h"

/* One round: exchanges what stands off the diagonal of the squares of 2 half x 2 half. */
GCR_LANES_FN void gcr_lanes_exchange(gcr_vec rows[GCR_LANES], const int half)
{
    gcr_mask low, high;

#pragma GCC unroll 16
    for (int lane = 0; lane < GCR_LANES; lane++) {
        low[lane] = (lane & half) == 0 ? lane : lane - half + GCR_LANES;
        high[lane] = (lane & half) == 0 ? lane + half : lane + GCR_LANES;
    }
#pragma GCC unroll 16
    for (int r = 0; r < GCR_LANES; r++)
        if ((r & half) == 0) {
            const gcr_vec a = rows[r], b = rows[r + half];

            rows[r] = __builtin_shuffle(a, b, low);
            rows[r + half] = __builtin_shuffle(a, b, high);
        }
}

GCR_LANES_FN void gcr_lanes_transpose(gcr_vec rows[GCR_LANES])
{
    gcr_lanes_exchange(rows, 1);
    if (GCR_LANES > 2)
        gcr_lanes_exchange(rows, 2);
    if (GCR_LANES > 4)
        gcr_lanes_exchange(rows, 4);
    if (GCR_LANES > 8)
        gcr_lanes_exchange(rows, 8);
}

/* Some rows of one column in all lanes: as many as a vector has numbers, fewer at the end. */
typedef struct gcr_batch_part {
    int column, first, count;
} gcr_batch_part;

GCR_LANES_FN gcr_batch_part gcr_batch_part_of(int n, int column, int first)
{
    return (gcr_batch_part){ column, first, gcr_int_min(n - first, GCR_LANES) };
}

/* One vector per lane becomes one per row. */
GCR_LANES_FN void gcr_batch_load(gcr_vec rows[GCR_LANES], const gcr_real *from, int64_t stride,
                                 const gcr_batch_part *part)
{
    const size_t bytes = (size_t)part->count * sizeof(gcr_real);

    if (part->count == GCR_LANES)
#pragma GCC unroll 16
        for (int lane = 0; lane < GCR_LANES; lane++)
            __builtin_memcpy(&rows[lane], from + lane * stride, sizeof(gcr_vec));
    else
        for (int lane = 0; lane < GCR_LANES; lane++) {
            rows[lane] = gcr_vec_of(0);
            __builtin_memcpy(&rows[lane], from + lane * stride, bytes);
        }
    gcr_lanes_transpose(rows);
}

/* And back. What stands above the diagonal is written as it was. */
GCR_LANES_FN void gcr_batch_store(gcr_vec rows[GCR_LANES], gcr_real *to, int64_t stride,
                                  const gcr_batch_part *part)
{
    const size_t bytes = (size_t)part->count * sizeof(gcr_real);
    gcr_mask below = { 0 };

    for (int r = 0; r < GCR_LANES; r++)
        below[r] = part->first + r >= part->column ? -1 : 0;
    gcr_lanes_transpose(rows);
    if (part->count == GCR_LANES)
#pragma GCC unroll 16
        for (int lane = 0; lane < GCR_LANES; lane++) {
            gcr_vec whole;

            __builtin_memcpy(&whole, to + lane * stride, sizeof whole);
            whole = gcr_vec_choose(below, rows[lane], whole);
            __builtin_memcpy(to + lane * stride, &whole, sizeof whole);
        }
    else
        for (int lane = 0; lane < GCR_LANES; lane++) {
            gcr_vec whole = gcr_vec_of(0);

            __builtin_memcpy(&whole, to + lane * stride, bytes);
            whole = gcr_vec_choose(below, rows[lane], whole);
            __builtin_memcpy(to + lane * stride, &whole, bytes);
        }
}

/* Where row r of a part stands in the squares; NULL if its square is above the diagonal, or below
 * the last. */
GCR_LANES_FN gcr_vec *gcr_batch_entry(gcr_square *squares, int rows, const gcr_batch_part *part,
                                      int r)
{
    const int row = (part->first + r) / 4, column = part->column / 4;

    if (row < column || row >= rows)
        return NULL;
    return &gcr_squares_row(squares, row)[column].at[(part->first + r) % 4][part->column % 4];
}

/* Matrix `lane` begins at matrices + lane * stride. */
GCR_LANES_STAGE void gcr_batch_pack(gcr_square *squares, const gcr_real *matrices, int64_t stride,
                                    int n)
{
    const int rows = (int)gcr_square_rows(n);

    for (int j = 0; j < n; j++)
        for (int first = j / GCR_LANES * GCR_LANES; first < n; first += GCR_LANES) {
            const gcr_batch_part part = gcr_batch_part_of(n, j, first);
            gcr_vec rows_of_part[GCR_LANES];

            gcr_batch_load(rows_of_part, matrices + (int64_t)j * n + first, stride, &part);
#pragma GCC unroll 16
            for (int r = 0; r < GCR_LANES; r++) {
                gcr_vec *const entry = gcr_batch_entry(squares, rows, &part, r);

                if (entry != NULL)
                    *entry = rows_of_part[r];
            }
        }
    for (int i = n; i < 4 * rows; i++)
        for (int j = 0; j <= i; j++)
            gcr_squares_row(squares, i / 4)[j / 4].at[i % 4][j % 4] = gcr_vec_of(i == j);
}

/* Factors in place. What was bad of a lane: its first minor that is not positive, or 0. */
GCR_LANES_STAGE void gcr_batch_factor(gcr_square *squares, int n, int32_t minor[GCR_LANES])
{
    const int rows = (int)gcr_square_rows(n);
    const gcr_panel_shape shape = gcr_panel_shape_of(rows);
    gcr_pivots pivots = gcr_pivots_begin();

    for (int row = 0; row < rows; row += shape.rows)
        gcr_squares_factor_rows(squares, row, gcr_int_min(row + shape.rows, rows), shape.columns,
                                &pivots);
    for (int lane = 0; lane < GCR_LANES; lane++)
        minor[lane] = (int32_t)pivots.minor[lane];
}

/* In each lane 0, or -1 where an entry of its lower triangle is NaN or infinite. */
GCR_LANES_STAGE void gcr_batch_find_bad(gcr_square *squares, int n, int32_t bad[GCR_LANES])
{
    gcr_vec sum = gcr_vec_of(0);

    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            sum += gcr_squares_row(squares, i / 4)[j / 4].at[i % 4][j % 4] * 0;
    for (int lane = 0; lane < GCR_LANES; lane++)
        bad[lane] = sum[lane] == 0 ? 0 : -1;
}

/* The diagonal is kept as 1 / L_ii, and leaves as L_ii. */
GCR_LANES_STAGE void gcr_batch_unpack(gcr_square *squares, gcr_real *matrices, int64_t stride,
                                      int n)
{
    const int rows = (int)gcr_square_rows(n);

    for (int j = 0; j < n; j++) {
        for (int first = j / GCR_LANES * GCR_LANES; first < n; first += GCR_LANES) {
            const gcr_batch_part part = gcr_batch_part_of(n, j, first);
            gcr_vec rows_of_part[GCR_LANES];

#pragma GCC unroll 16
            for (int r = 0; r < GCR_LANES; r++) {
                const gcr_vec *const entry = gcr_batch_entry(squares, rows, &part, r);

                rows_of_part[r] = entry != NULL ? *entry : gcr_vec_of(0);
            }
            if (first == j / GCR_LANES * GCR_LANES)
                rows_of_part[j - first] = 1 / rows_of_part[j - first];
            gcr_batch_store(rows_of_part, matrices + (int64_t)j * n + first, stride, &part);
        }
    }
}

#endif /* GCR_CPU_SPD_BATCH_H */
