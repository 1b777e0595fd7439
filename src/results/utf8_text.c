/* results/utf8_text.c -- see utf8_text.h. */
#include "results/utf8_text.h"

#include "base/check.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static void escape(char *to, const char *at, const char *end)
{
    static const char digits[] = "0123456789abcdef";

    while (at < end) {
        const size_t bytes = gcr_utf8_character(at, (size_t)(end - at));
        const unsigned char stray = (unsigned char)*at;

        if (bytes > 0) {
            memcpy(to, at, bytes);
            to += bytes;
            at += bytes;
            continue;
        }
        *to++ = '\\';
        *to++ = 'x';
        *to++ = digits[stray >> 4];
        *to++ = digits[stray & 0xf];
        at++;
    }
    *to = 0;
}

gcr_status gcr_utf8_text(const char **out, const char *text)
{
    gcr_status status = GCR_OK;
    const size_t bytes = strlen(text);
    char *copy = NULL;

    *out = text;
    if (gcr_utf8_is_valid(text, bytes))
        goto out;
    *out = NULL;
    copy = malloc(4 * bytes + 1);
    if (copy == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a name of %zu bytes", bytes);
    escape(copy, text, text + bytes);
    *out = copy;
out:
    return status;
}

void gcr_utf8_release(const char *out, const char *text)
{
    if (out != text)
        free((char *)out); /* ours, then: gcr_utf8_text() made it */
}
