/* kernels/own/compiler.c -- see compiler.h. */
#include "kernels/own/compiler.h"

#include "base/check.h"
#include "base/env.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { TEXT_BYTES_MAX = 1 << 16, ARGUMENTS_MAX = 64 };

/* ---- a program, and what it says ------------------------------------------------------------- */

/* Of what decides the words of a compiler, and of what makes it read or write more files than its
 * arguments say: from a folder named there text would come in that no hash has seen, and an empty
 * name, as in "CPATH=:/opt/include", is the folder that somebody happens to be in. */
static int is_left_out(const char *variable)
{
    static const char *const names[] = {
        "LC_ALL=",
        "LANGUAGE=",
        "CPATH=",
        "LIBRARY_PATH=",
        "DEPENDENCIES_OUTPUT=",
        "C_INCLUDE_PATH=",
        "SUNPRO_DEPENDENCIES=",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return 1;
    return 0;
}

/* The rest of this environment with the C locale. The array is the caller's, the texts are the
 * environment's. */
static char **plain_environment(void)
{
    static char locale[] = "LC_ALL=C";
    size_t count = 0, kept = 0;
    char **out;

    while (environ[count] != NULL)
        count++;
    out = calloc(count + 2, sizeof *out);
    for (size_t i = 0; out != NULL && i < count; i++)
        if (!is_left_out(environ[i]))
            out[kept++] = environ[i];
    if (out != NULL)
        out[kept] = locale;
    return out;
}

/* Fails where this process ignores SIGCHLD: then nobody is told how a child has ended. */
static gcr_status wait_for(int *exit_out, pid_t process, const char *name)
{
    gcr_status status = GCR_OK;
    pid_t ended;

    do
        ended = waitpid(process, exit_out, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0)
        GCR_FAIL(GCR_EIO,
                 "cannot learn how %s ended (%s); a program that compiles kernels must not "
                 "ignore SIGCHLD",
                 name, strerror(errno));
out:
    return status;
}

/* Its words go to `output`, and it hears signals even where we ignore them, or this thread does. */
static int spawn(pid_t *out, const char *const *argv, int output)
{
    char **environment = plain_environment();
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults, none;
    int error = 0;

    if (environment == NULL)
        return ENOMEM;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    for (int fd = 1; fd <= 2 && error == 0; fd++)
        error = posix_spawn_file_actions_adddup2(&files, output, fd);
    if (error == 0) /* last: where this process has no stdin, `output` is 0 */
        error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawnp(out, argv[0], &files, &attributes, (char *const *)(uintptr_t)argv,
                             environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    free(environment);
    return error;
}

static gcr_status read_text(char **out, int fd)
{
    gcr_status status = GCR_OK;
    char *text = malloc(TEXT_BYTES_MAX + 1);
    ssize_t bytes;

    if (text == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for what a compiler says");
    bytes = pread(fd, text, TEXT_BYTES_MAX, 0);
    text[bytes > 0 ? bytes : 0] = '\0';
    *out = text;
out:
    return status;
}

gcr_status gcr_process_run(char **text_out, int *exit_out, const char *const *argv)
{
    gcr_status status = GCR_OK;
    const int output = memfd_create("gridcrunch-says", MFD_CLOEXEC);
    pid_t process;
    int error;

    *text_out = NULL;
    if (output < 0)
        GCR_FAIL(GCR_ENOMEM, "no memory for what %s says: %s", argv[0], strerror(errno));
    error = spawn(&process, argv, output);
    if (error != 0)
        GCR_FAIL(GCR_EUNSUPPORTED, "cannot start %s: %s", argv[0], strerror(error));
    GCR_TRY(wait_for(exit_out, process, argv[0]));
    GCR_TRY(read_text(text_out, output));
out:
    if (output >= 0)
        close(output);
    return status;
}

/* ---- the compiler ---------------------------------------------------------------------------- */

gcr_status gcr_compiler_find(gcr_compiler *out)
{
    gcr_status status = GCR_OK;
    const char *named = gcr_env_get(GCR_ENV_CC);
    const char *argv[] = { named != NULL ? named : "cc", "--version", NULL };
    int ended;

    *out = (gcr_compiler){ .command = argv[0] };
    status = gcr_process_run(&out->version, &ended, argv);
    if (status == GCR_EUNSUPPORTED || (status == GCR_OK && ended != 0)) {
        gcr_compiler_clear(out);
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "a kernel in a file needs a C compiler, and '%s' cannot be started; install one "
                 "(on Debian: apt install gcc libc6-dev), or name one with GRIDCRUNCH_CC; the "
                 "built-in kernels need none",
                 argv[0]);
    }
out:
    return status;
}

void gcr_compiler_clear(gcr_compiler *compiler)
{
    free(compiler->version);
    *compiler = (gcr_compiler){ 0 };
}

/* ---- its errors ------------------------------------------------------------------------------ */

/* How many bytes of `text` are the place "fit.c:12:5"; 0: it does not begin with one. */
static size_t place_bytes(const char *text, const char *source)
{
    size_t bytes = strlen(source);

    if (strncmp(text, source, bytes) != 0)
        return 0;
    for (int i = 0; i < 2; i++) {
        const size_t digits = text[bytes] == ':' ? strspn(text + bytes + 1, "0123456789") : 0;

        if (digits == 0)
            return 0;
        bytes += 1 + digits;
    }
    return bytes;
}

/* Behind "error: " or "fatal error: ", or NULL. */
static const char *skip_error(const char *text)
{
    static const char *const words[] = { "error: ", "fatal error: " };

    for (int i = 0; text != NULL && i < 2; i++)
        if (strncmp(text, words[i], strlen(words[i])) == 0)
            return text + strlen(words[i]);
    return NULL;
}

/* What is said on a line, without the name of a warning that counts as an error. */
static int bytes_of_message(const char *message)
{
    const size_t bytes = strcspn(message, "\n");
    const char *option = memmem(message, bytes, " [-W", 4);

    return (int)(option != NULL ? (size_t)(option - message) : bytes);
}

static const char *find_in_line(const char *line, const char *words)
{
    const char *found = memmem(line, strcspn(line, "\n"), words, strlen(words));

    return found != NULL ? found + strlen(words) : NULL;
}

/* The error that `line` begins with, if it is one of the source. */
static const char *error_of_line(const char *line, const char *source)
{
    const size_t bytes = place_bytes(line, source);

    return bytes > 0 && strncmp(line + bytes, ": ", 2) == 0 ? skip_error(line + bytes + 2) : NULL;
}

/* The first error in the source: "fit.c:12:5: expected ';'". An error in what the source has
 * called, of which a line before says "inlined from 'cell' at fit.c:12:5", is one there. */
static int find_error(char *out, size_t bytes, const char *text, const char *source)
{
    const char *place = NULL;

    for (const char *line = text; *line != '\0';
         line += strcspn(line, "\n"), line += *line == '\n') {
        const char *error = error_of_line(line, source), *at = find_in_line(line, " at ");

        if (error != NULL)
            place = line;
        else if (at != NULL && place_bytes(at, source) > 0)
            place = at;
        if (error == NULL)
            error = find_in_line(line, "declared with attribute error: ");
        if (error != NULL && place != NULL) {
            snprintf(out, bytes, "%.*s: %.*s", (int)place_bytes(place, source), place,
                     bytes_of_message(error), error);
            return 1;
        }
    }
    return 0;
}

/* The first line of `text` that has a word to say about an error, or the first of all. */
static const char *find_any_error(const char *text)
{
    const char *found = strstr(text, "error: ");

    while (found != NULL && found > text && found[-1] != '\n')
        found--;
    return found != NULL ? found : text;
}

/* Takes "WORK/" out of the text wherever it stands. */
static void leave_out(char *text, const char *work)
{
    const size_t bytes = strlen(work) + 1;

    for (char *found = text; (found = strstr(found, work)) != NULL;) {
        if (found[bytes - 1] == '/')
            memmove(found, found + bytes, strlen(found + bytes) + 1);
        else
            found++;
    }
}

static gcr_status refuse(const char *text, int ended, const char *command, const char *source)
{
    gcr_status status = GCR_OK;
    char sentence[768];
    const char *any = find_any_error(text);

    if (WIFSIGNALED(ended))
        GCR_FAIL(GCR_EIO, "%s was ended by a signal while it compiled %s: %s", command, source,
                 strsignal(WTERMSIG(ended)));
    if (!find_error(sentence, sizeof sentence, text, source))
        snprintf(sentence, sizeof sentence, "%s cannot compile %s: %.*s", command, source,
                 bytes_of_message(any), any);
    status = gcr_fail_at(__FILE__, __LINE__, GCR_EINVAL, "%s", sentence);
    gcr_fail_details(text);
out:
    return status;
}

gcr_status gcr_compiler_run(char **text_out, const gcr_compiler *compiler,
                            const char *const *arguments, const char *source, const char *work)
{
    gcr_status status = GCR_OK;
    const char *argv[ARGUMENTS_MAX] = { compiler->command };
    char *text = NULL;
    int ended;

    for (int i = 0; arguments[i] != NULL && i + 2 < ARGUMENTS_MAX; i++)
        argv[i + 1] = arguments[i];
    GCR_TRY(gcr_process_run(&text, &ended, argv));
    leave_out(text, work);
    if (ended != 0)
        GCR_TRY(refuse(text, ended, compiler->command, source));
    if (text_out != NULL) {
        *text_out = text;
        text = NULL;
    }
out:
    free(text);
    return status;
}
