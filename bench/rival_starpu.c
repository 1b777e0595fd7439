/*
 * bench/rival_starpu.c -- the rival StarPU: tasks without data, eager scheduler. Its argument is
 * how many workers it has.
 *
 * The task's body is our own spin kernel, compiled in here, so that both systems are charged with
 * the same work. Protocol: bench/rival.h. Workers are paused between questions: they poll.
 */
#include "kernels/spin.c"

#include "base/clock.h"

#include <starpu.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct work {
    gcr_ctx ctx;
    double ns;
} work;

static void spin(void *buffers[], void *arg)
{
    const work *const w = arg;
    double outputs[1];

    (void)buffers;
    (void)cell(&w->ctx, outputs);
}

static struct starpu_codelet codelet = {
    .cpu_funcs = { spin },
    .nbuffers = 0,
    .name = "spin",
};

/* Returns 0, or the error of the first task that was refused. */
static int submit_all(work *w, unsigned long count)
{
    int error = 0;

    for (unsigned long i = 0; i < count && error == 0; i++) {
        struct starpu_task *task = starpu_task_create();

        task->cl = &codelet;
        task->cl_arg = w;
        error = starpu_task_submit(task);
    }
    return error;
}

static int answer(double ns, unsigned long count)
{
    work w = { .ctx = { .ns_per_tick = gcr_clock_ns_per_tick(), .parameter_count = 1 }, .ns = ns };
    double begin;
    int error;

    w.ctx.param = &w.ns;
    starpu_resume();
    begin = gcr_clock_seconds();
    error = submit_all(&w, count);
    starpu_task_wait_for_all();
    printf("%.9f\n", gcr_clock_seconds() - begin);
    starpu_pause();
    return error;
}

int main(int argc, char **argv)
{
    struct starpu_conf conf;
    unsigned long count;
    double ns;
    int error = 0;

    starpu_conf_init(&conf);
    conf.ncpus = argc > 1 ? atoi(argv[1]) : 1;
    conf.ncuda = 0;
    conf.nopencl = 0;
    conf.sched_policy_name = "eager";
    if (starpu_init(&conf) != 0)
        return 1;
    starpu_pause();
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready StarPU %d.%d.%d\n", STARPU_MAJOR_VERSION, STARPU_MINOR_VERSION,
           STARPU_RELEASE_VERSION);
    while (error == 0 && scanf("%lf %lu", &ns, &count) == 2)
        error = answer(ns, count);
    starpu_resume();
    starpu_shutdown();
    return error != 0;
}
