/* exec/devices.c -- the devices of a run and their kinds. See exec/run_private.h. */
#include "exec/run_private.h"

#include "base/check.h"
#include "exec/job_device.h"

/* Binds the job to the unit that `device` computes with. */
static gcr_status open_kind(gcr_run *run, const gcr_device *device)
{
    gcr_status status = GCR_OK;
    gcr_kind *kind = &run->kinds[run->kind_count];
    const gcr_unit *unit;

    GCR_TRY(
        gcr_binding_create(&kind->binding, run->spec.job, run->points, run->spec.datasets, device));
    unit = kind->binding.unit;
    gcr_device_kind(kind->name, sizeof kind->name, device, unit->path, unit->scalar,
                    unit->algorithm);
    run->kind_count++;
out:
    return status;
}

gcr_status gcr_run_open_devices(gcr_run *run, const gcr_backend *backend)
{
    gcr_status status = GCR_OK;
    gcr_run_device *d = &run->devices[run->device_count];

    GCR_TRY(gcr_job_device_open(&d->device, run->spec.job, backend));
    run->device_count++;
    GCR_TRY(open_kind(run, d->device));
    run->binding = &run->kinds[0].binding;
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
    for (int k = 0; k < run->kind_count; k++)
        gcr_binding_clear(&run->kinds[k].binding);
}
