/*
 * backend/cpu/cpu_info.c -- the processor and the BLAS, by name.
 *
 * Where the BLAS is not OpenBLAS its kind is "unknown", which is still the same on every start of
 * that machine.
 */
#include "backend/cpu/cpu.h"

#include "backend/cpu/code_path.h"
#include "backend/cpu/cpu_blas.h"

#include "base/cpus.h"
#include "base/memory.h"

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
    char *(*corename)(void);

    gcr_cpu_blas_find(&corename, "openblas_get_corename");
    return corename != NULL ? corename() : "unknown";
}

/* Debian builds its sequential OpenBLAS without locks: two threads that factor at once corrupt
 * each other's buffers (measured: 188 of 181,440 cells came out not SPD). */
static const char *find_lone_thread_reason(void)
{
    int (*get_parallel)(void);

    gcr_cpu_blas_find(&get_parallel, "openblas_get_parallel");
    if (get_parallel == NULL || get_parallel() != 0)
        return NULL;
    return "the sequential OpenBLAS is not safe to call from several threads; install "
           "libopenblas0-pthread, or use --threads 1";
}

/* An operation on all lanes of a vector in each cycle of 2.5 GHz, half of what a core with two
 * multiply-adds could do: the clock that a virtual machine tells says nothing. */
static double count_unit_flops(gcr_code_path path, gcr_scalar scalar)
{
    static const double lanes[GCR_PATH_COUNT] = {
        [GCR_PATH_PLAIN] = 2, [GCR_PATH_V3] = 4, [GCR_PATH_V4] = 8
    };

    return 2.5e9 * lanes[path] * (scalar == GCR_F32 ? 2 : 1);
}

gcr_status gcr_cpu_identify(gcr_device_identity *out, int index)
{
    (void)index; /* there is one */
    read_model_name(out->name, sizeof out->name);
    out->code_path = gcr_code_path_here();
    return GCR_OK;
}

void gcr_cpu_describe(gcr_device_info *info)
{
    read_model_name(info->name, sizeof info->name);
    info->total_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    info->alignment = GCR_ALIGNMENT;
    info->code_path = gcr_code_path_here();
    info->units = gcr_cpu_count();
    info->batches_in_flight = 1;
    for (int scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++)
        info->unit_flops[scalar] = count_unit_flops(info->code_path, (gcr_scalar)scalar);
    info->shares_memory = 1;
    info->lone_thread_reason = find_lone_thread_reason();
}

/* The lanes and the crossovers to LAPACK are those of engine_spd.h and engine_tridiagonal.h. */
static const char *lanes_name(gcr_code_path path)
{
    switch (path) {
    case GCR_PATH_V4: return "AVX-512";
    case GCR_PATH_V3: return "AVX2";
    default: return "plain";
    }
}

void gcr_cpu_kind(char *out, size_t bytes, const gcr_device *device, gcr_code_path path,
                  gcr_scalar scalar, gcr_algorithm algorithm, int64_t matrix_rows)
{
    const int is_direct = algorithm == GCR_DIRECT;

    (void)device;
    (void)matrix_rows;
    snprintf(out, bytes, "cpu, %s, %s%s lanes, LAPACK above n = %d, BLAS core %s",
             gcr_scalar_name(scalar), is_direct ? "" : "tridiagonal, ", lanes_name(path),
             is_direct ? GCR_SPD_SQUARES_MAX : GCR_REDUCE_LANES_MAX, blas_core_name());
}
