/*
 * data/npz_file.c -- libzip finds the members, unpacks them and takes their checksums; npy.c reads
 * their headers.
 *
 * A member is opened twice, for its header and for its numbers: which dataset they are part of is
 * known when all headers have been read.
 */
#include "data/npz_file.h"

#include "data/array_plan.h"
#include "data/npy.h"

#include "base/check.h"
#include "base/text.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

/* Deflate makes at most 1032 bytes of one: a member that claims more is made to harm. */
enum { INFLATION_MAX = 1032, MEMBERS_MAX = 1 << 20, MEMBER_NAME_MAX = 1024 };

static const char ending[] = ".npy";

/* Where the numbers of an array are. */
typedef struct npz_member {
    uint64_t index;  /* in the archive    */
    uint64_t offset; /* behind the header */
} npz_member;

typedef struct npz_stream {
    zip_t *archive;
    zip_file_t *open;    /* the member in hand, or NULL */
    npz_member *members; /* [file->count]               */
} npz_stream;

/* ---- the directory --------------------------------------------------------------------------- */

static gcr_status open_archive(zip_t **out, const char *path)
{
    gcr_status status = GCR_OK;
    int error = 0;

    *out = NULL;
    if (access(path, R_OK) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot open %s: %s", path, strerror(errno));
    *out = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &error);
    if (*out == NULL && error == ZIP_ER_MEMORY)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", path);
    if (*out == NULL)
        GCR_FAIL(GCR_EFORMAT,
                 "%s is no .npz file, or cut short or damaged; numpy.savez writes them", path);
    if (zip_get_num_entries(*out, 0) > MEMBERS_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s holds more than %d arrays; at most that many are read", path,
                 MEMBERS_MAX);
out:
    return status;
}

static int is_wanted(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (gcr_array_group_bytes(name, names[i]) >= 0)
            return 1;
    return count == 0;
}

/* The name of the array in this member, for the caller to free. */
static gcr_status name_member(char **out, const char *path, const zip_stat_t *member)
{
    gcr_status status = GCR_OK;
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
    size_t bytes;

    if ((member->valid & needed) != needed)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: a member has no name or no size", path);
    bytes = strlen(member->name);
    if (!gcr_utf8_is_valid(member->name, bytes))
        GCR_FAIL(GCR_EFORMAT, "%s has a member whose name is not UTF-8; name arrays in UTF-8",
                 path);
    GCR_TRY(gcr_text_copy(out, member->name, bytes));
    gcr_make_one_line(*out);
    if (bytes < sizeof ending || bytes > MEMBER_NAME_MAX ||
        strcmp(*out + bytes - strlen(ending), ending) != 0)
        GCR_FAIL(GCR_EFORMAT, "%s holds '%.64s', which is no array; numpy.savez writes .npz files",
                 path, *out);
    (*out)[bytes - strlen(ending)] = '\0';
out:
    return status;
}

/* ---- bytes of a member ----------------------------------------------------------------------- */

static gcr_status open_member(npz_stream *stream, uint64_t index, const char *where)
{
    gcr_status status = GCR_OK;

    stream->open = zip_fopen_index(stream->archive, index, 0);
    if (stream->open == NULL)
        GCR_FAIL(GCR_EFORMAT, "%s cannot be opened: %s", where, zip_strerror(stream->archive));
out:
    return status;
}

static void close_member(npz_stream *stream)
{
    if (stream->open != NULL)
        zip_fclose(stream->open);
    stream->open = NULL;
}

static gcr_status unpack(npz_stream *stream, void *to, uint64_t bytes, const char *where)
{
    gcr_status status = GCR_OK;
    zip_int64_t got = 1;

    for (uint64_t done = 0; done < bytes; done += (uint64_t)got) {
        got = zip_fread(stream->open, (char *)to + done, bytes - done);
        if (got <= 0)
            GCR_FAIL(GCR_EFORMAT, "%s is damaged: what is packed is not what its directory says",
                     where);
    }
out:
    return status;
}

/* ---- headers --------------------------------------------------------------------------------- */

