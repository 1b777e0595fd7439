/* cuda/cuda_library.c -- see cuda_library.h. */
#include "cuda/cuda_library.h"

#include "base/check.h"
#include "base/env.h"

#include <dlfcn.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { FUNCTIONS_MAX = 32 };

static gcr_status bind(const cuda_library *library, void *opened)
{
    gcr_status status = GCR_OK;
    void *found[FUNCTIONS_MAX];

    for (size_t i = 0; i < library->count; i++) {
        found[i] = dlsym(opened, library->names[i]);
        if (found[i] == NULL)
            GCR_FAIL(GCR_EUNSUPPORTED, "%s has no %s, which %s has", library->file,
                     library->names[i], library->package);
    }
    memcpy(library->table, found, library->count * sizeof *found); /* ISO C has no cast for this */
out:
    return status;
}

/* ---- where it is ----------------------------------------------------------------------------- */

/* Folders that the loader may not know by itself: what pip installs where a
 * variable says, toolkits, what pip installs for all. */
static const struct {
    gcr_env variable; /* GCR_ENV_COUNT: `folder` is from the root */
    const char *folder;
} places[] = {
    { GCR_ENV_VIRTUAL_ENV, "lib/python3*/site-packages/nvidia/*/lib" },
    { GCR_ENV_COUNT, "/usr/local/cuda/lib64" },
    { GCR_ENV_COUNT, "/usr/local/cuda-13*/lib64" },
    { GCR_ENV_COUNT, "/opt/cuda/lib64" },
    { GCR_ENV_COUNT, "/usr/local/lib/python3*/dist-packages/nvidia/*/lib" },
    { GCR_ENV_COUNT, "/usr/lib/python3/dist-packages/nvidia/*/lib" },
};

/* The first that can be opened of the files that `folder`, which may have stars, has by this
 * name. */
static void *open_in(const char *folder, const char *file)
{
    char pattern[PATH_MAX];
    glob_t found = { 0 };
    void *opened = NULL;

    snprintf(pattern, sizeof pattern, "%s/%s", folder, file);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc && opened == NULL; i++)
            opened = dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_LOCAL);
    globfree(&found);
    return opened;
}

/* Opens what the library will ask the loader for by name, whichever way the library itself was
 * found: the loader finds what is there already, and need not look where the library's own file
 * does not say. */
static void open_parts(const char *parts, void *opened)
{
    char folder[PATH_MAX], pattern[PATH_MAX + 64];
    glob_t found = { 0 };

    if (parts == NULL || dlinfo(opened, RTLD_DI_ORIGIN, folder) != 0)
        return;
    snprintf(pattern, sizeof pattern, "%s/%s", folder, parts);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            (void)dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_LOCAL);
    globfree(&found);
}

static void *open_place(size_t place, const char *file)
{
    const char *root = "";
    char folder[PATH_MAX / 2];

    if (places[place].variable != GCR_ENV_COUNT) {
        root = gcr_env_get(places[place].variable);
        if (root == NULL)
            return NULL;
    }
    snprintf(folder, sizeof folder, "%s%s%s", root, root[0] != '\0' ? "/" : "",
             places[place].folder);
    return open_in(folder, file);
}

/* NULL: it is nowhere. In the folder that is asked for, and nowhere else, if one is. */
static void *open_file(const char *file)
{
    const char *asked = gcr_env_get(GCR_ENV_GPU_LIBRARIES);
    void *opened;

    if (asked != NULL)
        return open_in(asked, file);
    opened = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    for (size_t place = 0; place < sizeof places / sizeof *places && opened == NULL; place++)
        opened = open_place(place, file);
    return opened;
}

gcr_status gcr_cuda_library_open(cuda_library *library)
{
    gcr_status status = GCR_OK;
    void *opened = NULL;

    pthread_mutex_lock(&library->lock);
    if (library->opened != NULL)
        goto out;
    if (library->count > FUNCTIONS_MAX)
        GCR_FAIL(GCR_EDEVICE, "%s: more than %d functions", library->file, FUNCTIONS_MAX);
    opened = open_file(library->file);
    if (opened == NULL)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "%s is not found: there is no %s; install %s, or name its folder "
                 "of libraries in %s",
                 library->lacking, library->file, library->package,
                 gcr_env_name(GCR_ENV_GPU_LIBRARIES));
    GCR_TRY(bind(library, opened));
    open_parts(library->parts, opened);
    library->opened = opened;
    opened = NULL;
out:
    if (opened != NULL)
        dlclose(opened);
    pthread_mutex_unlock(&library->lock);
    return status;
}
