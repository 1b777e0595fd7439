/*
 * kernels/own/build.h -- one kernel file, compiled with text that the library carries.
 *
 * The file is read once; what is hashed is what is compiled: a copy in the work folder, in which
 * the compiler's messages and debuggers find the user's path and line numbers. There it can include
 * what the library carries and the system's headers, and no file beside it: the hash would not
 * notice when that changes.
 */
#ifndef GCR_OWN_BUILD_H
#define GCR_OWN_BUILD_H

#include "kernels/own/compiler.h"

#include "base/cache.h"
#include "base/text_file.h"

#include <stddef.h>

/* kernel.h, the engine, and the files of this folder that describe and check. */
extern const gcr_text_file gcr_engine_text[];

enum { GCR_ARGUMENTS_MAX = 60 };

/* The arguments of a compiler, in their order. Zeroed is empty. */
typedef struct gcr_arguments {
    const char *items[GCR_ARGUMENTS_MAX + 1]; /* ends with NULL */
    char *owned[GCR_ARGUMENTS_MAX];
    int count, owned_count;
} gcr_arguments;

/* Nothing is added behind the last that there is room for: who counts on more changes the limit. */
void gcr_arguments_add(gcr_arguments *arguments, const char *text); /* borrowed */
GCR_MUST_CHECK gcr_status gcr_arguments_format(gcr_arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void gcr_arguments_clear(gcr_arguments *arguments);

/* The flags of the built-in units, without those for optimisation and for a processor. */
void gcr_arguments_add_flags(gcr_arguments *arguments);

typedef struct gcr_source {
    char *path; /* as the user knows it */
    char *text; /* [bytes] and a 0      */
    size_t bytes;
    gcr_compiler compiler;
    gcr_cache cache;
} gcr_source;

/* Reads the file and finds compiler and cache. GCR_EUNREADABLE: it cannot be read; GCR_EINVAL: it
 * is no text, too large, or may be written by everybody; and what gcr_compiler_find() and
 * gcr_cache_open() say. The caller clears *out, also on failure. */
GCR_MUST_CHECK gcr_status gcr_source_open(gcr_source *out, const char *path);
void gcr_source_clear(gcr_source *source);

/* Makes WORK a place where `main` (a path of gcr_engine_text) can be compiled. GCR_EIO. */
GCR_MUST_CHECK gcr_status gcr_source_write(const gcr_source *source, const char *work);

/* Compiles `main`, and the kernel that it includes, into a file of the work folder. */
GCR_MUST_CHECK gcr_status gcr_source_compile(char **text_out, const gcr_source *source,
                                             const char *work, const char *main,
                                             const gcr_arguments *arguments, const char *file);

/* Loads `main` compiled with `arguments`, from the cache if it is there: *out is for dlclose().
 * GCR_EINVAL: what the compiler refuses, or a function that is missing. */
GCR_MUST_CHECK gcr_status gcr_source_load(void **out, const gcr_source *source, const char *main,
                                          const gcr_arguments *arguments);

#endif /* GCR_OWN_BUILD_H */
