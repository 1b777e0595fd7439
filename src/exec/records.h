/*
 * exec/records.h -- where the results of a batch stand that do not go into slots at once: one
 * output after the other, each for all points of the batch, then states and jitter steps.
 */
#ifndef GCR_EXEC_RECORDS_H
#define GCR_EXEC_RECORDS_H

#include "grid/points.h"
#include "results/slots.h"
#include "results/summary.h"

#include "gridcrunch/unit_tile.h"

typedef struct gcr_records {
    char *base; /* of the host or of a device; NULL: results go into the slots */
    uint64_t points;
} gcr_records;

/* The points first .. first + count - 1 of a dataset, which stand from `at` on. */
typedef struct gcr_records_part {
    uint64_t dataset, first, count, at;
} gcr_records_part;

/* Bytes that one cell takes of records, whose outputs are so wide; and of those that go into
 * `slots`. */
uint64_t gcr_records_bytes(const int64_t *width, int output_count, int has_jitter);
uint64_t gcr_records_cell_bytes(const gcr_slots *slots);

/* Says where the results of a part go: the outputs, states and jitter steps of `tile`. Cells that
 * have no slots leave no jitter step. */
void gcr_records_aim(const gcr_records *records, const gcr_slots *slots,
                     const gcr_records_part *part, gcr_unit_tile *tile);

/* The states of a part; the records are of the host, or none: then the slots'. */
uint8_t *gcr_records_states(const gcr_records *records, const gcr_slots *slots,
                            const gcr_records_part *part);

/* Copies the live points of a part into their slots; the others keep what the slots say of them. */
void gcr_records_keep(const gcr_records *records, gcr_slots *slots, const gcr_point_table *points,
                      const gcr_records_part *part);

/* Notes which kind computed the live points of a part, where the run has several. */
void gcr_records_mark(gcr_slots *slots, const gcr_records_part *part, uint8_t kind);

/* Notes in the states which points of a part are not live. */
void gcr_records_exclude(const gcr_records *records, const gcr_slots *slots,
                         const gcr_point_table *points, const gcr_records_part *part);

/* Adds a part, whole blocks of points, to what `thread` knows of the dataset. */
void gcr_records_reduce(const gcr_records *records, const gcr_slots *slots,
                        gcr_summaries *summaries, int thread, const gcr_records_part *part);

#endif /* GCR_EXEC_RECORDS_H */
