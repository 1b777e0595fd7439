/* backend/backend_module.c -- see backend_module.h. The build defines GCR_SEAM. */
#include "backend/backend_module.h"

#include "base/module.h"

#include <stdio.h>

static gcr_status load(gcr_module *module)
{
    gcr_status status = GCR_OK;
    const void *table;

    GCR_TRY(gcr_module_load(&table, module->name, module->path, GCR_SEAM));
    module->backend = table;
out:
    return status;
}

const gcr_backend *gcr_module_open(gcr_module *module, char *why, size_t why_bytes)
{
    pthread_mutex_lock(&module->lock);
    if (module->backend == NULL && load(module) != GCR_OK)
        snprintf(why, why_bytes, "no device of '%s': %s", module->name, gcr_last_error());
    pthread_mutex_unlock(&module->lock);
    return module->backend;
}

gcr_status gcr_module_device_count(int *out, gcr_module *module, char *why, size_t why_bytes)
{
    const gcr_backend *backend = gcr_module_open(module, why, why_bytes);

    *out = 0;
    return backend != NULL ? backend->device_count(out, why, why_bytes) : GCR_OK;
}

static gcr_status open_or_fail(const gcr_backend **out, gcr_module *module)
{
    gcr_status status = GCR_OK;
    char why[512] = "";

    *out = gcr_module_open(module, why, sizeof why);
    if (*out == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s", why);
out:
    return status;
}

gcr_status gcr_module_device_open(gcr_device **out, gcr_module *module, int index)
{
    gcr_status status = GCR_OK;
    const gcr_backend *backend;

    *out = NULL;
    GCR_TRY(open_or_fail(&backend, module));
    GCR_TRY(backend->device_open(out, index));
out:
    return status;
}

gcr_status gcr_module_device_identify(gcr_device_identity *out, gcr_module *module, int index)
{
    gcr_status status = GCR_OK;
    const gcr_backend *backend;

    GCR_TRY(open_or_fail(&backend, module));
    GCR_TRY(gcr_device_identify(out, backend, index));
out:
    return status;
}
