/* cli/crash.c -- see crash.h. Globals, because a signal handler has no arguments. */
#include "cli/crash.h"

#include "cli/cell_key.h"
#include "cli/command.h"
#include "cli/screen.h"

#include "base/check.h"
#include "base/text.h"
#include "kernels/own/own_kernel.h"

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 1024, STACK_BYTES = 1 << 14 };

static const int watched_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };

static char watched_kernel[PATH_MAX]; /* as seen from here */
static _Atomic(const gcr_run *) watched_run;
static _Atomic(const gcr_datasets *) watched_datasets;
static _Atomic(const char *) watched_cell;
static _Atomic(gcr_run_folder *) watched_folder;

static sem_t crashed;
static atomic_int crash_signal;  /* of the first */
static atomic_long crash_thread; /* of the first */
static pthread_t watcher;

static void on_crash(int number)
{
    int none = 0;

    if (pthread_equal(pthread_self(), watcher)) { /* there is nothing left to say it with */
        signal(number, SIG_DFL);
        return;
    }
    if (atomic_compare_exchange_strong(&crash_signal, &none, number)) {
        atomic_store(&crash_thread, gettid());
        sem_post(&crashed);
    }
    for (;;)
        pause();
}

/* ---- the sentence ---------------------------------------------------------------------------- */

/* What the thread that crashed was at. */
static int find_flight(gcr_in_flight *out, const gcr_run *run)
{
    const int count = run != NULL ? gcr_run_worker_count(run) : 0;

    for (int worker = 0; worker < count; worker++)
        if (gcr_run_in_flight(out, run, worker) && out->thread == atomic_load(&crash_thread))
            return 1;
    return 0;
}

static void say_what_crashed(void)
{
    const gcr_run *const run = atomic_load(&watched_run);
    const char *const cell = atomic_load(&watched_cell);
    char where[2 * TEXT_BYTES] = "";
    gcr_in_flight flight;

    if (find_flight(&flight, run))
        gcr_key_flight_text(where, sizeof where, &flight, run, atomic_load(&watched_datasets));
    else if (cell != NULL)
        snprintf(where, sizeof where, " at %s", cell);
    if (gcr_screen_columns(stderr) > 0)
        fputc('\n', stderr); /* below the progress line */
    fputs("gridcrunch: the kernel ", stderr);
    gcr_screen_put(stderr, watched_kernel, -1);
    fputs(" crashed", stderr);
    gcr_screen_put(stderr, where, -1);
    fprintf(stderr, " (%s); to find out why: gridcrunch kernel check ",
            strsignal(atomic_load(&crash_signal)));
    gcr_screen_put(stderr, watched_kernel, -1);
    fputc('\n', stderr);
}

static void *wait_for_a_crash(void *arg)
{
    gcr_run_folder *folder;

    (void)arg;
    while (sem_wait(&crashed) != 0)
        ;
    say_what_crashed();
    folder = atomic_load(&watched_folder);
    if (folder != NULL)
        (void)!gcr_run_folder_restore(folder, GCR_EIO);
    _exit(GCR_EXIT_OTHER);
}

/* ---- watching -------------------------------------------------------------------------------- */

/* Threads of the pool have such a stack from there. */
static void give_this_thread_a_stack(void)
{
    static char stack[STACK_BYTES];
    const stack_t ours = { .ss_sp = stack, .ss_size = sizeof stack };
    stack_t there;

    if (sigaltstack(NULL, &there) == 0 && (there.ss_flags & SS_DISABLE) != 0)
        sigaltstack(&ours, NULL);
}

/* The watcher hears no signals: they are for those who know what to do with them. */
static int start_watcher(void)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&watcher, NULL, wait_for_a_crash, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

gcr_status gcr_crash_watch(const gcr_job *job)
{
    struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
    gcr_status status = GCR_OK;

    if (!gcr_own_is_path(job->kernel))
        goto out;
    GCR_TRY(gcr_own_locate(watched_kernel, sizeof watched_kernel, job));
    sem_init(&crashed, 0, 0);
    if (start_watcher() != 0)
        GCR_FAIL(GCR_ENOMEM, "the system refuses to start a thread");
    give_this_thread_a_stack();
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof watched_signals / sizeof watched_signals[0]; i++)
        sigaction(watched_signals[i], &action, NULL);
out:
    return status;
}

void gcr_crash_watch_run(const gcr_run *run, const gcr_datasets *datasets)
{
    atomic_store(&watched_datasets, datasets);
    atomic_store(&watched_run, run);
}

void gcr_crash_watch_cell(const char *cell)
{
    atomic_store(&watched_cell, cell);
}

void gcr_crash_watch_folder(gcr_run_folder *folder)
{
    atomic_store(&watched_folder, folder);
}
