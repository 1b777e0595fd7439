/*
 * gridcrunch -- every point of a parameter grid, for every dataset, each with a key.
 *
 * main finds the command, runs it and turns its status into an exit code and one line on stderr. A
 * sentence that begins with a place (job.yaml:7:3: ...) is printed as it is, so that editors find
 * the place; others get the name of the program in front.
 */
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/run_ranks.h"
#include "cli/screen.h"
#include "cli/version.h"

#include "base/check.h"
#include "base/text.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct command_entry {
    const char *name;
    const char *help;
    gcr_command_fn *run;
    int is_of_ranks; /* done together by all that were started so; it lets them speak itself */
} command_entry;

static const command_entry commands[] = {
    { "run", "compute the cells of a job and save them", gcr_command_run, 1 },
    { "plan", "say what a run would do and need", gcr_command_plan, 0 },
    { "try", "compute one cell of a job, print and time it", gcr_command_try, 0 },
    { "best", "the best points of each dataset of a run", gcr_command_best, 0 },
    { "show", "what a run holds: an overview, or cells", gcr_command_show, 0 },
    { "failed", "the cells of a run that failed, and why", gcr_command_failed, 0 },
    { "export", "all cells of a run as CSV or JSON lines", gcr_command_export, 0 },
    { "kernels", "what can be computed in a cell", gcr_command_kernels, 0 },
    { "kernel", "check a kernel in a file of yours", gcr_command_kernel, 0 },
    { "devices", "what there is to compute on", gcr_command_devices, 1 },
    { "hosts", "a list of machines for mpirun or srun", gcr_command_hosts, 0 },
    { "bench", "run a benchmark", gcr_command_bench, 0 },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

/* What argp found. */
typedef struct request {
    char *word; /* the name of a command, perhaps */
    int argc;   /* from there on                  */
    char **argv;
} request;

/* ---- arguments ------------------------------------------------------------------------------- */

static error_t parse(int key, char *arg, struct argp_state *state)
{
    request *wanted = state->input;

    if (key == ARGP_KEY_NO_ARGS)
        argp_usage(state);
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    wanted->word = arg;
    wanted->argc = state->argc - state->next + 1;
    wanted->argv = &state->argv[state->next - 1];
    state->next = state->argc; /* the rest is the command's */
    return 0;
}

/* Lets argp print the list of commands from the table. */
static char *list_commands(int key, const char *text, void *input)
{
    char *list = NULL;
    size_t bytes = 0;
    FILE *stream;

    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    stream = open_memstream(&list, &bytes);
    if (stream == NULL)
        return NULL;
    fputs("Commands:\n", stream);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-9s%s\n", commands[i].name, commands[i].help);
    fputs("\n`gridcrunch COMMAND --help' says more.", stream);
    fclose(stream);
    return list;
}

static const struct argp program_argp = {
    .parser = parse,
    .args_doc = "COMMAND [ARG...]",
    .doc = "Computes every point of a parameter grid for every dataset.\v ",
    .help_filter = list_commands,
};

static gcr_status find_command(const command_entry **out, const char *word)
{
    gcr_status status = GCR_OK;
    const char *names[COMMANDS];
    char suggestion[256];

    for (int i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        *out = &commands[i];
        if (strcmp(word, names[i]) == 0)
            goto out;
    }
    gcr_suggest(suggestion, sizeof suggestion, word, names, COMMANDS);
    GCR_FAIL(GCR_EINVAL, "there is no command '%s'%s", word, suggestion);
out:
    return status;
}

static gcr_status run_command(int *exit_out, const request *wanted)
{
    gcr_status status = GCR_OK;
    char name[64];
    const command_entry *command;

    GCR_TRY(find_command(&command, wanted->word));
    if (!command->is_of_ranks)
        gcr_ranks_speak();
    snprintf(name, sizeof name, "gridcrunch %s", command->name);
    wanted->argv[0] = name; /* what argp calls the program from here on */
    GCR_TRY(command->run(exit_out, wanted->argc, wanted->argv));
out:
    return status;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* How many bytes of `text` are a colon and a number. */
static size_t number_bytes(const char *text)
{
    const size_t digits = *text == ':' ? strspn(text + 1, "0123456789") : 0;

    return digits > 0 ? digits + 1 : 0;
}

static int is_file(const char *path, size_t bytes)
{
    char name[PATH_MAX];

    return bytes < sizeof name && snprintf(name, sizeof name, "%.*s", (int)bytes, path) >= 0 &&
           access(name, F_OK) == 0;
}

/* True of "job.yaml:7:3: ..."; of "data.csv:7: ..." if there is such a file, for a name of another
 * kind may be followed by a number too. */
static int begins_with_place(const char *sentence)
{
    const size_t name = strcspn(sentence, ":");
    const size_t line = number_bytes(sentence + name);
    const size_t column = number_bytes(sentence + name + line);

    if (line == 0 || sentence[name + line + column] != ':')
        return 0;
    return column > 0 || is_file(sentence, name);
}

static int report_failure(gcr_status status)
{
    const char *sentence = gcr_last_error();

    fflush(stdout);
    if (gcr_command_is_mute)
        goto out;
    if (!begins_with_place(sentence))
        fputs("gridcrunch: ", stderr);
    gcr_screen_put(stderr, sentence, -1);
    fputc('\n', stderr);
    gcr_screen_lines(stderr, gcr_last_error_details());
out:
    return gcr_status_is_users(status) ? GCR_EXIT_USAGE : GCR_EXIT_OTHER;
}

/* Text that nobody received is a failure, and the last of it is only sent now. At exit, because
 * argp leaves that way after --help. */
static void close_stdout(void)
{
    const int was_bad = ferror(stdout);

    errno = 0;
    if (fclose(stdout) == 0 && !was_bad)
        return;
    fprintf(stderr, "gridcrunch: cannot write to standard output%s%s\n", errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    _exit(GCR_EXIT_OTHER);
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* A file that is opened while 0, 1 or 2 is closed gets that number, and then what is printed lands
 * in the results. So they are all open; a closed stdout becomes one that refuses writing. */
static void open_standard_files(void)
{
    static const int flags[] = { O_RDONLY, O_RDONLY, O_WRONLY };

    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", flags[fd]) != fd)
            _exit(GCR_EXIT_OTHER);
}

/* For the width of characters only: numbers are written with a point everywhere. */
static void set_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
}

/* A run is to be stopped in an orderly way from its first moment on. */
static int begins_run(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], commands[0].name) == 0;
}

int gcr_command_leaves_at_once;
int gcr_command_is_mute;

int main(int argc, char **argv)
{
    gcr_status status;
    request wanted = { 0 };
    int exit_code = GCR_EXIT_OK;

    open_standard_files();
    if (begins_run(argc, argv))
        gcr_interrupt_begin();
    gcr_ranks_hush();
    set_locale();
    gcr_screen_begin();
    signal(SIGPIPE, SIG_IGN); /* a reader that leaves is a failed write, not a death */
    atexit(close_stdout);
    argp_err_exit_status = GCR_EXIT_USAGE;
    argp_program_version_hook = gcr_version_print;
    argp_parse(&program_argp, argc, argv, ARGP_IN_ORDER, NULL, &wanted);
    status = run_command(&exit_code, &wanted);
    if (status != GCR_OK)
        exit_code = report_failure(status);
    if (gcr_command_leaves_at_once) {
        close_stdout();
        _exit(exit_code);
    }
    return exit_code;
}
