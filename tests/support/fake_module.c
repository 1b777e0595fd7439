/*
 * tests/support/fake_module.c -- the fake backend as a module, for the program itself.
 *
 * The variable FAKE_SYNC_THAT_FAILS names the wait for a batch, from 1, in which the device is lost.
 */
#include "support/fake_backend.h"

#include <stdlib.h>

static const gcr_backend *open_module(const gcr_failures *failures)
{
    const char *nth = getenv("FAKE_SYNC_THAT_FAILS");

    fake_reset();
    fake.sync_that_fails = nth != NULL ? atoi(nth) : 0;
    gcr_failures_forward(failures);
    return &fake_backend;
}

extern const gcr_module_entry gcr_module;
__attribute__((visibility("default")))
const gcr_module_entry gcr_module = { .seam = GCR_SEAM, .open = open_module };
