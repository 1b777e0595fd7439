/* data/npz_file.c -- libzip finds the members and takes their checksums; npy.c reads each. */
#include "data/npz_file.h"

#include "data/npy.h"

#include "base/check.h"
#include "base/text.h"

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

/* Past the last byte libzip compares the checksum. */
static gcr_status unpack(uint8_t *to, const char *where, zip_t *archive, const zip_stat_t *member)
{
    gcr_status status = GCR_OK;
    zip_file_t *from = zip_fopen_index(archive, member->index, 0);
    uint64_t done = 0;
    zip_int64_t got = 1;

    if (from == NULL)
        GCR_FAIL(GCR_EFORMAT, "%s cannot be opened: %s", where, zip_strerror(archive));
    while (done < member->size && got > 0) {
        got = zip_fread(from, to + done, member->size - done);
        done += got > 0 ? (uint64_t)got : 0;
    }
    if (got >= 0 && done == member->size)
        got = zip_fread(from, to + done, 1); /* into the spare byte */
    if (got != 0 || done != member->size)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: what is packed is not what its directory says",
                 where);
out:
    if (from != NULL)
        zip_fclose(from);
    return status;
}

static gcr_status read_member(gcr_array_file *file, char **name, zip_t *archive,
                              const zip_stat_t *member)
{
    gcr_status status = GCR_OK;
    gcr_array *array = &file->arrays[file->count];
    char where[GCR_MARK_BYTES];
    uint8_t *bytes;

    snprintf(where, sizeof where, "%s: '%s'", file->path, *name);
    if (member->size / INFLATION_MAX > member->comp_size)
        GCR_FAIL(GCR_EFORMAT, "%s claims %" PRIu64 " bytes, more than its %" PRIu64 " can hold",
                 where, (uint64_t)member->size, (uint64_t)member->comp_size);
    bytes = malloc(member->size + 1);
    if (bytes == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", where);
    file->blocks[file->block_count++] = bytes;
    GCR_TRY(unpack(bytes, where, archive, member));
    GCR_TRY(gcr_npy_parse(array, where, bytes, member->size));
    array->name = *name;
    *name = NULL;
    file->count++;
out:
    return status;
}

static gcr_status take_member(gcr_array_file *file, zip_t *archive, uint64_t index,
                              const char *const *names, int count)
{
    gcr_status status = GCR_OK;
    zip_stat_t member;
    char *name = NULL;

    if (zip_stat_index(archive, index, ZIP_FL_ENC_RAW, &member) != 0)
        GCR_FAIL(GCR_EFORMAT, "%s is damaged: %s", file->path, zip_strerror(archive));
    GCR_TRY(name_member(&name, file->path, &member));
    if (is_wanted(name, names, count))
        GCR_TRY(read_member(file, &name, archive, &member));
out:
    free(name);
    return status;
}

gcr_status gcr_npz_read(gcr_array_file *file, const char *const *names, int count)
{
    gcr_status status = GCR_OK;
    zip_t *archive = NULL;
    uint64_t members;

    GCR_TRY(open_archive(&archive, file->path));
    members = (uint64_t)zip_get_num_entries(archive, 0);
    file->arrays = calloc(members + 1, sizeof *file->arrays);
    file->blocks = calloc(members + 1, sizeof *file->blocks);
    if (file->arrays == NULL || file->blocks == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of %s", file->path);
    for (uint64_t i = 0; i < members; i++)
        GCR_TRY(take_member(file, archive, i, names, count));
out:
    if (archive != NULL)
        zip_discard(archive);
    return status;
}
