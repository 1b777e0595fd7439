/* cuda/cuda_constants.c -- see cuda_constants.h. */
#include "cuda/cuda_constants.h"

#include "base/check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Characters of a string or character constant, its quotes included. */
static size_t quoted_bytes(const char *text)
{
    size_t bytes = 1;

    while (text[bytes] != '\0' && text[bytes] != text[0] && text[bytes] != '\n')
        bytes += text[bytes] == '\\' && text[bytes + 1] != '\0' ? 2 : 1;
    return text[bytes] == text[0] ? bytes + 1 : bytes;
}

static size_t comment_bytes(const char *text)
{
    const char *end = text[1] == '/' ? strchr(text, '\n') : strstr(text + 2, "*/");

    if (end == NULL)
        return strlen(text);
    return (size_t)(end - text) + (text[1] == '/' ? 0 : 2);
}

/* What the preprocessor takes for a number: 1e-5f, 0x1p-3, 07, 1ull. */
static size_t number_bytes(const char *text)
{
    const int is_hex = text[0] == '0' && tolower((unsigned char)text[1]) == 'x';
    const char exponent = is_hex ? 'p' : 'e';
    size_t bytes = 1;

    for (;;)
        if ((text[bytes] == '+' || text[bytes] == '-') &&
            tolower((unsigned char)text[bytes - 1]) == exponent)
            bytes++;
        else if (is_word(text[bytes]) || text[bytes] == '.')
            bytes++;
        else
            return bytes;
}

/* Whether such a number is floating and ends in a digit or its point. */
static int is_bare(const char *text, size_t bytes)
{
    const int is_hex = bytes > 1 && tolower((unsigned char)text[1]) == 'x';
    const char *const marks = is_hex ? ".pP" : ".eE";
    size_t k = 0;

    while (k < bytes && strchr(marks, text[k]) == NULL)
        k++;
    return k < bytes && !isalpha((unsigned char)text[bytes - 1]);
}

/* Characters of what stands at `text`, 1 or more. */
static size_t token_bytes(const char *text)
{
    size_t bytes = 1;

    if (text[0] == '"' || text[0] == '\'')
        return quoted_bytes(text);
    if (text[0] == '/' && (text[1] == '/' || text[1] == '*'))
        return comment_bytes(text);
    while (is_word(text[0]) && is_word(text[bytes]))
        bytes++;
    return bytes;
}

static int is_number(const char *text)
{
    return isdigit((unsigned char)text[0]) || (text[0] == '.' && isdigit((unsigned char)text[1]));
}

gcr_status gcr_cuda_narrow_constants(char **out, const char *text)
{
    gcr_status status = GCR_OK;
    char *copy = malloc(2 * strlen(text) + 1),
         *to = copy; /* a constant has two characters or more */

    *out = NULL;
    if (copy == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the text of a kernel");
    while (*text != '\0') {
        const int is_constant = is_number(text);
        const size_t bytes = is_constant ? number_bytes(text) : token_bytes(text);

        memcpy(to, text, bytes);
        to += bytes;
        if (is_constant && is_bare(text, bytes))
            *to++ = 'f';
        text += bytes;
    }
    *to = '\0';
    *out = copy;
out:
    return status;
}
