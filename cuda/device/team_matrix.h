/*
 * cuda/device/team_matrix.h -- the products and factors of gridcrunch/kernel_matrix.h, which
 * includes this, for teams of a block or of all blocks: by parts in shared memory, on tensor cores.
 *
 * A *part* is GCR_PART rows times as many columns of a lower triangle. What is made of it is a sum
 * of products of rows, so a block brings GCR_CHUNK values of each of its rows to shared memory
 * while it multiplies those before, and each of its warps has a share of the part in registers.
 * Parts of a Gram matrix are dealt to the blocks of the team. The factor is right-looking, a
 * *panel* of GCR_PART columns at a time:
 *
 *     its part on the diagonal is factored by block 0, as cholesky_block.h does it
 *     below it eight rows for each warp of the team are divided by that
 *     all parts to the right of it get their products subtracted; block 0 has the first of them,
 *     and factors it for the next panel while the others go on
 *
 * Which block has a part is no matter for the bits: each entry is one sum in the order of its
 * columns.
 *
 * Predicted for an H200, 132 blocks of 256 threads, of doubles (derived): a chunk of a part of 128
 * rows is 262144 multiply-adds, 2048 clocks of the tensor cores, beside 768 of shared memory for
 * the fragments and some 300 for the copies. So a part of a Gram matrix of k rows takes 128 k
 * clocks, and a part of a trailing matrix 16400 beside 128 KB that are read and written; they are
 * asked for when the part is begun, as from memory they take as long as the products.
 *
 * Why not cuBLAS: a cell kernel runs on the device, and the host does not know that its next step
 * is a product; a triangle stored by rows is no matrix of BLAS. Rejected: columns of the factor one
 * by one, shared out as on a CPU (6000 barriers of all blocks, and no value used twice).
 */
#ifndef GCR_CUDA_TEAM_MATRIX_H
#define GCR_CUDA_TEAM_MATRIX_H

#include "cuda/device/cholesky_block.h"

/* Warps share a part as so many rows and columns of them; those that are left over only copy. A
 * block that is not alone on its multiprocessor has parts that fit the memory it declares
 * itself. */
#define GCR_PART_RIGHT (GCR_WARPS >= 16 ? 4 : GCR_WARPS >= 4 ? 2 : 1)
#define GCR_PART_DOWN (GCR_WARPS / GCR_PART_RIGHT >= 4 ? 4 : 2)

enum {
    GCR_PART = GCR_IS_WHOLE_TEAM && GCR_WARPS >= 8 ? GCR_WHOLE_PART : 64,
    GCR_CHUNK = 16,
    GCR_PART_TILES = GCR_PART / GCR_TILE,
    GCR_CHUNK_TILES = GCR_CHUNK / GCR_TILE,
    GCR_OWN_DOWN = GCR_PART_TILES / GCR_PART_DOWN, /* tiles of a warp */
    GCR_OWN_RIGHT = GCR_PART_TILES / GCR_PART_RIGHT,
    GCR_STAGE_VALUES = 2 * GCR_PART * GCR_CHUNK, /* of left and right rows; there are two stages */
    GCR_INVERSES_AT = GCR_TILE_VALUES * (GCR_PART_TILES * (GCR_PART_TILES + 1) / 2),
    GCR_PANEL_VALUES = GCR_INVERSES_AT + GCR_TILE_VALUES * GCR_PART_TILES,
    GCR_PART_VALUES =
        2 * GCR_STAGE_VALUES > GCR_PANEL_VALUES ? 2 * GCR_STAGE_VALUES : GCR_PANEL_VALUES,
};

/* Where a block declares it, the host has asked for no memory: 48 KB are there, and some are
 * others'. */
typedef char
    gcr_part_memory_fits[GCR_IS_WHOLE_TEAM || GCR_PART_VALUES * sizeof(gcr_real) <= 47 << 10 ? 1
                                                                                             : -1];

/* Which block of the team this is, and how many there are. */
GCR_FN int64_t gcr_team_block(void)
{
    return GCR_IS_WHOLE_TEAM ? (int64_t)gcr_block_index() : 0;
}

GCR_FN int64_t gcr_team_blocks(void)
{
    return GCR_IS_WHOLE_TEAM ? (int64_t)gcr_block_count() : 1;
}

/* Two stages of a product, or the factor of a part: its tiles, then the inverses of those on the
 * diagonal. */
