/*
 * data/h5_file.c -- starts gridcrunch-read-hdf5 and looks at what it hands back.
 *
 * Not fork(): a program with several threads may load data, and libhdf5 may be in use by another.
 * The memory is sealed before it is looked at, so that nothing changes behind the checks.
 */
#include "data/h5_file.h"

#include "data/h5_answer.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- the other process ------------------------------------------------------------------------ */

/* Beside this program; or where it was built, for programs that only use the library. */
static void find_reader(char out[PATH_MAX])
{
    static const char name[] = "gridcrunch-read-hdf5";
    const ssize_t bytes = readlink("/proc/self/exe", out, PATH_MAX - sizeof name);
    char *slash;

    out[bytes > 0 ? bytes : 0] = '\0';
    slash = strrchr(out, '/');
    strcpy(slash != NULL ? slash + 1 : out, name);
    if (access(out, X_OK) != 0)
        snprintf(out, PATH_MAX, "%s", GCR_HDF5_READER);
}

/* It finds the memory as its descriptor, and nothing else of ours is open in it. */
static int prepare_files(posix_spawn_file_actions_t *files, int memory)
{
    int error = posix_spawn_file_actions_adddup2(files, memory, GCR_H5_DESCRIPTOR);

    for (int i = 0; i < 3 && error == 0; i++)
        error = posix_spawn_file_actions_addopen(files, i, "/dev/null", O_RDWR, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(files, GCR_H5_DESCRIPTOR + 1);
    return error;
}

static gcr_status start(pid_t *out, int memory, char *const *arguments)
{
    gcr_status status = GCR_OK;
    posix_spawn_file_actions_t files;
    char reader[PATH_MAX];
    int error = posix_spawn_file_actions_init(&files);

    if (error != 0)
        GCR_FAIL(GCR_ENOMEM, "no memory to start the reader of HDF5 files");
    find_reader(reader);
    error = prepare_files(&files, memory);
    if (error == 0)
        error = posix_spawn(out, reader, &files, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0)
        GCR_FAIL(GCR_EUNREADABLE,
                 "cannot start %s, which reads HDF5 files: %s; install it beside gridcrunch",
                 reader, strerror(error));
out:
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

/* How it ended is of interest only where it left no answer. */
static gcr_status run_reader(int *ended, int memory, const char *path, const char *const *names,
                             int count)
{
    gcr_status status = GCR_OK;
    char **arguments = make_arguments(path, names, count);
    pid_t process;

    *ended = 0;
    if (arguments == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to start the reader of HDF5 files");
    GCR_TRY(start(&process, memory, arguments));
    while (waitpid(process, ended, 0) < 0 && errno == EINTR)
        ;
out:
    free(arguments);
    return status;
}

/* ---- what it hands back ----------------------------------------------------------------------- */

static gcr_status map_answer(gcr_array_file *file, int memory)
{
    gcr_status status = GCR_OK;
    struct stat stat;
    void *map;

    if (fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0 ||
        fstat(memory, &stat) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot take over what was read from %s: %s", file->path,
                 strerror(errno));
    if (stat.st_size == 0)
        goto out;
    map = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, memory, 0);
    if (map == MAP_FAILED)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of %s", file->path);
    file->map = map;
    file->map_bytes = (size_t)stat.st_size;
out:
    return status;
}

static gcr_status check_answer(const gcr_array_file *file, int ended)
{
    gcr_status status = GCR_OK;
    const gcr_h5_answer *answer = file->map;
    char sentence[GCR_H5_SENTENCE_BYTES];

    if (file->map_bytes < sizeof *answer || answer->magic != GCR_H5_ANSWER_MAGIC) {
        if (WIFSIGNALED(ended) && (WTERMSIG(ended) == SIGXCPU || WTERMSIG(ended) == SIGKILL))
            GCR_FAIL(GCR_EFORMAT,
                     "%s took more time or memory to read than its size allows; it is damaged, or "
                     "made to harm",
                     file->path);
        GCR_FAIL(GCR_EFORMAT,
                 "libhdf5 crashed while reading %s (%s); the file is damaged, or made to harm",
                 file->path, WIFSIGNALED(ended) ? strsignal(WTERMSIG(ended)) : "it gave no answer");
    }
    if (answer->failure != 0) {
        snprintf(sentence, sizeof sentence, "%.*s", GCR_H5_SENTENCE_BYTES - 1, answer->sentence);
        gcr_make_one_line(sentence);
        GCR_FAIL(answer->failure == GCR_ENOMEM ? GCR_ENOMEM : GCR_EFORMAT, "%s", sentence);
    }
    if (answer->count > (file->map_bytes - sizeof *answer) / sizeof(gcr_h5_entry))
        GCR_FAIL(GCR_EFORMAT, "the reader of %s crashed: it claims more arrays than it left",
                 file->path);
out:
    return status;
}

/* True if the numbers of this entry, and its name, are inside the memory. */
static int is_inside(const gcr_array_file *file, const gcr_h5_entry *entry)
{
    uint64_t bytes;

    if (!gcr_multiply(&bytes, entry->rows, entry->columns) ||
        !gcr_multiply(&bytes, bytes, sizeof(double)) || !gcr_add(&bytes, bytes, entry->numbers))
        return 0;
    return bytes <= file->map_bytes && entry->rows <= INT64_MAX && entry->columns <= INT64_MAX &&
           entry->name < file->map_bytes &&
           memchr((const char *)file->map + entry->name, '\0', file->map_bytes - entry->name) !=
               NULL;
}

static gcr_status take_entry(gcr_array *out, const gcr_array_file *file, const gcr_h5_entry *entry)
{
    gcr_status status = GCR_OK;
    const char *name = (const char *)file->map + entry->name;

    if (!is_inside(file, entry))
        GCR_FAIL(GCR_EFORMAT, "the reader of %s crashed: an array is not where it says",
                 file->path);
    GCR_TRY(gcr_text_copy(&out->name, name, strlen(name)));
    gcr_make_one_line(out->name);
    out->bytes = (const uint8_t *)file->map + entry->numbers;
    out->type = GCR_NUMBER_F8;
    out->rows = (int64_t)entry->rows;
    out->columns = (int64_t)entry->columns;
out:
    return status;
}

static gcr_status take_entries(gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    const gcr_h5_answer *answer = file->map;
    const gcr_h5_entry *entries = (const gcr_h5_entry *)(answer + 1);

    file->arrays = calloc((size_t)answer->count + 1, sizeof *file->arrays);
    if (file->arrays == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of %s", file->path);
    for (uint32_t i = 0; i < answer->count; i++)
        GCR_TRY(take_entry(&file->arrays[file->count++], file, &entries[i]));
out:
    return status;
}

gcr_status gcr_h5_read(gcr_array_file *file, const char *const *names, int count)
{
    gcr_status status = GCR_OK;
    const int memory = memfd_create("gridcrunch-hdf5", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int ended;

    if (memory < 0)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of %s: %s", file->path, strerror(errno));
    if (access(file->path, R_OK) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot open %s: %s", file->path, strerror(errno));
    GCR_TRY(run_reader(&ended, memory, file->path, names, count));
    GCR_TRY(map_answer(file, memory));
    GCR_TRY(check_answer(file, ended));
    GCR_TRY(take_entries(file));
out:
    if (memory >= 0)
        close(memory);
    return status;
}
