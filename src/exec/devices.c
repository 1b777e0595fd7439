/*
 * exec/devices.c -- the devices of a run and their kinds. See exec/run_private.h.
 *
 * A device that the job lists must do; one that `auto` or `any` came upon and that cannot do this
 * job is left out, and the run says so. `auto` looks at further backends only where the first has
 * work for seconds: starting a GPU takes a good part of one. What is worth it all ranks decide
 * alike, by what all of them have.
 */
#include "exec/run_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/residency.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- kinds ----------------------------------------------------------------------------------- */

static void name_kind(char out[GCR_KIND_BYTES], const gcr_device *device,
                      const gcr_binding *binding)
{
    const gcr_unit *unit = binding->unit;

    gcr_device_kind(out, GCR_KIND_BYTES, device, unit->path, unit->scalar, unit->algorithm,
                    binding->matrix_rows);
}

/* The kind that `device` would be of, if there is one; -1: none. */
static int find_kind(const gcr_run *run, const gcr_device *device)
{
    char name[GCR_KIND_BYTES];

    for (int i = 0; i < run->device_count; i++) {
        const gcr_run_device *d = &run->devices[i];
        const gcr_kind *kind = run->kinds[d->kind];

        if (d->device->backend != device->backend ||
            d->device->info.code_path != device->info.code_path)
            continue; /* it would not get this unit */
        name_kind(name, device, &kind->binding);
        if (strcmp(name, kind->name) == 0)
            return d->kind;
    }
    return -1;
}

/* Binds the job to the unit that `device` computes with. */
static gcr_status open_kind(gcr_run *run, int *out, const gcr_device *device)
{
    gcr_status status = GCR_OK;
    gcr_kind *kind = NULL;

    if (run->kind_count == GCR_CREW_KINDS_MAX)
        GCR_FAIL(GCR_EUNSUPPORTED, "a run has devices of at most %d kinds", GCR_CREW_KINDS_MAX);
    kind = calloc(1, sizeof *kind);
    if (kind == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a kind of devices");
    GCR_TRY(
        gcr_binding_create(&kind->binding, run->spec.job, run->points, run->spec.datasets, device));
    name_kind(kind->name, device, &kind->binding);
    *out = run->kind_count;
    run->kinds[run->kind_count++] = kind;
    kind = NULL;
out:
    free(kind);
    return status;
}

/* The kinds behind it move up; no device is of it any more. */
static void close_kind(gcr_run *run, int kind)
{
    gcr_binding_clear(&run->kinds[kind]->binding);
    free(run->kinds[kind]);
    run->kind_count--;
    for (int k = kind; k < run->kind_count; k++)
        run->kinds[k] = run->kinds[k + 1];
    for (int d = 0; d < run->device_count; d++)
        run->devices[d].kind -= run->devices[d].kind > kind;
}

/* ---- devices --------------------------------------------------------------------------------- */

/* What a device with memory of its own must have of it to compute one cell of a dataset. */
static uint64_t count_cell_bytes(const gcr_binding *binding, const gcr_dataset *dataset,
                                 const gcr_device_info *info, uint64_t scratch)
{
    uint64_t bytes = sizeof(uint8_t);

    for (int o = 0; o < binding->output_count; o++)
        bytes += (uint64_t)binding->width[o] * sizeof(double);
    bytes +=
        gcr_residency_device_bytes(binding->unit, binding->setup.option, dataset, info->alignment);
    return gcr_add(&bytes, bytes, scratch) ? bytes : UINT64_MAX;
}

/* GCR_EUNSUPPORTED: the device is too small. GCR_ENOMEM: it is not, but others have its memory now;
 * that leaves nothing out, as whose each cell is may not depend on the moment. */
static gcr_status check_memory(const gcr_run_device *d, const gcr_binding *binding,
                               const gcr_dataset *dataset, uint64_t scratch)
{
    gcr_status status = GCR_OK;
    const gcr_device_info *info = &d->device->info;
    const uint64_t bytes = count_cell_bytes(binding, dataset, info, scratch);
    const int is_small = info->total_bytes > 0 && bytes > info->total_bytes;

    if (!info->shares_memory && (is_small || (info->free_bytes > 0 && bytes > info->free_bytes)))
        GCR_FAIL(is_small ? GCR_EUNSUPPORTED : GCR_ENOMEM,
                 "dataset '%s': one cell needs %" PRIu64
                 " bytes of the memory of %s (%s), which has "
                 "%" PRIu64 "%s",
                 dataset->key, bytes, d->word, info->name,
                 is_small ? info->total_bytes : info->free_bytes, is_small ? "" : " free");
out:
    return status;
}

/* GCR_EUNSUPPORTED: the device cannot compute the cells of a dataset, or is too small for one.
 * GCR_ENOMEM: it has no memory for one now. */
static gcr_status check_datasets(const gcr_run *run, gcr_run_device *d)
{
    gcr_status status = GCR_OK;
    const gcr_binding *binding = &run->kinds[d->kind]->binding;
    const gcr_program_spec spec = gcr_binding_program_spec(binding);
    const gcr_datasets *datasets = run->spec.datasets;

    for (uint64_t i = 0; i < datasets->count; i++) {
        const gcr_dataset *dataset = &datasets->items[i];
        const gcr_shape shape = gcr_binding_shape(binding, dataset);
        uint64_t bytes;

        GCR_TRY(gcr_cell_bytes(&bytes, d->device, &spec, &shape));
        GCR_TRY(check_memory(d, binding, dataset, bytes));
        d->scratch_bytes = bytes > d->scratch_bytes ? bytes : d->scratch_bytes;
    }
out:
    return status;
}

/* Behind the others of its kind, so that their workers have neighbouring numbers. */
static void insert(gcr_run *run, const gcr_run_device *device)
{
    int at = run->device_count++;

    for (; at > 0 && run->devices[at - 1].kind > device->kind; at--)
        run->devices[at] = run->devices[at - 1];
    run->devices[at] = *device;
}

static gcr_status open_device(gcr_run *run, const struct gcr_device_place *place)
{
    gcr_status status = GCR_OK;
    const int kinds = run->kind_count;
    gcr_run_device d = { 0 };

    snprintf(d.word, sizeof d.word, "%s:%d", place->backend->name, place->index);
    d.sharers = run->map != NULL ? gcr_map_sharers(run->map, d.word) : 1;
    GCR_TRY(gcr_device_open(&d.device, place->backend, place->index));
    d.kind = find_kind(run, d.device);
    if (d.kind < 0)
        GCR_TRY(open_kind(run, &d.kind, d.device));
    GCR_TRY(check_datasets(run, &d));
    insert(run, &d);
    d.device = NULL;
out:
    if (status != GCR_OK && run->kind_count > kinds)
        close_kind(run, kinds);
    gcr_device_close(d.device);
    return status;
}

static gcr_status open_listed(gcr_run *run, const gcr_device_list *list)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < list->count; i++)
        GCR_TRY(open_device(run, &list->places[i]));
