/* base/install.c -- see install.h. The build says how folders of an installation lie to each
 * other. */
#include "base/install.h"

#include "base/check.h"
#include "base/env.h"
#include "base/text.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the file at `path`, links followed. False where it cannot be told. */
static int folder_of(char out[PATH_MAX], const char *path)
{
    if (realpath(path, out) == NULL)
        return 0;
    *strrchr(out, '/') = '\0';
    return 1;
}

/* The shared library, or the program where there is none: the linker then knows it by the name it
 * was called by, which need not be a path. */
static int own_folder(char out[PATH_MAX])
{
    static const char landmark;
    Dl_info info;

    if (dladdr(&landmark, &info) != 0 && strstr(info.dli_fname, ".so") != NULL)
        return folder_of(out, info.dli_fname);
    return folder_of(out, "/proc/self/exe");
}

/* A file that may be used as `mode` of access() has it; else *out stays NULL. */
static gcr_status find_in(char **out, const char *folder, const char *relative, const char *name,
                          int mode)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_text_format(out, "%s/%s/%s", folder, relative, name));
    if (access(*out, mode) == 0)
        goto out;
    free(*out);
    *out = NULL;
out:
    return status;
}

gcr_status gcr_install_find(char **out, const char *name)
{
    static const char *const places[] = { ".", "..", GCR_LIBEXEC_FROM_BIN, GCR_LIBEXEC_FROM_LIB };
    gcr_status status = GCR_OK;
    const char *const asked = gcr_env_get(GCR_ENV_LIBEXEC);
    char folder[PATH_MAX];

    *out = NULL;
    if (asked != NULL)
        GCR_TRY(find_in(out, asked, ".", name, X_OK));
    else if (own_folder(folder))
        for (size_t i = 0; i < sizeof places / sizeof *places && *out == NULL; i++)
            GCR_TRY(find_in(out, folder, places[i], name, X_OK));
    if (*out == NULL)
        GCR_FAIL(GCR_ENOENT, "there is no program %s %s%s; %s can name its folder", name,
                 asked != NULL ? "in " : "beside gridcrunch", asked != NULL ? asked : "",
                 gcr_env_name(GCR_ENV_LIBEXEC));
out:
    return status;
}

gcr_status gcr_install_find_library(char **out, const char *name)
{
    static const char *const places[] = { ".", "..", GCR_LIB_FROM_BIN, GCR_LIB_FROM_LIBEXEC };
    gcr_status status = GCR_OK;
    char folder[PATH_MAX];

    *out = NULL;
    if (own_folder(folder))
        for (size_t i = 0; i < sizeof places / sizeof *places && *out == NULL; i++)
            GCR_TRY(find_in(out, folder, places[i], name, R_OK));
    if (*out == NULL)
        GCR_FAIL(GCR_ENOENT, "there is no %s beside gridcrunch", name);
out:
    return status;
}
