/*
 * cuda/launch.h -- what host code and device code of the backend know of each other.
 *
 * The host compiles cuda/device/device_unit.h together with a kernel file, once for each *variant*:
 * who computes a cell (a thread, a warp or a block) and for how many rows. gcr_variant_of() says
 * which computes a cell of a given shape and what a block of it needs; it is a function of the
 * shape and of the device's crossovers alone, so that no cell's bits depend on its neighbours.
 * A launch computes cells of one variant, of any number of datasets:
 *
 *     gcr_crunch   all live cells of the tiles; one that is not SPD goes on the list for rung 1
 *     gcr_retry    the list for rung `launch.step`; launched once for each rung, in turn
 *     gcr_prepare  one block for each dataset, or all for one after the other (variants of their
 *                  own, GCR_TEAM_PREPARE and GCR_TEAM_PREPARE_WHOLE)
 *
 * each `extern "C" __global__`, with a gcr_launch or gcr_prepare_launch by value as the only
 * argument. Where matrices are left to libraries, GCR_TEAM_GRID, there are others in place of the
 * first two: cuda/device/spd_grid.h. A team goes on to the next cell when it has finished one, so
 * that any number of blocks is right. Plain C17 on the host; NVRTC takes it as C++.
 *
 * Where all blocks of a launch are one team, GCR_IS_ONE_TEAM(), they run at the same time: the
 * launch is cooperative, of gcr_crossovers.whole_blocks, and the first 8 bytes of scratch are 0
 * before it.
 *
 * What the host defines to compile a variant, beside what a unit of the CPU gets (GCR_KERNEL_FILE,
 * GCR_OPTION_*):
 *
 *     GCR_TEAM             GCR_TEAM_*
 *     GCR_TEAM_BOUND       variant.bound
 *     GCR_TEAM_SINGLE      variant.is_single
 *     GCR_TEAM_THREADS     variant.threads
 *     GCR_TEAM_MIN_BLOCKS  variant.min_blocks
 *     GCR_PARAMETER_COUNT  parameters of the kernel
 *     GCR_OUTPUT_WIDTHS    widths of its outputs as its description has them: 1, 1, -1
 *     GCR_OUTPUTS_FIXED    their sum, or 0 where one is as wide as the dataset
 *     GCR_SINGLE           defined: it computes with floats. Axes, jitter and outputs are doubles
 *
 * in front of the text, as NVRTC splits the value of -D at commas, with --std=c++20 --fmad=false.
 */
#ifndef GCR_CUDA_LAUNCH_H
#define GCR_CUDA_LAUNCH_H

#include "cuda/device/teams.h"

#include "gridcrunch/factor.h"
#include "gridcrunch/unit_tile.h"

/* ---- what a launch is told ------------------------------------------------------------------- */

typedef struct gcr_launch_axis {
    const double *values; /* [count] on the device */
    uint64_t count;
} gcr_launch_axis;

/* A tile with what its shape makes of the kernel's descriptions. Addresses are the device's. */
typedef struct gcr_launch_tile {
    gcr_unit_tile tile;
    uint64_t before;                 /* points of the tiles before this one */
    int32_t n, systems, right_sides; /* SPD */
} gcr_launch_tile;

enum { GCR_LAUNCH_AXES_MAX = 31 }; /* GCR_AXES_MAX of gridcrunch/grid.h */

/* What holds for all launches of a program comes first, then what is new in each. */
typedef struct gcr_launch {
    gcr_launch_axis axes[GCR_LAUNCH_AXES_MAX]; /* outermost first */
    int32_t parameter_of_axis[GCR_LAUNCH_AXES_MAX];
    int32_t axis_count;
    const uint64_t *live; /* as in gcr_point_table: bit p % 64 of word p / 64; NULL: all */
    int64_t option[GCR_OPTIONS_MAX];
    uint64_t seed;
    const double *jitter; /* [jitter_count] on the device */
    int32_t jitter_count;
    double ns_per_tick;

    const gcr_launch_tile *tiles; /* [tile_count] on the device, with `before` ascending from 0 */
    uint64_t tile_count, cell_count; /* points of all tiles, dead ones included */
    void *scratch;                   /* of team 0 */
    uint64_t scratch_stride; /* values from team to team: variant.scratch_bytes of them or more */

    /* Cells that are not SPD. Step s of the ladder, 1 .. jitter_count, reads the list retry[s % 2]
     * and writes the other. counters[2 s] counts the cells of step s that teams have taken beside
     * their first, and counters[2 s + 1] those on the list for it. The host sets all to 0 before
     * gcr_crunch. */
    uint64_t *retry[2]; /* [cell_count] each; NULL where jitter_count is 0 */
    uint64_t *counters; /* [2 (jitter_count + 1)] */
    int32_t step;       /* 0 in gcr_crunch */
} gcr_launch;

