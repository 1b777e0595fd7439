/*
 * tests/support/fake_module.c -- the fake backend as a module, for the program itself.
 *
 * Variables say what there is and what goes wrong:
 *     FAKE_SYNC_THAT_FAILS, _HANGS  the wait for a batch, from 1, in which the device is lost, or
 *                                   does not come back
 *     FAKE_DEVICES                  how many devices; each is of a kind of its own if FAKE_KINDS is
 *                                   set
 *     FAKE_FIRST_DEVICE             the piece of hardware that the first of them is
 *     FAKE_BYTES                    of a device's memory
 */
#include "support/fake_backend.h"

#include "base/module.h"

#include <stdlib.h>

static int number_of(const char *variable)
{
    const char *text = getenv(variable);

    return text != NULL ? atoi(text) : 0;
}

static const void *open_module(const gcr_failures *failures)
{
    fake_reset();
    fake.sync_that_fails = number_of("FAKE_SYNC_THAT_FAILS");
    fake.sync_that_hangs = number_of("FAKE_SYNC_THAT_HANGS");
    fake.device_count = number_of("FAKE_DEVICES");
    fake.first_device = number_of("FAKE_FIRST_DEVICE");
    fake.total_bytes = (uint64_t)number_of("FAKE_BYTES");
    for (int d = 0; d < FAKE_DEVICES_MAX; d++) {
        fake.flops[d] = 1e9;
        fake.kind_of[d] = getenv("FAKE_KINDS") != NULL ? d : 0;
    }
    gcr_failures_forward(failures);
    return &fake_backend;
}

extern const gcr_module_entry gcr_module;
__attribute__((visibility("default")))
const gcr_module_entry gcr_module = { .seam = GCR_SEAM, .open = open_module };
