/* exec/teller.c -- see exec/teller.h. */
#include "exec/teller.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

static const double longest_silence = 0.1;

gcr_status gcr_teller_open(gcr_teller *out, const gcr_teller_spec *spec)
{
    gcr_status status = GCR_OK;

    *out = (gcr_teller){ .spec = *spec, .told = gcr_clock_seconds() };
    if (spec->ring != NULL && spec->summaries != NULL)
        GCR_TRY(gcr_memory_create(&out->tally, gcr_summaries_packed_bytes(spec->summaries), 1,
                                  "a tally on its way"));
out:
    return status;
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

static int is_due(const gcr_teller *teller)
{
    const int is_much = teller->spec.summaries == NULL &&
                        teller->untold.live >= GCR_TELLER_BYTES / (teller->spec.cell_bytes + 1);

    return is_much || gcr_clock_seconds() - teller->told > longest_silence;
}

gcr_status gcr_teller_put(gcr_teller *teller, const gcr_landing *landing)
{
    gcr_status status = GCR_OK;

    if (teller->spec.ring == NULL || landing->live == 0)
        goto out;
    if (teller->untold.live > 0 && !join(teller, landing))
        GCR_TRY(gcr_teller_flush(teller));
    if (teller->untold.live == 0)
        teller->untold = *landing;
    if (is_due(teller))
        GCR_TRY(gcr_teller_flush(teller));
out:
    return status;
}

gcr_status gcr_teller_flush(gcr_teller *teller)
{
    gcr_status status = GCR_OK;
    gcr_landing landing = teller->untold;

    if (landing.live == 0)
        goto out;
    if (teller->spec.summaries != NULL) {
        landing.first = landing.count = 0;
        landing.bytes = gcr_summaries_packed_bytes(teller->spec.summaries);
        gcr_summaries_pack(teller->tally, teller->spec.summaries, teller->spec.thread);
    }
    teller->untold.live = 0;
    teller->told = gcr_clock_seconds();
    GCR_TRY(gcr_landing_put(teller->spec.ring, &landing, teller->tally));
out:
    return status;
}

void gcr_teller_close(gcr_teller *teller)
{
    if (teller->spec.ring != NULL)
        gcr_landing_end(teller->spec.ring);
    gcr_memory_destroy(teller->tally);
}
