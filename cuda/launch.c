/*
 * cuda/launch.c -- which variant computes a cell.
 *
 * Sizes are counted in 64 bits without overflow checks only after n, systems and right_sides have
 * been bounded; what is beyond is answered with UINT64_MAX, more than any device has.
 */
#include "cuda/launch.h"
#include "cuda/device/factor_layout.h"
#include "cuda/device/meeting.h"

enum {
    SIZE_MAX_COUNTED = 1 << 20, /* rows; 1 << 40 values are 8 TB */
};

int gcr_thread_rows_max(gcr_scalar scalar)
{
    return scalar == GCR_F32 ? GCR_THREAD_ROWS_MAX_F32 : GCR_THREAD_ROWS_MAX;
}

int gcr_warp_rows_max(gcr_scalar scalar)
{
    return scalar == GCR_F32 ? GCR_WARP_ROWS_MAX_F32 : GCR_WARP_ROWS_MAX;
}

/* Registers and shared memory of sm_80 and sm_90 differ in the latter alone. The rows are where the
 * model of cuda/device/spd_*.h has the next algorithm ahead (derived, not measured). */
gcr_crossovers gcr_crossovers_default(int capability, gcr_scalar scalar)
{
    const uint64_t shared_kib = capability >= 90                       ? 227
                                : capability == 80 || capability == 87 ? 163
                                                                       : 99;
    gcr_crossovers out = { .scalar = scalar,
                           .thread_rows = 8,
                           .warp_rows = GCR_WARP_ROWS_MAX,
                           .block = { { 1, 128, 5 }, { 65, 192, 3 }, { 129, 512, 1 } },
                           .memory_threads = 384,
                           .blocked_rows = 256,
                           .solver_rows = 2049,
                           .grid_slots = 132,
                           .grid_threads = 256,
                           .shared_bytes = shared_kib << 10,
                           .cell_thread_flops = 2000,
                           .cell_threads = 128,
                           .cell_whole_flops = 4e9,
                           .cell_whole_count = 1 << 20,
                           .whole_threads = 256,
                           .prepare_threads = 256,
                           .prepare_whole_flops = 1e8 };

    if (scalar == GCR_F32) {
        out.thread_rows = 12;
        out.warp_rows = GCR_WARP_ROWS_MAX_F32;
        out.block[0] = (gcr_block_class){ 1, 128, 4 };
        out.block[1] = (gcr_block_class){ 97, 256, 2 };
        out.block[2] = (gcr_block_class){ 193, 384, 1 };
        out.blocked_rows = 384;
    }
    return out;
}

static int is_countable(int64_t count)
{
    return count >= 0 && count <= SIZE_MAX_COUNTED;
}

static uint64_t scratch_bytes(int64_t count, gcr_scalar scalar)
{
    return ((uint64_t)count * gcr_scalar_bytes(scalar) + 255) / 256 * 256;
}

static uint64_t spd_scratch_bytes(const gcr_variant *variant, const gcr_cell_shape *shape,
                                  gcr_scalar scalar)
{
    const int is_small = is_countable(shape->n) && is_countable(shape->systems) &&
                         is_countable(shape->right_sides) &&
                         is_countable(shape->systems * shape->right_sides) &&
                         is_countable(shape->output_width);

    if (!is_small)
        return UINT64_MAX;
    return scratch_bytes(gcr_spd_layout_of(variant->team, variant->threads, shape->n,
                                           shape->systems, shape->right_sides, shape->output_width)
                             .end,
                         scalar);
}

/* A thread with fixed outputs has them in registers, and the answers of a single system, too. */
static int is_all_in_registers(const gcr_variant *variant, const gcr_cell_shape *shape)
{
    return variant->team == GCR_TEAM_THREAD && variant->is_single && !shape->has_wide_outputs &&
           shape->scratch_count == 0 && variant->scratch_bytes < UINT64_MAX;
}

