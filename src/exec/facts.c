/* exec/facts.c -- a flat list, so that adding a fact is adding a line. */
#include "exec/facts.h"

#include "base/host.h"
#include "base/memory.h"
#include "exec/run_private.h"

#include "gridcrunch/cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { DEVICES_NAMED = 64 }; /* one by one; the others are counted */

static void add_number(gcr_facts *facts, const char *name, double number)
{
    if (facts->count < GCR_FACTS_MAX)
        facts->items[facts->count++] = (gcr_fact){ .name = name, .number = number };
}

static void add_text(gcr_facts *facts, const char *name, const char *text)
{
    const int i = facts->count;

    if (i == GCR_FACTS_MAX)
        return;
    snprintf(facts->texts[i], sizeof facts->texts[i], "%s", text);
    facts->items[i] = (gcr_fact){ .name = name, .text = facts->texts[i] };
    facts->count++;
}

/* NAME_1, NAME_2 ...: the name is kept beside the text. */
static void add_numbered_text(gcr_facts *facts, const char *name, int number, const char *text)
{
    const int i = facts->count;

    add_text(facts, name, text);
    if (i == facts->count)
        return;
    snprintf(facts->names[i], sizeof facts->names[i], "%s_%d", name, number);
    facts->items[i].name = facts->names[i];
}

static void add_time_and_place(gcr_facts *facts)
{
    const time_t now = time(NULL);
    struct tm utc;
    char text[64], host[GCR_HOST_BYTES];

    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    add_text(facts, "finished", text);
    if (gcr_host_name(host)[0] != '\0')
        add_text(facts, "host", host);
}

/* "covariance=matern52, folds=5": as they hold, whether the job says so or not. */
static void add_options(gcr_facts *facts, const gcr_run *run)
{
    const gcr_kernel *kernel = gcr_run_kernel(run);
    const int64_t *option = gcr_run_options(run);
    char text[GCR_FACT_TEXT_BYTES] = "";
    size_t used = 0;

    for (int o = 0; kernel->options[o].name != NULL && used < sizeof text; o++) {
        const gcr_kernel_option *known = &kernel->options[o];
        const char *comma = o > 0 ? ", " : "";
        const int is_choice = known->choices[0] != NULL;

        used += (size_t)(is_choice ? snprintf(text + used, sizeof text - used, "%s%s=%s", comma,
                                              known->name, known->choices[option[o]])
                                   : snprintf(text + used, sizeof text - used, "%s%s=%" PRId64,
                                              comma, known->name, option[o]));
    }
    add_text(facts, "options", text);
}

/* Of a kernel in a file. The compiler is no part of the kind: without contraction and reassociation
 * arithmetic has the same bits from each of them. */
static void add_kernel(gcr_facts *facts, const gcr_own *own)
{
    if (own == NULL)
        return;
    add_text(facts, "kernel_hash", gcr_own_hash(own));
    add_text(facts, "kernel_compiler", gcr_own_compiler(own));
}

static void add_counts(gcr_facts *facts, const gcr_run *run)
{
    static const char *const names[GCR_CELL_STATE_COUNT] = {
        [GCR_CELL_EMPTY] = "cells_empty",         [GCR_CELL_OK] = "cells_ok",
        [GCR_CELL_OK_JITTER] = "cells_ok_jitter", [GCR_CELL_EXCLUDED] = "cells_excluded",
        [GCR_CELL_NOT_SPD] = "cells_not_spd",     [GCR_CELL_NAN_IN] = "cells_nan_in",
        [GCR_CELL_NAN_OUT] = "cells_nan_out",     [GCR_CELL_KERNEL_ERROR] = "cells_kernel_error",
    };
    uint64_t counts[GCR_CELL_STATE_COUNT];

    gcr_run_count(run, counts);
    add_number(facts, "cells", (double)gcr_plan_cell_count(gcr_run_plan(run)));
    for (int s = 0; s < GCR_CELL_STATE_COUNT; s++)
        add_number(facts, names[s], (double)counts[s]);
}

static void add_ledger(gcr_facts *facts, const gcr_ledger *ledger)
{
    add_number(facts, "up_bytes", (double)ledger->up_bytes);
    add_number(facts, "up_calls", (double)ledger->up_calls);
    add_number(facts, "down_bytes", (double)ledger->down_bytes);
    add_number(facts, "down_calls", (double)ledger->down_calls);
    add_number(facts, "shared_bytes", (double)ledger->shared_bytes);
    add_number(facts, "shared_calls", (double)ledger->shared_calls);
    add_number(facts, "sent_bytes", (double)ledger->sent_bytes);
    add_number(facts, "sent_calls", (double)ledger->sent_calls);
    add_number(facts, "received_bytes", (double)ledger->received_bytes);
    add_number(facts, "received_calls", (double)ledger->received_calls);
    add_number(facts, "spread_bytes", (double)ledger->spread_bytes);
    add_number(facts, "spread_calls", (double)ledger->spread_calls);
    add_number(facts, "prepare_calls", (double)ledger->prepare_calls);
    add_number(facts, "crunch_calls", (double)ledger->crunch_calls);
    add_number(facts, "tiles", (double)ledger->tiles);
    add_number(facts, "points", (double)ledger->points);
    add_number(facts, "device_peak_bytes", (double)ledger->peak_bytes);
}

