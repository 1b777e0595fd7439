/*
 * cli/read_hdf5/read_hdf5.c -- gridcrunch-read-hdf5 PATH [NAME...]: reads arrays from a file that
 * nobody has checked, and says what it finds as data/h5_answer.h has it.
 *
 * A program of its own so that it may die: libhdf5 does, of damaged files. It is started by the
 * library, restrained as restrain.h says, and without plugins, links out of the file, or storage
 * elsewhere.
 */
#include "cli/read_hdf5/h5_arrays.h"
#include "cli/read_hdf5/restrain.h"

#include "data/h5_answer.h"

#include "base/check.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* File locking would refuse files on folders that are only to be read. */
static gcr_status close_doors(void)
{
    gcr_status status = GCR_OK;

    unsetenv("HDF5_PLUGIN_PATH");
    unsetenv("HDF5_PLUGIN_PRELOAD");
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
    if (H5open() < 0 || H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0 || H5PLset_loading_state(0) < 0 ||
        H5Lunregister(H5L_TYPE_EXTERNAL) < 0)
        GCR_FAIL(GCR_EFORMAT, "libhdf5 does not start");
out:
    return status;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static FILE *pipe_end;

static gcr_status say(gcr_h5_word word, uint64_t rows, uint64_t columns, const void *what,
                      uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const gcr_h5_message message = {
        .magic = GCR_H5_MAGIC, .word = word, .bytes = bytes, .rows = rows, .columns = columns
    };

    if (fwrite(&message, sizeof message, 1, pipe_end) != 1 ||
        (bytes > 0 && fwrite(what, bytes, 1, pipe_end) != 1))
        GCR_FAIL(GCR_EIO, "nobody listens");
out:
    return status;
}

static gcr_status say_numbers(const double *numbers, uint64_t count)
{
    return say(GCR_H5_NUMBERS, 0, 0, numbers, count * sizeof *numbers);
}

static gcr_status say_arrays(const gcr_h5_arrays *arrays)
{
    gcr_status status = GCR_OK;

    for (uint64_t i = 0; i < arrays->count; i++) {
        const gcr_h5_found *found = &arrays->items[i];

        GCR_TRY(say(GCR_H5_ARRAY, found->rows, found->columns, found->name, strlen(found->name)));
    }
    for (uint64_t i = 0; i < arrays->count; i++)
        GCR_TRY(gcr_h5_array_read(arrays, &arrays->items[i], say_numbers));
    GCR_TRY(say(GCR_H5_END, 0, 0, NULL, 0));
out:
    return status;
}

static gcr_status answer(const char *path, char *const *names, int count)
{
    gcr_status status = GCR_OK;
    gcr_h5_arrays arrays = { .path = path, .names = names, .name_count = count };

    GCR_TRY(gcr_restrain(path));
    GCR_TRY(close_doors());
    GCR_TRY(gcr_h5_arrays_open(&arrays));
    GCR_TRY(say_arrays(&arrays));
out:
    gcr_h5_arrays_close(&arrays);
    return status;
}

static gcr_status refuse(gcr_status failure)
{
    char sentence[GCR_H5_SENTENCE_BYTES];

    snprintf(sentence, sizeof sentence, "%s", gcr_last_error());
    return say(GCR_H5_FAILURE, (uint64_t)failure, 0, sentence, strlen(sentence));
}

static int is_pipe(int descriptor)
{
    struct stat stat_of;

    return fstat(descriptor, &stat_of) == 0 && S_ISFIFO(stat_of.st_mode);
}

int main(int argc, char **argv)
{
    gcr_status status;

    if (argc < 2 || !is_pipe(GCR_H5_DESCRIPTOR)) {
        fprintf(stderr, "%s is started by gridcrunch, to read HDF5 files\n", argv[0]);
        return 2;
    }
    pipe_end = fdopen(GCR_H5_DESCRIPTOR, "wb");
    if (pipe_end == NULL)
        return 1;
    status = answer(argv[1], argv + 2, argc - 2);
    if (status != GCR_OK)
        status = refuse(status);
    return fflush(pipe_end) == 0 && status == GCR_OK ? 0 : 1;
}
