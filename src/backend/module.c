/* backend/module.c -- see module.h. The build defines GCR_SEAM. */
#include "backend/module.h"

#include "base/check.h"
#include "base/install.h"
#include "base/text.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A failure in the module's copy of base/ becomes one of ours. */
static void take_failure(const char *file, int line, gcr_status code, const char *sentence)
{
    (void)gcr_fail_at(file, line, code, "%s", sentence);
}

static const gcr_failures failures = { .fail = take_failure, .details = gcr_fail_details };

static gcr_status find_library(char **out, const gcr_module *module)
{
    gcr_status status = GCR_OK;
    const char *asked = gcr_env_get(module->path);
    char name[64];

    snprintf(name, sizeof name, "libgridcrunch_%s.so", module->name);
    if (asked != NULL && asked[0] != '/')
        GCR_FAIL(GCR_EINVAL, "%s must be a path from the root, not '%s'",
                 gcr_env_name(module->path), asked);
    if (asked != NULL)
        GCR_TRY(gcr_text_copy(out, asked, strlen(asked)));
    else
        GCR_TRY(gcr_install_find_library(out, name));
out:
    return status;
}

/* The module is of this build if it was compiled with the same seam. */
static gcr_status check_build(const gcr_module_entry *entry, const char *path)
{
    gcr_status status = GCR_OK;

    if (entry == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s is no module of gridcrunch", path);
    if (strcmp(entry->seam, GCR_SEAM) != 0)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "%s is of another build of gridcrunch (its seam is %s, and this program's is %s)",
                 path, entry->seam, GCR_SEAM);
out:
    return status;
}

static gcr_status load(const gcr_backend **out, const gcr_module *module)
{
    gcr_status status = GCR_OK;
    const gcr_module_entry *entry;
    char *path = NULL;
    void *library = NULL;

    GCR_TRY(find_library(&path, module));
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "cannot load %s: %s", path, dlerror());
    entry = dlsym(library, GCR_MODULE_SYMBOL);
    GCR_TRY(check_build(entry, path));
    *out = entry->open(&failures);
    library = NULL;
out:
    if (library != NULL)
        dlclose(library);
    free(path);
    return status;
}

const gcr_backend *gcr_module_open(gcr_module *module, char *why, size_t why_bytes)
{
    pthread_mutex_lock(&module->lock);
    if (module->backend == NULL && load(&module->backend, module) != GCR_OK)
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

gcr_status gcr_module_device_open(gcr_device **out, gcr_module *module, int index)
{
    gcr_status status = GCR_OK;
    char why[512] = "";
    const gcr_backend *backend = gcr_module_open(module, why, sizeof why);

    *out = NULL;
    if (backend == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s", why);
    GCR_TRY(backend->device_open(out, index));
out:
    return status;
}