GCR_FN gcr_real *gcr_part_memory(void)
{
#if GCR_IS_WHOLE_TEAM
    return gcr_shared();
#else
    GCR_SHARED gcr_real memory[GCR_PART_VALUES] __attribute__((aligned(16)));

    return memory;
#endif
}

/* Rows whose products are summed: of a matrix with ld values in each, or of a triangle (ld is 0)
 * from a column on. */
typedef struct gcr_factors {
    const gcr_real *begin;
    int64_t ld, rows, depth;
} gcr_factors;

GCR_FN const gcr_real *gcr_factor_row(const gcr_factors *of, int64_t i)
{
    return of->begin + (of->ld > 0 ? i * of->ld : gcr_triangle(i, 0));
}

/* ---- a part ---------------------------------------------------------------------------------- */

/* Begins to bring values k to k + GCR_CHUNK - 1 of the rows from `first` on, as tiles; 0 beside
 * them. */
GCR_FN void gcr_part_copy(gcr_real *to, const gcr_factors *of, int64_t first, int64_t k)
{
    GCR_ROLL /* or addresses would take the registers that sums need */
        for (int e = gcr_thread_index(); e < GCR_PART * GCR_CHUNK; e += GCR_TEAM_THREADS)
    {
        const int row = e / GCR_CHUNK, column = e % GCR_CHUNK;
        const int tile = row / GCR_TILE * GCR_CHUNK_TILES + column / GCR_TILE;
        const int is_there = first + row < of->rows && k + column < of->depth;
        const gcr_real *from = is_there ? gcr_factor_row(of, first + row) + k + column : of->begin;

        gcr_copy_begin(to + GCR_TILE_VALUES * tile + GCR_TILE * (row % GCR_TILE) +
                           column % GCR_TILE,
                       from, is_there);
    }
}

GCR_FN void gcr_part_stage(gcr_real *stage, const gcr_factors *of, int64_t i, int64_t j, int64_t k)
{
    if (k < of->depth) {
        gcr_part_copy(stage, of, i, k);
        gcr_part_copy(stage + GCR_PART * GCR_CHUNK, of, j, k);
    }
    gcr_copies_close();
}

/* The share of this warp in what a stage adds. */
GCR_FN void gcr_part_add(gcr_tile sum[GCR_OWN_DOWN][GCR_OWN_RIGHT], const gcr_real *stage)
{
    const int down = gcr_warp_index() / GCR_PART_RIGHT, right = gcr_warp_index() % GCR_PART_RIGHT;
    const gcr_real *rows = stage + down * GCR_OWN_DOWN * GCR_CHUNK_TILES * GCR_TILE_VALUES;
    const gcr_real *columns =
        stage + GCR_PART * GCR_CHUNK + right * GCR_OWN_RIGHT * GCR_CHUNK_TILES * GCR_TILE_VALUES;

    GCR_ROLL
    for (int k = 0; k < GCR_CHUNK_TILES; k++) {
        gcr_left left[GCR_OWN_DOWN];

        GCR_UNROLL
        for (int r = 0; r < GCR_OWN_DOWN; r++)
            left[r] = gcr_left_load(rows + (r * GCR_CHUNK_TILES + k) * GCR_TILE_VALUES);
        GCR_UNROLL
        for (int c = 0; c < GCR_OWN_RIGHT; c++) {
            const gcr_right column =
                gcr_right_load(columns + (c * GCR_CHUNK_TILES + k) * GCR_TILE_VALUES);

            GCR_UNROLL
            for (int r = 0; r < GCR_OWN_DOWN; r += 2)
                gcr_tile_add_products(&sum[r][c], &sum[r + 1][c], &left[r], &left[r + 1], &column);
        }
    }
}

/* Whether this warp has a share in parts. */
GCR_FN int gcr_part_is_shared(void)
{
    return gcr_warp_index() < GCR_PART_DOWN * GCR_PART_RIGHT;
}

/* The products of rows from i on with rows from j on. By all threads of a block, which have left
 * the memory to it. */
