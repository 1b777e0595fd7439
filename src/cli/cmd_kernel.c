/* cli/cmd_kernel.c -- gridcrunch kernel check: does a kernel in a file keep its promises? */
#include "cli/command.h"
#include "cli/help.h"
#include "cli/screen.h"

#include "backend/cpu/code_path.h"
#include "base/check.h"
#include "base/text.h"
#include "gridcrunch/job.h"
#include "kernels/own/own_check.h"
#include "kernels/registry.h"

#include <argp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct kernel_args {
    const char *verb, *file;
    gcr_option_spec options[GCR_OPTIONS_MAX];
    int option_count;
} kernel_args;

enum { KEY_SET = 0x200 };

static const struct argp_option options[] = {
    { "set", KEY_SET, "OPTION=VALUE", 0, "Check it with this value of an option; repeatable", 0 },
    { 0 },
};

/* "options.covariance=rbf" too, as in a job. */
static void put_option(kernel_args *args, char *text, struct argp_state *state)
{
    static const char prefix[] = "options.";
    char *const name = strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : text;
    char *const equals = strchr(name, '=');

    if (equals == NULL || args->option_count == GCR_OPTIONS_MAX) {
        argp_error(state, "--set takes OPTION=VALUE, as in --set covariance=rbf, not '%s'", text);
        return;
    }
    *equals = '\0';
    args->options[args->option_count++] = (gcr_option_spec){
        .name = name,
        .value = equals + 1,
        .mark = { .source = "--set" },
        .value_mark = { .source = "--set" },
    };
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    kernel_args *args = state->input;

    if (key == KEY_SET)
        put_option(args, arg, state);
    else if (key == ARGP_KEY_ARG && args->verb == NULL)
        args->verb = arg;
    else if (key == ARGP_KEY_ARG && args->file == NULL)
        args->file = arg;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "one kernel at a time: '%s' is the second", arg);
    else if (key == ARGP_KEY_END && (args->verb == NULL || strcmp(args->verb, "check") != 0))
        argp_error(state, "what about a kernel? `gridcrunch kernel check FILE' checks one");
    else if (key == ARGP_KEY_END && args->file == NULL)
        argp_error(state, "which kernel? `gridcrunch kernel check fit.c' checks one");
    else
        return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
    return 0;
}

/* All but those of ranks, who check no kernels. */
static char *list_variables(int key, const char *text, void *input)
{
    (void)input;
    return gcr_help_variables(key, text, 0, GCR_ENV_MPI);
}

static const struct argp kernel_argp = {
    .help_filter = list_variables,
    .options = options,
    .parser = parse,
    .args_doc = "check FILE",
    .doc = "Compiles the kernel in FILE and computes random cells with it: do they depend on "
           "batches, neighbours, order, threads or what memory held before, are they near those of "
           "the plain engine, does it read or write outside of what it has declared?\v"
           "Exit: 0 it keeps its promises, 1 it does not, 2 it does not compile.",
};

static void print_findings(const gcr_findings *findings)
{
    static const char *const words[] = {
        [GCR_FINDING_OK] = "ok: ",
        [GCR_FINDING_FAILED] = "FAILED: ",
        [GCR_FINDING_SKIPPED] = "skipped: ",
    };

    for (int i = 0; i < findings->count; i++)
        gcr_screen_note(stdout, findings->items[i].name, "%s%s", words[findings->items[i].kind],
                        findings->items[i].sentence);
    if (findings->warnings != NULL && findings->warnings[0] != '\0') {
        putchar('\n');
        gcr_screen_lines(stdout, findings->warnings);
    }
}

gcr_status gcr_command_kernel(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    kernel_args args = { 0 };
    gcr_findings findings = { 0 };
    int64_t option[GCR_OPTIONS_MAX];
    gcr_own *own = NULL;
    gcr_job job = { 0 };

    argp_parse(&kernel_argp, argc, argv, 0, NULL, &args);
    job.options = args.options;
    job.option_count = args.option_count;
    GCR_TRY(gcr_own_open(&own, args.file));
    GCR_TRY(gcr_kernel_read_options(option, gcr_own_kernel(own), &job));
    GCR_TRY(gcr_own_check(&findings, own, option, gcr_code_path_here()));
    print_findings(&findings);
    *exit_out = findings.failed_count > 0 ? GCR_EXIT_OTHER : GCR_EXIT_OK;
out:
    gcr_findings_clear(&findings);
    gcr_own_close(own);
    return status;
}
