/* exec/teller.c -- see exec/teller.h. */
#include "exec/teller.h"

#include "base/check.h"
#include "base/clock.h"

static const double shortest_silence = 0.01, longest_silence = 0.1;

void gcr_teller_open(gcr_teller *out, const gcr_teller_spec *spec)
{
    *out = (gcr_teller){ .spec = *spec, .told = gcr_clock_seconds() };
}

/* Takes both as one; false where cells between them are not there. */
static int join(gcr_teller *teller, const gcr_landing *landing)
{
    gcr_landing *to = &teller->untold;

    if (teller->spec.summaries == NULL)
        return gcr_landing_join(to, landing, teller->spec.points);
    to->live += landing->live;
    to->failed += landing->failed;
    to->cost += landing->cost;
    return 1;
}

/* Cells that there is room for behind one record. */
static uint64_t room_of(const gcr_teller_spec *spec)
{
    return spec->ring->most / gcr_packet_cell_bytes(spec->slots);
}

static uint64_t room_left(const gcr_teller *teller)
{
    const uint64_t taken = teller->untold.live > 0 ? teller->packing.live : 0;

    return teller->spec.sends_cells ? room_of(&teller->spec) - taken : UINT64_MAX;
}

static int is_much(const gcr_teller *teller)
{
    const gcr_teller_spec *spec = &teller->spec;

    if (spec->summaries != NULL)
        return 0;
    if (spec->sends_cells)
        return room_left(teller) == 0;
    return teller->untold.live >= GCR_TELLER_BYTES / (gcr_packet_cell_bytes(spec->slots) + 1);
}

static int is_due(const gcr_teller *teller)
{
    const double silence = gcr_clock_seconds() - teller->told;

    return is_much(teller) || silence > longest_silence ||
           (silence > shortest_silence && gcr_landing_is_taken(teller->spec.ring));
}

/* Cells are packed where they are read, in the ring. */
static gcr_status open_packing(gcr_teller *teller)
{
    gcr_status status = GCR_OK;
    const gcr_teller_spec *spec = &teller->spec;
    void *behind;

    GCR_TRY(gcr_landing_reserve(&behind, spec->ring, spec->ring->most));
    teller->packing = (gcr_packing){
        .slots = spec->slots, .points = spec->points, .bytes = behind, .room = room_of(spec)
    };
out:
    return status;
}

/* Behind what is untold, or as the first of it. */
static gcr_status add(gcr_teller *teller, const gcr_landing *landing)
{
    gcr_status status = GCR_OK;

    if (teller->untold.live > 0 && !join(teller, landing))
        GCR_TRY(gcr_teller_flush(teller));
    if (teller->untold.live > 0)
        goto out;
    if (teller->spec.sends_cells)
        GCR_TRY(open_packing(teller));
    teller->untold = *landing;
out:
    return status;
}

gcr_status gcr_teller_put(gcr_teller *teller, const gcr_landing *landing,
                          const gcr_packing_source *cells)
{
    gcr_status status = GCR_OK;
    gcr_landing left = *landing;

    while (teller->spec.ring != NULL && left.live > 0) {
        const gcr_landing front = gcr_landing_split(&left, room_left(teller), teller->spec.points);

        GCR_TRY(add(teller, &front));
        if (teller->spec.sends_cells)
            gcr_packing_add(&teller->packing, &front, cells);
        if (is_due(teller))
            GCR_TRY(gcr_teller_flush(teller));
    }
out:
    return status;
}

gcr_status gcr_teller_flush(gcr_teller *teller)
{
    gcr_status status = GCR_OK;
    const gcr_teller_spec *spec = &teller->spec;
    gcr_landing landing = teller->untold;
    void *behind;

    if (landing.live == 0)
        goto out;
    teller->untold.live = 0;
    teller->told = gcr_clock_seconds();
    if (spec->sends_cells)
        landing.bytes = gcr_packing_end(&teller->packing); /* which has its place */
    else
        GCR_TRY(gcr_landing_reserve(&behind, spec->ring, spec->ring->most));
    if (spec->summaries != NULL) {
        landing.first = landing.count = 0;
        landing.bytes = gcr_summaries_packed_bytes(spec->summaries);
        gcr_summaries_pack(behind, spec->summaries, spec->thread);
    }
    gcr_landing_put(spec->ring, &landing);
out:
    return status;
}

void gcr_teller_close(gcr_teller *teller)
{
    if (teller->spec.ring != NULL)
        gcr_landing_end(teller->spec.ring);
}
