/*
 * exec/together.c -- what the ranks of a run tell each other before and after it. See
 * run_private.h.
 */
#include "exec/run_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/job_hash.h"

#include <math.h>
#include <stdio.h>

/* ---- before ---------------------------------------------------------------------------------- */

/* All devices that this rank may use; what is whose is still to be found out. */
static gcr_status list_devices(gcr_device_list *out, const gcr_job *job,
                               const gcr_backend *const *backends)
{
    if (gcr_job_device_choice(job) == GCR_DEVICES_LISTED)
        return gcr_job_device_list(out, job, backends);
    return gcr_device_list_all(out, backends);
}

gcr_status gcr_run_deal_devices(gcr_run *run, const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;
    gcr_device_list list;

    if (gcr_comm_info_of(run->comm)->size == 1)
        goto out;
    GCR_TRY(gcr_comm_agree(run->comm, list_devices(&list, run->spec.job, backends)));
    GCR_TRY(gcr_map_create(&run->map, run->comm, &list, run->spec.job->threads));
    run->threads = gcr_map_threads(run->map);
out:
    return status;
}

gcr_status gcr_run_join_crew(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_crew_work work = { .job = gcr_job_hash(run->spec.job, gcr_points_table(run->points),
                                                     run->binding->setup.option),
                                 .kernel = gcr_job_hash_kernel(run->binding->own),
                                 .dataset_count = run->spec.datasets->count,
                                 .live_count = gcr_points_table(run->points)->live_count };
    gcr_crew_device *mine = NULL;

    GCR_TRY(gcr_comm_agree(run->comm, gcr_memory_create((void **)&mine, (uint64_t)run->device_count,
                                                        sizeof *mine, "the devices of a rank")));
    for (int i = 0; i < run->device_count; i++) {
        const gcr_run_device *d = &run->devices[i];
        gcr_crew_device *m = &mine[i];

        m->rate = gcr_run_device_rate(run, i);
        m->workers = d->workers;
        m->kind = run->kinds[d->kind]->name;
        m->word = d->word;
        m->name = d->device->info.name;
    }
    GCR_TRY(gcr_crew_create(&run->crew, run->comm, &work, mine, run->device_count));
    for (int k = 0; k < run->kind_count; k++)
        run->kinds[k]->number = gcr_crew_find_kind(&run->crew, run->kinds[k]->name);
out:
    gcr_memory_destroy(mine);
    return status;
}

gcr_status gcr_run_agree_on_batches(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const uint64_t ranks = (uint64_t)run->crew.comm->size;
    uint64_t mine[GCR_CREW_KINDS_MAX] = { 0 }, *all = NULL;

    for (int t = 0; t < run->group_count; t++)
        mine[t] = run->groups[t].batch;
    GCR_TRY(gcr_comm_gather_new((void **)&all, run->comm, mine, sizeof mine,
                                "the batches of all ranks"));
    for (uint64_t i = 0; i < ranks * GCR_CREW_KINDS_MAX; i++) {
        gcr_group *group = &run->groups[i % GCR_CREW_KINDS_MAX];

        group->batch = all[i] > group->batch ? all[i] : group->batch;
    }
out:
    gcr_memory_destroy(all);
    return status;
}

/* ---- after ----------------------------------------------------------------------------------- */

/* What a rank tells of itself. */
typedef struct account {
    gcr_ledger ledger;
    gcr_rank_work work;
    gcr_gather_ledger gathered; /* what it has sent */
} account;

static gcr_rank_work count_work(const gcr_run *run)
{
    const double seconds = run->progress.seconds * run->workers;
    gcr_rank_work work = { .workers = run->workers };

    for (int w = 0; w < run->workers; w++) {
        work.cells += atomic_load(&run->worker_progress[w].landed);
        work.busy_seconds += atomic_load(&run->worker_progress[w].busy);
    }
    if (seconds > 0.0)
        work.busy = fmin(work.busy_seconds / seconds, 1.0);
    return work;
}

/* Between GPUs rank 0 knows it by itself; by hosts it is on the clocks of those that send. */
static void add_under_way(gcr_gather_ledger *out, const account *all, uint64_t ranks)
{
    uint64_t bytes = 0;

    if (out->way == GCR_GATHER_MPI) {
        out->under_way_seconds = 0.0;
        for (uint64_t r = 1; r < ranks; r++) {
            out->under_way_seconds += all[r].gathered.under_way_seconds;
            bytes += all[r].gathered.bytes;
        }
    } else {
        bytes = out->device_bytes;
    }
    if (out->under_way_seconds > 0.0)
        out->under_way_bytes_per_second = (double)bytes / out->under_way_seconds;
}

static void add_accounts(gcr_run *run, const account *all, uint64_t ranks)
{
    run->ledger = (gcr_ledger){ 0 };
    for (uint64_t r = 0; r < ranks; r++) {
        gcr_ledger_add(&run->ledger, &all[r].ledger);
        run->ledger.peak_bytes += all[r].ledger.peak_bytes;
    }
    add_under_way(&run->gathered, all, ranks);
}

gcr_status gcr_run_gather_ledgers(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const uint64_t ranks = (uint64_t)run->crew.comm->size;
    const account mine = { .ledger = run->ledger,
                           .work = count_work(run),
                           .gathered = run->gathered };
    gcr_rank_work *work = NULL;
    account *all = NULL;
    double *shares = NULL;

    status = gcr_memory_create((void **)&work, ranks, sizeof *work, "what ranks have done");
    if (status == GCR_OK)
        status = gcr_memory_create((void **)&shares, ranks, sizeof *shares, "what ranks have done");
    GCR_TRY(gcr_comm_agree(run->comm, status));
    GCR_TRY(gcr_comm_gather_new((void **)&all, run->comm, &mine, sizeof mine,
                                "the ledgers of all ranks"));
    for (uint64_t r = 0; r < ranks; r++) {
        work[r] = all[r].work;
        shares[r] = work[r].busy;
    }
    add_accounts(run, all, ranks);
    run->busy = gcr_busy_of(shares, (int)ranks);
    run->work = work;
    work = NULL; /* handed over: the line below frees nothing */
out:
    gcr_memory_destroy(work);
    gcr_memory_destroy(shares);
    gcr_memory_destroy(all);
    return status;
}
