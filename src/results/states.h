/* results/states.h -- the question asked of nearly every cell: is all well? */
#ifndef GCR_RESULTS_STATES_H
#define GCR_RESULTS_STATES_H

#include "gridcrunch/cell.h"

/* Cells that are asked about at once: short enough to stay in the first cache. */
enum { GCR_STATES_BLOCK = 128 };

/* True if all `count` cells have the state GCR_CELL_OK. No early exit, and bytes to the end: the
 * compiler makes vectors of it, of bytes. */
static inline int gcr_states_all_ok(const uint8_t *state, uint64_t count)
{
    uint8_t differing = 0;

    for (uint64_t i = 0; i < count; i++)
        differing = (uint8_t)(differing | (state[i] ^ GCR_CELL_OK));
    return differing == 0;
}

#endif /* GCR_RESULTS_STATES_H */
