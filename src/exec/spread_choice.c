/* exec/spread_choice.c -- the decision alone. See spread.h. */
#include "exec/spread.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

void gcr_spread_clear(gcr_spread *spread)
{
    gcr_memory_destroy(spread->datasets);
    *spread = (gcr_spread){ 0 };
}

void gcr_spread_call_off(gcr_spread *spread, const char *why)
{
    spread->count = spread->bytes = 0;
    snprintf(spread->text, sizeof spread->text, "off: each GPU uploads its datasets (%s)", why);
}

static int is_timed(const gcr_spread_facts *facts)
{
    return facts->by_bridge > 0;
}

static int pays(const gcr_spread_facts *facts, const gcr_spread_dataset *dataset)
{
    return !is_timed(facts) || dataset->ranks * facts->by_bridge > facts->ranks * facts->by_uploads;
}

/* ": 120.0 GiB/s, and 22.0 GiB/s by uploads alone", where it was timed. */
static const char *describe_rates(char out[96], const gcr_spread_facts *facts)
{
    char bridge[32], uploads[32];

    out[0] = '\0';
    if (is_timed(facts))
        snprintf(out, 96, ": %s/s, and %s/s by uploads alone",
                 gcr_format_bytes(bridge, (uint64_t)facts->by_bridge),
                 gcr_format_bytes(uploads, (uint64_t)facts->by_uploads));
    return out;
}

static void describe(gcr_spread *spread, const gcr_spread_facts *facts, int was_full)
{
    char bytes[32], rates[96];

    describe_rates(rates, facts);
    if (facts->obstacle[0] != '\0')
        gcr_spread_call_off(spread, facts->obstacle);
    else if (spread->count > 0)
        snprintf(spread->text, sizeof spread->text,
                 "%" PRIu64 " dataset%s, %s, from GPU to GPU by %s; each GPU uploads a part%s",
                 spread->count, gcr_plural(spread->count), gcr_format_bytes(bytes, spread->bytes),
                 facts->bridge, rates);
    else if (was_full)
        snprintf(spread->text, sizeof spread->text,
                 "off: each GPU uploads its datasets, as some GPU has no room for any of them");
    else
        snprintf(spread->text, sizeof spread->text,
                 "off: each GPU uploads its datasets, as %s is not faster%s", facts->bridge, rates);
}

gcr_status gcr_spread_choose(gcr_spread *out, const gcr_spread_facts *facts)
{
    gcr_status status = GCR_OK;
    uint64_t device_bytes = 0;
    int was_full = 0;

    *out = (gcr_spread){ 0 };
    GCR_TRY(gcr_memory_create((void **)&out->datasets, facts->count, sizeof *out->datasets,
                              "the datasets of several GPUs"));
    for (uint64_t i = 0; i < facts->count; i++) {
        const gcr_spread_dataset *d = &facts->datasets[i];

        if (!pays(facts, d))
            continue;
        if (facts->budget_bytes > 0 && device_bytes + d->device_bytes > facts->budget_bytes) {
            was_full = 1;
            continue;
        }
        out->datasets[out->count++] = d->dataset;
        out->bytes += d->up_bytes;
        device_bytes += d->device_bytes;
    }
    if (facts->count > 0)
        describe(out, facts, was_full);
out:
    return status;
}
