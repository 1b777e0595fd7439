/* bench/process.c -- children, and places in the file system, for the bench programs. */
#include "bench.h"

#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static gcr_status start_silently(pid_t *out, const char *const *argv)
{
    gcr_status status = GCR_OK;
    posix_spawn_file_actions_t actions;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    error = posix_spawn(out, argv[0], &actions, NULL, (char *const *)argv, environ);
    if (error != 0)
        GCR_FAIL(GCR_EIO, "cannot start %s: %s", argv[0], strerror(error));
out:
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

gcr_status bench_spawn(bench_child *out, const char *const *argv)
{
    gcr_status status = GCR_OK;
    const double begin = gcr_clock_seconds();
    struct rusage usage;
    int ending;
    pid_t child;

    GCR_TRY(start_silently(&child, argv));
    if (wait4(child, &ending, 0, &usage) < 0)
        GCR_FAIL(GCR_EIO, "cannot wait for %s: %s", argv[0], strerror(errno));
    if (!WIFEXITED(ending) || WEXITSTATUS(ending) != 0)
        GCR_FAIL(GCR_EIO, "%s %s failed: run it by hand to see why", argv[0], argv[1]);
    *out = (bench_child){ .seconds = gcr_clock_seconds() - begin,
                          .peak_bytes = (double)usage.ru_maxrss * 1024 };
out:
    return status;
}

double bench_own_bytes(const char *field)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kilobytes = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            sscanf(line + strlen(field), ": %lf", &kilobytes);
    if (file != NULL)
        fclose(file);
    return kilobytes * 1024;
}

gcr_status bench_beside(char out[BENCH_PATH_MAX], const char *relative)
{
    gcr_status status = GCR_OK;
    char self[BENCH_PATH_MAX / 2];
    const ssize_t bytes = readlink("/proc/self/exe", self, sizeof self - 1);

    if (bytes < 0)
        GCR_FAIL(GCR_EIO, "cannot find this program's own folder: %s", strerror(errno));
    self[bytes] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(out, BENCH_PATH_MAX, "%s/%s", self, relative);
out:
    return status;
}

gcr_status bench_program(char out[BENCH_PATH_MAX])
{
    gcr_status status = GCR_OK;

    GCR_TRY(bench_beside(out, "../../bin/gridcrunch"));
    if (access(out, X_OK) != 0)
        GCR_TRY(bench_beside(out, "../gridcrunch"));
out:
    return status;
}

gcr_status bench_example(char out[BENCH_PATH_MAX], const char *name)
{
    gcr_status status = GCR_OK;
    char relative[256];

    snprintf(relative, sizeof relative, "../../share/doc/gridcrunch/examples/%s", name);
    GCR_TRY(bench_beside(out, relative));
    if (access(out, R_OK) != 0)
        snprintf(out, BENCH_PATH_MAX, "%s/%s", GCR_EXAMPLES, name);
out:
    return status;
}

gcr_status bench_write_text(const char *path, const char *text)
{
    gcr_status status = GCR_OK;
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(text, file) < 0 || fflush(file) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
out:
    if (file != NULL)
        fclose(file);
    return status;
}

gcr_status bench_folder_open(char out[BENCH_PATH_MAX])
{
    gcr_status status = GCR_OK;

    snprintf(out, BENCH_PATH_MAX, "gridcrunch-bench-XXXXXX");
    if (mkdtemp(out) == NULL) {
        out[0] = '\0';
        GCR_FAIL(GCR_EIO, "cannot make a folder for results here: %s", strerror(errno));
    }
out:
    return status;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

void bench_folder_close(const char *folder)
{
    if (folder[0] != '\0')
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
