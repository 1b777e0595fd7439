/* base/cpus.c -- see cpus.h. */
#include "base/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { WORDS = GCR_CPUS_MAX / 64 };

/* glibc clears what the kernel has no CPUs for. */
void gcr_cpus_own(gcr_cpus *out)
{
    cpu_set_t sets[sizeof *out / sizeof(cpu_set_t)];
    const size_t bytes = sizeof sets;

    *out = (gcr_cpus){ 0 };
    if (sched_getaffinity(0, bytes, sets) != 0)
        return;
    for (int cpu = 0; cpu < GCR_CPUS_MAX; cpu++)
        if (CPU_ISSET_S((size_t)cpu, bytes, sets))
            gcr_cpus_add(out, cpu);
}

int gcr_cpu_count(void)
{
    gcr_cpus own;
    int count;

    gcr_cpus_own(&own);
    count = gcr_cpus_count(&own);
    return count > 0 ? count : 1;
}

static int has(const gcr_cpus *cpus, int cpu)
{
    return cpu < GCR_CPUS_MAX && (cpus->bits[cpu / 64] >> cpu % 64 & 1) != 0;
}

void gcr_cpus_add(gcr_cpus *cpus, int cpu)
{
    if (cpu >= 0 && cpu < GCR_CPUS_MAX)
        cpus->bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

void gcr_cpus_join(gcr_cpus *cpus, const gcr_cpus *more)
{
    for (int w = 0; w < WORDS; w++)
        cpus->bits[w] |= more->bits[w];
}

int gcr_cpus_count(const gcr_cpus *cpus)
{
    return gcr_cpus_common(cpus, cpus);
}

int gcr_cpus_common(const gcr_cpus *a, const gcr_cpus *b)
{
    int count = 0;

    for (int w = 0; w < WORDS; w++)
        count += __builtin_popcountll(a->bits[w] & b->bits[w]);
    return count;
}

int gcr_cpus_are_equal(const gcr_cpus *a, const gcr_cpus *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* The last of those that follow each other from `first` on. */
static int end_of_range(const gcr_cpus *cpus, int first)
{
    while (has(cpus, first + 1))
        first++;
    return first;
}

const char *gcr_cpus_format(char out[GCR_CPUS_TEXT_BYTES], const gcr_cpus *cpus)
{
    size_t at = 0;

    out[0] = '\0';
    for (int cpu = 0; cpu < GCR_CPUS_MAX; cpu++) {
        const int last = has(cpus, cpu) ? end_of_range(cpus, cpu) : cpu;
        char range[32] = "";

        if (!has(cpus, cpu))
            continue;
        if (last == cpu)
            snprintf(range, sizeof range, "%s%d", at > 0 ? "," : "", cpu);
        else
            snprintf(range, sizeof range, "%s%d-%d", at > 0 ? "," : "", cpu, last);
        if (at + strlen(range) + sizeof ",..." > GCR_CPUS_TEXT_BYTES) {
            strcpy(out + at, ",...");
            break;
        }
        strcpy(out + at, range);
        at += strlen(range);
        cpu = last;
    }
    return out;
}
