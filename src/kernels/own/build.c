/* kernels/own/build.c -- see build.h. */
#include "kernels/own/build.h"

#include "kernels/own/own_flags.h"

#include "base/check.h"
#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { SOURCE_BYTES_MAX = 1 << 20, STEM_BYTES_MAX = 40, NAME_BYTES = 128 };

/* ---- arguments ------------------------------------------------------------------------------- */

void gcr_arguments_add(gcr_arguments *arguments, const char *text)
{
    if (arguments->count < GCR_ARGUMENTS_MAX)
        arguments->items[arguments->count++] = text;
}

gcr_status gcr_arguments_format(gcr_arguments *arguments, const char *format, ...)
{
    gcr_status status = GCR_OK;
    char *text = NULL;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0 || arguments->count == GCR_ARGUMENTS_MAX) {
        if (length >= 0)
            free(text);
        GCR_FAIL(GCR_ENOMEM, "no memory for the arguments of a compiler");
    }
    arguments->owned[arguments->owned_count++] = text;
    gcr_arguments_add(arguments, text);
out:
    return status;
}

void gcr_arguments_clear(gcr_arguments *arguments)
{
    for (int i = 0; i < arguments->owned_count; i++)
        free(arguments->owned[i]);
    *arguments = (gcr_arguments){ 0 };
}

