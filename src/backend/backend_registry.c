/*
 * backend/backend_registry.c -- the one file that knows which backends there are.
 *
 * The table of a module is not here before it is opened, so its place is held by one with the
 * operations that need no device; a device that was opened names the module's own.
 */
#include "backend/backend_module.h"

#include "backend/cpu/cpu.h"

static const char gpu_name[] = "cuda";
static gcr_module gpu_module = { .name = gpu_name,
                                 .path = GCR_ENV_GPU_MODULE,
                                 .lock = PTHREAD_MUTEX_INITIALIZER };

static gcr_status gpu_device_count(int *out, char *why, size_t why_bytes)
{
    return gcr_module_device_count(out, &gpu_module, why, why_bytes);
}

static gcr_status gpu_device_open(gcr_device **out, int index)
{
    return gcr_module_device_open(out, &gpu_module, index);
}

static gcr_status gpu_device_identify(gcr_device_identity *out, int index)
{
    return gcr_module_device_identify(out, &gpu_module, index);
}

static const gcr_backend gpu_backend = {
    .name = gpu_name,
    .device_count = gpu_device_count,
    .device_open = gpu_device_open,
    .device_identify = gpu_device_identify,
};

const gcr_backend *const gcr_backends[] = {
    &gcr_cpu_backend,
    &gpu_backend,
    NULL,
};
