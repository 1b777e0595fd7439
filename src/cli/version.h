/* cli/version.h -- what --version says. */
#ifndef GCR_CLI_VERSION_H
#define GCR_CLI_VERSION_H

#include <argp.h>
#include <stdio.h>

/* For argp_program_version_hook: our version, then those of the libraries that were loaded. */
void gcr_version_print(FILE *stream, struct argp_state *state);

#endif /* GCR_CLI_VERSION_H */
