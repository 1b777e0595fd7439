/* bench/device.c -- see device.h. */
#include "device.h"
#include "bench.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The last backend that has a device: the first is the one that every machine has. */
static gcr_status find_best(const gcr_backend **out)
{
    gcr_status status = GCR_OK;

    for (const gcr_backend *const *b = gcr_backends; *b != NULL; b++) {
        char why[512];
        int devices = 0;

        GCR_TRY((*b)->device_count(&devices, why, sizeof why));
        if (devices > 0)
            *out = *b;
        else
            bench_say("%s", why);
    }
out:
    return status;
}

/* "NAME" or "NAME:INDEX". */
static gcr_status find_named(const gcr_backend **out, int *index_out, const char *words)
{
    gcr_status status = GCR_OK;
    char name[16] = "", rest = 0;
    const int parts = sscanf(words, "%15[^:]:%d%c", name, index_out, &rest);

    *out = gcr_backend_find(name);
    if (*out == NULL || (parts == 1 && strcmp(name, words) != 0) || parts == 3)
        GCR_FAIL(GCR_EINVAL,
                 "'%s' is no device: a device is a name, or a name and a number such "
                 "as cpu:0",
                 words);
out:
    return status;
}

gcr_status bench_device_open(bench_device *out, const char *words)
{
    gcr_status status = GCR_OK;
    const gcr_backend *backend = NULL;
    char bytes[32];

    *out = (bench_device){ 0 };
    if (words == NULL)
        GCR_TRY(find_best(&backend));
    else
        GCR_TRY(find_named(&backend, &out->index, words));
    GCR_TRY(gcr_device_open(&out->device, backend, out->index));
    snprintf(out->label, sizeof out->label, "%s:%d", backend->name, out->index);
    GCR_TRY(gcr_queue_open(&out->queue, out->device));
    bench_say("%s: %s, %d units, %s", out->label, out->device->info.name, out->device->info.units,
              gcr_format_bytes(bytes, out->device->info.total_bytes));
    if (out->device->info.shares_memory)
        bench_say("its memory is the host's: copies are counted, and say nothing of a bus");
out:
    return status;
}

void bench_device_close(bench_device *device)
{
    gcr_queue_close(device->queue);
    gcr_device_close(device->device);
    *device = (bench_device){ 0 };
}

gcr_status bench_read_bytes(uint64_t *out, const char *flag, const char *text)
{
    static const char units[] = "KMGT";
    gcr_status status = GCR_OK;
    const size_t count = strlen(text);
    const char *unit = count > 1 ? strchr(units, text[count - 1]) : NULL;
    double number;

    if (!gcr_parse_number(&number, text, unit != NULL ? count - 1 : count) ||
        !(number >= 1 && number < 0x1p62))
        GCR_FAIL(GCR_EINVAL, "--%s takes a number of bytes such as 4096, 64K or 1G, not '%s'", flag,
                 text);
    *out = (uint64_t)number;
    for (const char *u = units; unit != NULL && u <= unit; u++)
        if (!gcr_multiply(out, *out, 1024))
            GCR_FAIL(GCR_EINVAL, "--%s %s is more than 64 bits can count", flag, text);
out:
    return status;
}

gcr_status bench_check_ledger(const bench_device *device, uint64_t up_bytes, uint64_t down_bytes)
{
    gcr_status status = GCR_OK;
    const gcr_ledger *ledger = &device->queue->ledger;

    if (ledger->up_bytes != up_bytes || ledger->down_bytes != down_bytes)
        GCR_FAIL(GCR_EDEVICE,
                 "the ledger has %" PRIu64 " bytes up and %" PRIu64 " down, and %" PRIu64
                 " and %" PRIu64 " were asked for",
                 ledger->up_bytes, ledger->down_bytes, up_bytes, down_bytes);
out:
    return status;
}
