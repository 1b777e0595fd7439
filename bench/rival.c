/* bench/rival.c -- asks another process to do the same work. */
#include "rival.h"

#include "bench.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct pipes {
    int down[2], up[2]; /* read end, write end; all close when another program starts */
} pipes;

/* Returns 0 or the error. The rival's own chatter is thrown away. */
static int start(pid_t *out, const pipes *p, const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, p->down[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, p->up[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    error = posix_spawn(out, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static gcr_status connect_rival(bench_rival *out, const char *const *argv)
{
    gcr_status status = GCR_OK;
    pipes p = { { -1, -1 }, { -1, -1 } };
    int error;

    if (pipe2(p.down, O_CLOEXEC) != 0 || pipe2(p.up, O_CLOEXEC) != 0)
        GCR_FAIL(GCR_EIO, "no pipe to %s: %s", argv[0], strerror(errno));
    error = start(&out->process, &p, argv);
    if (error != 0)
        out->process = 0;
    out->to = fdopen(p.down[1], "w");
    out->from = fdopen(p.up[0], "r");
    if (out->to == NULL || out->from == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the pipes to %s", argv[0]);
out:
    close(p.down[0]);
    close(p.up[1]);
    return status;
}

gcr_status bench_rival_open(bench_rival *out, const char *const *argv)
{
    gcr_status status = GCR_OK;
    char line[80];

    *out = (bench_rival){ 0 };
    signal(SIGPIPE, SIG_IGN); /* a rival that ends is a failed write, not our end */
    GCR_TRY(connect_rival(out, argv));
    if (fgets(line, sizeof line, out->from) == NULL ||
        sscanf(line, "ready %63[^\n]", out->version) != 1)
        bench_rival_close(out);
out:
    return status;
}

gcr_status bench_rival_open_starpu(bench_rival *out, const char *home, int workers)
{
    gcr_status status = GCR_OK;
    char program[BENCH_PATH_MAX], count[16];

    *out = (bench_rival){ 0 };
    GCR_TRY(bench_beside(program, "rival-starpu"));
    setenv("STARPU_HOME", home, 1); /* by default in the user's home */
    snprintf(count, sizeof count, "%d", workers);
    GCR_TRY(bench_rival_open(out, (const char *[]){ program, count, NULL }));
out:
    return status;
}

gcr_status bench_rival_open_joblib(bench_rival *out, const char *batch)
{
    gcr_status status = GCR_OK;
    const char *python = "/usr/bin/python3"; /* the one that a package's modules belong to */
    char script[BENCH_PATH_MAX];

    *out = (bench_rival){ 0 };
    GCR_TRY(bench_beside(script, "rival_joblib.py"));
    GCR_TRY(bench_rival_open(out, (const char *[]){ python, script, batch, NULL }));
out:
    return status;
}

void bench_rival_close(bench_rival *rival)
{
    if (rival->to != NULL)
        fclose(rival->to);
    if (rival->from != NULL)
        fclose(rival->from);
    if (rival->process != 0)
        waitpid(rival->process, NULL, 0);
    *rival = (bench_rival){ 0 };
}

gcr_status bench_rival_time(bench_rival *rival, double ns, uint64_t count, double *seconds_out)
{
    gcr_status status = GCR_OK;

    fprintf(rival->to, "%.17g %" PRIu64 "\n", ns, count);
    if (fflush(rival->to) != 0 || fscanf(rival->from, "%lf", seconds_out) != 1)
        GCR_FAIL(GCR_EIO, "the rival %s has ended", rival->version);
out:
    return status;
}
