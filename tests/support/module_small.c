/*
 * tests/support/module_small.c -- a module of a backend that fails in a way that can be recognised.
 *
 * Built twice: with the seam of this build, and with another one.
 */
#include "backend/backend.h"

#include "base/module.h"

static gcr_status count_devices(int *out, char *why, size_t why_bytes)
{
    (void)why;
    (void)why_bytes;
    *out = 1;
    return GCR_OK;
}

static gcr_status open_device(gcr_device **out, int index)
{
    gcr_status status = GCR_OK;

    *out = NULL;
    if (index == 0)
        GCR_FAIL(GCR_EDEVICE, "device %d is made of paper", index);
out:
    gcr_fail_details("line one\nline two\n");
    return status;
}

static const gcr_backend small_backend = {
    .name = "small",
    .device_count = count_devices,
    .device_open = open_device,
};

static const void *open_module(const gcr_failures *failures)
{
    gcr_failures_forward(failures);
    return &small_backend;
}

extern const gcr_module_entry gcr_module;
__attribute__((visibility("default")))
const gcr_module_entry gcr_module = { .seam = GCR_SEAM, .open = open_module };
