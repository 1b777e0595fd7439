/* kernels/own/own_private.h -- what own_kernel.c and own_check.c share. */
#ifndef GCR_OWN_PRIVATE_H
#define GCR_OWN_PRIVATE_H

#include "kernels/own/build.h"
#include "kernels/own/own_kernel.h"

struct gcr_own {
    gcr_source source;
    void *described, *loaded; /* of dlopen() */
    int has_prepare, has_base;
    gcr_kernel kernel; /* completed, of the object loaded last */
    gcr_unit unit;
    char hash[40], compiler[128];
};

/* The arguments for describing.c, with all warnings. */
void gcr_own_add_describing(gcr_arguments *arguments);

/* The arguments for cpu_unit.c, without those for optimisation and without the unit's name. */
GCR_MUST_CHECK gcr_status gcr_own_add_unit(gcr_arguments *arguments, const gcr_own *own,
                                           const int64_t option[GCR_OPTIONS_MAX],
                                           gcr_code_path path, gcr_scalar scalar);

/* What compiles text of ours or of the user's for single precision. */
void gcr_own_add_single(gcr_arguments *arguments);

/* What makes an object of either that can be loaded, whose functions call each other: a helper of
 * the user's that is called `error` is not that of libc, and may be inlined. */
void gcr_own_add_shared(gcr_arguments *arguments);

#endif /* GCR_OWN_PRIVATE_H */
