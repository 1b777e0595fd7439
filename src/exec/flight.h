/*
 * exec/flight.h -- a batch on its way: what it is made of, and the memory that it stands in.
 *
 * What there is of it depends on the device and on what becomes of cells; the rest is NULL:
 *
 *     device                 cells      results go to   and from there       the host reads
 *     shares memory          kept       the slots                            the slots
 *     shares memory          sent       block                                block
 *     shares memory          not kept   block                                block
 *     has its own            any        records_dev     are downloaded       records
 *     has its own, reduces   not kept   records_dev     into partials_dev,   partials
 *                                                       are downloaded
 *
 * Cells are sent where their slots are on another node (gather.h). Partials are records of blocks
 * of points (gridcrunch/partial.h). All of it is allocated once.
 *
 * Records have room for so many points, those that `where` leaves out among them: of a batch that
 * is sparse fewer cells are computed. Of small cells there is always room for some points more; of
 * large ones that are sent, half a cache is all there is, and a batch may be one cell.
 */
#ifndef GCR_EXEC_FLIGHT_H
#define GCR_EXEC_FLIGHT_H

#include "backend/backend.h"
#include "exec/records.h"
#include "exec/schedule.h"
#include "results/summary.h"

enum {
    GCR_FLIGHT_TILES = 256, /* of a batch: bounds its descriptors, whatever the sizes are */
};

/* A run of points of one dataset, of which `live` are computed. */
typedef struct gcr_flight_part {
    gcr_records_part at;
    uint64_t live;
    uint64_t first_position, positions; /* of the schedule                         */
    double cell_cost;                   /* of a live one, as a share of the plan's */
} gcr_flight_part;

/* A batch: built, enqueued, landed, then built anew. */
typedef struct gcr_flight {
    gcr_flight_part parts[GCR_FLIGHT_TILES];
    gcr_unit_tile tiles[GCR_FLIGHT_TILES];
    uint64_t tile_count;
    uint64_t points, live; /* of all parts */
    uint64_t held;         /* tiles whose datasets are acquired */
    gcr_span before;       /* the span that it was cut from     */
    gcr_records to, from; /* where the device writes, and what the host reads: no base, the slots */
    void *block;
    gcr_buf *records_dev, *records;
    gcr_buf *partials_dev, *partials;
    uint64_t blocks; /* of all parts, where there are partials of them */
    gcr_event *done;
    int is_flying;
    int is_leaving;   /* its records are on their way to another device; `done` is behind them */
    int is_cut_short; /* the run was stopped between two slices */
} gcr_flight;

typedef struct gcr_flight_spec {
    gcr_device *device;
    const gcr_summaries *summaries; /* that whole blocks are added to; NULL: cells are kept */
    int sends_cells;                /* their slots are on another node                      */
    uint64_t cell_bytes;            /* of the outputs and states of one cell                */
    uint64_t points;                /* that there is room for                               */
} gcr_flight_spec;

/* `out` is zeroed; the caller closes it after a failure, too. GCR_ENOMEM, GCR_EOVERFLOW,
 * GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status gcr_flight_open(gcr_flight *out, const gcr_flight_spec *spec);

/* Nothing of it may be under way any more. It can be opened again. */
void gcr_flight_close(gcr_flight *flight);

/* How many keep a queue of the device busy. */
int gcr_flight_count(const gcr_device_info *info);

/* How many points one should have room for, for batches of so many cells. `by_blocks`: of whole
 * blocks. */
uint64_t gcr_flight_points(uint64_t batch_most, int by_blocks);

/* The same on a device: one that shares memory keeps what is sent in a cache until then. */
uint64_t gcr_flight_room(const gcr_device_info *info, uint64_t cell_bytes, uint64_t batch_most,
                         int by_blocks, int sends_cells);

/* Bytes of the host for all flights of a worker, and of the device where it has memory of its
 * own. */
uint64_t gcr_flight_bytes(const gcr_device_info *info, uint64_t cell_bytes, uint64_t batch_most,
                          int by_blocks, int sends_cells);
uint64_t gcr_flight_device_bytes(const gcr_device_info *info, uint64_t cell_bytes,
                                 uint64_t batch_most, int by_blocks);

#endif /* GCR_EXEC_FLIGHT_H */