enum { GCR_BLOCKED_ROWS = 128 }; /* of a block on the diagonal; the last may have fewer */

/* Matrices of one size that the whole device factors together, as cuda/blocked.h has them: the
 * slots of a sub-batch, each with the matrix of a system of a cell, or with the identity. */
typedef struct gcr_grid {
    int32_t rows, sides; /* rows: of the matrix, a multiple of 8 */
    int32_t slots;
    int32_t is_lower;   /* the entries are where L will be, for a library that factors in place */
    int64_t ld, stride; /* values from column to column, and from slot to slot */
    void *matrices;
    void *pivots;    /* [slots][rows]                                                        */
    int32_t *bad;    /* [slots]: an entry or a right-hand side is not finite                 */
    int32_t *minors; /* [slots]: the first that is not positive, counted from 1; 0: none     */
} gcr_grid;

/* A sub-batch of GCR_TEAM_GRID. Its cells are some of a launch, all of one shape; their answers are
 * in the scratch of the launch, cell by cell. */
typedef struct gcr_grid_launch {
    gcr_launch launch;
    gcr_grid grid;
    const uint64_t *cells; /* a list of numbers of cells, or NULL: all                     */
    uint64_t first;        /* of the list, the first whose answers have a place ...        */
    int32_t cell_count;    /* ... and how many have                                        */
    int32_t systems;       /* of a cell                                                    */
    int32_t system;        /* in slot 0, counted through the systems of all of these cells */
} gcr_grid_launch;

/* Blocks of rows and columns on the diagonal of all slots: of GCR_BLOCKED_ROWS each, the last of
 * what is left. More than one only where the factor is there and inverses are all that is to be
 * made. */
typedef struct gcr_diagonal_launch {
    gcr_grid grid;
    int32_t first, count;
    int32_t is_factored;
} gcr_diagonal_launch;

/* A dataset to be prepared. */
typedef struct gcr_launch_dataset {
    gcr_view data;
    void *prepared;
    int32_t *fault; /* written: 0, or what the kernel returned */
} gcr_launch_dataset;

typedef struct gcr_prepare_launch {
    const gcr_launch_dataset *datasets; /* [dataset_count] on the device */
    uint64_t dataset_count;
    int64_t option[GCR_OPTIONS_MAX];
    uint64_t seed;
    double ns_per_tick;
    void *scratch; /* as in gcr_launch */
    uint64_t scratch_stride;
} gcr_prepare_launch;

/* Matrices of one size, among those of a launch. */
typedef struct gcr_launch_group {
    gcr_factor_group of;
    uint64_t before; /* items of the groups before this one: a matrix, or 32 of a thread each */
} gcr_launch_group;

/* A group that all blocks factor together, or a sub-batch of it; of gcr_large_* in
 * factor_grid.h. */
typedef struct gcr_large_launch {
    gcr_factor_group group;
    gcr_grid grid;        /* `matrices` are those of slot 0, stride values apart             */
    uint64_t first;       /* of the group, in slot 0; behind the last are identities         */
    int32_t begin, count; /* gcr_large_diag: rows and columns of a block on the diagonal    */
} gcr_large_launch;

enum { GCR_LAUNCH_GROUPS = 80 }; /* as many as the 4 KB of a kernel's argument hold */

/* What gcr_factor, gcr_pack and gcr_unpack of device/factor_unit.h are given. */
typedef struct gcr_factor_launch {
    gcr_launch_group groups[GCR_LAUNCH_GROUPS]; /* with `before` ascending from 0 */
    uint64_t item_count;
    int32_t group_count;
} gcr_factor_launch;

#if !defined(__CUDACC__)

#include "gridcrunch/kind.h"

#include <stddef.h>

/* ---- which variant computes a cell ----------------------------------------------------------- */

/* Rows of a matrix that the registers have room for (device/resources.txt). Those of a warp would
 * hold more floats; but all loops over them are unrolled, and 40 rows are 250 KB of code
 * already. */
enum {
    GCR_THREAD_ROWS_MAX = 12,
    GCR_THREAD_ROWS_MAX_F32 = 16,
    GCR_WARP_ROWS_MAX = 32,
    GCR_WARP_ROWS_MAX_F32 = 40,
    GCR_BLOCK_CLASSES = 4,
    /* At most what a block declares beside dynamic memory. One that has none may declare more, up
     * to the 48 KB that need not be asked for: device/team_matrix.h. */
    GCR_STATIC_SHARED_BYTES = 1024,
};

int gcr_thread_rows_max(gcr_scalar scalar);
int gcr_warp_rows_max(gcr_scalar scalar);

