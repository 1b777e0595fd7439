/*
 * kernels/own/described.h -- what an object of describing.c exports, as `gcr_described_kernel`.
 */
#ifndef GCR_DESCRIBED_H
#define GCR_DESCRIBED_H

#include "gridcrunch/kernel.h"

enum { GCR_FORM_NONE = -1, GCR_FUNCTIONS_MAX = 10 };

typedef struct gcr_described {
    const gcr_kernel *kernel; /* all zeros: the file has no GCR_DESCRIBE                       */
    int form;                 /* a gcr_kernel_form, by the macro above the include; or NONE    */
    int has_prepare, has_base;
    void (*functions[GCR_FUNCTIONS_MAX])(
        void); /* named, so that the loader misses what is not there */
} gcr_described;

#endif /* GCR_DESCRIBED_H */
