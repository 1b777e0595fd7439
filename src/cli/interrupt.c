/* cli/interrupt.c -- see interrupt.h. Globals, because a signal handler has no arguments. */
#include "cli/interrupt.h"

#include "cli/command.h"
#include "cli/screen.h"

#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_int signals;
static _Atomic(gcr_run *) watched;
static char guarded[2][PATH_MAX]; /* "": nothing */
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

static void on_signal(int number)
{
    (void)number;
    if (atomic_fetch_add(&signals, 1) == 0) {
        cancel_watched();
        say(line_begin);
        say("gridcrunch: stopping; what is done is saved (again: stop at once)\n");
        return;
    }
    for (int i = 0; i < 2; i++)
        if (guarded[i][0] != '\0')
            unlink(guarded[i]);
    _exit(GCR_EXIT_INTERRUPTED);
}

void gcr_interrupt_begin(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    if (gcr_screen_columns(stderr) > 0)
        line_begin = "\n"; /* below the progress line and the ^C that the terminal shows */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void gcr_interrupt_watch(gcr_run *run)
{
    atomic_store(&watched, run);
    if (gcr_interrupt_is_wanted())
        cancel_watched();
}

int gcr_interrupt_is_wanted(void)
{
    return atomic_load(&signals) != 0;
}

/* A name that is too long for the system cannot have been made either. */
static void guard(char path[PATH_MAX], const char *folder, const char *name)
{
    if (snprintf(path, PATH_MAX, "%s/.%s.%ld.tmp", folder, name, (long)getpid()) >= PATH_MAX)
        path[0] = '\0';
}

void gcr_interrupt_guard(const char *folder)
{
    guard(guarded[0], folder, "results.h5"); /* as results/aside.h calls them */
    guard(guarded[1], folder, "summary.csv");
}
