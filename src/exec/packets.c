/* exec/packets.c -- see packets.h. */
#include "exec/packets.h"

#include "base/check.h"
#include "results/states.h"

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
    columns all; /* large, and asked for often: what is not there is not zeroed */

    all.count = 0;
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

/* ---- packing --------------------------------------------------------------------------------- */

/* The cells of a part; of the kinds there is no array. */
static columns columns_of_part(const gcr_slots *slots, const gcr_packing_source *from)
{
    columns all = columns_of(slots);
    gcr_unit_tile tile;
    int c = 0;

    gcr_records_aim(from->records, slots, from->part, &tile);
    for (; c < slots->output_count; c++)
        all.at[c] = (char *)tile.outputs[c];
    all.at[c++] = (char *)tile.state;
    if (slots->jitter_step != NULL)
        all.at[c++] = (char *)tile.jitter_step;
    if (slots->kind != NULL)
        all.at[c++] = NULL;
    return all;
}

/* `count` cells from number `first` of the part on. */
static void append(const columns *to, uint64_t at, const columns *from, uint64_t first,
                   uint64_t count, uint8_t kind)
{
    for (int c = 0; c < to->count; c++) {
        char *const place = to->at[c] + at * to->bytes[c];

        if (from->at[c] != NULL)
            memcpy(place, from->at[c] + first * from->bytes[c], count * from->bytes[c]);
        else
            memset(place, kind, count);
    }
}

/* Run after run of live points. Until the end each array has room for all cells that may come. */
void gcr_packing_add(gcr_packing *packing, const gcr_landing *landing,
                     const gcr_packing_source *from)
{
    const columns of_part = columns_of_part(packing->slots, from);
    const columns to = columns_in(&of_part, packing->bytes, packing->room);
    const uint64_t end = landing->first + landing->count;

    for (uint64_t first = landing->first, after;
         gcr_points_run(gcr_points_table(packing->points), end, &first, &after); first = after) {
        append(&to, packing->live, &of_part, first - from->part->first, after - first, from->kind);
        packing->live += after - first;
    }
}

uint64_t gcr_packing_end(gcr_packing *packing)
{
    const columns all = columns_of(packing->slots);
    const columns from = columns_in(&all, packing->bytes, packing->room);
    const columns to = columns_in(&all, packing->bytes, packing->live);

    for (int c = 1; c < all.count; c++)
        memmove(to.at[c], from.at[c], packing->live * all.bytes[c]);
    return packing->live * cell_bytes(&all);
}

int gcr_packet_put(gcr_packet *packet, const gcr_landing *landing, const void *behind)
{
    const uint64_t bytes = sizeof *landing + landing->bytes;

    if (packet->room - packet->used < bytes)
        return 0;
    memcpy(packet->bytes + packet->used, landing, sizeof *landing);
    memcpy(packet->bytes + packet->used + sizeof *landing, behind, landing->bytes);
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

    if (gcr_states_all_ok(state, landing->live))
        goto out; /* as they mostly are */
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
    const uint8_t *state = (const uint8_t *)from->at[from->state] + at;

    for (int c = 0; c < slots->count; c++)
        memcpy(slots->at[c] + cell * slots->bytes[c], from->at[c] + at * from->bytes[c],
               count * slots->bytes[c]);
    fresh->live += count;
    fresh->failed += gcr_states_all_ok(state, count) ? 0 : count_failed(state, count);
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
    else if (!is_same(to, cell, from, at, slots->kind != NULL) &&
             !gcr_slots_are_released(slots, cell / slots->point_count)) /* nobody knows any more */
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
