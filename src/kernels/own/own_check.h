/*
 * kernels/own/own_check.h -- whether a kernel of the user's keeps its promises, tried on random
 * cells.
 *
 * The kernel is compiled as for a run, for the plain engine, and with AddressSanitizer, and each is
 * linked with the program of checking.c and run as a process of its own.
 */
#ifndef GCR_OWN_CHECK_H
#define GCR_OWN_CHECK_H

#include "kernels/own/own_kernel.h"

enum { GCR_FINDINGS_MAX = 16 };

typedef enum gcr_finding_kind {
    GCR_FINDING_OK,
    GCR_FINDING_FAILED,
    GCR_FINDING_SKIPPED, /* it could not be looked at here */
} gcr_finding_kind;

typedef struct gcr_finding {
    char name[16]; /* "cells", "batch" */
    gcr_finding_kind kind;
    char sentence[2200];
} gcr_finding;

typedef struct gcr_findings {
    gcr_finding items[GCR_FINDINGS_MAX];
    int count, failed_count;
    char *warnings; /* of the compiler; "": none */
} gcr_findings;

/* Checks the kernel with these values of its options on this code path. A kernel that fails is a
 * finding; failures are those of gcr_own_load(). The caller clears *out, also on failure. */
GCR_MUST_CHECK gcr_status gcr_own_check(gcr_findings *out, const gcr_own *own,
                                        const int64_t option[GCR_OPTIONS_MAX], gcr_code_path path);
void gcr_findings_clear(gcr_findings *findings);

#endif /* GCR_OWN_CHECK_H */
