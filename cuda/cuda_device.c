/* cuda/cuda_device.c -- which GPUs there are, why there are none, and one that is opened. */
#include "cuda/crossovers.h"
#include "cuda/cuda_backend.h"
#include "cuda/cuda_blas.h"
#include "cuda/cuda_calibration.h"
#include "cuda/cuda_compile.h"
#include "cuda/cuda_measure.h"

#include "base/env.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- how many -------------------------------------------------------------------------------- */

static void say_version(char out[32], int version)
{
    snprintf(out, 32, "%d.%d", version / 1000, version % 1000 / 10);
}

static void say_no_gpu(char *why, size_t why_bytes)
{
    const char *visible = gcr_env_get(GCR_ENV_VISIBLE_GPUS);

    if (visible != NULL)
        snprintf(why, why_bytes, "no CUDA device: %s is '%s', which names no GPU of this machine",
                 gcr_env_name(GCR_ENV_VISIBLE_GPUS), visible);
    else
        snprintf(why, why_bytes, "no CUDA device: the driver finds no GPU");
}

static void say_old_driver(char *why, size_t why_bytes, int driver)
{
    char has[32], needs[32];

    say_version(has, driver);
    say_version(needs, CUDART_VERSION);
    snprintf(why, why_bytes,
             "no CUDA device: the driver knows CUDA up to %s, and this build needs %s; install a "
             "newer driver",
             has, needs);
}

/* Everything that keeps a machine from having a GPU is a fact about it, and no failure. */
gcr_status gcr_cuda_device_count(int *out, char *why, size_t why_bytes)
{
    int driver = 0;
    cudaError_t error;

    *out = 0;
    if (gcr_cuda_usable() != GCR_OK) {
        snprintf(why, why_bytes, "no CUDA device: %s", gcr_last_error());
        return GCR_OK;
    }
    error = cudaDriverGetVersion(&driver);
    if (error == cudaSuccess && driver > 0)
        error = cudaGetDeviceCount(out);
    if (error == cudaSuccess && *out > 0)
        return GCR_OK;
    *out = 0;
    gcr_cuda_note(error);
    if (driver == 0)
        snprintf(why, why_bytes, "no CUDA device: driver not found");
    else if (error == cudaSuccess || error == cudaErrorNoDevice)
        say_no_gpu(why, why_bytes);
    else if (error == cudaErrorInsufficientDriver)
        say_old_driver(why, why_bytes, driver);
    else
        snprintf(why, why_bytes, "no CUDA device: the driver does not start: %s (%s)",
                 cudaGetErrorString(error), cudaGetErrorName(error));
    return GCR_OK;
}

/* ---- one of them ----------------------------------------------------------------------------- */

static _Thread_local int turned_to = -1; /* this thread, to a GPU; -1: nobody knows */

static cudaError_t turn_to(int index)
{
    const cudaError_t error = cudaSetDevice(index);

    turned_to = error == cudaSuccess ? index : -1;
    return error;
}

gcr_status gcr_cuda_turn(const gcr_device *device)
{
    gcr_status status = GCR_OK;

    GCR_CUDA("turn to the GPU", turn_to(((const cuda_device *)device)->index));
out:
    return status;
}

gcr_status gcr_cuda_enter(const gcr_device *device)
{
    return turned_to == ((const cuda_device *)device)->index ? gcr_cuda_usable()
                                                             : gcr_cuda_turn(device);
}

int gcr_cuda_enter_to_close(const gcr_device *device)
{
    const int index = ((const cuda_device *)device)->index;

    if (!gcr_cuda_is_lost() && turned_to != index)
        gcr_cuda_note(turn_to(index));
    return !gcr_cuda_is_lost() && turned_to == index;
}

static gcr_status check_capability(const cuda_device *device)
{
    gcr_status status = GCR_OK;

    if (device->capability < GCR_CUDA_CAPABILITY_LEAST)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "cuda:%d (%s) has compute capability %d.%d, and gridcrunch needs %d.%d or more",
                 device->index, device->base.info.name, device->capability / 10,
                 device->capability % 10, GCR_CUDA_CAPABILITY_LEAST / 10,
                 GCR_CUDA_CAPABILITY_LEAST % 10);
