/*
 * data/csv.c -- splits records where they stand in the buffer.
 *
 * A record is scanned once. Where the buffer ends inside it, more is read and the scan of this
 * record starts over, so the scanner has no state to carry; the buffer doubles, so a long record is
 * scanned about twice. Nothing is written into the buffer before a record is complete, for the
 * same reason: doubled quotes are made single at the very end.
 */
#include "data/csv.h"

#include "base/check.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 256 << 10,
    SPARE_BYTES = 1 + GCR_CSV_SPARE, /* a line end, and what may be read with it */
};

struct gcr_csv {
    const char *path;
    int file;
    char delimiter;
    int is_at_end; /* of the file: the buffer holds all that is left */
    char
        *buffer; /* [capacity + SPARE_BYTES], unread: begin .. end; buffer[end] is a line end, on */
    size_t begin, end, capacity; /* which the scan stops even where the file has none */
    uint64_t line;               /* of the record that comes next */
    gcr_csv_field *fields;
    int count, field_capacity;
    uint8_t stops[256]; /* bytes that may end a plain field */
};

/* How the scan of a record ended. */
typedef enum verdict {
    RECORD,     /* csv->fields and csv->begin are those of a complete record */
    MORE,       /* the buffer ends inside it */
    OPEN_QUOTE, /* the file ends inside a quoted field */
    TEXT_AFTER_QUOTE,
    ZERO_BYTE,
    NO_MEMORY,
} verdict;

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Moves what is unread to the front and reads until the buffer is full or the file ends. */
static gcr_status fill(gcr_csv *csv)
{
    gcr_status status = GCR_OK;

    memmove(csv->buffer, csv->buffer + csv->begin, csv->end - csv->begin);
    csv->end -= csv->begin;
    csv->begin = 0;
    while (!csv->is_at_end && csv->end < csv->capacity) {
        const ssize_t got = read(csv->file, csv->buffer + csv->end, csv->capacity - csv->end);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            GCR_FAIL(GCR_EUNREADABLE, "cannot read %s: %s", csv->path, strerror(errno));
        csv->is_at_end = got == 0;
        csv->end += (size_t)got;
    }
    csv->buffer[csv->end] = '\n';
out:
    return status;
}

