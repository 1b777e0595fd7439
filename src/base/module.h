/*
 * base/module.h -- a part of gridcrunch that is a shared library of its own.
 *
 * What such a part needs (drivers, compilers, MPI, hundreds of megabytes) is not loaded before it
 * is asked for. A module exports one name, its entry, whose first member says what it was compiled
 * against: another build is refused before anything of it runs.
 */
#ifndef GCR_BASE_MODULE_H
#define GCR_BASE_MODULE_H

#include "base/check.h"
#include "base/env.h"

#define GCR_MODULE_SYMBOL "gcr_module"
typedef struct gcr_module_entry {
    const char
        *seam; /* of its build: the version, and a hash of the headers that it and the program
                         share. Stays the first member: it is read to refuse all others. */
    const void *(*open)(const gcr_failures *failures); /* its table; what fails there is told to
                                                          these, see gcr_failures_forward() */
} gcr_module_entry;

/* The table of libgridcrunch_NAME.so, or of the file that the variable `path` names, which stays
 * loaded until the process ends. `seam` is the one of this build. To be called once for a module.
 * GCR_ENOENT: it is not there; GCR_EINVAL: `path` names no path from the root; GCR_EUNSUPPORTED:
 * the system cannot load it, or it is not of this build. */
GCR_MUST_CHECK gcr_status gcr_module_load(const void **out, const char *name, gcr_env path,
                                          const char *seam);

#endif /* GCR_BASE_MODULE_H */
