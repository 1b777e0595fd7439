/*
 * tests/support/device_run.h -- tiles, crunched by the text for devices, as the host side of the
 * backend does it: variant by variant, cells that are not SPD again with each rung of the ladder.
 */
#ifndef GCR_DEVICE_RUN_H
#define GCR_DEVICE_RUN_H

#include "cuda/launch.h"

#include "support/device_twin.h"
#include "support/device_variant.h"
#include "support/gcr_test.h"
#include "support/tile.h"

/* Which algorithm is made to compute all sizes that it can. */
typedef enum device_algorithm {
    DEVICE_THREAD, /* then warps, then blocks */
    DEVICE_WARP,   /* then blocks             */
    DEVICE_BLOCK,
    DEVICE_MEMORY,
    DEVICE_SPD_COUNT,                /* of algorithms of SPD kernels */
    DEVICE_WHOLE = DEVICE_SPD_COUNT, /* cell kernels: all blocks, which are three */
    DEVICE_ALGORITHM_COUNT
} device_algorithm;

typedef struct device_run {
    gcr_crossovers crossovers;
    int blocks;
    twin_order order;
} device_run;

/* Two blocks, upwards, with crossovers that prefer `algorithm`, in the precision in hand
 * (units.h). */
device_run device_run_of(device_algorithm algorithm);

/* "thread", "warp" ... */
const char *device_algorithm_name(device_algorithm algorithm);

/* The variant that computes the cells of a tile. */
gcr_variant device_variant_of(const device_run *run, const tile *t);

/* The build's variant of a kernel for a team, in the precision in hand. The test fails where there
 * is none. */
const device_variant *device_variant_for(const char *kernel, int team, int is_single);

/* Crunches tiles of one kernel and one grid together. The test fails where the twin finds something
 * wrong, or where the build has no such variant. */
void device_crunch(const device_run *run, tile *const *tiles, int count);

/* Prepares the dataset of a tile: writes t->prepared and t->fault. */
void device_prepare(const device_run *run, tile *t);

/* What two ways of computing a cell may differ by: 1e-12 of doubles, 2e-5 of floats, and as much
 * more as `times` says. */
double device_tolerance(double times);

/* Fails, and says `what`, where two tiles of the same cells differ: numbers by more than
 * `tolerance`, relative to 1 or the number; all else in a bit: states, minors and faults, steps,
 * padding, points that are not live. */
void assert_tiles_agree(const tile *got, const tile *expected, double tolerance, const char *what);

#endif /* GCR_DEVICE_RUN_H */