static gcr_status read_head(gcr_array *array, npz_member *out, npz_stream *stream,
                            const zip_stat_t *member, const char *where)
{
    gcr_status status = GCR_OK;
    const uint64_t bytes = member->size < GCR_NPY_HEAD_MAX ? member->size : GCR_NPY_HEAD_MAX;
    uint8_t *head = malloc(bytes + 1);

    if (head == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", where);
    out->index = member->index;
    GCR_TRY(open_member(stream, member->index, where));
    GCR_TRY(unpack(stream, head, bytes, where));
    GCR_TRY(gcr_npy_parse(array, &out->offset, where, head, bytes, member->size));
out:
    close_member(stream);
    free(head);
    return status;
}

static gcr_status read_member(gcr_array_file *file, char **name, const zip_stat_t *member)
{
    gcr_status status = GCR_OK;
    npz_stream *stream = file->stream;
    gcr_array *array = &file->arrays[file->count];
    char where[GCR_MARK_BYTES];

    snprintf(where, sizeof where, "%s: '%s'", file->path, *name);
    if (member->size / INFLATION_MAX > member->comp_size)
        GCR_FAIL(GCR_EFORMAT, "%s claims %" PRIu64 " bytes, more than its %" PRIu64 " can hold",
                 where, (uint64_t)member->size, (uint64_t)member->comp_size);
    GCR_TRY(read_head(array, &stream->members[file->count], stream, member, where));
    array->name = *name;
    *name = NULL;
    file->count++;
out:
    return status;
}

static gcr_status take_member(gcr_array_file *file, uint64_t index, const char *const *names,
                              int count)
{
    gcr_status status = GCR_OK;
    const npz_stream *stream = file->stream;
    zip_stat_t member;
    char *name = NULL;

    if (zip_stat_index(stream->archive, index, ZIP_FL_ENC_RAW, &member) != 0)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: %s", file->path, zip_strerror(stream->archive));
    GCR_TRY(name_member(&name, file->path, &member));
    if (is_wanted(name, names, count))
        GCR_TRY(read_member(file, &name, &member));
out:
    free(name);
    return status;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static gcr_status read_numbers(gcr_array_file *file, void *to, uint64_t bytes)
{
    char where[GCR_MARK_BYTES];

    return unpack(file->stream, to, bytes,
                  gcr_array_place(where, file, &file->arrays[file->current]));
}

static gcr_status begin_array(gcr_array_file *file, uint64_t array)
{
    gcr_status status = GCR_OK;
    npz_stream *stream = file->stream;
    char where[GCR_MARK_BYTES], passed[1024];

    file->current = array;
    gcr_array_place(where, file, &file->arrays[array]);
    close_member(stream);
    GCR_TRY(open_member(stream, stream->members[array].index, where));
    for (uint64_t left = stream->members[array].offset, bytes; left > 0; left -= bytes) {
        bytes = left < sizeof passed ? left : sizeof passed;
        GCR_TRY(unpack(stream, passed, bytes, where));
    }
out:
    return status;
}

/* Past the last byte libzip compares the checksum. */
static gcr_status end_array(gcr_array_file *file)
{
    gcr_status status = GCR_OK;
    npz_stream *stream = file->stream;
    char where[GCR_MARK_BYTES], spare;

    if (zip_fread(stream->open, &spare, 1) != 0)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: what is packed is not what its directory says",
                 gcr_array_place(where, file, &file->arrays[file->current]));
out:
    close_member(stream);
    return status;
}

static void close_stream(gcr_array_file *file)
{
    npz_stream *stream = file->stream;

    if (stream == NULL)
        return;
    close_member(stream);
    if (stream->archive != NULL)
        zip_discard(stream->archive);
    free(stream->members);
    free(stream);
}

static const gcr_array_format format = {
    .begin = begin_array,
    .read = read_numbers,
    .end = end_array,
    .close = close_stream,
};

gcr_status gcr_npz_open(gcr_array_file *file, const char *const *names, int count)
{
    gcr_status status = GCR_OK;
    npz_stream *stream = calloc(1, sizeof *stream);
    uint64_t members;

    if (stream == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of %s", file->path);
    file->stream = stream;
    file->format = &format;
    GCR_TRY(open_archive(&stream->archive, file->path));
    members = (uint64_t)zip_get_num_entries(stream->archive, 0);
    file->arrays = calloc(members + 1, sizeof *file->arrays);
    stream->members = calloc(members + 1, sizeof *stream->members);
    if (file->arrays == NULL || stream->members == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of %s", file->path);
    for (uint64_t i = 0; i < members; i++)
        GCR_TRY(take_member(file, i, names, count));
out:
    return status;
}
