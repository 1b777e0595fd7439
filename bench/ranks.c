/* bench/ranks.c -- see ranks.h. */
#include "ranks.h"

#include "bench.h"

#include "base/check.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 128 };

/* Comes back only if there is no mpirun. */
static gcr_status start(int count, const char *const *options, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    static const char *const command[] = { "mpirun", "--oversubscribe", "--bind-to", "none",
                                           "-np" };
    const char *words[WORDS_MAX + 1];
    char self[BENCH_PATH_MAX], ranks[16];
    int n = 0;

    GCR_TRY(bench_beside(self, program_invocation_short_name));
    snprintf(ranks, sizeof ranks, "%d", count);
    for (size_t i = 0; i < sizeof command / sizeof *command; i++)
        words[n++] = command[i];
    words[n++] = ranks;
    if (geteuid() == 0)
        words[n++] = "--allow-run-as-root";
    for (int i = 0; options[i] != NULL && n < WORDS_MAX; i++)
        words[n++] = options[i];
    words[n++] = self;
    for (int i = 1; i < argc && n < WORDS_MAX; i++)
        words[n++] = argv[i];
    words[n] = NULL;
    execvp(words[0], (char **)(uintptr_t)words);
    GCR_FAIL(GCR_ENOENT, "mpirun cannot be started: %s; install Open MPI", strerror(errno));
out:
    return status;
}

/* Ranks of one host name are on one machine, as far as they can tell. */
static void move_away(void)
{
    if (unshare(CLONE_NEWUTS) == 0)
        (void)!sethostname("another", 7);
}

gcr_status bench_ranks_become(int count, int has_away, const char *const *options, int argc,
                              char **argv)
{
    gcr_status status = GCR_OK;
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");

    if (rank == NULL)
        GCR_TRY(start(count, options, argc, argv));
    if (has_away && atoi(rank) == count - 1)
        move_away();
    if (strcmp(rank, "0") != 0 &&
        (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL))
        GCR_FAIL(GCR_EIO, "a rank cannot be silenced: %s", strerror(errno));
out:
    return status;
}
