/* data/npy.c -- the header is text of others: a cursor that never passes its end reads it. */
#include "data/npy.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>

enum { DESCR_BYTES = 64, DIMENSIONS_MAX = 64 };

typedef struct npy_header {
    char descr[DESCR_BYTES]; /* "<f8"; "[" if it is a list: a structured type */
    int is_by_column;
    uint64_t shape[2]; /* of more dimensions the first two */
    int dimensions;
    int has_descr, has_order, has_shape;
} npy_header;

typedef struct cursor {
    const char *at, *end;
} cursor;

/* ---- a Python dictionary --------------------------------------------------------------------- */

static void skip_blanks(cursor *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\n' || *text->at == '\t'))
        text->at++;
}

/* Passes over `sign`, if it is next. */
static int take(cursor *text, char sign)
{
    skip_blanks(text);
    if (text->at == text->end || *text->at != sign)
        return 0;
    text->at++;
    return 1;
}

static int take_word(cursor *text, const char *word)
{
    const size_t bytes = strlen(word);

    skip_blanks(text);
    if ((size_t)(text->end - text->at) < bytes || memcmp(text->at, word, bytes) != 0)
        return 0;
    text->at += bytes;
    return 1;
}

/* A string without escapes; NumPy writes none. */
static int take_string(char out[DESCR_BYTES], cursor *text)
{
    const char quote = take(text, '\'') ? '\'' : '"';
    int bytes = 0;

    if (quote == '"' && !take(text, '"'))
        return 0;
    for (; text->at < text->end && *text->at != quote && bytes < DESCR_BYTES - 1; text->at++) {
        if (*text->at < ' ' || *text->at > '~' || *text->at == '\\')
            return 0;
        out[bytes++] = *text->at;
    }
    out[bytes] = '\0';
    return text->at < text->end && *text->at++ == quote;
}

static int take_whole(uint64_t *out, cursor *text)
{
    int digits = 0;

    *out = 0;
    skip_blanks(text);
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++, digits++)
        if (!gcr_multiply(out, *out, 10) || !gcr_add(out, *out, (uint64_t)(*text->at - '0')))
            return 0;
    if (text->at < text->end && *text->at == 'L') /* a long of Python 2 */
        text->at++;
    return digits > 0;
}

static int take_shape(npy_header *out, cursor *text)
{
    if (!take(text, '('))
        return 0;
    while (!take(text, ')')) {
        uint64_t extent;

        if (out->dimensions == DIMENSIONS_MAX || !take_whole(&extent, text))
            return 0;
        if (out->dimensions < 2)
            out->shape[out->dimensions] = extent;
        out->dimensions++;
        if (!take(text, ','))
            return take(text, ')');
    }
    return 1;
}

static int take_order(npy_header *out, cursor *text)
{
    out->is_by_column = take_word(text, "True");
    return out->is_by_column || take_word(text, "False");
}

/* What stands in a structured type is of no interest: it is refused. */
static int take_descr(npy_header *out, cursor *text)
{
    if (!take(text, '['))
        return take_string(out->descr, text);
    strcpy(out->descr, "[");
    return 1;
}

/* Each of the three names once, and no other. */
static int take_entry(npy_header *out, cursor *text)
{
    char name[DESCR_BYTES];

    if (!take_string(name, text) || !take(text, ':'))
        return 0;
    if (strcmp(name, "descr") == 0)
        return !out->has_descr++ && take_descr(out, text);
    if (strcmp(name, "fortran_order") == 0)
        return !out->has_order++ && take_order(out, text);
    return strcmp(name, "shape") == 0 && !out->has_shape++ && take_shape(out, text);
}

static int take_dictionary(npy_header *out, cursor *text)
{
    if (!take(text, '{'))
        return 0;
    while (!take(text, '}')) {
        if (!take_entry(out, text))
            return 0;
        if (out->descr[0] == '[') /* and what follows could not be told apart from it */
            return 1;
        if (!take(text, ','))
            return take(text, '}') && out->has_descr && out->has_order && out->has_shape;
    }
    return out->has_descr && out->has_order && out->has_shape;
}

/* ---- what it says ---------------------------------------------------------------------------- */

static gcr_status check_descr(gcr_number_type *out, const char *where, const char *descr)
{
    static const char *const read[] = { [GCR_NUMBER_F4] = "<f4",
                                        [GCR_NUMBER_F8] = "<f8",
                                        [GCR_NUMBER_I4] = "<i4",
                                        [GCR_NUMBER_I8] = "<i8" };
    gcr_status status = GCR_OK;

    for (int i = 0; i < 4; i++)
        if (strcmp(descr, read[i]) == 0) {
            *out = (gcr_number_type)i;
            goto out;
        }
    if (descr[0] == '[' || strchr(descr, 'V') != NULL)
        GCR_FAIL(GCR_EFORMAT,
                 "%s has a structured type, columns with names and types of their own; save it as "
                 "CSV, or its numbers alone as f8",
                 where);
    if (strchr(descr, 'O') != NULL)
        GCR_FAIL(GCR_EFORMAT,
                 "%s holds Python objects, and to read them is to run them; save numbers: "
                 "numpy.save(file, array.astype('f8'))",
                 where);
    if (strpbrk(descr, "US") != NULL)
        GCR_FAIL(GCR_EFORMAT,
                 "%s holds text ('%s'); turn words into numbers, for instance a column of 0 and 1 "
                 "for each word",
                 where, descr);
    if (descr[0] == '>')
        GCR_FAIL(GCR_EFORMAT,
                 "%s is big-endian ('%s'); save it as little-endian: array.astype('<%s')", where,
                 descr, descr + 1);
    GCR_FAIL(GCR_EFORMAT,
             "%s holds numbers of type '%s'; only f4, f8, i4 and i8 are read: array.astype('f8')",
             where, descr);
out:
    return status;
}

