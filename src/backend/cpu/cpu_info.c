/*
 * backend/cpu/cpu_info.c -- the processor and the BLAS, by name.
 *
 * OpenBLAS is asked through dlsym because another BLAS may stand behind the same library name;
 * then its kind is "unknown", which is still the same on every start of that machine.
 */
#include "backend/cpu/cpu.h"

#include "base/memory.h"
#include "base/pool.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The value of the first "model name" line, or a plain word. */
static void read_model_name(char *out, size_t bytes)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256];

    snprintf(out, bytes, "processor");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            snprintf(out, bytes, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (file != NULL)
        fclose(file);
}

static const char *blas_core_name(void)
{
    char *(*corename)(void) = NULL;
    void (*set_num_threads)(int) = NULL;

    /* POSIX guarantees what C does not: an object pointer of dlsym holds a function's address */
    *(void **)&set_num_threads = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
    *(void **)&corename = dlsym(RTLD_DEFAULT, "openblas_get_corename");
    if (set_num_threads != NULL)
        set_num_threads(1);
    return corename != NULL ? corename() : "unknown";
}

void gcr_cpu_describe(gcr_device_info *info)
{
    read_model_name(info->name, sizeof info->name);
    snprintf(info->kind, sizeof info->kind, "cpu, plain engine, f64, BLAS core %s",
             blas_core_name());
    info->total_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    info->alignment = GCR_ALIGNMENT;
    info->units = gcr_cpu_count();
    info->batches_in_flight = 1;
    info->shares_memory = 1;
}
