/* base/memory_free.c -- how much memory there still is, as Linux says it. */
#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number after `key` at the start of a line of a file; `missing` where there is none ("max" is none). */
static uint64_t read_number(const char *path, const char *key, uint64_t missing)
{
    FILE *file = fopen(path, "re");
    const size_t bytes = strlen(key);
    uint64_t found = missing;
    char line[256];

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, bytes) == 0) {
            char *end;
            const unsigned long long value = strtoull(line + bytes, &end, 10);

            found = end != line + bytes ? value : missing;
            break;
        }
    if (file != NULL)
        fclose(file);
    return found;
}

/* What the group in `folder` may still take; what it keeps of files is given back when it is needed. */
static uint64_t free_in_group(const char *folder)
{
    char path[PATH_MAX + 32];
    uint64_t limit, used, files;

    snprintf(path, sizeof path, "%s/memory.max", folder);
    limit = read_number(path, "", UINT64_MAX);
    if (limit == UINT64_MAX)
        return limit;
    snprintf(path, sizeof path, "%s/memory.current", folder);
    used = read_number(path, "", 0);
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    files = read_number(path, "inactive_file ", 0) + read_number(path, "active_file ", 0);
    used = used > files ? used - files : 0;
    return limit > used ? limit - used : 0;
}

/* The least of what this process's control group and those above it allow (version 2 of them). */
static uint64_t free_in_groups(void)
{
    static const char root[] = "/sys/fs/cgroup";
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX], folder[PATH_MAX + sizeof root] = "";
    uint64_t least = UINT64_MAX;

    while (file != NULL && folder[0] == '\0' && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "0::", 3) == 0)
            snprintf(folder, sizeof folder, "%s%.*s", root, (int)strcspn(line + 3, "\n"), line + 3);
    if (file != NULL)
        fclose(file);
    while (strlen(folder) >= sizeof root - 1) {
        const uint64_t here = free_in_group(folder);

        least = here < least ? here : least;
        *strrchr(folder, '/') = '\0';
    }
    return least;
}

uint64_t gcr_memory_free_bytes(void)
{
    const uint64_t unit = 1024;
    const uint64_t memory = read_number("/proc/meminfo", "MemAvailable:", UINT64_MAX / unit);
    const uint64_t swap = read_number("/proc/meminfo", "SwapFree:", 0);
    const uint64_t in_groups = free_in_groups();
    uint64_t out;

    if (!gcr_add(&out, memory, swap) || !gcr_multiply(&out, out, unit))
        out = UINT64_MAX;
    return out < in_groups ? out : in_groups;
}
