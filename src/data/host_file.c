/* data/host_file.c -- see host_file.h. */
#include "data/host_file.h"

#include "base/check.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 253 /* that DNS allows */, PORT_MAX = 65535, WORDS_MAX = 2 };

/* A part of a line; not terminated. */
typedef struct word {
    const char *text;
    size_t bytes;
    int column; /* of its first byte, from 1 */
} word;

typedef struct reader {
    gcr_host_list list;
    void *by_name; /* a tree of the list's hosts */
    const char *source;
    int line;
    long long ranks; /* of all machines so far that are not `auto` */
} reader;

/* What a line says. */
typedef struct machine {
    int ranks;
    word count, name, user, port, bind_address; /* no bytes: not said */
} machine;

static const char *place(char out[GCR_MARK_BYTES], const reader *from, int column)
{
    return gcr_format_mark(out, (gcr_mark){ from->source, from->line, column });
}

/* ---- parts of a line ------------------------------------------------------------------------- */

static word cut(word whole, size_t first, size_t bytes)
{
    return (word){ whole.text + first, bytes, whole.column + (int)first };
}

static word cut_from(word whole, size_t first)
{
    return cut(whole, first, whole.bytes - first);
}

/* Where `c` is in `whole`, or its end. */
static size_t find(word whole, char c)
{
    const char *at = whole.bytes > 0 ? memchr(whole.text, c, whole.bytes) : NULL;

    return at != NULL ? (size_t)(at - whole.text) : whole.bytes;
}

static int is(word part, const char *text)
{
    return part.bytes == strlen(text) && memcmp(part.text, text, part.bytes) == 0;
}

static int has_digits_only(word part)
{
    size_t i = 0;

    while (i < part.bytes && isdigit((unsigned char)part.text[i]))
        i++;
    return part.bytes > 0 && i == part.bytes;
}

/* A whole number of 1 .. limit. */
static int read_number(int *out, word part, int limit)
{
    long value = 0;

    for (size_t i = 0; has_digits_only(part) && i < part.bytes && value <= limit; i++)
        value = 10 * value + (part.text[i] - '0');
    *out = (int)value;
    return value >= 1 && value <= limit;
}

/* A byte as a person can read it. */
static const char *quote(char out[16], char byte)
{
    if (isprint((unsigned char)byte))
        snprintf(out, 16, "'%c'", byte);
    else
        snprintf(out, 16, "byte 0x%02x", (unsigned char)byte);
    return out;
}

/* Not '-' first: that would be a flag to a program that the name is given to. */
static int is_of_names(char byte, int is_first)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' ||
           (!is_first && (byte == '.' || byte == '-'));
}

static gcr_status check_name(const reader *from, word name, const char *what)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES], byte[16];
    size_t i = 0;

    if (name.bytes == 0)
        GCR_FAIL(GCR_EINVAL, "%s%s is missing", place(at, from, name.column), what);
    if (name.bytes > NAME_BYTES_MAX)
        GCR_FAIL(GCR_EINVAL, "%s%s has %zu characters, and at most %d are allowed",
                 place(at, from, name.column), what, name.bytes, NAME_BYTES_MAX);
    while (i < name.bytes && is_of_names(name.text[i], i == 0))
        i++;
    if (i < name.bytes)
        GCR_FAIL(GCR_EINVAL, "%s%s cannot %s %s", place(at, from, name.column + (int)i), what,
                 i == 0 ? "begin with" : "have", quote(byte, name.text[i]));
out:
    return status;
}

/* NAME[:PORT] */
static gcr_status read_address(word *name, word *port, const reader *from, word whole,
                               const char *what)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];
    const size_t colon = find(whole, ':');
    int number;

    *name = cut(whole, 0, colon);
    *port = (word){ 0 };
    GCR_TRY(check_name(from, *name, what));
    if (colon == whole.bytes)
        goto out;
    *port = cut_from(whole, colon + 1);
    if (!read_number(&number, *port, PORT_MAX))
        GCR_FAIL(GCR_EINVAL, "%sa port is a number from 1 to %d, and this is none",
                 place(at, from, port->column), PORT_MAX);
out:
    return status;
}

