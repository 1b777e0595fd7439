/* cuda/cuda_compile.c -- see cuda_compile.h. */
#include "cuda/cuda_compile.h"
#include "cuda/cuda_constants.h"
#include "cuda/cuda_nvrtc.h"

#include "base/cache.h"
#include "base/check.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Written by the build: the engines with all that they include, and the built-in kernels. */
extern const gcr_text_file gcr_device_text[];
extern const gcr_text_file gcr_kernel_text[];

enum { HEADERS_MAX = 64, OPTIONS_MAX = 12, NAME_BYTES = 128 };

/* Of a source that names no other: a kernel with its engine. */
static const char standard_unit[] = "cuda/device/device_unit.h";

/* Contraction is off, so that a kernel rounds as it is written; there is no folder to look for
 * files in, not even the one of the source. */
static const char *const fixed_options[] = {
    "--std=c++20",
    "--fmad=false",
    "--no-source-include",
    "--disable-warnings",
    "-DGCR_KERNEL_FILE=\"kernel.c\"",
};

enum { FIXED_OPTIONS = sizeof fixed_options / sizeof fixed_options[0] };

/* ---- what is compiled ------------------------------------------------------------------------ */

gcr_status gcr_cuda_define(cuda_source *source, const char *format, ...)
{
    gcr_status status = GCR_OK;
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (text == NULL || source->definition_count == GCR_CUDA_DEFINITIONS_MAX) {
        free(text);
        GCR_FAIL(GCR_ENOMEM, "no memory to compile kernel '%s' for a GPU", source->name);
    }
    source->definitions[source->definition_count++] = text;
out:
    return status;
}

void gcr_cuda_undefine(cuda_source *source)
{
    for (int d = 0; d < source->definition_count; d++)
        free(source->definitions[d]);
    source->definition_count = 0;
}

const gcr_text_file *gcr_cuda_kernel_file(const char *name)
{
    char path[NAME_BYTES];

    snprintf(path, sizeof path, "kernels/%s.c", name);
    for (const gcr_text_file *file = gcr_kernel_text; file->path != NULL; file++)
        if (strcmp(file->path, path) == 0)
            return file;
    return NULL;
}

/* ---- the compiler ---------------------------------------------------------------------------- */

#define NVRTC(doing, call)                                                                         \
    do {                                                                                           \
        const nvrtcResult result_ = (call);                                                        \
        if (result_ != NVRTC_SUCCESS)                                                              \
            GCR_FAIL(result_ == NVRTC_ERROR_OUT_OF_MEMORY ? GCR_ENOMEM : GCR_EDEVICE,              \
                     "CUDA's run-time compiler cannot %s: %s", (doing),                            \
                     nvrtc->error_string(result_));                                                \
    } while (0)

gcr_status gcr_cuda_compiler_version(int *out)
{
    gcr_status status = GCR_OK;
    const cuda_nvrtc *nvrtc;
    int major, minor;

    GCR_TRY(gcr_cuda_nvrtc(&nvrtc));
    NVRTC("say its version", nvrtc->version(&major, &minor));
    *out = major * 1000 + minor * 10;
out:
    return status;
}

/* The newest architecture that the compiler knows and the GPU can run. *is_exact_out: it is the
 * GPU's own, so that a cubin of it runs there. */
static gcr_status choose_arch(int *arch_out, int *is_exact_out, const cuda_nvrtc *nvrtc,
                              int capability)
{
    gcr_status status = GCR_OK;
    int archs[64], count = 0, best = 0;

    NVRTC("say what it compiles for", nvrtc->arch_count(&count));
    if (count < 1 || count > (int)(sizeof archs / sizeof archs[0]))
        GCR_FAIL(GCR_EUNSUPPORTED, "CUDA's run-time compiler knows %d architectures", count);
    NVRTC("say what it compiles for", nvrtc->archs(archs));
    for (int a = 0; a < count; a++)
        if (archs[a] <= capability && archs[a] > best)
            best = archs[a];
    if (best == 0)
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "CUDA's run-time compiler does not know compute capability %d.%d any more",
                 capability / 10, capability % 10);
    *arch_out = best;
    *is_exact_out = best == capability;
