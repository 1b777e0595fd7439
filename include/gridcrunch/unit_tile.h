/*
 * gridcrunch/unit_tile.h -- a part of the work of one dataset, as host and devices see it.
 */
#ifndef GCR_UNIT_TILE_H
#define GCR_UNIT_TILE_H

#include "gridcrunch/kernel.h"

/* The points first .. first + count - 1 of one dataset, and where their results go. What a unit
 * reads is in its own precision, what it writes is double. */
typedef struct gcr_unit_tile {
    gcr_view data;
    const void *prepared; /* of this dataset, or NULL if the kernel has none                */
    const int32_t *fault; /* what prepare() returned; not 0: every cell is an error; or NULL */
    uint64_t first, count;
    double *outputs[GCR_OUTPUTS_MAX]; /* [count * width] each: output o of point first + i */
                                      /* starts at outputs[o] + i * width[o]               */
    int64_t width[GCR_OUTPUTS_MAX];   /* stored values per cell, padding included          */
    uint8_t *state;                   /* [count] gcr_cell_state                            */
    uint8_t *jitter_step;             /* [count] 1 .. jitter_count, or 0; NULL: not wanted */
} gcr_unit_tile;

#endif /* GCR_UNIT_TILE_H */
