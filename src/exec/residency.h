/*
 * exec/residency.h -- which datasets stand ready on a device.
 *
 * A dataset goes up once: the first worker that needs it brings it there (by reference where the
 * device shares the host's memory) and prepares it, the others wait. For a unit of single precision
 * it is converted first, once, and what goes up or is shared are the floats. A synthetic dataset
 * need not go up where the device makes it itself. It stays until its last cell has landed. A
 * device that does not share memory has one worker and one queue, so what is enqueued after the
 * upload comes after it and nobody has to wait for it on the host.
 *
 * Where all datasets together are more than such a device holds, they come and go in waves. What
 * leaves is what the plan needs last: from the place where the worker is, the plan is known to its
 * end. Those that batches in flight need stay.
 *
 * Before the first batch a dataset can be placed: it has its block, and whoever places it sees to
 * it that its values come there. It then is like others, but for what is uploaded: nothing, until
 * it has left and comes back.
 *
 * Where the last cell of a dataset lands on another rank, nobody here is told. Then what is
 * prepared on the CPU goes with the last worker that is at the dataset, and is prepared again for
 * one that comes back.
 */
#ifndef GCR_EXEC_RESIDENCY_H
#define GCR_EXEC_RESIDENCY_H

#include "backend/backend.h"

#include "gridcrunch/dataset.h"

typedef struct gcr_residency gcr_residency;

/* A dataset on the device: addresses are the device's. */
typedef struct gcr_resident {
    gcr_view data;
    const void *prepared; /* NULL: the kernel prepares nothing */
    const int32_t *fault; /* the same                          */
} gcr_resident;

/* All pointers are borrowed until destroy. */
typedef struct gcr_residency_spec {
    gcr_program *program;
    const int64_t *option;
    const gcr_datasets *datasets;
    /* Of a device with memory of its own: where each dataset stands in the plan, and how many bytes
     * those may have that are there at once; 0: no limit. */
    const uint64_t *places; /* [datasets->count] */
    uint64_t budget_bytes;
    int lets_go; /* of one that shares the host's memory: nobody releases datasets */
} gcr_residency_spec;

/* GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_residency_create(gcr_residency **out, const gcr_residency_spec *spec);
void gcr_residency_destroy(gcr_residency *residency);

/* Host bytes of a residency of so many datasets, for the plan. */
uint64_t gcr_residency_bytes(uint64_t dataset_count);

/* Bytes of what the unit prepares of a dataset: values, and a fault behind them; 0: it prepares
 * nothing. Its kernel's sizes have been checked (gcr_kernel_check_sizes()), so they can be
 * counted. */
uint64_t gcr_prepared_bytes(const gcr_unit *unit, const gcr_shape *shape);

/* What is copied of a dataset to a device, and what it occupies in one with memory of its own. */
uint64_t gcr_residency_up_bytes(const gcr_device *device, const gcr_unit *unit,
                                const gcr_dataset *dataset);
uint64_t gcr_residency_device_bytes(const gcr_unit *unit, const int64_t *option,
                                    const gcr_dataset *dataset, uint64_t alignment);

/* Host bytes of the copy that a unit of single precision reads in place of `dataset`, which is kept
 * as long as what is prepared of it; 0 for other units. */
uint64_t gcr_residency_narrow_bytes(const gcr_unit *unit, const gcr_dataset *dataset);

/* Of a device with memory of its own, of a dataset that is not there: opens its block, in whose
 * first gcr_residency_up_bytes() bytes x is to stand and, behind it, y. The block is the
 * residency's. What was placed and does not come is sent away by gcr_residency_evict(). GCR_ENOMEM,
 * GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_residency_place(gcr_buf **block_out, gcr_residency *residency,
                                              uint64_t dataset);

/* Uploads so many of these bytes, whole values, of a dataset that has been placed. GCR_ENOMEM,
 * GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_residency_fill(gcr_residency *residency, gcr_queue *queue,
                                             uint64_t dataset, uint64_t offset, uint64_t bytes);

/* Makes `dataset` stand ready for what `queue` does next. GCR_ENOMEM (on a device with memory of
 * its own it may be tried again), GCR_EDEVICE; a worker that waited for another's failure gets it
 * too. */
GCR_MUST_CHECK gcr_status gcr_residency_acquire(gcr_residency *residency, gcr_queue *queue,
                                                uint64_t dataset, gcr_resident *out);

/* What acquire took for a tile is not needed by it any more; `has_landed`: because its batch
 * has. */
void gcr_residency_leave(gcr_residency *residency, uint64_t dataset, int has_landed);

/* Between its tiles, too, a worker is at a dataset that it has acquired, until it turns to
 * another. */
void gcr_residency_stay(gcr_residency *residency, uint64_t dataset);
void gcr_residency_turn(gcr_residency *residency, uint64_t dataset);

/* Frees all that no tile needs, of a device with memory of its own. Returns how many datasets
 * left. */
int gcr_residency_evict(gcr_residency *residency);

/* Frees what `dataset` occupies. Nobody will acquire it again, and all of its cells have landed,
 * here or on other devices: what a batch gave up that had no memory may still be prepared here. */
void gcr_residency_release(gcr_residency *residency, uint64_t dataset);

#endif /* GCR_EXEC_RESIDENCY_H */
