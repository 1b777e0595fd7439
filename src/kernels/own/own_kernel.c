/* kernels/own/own_kernel.c -- see own_kernel.h. */
#include "kernels/own/own_private.h"

#include "kernels/own/description.h"
#include "kernels/own/own_flags.h"

#include "base/check.h"
#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

int gcr_own_is_path(const char *name)
{
    const size_t bytes = strlen(name);

    return strchr(name, '/') != NULL || (bytes > 2 && strcmp(name + bytes - 2, ".c") == 0);
}

void gcr_own_add_shared(gcr_arguments *arguments)
{
    gcr_arguments_add(arguments, "-fPIC");
    gcr_arguments_add(arguments, "-shared");
    gcr_arguments_add(arguments, "-fno-semantic-interposition");
    gcr_arguments_add(arguments, "-Wl,-Bsymbolic");
}

gcr_status gcr_own_locate(char *out, size_t bytes, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    const char *folder = job->folder, *name = job->kernel;
    const int is_here = name[0] == '/' || folder == NULL || strcmp(folder, ".") == 0;
    const int length =
        snprintf(out, bytes, "%s%s%s", is_here ? "" : folder, is_here ? "" : "/", name);
    char place[GCR_MARK_BYTES];

    if (length < 0 || (size_t)length >= bytes)
        GCR_FAIL(GCR_EINVAL, "%sthe path of the kernel is too long",
                 gcr_format_mark(place, job->kernel_mark));
    if (access(out, R_OK) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "%scannot read the kernel %s: %s",
                 gcr_format_mark(place, job->kernel_mark), out, strerror(errno));
out:
    return status;
}

/* ---- what it is ------------------------------------------------------------------------------ */

void gcr_own_add_describing(gcr_arguments *arguments)
{
    gcr_arguments_add_flags(arguments);
    gcr_arguments_add(arguments, "-O0");
    gcr_arguments_add(arguments, "-Wall");
    gcr_arguments_add(arguments, "-Wextra");
    gcr_arguments_add(arguments, "-Wno-unused-parameter"); /* they are prescribed */
    gcr_arguments_add(arguments, "-Werror=implicit-function-declaration");
    gcr_arguments_add(arguments, "-DGCR_OPTION(name)=0");
}

static gcr_status describe(gcr_own *own)
{
    gcr_status status = GCR_OK;
    gcr_arguments arguments = { 0 };
    const gcr_described *described;

    gcr_own_add_describing(&arguments);
    gcr_own_add_shared(&arguments);
    GCR_TRY(gcr_source_load(&own->described, &own->source, "kernels/own/describing.c", &arguments));
    described = dlsym(own->described, "gcr_described_kernel");
    if (described == NULL)
        GCR_FAIL(GCR_EIO, "cannot load the kernel %s: %s", own->source.path, dlerror());
    GCR_TRY(gcr_description_check(described, own->source.path));
    own->kernel = gcr_description_complete(described->kernel);
    own->has_prepare = described->has_prepare;
    own->has_base = described->has_base;
out:
    gcr_arguments_clear(&arguments);
    return status;
}

