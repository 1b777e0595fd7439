/*
 * kernels/own/description.h -- whether what a kernel says of itself makes sense.
 */
#ifndef GCR_OWN_DESCRIPTION_H
#define GCR_OWN_DESCRIPTION_H

#include "kernels/own/described.h"

#include "gridcrunch/status.h"

/* `file` names the kernel in sentences. GCR_EINVAL: a name that is missing, no identifier, or
 * there twice; too many of something; no output; a width, a domain or a standard value that cannot
 * be; sizes without a function, or functions without a size. */
GCR_MUST_CHECK gcr_status gcr_description_check(const gcr_described *described, const char *file);

/* A copy in which texts that may be left out are there: "" for help, "1" for units. */
gcr_kernel gcr_description_complete(const gcr_kernel *kernel);

/* GCR_EINVAL: a size that the kernel says for datasets of this shape is not possible. */
GCR_MUST_CHECK gcr_status gcr_kernel_check_sizes(const gcr_kernel *kernel, const gcr_shape *shape);

#endif /* GCR_OWN_DESCRIPTION_H */
