/* bench/ranks.c -- see ranks.h. */
#include "ranks.h"

#include "base/check.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RANKS = 3, WORDS_MAX = 128 };

/* In the environment of ranks that this program has started itself, all on its own machine. */
static const char one_machine[] = "GCR_BENCH_ONE_MACHINE";

/* Comes back only if there is no mpirun. */
static gcr_status start(const char *name, const char *const *options, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    static const char *const command[] = { "mpirun", "--oversubscribe", "--bind-to", "none",
                                           "-np" };
    const char *words[WORDS_MAX + 1];
    char file[64], self[BENCH_PATH_MAX], ranks[16];
    int n = 0;

    snprintf(file, sizeof file, "gridcrunch-bench-%s", name); /* argv[0] is whatever started it */
    GCR_TRY(bench_beside(self, file));
    snprintf(ranks, sizeof ranks, "%d", RANKS);
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
    setenv(one_machine, "", 1);
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

/* Returns in each of the ranks. GCR_ENOENT: there is no mpirun of Open MPI. GCR_EIO. */
static gcr_status become_ranks(const char *name, const char *const *options, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");

    if (rank == NULL)
        GCR_TRY(start(name, options, argc, argv));
    if (getenv(one_machine) != NULL && atoi(rank) == RANKS - 1)
        move_away();
    if (strcmp(rank, "0") != 0 &&
        (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL))
        GCR_FAIL(GCR_EIO, "a rank cannot be silenced: %s", strerror(errno));
out:
    return status;
}

/* The first rank beside 0 that is on rank 0's node, or that is not; -1: there is none. */
static int find_other(const gcr_comm_info *info, int on_node)
{
    for (int r = 1; r < info->size; r++)
        if ((info->ranks[r].node == info->ranks[0].node) == on_node)
            return r;
    return -1;
}

static gcr_status measure_pair(bench *b, gcr_comm *all, bench_pair_fn *measure, int on_node)
{
    gcr_status status = GCR_OK;
    const char *where = on_node ? "one_node" : "two_nodes";
    const int other = find_other(gcr_comm_info_of(all), on_node);

    if (other >= 0)
        GCR_TRY(gcr_comm_agree(all, measure(b, all, other, where)));
    else
        bench_absent(b, where,
                     on_node ? "start a rank more on the first node"
                             : "run it as root, who may give a process a host name");
out:
    return status;
}

int bench_ranks_main(const char *name, bench_pair_fn *measure, const char *const *options, int argc,
                     char **argv)
{
    gcr_status status = GCR_OK;
    gcr_comm *all = NULL;
    bench b;
    int code;

    if (become_ranks(name, options, argc, argv) != GCR_OK) {
        fprintf(stderr, "gridcrunch-bench-%s: %s\n", name, gcr_last_error());
        return 1;
    }
    status = bench_begin(&b, name, argc, argv);
    if (status != GCR_OK)
        return bench_end(&b, status);
    GCR_TRY(gcr_comm_open(&all));
    GCR_TRY(measure_pair(&b, all, measure, 1));
    GCR_TRY(measure_pair(&b, all, measure, 0));
out:
    code = bench_end(&b, status);
    gcr_comm_close(all);
    return code;
}