static void take_facts(gcr_own *own)
{
    const XXH128_hash_t hash = XXH3_128bits(own->source.text, own->source.bytes);

    snprintf(own->hash, sizeof own->hash, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
    snprintf(own->compiler, sizeof own->compiler, "%.*s",
             (int)strcspn(own->source.compiler.version, "\n"), own->source.compiler.version);
}

gcr_status gcr_own_open(gcr_own **out, const char *path)
{
    gcr_status status = GCR_OK;
    gcr_own *own = calloc(1, sizeof *own);

    *out = NULL;
    if (own == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the kernel %s", path);
    GCR_TRY(gcr_source_open(&own->source, path));
    take_facts(own);
    GCR_TRY(describe(own));
    *out = own;
    own = NULL;
out:
    gcr_own_close(own);
    return status;
}

void gcr_own_close(gcr_own *own)
{
    if (own == NULL)
        return;
    if (own->loaded != NULL)
        dlclose(own->loaded);
    if (own->described != NULL)
        dlclose(own->described);
    gcr_source_clear(&own->source);
    free(own);
}

/* ---- a unit ---------------------------------------------------------------------------------- */

static const char *march_of(gcr_code_path path)
{
#if defined(__x86_64__)
    switch (path) {
    case GCR_PATH_V4: return "-march=x86-64-v4";
    case GCR_PATH_V3: return "-march=x86-64-v3";
    default: return "-march=x86-64";
    }
#else
    (void)path;
    return NULL;
#endif
}

static const char *path_constant(gcr_code_path path)
{
    switch (path) {
    case GCR_PATH_V4: return "-DGCR_UNIT_PATH=GCR_PATH_V4";
    case GCR_PATH_V3: return "-DGCR_UNIT_PATH=GCR_PATH_V3";
    default: return "-DGCR_UNIT_PATH=GCR_PATH_PLAIN";
    }
}

/* The value of each option, and what the kernel has declared. */
static gcr_status add_constants(gcr_arguments *arguments, const gcr_own *own,
                                const int64_t option[GCR_OPTIONS_MAX])
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = &own->kernel;
    int parameters = 0;

    for (int o = 0; kernel->options[o].name != NULL; o++)
        GCR_TRY(gcr_arguments_format(arguments, "-DGCR_OPTION_%s=((int64_t)%" PRId64 ")",
                                     kernel->options[o].name, option[o]));
    while (kernel->parameters[parameters].name != NULL)
        parameters++;
    GCR_TRY(gcr_arguments_format(arguments, "-DGCR_DECLARED_PARAMETERS=%d", parameters));
    GCR_TRY(gcr_arguments_format(arguments, "-DGCR_DECLARED_USES=%u", kernel->uses));
    GCR_TRY(gcr_arguments_format(arguments, "-DGCR_DECLARED_SCRATCH=%d",
                                 kernel->scratch_count != NULL));
    GCR_TRY(gcr_arguments_format(arguments, "-DGCR_DECLARED_PREPARED=%d", own->has_prepare));
out:
    return status;
}

void gcr_own_add_single(gcr_arguments *arguments)
{
    static const char *const flags[] = { GCR_OWN_SINGLE };

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        gcr_arguments_add(arguments, flags[i]);
}

gcr_status gcr_own_add_unit(gcr_arguments *arguments, const gcr_own *own,
                            const int64_t option[GCR_OPTIONS_MAX], gcr_code_path path,
                            gcr_scalar scalar)
{
    gcr_status status = GCR_OK;

    gcr_arguments_add_flags(arguments);
    if (scalar == GCR_F32)
        gcr_own_add_single(arguments);
    gcr_arguments_add(arguments, "-w"); /* what it warns of has been said of the description */
    if (march_of(path) != NULL)
        gcr_arguments_add(arguments, march_of(path));
    gcr_arguments_add(arguments, path_constant(path));
    gcr_arguments_add(arguments, "-DGCR_UNIT_CHOICE=GCR_UNIT_ANY");
    GCR_TRY(add_constants(arguments, own, option));
out:
    return status;
}

int gcr_own_has(const gcr_own *own, gcr_algorithm algorithm)
{
    return algorithm == GCR_DIRECT || own->has_base;
}

gcr_status gcr_own_load(const gcr_unit **out, gcr_own *own, const int64_t option[GCR_OPTIONS_MAX],
                        gcr_code_path path, gcr_algorithm algorithm, gcr_scalar scalar)
{
    gcr_status status = GCR_OK;
    gcr_arguments arguments = { 0 };
    const gcr_unit *unit;

    *out = NULL;
    GCR_TRY(gcr_own_add_unit(&arguments, own, option, path, scalar));
    if (algorithm == GCR_TRIDIAGONAL)
        gcr_arguments_add(&arguments, "-DGCR_UNIT_TRIDIAGONAL");
    gcr_arguments_add(&arguments, GCR_OWN_OPTIMISATION);
    gcr_own_add_shared(&arguments);
    gcr_arguments_add(&arguments, "-DGCR_UNIT_NAME=gcr_unit_own");
    GCR_TRY(gcr_source_load(&own->loaded, &own->source, "backend/cpu/cpu_unit.c", &arguments));
    unit = dlsym(own->loaded, "gcr_unit_own");
    if (unit == NULL)
        GCR_FAIL(GCR_EIO, "cannot load the kernel %s: %s", own->source.path, dlerror());
    own->kernel = gcr_description_complete(unit->kernel);
    own->unit = *unit;
    own->unit.kernel = &own->kernel;
    *out = &own->unit;
    gcr_cache_close(&own->source.cache); /* now: a process may end without gcr_own_close() */
out:
    gcr_arguments_clear(&arguments);
    return status;
}

/* ---- what there is to know ------------------------------------------------------------------- */

const gcr_kernel *gcr_own_kernel(const gcr_own *own)
{
    return &own->kernel;
}

const char *gcr_own_path(const gcr_own *own)
{
    return own != NULL ? own->source.path : NULL;
}

const char *gcr_own_text(const gcr_own *own)
{
    return own != NULL ? own->source.text : NULL;
}

const char *gcr_own_hash(const gcr_own *own)
{
    return own != NULL ? own->hash : NULL;
}

const char *gcr_own_compiler(const gcr_own *own)
{
    return own != NULL ? own->compiler : NULL;
}
