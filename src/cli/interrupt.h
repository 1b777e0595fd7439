/*
 * cli/interrupt.h -- Ctrl-C once: the run stops soon and what it has is saved; twice: it stops now.
 *
 * SIGTERM counts as Ctrl-C, because that is what batch systems send. The first signal
 * cancels the run that is watched. The second ends the process from within the handler, which may
 * call nothing but unlink, rename, write and _exit.
 *
 * SIGUSR1 is the warning before the end: what a batch system sends on request some time before its
 * limit, and what mpirun passes on to its ranks. It is like Ctrl-C once, and never like Ctrl-C
 * twice.
 */
#ifndef GCR_CLI_INTERRUPT_H
#define GCR_CLI_INTERRUPT_H

#include "cli/run_folder.h"

#include "gridcrunch/run.h"

/* From now on signals are counted. */
void gcr_interrupt_begin(void);

/* The run that the first signal cancels, also one that has come already. NULL: none. */
void gcr_interrupt_watch(gcr_run *run);

/* True after the first signal, of whichever kind. */
int gcr_interrupt_is_wanted(void);

/* What the second signal cleans up: files that are being written in the folder, and an earlier run
 * that was moved aside for this one comes back. NULL: nothing. */
void gcr_interrupt_guard(const gcr_run_folder *folder);

/* All is done but leaving, of which SIGTERM is no interruption: mpirun sends it to ranks that leave
 * later than another whose exit code is not 0. */
void gcr_interrupt_end(void);

#endif /* GCR_CLI_INTERRUPT_H */