out:
    return status;
}

/* Says of the first device that is left out why. */
static void note_left_out(gcr_run *run, const char *word, const char *why)
{
    if (run->left_out[0] != '\0')
        return;
    snprintf(run->left_out, sizeof run->left_out, "%s: %s", word, why);
    snprintf(run->left_out_why, sizeof run->left_out_why, "%s", why);
}

/* Those of a backend that are this rank's. */
static gcr_status list_own(gcr_device_list *out, const gcr_run *run, const gcr_backend *backend)
{
    gcr_status status = GCR_OK;
    const gcr_device_list *dealt;

    *out = (gcr_device_list){ 0 };
    if (run->map == NULL) {
        GCR_TRY(gcr_device_list_add(out, backend));
        goto out;
    }
    dealt = gcr_map_devices(run->map);
    for (int i = 0; i < dealt->count; i++)
        if (dealt->places[i].backend == backend)
            out->places[out->count++] = dealt->places[i];
out:
    return status;
}

/* Of these, those that can do the job. */
static gcr_status open_able(gcr_run *run, const gcr_backend *backend)
{
    gcr_status status = GCR_OK;
    gcr_device_list list;

    GCR_TRY(list_own(&list, run, backend));
    for (int i = 0; i < list.count; i++) {
        char word[GCR_DEVICE_WORD_BYTES];

        status = open_device(run, &list.places[i]);
        snprintf(word, sizeof word, "%s:%d", backend->name, list.places[i].index);
        if (status == GCR_EUNSUPPORTED)
            note_left_out(run, word, gcr_last_error());
        else
            GCR_TRY(status);
        status = GCR_OK;
    }
out:
    return status;
}

/* How many threads drive a queue of each. */
static gcr_status count_workers(gcr_run *run)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = run->binding->unit->kernel;

    run->workers = 0;
    for (int i = 0; i < run->device_count; i++) {
        gcr_run_device *d = &run->devices[i];
        const gcr_device_info *info = &d->device->info;

        d->first_worker = run->workers;
        d->workers = info->shares_memory ? run->threads : 1;
        run->workers += d->workers;
        if (d->workers > 1 && kernel->form == GCR_FORM_SPD && info->lone_thread_reason != NULL)
            GCR_FAIL(GCR_EUNSUPPORTED, "kernel '%s' cannot run on %d threads here: %s",
                     kernel->name, d->workers, info->lone_thread_reason);
    }
out:
    return status;
}

/* What follows from which devices there are. */
static gcr_status settle(gcr_run *run)
{
    run->binding = &run->kinds[run->devices[0].kind]->binding;
    return count_workers(run);
}

/* ---- auto ------------------------------------------------------------------------------------ */

/* Operations of all cells. */
static double count_flops(const gcr_run *run)
{
    const gcr_binding *binding = &run->kinds[0]->binding;
    const gcr_datasets *datasets = run->spec.datasets;
    double flops = 0.0;

    for (uint64_t d = 0; d < datasets->count; d++) {
        const gcr_shape shape = gcr_binding_shape(binding, &datasets->items[d]);

        flops += gcr_binding_cost(binding, &shape);
    }
    return flops * (double)gcr_points_table(run->points)->live_count;
}

