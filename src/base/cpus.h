/*
 * base/cpus.h -- the CPUs that a process may use: its affinity mask, not the machine's count.
 */
#ifndef GCR_BASE_CPUS_H
#define GCR_BASE_CPUS_H

#include <stddef.h>
#include <stdint.h>

enum { GCR_CPUS_MAX = 8192 /* Linux knows no more */, GCR_CPUS_TEXT_BYTES = 64 };

/* Zeroed is empty. Of a size that can be sent. */
typedef struct gcr_cpus {
    uint64_t bits[GCR_CPUS_MAX / 64];
} gcr_cpus;

/* Those of this thread. Empty: the system does not say. */
void gcr_cpus_own(gcr_cpus *out);

/* How many CPUs this process may use. >= 1. */
int gcr_cpu_count(void);

void gcr_cpus_add(gcr_cpus *cpus, int cpu); /* nothing where there can be no such CPU */
void gcr_cpus_join(gcr_cpus *cpus, const gcr_cpus *more);
int gcr_cpus_count(const gcr_cpus *cpus);
int gcr_cpus_common(const gcr_cpus *a, const gcr_cpus *b); /* how many are in both */
int gcr_cpus_are_equal(const gcr_cpus *a, const gcr_cpus *b);

/* "0-3,8"; "" where there are none. What has no room is cut off after a comma, and "..." says so.
 * Returns `out`. */
const char *gcr_cpus_format(char out[GCR_CPUS_TEXT_BYTES], const gcr_cpus *cpus);

#endif /* GCR_BASE_CPUS_H */