GCR_FN void gcr_part_multiply(gcr_tile sum[GCR_OWN_DOWN][GCR_OWN_RIGHT], const gcr_factors *of,
                              int64_t i, int64_t j)
{
    gcr_real *memory = gcr_part_memory();
    int stage = 0;

    GCR_UNROLL
    for (int r = 0; r < GCR_OWN_DOWN; r++) {
        GCR_UNROLL
        for (int c = 0; c < GCR_OWN_RIGHT; c++)
            sum[r][c] = gcr_tile_zero();
    }
    gcr_part_stage(memory, of, i, j, 0);
    GCR_ROLL
    for (int64_t k = 0; k < of->depth; k += GCR_CHUNK) {
        gcr_part_stage(memory + (1 - stage) * GCR_STAGE_VALUES, of, i, j, k + GCR_CHUNK);
        gcr_copies_wait();
        gcr_block_barrier(); /* the stage is there */
        if (gcr_part_is_shared())
            gcr_part_add(sum, memory + stage * GCR_STAGE_VALUES);
        gcr_block_barrier(); /* it has been read */
        stage = 1 - stage;
    }
}

/* What is at and below the diagonal of a part becomes the sum, or gets it subtracted. */
GCR_FN void gcr_part_keep(gcr_real *z, int64_t n, int64_t i, int64_t j,
                          gcr_tile sum[GCR_OWN_DOWN][GCR_OWN_RIGHT], int is_less)
{
    const int down = gcr_warp_index() / GCR_PART_RIGHT, right = gcr_warp_index() % GCR_PART_RIGHT;

    if (!gcr_part_is_shared())
        return;
    GCR_UNROLL
    for (int r = 0; r < GCR_OWN_DOWN; r++) {
        const int64_t row = i + GCR_TILE * (down * GCR_OWN_DOWN + r) + gcr_tile_row();
        gcr_real *const to = z + gcr_triangle(row, 0);

        GCR_UNROLL
        for (int c = 0; c < GCR_OWN_RIGHT; c++) {
            GCR_UNROLL
            for (int e = 0; e < 2; e++) {
                const int64_t column =
                    j + GCR_TILE * (right * GCR_OWN_RIGHT + c) + gcr_tile_column() + e;

                if (row < n && column <= row)
                    to[column] = is_less ? to[column] - sum[r][c].at[e] : sum[r][c].at[e];
            }
        }
    }
}

/* The entries of a part are on their way from memory while its products are summed. */
GCR_FN void gcr_part_prefetch(const gcr_real *a, int64_t n, int64_t i, int64_t j)
{
    enum { LINE = 128 / sizeof(gcr_real), LINES = GCR_PART / LINE + 1 };

    for (int e = gcr_thread_index(); e < GCR_PART * LINES; e += GCR_TEAM_THREADS) {
        const int64_t row = i + e / LINES, column = j + e % LINES * LINE;

        if (row < n && column <= row)
            gcr_prefetch(a + gcr_triangle(row, column));
    }
}

/* Part (row, column) of the triangle that begins in row `first` of z becomes the products of its
 * rows, or gets them subtracted. Apart, so that its sums have the registers to themselves. */
GCR_APART void gcr_part_compute(gcr_real *z, const gcr_factors *of, int64_t first,
                                gcr_tile_place at, int is_less)
{
    const int64_t i = first + (int64_t)GCR_PART * at.row, j = first + (int64_t)GCR_PART * at.column;
    gcr_tile sum[GCR_OWN_DOWN][GCR_OWN_RIGHT];

    if (is_less)
        gcr_part_prefetch(z, of->rows, i, j);
    gcr_part_multiply(sum, of, i, j);
    gcr_part_keep(z, of->rows, i, j, sum, is_less);
}

/* Of a lower triangle of parts, part `number`, counted by rows. */
GCR_FN gcr_tile_place gcr_part_place(int64_t number)
{
    gcr_tile_place place;

    place.row = 0;
    while (number > place.row)
        number -= ++place.row;
    place.column = (int)number;
    return place;
}

/* Parts of `rows` rows, in a lower triangle. */
GCR_FN int64_t gcr_part_count(int64_t rows)
{
    const int64_t parts = (rows + GCR_PART - 1) / GCR_PART;

    return parts * (parts + 1) / 2;
}

GCR_FN void gcr_team_gram(const gcr_ctx *ctx, int64_t n, int64_t rows, const gcr_real *x,
                          gcr_real *z)
{
    gcr_factors of;

    of.begin = x;
    of.ld = of.depth = rows;
    of.rows = n;
    gcr_team_barrier(ctx);
    for (int64_t p = gcr_team_block(); p < gcr_part_count(n); p += gcr_team_blocks())
        gcr_part_compute(z, &of, 0, gcr_part_place(p), 0);
    gcr_team_barrier(ctx);
}