static gcr_variant thread_variant(int64_t n, gcr_scalar scalar)
{
    const int bound = n <= 4 ? 4 : n <= 8 ? 8 : n <= 12 ? 12 : GCR_THREAD_ROWS_MAX_F32;
    const int blocks = bound == 4 ? 4 : bound == 8 ? 3 : 2;

    return (gcr_variant){ .team = GCR_TEAM_THREAD,
                          .bound = bound,
                          .threads = 128,
                          .min_blocks = scalar == GCR_F32 && bound <= 12 ? blocks + 1 : blocks,
                          .teams_of_block = 128 };
}

static gcr_variant warp_variant(int64_t n, gcr_scalar scalar)
{
    const int bound = n <= 8 ? 8 : (int)gcr_tile_rows(n) * 8;
    const int most = scalar == GCR_F32 && bound <= 16 ? 4 : 3;

    return (gcr_variant){ .team = GCR_TEAM_WARP,
                          .bound = bound,
                          .threads = 128,
                          .min_blocks = bound <= 32 ? most : 2,
                          .teams_of_block = 4 };
}

static gcr_variant block_variant(const gcr_crossovers *crossovers, const gcr_cell_shape *shape)
{
    const gcr_block_class *class = crossovers->block;
    gcr_variant variant = { .team = GCR_TEAM_MEMORY,
                            .threads = crossovers->memory_threads,
                            .min_blocks = 1,
                            .teams_of_block = 1 };

    if (is_countable(shape->n) && is_countable(shape->right_sides))
        variant.shared_bytes = (uint64_t)gcr_spd_shared_count(shape->n, shape->right_sides) *
                               gcr_scalar_bytes(crossovers->scalar);
    if (variant.shared_bytes == 0 ||
        variant.shared_bytes + GCR_STATIC_SHARED_BYTES > crossovers->shared_bytes) {
        variant.shared_bytes = 0;
        return variant;
    }
    for (int k = 1; k < GCR_BLOCK_CLASSES && crossovers->block[k].rows > 0; k++)
        if (shape->n >= crossovers->block[k].rows)
            class = crossovers->block + k;
    variant.team = GCR_TEAM_BLOCK;
    variant.threads = class->threads;
    variant.min_blocks = class->min_blocks;
    return variant;
}

static gcr_variant grid_variant(const gcr_crossovers *crossovers)
{
    return (gcr_variant){ .team = GCR_TEAM_GRID,
                          .threads = crossovers->grid_threads,
                          .min_blocks = 1,
                          .teams_of_block = 1,
                          .shared_bytes = (uint64_t)gcr_spd_shared_count(GCR_BLOCKED_ROWS, 0) *
                                          gcr_scalar_bytes(crossovers->scalar) };
}

/* Fewer of larger matrices, so that a sub-batch is about the same memory and, but for small ones,
 * the same work. */
gcr_grid gcr_grid_of(const gcr_crossovers *crossovers, int64_t n, int64_t right_sides)
{
    const int64_t rows = gcr_tile_rows(n) * 8, most = 2 * (int64_t)crossovers->grid_slots;
    const int is_lower = n >= crossovers->solver_rows;
    const int64_t slots = ((int64_t)crossovers->grid_slots << 20) / (rows * rows);
    const int64_t ld = (rows + right_sides + 7) / 8 * 8;

    return (gcr_grid){ .rows = (int32_t)rows,
                       .sides = (int32_t)right_sides,
                       .slots = (int32_t)(is_lower || slots < 1 ? 1
                                          : slots < most        ? slots
                                                                : most),
                       .is_lower = is_lower,
                       .ld = ld,
                       .stride = ld * (rows + right_sides) };
}

static int is_for_grid(const gcr_crossovers *crossovers, const gcr_cell_shape *shape)
{
    return shape->n >= crossovers->blocked_rows && crossovers->blocked_rows > 0 &&
           is_countable(shape->n) && is_countable(shape->right_sides);
}

