/* cuda/cuda_calibrate.c -- a calibration of a device: see cuda_calibration.h and
 * cuda_calibrate.h. */
#include "cuda/cuda_calibrate.h"

#include "cuda/cuda_calibration.h"

#include <string.h>

/* Each measures with what those before it have found. */
static gcr_status calibrate_scalar(cuda_device *device, const gcr_calibration_spec *spec,
                                   gcr_scalar scalar)
{
    gcr_status status = GCR_OK;
    cuda_bench b = { 0 };

    device->crossovers[scalar] = gcr_cuda_crossovers_built_in(device, scalar);
    GCR_TRY(gcr_cuda_bench_open(&b, device, spec, scalar));
    GCR_TRY(gcr_cuda_find_small(&b));
    GCR_TRY(gcr_cuda_find_large(&b));
    GCR_TRY(gcr_cuda_find_cells(&b));
out:
    gcr_cuda_bench_close(&b);
    return status;
}

/* Where something fails the device has the tables that it had. */
gcr_status gcr_cuda_calibrate(gcr_device *base, const gcr_calibration_spec *spec)
{
    gcr_status status = GCR_OK;
    cuda_device *device = cuda_device_of(base);
    gcr_crossovers kept[GCR_SCALAR_COUNT];

    memcpy(kept, device->crossovers, sizeof kept);
    GCR_TRY(gcr_cuda_enter(base));
    for (gcr_scalar scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++)
        GCR_TRY(calibrate_scalar(device, spec, scalar));
    GCR_TRY(gcr_cuda_calibration_write(device));
    gcr_cuda_calibration_read(device);
out:
    if (status != GCR_OK)
        memcpy(device->crossovers, kept, sizeof kept);
    return status;
}
