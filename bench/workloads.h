/*
 * bench/workloads.h -- four loops that everybody knows, beside what the copies that they need cost.
 *
 *     multiply   a product of two matrices: with the data there, and with copies around it
 *     tangent    tan(x) + 3 sin(x) in one pass, beside what memory allows
 *     sum        with the same bits whatever adds, beside the time of reading
 *     walk       threads on neighbouring values, and threads that are apart
 *
 * Each is looked at: products by a vector that is multiplied both ways, sums bit by bit, the rest
 * value by value.
 */
#ifndef GCR_BENCH_WORKLOADS_H
#define GCR_BENCH_WORKLOADS_H

#include "bench.h"
#include "device.h"

/* Adds what it sent and fetched to *up_bytes and *down_bytes. */
GCR_MUST_CHECK gcr_status bench_workloads(bench *b, const bench_device *on, uint64_t *up_bytes,
                                          uint64_t *down_bytes);

#endif /* GCR_BENCH_WORKLOADS_H */