/* From `rows` rows on, a block has so many threads. */
typedef struct gcr_block_class {
    int32_t rows, threads, min_blocks;
} gcr_block_class;

/* Which algorithm a device uses for which size, in one precision: calibrated for each model of GPU
 * and part of its kind, because they decide bits. Rows are those of SPD matrices. */
typedef struct gcr_crossovers {
    gcr_scalar scalar;   /* what gcr_real is on the device                                    */
    int32_t thread_rows; /* up to so many: a thread; at most gcr_thread_rows_max(), 0 is never */
    int32_t warp_rows;   /* up to so many: a warp; at most gcr_warp_rows_max()                 */
    gcr_block_class block[GCR_BLOCK_CLASSES]; /* in shared memory; ascending, up to rows == 0 */
    int32_t memory_threads;                   /* of a block whose matrix is not               */
    int32_t blocked_rows;     /* of those, from so many rows on: all blocks and cuBLAS ...        */
    int32_t solver_rows;      /* ... and from so many on cuSOLVER, a matrix at a time             */
    int32_t grid_slots;       /* matrices of 1024 rows that all blocks factor together            */
    int32_t grid_threads;     /* of each block then                                               */
    uint64_t shared_bytes;    /* that a block may have: 227 KB on sm_90, 163 KB on sm_80      */
    double cell_thread_flops; /* cell kernels: up to this cost a thread has a cell of its own */
    int32_t cell_threads;     /* of a block that has a cell                                   */
    double cell_whole_flops;  /* ... and from this cost on all blocks have one, if it has ... */
    int32_t cell_whole_count; /* ... so many values of scratch: they share what is there      */
    int32_t whole_threads;    /* of each block then                                           */
    int32_t whole_blocks;     /* as many as multiprocessors; 0 where it is not known: never   */
    int32_t prepare_threads;  /* of a block that prepares a dataset                           */
    double prepare_whole_flops; /* from this cost on all blocks do                            */
} gcr_crossovers;

/* Before a device is calibrated: what the cost model of cuda/device/ expects, for the compute
 * capability 10 major + minor. */
gcr_crossovers gcr_crossovers_default(int capability, gcr_scalar scalar);

/* What is known of the cells of a dataset. */
typedef struct gcr_cell_shape {
    gcr_kernel_form form;
    int64_t n, systems, right_sides; /* SPD                                    */
    int64_t scratch_count;           /* cell kernels: values of gcr_scratch()  */
    int64_t output_width;            /* values of all outputs of a cell        */
    int has_wide_outputs;            /* an output is as wide as the dataset    */
    double flops;                    /* cell kernels                           */
} gcr_cell_shape;

typedef struct gcr_variant {
    int32_t team;       /* GCR_TEAM_*                                                          */
    int32_t bound;      /* rows that the text is compiled for, where they are in registers; 0   */
    int32_t is_single;  /* at most one system and one right-hand side: their answers have a place */
                        /* that is known when it is compiled                                    */
    int32_t threads;    /* of a block                                                           */
    int32_t min_blocks; /* on a multiprocessor at once: what registers are limited for      */
    int32_t teams_of_block; /* cells that a block computes at one time                          */
    uint64_t shared_bytes;  /* dynamic shared memory of a block                                 */
    uint64_t scratch_bytes; /* of a team; UINT64_MAX: more than can be counted                  */
} gcr_variant;

/* The variant for cells of this shape. Variants whose first five members are the same are compiled
 * from the same definitions; a launch has the most shared_bytes and scratch_bytes of its cells. */
gcr_variant gcr_variant_of(const gcr_crossovers *crossovers, const gcr_cell_shape *shape);

/* How the cells of a variant with GCR_TEAM_GRID are factored; addresses are NULL. */
gcr_grid gcr_grid_of(const gcr_crossovers *crossovers, int64_t n, int64_t right_sides);

/* The same for prepare() of a kernel that may ask for `scratch_count` values of scratch, at a cost
 * of `flops` for the dataset. */
gcr_variant gcr_variant_of_prepare(const gcr_crossovers *crossovers, int64_t scratch_count,
                                   double flops);

/* Who factors matrices of n rows as they stand: up to so many rows a thread, then a warp, then a
 * block. Not calibrated, as the layout that matrices are kept in follows from it. */
gcr_variant gcr_variant_of_factor(const gcr_crossovers *crossovers, int64_t n);

/* How the matrices of a variant with GCR_TEAM_GRID are factored in place; addresses are NULL. */
gcr_grid gcr_grid_of_factor(const gcr_crossovers *crossovers, int64_t n);

#endif /* !__CUDACC__ */

#endif /* GCR_CUDA_LAUNCH_H */