/* COUNT* in front of a machine. */
static gcr_status read_count(machine *out, const reader *from)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];

    if (is(out->count, "auto"))
        out->ranks = GCR_HOST_RANKS_AUTO;
    else if (!read_number(&out->ranks, out->count, GCR_HOST_RANKS_MAX))
        GCR_FAIL(GCR_EINVAL,
                 "%sin front of a '*' stands how many ranks the machine takes: 1 to %d, or auto",
                 place(at, from, out->count.column), GCR_HOST_RANKS_MAX);
out:
    return status;
}

/* [count*][user@]host[:port] */
static gcr_status read_machine(machine *out, const reader *from, word whole)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];
    const size_t star = find(whole, '*');
    size_t sign;

    out->ranks = 1;
    if (star < whole.bytes) {
        out->count = cut(whole, 0, star);
        GCR_TRY(read_count(out, from));
        whole = cut_from(whole, star + 1);
    }
    sign = find(whole, '@');
    if (sign < whole.bytes) {
        out->user = cut(whole, 0, sign);
        GCR_TRY(check_name(from, out->user, "the name of a user"));
        whole = cut_from(whole, sign + 1);
    }
    GCR_TRY(read_address(&out->name, &out->port, from, whole, "the name of a machine"));
    if (has_digits_only(out->name))
        GCR_FAIL(GCR_EINVAL,
                 "%sa number is no machine; how many ranks one takes is written %.*s*NAME",
                 place(at, from, out->name.column), (int)out->name.bytes, out->name.text);
out:
    return status;
}

/* ---- machines -------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const gcr_host *)a)->name, ((const gcr_host *)b)->name);
}

static void destroy_host(gcr_host *host)
{
    if (host == NULL)
        return;
    free(host->name);
    free(host->user);
    free(host->port);
    free(host->bind_address);
    free(host);
}

/* The list grows by doubling: its count is all that says how much room it has. */
static gcr_status append(gcr_host_list *list, gcr_host *host)
{
    gcr_status status = GCR_OK;

    if ((list->count & (list->count - 1)) == 0) {
        const size_t room = list->count == 0 ? 1 : 2 * list->count;
        gcr_host **hosts = reallocarray(list->hosts, room, sizeof *hosts);

        if (hosts == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for a list of %zu machines", room);
        list->hosts = hosts;
    }
    list->hosts[list->count++] = host;
out:
    return status;
}

/* The machine of that name; a new one takes no ranks yet. */
static gcr_status find_host(gcr_host **out, int *is_new, reader *from, word name)
{
    gcr_status status = GCR_OK;
    gcr_host *host = calloc(1, sizeof *host);
    gcr_host **found;

    *out = NULL;
    *is_new = 0;
    if (host == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a machine");
    GCR_TRY(gcr_text_copy(&host->name, name.text, name.bytes));
    found = tfind(host, &from->by_name, compare_names);
    *is_new = found == NULL;
    *out = *is_new ? host : *found;
    if (!*is_new)
        goto out;
    host->line = from->line;
    GCR_TRY(append(&from->list, host));
    host = NULL; /* handed over */
    if (tsearch(*out, &from->by_name, compare_names) == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a machine");
out:
    destroy_host(host);
    return status;
}

/* A machine has one user, one port, one address. */
static gcr_status put(char **field, const reader *from, const gcr_host *host, word said,
                      const char *what)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];

    if (said.bytes == 0)
        goto out;
    if (*field != NULL && !is(said, *field))
        GCR_FAIL(GCR_EINVAL, "%sthe %s of '%s' is '%s' above, and '%.*s' here",
                 place(at, from, said.column), what, host->name, *field, (int)said.bytes,
                 said.text);
    if (*field == NULL)
        GCR_TRY(gcr_text_copy(field, said.text, said.bytes));
out:
    return status;
}

static gcr_status add_ranks(reader *from, gcr_host *host, int is_new, const machine *said)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];
    const int column = said->count.bytes > 0 ? said->count.column : said->name.column;

    if (!is_new && (host->ranks == GCR_HOST_RANKS_AUTO) != (said->ranks == GCR_HOST_RANKS_AUTO))
        GCR_FAIL(GCR_EINVAL,
                 "%s'%s' takes a number of ranks in one line and 'auto' in another (line %d names "
                 "it first)",
                 place(at, from, column), host->name, host->line);
    host->ranks += said->ranks;
    from->ranks += said->ranks;
    if (from->ranks > GCR_HOST_RANKS_MAX)
        GCR_FAIL(GCR_EINVAL, "%swith this line there are more than %d ranks",
                 place(at, from, column), GCR_HOST_RANKS_MAX);
