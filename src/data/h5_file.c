/*
 * data/h5_file.c -- starts gridcrunch-read-hdf5 and listens to it.
 *
 * Not fork(): a program with several threads may load data, and libhdf5 may be in use by another.
 * Of what is said nothing is believed: shapes are bounded before memory is asked for, numbers are
 * counted, and what does not come is a sentence.
 */
#include "data/h5_file.h"

#include "data/h5_answer.h"

#include "base/check.h"
#include "base/install.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct h5_stream {
    pid_t reader; /* 0: has not been started, or has been waited for */
    FILE *from;
    uint64_t left; /* of the part of the numbers that is being read */
} h5_stream;

/* ---- the other process ----------------------------------------------------------------------- */

/* It finds the pipe as its descriptor, and nothing else of ours is open in it. */
static int prepare_files(posix_spawn_file_actions_t *files, int pipe_end)
{
    int error = posix_spawn_file_actions_adddup2(files, pipe_end, GCR_H5_DESCRIPTOR);

    for (int i = 0; i < 3 && error == 0; i++)
        error = posix_spawn_file_actions_addopen(files, i, "/dev/null", O_RDWR, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(files, GCR_H5_DESCRIPTOR + 1);
    return error;
}

static gcr_status start(pid_t *out, int pipe_end, char *const *arguments)
{
    gcr_status status = GCR_OK;
    posix_spawn_file_actions_t files;
    char *reader = NULL;
    int error;

    *out = 0;
    GCR_TRY(gcr_install_find(&reader, "gridcrunch-read-hdf5"));
    error = posix_spawn_file_actions_init(&files);
    if (error != 0)
        GCR_FAIL(GCR_ENOMEM, "no memory to start the reader of HDF5 files");
    error = prepare_files(&files, pipe_end);
    if (error == 0)
        error = posix_spawn(out, reader, &files, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0)
        *out = 0;
    if (error != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot start %s, which reads HDF5 files: %s", reader,
                 strerror(error));
out:
    free(reader);
    return status;
}

static char **make_arguments(const char *path, const char *const *names, int count)
{
    char **arguments = calloc((size_t)count + 3, sizeof *arguments);

    if (arguments == NULL)
        return NULL;
    arguments[0] = (char *)"gridcrunch-read-hdf5";
    arguments[1] = (char *)path;
    for (int i = 0; i < count; i++)
        arguments[2 + i] = (char *)names[i];
    return arguments;
}

static gcr_status start_reader(gcr_array_file *file, const char *const *names, int count)
{
    gcr_status status = GCR_OK;
    h5_stream *stream = file->stream;
    char **arguments = make_arguments(file->path, names, count);
    int ends[2] = { -1, -1 };

    if (arguments == NULL || pipe2(ends, O_CLOEXEC) != 0)
        GCR_FAIL(GCR_ENOMEM, "no memory to start the reader of HDF5 files");
    stream->from = fdopen(ends[0], "rb");
    if (stream->from == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to start the reader of HDF5 files");
    GCR_TRY(start(&stream->reader, ends[1], arguments));
out:
    if (stream->from == NULL && ends[0] >= 0)
        close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
    free(arguments);
    return status;
}

/* Returns how it ended, for waitpid's macros. */
static int wait_for_reader(h5_stream *stream)
{
    int ended = 0;

    while (stream->reader != 0 && waitpid(stream->reader, &ended, 0) < 0 && errno == EINTR)
        ;
    stream->reader = 0;
    return ended;
}

static void close_stream(gcr_array_file *file)
{
    h5_stream *stream = file->stream;

    if (stream == NULL)
        return;
    if (stream->from != NULL)
        fclose(stream->from);
    if (stream->reader != 0)
        kill(stream->reader, SIGKILL); /* what it still has to say is of no interest */
    wait_for_reader(stream);
    free(stream);
}

/* ---- what it says ---------------------------------------------------------------------------- */

static gcr_status complain_of_silence(const gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    const int ended = wait_for_reader(file->stream);

    if (WIFSIGNALED(ended) && (WTERMSIG(ended) == SIGXCPU || WTERMSIG(ended) == SIGKILL))
        GCR_FAIL(GCR_EFORMAT,
                 "%s took more time or memory to read than its size allows; it is damaged, or made "
                 "to harm",
                 file->path);
    GCR_FAIL(GCR_EFORMAT,
             "libhdf5 crashed while reading %s (%s); the file is damaged, or made to harm",
             file->path, WIFSIGNALED(ended) ? strsignal(WTERMSIG(ended)) : "it gave no answer");
out:
    return status;
}

static gcr_status complain_of_nonsense(const gcr_array_file *file)
{
    gcr_status status = GCR_OK;

    GCR_FAIL(GCR_EFORMAT, "the reader of %s crashed: what it says makes no sense", file->path);
out:
    return status;
}

static gcr_status hear_bytes(const gcr_array_file *file, void *to, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    FILE *from = ((h5_stream *)file->stream)->from;
    uint64_t done = 0;

    while (done < bytes) {
        clearerr(from); /* a signal is no reason to stop listening */
        done += fread((char *)to + done, 1, bytes - done, from);
        if (feof(from) || (ferror(from) && errno != EINTR))
            break;
    }
    if (done < bytes)
        GCR_TRY(complain_of_silence(file));
out:
    return status;
}

/* The sentence of the reader, with our status. */
static gcr_status pass_on(const gcr_array_file *file, const gcr_h5_message *message)
{
    gcr_status status = GCR_OK;
    char sentence[GCR_H5_SENTENCE_BYTES] = "";

    if (message->bytes >= sizeof sentence)
        GCR_TRY(complain_of_nonsense(file));
    GCR_TRY(hear_bytes(file, sentence, message->bytes));
    gcr_make_one_line(sentence);
    GCR_FAIL(message->rows == GCR_ENOMEM ? GCR_ENOMEM : GCR_EFORMAT, "%s", sentence);
out:
    return status;
}

static gcr_status hear_message(gcr_h5_message *out, const gcr_array_file *file)
{
    gcr_status status = GCR_OK;

    GCR_TRY(hear_bytes(file, out, sizeof *out));
    if (out->magic != GCR_H5_MAGIC)
        GCR_TRY(complain_of_nonsense(file));
    if (out->word == GCR_H5_FAILURE)
        GCR_TRY(pass_on(file, out));
out:
    return status;
}

/* ---- the list -------------------------------------------------------------------------------- */

static gcr_status grow_list(gcr_array_file *file, uint64_t *capacity)
{
    gcr_status status = GCR_OK;
    gcr_array *grown;

    if (file->count < *capacity)
        goto out;
    *capacity = *capacity == 0 ? 64 : 2 * *capacity;
    grown = realloc(file->arrays, *capacity * sizeof *grown);
    if (grown == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of %s", file->path);
    file->arrays = grown;
out:
    return status;
}

static gcr_status hear_name(char **out, const gcr_array_file *file, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    char name[GCR_H5_NAME_MAX + 1];

    if (bytes == 0 || bytes > GCR_H5_NAME_MAX)
        GCR_TRY(complain_of_nonsense(file));
    GCR_TRY(hear_bytes(file, name, bytes));
    if (!gcr_utf8_is_valid(name, bytes))
        GCR_FAIL(GCR_EFORMAT, "%s has an array whose name is not UTF-8; name arrays in UTF-8",
                 file->path);
    if (memchr(name, '\0', bytes) != NULL)
        GCR_TRY(complain_of_nonsense(file));
    GCR_TRY(gcr_text_copy(out, name, bytes));
    gcr_make_one_line(*out);
out:
    return status;
}

static gcr_status hear_array(gcr_array_file *file, const gcr_h5_message *message,
                             uint64_t *capacity)
{
    gcr_status status = GCR_OK;
    uint64_t bytes;

    if (file->count == GCR_H5_ARRAYS_MAX || message->rows > INT64_MAX ||
        message->columns > INT64_MAX || !gcr_multiply(&bytes, message->rows, message->columns) ||
        !gcr_multiply(&bytes, bytes, sizeof(double)))
        GCR_TRY(complain_of_nonsense(file));
    GCR_TRY(grow_list(file, capacity));
    file->arrays[file->count] = (gcr_array){ .type = GCR_NUMBER_F8,
                                             .rows = (int64_t)message->rows,
                                             .columns = (int64_t)message->columns };
    GCR_TRY(hear_name(&file->arrays[file->count].name, file, message->bytes));
    file->count++;
out:
    return status;
}

/* Up to the first numbers, or to the end of a file without any. */
static gcr_status hear_list(gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    h5_stream *stream = file->stream;
    gcr_h5_message message;
    uint64_t capacity = 0;

    for (;;) {
        GCR_TRY(hear_message(&message, file));
        if (message.word != GCR_H5_ARRAY)
            break;
        GCR_TRY(hear_array(file, &message, &capacity));
    }
    if (message.word == GCR_H5_NUMBERS)
        stream->left = message.bytes;
    else if (message.word != GCR_H5_END)
        GCR_TRY(complain_of_nonsense(file));
out:
    return status;
}

/* ---- the numbers ----------------------------------------------------------------------------- */

static gcr_status begin_array(gcr_array_file *file, uint64_t array)
{
    (void)file;
    (void)array; /* they come one after the other */
    return GCR_OK;
}

static gcr_status read_numbers(gcr_array_file *file, void *to, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    h5_stream *stream = file->stream;
    gcr_h5_message message;

    for (uint64_t done = 0, part; done < bytes; done += part, stream->left -= part) {
        if (stream->left == 0) {
            GCR_TRY(hear_message(&message, file));
            if (message.word != GCR_H5_NUMBERS || message.bytes == 0)
                GCR_TRY(complain_of_nonsense(file));
            stream->left = message.bytes;
        }
        part = bytes - done < stream->left ? bytes - done : stream->left;
        GCR_TRY(hear_bytes(file, (char *)to + done, part));
    }
out:
    return status;
}

static const gcr_array_format format = {
    .begin = begin_array,
    .read = read_numbers,
    .close = close_stream,
};

/* ---- the file -------------------------------------------------------------------------------- */

static gcr_status check_file(const gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    struct stat stat_of;

    if (access(file->path, R_OK) != 0 || stat(file->path, &stat_of) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot open %s: %s", file->path, strerror(errno));
    if (!S_ISREG(stat_of.st_mode))
        GCR_FAIL(GCR_EUNREADABLE, "%s is not a file", file->path);
out:
    return status;
}

gcr_status gcr_h5_open(gcr_array_file *file, const char *const *names, int count)
{
    gcr_status status = GCR_OK;

    file->stream = calloc(1, sizeof(h5_stream));
    file->format = &format;
    if (file->stream == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of %s", file->path);
    GCR_TRY(check_file(file));
    GCR_TRY(start_reader(file, names, count));
    GCR_TRY(hear_list(file));
out:
    return status;
}