out:
    return status;
}

/* One operation in each cycle on half of the 128 lanes that a multiprocessor has for floats, and as
 * many fewer for doubles as the GPU says. */
static gcr_status count_unit_flops(gcr_device_info *info, int index)
{
    gcr_status status = GCR_OK;
    int khz = 0, ratio = 0;

    GCR_CUDA("ask the GPU for its clock",
             cudaDeviceGetAttribute(&khz, cudaDevAttrClockRate, index));
    GCR_CUDA("ask the GPU how it computes doubles",
             cudaDeviceGetAttribute(&ratio, cudaDevAttrSingleToDoublePrecisionPerfRatio, index));
    info->unit_flops[GCR_F32] = 64 * 1e3 * khz;
    info->unit_flops[GCR_F64] = info->unit_flops[GCR_F32] / (ratio > 1 ? ratio : 1);
out:
    return status;
}

/* As nvidia-smi prints it. */
static void name_uuid(char out[GCR_UUID_BYTES], const cudaUUID_t *uuid)
{
    char *at = stpcpy(out, "GPU");

    for (int i = 0; i < 16; i++)
        at += snprintf(at, 4, i == 0 || i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                       (unsigned char)uuid->bytes[i]);
}

/* The driver knows it by itself: no context is made on a GPU that may be another process's. */
gcr_status gcr_cuda_device_identify(gcr_device_identity *out, int index)
{
    gcr_status status = GCR_OK;
    struct cudaDeviceProp properties;

    GCR_CUDA("ask the GPU which one it is", cudaGetDeviceProperties(&properties, index));
    name_uuid(out->uuid, &properties.uuid);
    out->pci =
        (gcr_pci_address){ properties.pciDomainID, properties.pciBusID, properties.pciDeviceID };
    snprintf(out->name, sizeof out->name, "%.*s", (int)sizeof out->name - 1, properties.name);
    out->code_path = GCR_PATH_PLAIN;
out:
    return status;
}

static gcr_status describe(cuda_device *device)
{
    gcr_status status = GCR_OK;
    gcr_device_info *info = &device->base.info;
    struct cudaDeviceProp properties;

    GCR_CUDA("ask the GPU what it is", cudaGetDeviceProperties(&properties, device->index));
    device->capability = properties.major * 10 + properties.minor;
    snprintf(info->name, sizeof info->name, "%.*s", (int)sizeof info->name - 1, properties.name);
    name_uuid(info->uuid, &properties.uuid);
    info->total_bytes = properties.totalGlobalMem;
    info->alignment = 256;
    info->code_path = GCR_PATH_PLAIN;
    info->units = properties.multiProcessorCount;
    info->batches_in_flight = GCR_CUDA_IN_FLIGHT;
    GCR_TRY(count_unit_flops(info, device->index));
    if (gcr_cuda_compiler_version(&device->toolkit) != GCR_OK)
        device->toolkit = CUDART_VERSION; /* program_open() will say that there is no compiler */
    GCR_CUDA("ask for the driver", cudaDriverGetVersion(&device->driver));
    GCR_TRY(check_capability(device));
    gcr_cuda_calibration_read(device);
out:
    return status;
}

