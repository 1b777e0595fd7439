/* backend/backend_registry.c -- the one file that knows which backends there are. */
#include "backend/backend.h"

#include "backend/cpu/cpu.h"

const gcr_backend *const gcr_backends[] = {
    &gcr_cpu_backend,
    NULL,
};
