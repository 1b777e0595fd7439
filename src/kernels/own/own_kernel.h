/*
 * kernels/own/own_kernel.h -- a kernel of the user's, from its file to a unit that runs.
 *
 *     gcr_own_open(&own, "fit.c");                     compiled once to learn what it is
 *     gcr_own_kernel(own)                              its description
 *     gcr_own_load(&unit, own, option, path, algorithm, scalar);
 *                                                      compiled again for these, as a built-in is
 *     gcr_own_close(own);                              nothing of the unit may be used any more
 *
 * A unit of a file differs from a built-in one in one thing: every option is a constant of its
 * text, integers too, because it is compiled for this job. What is compiled stays in the cache
 * (cache.h).
 */
#ifndef GCR_OWN_KERNEL_H
#define GCR_OWN_KERNEL_H

#include "gridcrunch/job.h"
#include "gridcrunch/status.h"
#include "gridcrunch/unit.h"

#include <stddef.h>

typedef struct gcr_own gcr_own;

/* True of a kernel's name in a job that is a path: it ends in ".c", or there is a '/' in it. */
int gcr_own_is_path(const char *name);

/* The job's kernel as a path seen from here: it is relative to the folder of the job's file.
 * GCR_EUNREADABLE, with the place in the job: it cannot be read. GCR_EINVAL: more than `bytes`. */
GCR_MUST_CHECK gcr_status gcr_own_locate(char *out, size_t bytes, const gcr_job *job);

/* GCR_EINVAL: the file does not compile, is no kernel, or describes itself wrongly.
 * GCR_EUNREADABLE: it cannot be read. GCR_EUNSUPPORTED: there is no compiler. GCR_EIO: nothing can
 * be written. Its compiler's messages are the details of the failure. */
GCR_MUST_CHECK gcr_status gcr_own_open(gcr_own **out, const char *path);
void gcr_own_close(gcr_own *own);

const gcr_kernel *gcr_own_kernel(const gcr_own *own);

/* Whether it can be computed by this algorithm: whether it has base(), where that needs one. */
int gcr_own_has(const gcr_own *own, gcr_algorithm algorithm);

/* The unit for these values of the options, this code path, an algorithm that it has and a scalar
 * that the algorithm has. Belongs to `own`, as all that it points to. Once. GCR_EINVAL: it reads
 * what it has not declared, or as above. */
GCR_MUST_CHECK gcr_status gcr_own_load(const gcr_unit **out, gcr_own *own,
                                       const int64_t option[GCR_OPTIONS_MAX], gcr_code_path path,
                                       gcr_algorithm algorithm, gcr_scalar scalar);

/* For the record; NULL for a NULL. The path of the file, as messages have it, its text, its hash
 * (32 hexadecimal digits), the first line of what the compiler says of itself. */
const char *gcr_own_path(const gcr_own *own);
const char *gcr_own_text(const gcr_own *own);
const char *gcr_own_hash(const gcr_own *own);
const char *gcr_own_compiler(const gcr_own *own);

#endif /* GCR_OWN_KERNEL_H */
