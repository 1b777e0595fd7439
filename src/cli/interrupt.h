/*
 * cli/interrupt.h -- Ctrl-C once: the run stops soon and what it has is saved; twice: it stops now.
 *
 * SIGTERM counts as Ctrl-C, because that is what batch systems send. The first signal only sets a
 * flag that the run looks at. The second ends the process from within the handler, which may call
 * nothing but unlink, write and _exit.
 */
#ifndef GCR_CLI_INTERRUPT_H
#define GCR_CLI_INTERRUPT_H

#include <stdatomic.h>

/* From now on signals are counted. */
void gcr_interrupt_begin(void);

/* Not 0 after the first signal. */
const atomic_int *gcr_interrupt_flag(void);

/* Files that the second signal removes: those that are being written in `folder`. */
void gcr_interrupt_guard(const char *folder);

#endif /* GCR_CLI_INTERRUPT_H */
