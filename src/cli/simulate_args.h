/*
 * cli/simulate_args.h -- the flags of `gridcrunch plan --simulate', and what it found out.
 */
#ifndef GCR_CLI_SIMULATE_ARGS_H
#define GCR_CLI_SIMULATE_ARGS_H

#include "exec/simulate_run.h"

#include <argp.h>
#include <jansson.h>

typedef struct gcr_simulate_args {
    int is_wanted;
    int has_flags; /* that mean something only where it is */
    int has_gpus, has_ranks;
    gcr_simulate_options options;
} gcr_simulate_args;

/* The flags, as a child of a command's parser; its input is a gcr_simulate_args. */
extern const struct argp gcr_simulate_argp;

/* Prints a note for each part of what was simulated. */
void gcr_simulation_print(const gcr_simulation *simulation, const gcr_simulate_options *options);

json_t *gcr_simulation_json(const gcr_simulation *simulation, const gcr_simulate_options *options);

#endif /* GCR_CLI_SIMULATE_ARGS_H */