static gcr_variant spd_variant(const gcr_crossovers *crossovers, const gcr_cell_shape *shape)
{
    const gcr_scalar scalar = crossovers->scalar;
    gcr_variant variant;

    if (shape->n <= crossovers->thread_rows && shape->n <= gcr_thread_rows_max(scalar))
        variant = thread_variant(shape->n, scalar);
    else if (shape->n <= crossovers->warp_rows && shape->n <= gcr_warp_rows_max(scalar))
        variant = warp_variant(shape->n, scalar);
    else
        variant = block_variant(crossovers, shape);
    if (variant.team == GCR_TEAM_MEMORY && is_for_grid(crossovers, shape))
        variant = grid_variant(crossovers);
    variant.is_single = shape->systems <= 1 && shape->right_sides <= 1;
    if (!variant.is_single && variant.min_blocks > 1)
        variant.min_blocks--; /* finish() of several systems needs registers of its own */
    variant.scratch_bytes = spd_scratch_bytes(&variant, shape, scalar);
    if (is_all_in_registers(&variant, shape))
        variant.scratch_bytes = 0;
    return variant;
}

/* `threads` of a block compute one cell, or 1 of them. */
static gcr_variant cell_variant(int threads, int is_thread, const gcr_cell_shape *shape,
                                gcr_scalar scalar)
{
    const int is_small = shape->scratch_count >= 0 && shape->scratch_count <= (int64_t)1 << 50 &&
                         is_countable(shape->output_width);
    gcr_variant variant = { .team = is_thread ? GCR_TEAM_THREAD : GCR_TEAM_BLOCK,
                            .is_single = 1,
                            .threads = threads,
                            .min_blocks = 1,
                            .teams_of_block = is_thread ? threads : 1,
                            .scratch_bytes = UINT64_MAX };

    if (is_small)
        variant.scratch_bytes =
            scratch_bytes(gcr_cell_scratch_at(shape->output_width) + shape->scratch_count, scalar);
    if (is_all_in_registers(&variant, shape))
        variant.scratch_bytes = 0;
    return variant;
}

static int has_whole(const gcr_crossovers *crossovers)
{
    return crossovers->whole_blocks > 0 && crossovers->whole_blocks <= GCR_WHOLE_BLOCKS_MAX;
}

static int is_for_whole(const gcr_crossovers *crossovers, const gcr_cell_shape *shape)
{
    return has_whole(crossovers) && shape->flops >= crossovers->cell_whole_flops &&
           shape->scratch_count >= crossovers->cell_whole_count;
}

static gcr_variant whole_variant(const gcr_crossovers *crossovers, const gcr_cell_shape *shape,
                                 int32_t team)
{
    gcr_variant variant = cell_variant(crossovers->whole_threads, 0, shape, crossovers->scalar);

    variant.team = team;
    variant.shared_bytes = GCR_WHOLE_PANEL_VALUES * gcr_scalar_bytes(crossovers->scalar);
    if (variant.scratch_bytes != UINT64_MAX)
        variant.scratch_bytes += scratch_bytes(GCR_WHOLE_VALUES, crossovers->scalar);
    return variant;
}

gcr_variant gcr_variant_of(const gcr_crossovers *crossovers, const gcr_cell_shape *shape)
{
    if (shape->form == GCR_FORM_SPD)
        return spd_variant(crossovers, shape);
    if (is_for_whole(crossovers, shape))
        return whole_variant(crossovers, shape, GCR_TEAM_WHOLE);
    return cell_variant(crossovers->cell_threads, shape->flops <= crossovers->cell_thread_flops,
                        shape, crossovers->scalar);
}

/* ---- factors in place ------------------------------------------------------------------------ */

/* As many blocks at once as registers allow (device/resources.txt): what a multiprocessor waits for
 * is memory, and each warp brings its own loads. */
