/* exec/spread.c -- gcr_spread_run(): see spread.h. */
#include "exec/spread.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/residency.h"
#include "exec/run_private.h"
#include "exec/spread_line.h"

/* What a rank has while it does it. */
typedef struct spreader {
    gcr_run *run;
    gcr_residency *residency;
    gcr_queue *queue;
    gcr_event *event;
    gcr_line_block *blocks; /* [spread.count] */
    gcr_line line;
} spreader;

static gcr_status place_all(spreader *s)
{
    gcr_status status = GCR_OK;
    const gcr_run *run = s->run;
    const gcr_spread *spread = &run->spread;
    const gcr_run_device *device = &run->devices[gcr_run_bridge_device(run)];
    const gcr_unit *unit = run->kinds[device->kind]->binding.unit;

    for (uint64_t i = 0; i < spread->count; i++) {
        const uint64_t d = spread->datasets[i];

        s->blocks[i].bytes =
            gcr_residency_up_bytes(device->device, unit, &run->spec.datasets->items[d]);
        GCR_TRY(gcr_residency_place(&s->blocks[i].buf, s->residency, d));
    }
out:
    return status;
}

static gcr_status fill(void *arg, uint64_t index, uint64_t offset, uint64_t bytes)
{
    spreader *s = arg;

    return gcr_residency_fill(s->residency, s->queue, s->run->spread.datasets[index], offset,
                              bytes);
}

/* What needs nobody else. All that this rank uploads comes before all that it has of others: an
 * upload behind them would wait on the host, and nobody would look at the clock. */
static gcr_status begin(spreader *s)
{
    gcr_status status = GCR_OK;
    gcr_bridge *bridge = s->run->bridge;
    const uint64_t count = s->run->spread.count;

    GCR_TRY(gcr_memory_create((void **)&s->blocks, count, sizeof *s->blocks,
                              "the datasets of several GPUs"));
    s->line = (gcr_line){ .blocks = s->blocks, .count = count, .ranks = bridge->size };
    GCR_TRY(gcr_queue_open(&s->queue, bridge->device));
    GCR_TRY(gcr_event_open(&s->event, bridge->device));
    GCR_TRY(place_all(s));
    GCR_TRY(gcr_line_fill_part(&s->line, bridge->rank, fill, s));
out:
    return status;
}

/* A bridge that one rank has lost is lost to all: those who still wait in their streams are let
 * go. */
static void give_up(spreader *s, int is_bridge_lost, const char *why)
{
    gcr_spread *spread = &s->run->spread;

    if (is_bridge_lost)
        gcr_bridge_give_up(s->run->bridge);
    (void)gcr_residency_evict(s->residency);
    spread->has_failed = 1;
    gcr_spread_call_off(spread, why);
}

gcr_status gcr_spread_run(gcr_verdict *out, gcr_run *run, gcr_residency *residency)
{
    gcr_status status = GCR_OK;
    gcr_verdict begun;
    spreader s = { .run = run, .residency = residency };

    *out = (gcr_verdict){ .status = GCR_OK };
    GCR_TRY(gcr_attempt_hear(&begun, run->comm, begin(&s)));
    if (begun.status != GCR_OK) {
        give_up(&s, 0, begun.why);
        goto out;
    }
    GCR_TRY(
        gcr_attempt_hear(out, run->comm, gcr_line_share(&s.line, s.queue, run->bridge, s.event)));
    if (out->status != GCR_OK)
        give_up(&s, 1, out->why);
out:
    gcr_queue_close(s.queue);
    gcr_event_close(s.event);
    gcr_memory_destroy(s.blocks);
    return status;
}
