/*
 * cli/cmd_hosts.c -- gridcrunch hosts: a list of machines in the words of a launcher.
 *
 * A hostfile knows names and numbers. What else a login needs is for ssh to know, so that is said
 * on stderr, in the words of its own file.
 */
#include "cli/command.h"
#include "cli/screen.h"

#include "base/check.h"
#include "base/text.h"
#include "data/host_file.h"

#include <argp.h>
#include <string.h>

typedef enum launcher { LAUNCHER_OPENMPI, LAUNCHER_SRUN } launcher;

typedef struct hosts_args {
    const char *path;
    launcher to;
} hosts_args;

enum { KEY_TO = 0x200 };

static const struct argp_option options[] = {
    { "to", KEY_TO, "LAUNCHER", 0, "openmpi (default): mpirun --hostfile; srun: SLURM_HOSTFILE",
      0 },
    { 0 },
};

static void read_launcher(launcher *out, const char *word, struct argp_state *state)
{
    static const char *const launchers[] = { "openmpi", "srun" };
    char hint[128];

    *out = LAUNCHER_OPENMPI;
    if (strcmp(word, launchers[0]) == 0)
        return;
    *out = LAUNCHER_SRUN;
    if (strcmp(word, launchers[1]) == 0)
        return;
    gcr_suggest(hint, sizeof hint, word, launchers, 2);
    argp_error(state, "there is no launcher '%s'%s", word, hint);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    hosts_args *args = state->input;

    switch (key) {
    case KEY_TO: read_launcher(&args->to, arg, state); break;
    case ARGP_KEY_ARG:
        if (args->path != NULL)
            argp_error(state, "one list at a time: '%s' is the second", arg);
        args->path = arg;
        break;
    case ARGP_KEY_END:
        if (args->path == NULL)
            argp_error(state, "which list of machines? ('-' is the standard input)");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp hosts_argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Turns a list of machines into a hostfile, each machine once.\v"
           "A line is [count*][user@]host[:port] [bind_address[:port]]; the count may be auto, a "
           "machine that is named again takes more ranks, and # begins a comment.",
};

/* mpirun asks a machine without slots for its cores. */
static void print_openmpi(const gcr_host_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const gcr_host *host = list->hosts[i];

        if (host->ranks == GCR_HOST_RANKS_AUTO)
            puts(host->name);
        else
            printf("%s slots=%d\n", host->name, host->ranks);
    }
}

/* A line for each rank. */
static gcr_status print_srun(const gcr_host_list *list, const char *path)
{
    gcr_status status = GCR_OK;

    for (size_t i = 0; i < list->count; i++)
        if (list->hosts[i]->ranks == GCR_HOST_RANKS_AUTO)
            GCR_FAIL(GCR_EINVAL,
                     "%s:%d:1: srun wants a number of ranks for '%s', and there is no way to find "
                     "out what 'auto' is there",
                     strcmp(path, "-") == 0 ? "standard input" : path, list->hosts[i]->line,
                     list->hosts[i]->name);
    for (size_t i = 0; i < list->count; i++)
        for (int rank = 0; rank < list->hosts[i]->ranks; rank++)
            puts(list->hosts[i]->name);
out:
    return status;
}

static void note_what_does_not_fit(const gcr_host *host)
{
    const char *user = host->user, *port = host->port;

    if (user != NULL || port != NULL)
        gcr_screen_note(stderr, host->name,
                        "a hostfile has neither user nor port; for ~/.ssh/config: "
                        "Host %s%s%s%s%s",
                        host->name, user != NULL ? ", User " : "", user != NULL ? user : "",
                        port != NULL ? ", Port " : "", port != NULL ? port : "");
    if (host->bind_address != NULL)
        gcr_screen_note(stderr, host->name,
                        "a hostfile has no address to bind to (%s); mpirun "
                        "takes networks: --mca btl_tcp_if_include, --mca oob_tcp_if_include",
                        host->bind_address);
}

gcr_status gcr_command_hosts(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    hosts_args args = { 0 };
    gcr_host_list list = { 0 };

    (void)exit_out;
    argp_parse(&hosts_argp, argc, argv, 0, NULL, &args);
    GCR_TRY(gcr_host_list_read(&list, args.path));
    if (args.to == LAUNCHER_SRUN)
        GCR_TRY(print_srun(&list, args.path));
    else
        print_openmpi(&list);
    for (size_t i = 0; i < list.count; i++)
        note_what_does_not_fit(list.hosts[i]);
out:
    gcr_host_list_clear(&list);
    return status;
}
