/*
 * bench/device.h -- the device that a bench is about: the one that is named, or the best there is.
 */
#ifndef GCR_BENCH_DEVICE_H
#define GCR_BENCH_DEVICE_H

#include "backend/backend.h"

typedef struct bench_device {
    gcr_device *device;
    gcr_queue *queue;
    char label[32]; /* "cuda:0" */
    int index;
} bench_device;

/* `words` as a job has them, "cpu" or "cuda:1"; NULL: the first device with memory of its own, or
 * the CPU where there is none. Says on stderr which it is. GCR_EINVAL, GCR_EUNSUPPORTED. */
GCR_MUST_CHECK gcr_status bench_device_open(bench_device *out, const char *words);
void bench_device_close(bench_device *device);

/* A number of bytes, "4096", "64K", "1G". GCR_EINVAL: it is none, or 0. */
GCR_MUST_CHECK gcr_status bench_read_bytes(uint64_t *out, const char *flag, const char *text);

/* What the bench counted crosses as many bytes as the ledger of the queue has. GCR_EDEVICE. */
GCR_MUST_CHECK gcr_status bench_check_ledger(const bench_device *device, uint64_t up_bytes,
                                             uint64_t down_bytes);

#endif /* GCR_BENCH_DEVICE_H */