static gcr_variant factor_thread_variant(int64_t n, gcr_scalar scalar)
{
    const int bound = n <= 4 ? 4 : n <= 8 ? 8 : n <= 12 ? 12 : 16;
    const int registers = (int)gcr_scalar_bytes(scalar) / 4 * bound * (bound + 1) / 2 + 48;

    return (gcr_variant){ .team = GCR_TEAM_THREAD,
                          .bound = bound,
                          .threads = 128,
                          .min_blocks = 65536 / 128 / (registers > 64 ? registers : 64),
                          .teams_of_block = 4 };
}

static gcr_variant factor_warp_variant(int64_t n)
{
    const int bound = (int)gcr_tile_rows(n) * 8;

    return (gcr_variant){ .team = GCR_TEAM_WARP,
                          .bound = bound,
                          .threads = 128,
                          .min_blocks = bound <= 16   ? 8
                                        : bound <= 24 ? 6
                                                      : 4,
                          .teams_of_block = 4 };
}

/* The inverse in hand, then the tiles where they fit. */
static gcr_variant factor_block_variant(const gcr_crossovers *crossovers, int64_t n)
{
    const uint64_t scalar_bytes = gcr_scalar_bytes(crossovers->scalar);
    static const gcr_block_class of[GCR_SCALAR_COUNT][4] = {
        [GCR_F64] = { { 161, 512, 1 }, { 129, 256, 2 }, { 65, 192, 4 }, { 1, 128, 7 } },
        [GCR_F32] = { { 161, 512, 1 }, { 129, 256, 2 }, { 65, 192, 3 }, { 1, 128, 5 } },
    };
    const uint64_t values = is_countable(n) ? (uint64_t)gcr_matrix_count(n, 0) + 64 : 0;
    const gcr_block_class *entry = of[crossovers->scalar];
    gcr_variant variant = { .team = GCR_TEAM_MEMORY,
                            .threads = crossovers->memory_threads,
                            .min_blocks = 1,
                            .teams_of_block = 1,
                            .shared_bytes = 64 * scalar_bytes };

    if (values == 0 || values * scalar_bytes + GCR_STATIC_SHARED_BYTES > crossovers->shared_bytes) {
        if (n >= crossovers->blocked_rows && crossovers->blocked_rows > 0)
            variant = grid_variant(crossovers);
        return variant;
    }
    while (n < entry->rows)
        entry++;
    variant.team = GCR_TEAM_BLOCK;
    variant.threads = entry->threads;
    variant.min_blocks = entry->min_blocks;
    variant.shared_bytes = values * scalar_bytes;
    return variant;
}

gcr_variant gcr_variant_of_factor(const gcr_crossovers *crossovers, int64_t n)
{
    const gcr_scalar scalar = crossovers->scalar;

    if (n <= gcr_thread_rows_max(scalar))
        return factor_thread_variant(n, scalar);
    if (n <= GCR_WARP_ROWS_MAX)
        return factor_warp_variant(n);
    return factor_block_variant(crossovers, n);
}

/* A fourth of the slots that cells have: those of a group that is no multiple are computed for
 * nothing, and take memory. */
gcr_grid gcr_grid_of_factor(const gcr_crossovers *crossovers, int64_t n)
{
    gcr_grid grid = gcr_grid_of(crossovers, n, 0);

    grid.slots = (grid.slots + 3) / 4;
    grid.stride = gcr_mark_at(grid.rows, grid.is_lower) + 32;
    return grid;
}

gcr_variant gcr_variant_of_prepare(const gcr_crossovers *crossovers, int64_t scratch_count,
                                   double flops)
{
    const gcr_cell_shape shape = { .scratch_count = scratch_count };
    gcr_variant variant;

    if (has_whole(crossovers) && flops >= crossovers->prepare_whole_flops)
        return whole_variant(crossovers, &shape, GCR_TEAM_PREPARE_WHOLE);
    variant = cell_variant(crossovers->prepare_threads, 0, &shape, crossovers->scalar);
    variant.team = GCR_TEAM_PREPARE;
    return variant;
}