static gcr_status grow_buffer(gcr_csv *csv)
{
    gcr_status status = GCR_OK;
    char *grown;

    if (csv->capacity >= GCR_CSV_RECORD_MAX)
        GCR_FAIL(GCR_EFORMAT,
                 "%s:%" PRIu64 ": this line is longer than %d MiB; is it a table, and is every "
                 "quote in it closed?",
                 csv->path, csv->line, GCR_CSV_RECORD_MAX >> 20);
    grown = realloc(csv->buffer, 2 * csv->capacity + SPARE_BYTES);
    if (grown == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for line %" PRIu64 " of %s", csv->line, csv->path);
    csv->buffer = grown;
    csv->capacity *= 2;
out:
    return status;
}

/* ---- one record ------------------------------------------------------------------------------ */

/* Lines that end in begin .. end: LF, CRLF and CR are one each. */
static uint64_t count_lines(const char *begin, const char *end)
{
    uint64_t lines = 0;

    for (const char *p = begin; p < end; p++)
        lines += *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n'));
    return lines;
}

static gcr_csv_field *add_field(gcr_csv *csv)
{
    if (csv->count == csv->field_capacity) {
        const int capacity = csv->field_capacity == 0 ? 64 : 2 * csv->field_capacity;
        gcr_csv_field *grown = realloc(csv->fields, (size_t)capacity * sizeof *grown);

        if (grown == NULL)
            return NULL;
        csv->fields = grown;
        csv->field_capacity = capacity;
    }
    return &csv->fields[csv->count++];
}

/* A field that opens with a quote at *at; leaves *at behind the closing one. Inside, a quote is
 * doubled, so a single one closes. */
static verdict scan_quoted(gcr_csv *csv, gcr_csv_field *field, const char **at)
{
    const char *const end = csv->buffer + csv->end;
    const char *p = *at + 1;

    field->text = p;
    field->is_quoted = 1;
    field->has_doubled = 0;
    for (;; p += 2, field->has_doubled = 1) {
        p = memchr(p, '"', (size_t)(end - p));
        if (p == NULL)
            return csv->is_at_end ? OPEN_QUOTE : MORE;
        if (p + 1 == end && !csv->is_at_end)
            return MORE; /* the next byte decides whether this one closes */
        if (p + 1 == end || p[1] != '"')
            break;
    }
    field->bytes = (uint32_t)(p - field->text);
    *at = p + 1;
    return memchr(field->text, '\0', field->bytes) == NULL ? RECORD : ZERO_BYTE;
}

/* Where the next eight bytes hold a control character or the delimiter: a bit above each. Bits
 * above the lowest may be wrong. */
static uint64_t find_in_eight(const gcr_csv *csv, const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t eight, other;

    memcpy(&eight, p, sizeof eight);
    eight = le64toh(eight);
    other = eight ^ ones * (unsigned char)csv->delimiter;
    return (((eight - ones * ' ') & ~eight) | ((other - ones) & ~other)) & (ones << 7);
}

/* The first byte from `p` on that ends a plain field. A jump for each field, not for each byte:
 * how long a number is cannot be foreseen. */
static const char *find_stop(const gcr_csv *csv, const char *p)
{
    for (;;) {
        const uint64_t found = find_in_eight(csv, p);

        p += found != 0 ? __builtin_ctzll(found) / 8 : 8;
        if (found != 0 && csv->stops[(unsigned char)*p])
            return p;
        p += found != 0; /* a tab, say */
    }
}

static void scan_plain(const gcr_csv *csv, gcr_csv_field *field, const char **at)
{
    const char *p = find_stop(csv, *at);

    *field = (gcr_csv_field){ .text = *at, .bytes = (uint32_t)(p - *at) };
    *at = p;
}

/* Behind a field at *at: goes past a delimiter, or past the line end and sets *is_last. */
static verdict scan_separator(const gcr_csv *csv, const char **at, int *is_last)
{
    const char *const end = csv->buffer + csv->end;
    const char *p = *at;

    *is_last = p == end || *p != csv->delimiter;
    if (p == end)
        return csv->is_at_end ? RECORD : MORE;
    if (p + 1 == end && *p == '\r' && !csv->is_at_end)
        return MORE; /* the LF of this CR may come with the next block */
    if (*p != csv->delimiter && *p != '\n' && *p != '\r')
        return *p == '\0' ? ZERO_BYTE : TEXT_AFTER_QUOTE;
    *at = p + 1 + (*p == '\r' && p + 1 < end && p[1] == '\n');
    return RECORD;
}

/* "a""b" is a"b. The field shrinks where it stands. */
static void join_doubled(gcr_csv *csv, gcr_csv_field *field)
{
    char *text = csv->buffer + (field->text - csv->buffer);
    uint32_t to = 0;

    for (uint32_t from = 0; from < field->bytes; from++) {
        text[to++] = text[from];
        from += text[from] == '"';
    }
    field->bytes = to;
}

/* Leaves the buffer behind the record begin .. at, whose fields stand in csv->fields. */
static void finish_record(gcr_csv *csv, const char *at, int has_quoted)
{
    const uint64_t lines = has_quoted ? count_lines(csv->buffer + csv->begin, at) : 1;

    for (int i = 0; has_quoted && i < csv->count; i++)
        if (csv->fields[i].has_doubled)
            join_doubled(csv, &csv->fields[i]);
    csv->line += lines;
    csv->begin = (size_t)(at - csv->buffer);
}

/* Scans the record at csv->begin. *at_out: where the scan stopped, for the sentence. */
static verdict scan_record(gcr_csv *csv, const char **at_out)
{
    const char *at = csv->buffer + csv->begin;
    int is_last = 0, has_quoted = 0;
    verdict found = RECORD;

    csv->count = 0;
    while (found == RECORD && !is_last) {
        gcr_csv_field *field = add_field(csv);

        if (field == NULL)
            return NO_MEMORY;
        *at_out = at;
        if (*at == '"') {
            has_quoted = 1;
            found = scan_quoted(csv, field, &at);
        } else {
            scan_plain(csv, field, &at);
        }
        if (found == RECORD)
            found = scan_separator(csv, &at, &is_last);
    }
    if (found == RECORD)
        finish_record(csv, at, has_quoted);
    return found;
}

/* Turns what is wrong with the field at `at` into a sentence. */
static gcr_status complain(const gcr_csv *csv, verdict found, const char *at)
{
    static const char *const complaints[] = {
        [OPEN_QUOTE] = "the quote that opens here is never closed",
        [TEXT_AFTER_QUOTE] = "text follows a closing quote (a quote inside a field is doubled)",
        [ZERO_BYTE] = "a zero byte; this file is not text",
    };
    gcr_status status = GCR_OK;

    if (found == NO_MEMORY)
        GCR_FAIL(GCR_ENOMEM, "no memory for line %" PRIu64 " of %s", csv->line, csv->path);
    GCR_FAIL(GCR_EFORMAT, "%s:%" PRIu64 ":%d: %s", csv->path,
             csv->line + count_lines(csv->buffer + csv->begin, at), csv->count, complaints[found]);
out:
    return status;
}

static gcr_status next_record(gcr_csv *csv)
{
    gcr_status status = GCR_OK;
    const char *at = NULL;
    verdict found;

    while ((found = scan_record(csv, &at)) == MORE) {
        if (csv->begin == 0 && csv->end == csv->capacity)
            GCR_TRY(grow_buffer(csv));
        GCR_TRY(fill(csv));
    }
    if (found != RECORD)
        GCR_TRY(complain(csv, found, at));
out:
    return status;
}

/* A line of nothing but blanks is no record. */
static int is_blank(const gcr_csv *csv)
{
    const gcr_csv_field *field = &csv->fields[0];
    uint32_t i = 0;

    if (csv->count > 1 || field->is_quoted)
        return 0;
    while (i < field->bytes && (field->text[i] == ' ' || field->text[i] == '\t'))
        i++;
    return i == field->bytes;
}

gcr_status gcr_csv_next(gcr_csv_record *out, gcr_csv *csv)
{
    gcr_status status = GCR_OK;
    uint64_t line;

    *out = (gcr_csv_record){ .line = csv->line };
    do {
        if (csv->begin == csv->end && !csv->is_at_end)
            GCR_TRY(fill(csv));
        if (csv->begin == csv->end)
            goto out;
        line = csv->line;
        GCR_TRY(next_record(csv));
    } while (is_blank(csv));
    *out = (gcr_csv_record){ .fields = csv->fields, .count = csv->count, .line = line };
out:
    return status;
}

/* ---- the file -------------------------------------------------------------------------------- */

static gcr_status open_file(gcr_csv *csv)
{
    gcr_status status = GCR_OK;
    struct stat facts;

    csv->file = open(csv->path, O_RDONLY | O_CLOEXEC);
    if (csv->file < 0 || fstat(csv->file, &facts) != 0)
        GCR_FAIL(GCR_EUNREADABLE, "cannot read %s: %s", csv->path, strerror(errno));
    if (S_ISDIR(facts.st_mode))
        GCR_FAIL(GCR_EUNREADABLE, "%s is a folder; name the files in it, for example %s/*.csv",
                 csv->path, csv->path);
out:
    return status;
}

static int is_control(unsigned char c)
{
    return c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f';
}

/* Looks at the first block: text has no zero bytes and next to no control characters. */
static gcr_status check_text(const gcr_csv *csv)
{
    gcr_status status = GCR_OK;
    const unsigned char *text = (const unsigned char *)csv->buffer;
    size_t controls = 0;

    if (csv->end == 0)
        GCR_FAIL(GCR_EFORMAT, "%s is empty", csv->path);
    if (csv->end >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        GCR_FAIL(GCR_EFORMAT, "%s is not text as we read it: it is UTF-16; save it as UTF-8",
                 csv->path);
    for (size_t i = 0; i < csv->end; i++)
        controls += (size_t)is_control(text[i]);
    if (memchr(text, '\0', csv->end) != NULL || controls > csv->end / 16)
        GCR_FAIL(GCR_EFORMAT, "%s is not text", csv->path);
out:
    return status;
}

static char delimiter_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    const int is_tab =
        dot != NULL && (strcasecmp(dot, ".tsv") == 0 || strcasecmp(dot, ".tab") == 0);

    return is_tab ? '\t' : ',';
}

static void set_stops(gcr_csv *csv)
{
    csv->stops[(unsigned char)csv->delimiter] = 1;
    csv->stops['\n'] = 1;
    csv->stops['\r'] = 1;
    csv->stops['\0'] = 1;
}

gcr_status gcr_csv_open(gcr_csv **out, const char *path, char delimiter)
{
    gcr_status status = GCR_OK;
    gcr_csv *csv = calloc(1, sizeof *csv);

    *out = NULL;
    if (csv == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to read %s", path);
    csv->path = path;
    csv->file = -1;
    csv->line = 1;
    csv->delimiter = delimiter != 0 ? delimiter : delimiter_of(path);
    csv->capacity = BLOCK_BYTES;
    set_stops(csv);
    csv->buffer = malloc(csv->capacity + SPARE_BYTES);
    if (csv->buffer == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to read %s", path);
    GCR_TRY(open_file(csv));
    GCR_TRY(fill(csv));
    GCR_TRY(check_text(csv));
    if (csv->end >= 3 && memcmp(csv->buffer, "\xef\xbb\xbf", 3) == 0)
        csv->begin = 3;
    *out = csv;
    csv = NULL;
out:
    gcr_csv_close(csv);
    return status;
}

void gcr_csv_close(gcr_csv *csv)
{
    if (csv == NULL)
        return;
    if (csv->file >= 0)
        close(csv->file);
    free(csv->buffer);
    free(csv->fields);
    free(csv);
}
