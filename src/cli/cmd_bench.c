/*
 * cli/cmd_bench.c -- gridcrunch bench: finds a benchmark and becomes it.
 *
 * Benchmarks are programs of their own (gridcrunch-bench-NAME), because what they compare with is
 * linked into them and not into this one. They lie beside this program, in bench/ beside it (a
 * build folder) or in ../libexec/gridcrunch (installed).
 */
#include "cli/command.h"

#include "base/check.h"
#include "base/text.h"

#include <argp.h>
#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "gridcrunch-bench-";

/* In the order in which they are looked through. */
static const char *const places[] = { ".", "bench", "../libexec/gridcrunch" };

enum { PLACES = sizeof places / sizeof *places, NAMES_MAX = 64 };

typedef struct bench_args {
    char **argv; /* NULL-terminated, from the name on; NULL: list what there is */
} bench_args;

static error_t parse(int key, char *arg, struct argp_state *state)
{
    bench_args *args = state->input;

    (void)arg;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    args->argv = &state->argv[state->next - 1];
    state->next = state->argc; /* the rest is the benchmark's */
    return 0;
}

static const struct argp bench_argp = {
    .parser = parse,
    .args_doc = "[NAME [--quick] [ARG...]]",
    .doc = "Runs the benchmark NAME, or lists them.\v"
           "CSV on stdout, its last lines are `ratio NAME CASE VALUE'; prose on stderr; the same "
           "as JSON with --json FILE. "
           "With --quick in seconds, with less precision.",
};

static gcr_status own_folder(char out[PATH_MAX])
{
    gcr_status status = GCR_OK;
    const ssize_t bytes = readlink("/proc/self/exe", out, PATH_MAX - 1);

    if (bytes < 0)
        GCR_FAIL(GCR_EIO, "cannot find out where this program lies: %s", strerror(errno));
    out[bytes] = '\0';
    dirname(out);
out:
    return status;
}

/* Paths of all benchmarks. The caller calls globfree(), also after a failure. */
static gcr_status find_all(glob_t *out)
{
    gcr_status status = GCR_OK;
    char folder[PATH_MAX];
    char *pattern = NULL;

    *out = (glob_t){ 0 };
    GCR_TRY(own_folder(folder));
    for (int i = 0; i < PLACES; i++) {
        GCR_TRY(gcr_text_format(&pattern, "%s/%s/%s*", folder, places[i], prefix));
        if (glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, out) == GLOB_NOSPACE)
            GCR_FAIL(GCR_ENOMEM, "no memory for the list of benchmarks");
        free(pattern);
        pattern = NULL;
    }
out:
    free(pattern);
    return status;
}

static const char *name_of(const char *path)
{
    return strrchr(path, '/') + sizeof prefix;
}

static void print_list(const glob_t *found)
{
    for (size_t i = 0; i < found->gl_pathc; i++)
        puts(name_of(found->gl_pathv[i]));
    if (found->gl_pathc == 0)
        fputs("this build has no benchmarks: cmake -DGCR_BENCH=ON makes them\n", stderr);
}

static gcr_status refuse(const char *name, const glob_t *found)
{
    gcr_status status = GCR_OK;
    const char *names[NAMES_MAX];
    char suggestion[256];
    int count = 0;

    for (size_t i = 0; i < found->gl_pathc && count < NAMES_MAX; i++)
        names[count++] = name_of(found->gl_pathv[i]);
    gcr_suggest(suggestion, sizeof suggestion, name, names, count);
    GCR_FAIL(GCR_ENOENT, "there is no benchmark '%s'%s", name, suggestion);
out:
    return status;
}

/* Comes back only if the program cannot be started; its exit code is ours. */
static gcr_status become(const char *path, char **argv)
{
    gcr_status status = GCR_OK;

    signal(SIGPIPE, SIG_DFL); /* what is ignored stays so in a program that is started */
    execv(path, argv);
    GCR_FAIL(GCR_EIO, "cannot start %s: %s", path, strerror(errno));
out:
    return status;
}

gcr_status gcr_command_bench(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    bench_args args = { 0 };
    glob_t found = { 0 };

    (void)exit_out;
    argp_parse(&bench_argp, argc, argv, ARGP_IN_ORDER, NULL, &args);
    GCR_TRY(find_all(&found));
    if (args.argv == NULL) {
        print_list(&found);
        goto out;
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (strcmp(name_of(found.gl_pathv[i]), args.argv[0]) == 0)
            GCR_TRY(become(found.gl_pathv[i], args.argv));
    GCR_TRY(refuse(args.argv[0], &found));
out:
    globfree(&found);
    return status;
}
