/*
 * cli/run_args.h -- the argument RUN and the flags that best, show, failed and export share.
 */
#ifndef GCR_CLI_RUN_ARGS_H
#define GCR_CLI_RUN_ARGS_H

#include <argp.h>
#include <stdint.h>

typedef enum gcr_format {
    GCR_FORMAT_TEXT,
    GCR_FORMAT_CSV,
    GCR_FORMAT_JSON,
} gcr_format;

/* Reads a whole number >= 0, or ends the program with a sentence that names the flag. */
uint64_t gcr_run_args_number(const char *flag, const char *text, struct argp_state *state);

/* Takes the first argument as RUN; a second, or none, ends the program with a sentence. Returns
 * what an argp parser does: ARGP_ERR_UNKNOWN where `key` is none of these. */
error_t gcr_run_args_path(const char **path, int key, char *arg, struct argp_state *state);

#endif /* GCR_CLI_RUN_ARGS_H */
