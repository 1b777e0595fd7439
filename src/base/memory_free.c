/* base/memory_free.c -- how much memory there still is, as Linux says it. */
#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number after `key` at the start of a line of a file; `missing` where there is none ("max" is
 * none). */
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

/* The two versions of control groups: where a group's folder stands, and what its files are
 * called. */
typedef struct layout {
    const char *mark; /* in /proc/self/cgroup, between a number and the path of the group */
    const char *folder, *limit, *used, *inactive, *active;
} layout;

static const layout layouts[] = {
    { "::", "", "memory.max", "memory.current", "inactive_file ", "active_file " },
    { ":memory:", "/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
      "total_inactive_file ", "total_active_file " },
};

static uint64_t read_in(const char *folder, const char *name, const char *key, uint64_t missing)
{
    char path[2 * PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_number(path, key, missing);
}

/* What the group in `folder` may still take; what it keeps of files is given back when it is
 * needed. */
static uint64_t free_in_group(const char *folder, const layout *of)
{
    const uint64_t limit = read_in(folder, of->limit, "", UINT64_MAX);
    const uint64_t files = read_in(folder, "memory.stat", of->inactive, 0) +
                           read_in(folder, "memory.stat", of->active, 0);
    uint64_t used = read_in(folder, of->used, "", 0);

    used = used > files ? used - files : 0;
    if (limit == UINT64_MAX)
        return limit;
    return limit > used ? limit - used : 0;
}

/* The least of what the group at `path` and those above it allow. */
static uint64_t free_in_path(const char *root, const char *path, const layout *of)
{
    const size_t top = strlen(root) + strlen(of->folder);
    char folder[2 * PATH_MAX];
    uint64_t least = UINT64_MAX;

    snprintf(folder, sizeof folder, "%s%s%s", root, of->folder, path);
    while (strlen(folder) >= top && least > 0) {
        const uint64_t here = free_in_group(folder, of);

        least = here < least ? here : least;
        *strrchr(folder, '/') = '\0';
    }
    return least;
}

uint64_t gcr_memory_free_in_groups(const char *list, const char *root)
{
    FILE *file = fopen(list, "re");
    uint64_t least = UINT64_MAX;
    char line[PATH_MAX];

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
            const char *const mark = strchr(line, ':');
            const size_t bytes = strlen(layouts[i].mark);

            line[strcspn(line, "\n")] = '\0';
            if (mark != NULL && strncmp(mark, layouts[i].mark, bytes) == 0) {
                const uint64_t here = free_in_path(root, mark + bytes, &layouts[i]);

                least = here < least ? here : least;
            }
        }
    if (file != NULL)
        fclose(file);
    return least;
}

uint64_t gcr_memory_free_bytes(void)
{
    const uint64_t unit = 1024;
    const uint64_t memory = read_number("/proc/meminfo", "MemAvailable:", UINT64_MAX / unit);
    const uint64_t swap = read_number("/proc/meminfo", "SwapFree:", 0);
    const uint64_t in_groups = gcr_memory_free_in_groups("/proc/self/cgroup", "/sys/fs/cgroup");
    uint64_t out;

    if (!gcr_add(&out, memory, swap) || !gcr_multiply(&out, out, unit))
        out = UINT64_MAX;
    return out < in_groups ? out : in_groups;
}
