/*
 * kernels/own/describing.c -- a kernel of a file, compiled to learn what it is.
 *
 * The library carries this file as text and compiles it at run time, without optimisation and with
 * GCR_OPTION(name) as 0, before it knows the kernel's options. Almost all mistakes show here.
 */
#include GCR_KERNEL_FILE

#include "kernels/own/described.h"

/* With GCR_DESCRIBE this declares once more what is there, without it defines zeros. */
static const gcr_kernel gcr_description;

#define GCR_NAMED(function) (void (*)(void)) function

const gcr_described gcr_described_kernel = {
    .kernel = &gcr_description,
#if defined(GCR_CELL_KERNEL)
    .form = GCR_FORM_CELL,
#elif defined(GCR_SPD_KERNEL)
    .form = GCR_FORM_SPD,
#else
    .form = GCR_FORM_NONE,
#endif
#if defined(GCR_HAS_PREPARE)
    .has_prepare = 1,
#endif
#if defined(GCR_HAS_BASE)
    .has_base = 1,
#endif
    .functions = {
#if defined(GCR_CELL_KERNEL)
        GCR_NAMED(cell),
#elif defined(GCR_SPD_KERNEL)
#if defined(GCR_HAS_BASE)
        GCR_NAMED(base),
        GCR_NAMED(scale),
        GCR_NAMED(shift),
#else
        GCR_NAMED(element),
#endif
        GCR_NAMED(rhs),
        GCR_NAMED(needs),
        GCR_NAMED(finish),
#endif
#if defined(GCR_HAS_PREPARE)
        GCR_NAMED(prepare),
#endif
#if defined(GCR_HAS_DERIVE)
        GCR_NAMED(derive),
#endif
    },
};
