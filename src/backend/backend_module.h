/*
 * backend/backend_module.h -- a backend that comes from a module (base/module.h).
 *
 * Until a device of it is asked for, the program knows its name alone. No library, one of another
 * build, or one that the system cannot load is no failure: there are no such devices then, and a
 * sentence says why.
 */
#ifndef GCR_BACKEND_BACKEND_MODULE_H
#define GCR_BACKEND_BACKEND_MODULE_H

#include "backend/backend.h"

#include "base/env.h"

#include <pthread.h>

typedef struct gcr_module {
    const char *name; /* of the backend; the library is libgridcrunch_NAME.so */
    gcr_env path;     /* the variable that can name another file              */
    pthread_mutex_t lock;
    const gcr_backend *backend; /* NULL: not opened yet, or not there */
} gcr_module;

/* The table of the module, which stays loaded until the process ends, or NULL with a sentence. */
const gcr_backend *gcr_module_open(gcr_module *module, char *why, size_t why_bytes);

/* The operations of a table that need no device. */
GCR_MUST_CHECK gcr_status gcr_module_device_count(int *out, gcr_module *module, char *why,
                                                  size_t why_bytes);
GCR_MUST_CHECK gcr_status gcr_module_device_open(gcr_device **out, gcr_module *module, int index);
GCR_MUST_CHECK gcr_status gcr_module_device_identify(gcr_device_identity *out, gcr_module *module,
                                                     int index);

#endif /* GCR_BACKEND_BACKEND_MODULE_H */