out:
    return status;
}

static gcr_status add(reader *from, const machine *said)
{
    gcr_status status = GCR_OK;
    gcr_host *host = NULL;
    int is_new = 0;

    GCR_TRY(find_host(&host, &is_new, from, said->name));
    GCR_TRY(put(&host->user, from, host, said->user, "user"));
    GCR_TRY(put(&host->port, from, host, said->port, "port"));
    GCR_TRY(put(&host->bind_address, from, host, said->bind_address, "address to bind to"));
    GCR_TRY(add_ranks(from, host, is_new, said));
out:
    return status;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word from `*at` on; no bytes: there is none. */
static word next_word(word line, size_t *at)
{
    size_t first, end;

    while (*at < line.bytes && is_blank(line.text[*at]))
        (*at)++;
    first = *at;
    for (end = first; end < line.bytes && !is_blank(line.text[end]);)
        end++;
    *at = end;
    return cut(line, first, end - first);
}

static gcr_status read_line(reader *from, word line)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES];
    machine said = { 0 };
    word port, words[WORDS_MAX + 1];
    size_t next = 0;

    line = cut(line, 0, find(line, '#'));
    for (int i = 0; i <= WORDS_MAX; i++)
        words[i] = next_word(line, &next);
    if (words[0].bytes == 0)
        goto out;
    GCR_TRY(read_machine(&said, from, words[0]));
    if (words[1].bytes > 0) {
        GCR_TRY(read_address(&said.bind_address, &port, from, words[1], "an address to bind to"));
        said.bind_address.bytes += port.bytes > 0 ? port.bytes + 1 : 0; /* as one text */
    }
    if (words[WORDS_MAX].bytes > 0)
        GCR_FAIL(GCR_EINVAL,
                 "%sthere is more in this line than a machine and an address to bind to",
                 place(at, from, words[WORDS_MAX].column));
    GCR_TRY(add(from, &said));
out:
    return status;
}

static void keep_node(void *host)
{
    (void)host; /* the list's */
}

gcr_status gcr_host_list_parse(gcr_host_list *out, const char *source, const char *text,
                               size_t bytes)
{
    gcr_status status = GCR_OK;
    reader from = { .source = source };

    *out = (gcr_host_list){ 0 };
    for (size_t at = 0; at < bytes; at++) {
        const word rest = { text + at, bytes - at, 1 };
        const word line = cut(rest, 0, find(rest, '\n'));

        from.line++;
        GCR_TRY(read_line(&from, line));
        at += line.bytes;
    }
    if (from.list.count == 0)
        GCR_FAIL(GCR_EINVAL, "%s: there is no machine in it", source);
    *out = from.list;
    from.list = (gcr_host_list){ 0 }; /* handed over */
out:
    tdestroy(from.by_name, keep_node);
    gcr_host_list_clear(&from.list);
    return status;
}

/* One byte more than is allowed is read, so that the excess is noticed. */
gcr_status gcr_host_list_read(gcr_host_list *out, const char *path)
{
    gcr_status status = GCR_OK;
    const int is_stdin = strcmp(path, "-") == 0;
    const char *source = is_stdin ? "standard input" : path;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    char *text = NULL;
    size_t bytes;

    *out = (gcr_host_list){ 0 };
    if (file == NULL)
        GCR_FAIL(GCR_EUNREADABLE, "%s: cannot read the list of machines: %s", source,
                 strerror(errno));
    text = malloc(GCR_HOST_FILE_BYTES_MAX + 1);
    if (text == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to read %s", source);
    bytes = fread(text, 1, GCR_HOST_FILE_BYTES_MAX + 1, file);
    if (ferror(file))
        GCR_FAIL(GCR_EUNREADABLE, "%s: cannot read the list of machines: %s", source,
                 strerror(errno));
    if (bytes > GCR_HOST_FILE_BYTES_MAX)
        GCR_FAIL(GCR_EINVAL, "%s: a list of machines has at most %d bytes", source,
                 GCR_HOST_FILE_BYTES_MAX);
    GCR_TRY(gcr_host_list_parse(out, source, text, bytes));
out:
    free(text);
    if (file != NULL && !is_stdin)
        fclose(file);
    return status;
}

void gcr_host_list_clear(gcr_host_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        destroy_host(list->hosts[i]);
    free(list->hosts);
    *list = (gcr_host_list){ 0 };
}