/* ---- a panel --------------------------------------------------------------------------------- */

/* The tiles of the part in shared memory. */
GCR_FN gcr_matrix gcr_panel_matrix(int64_t first, int64_t n)
{
    const int64_t left = n - first, rows = left < GCR_PART ? left : GCR_PART;
    gcr_matrix matrix;

    matrix.rows = (int)(rows + GCR_TILE - 1) / GCR_TILE;
    matrix.sides = matrix.side_rows = 0;
    matrix.tiles = gcr_part_memory();
    matrix.inverse = matrix.tiles + GCR_INVERSES_AT;
    matrix.inverse_step = GCR_TILE_VALUES;
    matrix.pivot = matrix.work = matrix.out = 0;
    return matrix;
}

/* From rows of the triangle, with the identity behind the last. */
GCR_FN void gcr_panel_load(const gcr_matrix *matrix, const gcr_real *a, int64_t first, int64_t n)
{
    for (gcr_tile_place at = gcr_tile_place_first(); at.row < matrix->rows;
         at = gcr_tile_place_behind(at, GCR_WARPS)) {
        const int64_t i = first + GCR_TILE * at.row + gcr_tile_row();
        const int64_t j = first + GCR_TILE * at.column + gcr_tile_column();
        const gcr_row row = gcr_row_of(matrix, at.row);
        gcr_tile tile;

        GCR_UNROLL
        for (int e = 0; e < 2; e++)
            tile.at[e] = i < n && j + e <= i ? a[gcr_triangle(i, j + e)] : i == j + e ? 1 : 0;
        gcr_row_store(&row, at.column, &tile);
    }
}

GCR_FN void gcr_panel_store(const gcr_matrix *matrix, gcr_real *a, int64_t first, int64_t n)
{
    for (gcr_tile_place at = gcr_tile_place_first(); at.row < matrix->rows;
         at = gcr_tile_place_behind(at, GCR_WARPS)) {
        const int64_t i = first + GCR_TILE * at.row + gcr_tile_row();
        const int64_t j = first + GCR_TILE * at.column + gcr_tile_column();
        const gcr_row row = gcr_row_of(matrix, at.row);
        const gcr_tile tile = gcr_row_load(&row, at.column);

        GCR_UNROLL
        for (int e = 0; e < 2; e++)
            if (i < n && j + e <= i)
                a[gcr_triangle(i, j + e)] = tile.at[e];
    }
}

/* Where block 0 leaves the factor of a part to the others, behind its verdict. */
GCR_FN gcr_real *gcr_panel_place(void)
{
    return *gcr_whole_place() + GCR_WHOLE_PANEL_AT;
}

/* The part on the diagonal at `first`; its factor stays in shared memory. By all threads of block
 * 0. Returns the first minor of it that is not positive, or 0. */
GCR_FN int gcr_panel_factor(gcr_real *a, int64_t first, int64_t n)
{
    const gcr_matrix matrix = gcr_panel_matrix(first, n);
    int minor;

    gcr_block_barrier(); /* nobody reads shared memory any more, and the entries are there */
    gcr_panel_load(&matrix, a, first, n);
    gcr_block_barrier(); /* the tiles are there */
    minor = gcr_block_eliminate(&matrix);
    gcr_panel_store(&matrix, a, first, n);
    if (GCR_IS_WHOLE_TEAM) {
        for (int k = gcr_thread_index(); k < GCR_PANEL_VALUES; k += GCR_TEAM_THREADS)
            gcr_panel_place()[k] = matrix.tiles[k];
        if (gcr_thread_index() == 0)
            (*gcr_whole_place())[GCR_WHOLE_MINOR_AT] = (gcr_real)minor;
    }
    return minor;
}

/* What block 0 has left, once all have met. Returns the minor. */
GCR_FN int gcr_panel_take(int minor)
{
    if (!GCR_IS_WHOLE_TEAM)
        return minor;
    for (int k = gcr_thread_index(); k < GCR_PANEL_VALUES; k += GCR_TEAM_THREADS)
        gcr_part_memory()[k] = gcr_panel_place()[k];
    minor = (int)(*gcr_whole_place())[GCR_WHOLE_MINOR_AT];
    gcr_block_barrier(); /* the factor is in shared memory */
    return minor;
}