static gcr_status check_shape(gcr_array *out, const char *where, const npy_header *header)
{
    gcr_status status = GCR_OK;

    if (header->dimensions == 0)
        GCR_FAIL(GCR_EFORMAT, "%s is a single number, not rows of them", where);
    if (header->dimensions > 2)
        GCR_FAIL(GCR_EFORMAT,
                 "%s has %d dimensions, and a dataset has rows and columns; flatten what belongs "
                 "to a row: array.reshape(len(array), -1)",
                 where, header->dimensions);
    if (header->shape[0] > INT64_MAX || header->shape[1] > INT64_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s claims more rows or columns than there can be", where);
    out->rows = (int64_t)header->shape[0];
    out->columns = header->dimensions == 1 ? 1 : (int64_t)header->shape[1];
out:
    return status;
}

/* More bytes than claimed are no better than less: something is not what it says. */
static gcr_status check_bytes(const char *where, const gcr_array *array, uint64_t count)
{
    gcr_status status = GCR_OK;
    uint64_t claimed;
    char had[32], wanted[32];

    if (!gcr_multiply(&claimed, (uint64_t)array->rows, (uint64_t)array->columns) ||
        !gcr_multiply(&claimed, claimed, gcr_number_bytes(array->type)))
        GCR_FAIL(GCR_EFORMAT, "%s claims more numbers than 64 bits can count", where);
    if (claimed != count)
        GCR_FAIL(GCR_EFORMAT,
                 "%s is %s: its header claims %" PRId64 " x %" PRId64
                 " numbers (%s bytes), and %s bytes follow",
                 where, claimed > count ? "cut short" : "damaged", array->rows, array->columns,
                 gcr_format_count(wanted, claimed), gcr_format_count(had, count));
out:
    return status;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Where the header stands in the file. */
static gcr_status find_header(cursor *out, const char *where, const uint8_t *bytes, uint64_t count)
{
    static const char magic[] = "\x93NUMPY";
    gcr_status status = GCR_OK;
    const int version = count > 6 ? bytes[6] : 0;
    const uint64_t first = version == 1 ? 10 : 12;
    uint64_t claimed;

    if (count < 6 || memcmp(bytes, magic, 6) != 0)
        GCR_FAIL(GCR_EFORMAT, "%s is no .npy file, whatever its name; numpy.save writes them",
                 where);
    if (count < first)
        GCR_FAIL(GCR_EFORMAT, "%s is cut short: it ends in its header", where);
    if (version < 1 || version > 3)
        GCR_FAIL(GCR_EFORMAT, "%s is of version %d of the format; 1, 2 and 3 are read", where,
                 version);
    claimed = bytes[8] | (uint64_t)bytes[9] << 8;
    if (version > 1)
        claimed |= (uint64_t)bytes[10] << 16 | (uint64_t)bytes[11] << 24;
    if (claimed > GCR_NPY_HEADER_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s claims a header of %" PRIu64 " bytes; at most %d are read", where,
                 claimed, GCR_NPY_HEADER_MAX);
    if (claimed > count - first)
        GCR_FAIL(GCR_EFORMAT, "%s is cut short: it ends in its header", where);
    out->at = (const char *)bytes + first;
    out->end = out->at + claimed;
out:
    return status;
}

gcr_status gcr_npy_parse(gcr_array *out, uint64_t *offset, const char *where, const uint8_t *head,
                         uint64_t head_bytes, uint64_t file_bytes)
{
    gcr_status status = GCR_OK;
    npy_header header = { .dimensions = 0 };
    cursor text = { .at = NULL };

    *out = (gcr_array){ .name = NULL };
    GCR_TRY(find_header(&text, where, head, head_bytes));
    *offset = (uint64_t)(text.end - (const char *)head);
    if (!take_dictionary(&header, &text))
        GCR_FAIL(GCR_EFORMAT, "%s has a header that numpy.save does not write (at byte %d)", where,
                 (int)(text.at - (const char *)head));
    GCR_TRY(check_descr(&out->type, where, header.descr));
    GCR_TRY(check_shape(out, where, &header));
    GCR_TRY(check_bytes(where, out, file_bytes - *offset));
    out->is_by_column = header.is_by_column;
out:
    return status;
}
