/* exec/spread_trial.c -- gcr_spread_decide(): what ranks begin with, and whether the bridge is
 * faster. */
#include "exec/spread.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/residency.h"
#include "exec/run_private.h"
#include "exec/spread_line.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

/* More than a queue has stages for, so that what is timed is the bus and not memory of the host. */
enum { TRIAL_BYTES_MOST = 64 << 20 };

/* ---- what ranks begin with ------------------------------------------------------------------- */

/* What a rank says of its GPU. */
typedef struct start {
    gcr_span places; /* of the plan */
    uint64_t budget_bytes;
    uint64_t hash; /* of what may be spread, and in which order: the same everywhere */
} start;

static uint64_t hash_datasets(const gcr_spread_facts *facts)
{
    uint64_t hash = 0;

    for (uint64_t i = 0; i < facts->count; i++) {
        const gcr_spread_dataset *d = &facts->datasets[i];
        const uint64_t all[] = { hash, d->place, d->dataset, d->up_bytes, d->device_bytes };

        hash = XXH3_64bits(all, sizeof all);
    }
    return hash;
}

static start find_start(const gcr_run *run, const gcr_spread_facts *facts)
{
    const gcr_run_device *d = &run->devices[gcr_run_bridge_device(run)];

    return (start){ .places = gcr_run_places_of(run, d),
                    .budget_bytes = d->plan.budget_bytes,
                    .hash = hash_datasets(facts) };
}

static int count_ranks(const start *starts, int ranks, uint64_t place)
{
    int count = 0;

    for (int r = 0; r < ranks; r++)
        count += gcr_span_has(starts[r].places, place);
    return count;
}

/* Those that are large enough; `datasets` has room for all. */
static void find_datasets(gcr_spread_facts *facts, gcr_spread_dataset *datasets, const gcr_run *run)
{
    const gcr_run_device *d = &run->devices[gcr_run_bridge_device(run)];
    const gcr_binding *binding = &run->kinds[d->kind]->binding;

    for (uint64_t place = 0; place < run->spec.datasets->count; place++) {
        const uint64_t number = gcr_plan_dataset_at(run->plan, place);
        const gcr_dataset *dataset = &run->spec.datasets->items[number];
        const uint64_t bytes = gcr_residency_up_bytes(d->device, binding->unit, dataset);

        if (bytes < GCR_SPREAD_DATASET_BYTES_LEAST)
            continue;
        datasets[facts->count++] = (gcr_spread_dataset){
            .dataset = number,
            .place = place,
            .up_bytes = bytes,
            .device_bytes = gcr_residency_device_bytes(binding->unit, binding->setup.option,
                                                       dataset, d->device->info.alignment),
        };
    }
    facts->datasets = datasets;
}

/* Of those that were found. */
static void keep_shared(gcr_spread_facts *facts, gcr_spread_dataset *datasets, const start *starts)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < facts->count; i++) {
        datasets[i].ranks = count_ranks(starts, facts->ranks, datasets[i].place);
        if (datasets[i].ranks > 1)
            datasets[count++] = datasets[i];
    }
    facts->count = count;
}

/* Of the GPU that has least. None is spread where ranks would not all choose the same. */
static void find_limits(gcr_spread_facts *facts, const start *starts)
{
    for (int r = facts->ranks - 1; r >= 0; r--) {
        const uint64_t budget = starts[r].budget_bytes;

        if (budget > 0 && (facts->budget_bytes == 0 || budget < facts->budget_bytes))
            facts->budget_bytes = budget;
        if (starts[r].hash != starts[0].hash)
            snprintf(facts->obstacle, sizeof facts->obstacle,
                     "rank %d would spread other datasets than rank 0", r);
    }
}

/* ---- how fast -------------------------------------------------------------------------------- */

typedef struct trier {
    gcr_bridge *bridge;
    gcr_queue *queue;
    gcr_event *event;
    gcr_line_block block;
    gcr_line line;
    char *host;
} trier;

static gcr_status fill(void *arg, uint64_t index, uint64_t offset, uint64_t bytes)
{
    trier *t = arg;

    (void)index;
    return gcr_upload(t->queue, t->block.buf, offset, t->host + offset, GCR_PLACE_HOST, bytes);
}

static gcr_status upload_all(void *arg)
{
    gcr_status status = GCR_OK;
    trier *t = arg;

    GCR_TRY(fill(t, 0, 0, t->block.bytes));
    GCR_TRY(gcr_event_record(t->event, t->queue));
    GCR_TRY(gcr_event_sync(t->event, -1));
out:
    return status;
}

