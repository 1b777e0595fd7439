/*
 * cli/command.h -- the commands of the program gridcrunch.
 *
 * The room cli/ knows people: argv, terminals, signals, exit codes. It computes nothing; whatever a
 * command says, the rooms below found out. Results go to stdout, everything else to stderr. One
 * file per command (cmd_run.c, cmd_plan.c ...); what several need has a file of its own.
 */
#ifndef GCR_CLI_COMMAND_H
#define GCR_CLI_COMMAND_H

#include "gridcrunch/status.h"

/* What the program says to its parent. 77 is not used: among tests it means "skipped". */
enum {
    GCR_EXIT_OK = 0,
    GCR_EXIT_OTHER = 1,       /* a disk, the memory, a device: the machine was the obstacle */
    GCR_EXIT_USAGE = 2,       /* a wrong flag, job or input                                 */
    GCR_EXIT_FAILED = 3,      /* done, but some cells failed                                */
    GCR_EXIT_INTERRUPTED = 4, /* stopped by a signal or a time limit; what was done is saved */
};

/* Does what argv asks; argv[0] is "gridcrunch NAME". With GCR_OK the program exits with *exit_out,
 * which starts as GCR_EXIT_OK; otherwise main prints the sentence. A wrong flag exits at once. */
typedef gcr_status gcr_command_fn(int *exit_out, int argc, char **argv);

gcr_command_fn gcr_command_run;
gcr_command_fn gcr_command_plan;
gcr_command_fn gcr_command_show;
gcr_command_fn gcr_command_best;
gcr_command_fn gcr_command_failed;
gcr_command_fn gcr_command_export;
gcr_command_fn gcr_command_kernels;
gcr_command_fn gcr_command_kernel;
gcr_command_fn gcr_command_devices;
gcr_command_fn gcr_command_hosts;
gcr_command_fn gcr_command_try;
gcr_command_fn gcr_command_bench;

/* Set by a command that has lost a device: what runs at exit could wait for it for ever, so the
 * program leaves without. */
extern int gcr_command_leaves_at_once;

/* Set by a command on a rank that does not lead: its sentence is the leader's, who prints it. */
extern int gcr_command_is_mute;

#endif /* GCR_CLI_COMMAND_H */
