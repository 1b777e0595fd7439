/*
 * results/slots.h -- where results land: one slot per cell, addressed by key.
 *
 * The room results/ knows keys, values and files. It does not know devices, kernels' insides or
 * who computed what. Slots are dense: the outputs of cell (dataset, point) stand at
 * (dataset * point_count + point) * width, whoever computed them and in whatever order, so an
 * index into a summary can never mean another point. Each dataset counts down the live cells it
 * still misses; whoever lands the last one is told so, and that is what fires the summary: no
 * barrier between datasets.
 *
 * All arrays stand in one block. It may be memory that several processes of a machine map, each at
 * an address of its own: then all of them write their cells in place, and one counts them down.
 */
#ifndef GCR_RESULTS_SLOTS_H
#define GCR_RESULTS_SLOTS_H

#include "gridcrunch/grid.h"
#include "gridcrunch/kernel.h"

#include <stdatomic.h>

typedef struct gcr_slots {
    uint64_t dataset_count, point_count, live_count;
    int output_count;
    int64_t width[GCR_OUTPUTS_MAX];  /* values per cell of output o                            */
    double *values[GCR_OUTPUTS_MAX]; /* [dataset_count][point_count][width[o]]                 */
    uint8_t *state;                  /* [dataset_count][point_count] gcr_cell_state; this and    */
                                     /* those above NULL where cells have no slots, but land   */
    uint8_t *jitter_step;            /* the same, or NULL if the job has no jitter ladder      */
    uint8_t
        *kind; /* the same: 1 + the kind of device that computed it, 0: none; NULL: there is one */
    _Atomic uint64_t *missing; /* [dataset_count] live cells that have not landed, as far as this */
                               /* process knows                                               */
    _Atomic uint8_t *is_released; /* [dataset_count] outputs have been given back */
    void *own;                    /* the block of the arrays; NULL: somebody else's               */
} gcr_slots;

typedef struct gcr_slots_spec {
    const gcr_point_table *points;
    uint64_t dataset_count;
    int output_count;
    const int64_t *width; /* [output_count] >= 1 */
    int has_jitter, has_kinds;
    int has_no_cells; /* they are counted down, and stand nowhere */

    /* Where the arrays stand: gcr_slots_bytes() of zeroed pages that others may map, too, and that
     * are unmapped after destroy; NULL: in memory of their own. */
    void *block;

    /* Excluded points stay as they are: another process marks them, or nobody asks for them
     * here. */
    int leaves_excluded;
} gcr_slots_spec;

/* Bytes of all arrays. GCR_EOVERFLOW. */
GCR_MUST_CHECK gcr_status gcr_slots_bytes(uint64_t *out, const gcr_slots_spec *spec);

/* All states GCR_CELL_EMPTY, excluded points GCR_CELL_EXCLUDED with NaN outputs. GCR_EOVERFLOW,
 * GCR_ENOMEM (the sentence says how many bytes and for what). */
GCR_MUST_CHECK gcr_status gcr_slots_create(gcr_slots **out, const gcr_slots_spec *spec);
void gcr_slots_destroy(gcr_slots *slots);

/* True if there is such a dataset, with all of the points first .. first + count - 1. */
int gcr_slots_have(const gcr_slots *slots, uint64_t dataset, uint64_t first, uint64_t count);

/* `count` live cells of `dataset` have landed: their slots are written. True for the one caller
 * that landed the last of them; what all others wrote is visible to it. */
int gcr_slots_land(gcr_slots *slots, uint64_t dataset, uint64_t count);

/* Gives NaN outputs to the cells that are still empty, so that a file never shows a stray zero.
 * After the last worker has stopped. */
void gcr_slots_seal(gcr_slots *slots);

/* Gives the memory of a dataset's outputs back to the system; its states stay. Nobody writes them
 * any more, and who reads them asks afterwards whether they were released meanwhile. */
void gcr_slots_release(gcr_slots *slots, uint64_t dataset);
int gcr_slots_are_released(const gcr_slots *slots, uint64_t dataset);

/* How many cells have each state. */
void gcr_slots_count(const gcr_slots *slots, uint64_t counts[/* GCR_CELL_STATE_COUNT */]);

/* The same for one dataset. */
void gcr_slots_count_dataset(const gcr_slots *slots, uint64_t dataset,
                             uint64_t counts[/* GCR_CELL_STATE_COUNT */]);

#endif /* GCR_RESULTS_SLOTS_H */