static gcr_status upload_part_and_share(void *arg)
{
    gcr_status status = GCR_OK;
    trier *t = arg;

    GCR_TRY(gcr_line_fill_part(&t->line, t->bridge->rank, fill, t));
    GCR_TRY(gcr_line_share(&t->line, t->queue, t->bridge, t->event));
out:
    return status;
}

static gcr_status open_trier(trier *out, gcr_bridge *bridge, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    *out = (trier){ .bridge = bridge, .block.bytes = bytes };
    out->line = (gcr_line){ .blocks = &out->block, .count = 1, .ranks = bridge->size };
    GCR_TRY(gcr_memory_create((void **)&out->host, bytes, 1, "uploads that are timed"));
    memset(out->host, 1, bytes); /* or it would be one page of zeros, again and again */
    GCR_TRY(gcr_queue_open(&out->queue, bridge->device));
    GCR_TRY(gcr_event_open(&out->event, bridge->device));
    GCR_TRY(gcr_buf_open(&out->block.buf, bridge->device, GCR_PLACE_DEVICE, bytes));
out:
    return status;
}

static void close_trier(trier *t)
{
    gcr_queue_close(t->queue);
    gcr_buf_close(t->block.buf);
    gcr_event_close(t->event);
    gcr_memory_destroy(t->host);
    gcr_ledger_forget(t->bridge->device);
}

/* *Collective*. A rank that has no memory for it, or cannot upload, has not touched the bridge.
 * Where one fails there are no rates, and nothing is spread. */
static gcr_status time_both(gcr_verdict *out, gcr_spread_facts *facts, gcr_run *run, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    double uploads = 0, bridge = 0;
    gcr_verdict alone;
    trier t;

    GCR_TRY(gcr_attempt_hear(&alone, run->comm, open_trier(&t, run->bridge, bytes)));
    if (alone.status == GCR_OK)
        GCR_TRY(gcr_attempt_time(&uploads, &alone, run->comm, upload_all, &t));
    if (alone.status == GCR_OK)
        GCR_TRY(gcr_attempt_time(&bridge, out, run->comm, upload_part_and_share, &t));
    if (alone.status == GCR_OK && out->status == GCR_OK) {
        facts->by_uploads = (double)bytes / uploads;
        facts->by_bridge = (double)bytes / bridge;
    } else {
        memcpy(facts->obstacle, alone.status != GCR_OK ? alone.why : out->why,
               sizeof facts->obstacle);
    }
out:
    close_trier(&t);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static uint64_t sum_bytes(const gcr_spread_facts *facts)
{
    uint64_t bytes = 0;

    for (uint64_t i = 0; i < facts->count; i++)
        bytes += facts->datasets[i].up_bytes;
    return bytes;
}

/* *Collective*. Not timed where the job asks for the bridge. */
static gcr_status find_rates(gcr_verdict *out, gcr_spread_facts *facts, gcr_run *run,
                             uint64_t bytes_least)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = sum_bytes(facts);

    if (run->spec.job->gather == GCR_GATHER_NCCL)
        goto out;
    if (bytes < bytes_least)
        facts->count = 0;
    if (facts->count > 0 && facts->obstacle[0] == '\0')
        GCR_TRY(time_both(out, facts, run, bytes < TRIAL_BYTES_MOST ? bytes : TRIAL_BYTES_MOST));
out:
    return status;
}

gcr_status gcr_spread_decide(gcr_verdict *out, gcr_run *run, uint64_t bytes_least)
{
    gcr_status status = GCR_OK;
    const int ranks = run->crew.comm->size;
    start mine, *starts = NULL;
    char bridge[GCR_BRIDGE_NAME_BYTES];
    gcr_spread_facts facts = { .ranks = ranks, .bridge = bridge };
    gcr_spread_dataset *datasets = NULL;

    *out = (gcr_verdict){ .status = GCR_OK };
    status = gcr_bridge_name(bridge, run->bridge->device);
    if (status == GCR_OK)
        status = gcr_memory_create((void **)&datasets, run->spec.datasets->count, sizeof *datasets,
                                   "the datasets of several GPUs");
    GCR_TRY(gcr_comm_agree(run->comm, status));
    find_datasets(&facts, datasets, run);
    mine = find_start(run, &facts);
    GCR_TRY(gcr_comm_gather_new((void **)&starts, run->comm, &mine, sizeof mine,
                                "what ranks begin with"));
    keep_shared(&facts, datasets, starts);
    find_limits(&facts, starts);
    GCR_TRY(find_rates(out, &facts, run, bytes_least));
    GCR_TRY(gcr_comm_agree(run->comm, gcr_spread_choose(&run->spread, &facts)));
out:
    gcr_memory_destroy(datasets);
    gcr_memory_destroy(starts);
    return status;
}
