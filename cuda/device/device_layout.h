/*
 * cuda/device/device_layout.h -- where things stand in the memory of a team, counted by host and
 * device.
 *
 * A matrix of n rows is T = n / 8, rounded up, rows of *tiles* of 8 x 8 values, the lower triangle
 * by rows of tiles, with the identity behind its last row; below it come the right-hand sides, as
 * rows: tiles of 8 columns and as many rows as are left, up to 8. Arrays begin on multiples of 32.
 */
#ifndef GCR_CUDA_DEVICE_LAYOUT_H
#define GCR_CUDA_DEVICE_LAYOUT_H

#include "cuda/launch.h"

GCR_FN int64_t gcr_tile_rows(int64_t n)
{
    return (n + 7) / 8;
}

/* Values of a matrix and of its right-hand sides. */
GCR_FN int64_t gcr_matrix_count(int64_t n, int64_t right_sides)
{
    const int64_t rows = gcr_tile_rows(n);

    return 32 * rows * (rows + 1) + 8 * rows * right_sides;
}

GCR_FN int64_t gcr_round_up_32(int64_t count)
{
    return (count + 31) / 32 * 32;
}

/* Values from the beginning of a team's scratch to each array, and to the end. */
typedef struct gcr_spd_layout {
    int64_t outputs;
    int64_t log_determinant, quadratic_form, solution, inverse_diagonal; /* as gcr_answers */
    int64_t verdicts;      /* GCR_TEAM_GRID: of each system */
    int64_t pivots, tiles; /* GCR_TEAM_MEMORY; elsewhere they are on the chip */
    int64_t rows;          /* blocks: a row of tiles for each warp */
    int64_t end;
} gcr_spd_layout;

GCR_FN gcr_spd_layout gcr_spd_layout_of(int team, int threads, int64_t n, int64_t systems,
                                        int64_t right_sides, int64_t output_width)
{
    const int is_memory = team == GCR_TEAM_MEMORY, is_block = is_memory || team == GCR_TEAM_BLOCK;
    const int64_t sides = systems * right_sides;
    gcr_spd_layout at;

    at.outputs = 0;
    at.log_determinant = at.outputs + gcr_round_up_32(output_width);
    at.quadratic_form = at.log_determinant + gcr_round_up_32(systems);
    at.solution = at.quadratic_form + gcr_round_up_32(sides);
    at.inverse_diagonal = at.solution + gcr_round_up_32(sides * n);
    at.verdicts = at.inverse_diagonal + gcr_round_up_32(systems * n);
    at.pivots = at.verdicts + (team == GCR_TEAM_GRID ? gcr_round_up_32(systems) : 0);
    at.tiles = at.pivots + (is_memory ? gcr_round_up_32(n) : 0);
    at.rows = at.tiles + (is_memory ? gcr_matrix_count(n, right_sides) : 0);
    at.end = at.rows + (is_block ? threads / 32 * 64 * gcr_tile_rows(n) : 0);
    return at;
}

/* Values of dynamic shared memory of a block that has its matrix there: the tiles, the pivots. */
GCR_FN int64_t gcr_spd_shared_count(int64_t n, int64_t right_sides)
{
    return gcr_matrix_count(n, right_sides) + 8 * gcr_tile_rows(n);
}

/* Cell kernels: the outputs, then what gcr_scratch() gives. */
GCR_FN int64_t gcr_cell_scratch_at(int64_t output_width)
{
    return gcr_round_up_32(output_width);
}

#endif /* GCR_CUDA_DEVICE_LAYOUT_H */
