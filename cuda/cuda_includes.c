/*
 * cuda/cuda_includes.c -- what a kernel may include when it is compiled for a GPU.
 *
 * The run-time compiler would read any file that a path from the root or one with ".." leads to. So
 * the directives are looked at before it sees them, as a preprocessor does: lines that end in a
 * backslash are one, and comments are blanks.
 */
#include "cuda/cuda_compile.h"

#include "base/check.h"

#include <string.h>

/* A place in the text, and its line, counted from 1. */
typedef struct reader {
    const char *at;
    int line;
} reader;

/* Goes over backslashes at the ends of lines. */
static char look(reader *r)
{
    while (r->at[0] == '\\' && (r->at[1] == '\n' || (r->at[1] == '\r' && r->at[2] == '\n'))) {
        r->at += r->at[1] == '\n' ? 2 : 3;
        r->line++;
    }
    return *r->at;
}

static char take(reader *r)
{
    const char c = look(r);

    if (c == '\n')
        r->line++;
    if (c != '\0')
        r->at++;
    return c;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static int is_of_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Behind a comment, if one begins here. */
static int skip_comment(reader *r)
{
    reader ahead = *r;
    const char opening = take(&ahead) == '/' ? take(&ahead) : '\0';

    if (opening == '/')
        while (look(&ahead) != '\n' && look(&ahead) != '\0')
            take(&ahead);
    else if (opening == '*')
        for (char last = ' ', c = take(&ahead); c != '\0' && !(last == '*' && c == '/');
             last = c, c = take(&ahead))
            ;
    else
        return 0;
    *r = ahead;
    return 1;
}

static void skip_blanks(reader *r)
{
    for (;;) {
        if (is_blank(look(r)))
            take(r);
        else if (look(r) != '/' || !skip_comment(r))
            return;
    }
}

/* Behind a string or a character. */
static void skip_quoted(reader *r)
{
    const char quote = take(r);

    while (look(r) != quote && look(r) != '\n' && look(r) != '\0')
        if (take(r) == '\\' && look(r) != '\0')
            take(r);
    if (look(r) == quote)
        take(r);
}

static void read_word(char *out, size_t bytes, reader *r)
{
    size_t count = 0;

    for (; is_of_word(look(r)); take(r))
        if (count + 1 < bytes)
            out[count++] = look(r);
    out[count] = '\0';
}

/* The rest of the line, without comments and blanks around it. */
static void read_rest(char *out, size_t bytes, reader *r)
{
    size_t count = 0;

    for (skip_blanks(r); look(r) != '\n' && look(r) != '\0'; take(r)) {
        if (look(r) == '/' && skip_comment(r))
            break;
        if (count + 1 < bytes)
            out[count++] = look(r);
    }
    while (count > 0 && is_blank(out[count - 1]))
        count--;
    out[count] = '\0';
}

static int is_inclusion(const char *word)
{
    return strcmp(word, "include") == 0 || strcmp(word, "include_next") == 0 ||
           strcmp(word, "import") == 0 || strcmp(word, "embed") == 0;
}

static gcr_status check_directive(reader *r, const char *path)
{
    gcr_status status = GCR_OK;
    char word[32], rest[256];
    int line;

    skip_blanks(r);
    line = r->line;
    read_word(word, sizeof word, r);
    if (!is_inclusion(word))
        goto out;
    read_rest(rest, sizeof rest, r);
    if (strcmp(rest, "\"gridcrunch/kernel.h\"") != 0 && strcmp(rest, "<gridcrunch/kernel.h>") != 0)
        GCR_FAIL(GCR_EINVAL,
                 "%s:%d: a kernel for a GPU includes gridcrunch/kernel.h and nothing else, not %s",
                 path, line, rest);
out:
    return status;
}

/* Whether a directive begins here: '#', or its spelling with two characters. */
static int take_hash(reader *r)
{
    reader ahead = *r;
    const char first = take(&ahead);

    if (first != '#' && !(first == '%' && take(&ahead) == ':'))
        return 0;
    *r = ahead;
    return 1;
}

gcr_status gcr_cuda_check_includes(const char *path, const char *text)
{
    gcr_status status = GCR_OK;
    reader r = { .at = text, .line = 1 };
    int is_at_start = 1; /* of a line, but for blanks */

    while (look(&r) != '\0') {
        skip_blanks(&r);
        if (is_at_start && take_hash(&r))
            GCR_TRY(check_directive(&r, path));
        else if (look(&r) == '"' || look(&r) == '\'')
            skip_quoted(&r);
        else if (look(&r) != '\0') {
            is_at_start = take(&r) == '\n';
            continue;
        }
        is_at_start = 0;
    }
out:
    return status;
}
