/* base/module.c -- see module.h. */
#include "base/module.h"

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

static gcr_status find_library(char **out, const char *name, gcr_env path)
{
    gcr_status status = GCR_OK;
    const char *asked = gcr_env_get(path);
    char file[64];

    snprintf(file, sizeof file, "libgridcrunch_%s.so", name);
    if (asked != NULL && asked[0] != '/')
        GCR_FAIL(GCR_EINVAL, "%s must be a path from the root, not '%s'", gcr_env_name(path),
                 asked);
    if (asked != NULL)
        GCR_TRY(gcr_text_copy(out, asked, strlen(asked)));
    else
        GCR_TRY(gcr_install_find_library(out, file));
out:
    return status;
}

static gcr_status check_build(const gcr_module_entry *entry, const char *path, const char *seam)
{
    gcr_status status = GCR_OK;

    if (entry == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s is no module of gridcrunch", path);
    if (strcmp(entry->seam, seam) != 0)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "%s is of another build of gridcrunch (its seam is %s, and this program's is %s)",
                 path, entry->seam, seam);
out:
    return status;
}

gcr_status gcr_module_load(const void **out, const char *name, gcr_env path, const char *seam)
{
    gcr_status status = GCR_OK;
    const gcr_module_entry *entry;
    char *file = NULL;
    void *library = NULL;

    *out = NULL;
    GCR_TRY(find_library(&file, name, path));
    library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED, "cannot load %s: %s", file, dlerror());
    entry = dlsym(library, GCR_MODULE_SYMBOL);
    GCR_TRY(check_build(entry, file, seam));
    *out = entry->open(&failures);
    library = NULL;
out:
    if (library != NULL)
        dlclose(library);
    free(file);
    return status;
}
