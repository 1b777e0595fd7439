/*
 * data/npy_file.c -- pread(2) of a plain file.
 *
 * Not mapped: a file that is cut short underneath us is then a sentence and no SIGBUS, its pages do
 * not count as ours, and it is as fast (C order into columns, 168 MB in the page cache: 0.19 s
 * either way, most of it the first touch of the columns; measured).
 */
#include "data/npy_file.h"

#include "data/npy.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct npy_stream {
    int descriptor;
    uint64_t first; /* where the numbers begin */
    uint64_t next;  /* what read() reads next  */
} npy_stream;

/* Less than `bytes` only at the end of the file. */
static gcr_status read_at(uint64_t *got, void *to, uint64_t bytes, uint64_t at,
                          const gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    const npy_stream *stream = file->stream;

    *got = 0;
    while (*got < bytes) {
        const ssize_t more =
            pread(stream->descriptor, (char *)to + *got, bytes - *got, (off_t)(at + *got));

        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            GCR_FAIL(GCR_EUNREADABLE, "cannot read %s: %s", file->path, strerror(errno));
        if (more == 0)
            break;
        *got += (uint64_t)more;
    }
out:
    return status;
}

static gcr_status begin_array(gcr_array_file *file, uint64_t array)
{
    npy_stream *stream = file->stream;

    (void)array;
    stream->next = stream->first;
    return GCR_OK;
}

static gcr_status read_numbers(gcr_array_file *file, void *to, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    npy_stream *stream = file->stream;
    uint64_t got;

    GCR_TRY(read_at(&got, to, bytes, stream->next, file));
    if (got < bytes)
        GCR_FAIL(GCR_EFORMAT, "%s became shorter while it was read", file->path);
    stream->next += bytes;
out:
    return status;
}

static void close_stream(gcr_array_file *file)
{
    npy_stream *stream = file->stream;

    if (stream != NULL && stream->descriptor >= 0)
        close(stream->descriptor);
    free(stream);
}

static const gcr_array_format format = {
    .begin = begin_array,
    .read = read_numbers,
    .close = close_stream,
};

static gcr_status open_stream(uint64_t *bytes_out, gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    npy_stream *stream = calloc(1, sizeof *stream);
    struct stat stat;

    *bytes_out = 0;
    if (stream == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", file->path);
    file->stream = stream;
    file->format = &format;
    stream->descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (stream->descriptor < 0 || fstat(stream->descriptor, &stat) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot open %s: %s", file->path, strerror(errno));
    if (!S_ISREG(stat.st_mode))
        GCR_FAIL(GCR_EUNREADABLE, "%s is not a file", file->path);
    *bytes_out = (uint64_t)stat.st_size;
out:
    return status;
}

gcr_status gcr_npy_open(gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    uint8_t *head = malloc(GCR_NPY_HEAD_MAX);
    uint64_t file_bytes, head_bytes;

    file->arrays = calloc(1, sizeof *file->arrays);
    if (file->arrays == NULL || head == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", file->path);
    GCR_TRY(open_stream(&file_bytes, file));
    GCR_TRY(read_at(&head_bytes, head, GCR_NPY_HEAD_MAX, 0, file));
    GCR_TRY(gcr_npy_parse(&file->arrays[0], &((npy_stream *)file->stream)->first, file->path, head,
                          head_bytes, file_bytes));
    file->count = 1;
out:
    free(head);
    return status;
}
