/*
 * kernels/own/compiler.h -- the C compiler of this machine, and what it says.
 *
 * It is `cc`, or what GRIDCRUNCH_CC names: one word, a name in PATH or a path. It is started
 * without a shell, in the C locale, because its messages are read here too.
 */
#ifndef GCR_OWN_COMPILER_H
#define GCR_OWN_COMPILER_H

#include "gridcrunch/status.h"

typedef struct gcr_compiler {
    const char *command; /* belongs to the environment */
    char *version;       /* all that `cc --version` says */
} gcr_compiler;

/* GCR_EUNSUPPORTED: there is none; the sentence says what to install. */
GCR_MUST_CHECK gcr_status gcr_compiler_find(gcr_compiler *out);
void gcr_compiler_clear(gcr_compiler *compiler);

/* Runs any program, argv[0] in PATH, to its end. *exit_out is as waitpid() has it, *text_out what
 * it wrote to stdout and stderr, cut at 64 KiB; the caller frees it. GCR_EUNSUPPORTED: it cannot be
 * started. GCR_EIO: nobody can tell how it ended, since this process ignores SIGCHLD. */
GCR_MUST_CHECK gcr_status gcr_process_run(char **text_out, int *exit_out, const char *const *argv);

/* Compiles: `arguments` ends with NULL. Where it fails the sentence is the first error in the file
 * that the messages call `source` ("fit.c:12:5: ..."), and all of them are its details
 * (GCR_EINVAL). In them `work`, the folder of our own text, is left out.
 * `text_out` may be NULL; else the caller frees what it says where it succeeds. */
GCR_MUST_CHECK gcr_status gcr_compiler_run(char **text_out, const gcr_compiler *compiler,
                                           const char *const *arguments, const char *source,
                                           const char *work);

#endif /* GCR_OWN_COMPILER_H */
