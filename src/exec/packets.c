/* exec/packets.c -- see packets.h. */
#include "exec/packets.h"

#include "base/check.h"

#include "gridcrunch/cell.h"

#include <inttypes.h>
#include <string.h>

enum { ARRAYS_MAX = GCR_OUTPUTS_MAX + 3 };

/* The arrays that make up a cell, in slots or in a packet: of each, where it begins and its bytes
 * per cell. */
typedef struct columns {
    char *at[ARRAYS_MAX];
    uint64_t bytes[ARRAYS_MAX];
    int count;
    int state; /* which of them */
} columns;

static void add_column(columns *to, void *at, uint64_t bytes)
{
    to->at[to->count] = at;
    to->bytes[to->count++] = bytes;
}

static columns columns_of(const gcr_slots *slots)
{
    columns all = { .count = 0 };

    for (int o = 0; o < slots->output_count; o++)
        add_column(&all, slots->values[o], (uint64_t)slots->width[o] * sizeof(double));
    all.state = all.count;
    add_column(&all, slots->state, 1);
    if (slots->jitter_step != NULL)
        add_column(&all, slots->jitter_step, 1);
    if (slots->kind != NULL)
        add_column(&all, slots->kind, 1);
    return all;
}

/* The same cells in a packet, `live` of them. */
static columns columns_in(const columns *slots, void *payload, uint64_t live)
{
    columns all = *slots;
    char *at = payload;

    for (int c = 0; c < all.count; c++) {
        all.at[c] = at;
        at += live * all.bytes[c];
    }
    return all;
}

static uint64_t cell_bytes(const columns *all)
{
    uint64_t bytes = 0;

    for (int c = 0; c < all->count; c++)
        bytes += all->bytes[c];
    return bytes;
}

uint64_t gcr_packet_cell_bytes(const gcr_slots *slots)
{
    const columns all = columns_of(slots);

    return cell_bytes(&all);
}

uint64_t gcr_packet_least(const gcr_slots *slots, uint64_t tally)
{
    const uint64_t cell = slots->state != NULL ? gcr_packet_cell_bytes(slots) : 0;

    return sizeof(gcr_landing) + (cell > tally ? cell : tally);
}

/* ---- packing --------------------------------------------------------------------------------- */

/* Takes the front of a landing, `live` cells, off it. Failures are counted where they arrive. */
static gcr_landing split(gcr_landing *landing, const gcr_points *points, uint64_t live)
{
    const uint64_t rank = gcr_points_rank(points, landing->first);
    gcr_landing front = *landing;

    if (live < landing->live) {
        front.live = live;
        front.count = gcr_points_select(points, rank + live - 1) + 1 - landing->first;
        front.cost = landing->cost * ((double)live / (double)landing->live);
    }
    landing->first += front.count;
    landing->count -= front.count;
    landing->live -= front.live;
    landing->cost -= front.cost;
    if (landing->cost < 0.0)
        landing->cost = 0.0; /* rounded */
    front.failed = 0;
    return front;
}

/* Copies run after run of live points from slots into a packet. */
static void pack(columns *to, const columns *slots, const gcr_landing *landing,
                 uint64_t point_count, const gcr_point_table *table)
{
    const uint64_t row = landing->dataset * point_count, end = landing->first + landing->count;

    for (uint64_t first = landing->first, after; gcr_points_run(table, end, &first, &after);
         first = after)
        for (int c = 0; c < to->count; c++) {
            const uint64_t bytes = (after - first) * to->bytes[c];

            memcpy(to->at[c], slots->at[c] + (row + first) * to->bytes[c], bytes);
            to->at[c] += bytes;
        }
}

int gcr_packet_put_cells(gcr_packet *packet, gcr_landing *landing, const gcr_slots *slots,
                         const gcr_points *points)
{
    const columns all = columns_of(slots);
    const uint64_t each = cell_bytes(&all), least = sizeof(gcr_landing) + each;
    gcr_landing front;
    uint64_t room;
    columns to;

    if (landing->live == 0)
        return 1;
    if (packet->room - packet->used < least)
        return 0;
    room = (packet->room - packet->used - sizeof front) / each;
    front = split(landing, points, room < landing->live ? room : landing->live);
    front.bytes = front.live * each;
    memcpy(packet->bytes + packet->used, &front, sizeof front);
    packet->used += sizeof front;
    to = columns_in(&all, packet->bytes + packet->used, front.live);
    pack(&to, &all, &front, slots->point_count, gcr_points_table(points));
    packet->used += front.bytes;
    return landing->live == 0;
}

int gcr_packet_put_tally(gcr_packet *packet, const gcr_landing *landing, const void *tally)
{
    const uint64_t bytes = sizeof *landing + landing->bytes;

    if (packet->room - packet->used < bytes)
        return 0;
    memcpy(packet->bytes + packet->used, landing, sizeof *landing);
    memcpy(packet->bytes + packet->used + sizeof *landing, tally, landing->bytes);
    packet->used += bytes;
    return 1;
}

