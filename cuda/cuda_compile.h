/*
 * cuda/cuda_compile.h -- a kernel and the text of the device engines, compiled for one GPU.
 *
 * The compiler sees files that the module carries and the kernel, and nothing of this machine: a
 * kernel that includes anything but gridcrunch/kernel.h is refused. What was compiled is kept in
 * the cache (base/cache.h) under a hash of all that went into it: the texts, the definitions, the
 * version of the compiler and the compute capability. The compiler tells its major and minor
 * version and no more: whoever installs an update of the same one deletes the cache, if its code is
 * wanted.
 */
#ifndef GCR_CUDA_COMPILE_H
#define GCR_CUDA_COMPILE_H

#include "base/text_file.h"

#include "gridcrunch/kind.h"
#include "gridcrunch/status.h"

#include <stddef.h>

enum { GCR_CUDA_DEFINITIONS_MAX = 32 };

typedef struct cuda_source {
    const char *name; /* of the kernel; for names of files */
    const char *path; /* as messages name the file         */
    const char *text;
    const char *unit;  /* of cuda/device/, which takes the kernel in; NULL: device_unit.h */
    gcr_scalar scalar; /* of GCR_F32 constants without a suffix are floats, in all of the text */
    char *definitions[GCR_CUDA_DEFINITIONS_MAX]; /* "NAME VALUE"; of malloc() */
    int definition_count;
} cuda_source;

/* Adds "NAME VALUE", as printf has it: a macro in front of the text. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_cuda_define(cuda_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void gcr_cuda_undefine(cuda_source *source); /* all of them */

/* Code for the compute capability 10 major + minor: a cubin, or PTX where the compiler does not
 * know a GPU that new. */
typedef struct cuda_image {
    void *bytes; /* the caller frees them */
    size_t count;
    char *log; /* what the compiler said, or NULL where it was not asked; the caller frees it */
} cuda_image;

/* From the cache, or compiled and kept. GCR_EINVAL: the kernel does not compile, with the first
 * error as "fit.c:12: ..." and all of them as details. GCR_EUNSUPPORTED: there is no compiler.
 * GCR_EIO. */
GCR_MUST_CHECK gcr_status gcr_cuda_compile_cached(cuda_image *out, const cuda_source *source,
                                                  int capability);

/* Without the cache; `is_verbose`: the log says what the code uses of registers and memory. */
GCR_MUST_CHECK gcr_status gcr_cuda_compile(cuda_image *out, const cuda_source *source,
                                           int capability, int is_verbose);

/* 13000 for 13.0: the version of the compiler. GCR_EUNSUPPORTED. */
GCR_MUST_CHECK gcr_status gcr_cuda_compiler_version(int *out);

/* The file of the built-in kernel `name`, or NULL. */
const gcr_text_file *gcr_cuda_kernel_file(const char *name);

/* Fails where the kernel includes what a GPU has not: the sentence names the line. */
GCR_MUST_CHECK gcr_status gcr_cuda_check_includes(const char *path, const char *text);

#endif /* GCR_CUDA_COMPILE_H */
