/*
 * cli/interrupt.c -- see interrupt.h. Globals, because a signal handler has no arguments; it runs
 * on the main thread, the only one that hears signals, and so between two steps of what it
 * interrupts.
 */
#include "cli/interrupt.h"

#include "cli/command.h"
#include "cli/screen.h"

#include "results/aside.h"
#include "results/layout.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_int signals, stops;
static _Atomic(gcr_run *) watched;
static _Atomic(const gcr_run_folder *) guarded;
static char half_written[2][PATH_MAX]; /* in the guarded folder; "": nothing */
static const char *line_begin = "";

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* nobody is left to be told */
}

static void cancel_watched(void)
{
    gcr_run *const run = atomic_load(&watched);

    if (run != NULL)
        gcr_run_cancel(run);
}

/* As if the run had never begun. */
static void clean_up(void)
{
    const gcr_run_folder *const folder = atomic_load(&guarded);

    if (folder == NULL)
        return;
    for (int i = 0; i < 2; i++)
        unlink(half_written[i]);
    if (!gcr_run_folder_put_back(folder)) {
        say("gridcrunch: the earlier run is now ");
        say(folder->old_path);
        say("\n");
    }
}

static void stop(const char *sentence)
{
    if (atomic_fetch_add(&stops, 1) > 0)
        return;
    cancel_watched();
    if (gcr_command_is_mute)
        return;
    say(line_begin);
    say(sentence);
}

static void on_signal(int number)
{
    (void)number;
    if (atomic_fetch_add(&signals, 1) == 0) {
        stop("gridcrunch: stopping; what is done is saved (again: stop at once)\n");
        return;
    }
    clean_up();
    _exit(GCR_EXIT_INTERRUPTED);
}

/* However often it comes; and the SIGTERM that a batch system sends when the time is over is the
 * first one still, so that what is being saved is not given up for it. */
static void on_warning(int number)
{
    (void)number;
    stop("gridcrunch: warned by a signal, stopping; what is done is saved\n");
}

void gcr_interrupt_begin(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    struct sigaction warning = { .sa_handler = on_warning, .sa_flags = SA_RESTART };

    if (gcr_screen_columns(stderr) > 0)
        line_begin = "\n"; /* below the progress line and the ^C that the terminal shows */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigemptyset(&warning.sa_mask);
    sigaction(SIGUSR1, &warning, NULL);
}

void gcr_interrupt_watch(gcr_run *run)
{
    atomic_store(&watched, run);
    if (gcr_interrupt_is_wanted())
        cancel_watched();
}

int gcr_interrupt_is_wanted(void)
{
    return atomic_load(&stops) != 0;
}

/* A name that is too long for the system cannot have been made either. */
static void name_half(char out[PATH_MAX], const char *folder, const char *name)
{
    if (snprintf(out, PATH_MAX, GCR_ASIDE_FORMAT, folder, name, (long)getpid()) >= PATH_MAX)
        out[0] = '\0';
}

void gcr_interrupt_guard(const gcr_run_folder *folder)
{
    if (folder != NULL) {
        name_half(half_written[0], folder->path, GCR_RESULTS_H5);
        name_half(half_written[1], folder->path, GCR_RESULTS_CSV);
    }
    atomic_store(&guarded, folder);
}

void gcr_interrupt_end(void)
{
    signal(SIGTERM, SIG_IGN);
}