out:
    return status;
}

/* The kernel with a line in front that says where it comes from. The caller frees it. */
static gcr_status mark_kernel(char **out, const cuda_source *source)
{
    gcr_status status = GCR_OK;
    char *path = malloc(2 * strlen(source->path) + 1), *to = path;

    if (path == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to compile %s", source->path);
    for (const char *from = source->path; *from != '\0'; from++) {
        if (*from == '"' || *from == '\\')
            *to++ = '\\';
        *to++ = *from;
    }
    *to = '\0';
    GCR_TRY(gcr_text_format(out, "#line 1 \"%s\"\n%s\n", path, source->text));
out:
    free(path);
    return status;
}

static const char *unit_of(const cuda_source *source)
{
    return source->unit != NULL ? source->unit : standard_unit;
}

/* Definitions, then the one include. Not options of the compiler: it splits them at commas. The
 * caller frees it. */
static gcr_status write_main(char **out, const cuda_source *source)
{
    gcr_status status = GCR_OK;
    size_t bytes = strlen(unit_of(source)) + sizeof "#include \"\"\n", used = 0;
    char *text;

    for (int d = 0; d < source->definition_count; d++)
        bytes += strlen(source->definitions[d]) + sizeof "#define \n";
    text = malloc(bytes);
    if (text == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to compile %s", source->path);
    for (int d = 0; d < source->definition_count; d++)
        used += (size_t)snprintf(text + used, bytes - used, "#define %s\n", source->definitions[d]);
    snprintf(text + used, bytes - used, "#include \"%s\"\n", unit_of(source));
    *out = text;
out:
    return status;
}

/* The files that the compiler sees, in the precision of the source. */
typedef struct headers {
    const char *names[HEADERS_MAX + 1];
    char *texts[HEADERS_MAX + 1]; /* of malloc() */
    int count;
} headers;

static gcr_status add_header(headers *to, const cuda_source *source, const char *name,
                             const char *text)
{
    gcr_status status = GCR_OK;
    char *copy = NULL;

    if (source->scalar == GCR_F32)
        GCR_TRY(gcr_cuda_narrow_constants(&copy, text));
    else
        GCR_TRY(gcr_text_format(&copy, "%s", text));
    to->names[to->count] = name;
    to->texts[to->count++] = copy;
out:
    return status;
}

static gcr_status list_headers(headers *out, const cuda_source *source)
{
    gcr_status status = GCR_OK;
    char *kernel = NULL;

    for (const gcr_text_file *file = gcr_device_text; file->path != NULL; file++) {
        if (out->count == HEADERS_MAX)
            GCR_FAIL(GCR_EDEVICE, "the text of the device has more than %d files", HEADERS_MAX);
        GCR_TRY(add_header(out, source, file->path, file->text));
    }
    GCR_TRY(mark_kernel(&kernel, source));
    GCR_TRY(add_header(out, source, "kernel.c", kernel));
out:
    free(kernel);
    return status;
}

static gcr_status create_program(nvrtcProgram *out, const cuda_nvrtc *nvrtc,
                                 const cuda_source *source)
{
    gcr_status status = GCR_OK;
    headers all = { .count = 0 };
    char *text = NULL;

    GCR_TRY(list_headers(&all, source));
    GCR_TRY(write_main(&text, source));
    NVRTC("begin", nvrtc->create(out, text, "gridcrunch.cu", all.count,
                                 (const char *const *)all.texts, all.names));
out:
    for (int h = 0; h < all.count; h++)
        free(all.texts[h]);
    free(text);
    return status;
}

/* "fit.c(12): error: ..." becomes "fit.c:12: error: ...", as the C compiler says it. */
static void mend_places(char *log, const char *path)
{
    const size_t bytes = strlen(path);

    for (char *found = log; (found = strstr(found, path)) != NULL; found++) {
        char *const open = found + bytes;
        const size_t digits = *open == '(' ? strspn(open + 1, "0123456789") : 0;

        if (digits == 0 || open[1 + digits] != ')')
            continue;
        *open = ':';
        memmove(open + 1 + digits, open + 2 + digits, strlen(open + 2 + digits) + 1);
    }
}

static gcr_status read_log(char **out, const cuda_nvrtc *nvrtc, nvrtcProgram program,
                           const char *path)
{
    gcr_status status = GCR_OK;
    size_t bytes = 0;
    char *log = NULL;

    NVRTC("say what was wrong", nvrtc->log_bytes(program, &bytes));
    log = calloc(bytes + 1, 1);
    if (log == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for what CUDA's run-time compiler says");
    NVRTC("say what was wrong", nvrtc->log(program, log));
    mend_places(log, path);
    *out = log;
    log = NULL;
out:
    free(log);
    return status;
}

/* The first error in the kernel, or the first at all, as a sentence: "fit.c:12: expected a ..." */
static gcr_status refuse(const char *log, const cuda_source *source)
{
    static const char mark[] = ": error: ", fatal[] = ": catastrophic error: ";
    gcr_status status = GCR_EINVAL;
    const size_t path_bytes = strlen(source->path);

    for (const char *line = log; *line != '\0';
         line += strcspn(line, "\n"), line += *line == '\n') {
        const size_t bytes = strcspn(line, "\n");
        const char *error = memmem(line, bytes, mark, sizeof mark - 1);
        size_t skip = sizeof mark - 1;

        if (error == NULL) {
            error = memmem(line, bytes, fatal, sizeof fatal - 1);
            skip = sizeof fatal - 1;
        }
        if (error == NULL || strncmp(line, source->path, path_bytes) != 0)
            continue;
        status = gcr_fail_at(__FILE__, __LINE__, GCR_EINVAL, "%.*s: %.*s", (int)(error - line),
                             line, (int)(bytes - (size_t)(error - line) - skip), error + skip);
        gcr_fail_details(log);
        return status;
    }
    status = gcr_fail_at(__FILE__, __LINE__, GCR_EINVAL, "%s does not compile for a GPU: %.*s",
                         source->path, (int)strcspn(log, "\n"), log);
    gcr_fail_details(log);
    return status;
}

static gcr_status take_code(cuda_image *out, const cuda_nvrtc *nvrtc, nvrtcProgram program,
                            int is_exact)
{
    gcr_status status = GCR_OK;
    size_t count = 0;

    NVRTC("say how long the code is",
          is_exact ? nvrtc->cubin_bytes(program, &count) : nvrtc->ptx_bytes(program, &count));
    out->bytes = malloc(count > 0 ? count : 1);
    if (out->bytes == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the code of a kernel");
    NVRTC("give its code",
          is_exact ? nvrtc->cubin(program, out->bytes) : nvrtc->ptx(program, out->bytes));
    out->count = count;
out:
    return status;
}

static int list_options(const char *options[OPTIONS_MAX], const char *arch, int is_verbose)
{
    int count = 0;

    for (int o = 0; o < FIXED_OPTIONS; o++)
        options[count++] = fixed_options[o];
    options[count++] = arch;
    if (is_verbose)
        options[count++] = "--ptxas-options=-v";
    return count;
}

gcr_status gcr_cuda_compile(cuda_image *out, const cuda_source *source, int capability,
                            int is_verbose)
{
    gcr_status status = GCR_OK;
    const cuda_nvrtc *nvrtc = NULL;
    const char *options[OPTIONS_MAX];
    char arch_option[32];
    nvrtcProgram program = NULL;
    nvrtcResult result;
    int arch = 0, is_exact = 0;

    *out = (cuda_image){ 0 };
    GCR_TRY(gcr_cuda_nvrtc(&nvrtc));
    GCR_TRY(choose_arch(&arch, &is_exact, nvrtc, capability));
    snprintf(arch_option, sizeof arch_option, "-arch=%s_%d", is_exact ? "sm" : "compute", arch);
    GCR_TRY(create_program(&program, nvrtc, source));
    result = nvrtc->compile(program, list_options(options, arch_option, is_verbose), options);
    GCR_TRY(read_log(&out->log, nvrtc, program, source->path));
    if (result == NVRTC_ERROR_COMPILATION)
        GCR_TRY(refuse(out->log, source));
    NVRTC("compile", result);
    GCR_TRY(take_code(out, nvrtc, program, is_exact));
out:
    if (program != NULL)
        nvrtc->destroy(&program);
    if (status != GCR_OK) {
        free(out->log);
        free(out->bytes);
        *out = (cuda_image){ 0 };
    }
    return status;
}

/* ---- the cache ------------------------------------------------------------------------------- */

static void hash_text(XXH3_state_t *state, const char *text)
{
    XXH3_128bits_update(state, text, strlen(text) + 1); /* its end too: "ab" "c" is not "a" "bc" */
}

/* "gp-1f3a....cubin": the stem is for people who look into the folder. */
static gcr_status name_object(char out[NAME_BYTES], const cuda_source *source, int capability,
                              int version)
{
    gcr_status status = GCR_OK;
    const int key[] = { capability, version };
    XXH3_state_t *state = XXH3_createState();
    XXH128_hash_t hash;

    if (state == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to hash %s", source->path);
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, key, sizeof key);
    for (const gcr_text_file *file = gcr_device_text; file->path != NULL; file++) {
        hash_text(state, file->path);
        hash_text(state, file->text);
    }
    hash_text(state, source->scalar == GCR_F32 ? GCR_CUDA_CONSTANTS_RULE : "");
    hash_text(state, unit_of(source));
    hash_text(state, source->path);
    hash_text(state, source->text);
    for (int o = 0; o < FIXED_OPTIONS; o++)
        hash_text(state, fixed_options[o]);
    for (int d = 0; d < source->definition_count; d++)
        hash_text(state, source->definitions[d]);
    hash = XXH3_128bits_digest(state);
    snprintf(out, NAME_BYTES, "%.40s-sm%d-%016llx%016llx.cubin", source->name, capability,
             (unsigned long long)hash.high64, (unsigned long long)hash.low64);
out:
    XXH3_freeState(state);
    return status;
}

static gcr_status keep(const cuda_image *image, const gcr_cache *cache, const char *path)
{
    gcr_status status = GCR_OK;
    char *work = NULL, *file = NULL;

    GCR_TRY(gcr_cache_work_open(&work, cache));
    GCR_TRY(gcr_cache_write(work, "code", image->bytes, image->count));
    GCR_TRY(gcr_text_format(&file, "%s/code", work));
    GCR_TRY(gcr_cache_keep(cache, file, path));
out:
    gcr_cache_work_close(work);
    free(file);
    return status;
}

gcr_status gcr_cuda_compile_cached(cuda_image *out, const cuda_source *source, int capability)
{
    gcr_status status = GCR_OK;
    gcr_cache cache = { 0 };
    char name[NAME_BYTES];
    char *path = NULL;
    int version, is_there;

    *out = (cuda_image){ 0 };
    GCR_TRY(gcr_cuda_compiler_version(&version));
    GCR_TRY(name_object(name, source, capability, version));
    GCR_TRY(gcr_cache_open(&cache));
    GCR_TRY(gcr_cache_find(&path, &is_there, &cache, name));
    if (is_there) {
        GCR_TRY(gcr_cache_read(&out->bytes, &out->count, path));
        goto out;
    }
    GCR_TRY(gcr_cuda_compile(out, source, capability, 0));
    GCR_TRY(keep(out, &cache, path));
out:
    gcr_cache_close(&cache);
    free(path);
    if (status != GCR_OK) {
        free(out->log);
        free(out->bytes);
        *out = (cuda_image){ 0 };
    }
    return status;
}