/* ---- unpacking ------------------------------------------------------------------------------- */

gcr_status gcr_packet_get(gcr_landing *out, const void **payload, int *found, const void **bytes,
                          uint64_t *count)
{
    gcr_status status = GCR_OK;
    uint64_t left;

    *found = 0;
    if (*count == 0)
        goto out;
    if (*count >= sizeof *out)
        memcpy(out, *bytes, sizeof *out);
    left = *count - sizeof *out; /* not used where it wraps */
    if (*count < sizeof *out || out->bytes > left)
        GCR_FAIL(GCR_EIO, "a message with results of another node breaks off");
    *payload = (const char *)*bytes + sizeof *out;
    *bytes = (const char *)*payload + out->bytes;
    *count = left - out->bytes;
    *found = 1;
out:
    return status;
}

static gcr_status check_states(const uint8_t *state, const gcr_landing *landing)
{
    gcr_status status = GCR_OK;
    uint8_t has_none = 0;

    for (uint64_t i = 0; i < landing->live; i++)
        has_none |= state[i] == GCR_CELL_EMPTY || state[i] == GCR_CELL_EXCLUDED ||
                    state[i] >= GCR_CELL_STATE_COUNT;
    if (has_none)
        GCR_FAIL(GCR_EIO,
                 "another node has sent results of dataset %" PRIu64 " from point %" PRIu64
                 " on in a state that no result has",
                 landing->dataset, landing->first);
out:
    return status;
}

static int all_empty(const uint8_t *state, uint64_t count)
{
    uint8_t any = 0;

    for (uint64_t i = 0; i < count; i++)
        any |= state[i];
    return any == GCR_CELL_EMPTY;
}

static uint64_t count_failed(const uint8_t *state, uint64_t count)
{
    uint64_t failed = 0;

    for (uint64_t i = 0; i < count; i++)
        failed += (uint64_t)gcr_cell_is_failed(state[i]);
    return failed;
}

/* `count` cells from number `cell` of all, which no cell had before. */
static void keep(const columns *slots, uint64_t cell, const columns *from, uint64_t at,
                 uint64_t count, gcr_packet_fresh *fresh)
{
    for (int c = 0; c < slots->count; c++)
        memcpy(slots->at[c] + cell * slots->bytes[c], from->at[c] + at * from->bytes[c],
               count * slots->bytes[c]);
    fresh->live += count;
    fresh->failed += count_failed((const uint8_t *)from->at[from->state] + at, count);
}

/* True if a cell that came twice is the same; which device computed it is not part of that. */
static int is_same(const columns *slots, uint64_t cell, const columns *from, uint64_t at,
                   int has_kinds)
{
    for (int c = 0; c < slots->count - has_kinds; c++)
        if (memcmp(slots->at[c] + cell * slots->bytes[c], from->at[c] + at * from->bytes[c],
                   slots->bytes[c]) != 0)
            return 0;
    return 1;
}

static gcr_status keep_one(const gcr_slots *slots, const columns *to, uint64_t cell,
                           const columns *from, uint64_t at, gcr_packet_fresh *fresh)
{
    gcr_status status = GCR_OK;

    if (slots->state[cell] == GCR_CELL_EMPTY)
        keep(to, cell, from, at, 1, fresh);
    else if (!is_same(to, cell, from, at, slots->kind != NULL))
        GCR_FAIL(GCR_ECONFLICT,
                 "point %" PRIu64 " of dataset %" PRIu64
                 " was computed twice, with different results",
                 cell % slots->point_count, cell / slots->point_count);
out:
    return status;
}

gcr_status gcr_packet_unpack(gcr_packet_fresh *fresh_out, gcr_slots *slots,
                             const gcr_points *points, const gcr_landing *landing,
                             const void *payload)
{
    gcr_status status = GCR_OK;
    const columns to = columns_of(slots);
    const uint64_t row = landing->dataset * slots->point_count;
    const uint64_t end = landing->first + landing->count;
    uint64_t at = 0;
    columns from;

    *fresh_out = (gcr_packet_fresh){ 0 };
    GCR_TRY(gcr_landing_check(landing, slots, points, landing->live * cell_bytes(&to)));
    from = columns_in(&to, (void *)(uintptr_t)payload, landing->live); /* which are only read */
    GCR_TRY(check_states((const uint8_t *)from.at[from.state], landing));
    for (uint64_t first = landing->first, after;
         gcr_points_run(gcr_points_table(points), end, &first, &after); first = after) {
        const uint64_t count = after - first;

        if (all_empty(slots->state + row + first, count))
            keep(&to, row + first, &from, at, count, fresh_out);
        else
            for (uint64_t i = 0; i < count; i++)
                GCR_TRY(keep_one(slots, &to, row + first + i, &from, at + i, fresh_out));
        at += count;
    }
out:
    return status;
}