void gcr_arguments_add_flags(gcr_arguments *arguments)
{
    static const char *const flags[] = { GCR_OWN_FLAGS };

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        gcr_arguments_add(arguments, flags[i]);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* A path as in "what they are relative to", and whether that is a file that can be a kernel. */
static gcr_status check_file(const char *path, const struct stat *info)
{
    gcr_status status = GCR_OK;

    if (S_ISDIR(info->st_mode))
        GCR_FAIL(GCR_EINVAL, "%s is a folder, and a kernel is a C file", path);
    if (!S_ISREG(info->st_mode))
        GCR_FAIL(GCR_EINVAL, "%s is no ordinary file, and a kernel is a C file", path);
    if (info->st_size > SOURCE_BYTES_MAX)
        GCR_FAIL(GCR_EINVAL, "%s has more than %d bytes, too many for a kernel", path,
                 SOURCE_BYTES_MAX);
    if ((info->st_mode & S_IWOTH) != 0)
        GCR_FAIL(GCR_EINVAL,
                 "%s may be written by every user of this machine, and would run with your rights; "
                 "take that away with: chmod o-w %s",
                 path, path);
out:
    return status;
}

static gcr_status read_file(gcr_source *source)
{
    gcr_status status = GCR_OK;
    const int fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    ssize_t bytes;

    if (fd < 0 || fstat(fd, &info) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot read the kernel %s: %s", source->path, strerror(errno));
    GCR_TRY(check_file(source->path, &info));
    source->text = malloc((size_t)info.st_size + 1);
    if (source->text == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to read %s", source->path);
    bytes = read(fd, source->text, (size_t)info.st_size);
    if (bytes < 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot read the kernel %s: %s", source->path, strerror(errno));
    source->bytes = (size_t)bytes;
    source->text[bytes] = '\0';
    if (strlen(source->text) != source->bytes)
        GCR_FAIL(GCR_EINVAL, "%s is no text, and a kernel is a C file", source->path);
out:
    if (fd >= 0)
        close(fd);
    return status;
}

gcr_status gcr_source_open(gcr_source *out, const char *path)
{
    gcr_status status = GCR_OK;

    *out = (gcr_source){ 0 };
    GCR_TRY(gcr_text_copy(&out->path, path, strlen(path)));
    GCR_TRY(read_file(out));
    GCR_TRY(gcr_compiler_find(&out->compiler));
    GCR_TRY(gcr_cache_open(&out->cache));
out:
    return status;
}

void gcr_source_clear(gcr_source *source)
{
    gcr_cache_close(&source->cache);
    gcr_compiler_clear(&source->compiler);
    free(source->text);
    free(source->path);
    *source = (gcr_source){ 0 };
}

/* ---- compiling ------------------------------------------------------------------------------- */

/* As in a string of C. The caller frees it; NULL: no memory. */
static char *quote(const char *path)
{
    char *quoted = malloc(2 * strlen(path) + 1), *to = quoted;

    for (const char *from = path; quoted != NULL && *from != '\0'; from++) {
        if (*from == '"' || *from == '\\')
            *to++ = '\\';
        *to++ = *from;
    }
    if (quoted != NULL)
        *to = '\0';
    return quoted;
}

/* The text behind a line that says where it comes from. What holds it to its description is the
 * first that it includes, from its own folder, where a compiler looks before it looks anywhere
 * else. */
static gcr_status write_kernel(const gcr_source *source, const char *work)
{
    gcr_status status = GCR_OK;
    char *text = NULL, *path = quote(source->path);

    if (path == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to compile %s", source->path);
    GCR_TRY(gcr_text_format(&text,
                            "#if defined(GCR_DECLARED_USES)\n"
                            "#include \"kernels/own/expect.h\"\n"
                            "#endif\n"
                            "#line 1 \"%s\"\n%s\n",
                            path, source->text));
    GCR_TRY(gcr_cache_write(work, "kernel.c", text, strlen(text)));
out:
    free(path);
    free(text);
    return status;
}

gcr_status gcr_source_write(const gcr_source *source, const char *work)
{
    gcr_status status = GCR_OK;

    for (const gcr_text_file *file = gcr_engine_text; file->path != NULL; file++)
        GCR_TRY(gcr_cache_write(work, file->path, file->text, file->bytes));
    GCR_TRY(write_kernel(source, work));
out:
    return status;
}

gcr_status gcr_source_compile(char **text_out, const gcr_source *source, const char *work,
                              const char *main, const gcr_arguments *arguments, const char *file)
{
    gcr_status status = GCR_OK;
    gcr_arguments all = { 0 };

    for (int i = 0; i < arguments->count; i++)
        gcr_arguments_add(&all, arguments->items[i]);
    gcr_arguments_add(&all, "-iquote"); /* before any folder that a compiler has been set to */
    gcr_arguments_add(&all, work);
    gcr_arguments_add(&all, "-isystem"); /* its warnings are not the user's */
    gcr_arguments_add(&all, work);
    GCR_TRY(gcr_arguments_format(&all, "-DGCR_KERNEL_FILE=\"%s/kernel.c\"", work));
    gcr_arguments_add(&all, "-o");
    gcr_arguments_add(&all, file);
    GCR_TRY(gcr_arguments_format(&all, "%s/%s", work, main));
    gcr_arguments_add(&all, "-lm");
    GCR_TRY(gcr_compiler_run(text_out, &source->compiler, all.items, source->path, work));
out:
    gcr_arguments_clear(&all);
    return status;
}

/* ---- objects --------------------------------------------------------------------------------- */

static void hash_text(XXH3_state_t *state, const char *text)
{
    XXH3_128bits_update(state, text, strlen(text) + 1); /* its end too: "ab" "c" is not "a" "bc" */
}

/* All that an object is made of. */
static gcr_status hash_all(XXH128_hash_t *out, const gcr_source *source, const char *main,
                           const gcr_arguments *arguments)
{
    gcr_status status = GCR_OK;
    XXH3_state_t *state = XXH3_createState();

    if (state == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to hash %s", source->path);
    XXH3_128bits_reset(state);
    hash_text(state, source->text);
    hash_text(state, source->path); /* for debuggers and messages */
    hash_text(state, source->compiler.command);
    hash_text(state, source->compiler.version);
    for (const gcr_text_file *file = gcr_engine_text; file->path != NULL; file++) {
        hash_text(state, file->path);
        hash_text(state, file->text);
    }
    hash_text(state, main);
    for (int i = 0; i < arguments->count; i++)
        hash_text(state, arguments->items[i]);
    *out = XXH3_128bits_digest(state);
out:
    XXH3_freeState(state);
    return status;
}

/* "fit-1f3a....so": the stem is for people who look into the folder. */
static gcr_status name_object(char out[NAME_BYTES], const gcr_source *source, const char *main,
                              const gcr_arguments *arguments)
{
    gcr_status status = GCR_OK;
    const char *slash = strrchr(source->path, '/'),
               *stem = slash != NULL ? slash + 1 : source->path;
    const int bytes = (int)strspn(stem, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789_-");
    XXH128_hash_t hash;

    GCR_TRY(hash_all(&hash, source, main, arguments));
    snprintf(out, NAME_BYTES, "%.*s-%016llx%016llx.so",
             bytes < STEM_BYTES_MAX ? bytes : STEM_BYTES_MAX, stem, (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
out:
    return status;
}

static gcr_status make_object(const gcr_source *source, const char *main,
                              const gcr_arguments *arguments, const char *path)
{
    gcr_status status = GCR_OK;
    char *work = NULL, *file = NULL;

    GCR_TRY(gcr_cache_work_open(&work, &source->cache));
    GCR_TRY(gcr_source_write(source, work));
    GCR_TRY(gcr_text_format(&file, "%s/object.so", work));
    GCR_TRY(gcr_source_compile(NULL, source, work, main, arguments, file));
    GCR_TRY(gcr_cache_keep(&source->cache, file, path));
out:
    gcr_cache_work_close(work);
    free(file);
    return status;
}

/* Whether the engine calls a function of this name. */
static int is_asked_for(const char *name, int bytes)
{
    static const char *const names[] = { "cell",  "prepare", "derive", "element", "rhs",
                                         "needs", "finish",  "base",   "scale",   "shift" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((int)strlen(names[i]) == bytes && strncmp(name, names[i], (size_t)bytes) == 0)
            return 1;
    return 0;
}

/* What the loader misses is mostly a function that the form of the kernel asks for. */
static gcr_status open_object(void **out, const char *path, const char *source)
{
    static const char undefined[] = "undefined symbol: ";
    gcr_status status = GCR_OK;
    const char *why, *name;
    int bytes;

    *out = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (*out != NULL)
        goto out;
    why = dlerror();
    name = strstr(why, undefined);
    if (name == NULL)
        GCR_FAIL(GCR_EIO, "cannot load the kernel %s: %s", source, why);
    name += strlen(undefined);
    bytes = (int)strcspn(name, " (");
    if (is_asked_for(name, bytes))
        GCR_FAIL(GCR_EINVAL, "%s has no function '%.*s', which a kernel of its form must have",
                 source, bytes, name);
    GCR_FAIL(GCR_EINVAL, "%s uses a function '%.*s', which is declared and not there", source,
             bytes, name);
out:
    return status;
}

gcr_status gcr_source_load(void **out, const gcr_source *source, const char *main,
                           const gcr_arguments *arguments)
{
    gcr_status status = GCR_OK;
    char name[NAME_BYTES];
    char *path = NULL;
    int is_there;

    *out = NULL;
    GCR_TRY(name_object(name, source, main, arguments));
    GCR_TRY(gcr_cache_find(&path, &is_there, &source->cache, name));
    if (!is_there)
        GCR_TRY(make_object(source, main, arguments, path));
    GCR_TRY(open_object(out, path, source->path));
out:
    free(path);
    return status;
}