/* Eight rows of the panel, X L' = A, in registers: tile by tile from the left, each subtracted from
 * those to its right as soon as it is there. The panel is a whole one, so that all places are known
 * when this is compiled. */
GCR_FN void gcr_panel_divide_rows(gcr_real *row, int is_there)
{
    const gcr_real *const tiles = gcr_part_memory(), *const inverses = tiles + GCR_INVERSES_AT;
    gcr_tile x[GCR_PART_TILES];

    GCR_UNROLL
    for (int t = 0; t < GCR_PART_TILES; t++) {
        GCR_UNROLL
        for (int e = 0; e < 2; e++)
            x[t].at[e] = is_there ? row[GCR_TILE * t + gcr_tile_column() + e] : 0;
    }
    GCR_UNROLL
    for (int t = 0; t < GCR_PART_TILES; t++) {
        const gcr_right inverse = gcr_right_load(inverses + GCR_TILE_VALUES * t);
        gcr_left left;

        x[t] = gcr_tile_product(&x[t], &inverse);
        left = gcr_left_of(&x[t]);
        GCR_UNROLL
        for (int s = t + 1; s < GCR_PART_TILES; s++) {
            const gcr_right right = gcr_right_load(tiles + GCR_TILE_VALUES * (s * (s + 1) / 2 + t));

            gcr_tile_subtract_product(&x[s], &left, &right);
        }
    }
    GCR_UNROLL
    for (int t = 0; t < GCR_PART_TILES; t++) {
        GCR_UNROLL
        for (int e = 0; e < 2; e++)
            if (is_there)
                row[GCR_TILE * t + gcr_tile_column() + e] = x[t].at[e];
    }
}

/* All rows below the part at `first`, which is a whole one. Warps of different blocks come first:
 * there are more of them than rows. */
GCR_FN void gcr_panel_divide(gcr_real *a, int64_t first, int64_t n)
{
    const int64_t step = GCR_TILE * gcr_team_blocks() * GCR_WARPS;

    for (int64_t i = first + GCR_PART +
                     GCR_TILE * (gcr_team_block() + gcr_team_blocks() * gcr_warp_index());
         i < n; i += step) {
        const int64_t row = i + gcr_tile_row();

        gcr_panel_divide_rows(a + gcr_triangle(row < n ? row : i, first), row < n);
    }
}

/* ---- what is to the right of it -------------------------------------------------------------- */

/* Subtracts the products of the panel at `first` from all that is to its right. Where there are
 * other blocks, block 0 has the first part alone, and factors it. Returns its minor there. */
GCR_FN int gcr_update(gcr_real *a, int64_t first, int64_t n)
{
    const int64_t begin = first + GCR_PART, count = gcr_part_count(n - begin);
    const int64_t block = gcr_team_block(), others = gcr_team_blocks() - 1;
    gcr_factors of;

    of.begin = a + first;
    of.ld = 0;
    of.rows = n;
    of.depth = GCR_PART;
    if (block > 0 || others == 0)
        for (int64_t p = block > 0 ? block : 1; p<count; p += others> 0 ? others : 1)
            gcr_part_compute(a, &of, begin, gcr_part_place(p), 1);
    if (block > 0)
        return 0;
    gcr_part_compute(a, &of, begin, gcr_part_place(0), 1);
    return gcr_panel_factor(a, begin, n);
}

GCR_FN int64_t gcr_team_cholesky(const gcr_ctx *ctx, int64_t n, gcr_real *a)
{
    int minor = 0;

    gcr_team_barrier(ctx);
    if (gcr_team_block() == 0 && n > 0)
        minor = gcr_panel_factor(a, 0, n);
    for (int64_t first = 0; first < n; first += GCR_PART) {
        gcr_team_barrier(ctx); /* the part on the diagonal is factored */
        minor = gcr_panel_take(minor);
        if (minor != 0)
            return first + minor;
        if (first + GCR_PART < n) {
            gcr_panel_divide(a, first, n);
            gcr_team_barrier(ctx); /* the panel is there */
            minor = gcr_update(a, first, n);
        }
    }
    return 0;
}

#endif /* GCR_CUDA_TEAM_MATRIX_H */