/* The first call that needs the GPU itself, and so the one that finds it taken. */
static gcr_status start(cuda_device *device)
{
    gcr_status status = GCR_OK;
    const char *name = device->base.info.name;
    int mode = cudaComputeModeDefault;
    size_t free_bytes, total_bytes;
    cudaError_t error;

    GCR_CUDA("ask the GPU who may use it",
             cudaDeviceGetAttribute(&mode, cudaDevAttrComputeMode, device->index));
    if (mode == cudaComputeModeProhibited)
        GCR_FAIL(GCR_EUNSUPPORTED, "cuda:%d (%s) may not compute: its compute mode is 'prohibited'",
                 device->index, name);
    error = turn_to(device->index);
    if (error == cudaErrorDevicesUnavailable || error == cudaErrorDeviceAlreadyInUse) {
        gcr_cuda_note(error);
        GCR_FAIL(GCR_EDEVICE, "cuda:%d (%s) is busy: %s", device->index, name,
                 mode == cudaComputeModeExclusiveProcess
                     ? "its compute mode is 'exclusive process', and another process has it"
                     : "the driver gives it to nobody now");
    }
    GCR_CUDA("start the GPU", error);
    GCR_CUDA("ask the GPU for its memory", cudaMemGetInfo(&free_bytes, &total_bytes));
    device->base.info.free_bytes = free_bytes;
out:
    return status;
}

/* What was freed stays for the next allocation instead of going back to the system. */
static gcr_status open_pool(cuda_device *device)
{
    gcr_status status = GCR_OK;
    uint64_t everything = UINT64_MAX;
    struct cudaMemPoolProps properties = {
        .allocType = cudaMemAllocationTypePinned,
        .location = { .type = cudaMemLocationTypeDevice, .id = device->index },
    };

    GCR_CUDA("open a pool of memory", cudaMemPoolCreate(&device->pool, &properties));
    GCR_CUDA("open a pool of memory",
             cudaMemPoolSetAttribute(device->pool, cudaMemPoolAttrReleaseThreshold, &everything));
out:
    return status;
}

gcr_status gcr_cuda_device_open(gcr_device **out, int index)
{
    gcr_status status = GCR_OK;
    cuda_device *device = calloc(1, sizeof *device);

    if (device == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a device");
    device->base.backend = &gcr_cuda_backend;
    device->index = index;
    pthread_mutex_init(&device->lock, NULL);
    pthread_mutex_init(&device->copiers_lock, NULL);
    GCR_TRY(describe(device));
    GCR_TRY(start(device));
    GCR_TRY(open_pool(device));
    GCR_TRY(gcr_cuda_lane_open(&device->memory));
    *out = &device->base;
    device = NULL;
out:
    if (device != NULL)
        gcr_cuda_device_close(&device->base);
    return status;
}

void gcr_cuda_device_close(gcr_device *base)
{
    cuda_device *device = cuda_device_of(base);

    if (device->pool != NULL) /* it was started */
        (void)gcr_cuda_enter_to_close(base);
    if (device->memory.stream != NULL)
        GCR_CUDA_CLOSE(cudaStreamSynchronize(device->memory.stream));
    gcr_cuda_lane_close(&device->memory);
    if (device->pool != NULL)
        GCR_CUDA_CLOSE(cudaMemPoolDestroy(device->pool));
    gcr_cuda_measure_unload(device);
    gcr_pool_destroy(device->copiers);
    pthread_mutex_destroy(&device->copiers_lock);
    pthread_mutex_destroy(&device->lock);
    free(device);
}

/* ---- what decides bits ----------------------------------------------------------------------- */

void gcr_cuda_device_kind(char *out, size_t bytes, const gcr_device *base, gcr_code_path path,
                          gcr_scalar scalar, gcr_algorithm algorithm, int64_t matrix_rows)
{
    const cuda_device *device = (const cuda_device *)base;
    char table[GCR_CROSSOVERS_NAME_BYTES], toolkit[32], libraries[64];

    (void)path; /* a GPU has one */
    gcr_cuda_library_versions(libraries, sizeof libraries, &device->crossovers[scalar],
                              matrix_rows);
    gcr_crossovers_name(table, &device->crossovers[scalar]);
    say_version(toolkit, device->toolkit);
    snprintf(out, bytes, "cuda, %s, %s%s, sm_%d, CUDA %s, crossovers %s%s", gcr_scalar_name(scalar),
             algorithm == GCR_DIRECT ? "" : "tridiagonal, ", base->info.name, device->capability,
             toolkit, table, libraries);
}
