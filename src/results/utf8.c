/* results/utf8.c -- see utf8.h. */
#include "results/utf8.h"

#include "base/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How many bytes follow a first byte; -1: it cannot be one. */
static int follower_count(unsigned char first)
{
    if (first < 0x80)
        return 0;
    if (first < 0xc2 || first > 0xf4)
        return -1; /* a follower, a longer spelling of ASCII, or beyond U+10FFFF */
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

/* Length of the character at `text`, which is not at its end; 0: not UTF-8. */
static size_t character_bytes(const unsigned char *text)
{
    const int followers = follower_count(text[0]);
    uint32_t code = 0;

    if (followers <= 0)
        return followers == 0;
    for (int i = 1; i <= followers; i++) {
        if ((text[i] & 0xc0) != 0x80) /* a terminator too */
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    code |= (uint32_t)(text[0] & (0x3f >> followers)) << (6 * followers);
    if (followers == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000)))
        return 0; /* a longer spelling, or half a surrogate pair */
    if (followers == 3 && (code < 0x10000 || code > 0x10ffff))
        return 0;
    return (size_t)followers + 1;
}

int gcr_utf8_is_valid(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at != 0) {
        const size_t bytes = character_bytes(at);

        if (bytes == 0)
            return 0;
        at += bytes;
    }
    return 1;
}

static void escape(char *to, const unsigned char *at)
{
    static const char digits[] = "0123456789abcdef";

    while (*at != 0) {
        const size_t bytes = character_bytes(at);

        if (bytes > 0) {
            memcpy(to, at, bytes);
            to += bytes;
            at += bytes;
            continue;
        }
        *to++ = '\\';
        *to++ = 'x';
        *to++ = digits[*at >> 4];
        *to++ = digits[*at & 0xf];
        at++;
    }
    *to = 0;
}

gcr_status gcr_utf8_text(const char **out, const char *text)
{
    gcr_status status = GCR_OK;
    char *copy = NULL;

    *out = text;
    if (gcr_utf8_is_valid(text))
        goto out;
    *out = NULL;
    copy = malloc(4 * strlen(text) + 1);
    if (copy == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a name of %zu bytes", strlen(text));
    escape(copy, (const unsigned char *)text);
    *out = copy;
out:
    return status;
}

void gcr_utf8_release(const char *out, const char *text)
{
    if (out != text)
        free((char *)out); /* ours, then: gcr_utf8_text() made it */
}
