/* exec/flight.c -- the memory of a batch. See exec/flight.h. */
#include "exec/flight.h"

#include "base/check.h"
#include "base/memory.h"

#include "gridcrunch/partial.h"

enum {
    FLIGHTS_MAX = 4,       /* on one queue                                                  */
    POINTS_LEAST = 64,     /* for what `where` leaves out, unless they are sent and large   */
    POINTS_MOST = 1 << 20, /* a larger batch is cut                                         */
    SENT_BYTES = 1 << 19,  /* of cells that are sent, unless one is more: half of a cache   */
};

/* Of the blocks of all parts, each of which may end in a shorter one; 0: cells come down. */
static uint64_t count_partial_bytes(const gcr_flight_spec *spec)
{
    const uint64_t blocks = (spec->points + GCR_PARTIAL_POINTS - 1) / GCR_PARTIAL_POINTS;
    gcr_reduction reduction;

    if (spec->summaries == NULL)
        return 0;
    reduction = gcr_summaries_reduction_of(spec->summaries);
    if (!gcr_can_reduce(spec->device, &reduction))
        return 0;
    return (blocks + GCR_FLIGHT_TILES) * gcr_partial_bytes(&reduction);
}

/* On a device with memory of its own. */
static gcr_status open_far(gcr_flight *out, const gcr_flight_spec *spec, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    gcr_device *device = spec->device;
    const uint64_t partial_bytes = count_partial_bytes(spec);

    GCR_TRY(gcr_buf_open(&out->records_dev, device, GCR_PLACE_DEVICE, bytes));
    out->to.base = out->records_dev->base;
    if (partial_bytes > 0) {
        GCR_TRY(gcr_buf_open(&out->partials_dev, device, GCR_PLACE_DEVICE, partial_bytes));
        GCR_TRY(gcr_buf_open(&out->partials, device, GCR_PLACE_STAGING, partial_bytes));
    } else {
        GCR_TRY(gcr_buf_open(&out->records, device, GCR_PLACE_STAGING, bytes));
        out->from.base = out->records->base;
    }
    GCR_TRY(gcr_event_open(&out->done, device));
out:
    return status;
}

gcr_status gcr_flight_open(gcr_flight *out, const gcr_flight_spec *spec)
{
    gcr_status status = GCR_OK;
    const int shares_memory = spec->device->info.shares_memory;
    uint64_t bytes;

    if (shares_memory && spec->summaries == NULL && !spec->sends_cells)
        goto out;
    if (!gcr_multiply(&bytes, spec->cell_bytes, spec->points))
        GCR_FAIL(GCR_EOVERFLOW, "the outputs of a batch are more bytes than 64 bits can count");
    if (!shares_memory) {
        GCR_TRY(open_far(out, spec, bytes));
    } else {
        GCR_TRY(gcr_memory_create(&out->block, bytes, 1, "the outputs of a batch"));
        out->to.base = out->from.base = out->block;
    }
out:
    return status;
}

void gcr_flight_close(gcr_flight *flight)
{
    gcr_event_close(flight->done);
    gcr_buf_close(flight->partials);
    gcr_buf_close(flight->partials_dev);
    gcr_buf_close(flight->records);
    gcr_buf_close(flight->records_dev);
    gcr_memory_destroy(flight->block);
    flight->done = NULL;
    flight->records = flight->records_dev = flight->partials = flight->partials_dev = NULL;
    flight->block = NULL;
}

int gcr_flight_count(const gcr_device_info *info)
{
    return info->batches_in_flight < FLIGHTS_MAX ? info->batches_in_flight : FLIGHTS_MAX;
}

uint64_t gcr_flight_points(uint64_t batch_most, int by_blocks)
{
    const uint64_t step = by_blocks ? GCR_PARTIAL_POINTS : 1;

    if (batch_most > POINTS_MOST)
        return POINTS_MOST;
    batch_most = (batch_most + step - 1) / step * step;
    return batch_most > POINTS_LEAST ? batch_most : POINTS_LEAST;
}

uint64_t gcr_flight_room(const gcr_device_info *info, uint64_t cell_bytes, uint64_t batch_most,
                         int by_blocks, int sends_cells)
{
    const uint64_t points = gcr_flight_points(batch_most, by_blocks),
                   sent = SENT_BYTES / cell_bytes;

    if (!info->shares_memory || !sends_cells || points <= sent)
        return points;
    return sent > 0 ? sent : 1;
}

uint64_t gcr_flight_device_bytes(const gcr_device_info *info, uint64_t cell_bytes,
                                 uint64_t batch_most, int by_blocks)
{
    return (uint64_t)gcr_flight_count(info) * gcr_flight_points(batch_most, by_blocks) * cell_bytes;
}

uint64_t gcr_flight_bytes(const gcr_device_info *info, uint64_t cell_bytes, uint64_t batch_most,
                          int by_blocks, int sends_cells)
{
    const int has_records = !info->shares_memory || by_blocks || sends_cells;
    const uint64_t records =
        has_records
            ? gcr_flight_room(info, cell_bytes, batch_most, by_blocks, sends_cells) * cell_bytes
            : 0;

    return (uint64_t)gcr_flight_count(info) * (sizeof(gcr_flight) + records);
}