double gcr_run_device_rate(const gcr_run *run, int device)
{
    const gcr_run_device *d = &run->devices[device];
    const gcr_device_info *info = &d->device->info;

    return gcr_split_rate(info, run->kinds[d->kind]->binding.unit->scalar,
                          info->shares_memory ? run->threads : info->units) /
           d->sharers;
}

/* *Collective*. True where all ranks together have computed the job before other devices have been
 * started. */
static gcr_status look_whether_small(int *out, const gcr_run *run)
{
    gcr_status status = GCR_OK;
    double mine = 0.0, total = 0.0, *all = NULL;

    for (int d = 0; d < run->device_count; d++)
        mine += gcr_run_device_rate(run, d);
    GCR_TRY(
        gcr_comm_gather_new((void **)&all, run->comm, &mine, sizeof mine, "the rates of ranks"));
    for (int r = 0; r < gcr_comm_info_of(run->comm)->size; r++)
        total += all[r];
    *out = run->device_count > 0 && gcr_split_is_small(count_flops(run), total);
    GCR_TRY(gcr_comm_broadcast(run->comm, out, sizeof *out, 0));
out:
    gcr_memory_destroy(all);
    return status;
}

/* *Collective*, as ranks may have different devices: whether a job is small is one thing for all of
 * them. */
static gcr_status open_auto(gcr_run *run, const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;
    int is_small = 0;

    for (const gcr_backend *const *b = backends; *b != NULL; b++) {
        GCR_TRY(look_whether_small(&is_small, run));
        if (is_small)
            break;
        GCR_TRY(gcr_comm_agree(run->comm, open_able(run, *b)));
    }
out:
    return status;
}

/* Whether what all ranks have of a kind is not worth results of one more. */
static int is_slow(const gcr_run *run, const char *kind)
{
    const gcr_crew *crew = &run->crew;

    return gcr_split_is_slow(gcr_crew_rate(crew, gcr_crew_find_kind(crew, kind), -1),
                             gcr_crew_rate(crew, -1, -1));
}

static void leave_out(gcr_run *run, int kind)
{
    int kept = 0;

    for (int i = 0; i < run->device_count; i++) {
        if (run->devices[i].kind != kind) {
            run->devices[kept++] = run->devices[i];
            continue;
        }
        note_left_out(run, run->devices[i].word, "it would get too few cells beside the others");
        gcr_device_close(run->devices[i].device);
    }
    run->device_count = kept;
    close_kind(run, kind);
}

/* A rank that has nothing else keeps what it has. */
static int has_fast(const gcr_run *run)
{
    for (int k = 0; k < run->kind_count; k++)
        if (!is_slow(run, run->kinds[k]->name))
            return 1;
    return 0;
}

gcr_status gcr_run_leave_out_slow(gcr_run *run)
{
    gcr_status status = GCR_OK;

    if (gcr_job_device_choice(run->spec.job) != GCR_DEVICES_AUTO || run->crew.kind_count == 1)
        goto out;
    for (int k = has_fast(run) ? run->kind_count : 0; k-- > 0;)
        if (is_slow(run, run->kinds[k]->name))
            leave_out(run, k);
    GCR_TRY(gcr_comm_agree(run->comm, settle(run)));
    gcr_crew_clear(&run->crew);
    GCR_TRY(gcr_run_join_crew(run));
out:
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static gcr_status open_any(gcr_run *run, const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;

    for (const gcr_backend *const *b = backends; *b != NULL; b++)
        GCR_TRY(open_able(run, *b));
out:
    return status;
}

gcr_status gcr_run_open_devices(gcr_run *run, const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;
    const gcr_device_choice choice = gcr_job_device_choice(run->spec.job);
    gcr_device_list list;

    if (choice == GCR_DEVICES_AUTO)
        GCR_TRY(open_auto(run, backends));
    else if (choice == GCR_DEVICES_ANY)
        GCR_TRY(open_any(run, backends));
    else if (run->map == NULL)
        GCR_TRY(gcr_job_device_list(&list, run->spec.job, backends));
    if (choice == GCR_DEVICES_LISTED)
        GCR_TRY(open_listed(run, run->map != NULL ? gcr_map_devices(run->map) : &list));
    if (run->device_count == 0)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s",
                 run->left_out[0] != '\0' ? run->left_out_why
                                          : "no backend of this build finds a device");
    run->steals_between_kinds = choice == GCR_DEVICES_ANY;
    GCR_TRY(settle(run));
out:
    return status;
}

void gcr_run_add_ledgers(gcr_run *run)
{
    run->ledger = (gcr_ledger){ 0 };
    for (int d = 0; d < run->device_count; d++) {
        const gcr_ledger *ledger = &run->devices[d].device->ledger;

        gcr_ledger_add(&run->ledger, ledger);
        run->ledger.peak_bytes += ledger->peak_bytes;
    }
}

void gcr_run_close_devices(gcr_run *run)
{
    for (int d = 0; d < run->device_count; d++)
        gcr_device_close(run->devices[d].device);
    run->device_count = 0;
    while (run->kind_count > 0)
        close_kind(run, run->kind_count - 1);
}