/* "cuda:1 NVIDIA H200, kind_2", as its rank counts it. */
static void add_device(gcr_facts *facts, const gcr_crew *crew, int device)
{
    const gcr_crew_device *d = &crew->devices[device];
    char text[GCR_FACT_TEXT_BYTES], rank[128] = "", kind[32] = "";

    if (crew->comm->size > 1)
        snprintf(rank, sizeof rank, "rank %d on %s, ", d->rank, crew->comm->ranks[d->rank].host);
    if (crew->kind_count > 1)
        snprintf(kind, sizeof kind, ", kind_%d", gcr_crew_find_kind(crew, d->kind) + 1);
    snprintf(text, sizeof text, "%s%s %s%s", rank, d->word, d->name, kind);
    add_numbered_text(facts, "device", device + 1, text);
}

/* Who computed together. */
static void add_ranks(gcr_facts *facts, const gcr_comm_info *comm)
{
    if (comm->size == 1)
        return;
    add_number(facts, "ranks", comm->size);
    add_number(facts, "nodes", comm->node_count);
    add_text(facts, "transport", comm->library);
}

/* What went between ranks: x and y, and results. */
static void add_passed(gcr_facts *facts, const gcr_run *run)
{
    const gcr_data_ledger *data = &run->data;
    const gcr_gather_ledger *gathered = gcr_run_gather_ledger(run);

    if (run->crew.comm->size == 1)
        return;
    add_number(facts, "gather_messages", (double)gathered->messages);
    add_number(facts, "gather_bytes", (double)gathered->bytes);
    add_number(facts, "gather_device_bytes", (double)gathered->device_bytes);
    add_number(facts, "gather_duplicates", (double)gathered->duplicates);
    if (data->table_bytes == 0)
        return;
    add_number(facts, "data_bytes", (double)data->table_bytes);
    add_number(facts, "data_read_bytes", (double)data->read_bytes);
    add_number(facts, "data_shared_bytes", (double)data->shared_bytes);
    add_number(facts, "data_sent_bytes", (double)data->sent_bytes);
}

/* "device" and "kind", or "device_1", "device_2" ... and which kind each is of; of all ranks. */
static void add_devices(gcr_facts *facts, const gcr_run *run)
{
    const int devices = run->crew.device_count, kinds = gcr_run_kind_count(run);

    add_ranks(facts, run->crew.comm);
    if (devices == 1)
        add_text(facts, "device", gcr_run_device_name(run, 0));
    else
        add_number(facts, "devices", devices);
    for (int d = 0; devices > 1 && d < devices && d < DEVICES_NAMED; d++)
        add_device(facts, &run->crew, d);
    if (kinds == 1)
        add_text(facts, "kind", gcr_run_kind(run, 0));
    for (int k = 0; kinds > 1 && k < kinds; k++)
        add_numbered_text(facts, "kind", k + 1, gcr_run_kind(run, k));
    if (gcr_run_left_out(run)[0] != '\0')
        add_text(facts, "left_out", gcr_run_left_out(run));
}

static void add_execution(gcr_facts *facts, const gcr_run *run)
{
    add_devices(facts, run);
    add_number(facts, "threads", gcr_run_thread_count(run));
    add_text(facts, "schedule", gcr_schedule_name(gcr_run_schedule(run)));
    if (gcr_run_gather(run)[0] != '\0')
        add_text(facts, "gather", gcr_run_gather(run));
    if (gcr_run_spread(run)[0] != '\0')
        add_text(facts, "spread", gcr_run_spread(run));
    add_number(facts, "batch", (double)gcr_run_batch(run));
    add_text(facts, "ending", gcr_run_ending_name(gcr_run_ending_of(run)));
    if (gcr_run_progress(run)->halved > 0)
        add_number(facts, "batch_halvings", (double)gcr_run_progress(run)->halved);
    add_number(facts, "compute_seconds", gcr_run_progress(run)->seconds);
    add_number(facts, "planned_bytes", (double)gcr_plan_memory(gcr_run_plan(run))->total);
    add_number(facts, "peak_bytes", (double)gcr_memory_peak_bytes());
}

void gcr_facts_gather(gcr_facts *facts, const gcr_run *run)
{
    char seed[32];

    facts->count = 0;
    add_text(facts, "gridcrunch_version", GCR_VERSION);
    add_time_and_place(facts);
    add_options(facts, run);
    snprintf(seed, sizeof seed, "%" PRIu64, gcr_run_seed(run));
    add_text(facts, "seed", seed); /* as text: a double has 53 bits */
    add_kernel(facts, run->binding->own);
    add_execution(facts, run);
    add_counts(facts, run);
    add_ledger(facts, gcr_run_ledger(run));
    add_passed(facts, run);
}
